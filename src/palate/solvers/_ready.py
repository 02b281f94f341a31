"""What every solver sees to before it fits."""

from collections.abc import Iterator
from contextlib import contextmanager

from palate.data._ratings import Ratings
from palate.errors import DataError, SettingError


def check_valid(ratings: Ratings, valid: Ratings) -> None:
    """See that `valid` is not empty, and over the same users and items as `ratings`.

    Raises
    ------
    DataError
        If it is not.
    """
    if len(valid) == 0:
        raise DataError("there are no ratings in valid; leave it out, or hold some back")
    for ours, theirs in ((ratings.users, valid.users), (ratings.items, valid.items)):
        if ours is not theirs and not ours["id"].equals(theirs["id"]):
            raise DataError(
                "valid is over other users or items than the ratings; split one table in two "
                "with palate.splits"
            )


@contextmanager
def memory_for(what: str, ratings: Ratings) -> Iterator[None]:
    """Turn a lack of memory into a SettingError that says what asked for it."""
    try:
        yield
    except MemoryError as error:
        rows = ratings.users.height + ratings.items.height
        raise SettingError(
            f"{what} for {rows:,} users and items need more memory than there is; choose fewer"
        ) from error
