"""Tables of items that say which of the given ids were skipped."""

from collections.abc import Iterable
from typing import Any

import polars as pl


class ItemTable(pl.DataFrame):
    """A polars table of items, and the ids that were skipped to make it.

    Tables that are made from it, such as by ``filter``, are plain polars tables.

    Attributes
    ----------
    skipped
        The ids and titles that were given and that the model does not know, each once.
    """

    skipped: tuple[Any, ...] = ()

    @classmethod
    def of(cls, frame: pl.DataFrame, skipped: Iterable[Any]) -> "ItemTable":
        """Return a table, and what was skipped."""
        table = cls(frame)
        table.skipped = tuple(skipped)
        return table
