"""Validation of the ratings before a fit."""

from collections.abc import Iterator
from contextlib import contextmanager

from palate.data._ratings import Ratings, require_shared_ids
from palate.errors import DataError, SettingError

# Maximum magnitude of ratings, and of the inverse of their range, for single precision.
_MAX_MAGNITUDE = 1e12


def validate_ratings(ratings: Ratings, valid: Ratings | None) -> None:
    """Check that a model can be fitted to `ratings`, and measured on `valid`.

    Raises
    ------
    DataError
        If these are events or counts; if there are no ratings, all are of one user or one item,
        or they are too large or too close together; or if `valid` is of another kind, is empty or
        has other users or items.
    """
    for part in (ratings, valid or ratings):
        if part.kind != "ratings":
            raise DataError(
                f"these are {part.kind}, not ratings: OneCycle and Gibbs learn from ratings; use "
                f'palate.Choice(), or read them with kind="ratings" ({part.source})'
            )
    if len(ratings) == 0:
        raise DataError("there are no ratings to learn from")
    for role, ids in (("user", ratings.users["id"]), ("item", ratings.items["id"])):
        if len(ids) == 1:
            raise DataError(
                f"all {len(ratings):,} ratings are of one {role}, {ids[0]!r}; there is nothing to "
                f"compare it with ({ratings.source})"
            )
    low, high = float(ratings.rating.min()), float(ratings.rating.max())
    largest, span = max(-low, high), high - low
    if largest > _MAX_MAGNITUDE or 0 < span < 1 / _MAX_MAGNITUDE:
        raise DataError(
            f"the ratings go from {low:g} to {high:g}, which is beyond what single precision can "
            "work with; give them in other units"
        )
    if valid is None:
        return
    if len(valid) == 0:
        raise DataError("there are no ratings in valid; leave it out, or hold out some ratings")
    require_shared_ids(ratings, valid)


def require_histories(ratings: Ratings) -> None:
    """Check that a choice model can be fitted to `ratings`, events or counts.

    Raises
    ------
    DataError
        If there are none, or all are of one item.
    """
    if len(ratings) == 0:
        raise DataError("there are no events to learn from")
    if ratings.items.height == 1:
        raise DataError(
            f"all {len(ratings):,} {ratings.kind} are of one item, {ratings.items['id'][0]!r}; "
            f"there is nothing to choose ({ratings.source})"
        )


@contextmanager
def explain_memory_error(purpose: str, ratings: Ratings) -> Iterator[None]:
    """Turn a MemoryError into a SettingError that names what needs the memory."""
    try:
        yield
    except MemoryError as error:
        rows = ratings.users.height + ratings.items.height
        raise SettingError(
            f"{purpose} for {rows:,} users and items need more memory than is available; choose "
            "fewer"
        ) from error
