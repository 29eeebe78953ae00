"""``python -m train RECIPE``: make a bundle as a recipe says; the same as ``reason train RECIPE``."""

import sys

from reason.cli import main

if __name__ == "__main__":
    main(["train", *sys.argv[1:]], prog_name="reason")
