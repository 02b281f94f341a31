"""The users of a fit in several blocks of this process."""

from itertools import pairwise

import numpy as np

from palate.data._ratings import Csr
from palate.learned._known_features import KnownFeatures
from palate.solvers.gibbs._row_block import Partners, Runtime
from palate.solvers.gibbs._sums import merged
from palate.solvers.gibbs._user_block import UserBlock


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
        return merged([step(block) for block in self.blocks])

    def change(self, step):
        self.total(step)

    def of_all(self, name):
        """Return an attribute of all blocks as one array."""
        return np.concatenate([getattr(block, name) for block in self.blocks])

    def draw_items(self, draw, items, freedom):
        mu, sd = self.scale
        rating = ((self.by_item.rating - mu) / sd).astype(np.float32)
        return draw.rows(
            items,
            items.shifts(draw.number, draw.prior),
            self.by_item._replace(rating=rating),
            Partners(self.of_all("rows"), self.of_all("precisions")),
            Runtime(1),
        )
