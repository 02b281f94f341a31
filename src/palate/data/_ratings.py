"""`Ratings`, the encoded table that all of Palate works on, and `Csr`, its groups."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
import polars as pl
import polars.selectors as cs
from numpy.typing import NDArray

from palate._native import count_and_sum, group_by_row
from palate._words import counted
from palate.errors import DataError, UnknownIdError

# What a row of the table is: a rating, something that was picked, or how often it was.
Kind = Literal["ratings", "events", "counts"]
KINDS: tuple[Kind, ...] = get_args(Kind)
# A rating is relevant if it is in the top quarter of the scale: 4 or more of 1 to 5.
RELEVANT = 0.75


def how_many(kind: Kind, n: int) -> str:
    """Return how many there are of what, such as "1 rating" or "2,000 events"."""
    return counted(n, kind.removesuffix("s"))


class Csr(NamedTuple):
    """Ratings grouped by row, in compressed sparse rows.

    Row r holds entries ``starts[r]`` to ``starts[r + 1] - 1`` of `partner` and `rating`, in the
    order of the ratings.
    """

    starts: NDArray[np.int64]
    partner: NDArray[np.int32]
    rating: NDArray[np.float32]

    @classmethod
    def empty(cls, rows: int) -> "Csr":
        """Return this number of rows without entries."""
        none = np.zeros(0, dtype=np.float32)
        return cls(np.zeros(rows + 1, dtype=np.int64), none.astype(np.int32), none)

    @property
    def counts(self) -> NDArray[np.int64]:
        """The number of entries of each row; shape (rows,)."""
        return self.starts[1:] - self.starts[:-1]

    @property
    def row(self) -> NDArray[np.int32]:
        """The row of each entry; shape (n,)."""
        return np.repeat(np.arange(len(self.starts) - 1, dtype=np.int32), self.counts)

    def without(self, entries: NDArray[np.bool_]) -> "Csr":
        """Return all entries but those of a mask, in the same rows."""
        dropped = np.concatenate([[0], np.cumsum(entries)])[self.starts]
        return Csr(self.starts - dropped, self.partner[~entries], self.rating[~entries])

    def together(self, other: "Csr") -> "Csr":
        """Return the entries of each row of this one and then of another."""
        row, partner, rating = (
            np.concatenate(both)
            for both in zip(
                (self.row, self.partner, self.rating),
                (other.row, other.partner, other.rating),
                strict=True,
            )
        )
        return group(row, len(self.starts) - 1, partner, rating)

    def take(self, rows: NDArray[np.integer[Any]]) -> "Csr":
        """Return the entries of `rows`, renumbered 0, 1, ... in that order."""
        starts = np.concatenate([[0], np.cumsum(self.counts[rows])])
        entries = self.entries(rows)
        return Csr(starts, self.partner[entries], self.rating[entries])

    def entries(self, rows: NDArray[np.integer[Any]]) -> NDArray[np.int64]:
        """Return where the entries of `rows` are, one row after the other."""
        sizes = self.counts[rows]
        ends = np.cumsum(sizes)
        last = int(ends[-1]) if len(ends) else 0
        return np.repeat(self.starts[rows] - ends + sizes, sizes) + np.arange(last)


@dataclass(frozen=True, eq=False)
class Ratings:
    """A table of ratings, of events or of counts, encoded.

    Attributes
    ----------
    user, item
        For each rating the row of its user in `users` and of its item in `items`; shape (n,).
    rating
        The ratings or the counts as given, or 1 for each event; shape (n,).
    timestamp
        The time of each rating: numbers or datetime64, as in the source, where it has a zone in
        UTC; shape (n,); or None.
    users
        The users, sorted by id: the column ``id``, then those of the users table. Ids are those
        of the source; in text files, integers if all are written so (``7``, not ``007``).
    items
        The items, sorted by id: the columns ``id`` and ``item`` (the title where there is one,
        else the id as text), then the other columns of the items table.
    source
        Where the ratings came from and how they were read, in one line.
    kind
        "ratings" on a scale, where a higher one is better; "events", each of which says that the
        user picked the item (repeated ones are one); or "counts", which say how often (repeated
        ones are added up, 0 is no event). Repeated events and counts have the latest timestamp.

    Notes
    -----
    The kind is recognised by `read_ratings`, unless it is given. Rows without ratings are events,
    or counts of them if pairs of user and item repeat. Several equal ratings are events. Values are
    counts if their column is named so (``plays``, ``hours``), or none is negative, more than 10 are
    different, two of these are above 100, and the largest is more than 20 times the median. All
    others are ratings.
    """

    user: NDArray[np.int32]
    item: NDArray[np.int32]
    rating: NDArray[np.float32]
    timestamp: NDArray[Any] | None
    users: pl.DataFrame
    items: pl.DataFrame
    source: str = field(default="ratings")
    kind: Kind = "ratings"

    def __len__(self) -> int:
        return len(self.rating)

    def __repr__(self) -> str:
        return f"<Ratings: {self}>"

    def __str__(self) -> str:
        low, high = (self.rating.min(), self.rating.max()) if len(self) else (np.nan, np.nan)
        values = "" if self.kind == "events" else f" from {low:g} to {high:g}"
        users, items = counted(self.users.height, "user"), counted(self.items.height, "item")
        rows = how_many(self.kind, len(self))
        return f"{rows}{values} by {users} of {items}; {self.source}"

    def take(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> "Ratings":
        """Return the ratings at `rows` (positions or a mask), over the same users and items.

        Users and items that are left without ratings stay in the tables, so that the parts of a
        split have the same rows. To leave people out with all that is known of them, see
        `without_users`.
        """
        return replace(
            self,
            user=self.user[rows],
            item=self.item[rows],
            rating=self.rating[rows],
            timestamp=None if self.timestamp is None else self.timestamp[rows],
        )

    def without_users(self, users: Iterable[Any]) -> "Ratings":
        """Return the ratings without some users, of whom no trace is left.

        Their ratings, their rows of `users`, and the items that only they have rated are left out:
        that there are such items may be known from these people alone.

        Parameters
        ----------
        users
            Their ids.

        Raises
        ------
        UnknownIdError
            If one of them is not among the users.
        DataError
            If no ratings are left.
        """
        if isinstance(users, str | bytes) or not isinstance(users, Iterable):
            users = [users]
        rows = {name: row for row, name in enumerate(self.users["id"])}
        gone = np.zeros(self.users.height, dtype=np.bool_)
        for user in users:
            if user not in rows:
                raise UnknownIdError(f"there is no user {user!r} in these ratings")
            gone[rows[user]] = True
        return self.of_users(~gone).of_items(~self.rated_only_by(gone)).require_any()

    def rated_only_by(self, users: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return which items have ratings, all of them by these users; masks of all rows."""
        theirs, others = (
            np.bincount(self.item[mask], minlength=self.items.height)
            for mask in (users[self.user], ~users[self.user])
        )
        only: NDArray[np.bool_] = (theirs > 0) & (others == 0)
        return only

    def of_users(self, chosen: NDArray[np.bool_]) -> "Ratings":
        """Return the ratings of the chosen users, over these users only."""
        part = self.take(chosen[self.user])
        return replace(part, user=_renumbered(chosen)[part.user], users=rows_of(self.users, chosen))

    def of_items(self, chosen: NDArray[np.bool_]) -> "Ratings":
        """Return the ratings of the chosen items, over these items only."""
        part = self.take(chosen[self.item])
        return replace(part, item=_renumbered(chosen)[part.item], items=rows_of(self.items, chosen))

    def require_any(self) -> "Ratings":
        """Return these ratings, of which there must be some left.

        Raises
        ------
        DataError
            If there are none.
        """
        if not len(self):
            raise DataError(f"no {self.kind} are left")
        return self

    def shares_ids(self, other: "Ratings") -> bool:
        """Return whether `other` has the same users and items in the same rows."""
        return all(
            ours is theirs or ours["id"].equals(theirs["id"])
            for ours, theirs in ((self.users, other.users), (self.items, other.items))
        )

    def by_user(self) -> Csr:
        """Group the ratings by user."""
        return group(self.user, self.users.height, self.item, self.rating)

    def by_item(self) -> Csr:
        """Group the ratings by item."""
        return group(self.item, self.items.height, self.user, self.rating)

    @property
    def lowest_relevant(self) -> float | None:
        """The lowest rating that makes an item relevant in lists: 4 on a scale of 1 to 5.

        None for events and counts, all of which are relevant.
        """
        if self.kind != "ratings" or len(self) == 0:
            return None
        return lowest_relevant(self.rating.min(), self.rating.max())

    def user_means(self) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return each user's number of ratings and their mean, NaN where there is none."""
        return _means(self.user, self.users.height, self.rating)

    def item_means(self) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return each item's number of ratings and their mean, NaN where there is none."""
        return _means(self.item, self.items.height, self.rating)

    def frame(self) -> pl.DataFrame:
        """Return the ratings as a table with the original ids: user, item, rating, timestamp."""
        columns = {
            "user": self.users["id"][self.user],
            "item": self.items["id"][self.item],
            "rating": self.rating,
        }
        if self.timestamp is not None:
            columns["timestamp"] = self.timestamp
        return pl.DataFrame(columns)


def rows_of(table: pl.DataFrame, chosen: NDArray[np.bool_]) -> pl.DataFrame:
    """Return the chosen rows of a table, with text in place of enumerations.

    The type of an enumeration names its values, also those that no row has any more.
    """
    return table.filter(pl.Series(chosen)).with_columns(cs.enum().cast(pl.String))


def _renumbered(chosen: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Return the row that each chosen row has among the chosen ones; shape (rows,)."""
    rows: NDArray[np.int32] = np.cumsum(chosen, dtype=np.int32) - np.int32(1)
    return rows


def require_ratings(given: Any) -> Ratings:
    """Return the argument, which must be `Ratings`.

    Raises
    ------
    DataError
        If it is something else.
    """
    if not isinstance(given, Ratings):
        raise DataError(
            f"a {type(given).__name__} is not Ratings; read it with palate.read_ratings"
        )
    return given


def require_shared_ids(ratings: Ratings, valid: Ratings) -> None:
    """Check that held-out ratings are over the same users and items as the training ratings.

    Raises
    ------
    DataError
        If they are not.
    """
    if not ratings.shares_ids(valid):
        raise DataError(
            "valid is over other users or items than the ratings; split one table in two with "
            "palate.splits"
        )


def lowest_relevant(low: float, high: float) -> float:
    """Return the lowest relevant rating on a scale; see `Ratings.lowest_relevant`."""
    bottom, top = np.float32(low), np.float32(high)
    return float(bottom + RELEVANT * (top - bottom))


def group(
    rows: NDArray[np.int32],
    n_rows: int,
    partner: NDArray[np.int32],
    rating: NDArray[np.float32],
) -> Csr:
    """Return entries grouped by row; `partner` and `rating` belong to `rows`, shape (n,)."""
    starts, order = group_by_row(rows, n_rows)
    return Csr(starts, partner[order], rating[order])


def _means(
    rows: NDArray[np.int32], n_rows: int, rating: NDArray[np.float32]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    counts, sums = count_and_sum(rows, rating, n_rows)
    with np.errstate(invalid="ignore"):
        return counts, (sums / counts).astype(np.float32)
