"""Explanations of a score: its parts, and the contributions of the ratings."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl

from palate import _arguments
from palate._words import LEAST_SHOWN, counted
from palate.analysis._axes import AxisNames
from palate.analysis._choice_reasons import ChoiceExplanation
from palate.analysis._contributions import Contributions, Numbers
from palate.analysis._feature_effects import has_known_features, parts_of_bias
from palate.inference._user_posterior import UserPosterior
from palate.learned._learned import Learned
from palate.learned._likelihood import evaluate_scalar
from palate.learned._pair_features import PairFeatures

# A part smaller than this fraction of the scale is not mentioned in a sentence.
_MIN_MENTIONED = 0.0125
# A prediction is printed with one decimal if the range of ratings is at least this, else two.
_LONG_SCALE = 2
# Maximum number of ratings in the reason for a recommendation.
_MAX_NAMED = 2
_SCHEMA = {"name": pl.String, "contribution": pl.Float64}


@dataclass(frozen=True, eq=False)
class Explanation:
    """Two exact decompositions of the score of an item for a person.

    Attributes
    ----------
    id, item
        The item.
    prediction
        The expected rating.
    score
        The sum of each of the two tables. In a Gibbs model it is in units of the ratings, and the
        prediction is the score clipped to the scale. In a one-cycle model it is the score before
        the sigmoid.
    unit
        The unit of the score and of the contributions: "rating" or "score".
    parts
        The parts of the score: the columns name and contribution.
    bias
        What the bias of the item, one of the parts, is made of itself: its features, and the rest;
        the columns name and contribution. Empty where no features are known.
    ratings
        The contributions of the person's ratings, and what does not depend on them: the columns
        name and contribution. In a Gibbs model each rating contributes twice: by its value, and
        since it is there at all.
    counterfactual
        The one rating whose change moves the score most: item, rating, changed_to, score and
        prediction after the change, with the variance of the person's ratings as it is (a
        first-order approximation in a one-cycle model). The change
        is 1, or a quarter of the range if that is shorter than 4. None without ratings.
    choice
        The decomposition of the choice score; None without a choice model.
    sentence
        A summary in words.
    """

    id: Any
    item: str
    prediction: float
    score: float
    unit: str
    parts: pl.DataFrame
    bias: pl.DataFrame
    ratings: pl.DataFrame
    counterfactual: dict[str, Any] | None
    choice: ChoiceExplanation | None
    sentence: str

    def __str__(self) -> str:
        return self.sentence


def explain(
    learned: Learned,
    user: UserPosterior,
    axis_names: AxisNames,
    item: Any,
    n: int,
    *,
    choice: ChoiceExplanation | None,
) -> Explanation:
    """Explain the score of an item; see `Profile.explain`."""
    _arguments.integer("n", n, 1)
    explainer = _Explainer(learned, user, axis_names, learned.item_index.row(item))
    return explainer.explanation(n, choice)


def reason(contributions: Contributions, item: int) -> str:
    """Return the main reasons for a recommendation in one line, the largest first.

    In a long history each rating contributes little; then their sum is the reason.
    """
    learned, n = contributions.learned, len(contributions.user.rated)
    names, values = _of_history(contributions, item)
    smallest = _smallest_mentioned(learned)
    best = np.argsort(-values, kind="stable")[:_MAX_NAMED]
    best = best[values[best] >= smallest]
    reasons = [(float(values[j]), names[j]) for j in best]
    total = float(values.sum())
    if not reasons and n > 1 and abs(total) >= smallest:
        reasons.append((total, f"your {n} ratings together"))
    bias = float(learned.item_biases[item])
    if learned.item_counts[item] and abs(bias) >= smallest:
        reasons.append((bias, _PHRASES["its bias"][int(bias < 0)]))
    reasons.sort(key=lambda part: -abs(part[0]))
    phrases = [f"{phrase} ({value:+.2f})" for value, phrase in reasons]
    if not learned.item_counts[item]:
        phrases.append("nobody has rated it")
    return "; ".join(phrases or ["neither its bias nor your ratings say much"])


def _smallest_mentioned(learned: Learned) -> float:
    least = _MIN_MENTIONED * (learned.likelihood.high - learned.likelihood.low)
    return max(least, LEAST_SHOWN)


# A part above and below zero, in words.
_PHRASES = {
    "your bias": ("you seem to rate higher than average", "you seem to rate lower than average"),
    "its bias": ("it is well liked", "it is not much liked"),
    "your liking of the average item": ("you like most items", "you like few items"),
    "its appeal to the average taste": ("its kind is liked", "its kind is not much liked"),
}


class _Explainer:
    """Explains the score of one item for one user."""

    def __init__(
        self, learned: Learned, user: UserPosterior, axis_names: AxisNames, item: int
    ) -> None:
        self.learned, self.user, self.axis_names, self.item = learned, user, axis_names, item
        self.likelihood = learned.likelihood
        self.position = learned.canonical_axes.position(user.mean)
        self.contributions = Contributions(learned, user)
        self.names, self.of_history = _of_history(self.contributions, item)
        self.of_bias = parts_of_bias(learned, item)
        self.general, self.of_axes = self._general_parts(), self._axis_parts()
        self.score = float(sum(self.general.values()) + self.of_axes.sum())

    def explanation(self, n: int, choice: ChoiceExplanation | None) -> Explanation:
        """Return the explanation, which lists the `n` largest axes and ratings."""
        prediction, linear = self._prediction(self.score), self.likelihood.linear
        return Explanation(
            id=self.learned.items["id"][self.item],
            item=self.learned.items["item"][self.item],
            prediction=prediction,
            score=self.score,
            unit="rating" if linear else "score",
            parts=_table(self.general, self.axis_labels, self.of_axes, n, ("axis", "axes")),
            bias=pl.DataFrame(list(self.of_bias.items()), schema=_SCHEMA, orient="row"),
            ratings=self._table_of_ratings(n),
            counterfactual=self._counterfactual(),
            choice=choice,
            sentence=f"{self._expectation(prediction)}: {'' if linear else 'as a score, '}"
            f"{self._summary_of_parts()}.{self._summary_of_ratings()}",
        )

    def _general_parts(self) -> dict[str, float]:
        """Return the parts of the score except for the axes, by name."""
        learned, axes = self.learned, self.learned.canonical_axes
        average = axes.average
        parts = {
            "average": float(self.likelihood.mu + average[-1]),
            "your bias": float(self.user.mean[-1] - average[-1]),
            "its bias": float(learned.item_biases[self.item]),
        }
        if average[:-1].any():
            parts["your liking of the average item"] = float(self.position @ axes.item_mean)
            factors = learned.item_factors[self.item].astype(np.float64)
            parts["its appeal to the average taste"] = float(average[:-1] @ factors)
        return parts

    def _axis_parts(self) -> Numbers:
        """Return the contribution of each axis to the score; shape (k,)."""
        parts: Numbers = self.position * self.learned.canonical_axes.centred_items[self.item]
        return parts

    def _prediction(self, score: float) -> float:
        return evaluate_scalar(self.likelihood.rating, score - self.likelihood.mu)

    @cached_property
    def axis_labels(self) -> list[str]:
        """Which ends of each axis the person and the item lean to, in words."""
        its = self.learned.canonical_axes.centred_items[self.item]
        positions = zip(self.position, its, strict=True)
        return [
            f"axis {axis + 1}: {_leaning(ends, yours, its)}"
            for axis, (ends, (yours, its)) in enumerate(
                zip(self.axis_names.leanings, positions, strict=True)
            )
        ]

    def _table_of_ratings(self, n: int) -> pl.DataFrame:
        """Return what does not depend on the ratings, and the `n` largest contributions."""
        one = ("rating", "ratings")
        if self.prior_features is not None:
            one = ("contribution", "contributions")
        return _table(self._without_ratings(), self.names, self.of_history, n, one)

    @property
    def prior_features(self) -> PairFeatures | None:
        """How the prior depends on which items a person has rated; None if it does not."""
        return self.learned.parameters.user_prior.features

    def _without_ratings(self) -> dict[str, float]:
        """Return the parts of the score that do not depend on the person's ratings, by name."""
        linear = self.likelihood.linear
        parts = {"average": float(self.likelihood.mu)} if linear else {}
        parts["its bias"] = float(self.learned.item_biases[self.item])
        alike = "average user" if self.prior_features is None else "users with as many ratings"
        parts[alike] = self.contributions.of_prior(self.item)
        if self.user.known is not None and self.user.known.any():
            columns = ", ".join(self.learned.parameters.user_prior.known.columns)
            parts[f"what is known of you: {columns}"] = self.contributions.of_known(self.item)
        if not linear:
            # The row of a known user was trained together with the items; it is not exactly the
            # mode given the items.
            rest = self.score - sum(parts.values()) - float(self.of_history.sum())
            parts["not explained by these ratings"] = rest
        return parts

    def _counterfactual(self) -> dict[str, Any] | None:
        if not len(self.user.rated):
            return None
        low, high = self.likelihood.low, self.likelihood.high
        derivatives = self.contributions.derivatives(self.item)
        j = int(np.abs(derivatives).argmax())
        rating, star = float(self.user.rating[j]), min(1.0, (high - low) / 4)
        if rating + star > high:
            star = -star
        if star == 0:
            return None
        score = self.score + star * float(derivatives[j])
        return {
            "item": self.learned.items["item"][int(self.user.rated[j])],
            "rating": rating,
            "changed_to": rating + star,
            "score": score,
            "prediction": self._prediction(score),
        }

    def _expectation(self, prediction: float) -> str:
        title = self.learned.items["item"][self.item]
        decimals = 1 if self.likelihood.high - self.likelihood.low >= _LONG_SCALE else 2
        given = self.user.rating[self.user.rated == self.item]
        start = f"You are expected to give {title}"
        if len(given):
            start = f"You gave {title} {given[0]:g}; your expected rating is"
        return f"{start} {prediction:.{decimals}f}"

    def _summary_of_parts(self) -> str:
        phrases = [f"{self.general['average']:.2f} on average"]
        if self.learned.item_counts[self.item] == 0:
            features = has_known_features(self.learned, np.array([self.item]))[0]
            if not features:
                return f"{phrases[0]}; nobody has rated it, so nothing more is known of it"
            phrases.append("nobody has rated it, and what follows is known from its features alone")
        smallest = _smallest_mentioned(self.learned)
        for name, (above, below) in _PHRASES.items():
            value = self.general.get(name, 0.0)
            if abs(value) >= smallest:
                of_it = self._of_its_bias(smallest) if name == "its bias" else ""
                phrases.append(f"{below if value < 0 else above} ({value:+.2f}{of_it})")
        axis = int(np.abs(self.of_axes).argmax())
        if abs(self.of_axes[axis]) >= smallest:
            label = self.axis_labels[axis].partition(": ")[2]
            phrases.append(f"{label} ({self.of_axes[axis]:+.2f})")
        return "; ".join(phrases)

    def _of_its_bias(self, smallest: float) -> str:
        """Return what the bias of the item is made of, in words; empty if no feature matters."""
        *features, rest = self.of_bias.items() or [("", 0.0)]
        named = [(name, value) for name, value in features if abs(value) >= smallest]
        if not named:
            return ""
        return ": " + ", ".join(f"{value:+.2f} {name}" for name, value in [*named, rest])

    def _summary_of_ratings(self) -> str:
        if not self.names:
            return ""
        j = int(np.abs(self.of_history).argmax())
        value = self.of_history[j]
        if abs(value) < LEAST_SHOWN:
            return " No single one of your ratings matters to it."
        return f" The most important of your ratings: {self.names[j]} ({value:+.2f})."


def _of_history(contributions: Contributions, item: int) -> tuple[list[str], Numbers]:
    """Return the names and values of what the ratings of a person contribute to an item's score.

    A rating contributes by its value and, where the prior depends on which items a person has
    rated, a second time by its existence.
    """
    learned, user = contributions.learned, contributions.user
    titles = learned.items["item"].gather(user.rated.astype(np.int64)).to_list()
    names = [
        f"you gave {title} {rating:g}"
        for title, rating in zip(titles, user.rating.tolist(), strict=True)
    ]
    values = contributions.of_ratings(item)
    if learned.parameters.user_prior.features is None:
        return names, values
    names += [f"that you rated {title} at all" for title in titles]
    return names, np.concatenate([values, contributions.of_pairs(item)])


def _leaning(ends: tuple[str, str], yours: float, its: float) -> str:
    """Return which end of an axis a person and an item lean to, in words."""
    leaning = f"you lean to {ends[int(yours > 0)]}"
    if (yours > 0) == (its > 0):
        return f"{leaning}, and so does this"
    return f"{leaning}, and this to {ends[int(its > 0)]}"


def _table(
    first: dict[str, float],
    names: list[str],
    contributions: Numbers,
    n: int,
    what: tuple[str, str],
) -> pl.DataFrame:
    """Return the rows of `first`, the `n` largest contributions and the sum of the others."""
    order = np.argsort(-np.abs(contributions), kind="stable")
    rows = list(first.items()) + [(names[j], float(contributions[j])) for j in order[:n]]
    if len(order) > n:
        others = counted(len(order) - n, *(f"other {name}" for name in what))
        rows.append((others, float(contributions[order[n:]].sum())))
    return pl.DataFrame(rows, schema=_SCHEMA, orient="row")
