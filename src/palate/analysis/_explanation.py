"""Explanations of a score: its parts, and the contributions of the ratings."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl

from palate import _arguments
from palate._words import LEAST_SHOWN, Pronouns, capitalized, decimals_of_points, listed
from palate.analysis._axes import AxisNames
from palate.analysis._choice_reasons import ChoiceExplanation
from palate.analysis._contribution_table import SCHEMA, Part, contribution_table, folded
from palate.analysis._contributions import Contributions, Numbers
from palate.analysis._feature_effects import has_known_features, parts_of_bias
from palate.inference._user_posterior import UserPosterior
from palate.learned._learned import Learned
from palate.learned._likelihood import evaluate_scalar
from palate.learned._pair_features import PairFeatures

# A part smaller than this fraction of the scale, 0.05 of 1 to 5, is summed with others.
_MIN_MENTIONED = 0.0125
# Maximum number of ratings in the reason for a recommendation.
_MAX_NAMED = 2
# Maximum number of axes in a sentence.
_MAX_AXES = 2


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
    n: int | None,
    *,
    pronouns: Pronouns,
    choice: ChoiceExplanation | None,
) -> Explanation:
    """Explain the score of an item; see `Profile.explain`."""
    if n is not None:
        _arguments.integer("n", n, 1)
    explainer = _Explainer(learned, user, axis_names, learned.item_index.row(item), pronouns)
    return explainer.explanation(n, choice)


def reason(contributions: Contributions, item: int, pronouns: Pronouns) -> str:
    """Return the main reasons for a recommendation in one line, the largest first.

    In a long history each rating contributes little; then their sum is the reason.
    """
    learned, n = contributions.learned, len(contributions.user.rated)
    names, values = _of_history(contributions, item, pronouns)
    smallest = _smallest_mentioned(learned)
    best = np.argsort(-values, kind="stable")[:_MAX_NAMED]
    best = best[values[best] >= smallest]
    reasons = [(float(values[j]), names[j]) for j in best]
    total = float(values.sum())
    if not reasons and n > 1 and abs(total) >= smallest:
        reasons.append((total, f"{pronouns.their} {n} ratings together"))
    bias = float(learned.item_biases[item])
    if learned.item_counts[item] and abs(bias) >= smallest:
        reasons.append((bias, _OF_ITS_BIAS[int(bias < 0)]))
    reasons.sort(key=lambda part: -abs(part[0]))
    phrases = [f"{phrase} ({value:+.2f})" for value, phrase in reasons]
    if not learned.item_counts[item]:
        phrases.append("nobody has rated it")
    return "; ".join(phrases or [f"neither its bias nor {pronouns.their} ratings say much"])


def _smallest_mentioned(learned: Learned) -> float:
    least = _MIN_MENTIONED * (learned.likelihood.high - learned.likelihood.low)
    return max(least, LEAST_SHOWN)


# A bias of an item above and below zero, in words.
_OF_ITS_BIAS = ("it is well liked", "it is not much liked")


def _phrases(pronouns: Pronouns) -> dict[str, tuple[str, str]]:
    """Return words for parts above and below zero."""
    they, their = pronouns
    return {
        "its bias": _OF_ITS_BIAS,
        f"{their} bias": (f"{they} rate higher than most", f"{they} rate lower than most"),
        f"{their} liking of the average item": (f"{they} like most items", f"{they} like few"),
        "its appeal to the average taste": ("its kind is liked", "its kind is not much liked"),
    }


class _Explainer:
    """Explains the score of one item for one user."""

    def __init__(
        self,
        learned: Learned,
        user: UserPosterior,
        axis_names: AxisNames,
        item: int,
        pronouns: Pronouns,
    ) -> None:
        self.learned, self.user, self.axis_names, self.item = learned, user, axis_names, item
        self.pronouns, self.title = pronouns, learned.spoken_names[item]
        self.smallest, self.in_view = _smallest_mentioned(learned), axis_names.in_view
        self.likelihood = learned.likelihood
        self.position = learned.canonical_axes.position(user.mean)
        self.contributions = Contributions(learned, user)
        self.names, self.of_history = _of_history(self.contributions, item, pronouns)
        self.of_bias = parts_of_bias(learned, item)
        self.general, self.of_axes = self._general_parts(), self._axis_parts()
        self.score = float(sum(self.general.values()) + self.of_axes.sum())

    def explanation(self, n: int | None, choice: ChoiceExplanation | None) -> Explanation:
        """Return the explanation, which lists the `n` largest axes and ratings."""
        prediction, linear = self._prediction(self.score), self.likelihood.linear
        return Explanation(
            id=self.learned.items["id"][self.item],
            item=self.learned.item_names[self.item],
            prediction=prediction,
            score=self.score,
            unit="rating" if linear else "score",
            parts=self._table_of_parts(n),
            bias=pl.DataFrame(list(self.of_bias.items()), schema=SCHEMA, orient="row"),
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
            f"{self.pronouns.their} bias": float(self.user.mean[-1] - average[-1]),
            "its bias": float(learned.item_biases[self.item]),
        }
        if average[:-1].any():
            liking = f"{self.pronouns.their} liking of the average item"
            parts[liking] = float(self.position @ axes.item_mean)
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
            f"axis {axis + 1}: {self._leaning(ends, theirs, its)}"
            for axis, (ends, (theirs, its)) in enumerate(
                zip(self.axis_names.leanings, positions, strict=True)
            )
        ]

    def _leaning(self, ends: tuple[str, str], theirs: float, its: float) -> str:
        """Return which end of an axis the person and the item lean to, in words."""
        leaning = f"{self.pronouns.they} lean to {ends[int(theirs > 0)]}"
        if (theirs > 0) == (its > 0):
            return f"{leaning}, and so does this"
        return f"{leaning}, and this to {ends[int(its > 0)]}"

    def _table_of_parts(self, n: int | None) -> pl.DataFrame:
        """Return the parts of the score; at most `n` of the axes in view by themselves."""
        axes, hidden = self._axes_in_view_and_others()
        least = self.smallest
        return contribution_table(
            list(self.general.items()), axes, n, least, least_of_others=least, hidden=hidden
        )

    def _table_of_ratings(self, n: int | None) -> pl.DataFrame:
        """Return what does not depend on the ratings, and the `n` largest contributions."""
        history = list(zip(self.names, self.of_history.tolist(), strict=True))
        first = list(self._without_ratings().items())
        return contribution_table(first, history, n, self.smallest, least_of_others=LEAST_SHOWN)

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
            columns = listed(self.learned.parameters.user_prior.known.columns)
            parts[f"{self.pronouns.their} {columns}"] = self.contributions.of_known(self.item)
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
            "item": self.learned.item_names[int(self.user.rated[j])],
            "rating": rating,
            "changed_to": rating + star,
            "score": score,
            "prediction": self._prediction(score),
        }

    def _expectation(self, prediction: float) -> str:
        decimals = decimals_of_points(self.likelihood.low, self.likelihood.high)
        given = self.user.rating[self.user.rated == self.item]
        they, their = self.pronouns
        start = f"{they} are expected to give {self.title}"
        if len(given):
            start = f"{they} gave {self.title} {given[0]:g}; {their} expected rating is"
        return f"{capitalized(start)} {prediction:.{decimals}f}"

    def _summary_of_parts(self) -> str:
        phrases = [f"{self.general['average']:.2f} on average"]
        if self.learned.item_counts[self.item] == 0:
            features = has_known_features(self.learned, np.array([self.item]))[0]
            if not features:
                return f"{phrases[0]}; nobody has rated it, so nothing more is known of it"
            phrases.append("nobody has rated it, and what follows is known from its features alone")
        said, rest = self._said_and_rest()
        phrases += said
        total = sum(value for _, value in rest)
        if abs(total) >= LEAST_SHOWN:
            phrases.append(f"and {folded(rest, self.smallest)} ({total:+.2f})")
        return "; ".join(phrases)

    def _said_and_rest(self) -> tuple[list[str], list[Part]]:
        """Return the parts that are not small, in words, and all others but for the average."""
        said, rest = list[str](), list[Part]()
        words = _phrases(self.pronouns)
        for name, value in list(self.general.items())[1:]:
            if abs(value) < self.smallest:
                rest.append((name, value))
                continue
            of_it = self._of_its_bias(self.smallest) if name == "its bias" else ""
            said.append(f"{words[name][int(value < 0)]} ({value:+.2f}{of_it})")
        axes, hidden = self._axes_in_view_and_others()
        axes.sort(key=lambda part: -abs(part[1]))
        large = [part for part in axes[:_MAX_AXES] if abs(part[1]) >= self.smallest]
        said += [f"{label.partition(': ')[2]} ({value:+.2f})" for label, value in large]
        return said, [*rest, *axes[len(large) :], *hidden]

    def _axes_in_view_and_others(self) -> tuple[list[Part], list[Part]]:
        axes, view = list(zip(self.axis_labels, self.of_axes.tolist(), strict=True)), self.in_view
        return axes[:view], axes[view:]

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
        (they, their), j = self.pronouns, int(np.abs(self.of_history).argmax())
        value, m = self.of_history[j], len(self.user.rated)
        if abs(value) < LEAST_SHOWN:
            return f" No single one of {their} ratings matters to it."
        title = self.learned.spoken_names[int(self.user.rated[j % m])]
        cause = f"that {they} rated {title} at all"
        if j < m:
            cause = f"{their} {self.user.rating[j]:g} for {title}"
        verb = "raises" if value > 0 else "lowers"
        return f" {capitalized(cause)} {verb} it most ({value:+.2f})."


def _of_history(
    contributions: Contributions, item: int, pronouns: Pronouns
) -> tuple[list[str], Numbers]:
    """Return the names and values of what the ratings of a person contribute to an item's score.

    A rating contributes by its value and, where the prior depends on which items a person has
    rated, a second time by its existence.
    """
    learned, user, they = contributions.learned, contributions.user, pronouns.they
    titles = learned.spoken_names.gather(user.rated.astype(np.int64)).to_list()
    names = [
        f"{they} gave {title} {rating:g}"
        for title, rating in zip(titles, user.rating.tolist(), strict=True)
    ]
    values = contributions.of_ratings(item)
    if learned.parameters.user_prior.features is None:
        return names, values
    names += [f"that {they} rated {title} at all" for title in titles]
    return names, np.concatenate([values, contributions.of_pairs(item)])
