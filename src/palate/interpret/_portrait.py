"""A portrait of one person: where they stand, how generous and how predictable they are."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from numpy.typing import NDArray

from palate import _arguments
from palate.inference._link import at
from palate.interpret._causes import Causes
from palate.interpret._certainty import Z

if TYPE_CHECKING:
    from palate.model._profile import Profile

Numbers = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Portrait:
    """One person among all.

    Percentiles say what share of the known users, in hundredths, is below; for a model without
    users, of those to be expected.

    Attributes
    ----------
    axes
        A row for each axis: axis, name, leans_to (which end), position (in standard deviations
        of users), lower, upper (the 90% interval), percentile, percentile_lower, percentile_upper.
    generosity
        bias (how much higher than the average user they rate), lower, upper, percentile,
        percentile_lower and percentile_upper; in units of the ratings.
    predictability
        residual_sd: how far their ratings lie from what is expected, in units of the ratings, with
        its 90% interval lower and upper; and noise_sd, that of everybody. None with very few
        ratings.
    surprises
        The ratings that surprised most, with the items taken as known: id, item, rating, expected
        (from all their other ratings; to first order for the book's recipe), and surprise (the
        difference, in standard deviations of such differences).
    sentence
        The same in plain words.
    """

    axes: pl.DataFrame
    generosity: dict[str, float]
    predictability: dict[str, float] | None
    surprises: pl.DataFrame
    sentence: str

    def __str__(self) -> str:
        return self.sentence


def portrait(profile: Profile, n: int) -> Portrait:
    """Describe a person; see `Profile.describe`."""
    _arguments.integer("n", n, 1)
    axes, generosity = _axes(profile), _generosity(profile)
    causes = Causes(profile)
    predictability = _predictability(causes)
    return Portrait(
        axes=axes,
        generosity=generosity,
        predictability=predictability,
        surprises=_surprises(causes, n),
        sentence=_sentence(axes, generosity, predictability),
    )


def _axes(profile: Profile) -> pl.DataFrame:
    model, canonical = profile.model, profile.model.canonical
    position = canonical.positions(profile.row[None])[0]
    tastes = profile.covariance[:-1, :-1].astype(np.float64)
    sd = np.sqrt(np.diag(canonical.turn.T @ tastes @ canonical.turn))
    named = model.named_axes.select("axis", "name")
    leans = [ends[int(x > 0)] for ends, x in zip(model.axis_ends, position, strict=True)]
    stands: dict[str, list[float]] = {}
    for axis, others in enumerate(_others(profile)):
        for name, value in _standing(position[axis], sd[axis], others).items():
            stands.setdefault(name, []).append(value)
    return named.with_columns(pl.Series("leans_to", leans), *_series(stands))


def _series(columns: dict[str, list[float]]) -> list[pl.Series]:
    return [pl.Series(name, values, dtype=pl.Float64) for name, values in columns.items()]


def _others(profile: Profile) -> list[Numbers | NormalDist]:
    """Return for each axis where everybody stands: the known users, or those to be expected."""
    model, canonical = profile.model, profile.model.canonical
    if model.user_table is not None and len(model.user_table):
        return list(canonical.positions(model.user_table).T)
    # On canonical axes the inferred users have a mean of 0 and a variance of 1.
    return [NormalDist()] * model.factors


def _standing(value: float, sd: float, others: Numbers | NormalDist) -> dict[str, float]:
    ends = {"position": value, "lower": value - Z * sd, "upper": value + Z * sd}
    names = ("percentile", "percentile_lower", "percentile_upper")
    shares = [_percentile(end, others) for end in ends.values()]
    return ends | dict(zip(names, shares, strict=True))


def _percentile(value: float, others: Numbers | NormalDist) -> float:
    below = others.cdf(value) if isinstance(others, NormalDist) else np.mean(others < value)
    return 100 * float(below)


def _generosity(profile: Profile) -> dict[str, float]:
    """Return how much higher than the average user a person rates an item of no bias."""
    model = profile.model
    bias, sd = float(profile.row[-1]), float(np.sqrt(profile.covariance[-1, -1]))
    prior = model.parameters.prior
    others: Numbers | NormalDist = NormalDist(prior.mean[-1], np.sqrt(prior.covariance[-1, -1]))
    if model.user_table is not None and len(model.user_table):
        others = model.user_table[:, -1].astype(np.float64)
    standing = _standing(bias, sd, others)
    level = model.link.level
    zero = at(level, float(model.canonical.average[-1]))
    in_ratings = {
        name: at(level, standing.pop(end)) - zero
        for name, end in (("bias", "position"), ("lower", "lower"), ("upper", "upper"))
    }
    return in_ratings | standing


# From fewer ratings than this that a profile did not use up, nothing can be said of their spread.
_FEWEST_FREE = 3


def _errors(causes: Causes) -> Numbers:
    """Return how much higher than expected each rating is; shape (m,)."""
    profile = causes.profile
    expected = profile.level_rows(profile.rated)
    return profile.rating.astype(np.float64) - expected


def _predictability(causes: Causes) -> dict[str, float] | None:
    """Return the spread of a person's ratings about what is expected of them.

    Its square is the sum of squared errors over the ratings that the profile did not use up, m
    minus the sum of leverages; the interval is that of chi-square with as many degrees of freedom.
    """
    errors = _errors(causes)
    squares, free = float(errors @ errors), float(np.sum(1 - causes.leverage))
    if free < _FEWEST_FREE:
        return None
    return {
        "residual_sd": math.sqrt(squares / free),
        "lower": math.sqrt(squares / _chi_square(free, Z)),
        "upper": math.sqrt(squares / _chi_square(free, -Z)),
        "noise_sd": causes.profile.model.parameters.noise_sd,
    }


def _chi_square(freedom: float, z: float) -> float:
    """Return the quantile of chi-square at a normal quantile (Wilson and Hilferty, PNAS 1931)."""
    part = 2 / (9 * freedom)
    return float(freedom * max(1 - part + z * np.sqrt(part), 1e-3) ** 3)


def _surprises(causes: Causes, n: int) -> pl.DataFrame:
    """Return the ratings with the largest studentised errors.

    Without a rating of leverage h and error e, what is expected would be r - e / (1 - h), and the
    difference e / (1 - h) would have the variance noise^2 / (1 - h) (Cook and Weisberg, "Residuals
    and influence in regression", 1982, section 2.2.1).
    """
    profile, errors = causes.profile, _errors(causes)
    model, left = profile.model, 1 - causes.leverage
    surprise = errors / (model.parameters.noise_sd * np.sqrt(left))
    order = np.argsort(-np.abs(surprise), kind="stable")[:n]
    expected = profile.rating[order] - (errors / left)[order]
    return model.item_frame(
        profile.rated[order].astype(np.int64),
        rating=profile.rating[order],
        expected=np.clip(expected, model.link.low, model.link.high),
        surprise=surprise[order],
    )


def _sentence(
    axes: pl.DataFrame, generosity: dict[str, float], predictability: dict[str, float] | None
) -> str:
    said = []
    sure = axes.filter((pl.col("lower") > 0) | (pl.col("upper") < 0))
    furthest = sure.sort((pl.col("percentile") - 50).abs(), descending=True).head(3)
    for row in furthest.sort("axis").iter_rows(named=True):
        share = row["percentile"] if row["position"] > 0 else 100 - row["percentile"]
        share = min(int(share), 99)  # nobody leans more than everybody, themselves included
        said.append(f"You lean to {row['leans_to']} more than {share}% of people.")
    if not said:
        said.append("Nothing sure can be said of your tastes yet.")
    if generosity["lower"] > 0 or generosity["upper"] < 0:
        more = "higher" if generosity["bias"] > 0 else "lower"
        said.append(f"You rate {abs(generosity['bias']):.2f} points {more} than most.")
    else:
        said.append("Whether you rate higher or lower than most can't be told yet.")
    if predictability is not None:
        said.append(
            f"Your ratings lie {predictability['residual_sd']:.2f} rating points from what is "
            f"expected of you; everybody's lie {predictability['noise_sd']:.2f} from it."
        )
    return " ".join(said)
