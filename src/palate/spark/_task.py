"""What each task of a fit does first in its executor."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from threadpoolctl import threadpool_limits


@contextmanager
def task(threads: int) -> Iterator[None]:
    """Compute with so many threads within the block."""
    _freeze_imports()
    with threadpool_limits(threads, user_api="blas"):
        yield


@cache
def _freeze_imports() -> None:
    """Leave what a process has imported out of later searches for garbage.

    PySpark searches after each task; in all of Palate and pandas it would take 50 ms.
    """
    gc.freeze()
