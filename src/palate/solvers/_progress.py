"""Progress of a fit: a row for each epoch or sweep, reported to a function or as a table."""

import logging
import sys
from collections.abc import Callable
from typing import Any, TextIO

from palate._log import log

Report = Callable[[dict[str, Any]], None]
Progress = Report | bool | None


def reporter(progress: Progress) -> Report:
    """Return the function that is called with each row: if none is given, it is for the log."""
    if callable(progress):
        return progress
    return HistoryTable(sys.stdout) if progress else _log_row


def _log_row(row: dict[str, Any]) -> None:
    """Log what is not shown otherwise."""
    if log.isEnabledFor(logging.DEBUG):
        log.debug("%s", "  ".join(f"{name} {_text(name, value)}" for name, value in row.items()))


class HistoryTable:
    """Prints the rows of a history as a table, as in the book, each as soon as it is complete."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._started = False

    def __call__(self, row: dict[str, Any]) -> None:
        """Print a row, and before the first one the header."""
        if not self._started:
            self._print("time" if name == "seconds" else name for name in row)
            self._started = True
        self._print(_text(name, value) for name, value in row.items())

    def _print(self, cells: Any) -> None:
        first, *others, last = cells
        middle = "".join(f"{cell:>12}" for cell in others)
        print(f"{first:>5}{middle}{last:>8}", file=self._file, flush=True)


def _text(name: str, value: Any) -> str:
    if value is None:
        return ""
    if name == "seconds":
        return f"{value:.2f}s"
    return f"{value:.6f}" if isinstance(value, float) else str(value)
