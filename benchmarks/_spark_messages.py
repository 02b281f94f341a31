"""What a sweep in a cluster sends, simulated from the number of ratings of users and of items."""

from typing import NamedTuple

import numpy as np

# More users than these are represented by so many of them.
MOST_USERS = 1_000_000


class Size(NamedTuple):
    """Ratings and the blocks that they are divided into.

    `user_skew` is the standard deviation of the log of how many ratings a user has; an item at rank
    r has a share of 1 / (r + 20)^`item_skew`.
    """

    ratings: int
    users: int
    items: int
    blocks: int = 8
    factors: int = 64
    user_skew: float = 1.0
    item_skew: float = 1.0


def activity(size, rng):
    """Return the number of ratings of each user, and the share of each item in all ratings."""
    counts = rng.lognormal(0, size.user_skew, size.users)
    counts = (counts * size.ratings / counts.sum()).round()
    counts = np.clip(counts, 1, size.items // 2).astype(np.int64)
    shares = (np.arange(size.items) + 20.0) ** -size.item_skew
    return counts, rng.permutation(shares / shares.sum())


def message_bytes(factors):
    """Return the bytes of a user in a message: the row, and the precision."""
    return 4 * (factors + 1) + 4


def messages(counts, shares, blocks):
    """Return how many users each block of items needs, and the share of each in all ratings.

    A user with n ratings is needed with the probability 1 - (1 - share)^n.
    """
    before = np.cumsum(shares) - shares
    block = np.minimum((before * blocks).astype(np.int64), blocks - 1)
    of_block = np.bincount(block, shares, minlength=blocks)
    sizes, users = np.unique(counts, return_counts=True)
    needed = np.array([float(users @ (1 - (1 - share) ** sizes)) for share in of_block])
    return needed, of_block


def simulate(size):
    """Print the sizes of blocks, the messages and their bytes."""
    rng = np.random.default_rng(0)
    fewer = max(1.0, size.users / MOST_USERS)
    sample = size._replace(users=int(size.users / fewer), ratings=int(size.ratings / fewer))
    counts, shares = activity(sample, rng)
    ratings, longest = counts.sum() * fewer, counts.max()
    needed, of_block = messages(counts, shares, size.blocks)
    needed, row = needed * fewer, message_bytes(size.factors)
    users = size.users / size.blocks
    of_users = ratings / size.blocks
    # Of a user: features, row, sketch and axes as `docs/how-to/spark.md` counts them.
    state = 4 * (130 + 5 * size.factors)
    print(
        f"{ratings:,.0f} ratings, {size.users:,} users, {size.items:,} items, {size.factors} "
        f"factors, {size.blocks} blocks:"
    )
    print(
        f"  a block of users: {users:,.0f} users, {of_users:,.0f} ratings, the longest {longest:,}"
    )
    print(
        f"    its task: {(8 * of_users + state * users) / 1e9:.2f} GB; all of them: "
        f"{(8 * ratings + state * size.users) / 1e9:.2f} GB"
    )
    print(
        f"  a block of items: {of_block.min() * ratings:,.0f} to {of_block.max() * ratings:,.0f} "
        f"ratings, {needed.min():,.0f} to {needed.max():,.0f} users sent to it"
    )
    print(f"    its task: {(8 * of_block.max() * ratings + row * needed.max()) / 1e9:.2f} GB")
    print(
        f"  a sweep sends {needed.sum():,.0f} users in {size.blocks**2:,} messages: "
        f"{needed.sum() * row / 1e9:.3f} GB"
    )
    # Rows and their sums of squares twice, on both ends of the way, and the sketch.
    items = 4 * size.items * (4 * (size.factors + 1) + 3 * size.factors * 3)
    print(f"  the driver: about {items / 1e9:.2f} GB of items")
