"""The command line: ``reason fit | predict | info | threshold | corrupt | evaluate | compare | export | push | ...``.

Exit codes: 0 done, 1 a bundle, data set, recipe or setting is at fault, 2 the command was used wrongly,
3 some images could not be read, 130 interrupted, 141 the reader of the output went away.
"""

from __future__ import annotations

import os
import sys
from typing import Any

import click

from reason import __version__
from reason.cli.compare import compare
from reason.cli.corrupt import corrupt
from reason.cli.fit import fit
from reason.cli.info import info
from reason.cli.jobs import evaluate, export, snapshot, train
from reason.cli.predict import predict
from reason.cli.push import push
from reason.cli.serve import serve
from reason.cli.threshold import threshold
from reason.data.pillow_warnings import ignore_metadata_warnings
from reason.errors import ReasonError

INTERRUPTED = 130
"""128 + SIGINT, as shells report it."""
PIPE_CLOSED = 141
"""128 + SIGPIPE, as shells report it."""


class _Commands(click.Group):
    """A group whose commands end with one sentence and an exit code instead of a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except ReasonError as error:
            raise click.ClickException(str(error)) from error
        except KeyboardInterrupt:
            ctx.exit(INTERRUPTED)
        except BrokenPipeError:
            _drop_output()
            ctx.exit(PIPE_CLOSED)


def _drop_output() -> None:
    """Send what is still buffered nowhere, so that the interpreter's last flush cannot fail."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="reason")
def main() -> None:
    """Judge each prediction of an image classifier: accept it, or send it to review."""
    ignore_metadata_warnings()


for _command in (fit, predict, info, threshold, corrupt, evaluate, compare, export, snapshot, serve, train, push):
    main.add_command(_command)
