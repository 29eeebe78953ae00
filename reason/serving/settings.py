"""Every setting of the service in one place: typed, validated at start, documented where it stands."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields
from pathlib import Path
from typing import Any, Self

from PIL import Image

from reason.base.engines.choice import ENGINES
from reason.data.images import MAX_PIXELS
from reason.errors import ConfigError
from reason.resources import BUNDLES
from reason.suggestions import did_you_mean

PREFIX = "REASON_"
"""Environment variables that start so are settings: ``REASON_PORT`` sets ``port``."""

LOG_LEVELS = ("debug", "info", "warning", "error")

_ORIGIN = re.compile(r"\*|null|https?://[A-Za-z0-9.\-\[\]:]+")


def _key(
    default: Any,
    help_text: str,
    *,
    low: float | None = None,
    high: float | None = None,
    choices: tuple[str, ...] = (),
) -> Any:
    return field(default=default, metadata={"help": help_text, "low": low, "high": high, "choices": choices})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How the service runs; the ``help`` in each field's metadata says what it means.

    Raises:
        ConfigError: a value has the wrong type, is out of range, or does not go with another one.
    """

    host: str = _key("127.0.0.1", "Address to listen on; `0.0.0.0` means every network interface.")
    port: int = _key(5000, "TCP port to listen on; `0` takes a free one.", low=0, high=65535)
    bundles: Path = _key(  # noqa: RUF009 (a field, as all others)
        BUNDLES, "Folder of bundles, one bundle, or `hf://OWNER/NAME` on the Hugging Face Hub."
    )
    bundle: tuple[str, ...] = _key(
        (), "Bundles to serve instead of all of that folder: names, folders or `hf://OWNER/NAME`, separated by commas."
    )
    model: str = _key(
        "", "Model that judges when a request names none; empty means the first of the bundles named, or by name."
    )
    data: Path = _key(  # noqa: RUF009
        Path("data"), "Folder of data sets, whose test pictures are the samples."
    )
    threads: int = _key(64, "Connections served at once; further ones wait to be accepted.", low=1, high=4096)
    decoders: int = _key(
        0, "Images decoded at once, which bounds memory; `0` means one a processor core.", low=0, high=1024
    )
    engine: str = _key(
        "auto",
        "What runs the base classifier; `auto` takes, for each bundle, the fastest that is installed and proved.",
        choices=ENGINES,
    )
    device: str = _key(
        "cpu", "Where PyTorch runs it; `auto` takes a GPU that is there.", choices=("auto", "cpu", "cuda")
    )
    engine_threads: int = _key(
        0, "Processor threads of one forward pass; `0` leaves the choice to PyTorch.", low=0, high=1024
    )
    max_upload_bytes: int = _key(32 * 1024 * 1024, "Largest request body, in bytes.", low=1)
    max_images: int = _key(32, "Most images in one request.", low=1)
    max_pixels: int = _key(
        MAX_PIXELS, "Largest width x height of one image, in pixels.", low=1, high=Image.MAX_IMAGE_PIXELS
    )
    batch_size: int = _key(8, "Most images judged in one pass.", low=1)
    batch_window_ms: float = _key(
        2.0, "Longest wait for companions before a pass starts, in milliseconds.", low=0, high=1000
    )
    queue_size: int = _key(128, "Most images that wait for a pass; beyond it the service answers 503.", low=1)
    timeout_s: float = _key(60.0, "Longest wait of one request for its verdicts, in seconds.", low=0.001, high=3600)
    cors_origins: tuple[str, ...] = _key(
        ("*",),
        "Web origins that may call the service, separated by commas; `*` means all, `null` a page opened from disk.",
    )
    log_level: str = _key("info", "Least severe message that is logged.", choices=LOG_LEVELS)

    def __post_init__(self) -> None:
        for key in fields(self):
            _check(key, getattr(self, key.name))
        for origin in self.cors_origins:
            if not _ORIGIN.fullmatch(origin):
                raise ConfigError(
                    f"{variable('cors_origins')}: {origin!r} is not an origin; "
                    "write *, null or one like https://example.org."
                )
        if self.queue_size < self.max_images:
            raise ConfigError(
                f"{variable('queue_size')} is {self.queue_size} but {variable('max_images')} is "
                f"{self.max_images}; the queue must hold at least one full request."
            )

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None, **overrides: Any) -> Self:
        """Read ``REASON_*`` variables, then apply ``overrides`` whose value is not ``None``.

        Args:
            environ: the environment; that of the process by default. An empty variable counts as not set.
            overrides: settings by name, such as those given as flags; they win over the environment.

        Raises:
            ConfigError: a variable or an override is unknown, ill-typed or out of range.
        """
        environ = os.environ if environ is None else environ
        known = {key.name: key for key in fields(cls)}
        values: dict[str, Any] = {}
        for name, text in sorted(environ.items()):
            if not name.startswith(PREFIX) or not text:
                continue
            key = known.get(name.removeprefix(PREFIX).lower())
            if key is None or name != variable(key.name):
                raise ConfigError(_unknown(name, [variable(known_name) for known_name in known]))
            values[key.name] = _parse(key, text)
        for name, value in overrides.items():
            if name not in known:
                raise ConfigError(_unknown(name, list(known)))
            if value is not None:
                values[name] = value
        return cls(**values)


def variable(name: str) -> str:
    """Return the environment variable of a setting."""
    return PREFIX + name.upper()


def _unknown(name: str, known: list[str]) -> str:
    return f"{name}: unknown setting of the service; {did_you_mean(name, known)}"


def _parse(key: Field[Any], text: str) -> Any:
    kind: type = type(key.default)
    if kind is tuple:
        return tuple(part.strip() for part in text.split(",") if part.strip())
    if isinstance(key.default, Path):
        return Path(text).expanduser()
    try:
        return kind(text)
    except ValueError:
        wanted = "a whole number" if kind is int else "a number"
        raise ConfigError(f"{variable(key.name)}: {text!r} is not {wanted}.") from None


def _check(key: Field[Any], value: Any) -> None:
    name = variable(key.name)
    kind: type | tuple[type, ...] = Path if isinstance(key.default, Path) else type(key.default)
    if not isinstance(value, (int, float) if kind is float else kind) or isinstance(value, bool):
        raise ConfigError(f"{name}: {value!r} has the wrong type; give one like {key.default!r}.")
    low, high, choices = key.metadata["low"], key.metadata["high"], key.metadata["choices"]
    # Written so that NaN, which compares false with everything, fails too.
    if (low is not None and not value >= low) or (high is not None and not value <= high):
        limits = f"at least {low}" if high is None else f"from {low} to {high}"
        raise ConfigError(f"{name}: {value} is out of range; give a number {limits}.")
    if choices and value not in choices:
        raise ConfigError(f"{name}: {value!r} is unknown; give one of {', '.join(choices)}.")
    if key.name == "host" and not value:
        raise ConfigError(f"{name} is empty; give an address such as 127.0.0.1.")
