"""A check that all solvers make of the ratings that were held back."""

from palate.data._ratings import Ratings
from palate.errors import DataError


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
