"""Ratings as tensors, a whole epoch at a time, with vocabularies as the book has them."""

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property, partial
from typing import Any, overload

import numpy as np
import pandas as pd
import polars as pl
import torch
from numpy.typing import NDArray

from palate import _arguments
from palate.data._columns import listed, usual
from palate.data._ratings import Ratings, require_ratings, require_shared_ids
from palate.data._read_ratings import read_rows
from palate.data._sources import open_table
from palate.errors import DataError, SettingError, UnknownIdError
from palate.model._lookup import ItemNames, user_row

NOBODY = "#na#"
_SHOWN = 10
_SEEDS = (1 << 63) - 1
# The widths of embeddings by the number of categories, as fastai has them.
_WIDTH, _POWER, _WIDEST = 1.6, 0.56, 600


class Vocabulary(Sequence[Any]):
    """The users or the items by their positions in a table of embeddings.

    Position 0 is ``#na#``, which stands for nobody and nothing; row n of the ratings' users or
    items is at position n + 1. A position may be a tensor, as the book's code has it.

    Attributes
    ----------
    o2i
        From an id or a title to its position, as in ``o2i["Fargo (1996)"]``.
    """

    def __init__(self, names: pl.Series, row: Callable[[Any], int]) -> None:
        self._names = names
        unique = names.to_frame("name").with_row_index("row").filter(pl.col("name").is_unique())
        shown = {name: row for row, name in unique.iter_rows()}
        self.o2i = Positions(len(self), shown, row)

    def __len__(self) -> int:
        return len(self._names) + 1

    @overload
    def __getitem__(self, position: int) -> Any: ...
    @overload
    def __getitem__(self, position: slice) -> list[Any]: ...
    def __getitem__(self, position: Any) -> Any:
        if isinstance(position, slice):
            return [self[at] for at in range(*position.indices(len(self)))]
        at = range(len(self))[position]  # counts negative ones from the end, as a list does
        return self._names[at - 1] if at else NOBODY

    def __repr__(self) -> str:
        first = ", ".join(repr(name) for name in self[:_SHOWN])
        return f"[{first}{', ...' if len(self) > _SHOWN else ''}] ({len(self):,} in all)"


class Positions:
    """Finds the position of an id or a title; see `Vocabulary`."""

    def __init__(self, n: int, shown: dict[Any, int], row: Callable[[Any], int]) -> None:
        self._n, self._shown, self._row = n, shown, row

    def __len__(self) -> int:
        return self._n

    def __getitem__(self, what: Any) -> int:
        """Return the position of `what`.

        Raises
        ------
        UnknownIdError
            If there is none, or a title names several items: nothing is taken for ``#na#``.
        """
        if isinstance(what, str):
            if what == NOBODY:
                return 0
            if what in self._shown:  # what is shown comes before an id that reads the same
                return self._shown[what] + 1
        return self._row(what) + 1

    def __contains__(self, what: Any) -> bool:
        try:
            self[what]
        except UnknownIdError:
            return False
        return True


class Loader:
    """Some of the ratings, in batches.

    Attributes
    ----------
    ratings
        What it holds.
    x
        The positions of user and item; int64, shape (n, 2).
    y
        The ratings; float32, shape (n, 1).
    bs
        The batch size; all rows where there are fewer.
    shuffled
        Whether rows come in a new order each time, without replacement, the last short batch left
        out; otherwise all come as they stand.
    """

    def __init__(self, ratings: Ratings, bs: int, device: torch.device, *, shuffled: bool) -> None:
        self.ratings, self.shuffled = ratings, shuffled
        self.bs = min(bs, max(1, len(ratings)))
        rows = np.stack([ratings.user, ratings.item], axis=1).astype(np.int64) + 1
        self.x = torch.from_numpy(rows).to(device)
        self.y = torch.from_numpy(ratings.rating[:, None].copy()).to(device)

    def __len__(self) -> int:
        """Return the number of batches."""
        n = len(self.ratings)
        return n // self.bs if self.shuffled else -(-n // self.bs)

    def __iter__(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        return self.batches(self.order())

    def order(self) -> torch.Tensor:
        """Return the order of the rows for one pass, drawn from torch's generator of the CPU."""
        n = len(self.ratings)
        return torch.randperm(n) if self.shuffled else torch.arange(n)

    def batches(self, order: torch.Tensor) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Give x and y of each batch of `order`."""
        order = order.to(self.x.device)
        x, y = self.x[order], self.y[order]
        for first in range(0, len(self) * self.bs, self.bs):
            yield x[first : first + self.bs], y[first : first + self.bs]


class CollabDataLoaders:
    """Ratings to train on and ratings held back, on a device.

    Made by `from_df` or `from_ratings`.

    Attributes
    ----------
    train, valid
        The two parts; each gives batches (x, y). See `Loader`.
    classes
        The `Vocabulary` of the users and that of the items, by the names of their columns.
    device
        Where the tensors live.
    """

    def __init__(
        self,
        train: Ratings,
        valid: Ratings,
        *,
        names: tuple[str, str],
        bs: int,
        device: torch.device | str | None,
    ) -> None:
        _check(train)
        self.device = torch.device(device) if device is not None else default_device()
        self.bs = _arguments.count("bs", bs)
        self.train = Loader(train, self.bs, self.device, shuffled=True)
        self.valid = Loader(valid, self.bs, self.device, shuffled=False)
        self.names = names
        users, items = train.users, train.items
        titles = items["item"]
        if titles.equals(items["id"].cast(pl.String)):  # no titles: ids as they came
            titles = items["id"]
        self.classes = {
            names[0]: Vocabulary(users["id"], partial(user_row, users)),
            names[1]: Vocabulary(titles, ItemNames(items).row),
        }

    @classmethod
    def from_df(  # noqa: PLR0917  (fastai's order)
        cls,
        ratings: Any,
        valid_pct: float = 0.2,
        user_name: str | None = None,
        item_name: str | None = None,
        rating_name: str | None = None,
        seed: int | None = None,
        bs: int = 64,
        device: torch.device | str | None = None,
    ) -> "CollabDataLoaders":
        """Take a table with a column each of users, items and ratings.

        Every row counts, also where a user has rated an item twice, as happens where two films
        have the same title.

        Parameters
        ----------
        ratings
            A pandas, polars or Arrow table.
        valid_pct
            The share of the rows to hold back; 0 to learn from all.
        user_name, item_name, rating_name
            The columns. Those left out are found by their usual names; if none of these is there,
            they are the first, the second and the third.
        seed
            The seed of the split. By default it is drawn from torch's generator, so that
            ``torch.manual_seed`` before this makes everything come out the same again.
        bs
            The batch size.
        device
            Where the tensors live: by default CUDA or MPS where torch has it, else the CPU.

        Raises
        ------
        DataError
            If there is no such column, or a value is missing or not a number; the message names
            the row and the column.
        """
        frame = open_table(ratings, lambda fields: True).read()
        told = _columns(frame.columns, [user_name, item_name, rating_name])
        rows, _ = read_rows(frame, told, timestamps=False)
        names = (str(told["user"]), str(told["item"]))
        train, valid = split(rows, valid_pct, seed)
        return cls(train, valid, names=names, bs=bs, device=device)

    @classmethod
    def from_ratings(
        cls,
        ratings: Ratings,
        valid_pct: float = 0.2,
        *,
        valid: Ratings | None = None,
        seed: int | None = None,
        bs: int = 64,
        device: torch.device | str | None = None,
    ) -> "CollabDataLoaders":
        """Take Palate's own ratings; items are known by id and shown by title.

        Parameters
        ----------
        ratings
            Such as ``palate.movielens("100k")``.
        valid_pct, seed, bs, device
            As in `from_df`.
        valid
            Ratings held back by `palate.splits`, over the same users and items; then none of
            `ratings` is.

        Raises
        ------
        DataError
            If these are no `Ratings`, or `valid` is over other users or items.
        """
        if valid is None:
            ratings, valid = split(require_ratings(ratings), valid_pct, seed)
        require_shared_ids(require_ratings(ratings), require_ratings(valid))
        return cls(ratings, valid, names=("user", "title"), bs=bs, device=device)

    def one_batch(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Return x and y of one batch to train on; shapes (bs, 2) and (bs, 1)."""
        return next(iter(self.train))

    def show_batch(self, max_n: int = 10) -> None:
        """Print the first rows of a batch, with ids and titles."""
        x, y = (part[:max_n].cpu() for part in self.one_batch())
        user, item = self.classes.values()
        columns = {
            self.names[0]: [user[at] for at in x[:, 0]],
            self.names[1]: [item[at] for at in x[:, 1]],
            "rating": y[:, 0].tolist(),
        }
        print(pd.DataFrame(columns).to_string())

    @cached_property
    def sizes(self) -> tuple[int, int]:
        """How many users and items there are, ``#na#`` counted."""
        users, items = self.classes.values()
        return len(users), len(items)


def split(ratings: Ratings, valid_pct: float, seed: int | None) -> tuple[Ratings, Ratings]:
    """Hold back a share of the ratings; see `CollabDataLoaders.from_df`."""
    share = _arguments.finite("valid_pct", valid_pct)
    if not 0 <= share < 1:
        raise SettingError(f"valid_pct is {valid_pct}; it must be at least 0 and below 1")
    generator = None
    if seed is not None:
        generator = torch.Generator().manual_seed(_arguments.integer("seed", seed, 0, _SEEDS))
    order: NDArray[np.int64] = torch.randperm(len(ratings), generator=generator).numpy()
    held_back = int(len(ratings) * share)
    return ratings.take(order[held_back:]), ratings.take(order[:held_back])


def _columns(names: list[str], told: list[str | None]) -> dict[str, str | None]:
    """Return the columns of users, items and ratings."""
    roles = dict(zip(("user", "item", "rating"), told, strict=True))
    if len(names) < len(roles):
        raise DataError(
            f"the table has the columns {listed(names)}; it needs three, of users, of items and of "
            "ratings"
        )
    free = [name for name in names if name not in told]
    found = {role: usual(role, free) for role, name in roles.items() if name is None}
    if not any(found.values()) and len(found) == len(roles):
        return dict(zip(roles, names, strict=False))
    for role, name in found.items():
        if name is None:
            raise DataError(
                f"can't tell which column is the {role}; name it with {role}_name=. The columns "
                f"are {listed(names)}"
            )
    return roles | found


def _check(train: Ratings) -> None:
    if len(train) == 0:
        raise DataError("there are no ratings to train on")
    for ids in (train.users["id"], train.items["id"]):
        if ids.dtype == pl.String and NOBODY in ids:
            raise DataError(f"an id is {NOBODY!r}, which stands for nobody here; call it otherwise")


def default_device() -> torch.device:
    """Return CUDA or MPS where torch has it, else the CPU."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def get_emb_sz(dls: CollabDataLoaders) -> list[tuple[int, int]]:
    """Return for users and items how many there are and how wide their embeddings should be.

    The width is fastai's rule of thumb, 1.6 n^0.56 and at most 600.
    """
    return [(n, min(_WIDEST, round(_WIDTH * n**_POWER))) for n in dls.sizes]
