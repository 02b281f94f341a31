"""Ratings as tensors in batches, with the vocabularies of the book's chapter."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, overload

import numpy as np
import pandas as pd
import polars as pl
import torch
from numpy.typing import NDArray

from palate import _arguments
from palate.data._columns import usual
from palate.data._ratings import Ratings, require_ratings, require_shared_ids
from palate.data._read_ratings import read_rows
from palate.data._sources import open_table
from palate.data._table import listed
from palate.errors import DataError, SettingError, UnknownIdError
from palate.learned._lookup import IdIndex, ItemIndex
from palate.torch._refusals import NamesAlternatives, refuses_others
from palate.torch._rows import Rows

MISSING = "#na#"
_MAX_SHOWN = 10
_MAX_SEED = (1 << 63) - 1
# Widths of embeddings by the number of categories, as in fastai.
_EMBEDDING_SCALE, _EMBEDDING_POWER, _MAX_EMBEDDING_WIDTH = 1.6, 0.56, 600


class Vocabulary(Sequence[Any]):
    """The users or the items by their positions in a table of embeddings.

    Position 0 is ``#na#``, which stands for a missing user or item; row n of the ratings' users or
    items is at position n + 1. A position may be a tensor, as in the book's code.

    Attributes
    ----------
    o2i
        Maps an id or a title to its position, as in ``o2i["Fargo (1996)"]``.
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
        at = range(len(self))[position]  # negative positions count from the end
        return self._names[at - 1] if at else MISSING

    def __repr__(self) -> str:
        first = ", ".join(repr(name) for name in self[:_MAX_SHOWN])
        return f"[{first}{', ...' if len(self) > _MAX_SHOWN else ''}] ({len(self):,} in total)"


class Positions:
    """Maps an id or a title to its position; see `Vocabulary`."""

    def __init__(self, n: int, shown: dict[Any, int], row: Callable[[Any], int]) -> None:
        self._n, self._shown, self._row = n, shown, row

    def __len__(self) -> int:
        return self._n

    def __getitem__(self, name: Any) -> int:
        """Return the position of an id or a title.

        Raises
        ------
        UnknownIdError
            If it is unknown, or a title names several items. Neither maps to ``#na#``.
        """
        if isinstance(name, str):
            if name == MISSING:
                return 0
            if name in self._shown:  # a title takes precedence over an equal id
                return self._shown[name] + 1
        return self._row(name) + 1

    def __contains__(self, name: Any) -> bool:
        try:
            self[name]
        except UnknownIdError:
            return False
        return True


class Loader(NamesAlternatives):
    """Batches of ratings.

    Attributes
    ----------
    ratings
        The ratings.
    x
        The positions of user and item; int64, shape (n, 2).
    y
        The ratings; float32, shape (n, 1).
    bs
        The batch size, at most the number of rows.
    shuffled
        Whether each pass draws a new order, without replacement, and drops the last short batch;
        otherwise a pass has all rows in their order.
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

    def one_batch(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Return x and y of the first batch of a pass."""
        return next(iter(self))

    def order(self) -> torch.Tensor:
        """Return the order of the rows for one pass, drawn from torch's CPU generator."""
        n = len(self.ratings)
        return torch.randperm(n) if self.shuffled else torch.arange(n)

    def batches(self, order: torch.Tensor) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Yield x and y of each batch of `order`."""
        order = order.to(self.x.device)
        x, y = self.x[order], self.y[order]
        for first in range(0, len(self) * self.bs, self.bs):
            yield x[first : first + self.bs], y[first : first + self.bs]


class CollabDataLoaders(Rows, NamesAlternatives):
    """Training ratings and held-out ratings, on a device.

    Created by `from_df` or `from_ratings`. ``dls[0]`` is `train`, and ``dls[1]`` is `valid`.

    Attributes
    ----------
    train, valid
        The training and the held-out ratings, in batches (x, y); see `Loader`.
    classes
        The `Vocabulary` of the users and that of the items, by the names of their columns.
    device
        The device of the tensors.
    path
        The folder of the files that a `Learner` writes.
    """

    def __init__(
        self,
        train: Ratings,
        valid: Ratings,
        *,
        names: tuple[str, str],
        bs: int,
        val_bs: int | None = None,
        device: torch.device | str | None,
        path: str | Path = ".",
    ) -> None:
        _require_trainable(train)
        self.path = Path(path)
        self.device = torch.device(device) if device is not None else default_device()
        self.bs = _arguments.count("bs", bs)
        self.train = Loader(train, self.bs, self.device, shuffled=True)
        self.val_bs = self.bs if val_bs is None else _arguments.count("val_bs", val_bs)
        self.valid = Loader(valid, self.val_bs, self.device, shuffled=False)
        self.names = names
        users, items = train.users, train.items
        titles = items["item"]
        if titles.equals(items["id"].cast(pl.String)):  # no titles: ids in their own type
            titles = items["id"]
        self.classes = {
            names[0]: Vocabulary(users["id"], IdIndex(users["id"], "user").row),
            names[1]: Vocabulary(titles, ItemIndex(items).row),
        }

    @classmethod
    @refuses_others
    def from_df(  # noqa: PLR0917  (fastai's order)
        cls,
        ratings: Any,
        valid_pct: float = 0.2,
        user_name: str | None = None,
        item_name: str | None = None,
        rating_name: str | None = None,
        seed: int | None = None,
        path: str | Path = ".",
        *,
        bs: int = 64,
        val_bs: int | None = None,
        device: torch.device | str | None = None,
    ) -> "CollabDataLoaders":
        """Create loaders from a table with columns of users, items and ratings.

        Every row is kept, even if a user has rated an item twice, as happens when two films have
        the same title.

        Parameters
        ----------
        ratings
            A pandas, polars or Arrow table.
        valid_pct
            The fraction of the rows to hold out; 0 to train on all.
        user_name, item_name, rating_name
            The names of the columns. Columns without a name are found by their usual names; if
            none of these exists, they are the first, second and third column.
        seed
            The seed of the split. By default the split is drawn from torch's generator, so that
            ``torch.manual_seed`` makes it reproducible.
        path
            The folder of the files that a `Learner` writes; the present one by default.
        bs, val_bs
            The batch sizes of the training and the held-out ratings; by default equal.
        device
            The device of the tensors; by default CUDA or MPS if available, else the CPU.

        Raises
        ------
        DataError
            If a column does not exist, or a value is missing or not a number; the message names
            the row and the column.
        """
        frame = open_table(ratings, lambda fields: True).read()
        columns = _columns(frame.columns, [user_name, item_name, rating_name])
        rows, _ = read_rows(frame, columns, timestamps=False)
        names = (str(columns["user"]), str(columns["item"]))
        train, valid = split(rows, valid_pct, seed)
        return cls(train, valid, names=names, bs=bs, val_bs=val_bs, device=device, path=path)

    @classmethod
    def from_csv(cls, csv: Any, **settings: Any) -> "CollabDataLoaders":
        """Create loaders from a CSV file with a header; see `from_df`.

        Parameters
        ----------
        csv
            Its path, or anything else that ``pd.read_csv`` reads.
        settings
            As of `from_df`.
        """
        return cls.from_df(pd.read_csv(csv), **settings)

    @classmethod
    def from_ratings(
        cls,
        ratings: Ratings,
        valid_pct: float = 0.2,
        *,
        valid: Ratings | None = None,
        seed: int | None = None,
        bs: int = 64,
        val_bs: int | None = None,
        device: torch.device | str | None = None,
    ) -> "CollabDataLoaders":
        """Create loaders from Palate ratings; items have ids and are shown by title.

        Parameters
        ----------
        ratings
            Such as ``palate.movielens("100k")``.
        valid_pct, seed, bs, val_bs, device
            As in `from_df`.
        valid
            Ratings held out by `palate.splits`, over the same users and items; all of `ratings`
            are then training ratings.

        Raises
        ------
        DataError
            If `ratings` or `valid` is not a `Ratings`, or their users or items differ.
        """
        if valid is None:
            ratings, valid = split(require_ratings(ratings), valid_pct, seed)
        require_shared_ids(require_ratings(ratings), require_ratings(valid))
        return cls(ratings, valid, names=("user", "title"), bs=bs, val_bs=val_bs, device=device)

    def __getitem__(self, index: int) -> Loader:
        return (self.train, self.valid)[index]

    def one_batch(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Return x and y of one training batch; shapes (bs, 2) and (bs, 1)."""
        return self.train.one_batch()

    @refuses_others
    def show_batch(self, max_n: int = 10) -> None:
        """Print the first rows of a batch, with ids and titles."""
        x, y = (part[:max_n].cpu() for part in self.one_batch())
        print(pd.DataFrame(self.shown(x) | {"rating": y[:, 0].tolist()}).to_string())

    @cached_property
    def sizes(self) -> tuple[int, int]:
        """The numbers of users and items, including ``#na#``."""
        users, items = self.classes.values()
        return len(users), len(items)


def split(ratings: Ratings, valid_pct: float, seed: int | None) -> tuple[Ratings, Ratings]:
    """Return training and held-out ratings; see `CollabDataLoaders.from_df`."""
    fraction = _arguments.finite("valid_pct", valid_pct)
    if not 0 <= fraction < 1:
        raise SettingError(f"valid_pct is {valid_pct}; it must be at least 0 and below 1")
    generator = None
    if seed is not None:
        generator = torch.Generator().manual_seed(_arguments.integer("seed", seed, 0, _MAX_SEED))
    order: NDArray[np.int64] = torch.randperm(len(ratings), generator=generator).numpy()
    held_out = int(len(ratings) * fraction)
    return ratings.take(order[held_out:]), ratings.take(order[:held_out])


def _columns(names: list[str], given: list[str | None]) -> dict[str, str | None]:
    """Return the columns of users, items and ratings by their roles."""
    roles = dict(zip(("user", "item", "rating"), given, strict=True))
    if len(names) < len(roles):
        raise DataError(
            f"the table has the columns {listed(names)}; it must have three, for users, items and "
            "ratings"
        )
    free = [name for name in names if name not in given]
    found = {role: usual(role, free) for role, name in roles.items() if name is None}
    if not any(found.values()) and len(found) == len(roles):
        return dict(zip(roles, names, strict=False))
    for role, name in found.items():
        if name is None:
            raise DataError(
                f"cannot determine the column of the {role}; specify it with {role}_name=. The "
                f"columns are {listed(names)}"
            )
    return roles | found


def _require_trainable(train: Ratings) -> None:
    if len(train) == 0:
        raise DataError("there are no ratings to train on")
    for ids in (train.users["id"], train.items["id"]):
        if ids.dtype == pl.String and MISSING in ids:
            raise DataError(
                f"an id is {MISSING!r}, which is reserved for missing users and items; rename it"
            )


def default_device() -> torch.device:
    """Return CUDA or MPS if available, else the CPU."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def get_emb_sz(
    dls: CollabDataLoaders, sz_dict: Mapping[str, int] | None = None
) -> list[tuple[int, int]]:
    """Return the number of users and that of items, each with the width of its embedding.

    Parameters
    ----------
    dls
        The ratings.
    sz_dict
        Widths by the names of the columns, as in ``{"title": 50}``. Others follow fastai's rule of
        thumb: 1.6 n^0.56, at most 600.

    Raises
    ------
    SettingError
        If `sz_dict` has another name, or a width below 1.
    """
    given = dict(sz_dict or {})
    unknown = [name for name in given if name not in dls.names]
    if unknown:
        raise SettingError(
            f"there is no column {unknown[0]!r} to give a width to; there are {listed(dls.names)}"
        )
    return [
        (n, _arguments.count(f"the width of {name}", given[name]) if name in given else _width(n))
        for name, n in zip(dls.names, dls.sizes, strict=True)
    ]


def _width(n: int) -> int:
    return int(min(_MAX_EMBEDDING_WIDTH, round(_EMBEDDING_SCALE * n**_EMBEDDING_POWER)))
