"""What Pillow says of damaged metadata in pictures that it still reads."""

import warnings


def ignore_metadata_warnings() -> None:
    """Silence such warnings in the whole process.

    The command line and the service do so as they start, for the pictures are other people's. The library leaves the
    process as it is; and what is ignored around one call would be ignored in all threads, or come back too early.
    """
    warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
