"""What Palate raises: each message says what was wrong, where, and what to do about it."""


class PalateError(Exception):
    """The base of every error that Palate raises on purpose."""


class DataError(PalateError, ValueError):
    """Ratings or a table of items that can't be used as they are."""


class SettingError(PalateError, ValueError):
    """A setting outside its range, or settings that contradict each other."""


class UnknownIdError(PalateError, LookupError):
    """A user or an item that the model does not know, or a title that names several items."""


class DownloadError(PalateError, OSError):
    """A data set that could not be fetched, or that arrived damaged."""


class ModelFileError(PalateError, OSError):
    """A model folder that can't be written or read."""


class MissingExtraError(PalateError, ImportError):
    """A feature whose optional dependency is not installed."""


def first_line(error: object) -> str:
    """Return the first line of another library's error, for a message of our own."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
