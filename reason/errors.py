"""Errors that REASON raises on purpose: each message is one sentence that says what, where and what to do."""


class ReasonError(Exception):
    """Base class; the command line prints its message and exits, the service turns it into a problem document."""


class UnsupportedImageError(ReasonError):
    """The bytes are not in an image format that REASON reads."""


class BrokenImageError(ReasonError):
    """The format is known but the image is truncated, empty, damaged or absurdly large."""


class BundleError(ReasonError):
    """A bundle folder is missing, incomplete, altered or inconsistent."""


class SharingError(ReasonError):
    """A bundle cannot be pushed to, or fetched from, where it is shared."""


class ClassifierError(ReasonError):
    """A classifier cannot be found, read or judged as it is given."""


class DatasetError(ReasonError):
    """A data set is missing or unreadable."""


class SampleError(ReasonError):
    """There are no sample pictures for a data set on this machine."""


class SettingsError(ReasonError, ValueError):
    """A setting is unknown, missing, of the wrong type or out of range.

    Args:
        key: dotted name of the setting.
        problem: the rest of the sentence, such as ``must be positive, not -1.``
    """

    def __init__(self, key: str, problem: str) -> None:
        super().__init__(key, problem)
        self.key, self.problem = key, problem

    def __str__(self) -> str:
        return f"{self.key} {self.problem}"


class RecipeError(ReasonError):
    """A training recipe has an unknown key or a value of the wrong type."""


class FitError(ReasonError):
    """A fit is impossible: an outcome is missing, the score ranks by chance, or the network does not take the views."""


class PolicyError(ReasonError, ValueError):
    """A threshold, a risk and a delta that do not go together, or one that is out of range."""


class EvidenceError(ReasonError):
    """Evidence of images of which not the same was measured is put together."""


class GuaranteeError(ReasonError):
    """No threshold of a bundle can guarantee the risk that was asked for, or nothing is there to tell by."""


class MetricError(ReasonError):
    """Scores or outcomes are not what a metric is defined for: empty, of unequal length, NaN or out of range."""


class ConfigError(ReasonError):
    """A setting of the service is missing, unknown or out of range."""


class CorruptionError(ReasonError):
    """A corruption is unknown, or its severity or seed is out of range."""


def first_line(error: Exception, longest: int = 200) -> str:
    """Return the first line of what an error of another library says, or its type where it says nothing."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0][:longest]
