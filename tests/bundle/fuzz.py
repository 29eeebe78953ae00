"""Load mutated bundles: each is refused by a ``BundleError``, or judges; none crashes, and none takes a gigabyte.

    python -m tests.bundle.fuzz --count 10000 --seed 0

Bundles are opened by child processes, so that a crash is seen and not suffered. What loads without a new seal must
judge as before; what was forged and sealed again is another bundle, and must give finite numbers or be refused.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image

from reason.errors import BundleError

from .mutations import copy, mutate

MOST_MEMORY = 1_000_000_000
"""Bytes of resident memory that a child may ever take."""

SHARE = 1000
"""Mutations that one child goes through."""

ROOT = Path(__file__).parents[2]


@dataclass
class Findings:
    """What became of the mutated bundles."""

    outcomes: Counter[str] = field(default_factory=Counter)
    """How many were ``refused``, ``equal`` or ``another``."""
    failures: list[str] = field(default_factory=list)
    """What was none of these."""
    memory: int = 0
    """Largest resident memory of a child, in bytes."""


def fuzz(bundle: Path, count: int, seed: int) -> Findings:
    """Go through mutations ``seed``, ``seed + 1`` ... of a bundle in child processes."""
    found, start = Findings(), seed
    while start < seed + count:
        number = min(SHARE, seed + count - start)
        command = [sys.executable, "-m", "tests.bundle.fuzz", "--child", "--count", str(number), "--seed", str(start)]
        child = subprocess.run(
            [*command, "--bundle", str(bundle)], cwd=ROOT, capture_output=True, text=True, check=False, timeout=3600
        )
        lines = [json.loads(line) for line in child.stdout.splitlines()]
        for line in lines:
            found.outcomes[line["outcome"]] += 1
            if line["outcome"] == "failed":
                found.failures.append(f"seed {line['seed']}: {line['what']}: {line['said']}")
            found.memory = max(found.memory, line["memory"])
        start += len(lines)
        if child.returncode:
            found.failures.append(f"seed {start}: the process ended with {child.returncode}: {child.stderr[-500:]}")
            found.outcomes["crashed"] += 1
            start += 1
    if found.memory > MOST_MEMORY:
        found.failures.append(f"{found.memory:,} bytes of memory were taken")
    return found


def _child(bundle: Path, count: int, seed: int) -> None:
    import torch

    import reason

    torch.set_num_threads(1)
    detector = reason.load(bundle)
    picture = Image.radial_gradient("L").resize((60, 40))
    before = _judged(detector, picture)
    with tempfile.TemporaryDirectory(dir=_fast()) as scratch:
        folder = Path(scratch) / "mutated"
        for number in range(seed, seed + count):
            copy(bundle, folder)
            what, said = mutate(folder, random.Random(number)), ""
            try:
                loaded = reason.load(folder)
                after = _judged(loaded, picture)
                if after == before:
                    outcome = "equal"
                elif loaded.digest == detector.digest:
                    outcome, said = "failed", "judges otherwise under the same digest"
                else:
                    outcome = "another"
            except BundleError as error:
                outcome, said = "refused", str(error)
                if "\n" in said or len(said) > 1000 or str(folder.name) not in said:
                    outcome = "failed"
            except Exception as error:
                outcome, said = "failed", f"{type(error).__name__}: {error}"
            line = {"seed": number, "what": what, "outcome": outcome, "said": said[:300], "memory": _memory()}
            sys.stdout.write(json.dumps(line) + "\n")
            sys.stdout.flush()


def _memory() -> int:
    """Return the largest resident memory of this process so far, in bytes; ``getrusage`` would count its parent's."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


def _fast() -> str | None:
    """Return a folder in memory, where there is one."""
    return "/dev/shm" if Path("/dev/shm").is_dir() else None


def _judged(detector: object, picture: Image.Image) -> str:
    """Return a verdict as JSON, which NaN and infinity make impossible."""
    (verdict,) = detector.predict([picture])  # type: ignore[attr-defined]
    facts = verdict.to_dict()
    del facts["timings_ms"], facts["digest"]
    return json.dumps(facts, allow_nan=False)


def main() -> None:
    """Fuzz from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=10_000, help="mutated bundles")
    parser.add_argument("--seed", type=int, default=0, help="of the first mutation; the others count on")
    parser.add_argument("--bundle", type=Path, default=ROOT / "reason_saved" / "mnist", help="bundle to mutate")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        _child(arguments.bundle, arguments.count, arguments.seed)
        return
    found = fuzz(arguments.bundle, arguments.count, arguments.seed)
    outcomes = ", ".join(f"{count} {outcome}" for outcome, count in sorted(found.outcomes.items()))
    sys.stdout.write(f"{outcomes}; at most {found.memory / 1e6:.0f} MB\n")
    if found.failures:
        sys.exit("\n".join(found.failures))


if __name__ == "__main__":
    main()
