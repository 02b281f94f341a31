"""Which histories are measured, and which entries are held out, drawn in executors."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from palate.data._ratings import Csr
from palate.solvers.choice._held_out import Candidates, Drawing, HeldOut
from palate.spark._packing import Plan, stacked


@dataclass(frozen=True, eq=False)
class DrawingOf:
    """Returns the drawing of a block."""

    plan: Plan
    seed: int
    lowest: float | None

    def __call__(self, number: int, histories: Csr) -> Drawing:
        user, entry = int(self.plan.users[number]), int(self.plan.ratings[number])
        return Drawing(histories, user, entry, seed=self.seed, lowest=self.lowest)


@dataclass(frozen=True, eq=False)
class CandidatesOf:
    """Returns the candidates of a block, for each part."""

    drawing: DrawingOf
    parts: range
    most: int

    def __call__(self, number: int, histories: Csr) -> list[Candidates]:
        drawing = self.drawing(number, histories)
        return [drawing.candidates(part, self.most) for part in self.parts]


@dataclass(frozen=True, eq=False)
class HeldOutOf:
    """Returns those of the chosen histories that are in a block, and their places among all."""

    drawing: DrawingOf
    users: NDArray[np.int64]
    parts: NDArray[np.int64]

    def __call__(self, number: int, histories: Csr) -> tuple[NDArray[np.int64], HeldOut]:
        first, end = self.drawing.plan.users[number : number + 2]
        place = np.flatnonzero((self.users >= first) & (self.users < end))
        drawing = self.drawing(number, histories)
        return place, drawing.held_out(self.users[place], self.parts[place])


def joined(parts: list[HeldOut]) -> HeldOut:
    """Return the histories of one part after those of another."""
    return HeldOut(
        np.concatenate([part.users for part in parts]),
        stacked([part.histories for part in parts]),
        np.concatenate([part.held_out for part in parts]),
        np.concatenate([part.relevant for part in parts]),
    )
