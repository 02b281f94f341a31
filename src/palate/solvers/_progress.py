"""How a fit tells of its progress: a row for each epoch, and a table that grows with them."""

import sys
from collections.abc import Callable
from typing import Any, TextIO

Report = Callable[[dict[str, Any]], None]
Progress = Report | bool | None


def reporter(progress: Progress) -> Report:
    """Return the function to call with each row."""
    if callable(progress):
        return progress
    return EpochTable(sys.stdout) if progress else _silent


def _silent(row: dict[str, Any]) -> None:
    pass


class EpochTable:
    """Prints the rows of a history as the book does, each when it is there."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._started = False

    def __call__(self, row: dict[str, Any]) -> None:
        """Print `row`, under the header if it is the first."""
        if not self._started:
            print("epoch  train_loss  valid_loss    time", file=self._file)
            self._started = True
        valid = row["valid_loss"]
        print(
            f"{row['epoch']:>5}  {row['train_loss']:>10.6f}  "
            f"{'' if valid is None else f'{valid:.6f}':>10}  {row['seconds']:>5.2f}s",
            file=self._file,
            flush=True,
        )
