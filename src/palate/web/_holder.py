"""The model that is served, and a newer one in its place."""

import sys
import threading
import time
from pathlib import Path

from palate.errors import first_line
from palate.model._storage import DESCRIPTION, load
from palate.web._explorer import Explorer

_SECONDS = 1.0


class Holder:
    """Holds the explorer of a model; requests that have one keep it while they run."""

    def __init__(self, explorer: Explorer) -> None:
        self.explorer = explorer
        self._folder: Path | None = None
        self._seen: tuple[int, int] | None = None

    @classmethod
    def of(cls, folder: Path) -> "Holder":
        """Load the model in a folder."""
        seen = _stamp(folder)  # before, so that what is saved meanwhile is another
        holder = cls(Explorer(load(folder)).warm())
        holder._folder, holder._seen = folder, seen
        return holder

    def watch(self) -> None:
        """Look every second whether there is a newer model in the folder, and take it."""
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        while True:
            time.sleep(_SECONDS)
            self.renew()

    def renew(self) -> bool:
        """Take the model in the folder if it is another; return whether it was."""
        if self._folder is None:
            return False
        stamp = _stamp(self._folder)
        if stamp is None or stamp == self._seen:
            return False
        self._seen = stamp
        try:
            self.explorer = Explorer(load(self._folder)).warm()
        except Exception as error:  # whatever is wrong with the new one, the old one goes on
            print(f"The new model is left alone: {first_line(error)}", file=sys.stderr, flush=True)
            return False
        print(f"A new model is served: {self.explorer.model!r}", file=sys.stderr, flush=True)
        return True


def _stamp(folder: Path) -> tuple[int, int] | None:
    """Return what tells one version of the folder from another."""
    try:
        found = (folder / DESCRIPTION).stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino
