"""``python -m reason`` is the command ``reason``."""

from reason.cli import main

if __name__ == "__main__":
    main(prog_name="reason")
