"""What the rows of a table are: ratings on a scale, events, or counts of them."""

from dataclasses import replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from palate.data._columns import names_counts
from palate.data._duplicates import has_duplicates, without_duplicates
from palate.data._ratings import Kind, Ratings
from palate.data._sentinels import sentinel_note
from palate.data._table import Table
from palate.errors import DataError

_OVERRIDE = '(kind="ratings" overrides)'
# By their values alone, counts are recognised by their long tail: there are more than _FEW
# different ones, at least two above _SCALE, where the longest usual scale ends (one may be an
# error), and the largest is more than _TAIL times the median.
_FEW, _SCALE, _TAIL = 10, 100, 20
# Seconds since 1970, as of 1973: in a file without a header, the third column may be times.
_TIMES = 1e8


def of_kind(ratings: Ratings, table: Table, column: str | None, kind: Kind | None) -> Ratings:
    """Return rows that were read as ratings as what they are, with one row for each event or count.

    Parameters
    ----------
    ratings
        The rows of `table`, in their order. Without values they have ratings of 1.
    column
        Which column holds the values; None if there is none.
    kind
        What they are; None to recognise it as `Ratings` says.

    Raises
    ------
    DataError
        If a count is negative, all are 0, a sum overflows, or the values look like times.
    """
    notes = []
    if kind is not None:
        found = kind
    elif column is not None:
        found, said = _recognised(table, column, ratings.rating)
        notes.append(said)
    else:
        found = "counts" if has_duplicates(ratings) else "events"
        notes.append(f"no ratings, read as {found}")
    if found == "ratings":
        note = sentinel_note(ratings.rating)
        return ratings if note is None else replace(ratings, source=f"{ratings.source}; {note}")
    if found == "events":
        ratings = replace(ratings, rating=np.ones_like(ratings.rating))
    elif column is not None:
        n_rows = len(ratings)
        ratings = _without_zeros(ratings, table, column)
        if len(ratings) < n_rows:
            notes.append(f"rows with a count of 0 left out: {n_rows - len(ratings):,}")
    merged = without_duplicates(ratings, "last" if found == "events" else "sum")
    repeats = len(ratings) - len(merged)
    if not np.isfinite(merged.rating).all():
        raise DataError(f"{table.name}: the sum of repeated counts is too large for a number")
    if repeats:
        done = "left out" if found == "events" else "added up"
        notes.append(f"repeated rows {done}: {repeats:,}")
    return replace(merged, kind=found, source="; ".join([ratings.source, *notes]))


def _recognised(table: Table, column: str, values: NDArray[np.float32]) -> tuple[Kind, str]:
    """Return what the values of a column are, and how to say it."""
    low, high = float(values.min()), float(values.max())
    named = names_counts(column)
    if low > _TIMES and not named:
        raise DataError(
            f"{table.name}: column {column!r} looks like times (all above {_TIMES:g}); name it "
            "with timestamp=, or choose kind='ratings' or 'counts'"
        )
    several = len(values) > 1
    if several and low == high != 0:
        return "events", f"all ratings are {low:g}, read as events {_OVERRIDE}"
    # Nothing but zeros would be no events at all, and is refused as counts.
    if named or (several and low == high):
        return "counts", f"{column} read as counts {_OVERRIDE}"
    if low >= 0 and high > max(_SCALE, _TAIL * float(np.median(values))):
        distinct = np.unique(values)
        if len(distinct) > _FEW and distinct[-2] > _SCALE:
            return "counts", f"{column} goes from {low:g} to {high:g}, read as counts {_OVERRIDE}"
    return "ratings", ""


def _without_zeros(ratings: Ratings, table: Table, column: str) -> Ratings:
    """Return the rows with a count above 0, and only their users and items."""
    counts = ratings.rating
    table.refuse(
        pl.Series(counts < 0),
        column,
        lambda row: (
            f"the count is {counts[row]:g}, and can't be negative; kind='ratings' takes "
            "the values for ratings, kind='events' each row for an event"
        ),
    )
    positive = counts > 0
    if positive.all():
        return ratings
    if not positive.any():
        raise DataError(
            f"{table.name}, column {column!r}: every value is 0, so there are no events; "
            "kind='ratings' takes the values for ratings, kind='events' each row for an event"
        )
    kept = ratings.take(positive)
    users, items = (
        np.bincount(rows, minlength=side.height) > 0
        for rows, side in ((kept.user, kept.users), (kept.item, kept.items))
    )
    return kept.of_users(users).of_items(items)
