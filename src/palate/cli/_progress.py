"""Progress on stderr: a bar on a terminal, and a line every ten seconds elsewhere."""

# ruff: noqa: PLC0415

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from palate.cli._output import history_table, to_stderr

# Is called with how much is done, of how much, and with what else is known.
Advance = Callable[[int, int, str], None]
# Seconds between two lines.
_SECONDS = 10.0


@contextmanager
def progress_of_fit(solver: Any) -> Iterator[Any]:
    """Yield a reporter that shows the progress of a fit: epochs as a table, sweeps counted."""
    planned = getattr(solver, "planned", None)
    if planned is None:
        yield history_table(stderr=True)
        return
    with _counting("sweep") as advance:
        yield lambda row: advance(row["sweep"] + 1, planned(row["sweep"]), _sweep(row))


@contextmanager
def progress_of_lists(people: int) -> Iterator[Callable[[int], None]]:
    """Yield a function that shows how many people have their lists, and how long it will take."""
    with _counting("lists") as advance:
        yield lambda done: advance(done, people, "")


@contextmanager
def _counting(noun: str) -> Iterator[Advance]:
    if not sys.stderr.isatty():
        yield _PeriodicLine(noun)
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn(f"{noun} {{task.completed:,}}/{{task.total:,}}"), BarColumn())
    details = (TimeRemainingColumn(), TextColumn("{task.description}"))
    with Progress(*columns, *details, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=0, visible=False)

        def advance(done: int, total: int, what: str) -> None:
            bar.update(task, completed=done, total=total, description=what, visible=True)

        yield advance


class _PeriodicLine:
    """Prints a line to stderr at most every ten seconds."""

    def __init__(self, noun: str) -> None:
        self._noun = noun
        self._start = self._last = time.monotonic()

    def __call__(self, done: int, total: int, what: str) -> None:
        """Print how much is done, for how long it took and will take, if it is time."""
        now = time.monotonic()
        if now - self._last < _SECONDS:
            return
        self._last = now
        seconds = now - self._start
        left = seconds * (total - done) / max(done, 1)
        parts = [f"{self._noun} {done:,}/{total:,}", what, f"{seconds:.0f} s"]
        to_stderr("  ".join([*filter(None, parts), f"about {left:.0f} s left"]))


def _sweep(row: dict[str, Any]) -> str:
    names = ("noise_sd", "train_rmse", "valid_rmse")
    return "  ".join(f"{name} {row[name]:.4f}" for name in names if row[name] is not None)
