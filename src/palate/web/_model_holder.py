"""The model that is served, and its replacement when a new one is saved in its folder."""

import hashlib
import sys
import threading
import time
from importlib.metadata import version as version_of
from pathlib import Path

from palate._files import MODEL_DESCRIPTION
from palate.errors import first_line
from palate.learned._load import remove_other_copies
from palate.model._model import load
from palate.web._explorer import Explorer

_POLL_SECONDS = 1.0


class ModelHolder:
    """Holds the explorer of the current model.

    A request reads `explorer` once and keeps it while it runs, so that a reload in the meantime
    does not affect it.
    """

    def __init__(self, explorer: Explorer) -> None:
        self.explorer = explorer
        self._folder: Path | None = None
        self._private_copies: Path | None = None
        self._version: tuple[int, int] | None = None

    @classmethod
    def from_folder(cls, folder: Path, private_copies: Path | None = None) -> "ModelHolder":
        """Load the model in a folder; see `palate.load` for `private_copies`.

        Processes that share private copies evaluate a model once for all of them.

        Raises
        ------
        ModelFileError
            If there is no model in the folder, or it is damaged.
        """
        version = _version(folder)  # read first: a model saved while this one loads is a new one
        fingerprint = _fingerprint(folder)
        model = load(folder, private_copies=private_copies)
        evaluation_folder = _evaluation_folder(private_copies, version)
        holder = cls(Explorer(model, evaluation_folder, fingerprint))
        holder._folder, holder._version = folder, version
        holder._private_copies = private_copies
        return holder

    def watch(self) -> None:
        """Check for a new model in the folder every second, in the background."""
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        while True:
            time.sleep(_POLL_SECONDS)
            self.reload_if_changed()

    def reload_if_changed(self) -> bool:
        """Load the model in the folder if it has changed; return whether the new one is served."""
        if self._folder is None:
            return False
        version = _version(self._folder)
        if version is None or version == self._version:
            return False
        self._version = version
        try:
            fingerprint = _fingerprint(self._folder)
            model = load(self._folder, private_copies=self._private_copies)
            evaluation_folder = _evaluation_folder(self._private_copies, version)
            explorer = Explorer(model, evaluation_folder, fingerprint).precompute()
            if self._private_copies is not None:
                remove_other_copies(self._folder, self._private_copies)
            self.explorer = explorer
        except Exception as error:  # any error: the service continues with the model it has
            message = f"The new model can't be loaded, so the old one stays: {first_line(error)}"
            print(message, file=sys.stderr, flush=True)
            return False
        print(f"Now serving the new model: {self.explorer.model!r}", file=sys.stderr, flush=True)
        return True


def _version(folder: Path) -> tuple[int, int] | None:
    """Return the time and inode of a model's description, which every save replaces."""
    try:
        status = (folder / MODEL_DESCRIPTION).stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_ino


def _evaluation_folder(private_copies: Path | None, version: tuple[int, int] | None) -> Path | None:
    """Return where processes that share private copies share the evaluation of a saved model."""
    if private_copies is None or version is None:
        return None
    return private_copies / "evaluations" / "-".join(map(str, version))


def _fingerprint(folder: Path) -> str | None:
    """Return what differs between any two models and any two versions of what serves them.

    The description of a model contains the checksums of its files.
    """
    try:
        description = (folder / MODEL_DESCRIPTION).read_bytes()
    except OSError:  # loading says better what is wrong
        return None
    return hashlib.sha256(description + version_of("palate").encode()).hexdigest()[:16]
