"""The users of a fit in several blocks of this process."""

from itertools import pairwise

import numpy as np

from palate.data._ratings import Csr
from palate.learned._known_features import KnownFeatures
from palate.solvers.gibbs._row_block import Partners, Runtime
from palate.solvers.gibbs._sums import merged
from palate.solvers.gibbs._user_block import SumRows, UserBlock


class SeveralBlocks:
    """See `People`: what is kept with many users is in many blocks, of different sizes."""

    known = KnownFeatures()

    def __init__(self, ratings, seed, blocks):
        by_user, self.items, self.blocks = ratings.by_user(), ratings.items, []
        ends = np.linspace(0, 1, blocks + 1) ** 1.5 * ratings.users.height
        ends = ends.round().astype(int)
        for first, end in pairwise(ends.tolist()):
            entries = slice(by_user.starts[first], by_user.starts[end])
            self.blocks.append(
                UserBlock(
                    Csr(
                        by_user.starts[first : end + 1] - entries.start,
                        by_user.partner[entries],
                        by_user.rating[entries],
                    ),
                    ratings.items.height,
                    known=np.zeros((end - first, 0), dtype=np.float32),
                    seed=seed,
                    runtime=Runtime(1),
                    first=first,
                    first_rating=int(entries.start),
                )
            )
        self.by_item, self.scale = ratings.by_item(), (0.0, 1.0)

    def standardise(self, mu, sd):
        self.scale = mu, sd
        for block in self.blocks:
            block.scale = mu, sd

    def total(self, step):
        return merged([applied(step, block) for block in self.blocks])

    def change(self, step):
        self.total(step)

    def of_all(self, name):
        """Return an attribute of all blocks as one array."""
        return np.concatenate([getattr(block, name) for block in self.blocks])

    def draw_items(self, precisions, draw, items):
        self.change(precisions)
        sums = self.total(SumRows())
        mu, sd = self.scale
        rating = ((self.by_item.rating - mu) / sd).astype(np.float32)
        return sums, *draw.rows(
            items,
            items.shifts(draw.number, draw.prior),
            self.by_item._replace(rating=rating),
            Partners(self.of_all("rows"), self.of_all("precisions")),
            Runtime(1),
        )


ATTRIBUTES = {"known", "features", "rows", "squares", "precisions"} | {
    *("sketch", "bias_sums", "axes", "table", "variance")
}


def applied(step, block):
    """Apply a step to a block that has nothing but what the step reads, as in a cluster."""
    attributes = vars(block)
    hidden = {name: attributes[name] for name in ATTRIBUTES - set(step.reads)}
    attributes |= dict.fromkeys(hidden, UNREAD)
    ratings, made_of_ratings = block.ratings, {}
    if "ratings" not in step.reads:
        names = attributes.keys() & {"standardised", "by_item"}
        made_of_ratings = {name: attributes.pop(name) for name in names}
        block.ratings = UNREAD
    result = step(block)
    block.ratings = ratings
    kept = {name: value for name, value in hidden.items() if attributes[name] is UNREAD}
    assert set(hidden) - set(kept) <= set(step.changes)
    attributes |= kept | made_of_ratings
    return result


UNREAD = object()
