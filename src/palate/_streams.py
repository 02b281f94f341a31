"""The streams of random numbers, all in one place: no two uses may draw the same numbers.

A number is a function of the seed, its stream and its index in the stream (see
``native/include/palate/philox.hpp``). These assignments are part of what a seed means: changing
one changes every model.
"""

SPLIT = 0
USER_TABLE = 1
ITEM_TABLE = 2
_EPOCHS = 1 << 32


def epoch_order(epoch: int) -> int:
    """Return the stream that shuffles the rows of an epoch, counted from 0."""
    return _EPOCHS + epoch
