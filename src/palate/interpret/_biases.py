"""What items and users are worth by themselves, and why that is not their mean rating."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from palate import _arguments, _native
from palate.inference._link import at
from palate.interpret._certainty import Z, check_order, enough, nearer_end, unknown
from palate.interpret._metadata import matching

if TYPE_CHECKING:
    from palate.model._model import Model

Order = Literal["bias", "cautious", "gap"]
Numbers = NDArray[np.float64]
_ORDERS = ("bias", "cautious", "gap")


@dataclass(frozen=True)
class Parts:
    """The mean rating of each row of one side is mu + bias + partners + interaction + residual."""

    mu: float
    bias: Numbers
    lower: Numbers | None
    upper: Numbers | None
    partners_bias: Numbers | None
    interaction: Numbers | None
    residual: Numbers | None


def item_biases(
    model: Model, order: Order | None, min_ratings: int | None, where: Mapping[str, Any] | None
) -> pl.DataFrame:
    """Return a row for each item; see `Model.biases`."""
    rated = _often_enough(model.item_counts, order, min_ratings)
    rows = np.flatnonzero(rated & matching(model.items, where))
    frame = model.item_frame(rows, ratings=model.item_counts[rows], mean=model.item_means[rows])
    return _ordered(
        _with_parts(frame, model.item_parts, rows, "raters"),
        order,
        sure=model.parameters.item_bias_sd is not None,
    )


def user_biases(model: Model, order: Order | None, min_ratings: int | None) -> pl.DataFrame:
    """Return a row for each known user; see `Model.user_biases`."""
    ratings, _ = model.known()
    counts = np.bincount(ratings.user, minlength=ratings.users.height)
    rows = np.flatnonzero(_often_enough(counts, order, min_ratings))
    sums = np.bincount(ratings.user, weights=ratings.rating, minlength=len(counts))
    frame = pl.DataFrame(
        {"user": ratings.users["id"].gather(rows), "ratings": counts[rows]}
    ).with_columns(mean=(sums[rows] / counts[rows]).astype(np.float32))
    return _ordered(_with_parts(frame, model.user_parts, rows, "items"), order, sure=True)


def item_parts(model: Model) -> Parts:
    """Return what makes up the mean rating of each item."""
    sd = model.parameters.item_bias_sd
    return _parts(model, side=1, sd=None if sd is None else sd.astype(np.float64))


def user_parts(model: Model) -> Parts:
    """Return what makes up the mean rating of each known user."""
    return _parts(model, side=0, sd=_user_bias_sd(model))


def _often_enough(
    counts: NDArray[np.int64], order: Order | None, least: int | None
) -> NDArray[np.bool_]:
    if least is None:
        least = enough(counts) if order == "gap" else 1
    often: NDArray[np.bool_] = counts >= _arguments.integer("min_ratings", least, 1)
    return often


def _parts(model: Model, side: int, sd: Numbers | None) -> Parts:
    """Take the mean ratings of users (side 0) or of items (side 1) apart.

    With the link's level f, an average user's bias c, and the means over a row's ratings:

        mean - mu = [f(b alone) - mu] + E[f(b_u + b_i) - f(b alone)]
                    + E[f(b_u + b_i + p_u . q_i) - f(b_u + b_i)] + E[r - f(b_u + b_i + p_u . q_i)]

    where mu = f(c), and "b alone" is c + b_i for an item and b_u for a user. With a linear link
    these are b, the mean bias of its partners, and the mean of p_u . q_i.
    """
    level, average = model.link.level, float(model.canonical.average[-1])
    mu = at(level, average)

    def above(own: NDArray[np.floating[Any]]) -> Numbers:
        return level(own.astype(np.float32)).astype(np.float64) - mu

    own = model.known()[1][:, -1] if side == 0 else average + model.item_biases
    lower = None if sd is None else above(own - Z * sd)
    upper = None if sd is None else above(own + Z * sd)
    of_partners: tuple[Numbers | None, ...] = (None, None, None)
    if model.ratings is not None:
        of_partners = _of_partners(model, side, mu + above(own))
    return Parts(mu, above(own), lower, upper, *of_partners)


def _of_partners(model: Model, side: int, alone: Numbers) -> tuple[Numbers, Numbers, Numbers]:
    """Return the mean part of the partners' biases, of the interaction, and of what is left."""
    ratings, table = model.known()
    level = model.link.level
    row = ratings.item if side == 1 else ratings.user
    biases = level(table[ratings.user, -1] + model.item_biases[ratings.item])
    score = _native.score_pairs(table, model.item_table, ratings.user, ratings.item)
    expected = level(score)
    counts = np.maximum(np.bincount(row, minlength=len(alone)), 1)

    def mean(values: NDArray[np.floating[Any]]) -> Numbers:
        return np.bincount(row, weights=values, minlength=len(alone)) / counts

    partners = biases.astype(np.float64) - alone[row]
    interaction = expected.astype(np.float64) - biases
    return mean(partners), mean(interaction), mean(ratings.rating.astype(np.float64) - expected)


def _with_parts(
    frame: pl.DataFrame, parts: Parts, rows: NDArray[np.integer[Any]], partners: str
) -> pl.DataFrame:
    """Add the parts at `rows`, ranks, the gap between them and the reason for it."""

    def chosen(values: Numbers | None) -> Any:
        return unknown(len(rows)) if values is None else values[rows]

    names = {"bias": f"{partners}_bias", "interaction": f"{partners}_interaction"}
    frame = frame.with_columns(
        pl.Series("mu", np.full(len(rows), parts.mu)),
        pl.Series("bias", chosen(parts.bias)),
        pl.Series("lower", chosen(parts.lower)),
        pl.Series("upper", chosen(parts.upper)),
        pl.Series(names["bias"], chosen(parts.partners_bias)),
        pl.Series(names["interaction"], chosen(parts.interaction)),
        pl.Series("residual", chosen(parts.residual)),
        rank_by_mean=pl.col("mean").rank("min", descending=True),
    ).with_columns(rank_by_bias=pl.col("bias").rank("min", descending=True))
    frame = frame.with_columns(
        gap=pl.col("rank_by_mean").cast(pl.Int64) - pl.col("rank_by_bias").cast(pl.Int64)
    )
    return frame.with_columns(pl.Series("reason", _reasons(frame, partners), dtype=pl.String))


def _ordered(frame: pl.DataFrame, order: Order | None, *, sure: bool) -> pl.DataFrame:
    check_order(order, _ORDERS, sure=sure)
    bias = frame["bias"].to_numpy()
    key = bias
    if order == "gap":
        key = np.abs(frame["gap"].to_numpy())
    elif order == "cautious" or (order is None and sure):
        key = nearer_end(frame["lower"].to_numpy(), frame["upper"].to_numpy())
    return frame[np.lexsort((-bias, -key))]


# What a part above or below what is usual means, in words.
_SAYINGS = {
    "raters": {
        "raters_bias": ("raters more generous than most", "raters more severe than most"),
        "raters_interaction": ("chosen by those it suits", "suits its raters less than is usual"),
        "residual": ("rated higher than all this explains", "rated lower than all this explains"),
    },
    "items": {
        "items_bias": ("picks better items than most", "picks worse items than most"),
        "items_interaction": ("picks what suits them", "picks less of what suits them"),
        "residual": ("rates higher than all this explains", "rates lower than all this explains"),
    },
}
# A part is worth a word if it makes up this share of the difference.
_WORTH_A_WORD = 0.25


def _reasons(frame: pl.DataFrame, partners: str) -> list[str | None]:
    """Say why each mean is higher or lower, beside its bias, than is usual among these rows.

    Each part is compared with its median over the rows. Those that go the way of the gap are told,
    the largest first.
    """
    sayings = _SAYINGS[partners]
    if frame.is_empty() or frame["residual"].null_count():
        return [None] * frame.height
    parts = frame.select(*sayings).to_numpy()
    unusual = parts - np.median(parts, axis=0)
    total = unusual.sum(axis=1)
    said: list[str | None] = []
    for gap, row, whole in zip(frame["gap"], unusual, total, strict=True):
        sign = -np.sign(gap) or np.sign(whole)
        telling = [
            (value, sayings[part][0 if value > 0 else 1])
            for part, value in zip(sayings, row, strict=True)
            if value * sign >= _WORTH_A_WORD * abs(whole) and value * sign > 0
        ]
        telling.sort(key=lambda pair: -abs(pair[0]))
        said.append("; ".join(f"{words} ({value:+.2f})" for value, words in telling) or None)
    return said


def _user_bias_sd(model: Model) -> Numbers:
    """Return how uncertain each known user's bias is, given the items; shape (users,)."""
    profiles = model.profiles()
    blocks = profiles.blocks(np.arange(len(profiles)))
    variances = [profiles.covariances(block)[:, -1, -1] for block in blocks]
    sd: Numbers = np.sqrt(np.concatenate([np.zeros(0), *variances]))
    return sd
