"""Rows of positions from ids, and back."""

from collections.abc import Sequence
from typing import Any

import torch

from palate import _arguments
from palate.data._sources import open_table
from palate.data._table import listed
from palate.errors import DataError
from palate.torch._refusals import refuses_others


class Rows:
    """The methods of `CollabDataLoaders` about rows (user, item) that need no ratings."""

    classes: dict[str, Any]
    names: tuple[str, str]
    device: torch.device
    val_bs: int

    def shown(self, x: torch.Tensor) -> dict[str, list[Any]]:
        """Return the ids and titles of rows (user, item), by the names of their columns."""
        return {
            name: [vocabulary[at] for at in x[:, column]]
            for column, (name, vocabulary) in enumerate(self.classes.items())
        }

    def positions(self, users: Sequence[Any], items: Sequence[Any]) -> torch.Tensor:
        """Return the rows (user, item) of positions for pairs of ids; int64, shape (n, 2).

        Raises
        ------
        UnknownIdError
            If one of them is not in the vocabulary.
        """
        user, item = self.classes.values()
        pairs = [[user.o2i[u], item.o2i[i]] for u, i in zip(users, items, strict=True)]
        return torch.tensor(pairs, dtype=torch.int64, device=self.device).reshape(-1, 2)

    @refuses_others
    def test_dl(self, test_items: Any, bs: int | None = None) -> list[tuple[torch.Tensor]]:
        """Return a table's users and items in batches (x,), for `Learner.get_preds`.

        Parameters
        ----------
        test_items
            A pandas, polars or Arrow table with the columns of users and items, named as in
            `classes`.
        bs
            The batch size; by default that of the held-out ratings.

        Raises
        ------
        DataError
            If a column does not exist.
        UnknownIdError
            If a user or an item is not in the vocabulary.
        """
        frame = open_table(test_items, lambda fields: True).read()
        missing = [name for name in self.names if name not in frame.columns]
        if missing:
            raise DataError(
                f"the table has no column {missing[0]!r}; it has {listed(frame.columns)}"
            )
        x = self.positions(*(frame[name].to_list() for name in self.names))
        return [
            (rows,)
            for rows in torch.split(x, self.val_bs if bs is None else _arguments.count("bs", bs))
        ]
