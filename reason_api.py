"""The front door of the service: ``python reason_api.py`` serves, ``app`` is for a WSGI server.

``python reason_api.py`` is ``reason serve`` and takes its flags; ``gunicorn reason_api:app`` reads the
environment.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, NoReturn

from reason.errors import ReasonError

if TYPE_CHECKING:
    from flask import Flask


def __getattr__(name: str) -> Flask:
    """Make ``app`` when it is first asked for: importing this module loads no model."""
    if name != "app":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from reason.serving import Settings, create_app
    from reason.serving.telemetry import configure_logging

    try:
        settings = Settings.from_environment()
        configure_logging(settings.log_level)
        app = globals()["app"] = create_app(settings)
    except ReasonError as error:
        _fail(error)
    return app


def _fail(error: ReasonError) -> NoReturn:
    sys.stderr.write(f"{error}\n")
    # A gunicorn worker that exits with any other code is started again, for ever.
    arbiter = sys.modules.get("gunicorn.arbiter")
    sys.exit(arbiter.Arbiter.APP_LOAD_ERROR if arbiter else 1)


def main() -> None:
    """Run ``reason serve`` with the flags of this command."""
    from reason.cli import main as command_line

    command_line(["serve", *sys.argv[1:]], prog_name="reason")


if __name__ == "__main__":
    main()
