"""Which histories of a block are measured, and which entries are held out; runs in executors."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from palate import _random_streams
from palate.data._ratings import Csr
from palate.solvers.choice._held_out import HeldOut, RandomOrder
from palate.spark._packing import Plan, stacked


@dataclass(frozen=True, eq=False)
class Drawing:
    """Draws the entries that are held out."""

    plan: Plan
    seed: int
    lowest: float | None

    def order(self, number: int, histories: Csr) -> RandomOrder:
        """Return the entries of a block in a random order."""
        first, n = int(self.plan.ratings[number]), len(histories.partner)
        keys = self._numbers(_random_streams.HOLD_OUT, first, n)
        return RandomOrder.of(histories, np.argsort(keys, kind="stable"))

    def keys(self, number: int, part: int, users: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return random numbers of some users: those with the lowest ones are measured."""
        first, end = self.plan.users[number : number + 2].tolist()
        return self._numbers(_random_streams.HOLD_OUT + 1 + part, first, end - first)[users]

    def _numbers(self, stream: int, first: int, n: int) -> NDArray[np.float32]:
        return _random_streams.normals_of_rows(self.seed, stream, first, n, 1)[:, 0]


@dataclass(frozen=True, eq=False)
class Candidates:
    """Returns the users of a block with the lowest keys, and these, for each part."""

    drawing: Drawing
    parts: range
    most: int

    def __call__(
        self, number: int, histories: Csr
    ) -> list[tuple[NDArray[np.int64], NDArray[np.float32]]]:
        order, found = self.drawing.order(number, histories), []
        for part in self.parts:
            users = order.eligible(part, self.drawing.lowest)
            keys = self.drawing.keys(number, part, users)
            lowest = np.argsort(keys, kind="stable")[: self.most]
            found.append((users[lowest] + self.drawing.plan.users[number], keys[lowest]))
        return found


@dataclass(frozen=True, eq=False)
class HeldOutOf:
    """Returns those of the chosen histories that are in a block, and their places among all."""

    drawing: Drawing
    users: NDArray[np.int64]
    parts: NDArray[np.int64]

    def __call__(self, number: int, histories: Csr) -> tuple[NDArray[np.int64], HeldOut]:
        first, end = self.drawing.plan.users[number : number + 2]
        place = np.flatnonzero((self.users >= first) & (self.users < end))
        order = self.drawing.order(number, histories)
        rows = self.users[place] - first
        found = order.held_out(rows, self.parts[place], self.drawing.lowest)
        return place, found._replace(users=self.users[place])


def joined(parts: list[HeldOut]) -> HeldOut:
    """Return the histories of one part after those of another."""
    return HeldOut(
        np.concatenate([part.users for part in parts]),
        stacked([part.histories for part in parts]),
        np.concatenate([part.held_out for part in parts]),
        np.concatenate([part.relevant for part in parts]),
    )
