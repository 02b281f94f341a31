"""The sentences of a portrait."""

import math
from collections.abc import Sequence
from statistics import NormalDist
from typing import NamedTuple

from palate._words import Pronouns, capitalized, counted
from palate.analysis._intervals import Z

# What "9 in 10" and the like stand for, in percent, the largest first.
_FRACTIONS = {99.0: "99 in 100", 95.0: "19 in 20", 90.0: "9 in 10", 80.0: "4 in 5", 75.0: "3 in 4"}
# A leaning is certain if its 90% interval excludes the average, and likely if its direction has a
# probability of 80%.
_LIKELY = NormalDist().inv_cdf(0.8)
# Maximum numbers of certain leanings, and of likely ones where none is certain.
_MAX_CERTAIN, _MAX_LIKELY = 3, 2
# A position is about average if its interval lies among the middle half of people; that is worth a
# sentence if the axis has this share of the variance.
_MIDDLE, _LARGE_SHARE = (25, 75), 0.1


class Place(NamedTuple):
    """Where a person stands on an axis, or in generosity.

    Attributes
    ----------
    value, lower, upper
        The position or the bias, with its 90% interval.
    percentile, percentile_lower, percentile_upper
        The percentage of people with lower values.
    """

    value: float
    lower: float
    upper: float
    percentile: float
    percentile_lower: float
    percentile_upper: float

    @property
    def z(self) -> float:
        """The distance from the average, in standard deviations of the posterior."""
        half = (self.upper - self.lower) / 2
        return abs(self.value) * Z / half if half else 0.0

    @property
    def percent(self) -> float:
        """The percentage of people who are less far in the person's direction."""
        return self.percentile if self.value > 0 else 100 - self.percentile

    @property
    def is_average(self) -> bool:
        """Whether the interval lies among the middle half of people."""
        low, high = _MIDDLE
        return low <= self.percentile_lower and self.percentile_upper <= high


class Taste(NamedTuple):
    """Where a person stands on an axis with the share and the ends, in words."""

    place: Place
    share: float
    ends: tuple[str, str]

    @property
    def weight(self) -> float:
        """How much the axis matters to the expected ratings of this person."""
        return abs(self.place.value) * math.sqrt(self.share)

    def in_words(self, verb: str, pronouns: Pronouns, people: str) -> str:
        """Return which end a person rates higher."""
        near, far = self.ends[:: -1 if self.place.value > 0 else 1]
        start = capitalized(pronouns.they)
        return f"{start} {verb} {near} higher, and {far} lower, than {people} do."


def tastes_in_words(tastes: Sequence[Taste], pronouns: Pronouns, ratings: int) -> list[str]:
    """Return the tastes that matter most: the certain ones, or else the likely ones."""
    tastes = sorted(tastes, key=lambda taste: -taste.weight)
    certain = [one for one in tastes if one.place.z >= Z and one.place.percent >= 50]
    sentences = [
        one.in_words(f"{'also ' * bool(already)}rate", pronouns, _people(one.place.percent))
        for already, one in enumerate(certain[:_MAX_CERTAIN])
    ]
    if not sentences:
        likely = [one for one in tastes if one.place.z >= _LIKELY][:_MAX_LIKELY]
        sentences = [
            one.in_words(f"{'also ' * bool(already)}seem to rate", pronouns, "most people")
            for already, one in enumerate(likely)
        ]
    average = [one for one in tastes if one.place.is_average and one.share >= _LARGE_SHARE]
    for one in average[: _MAX_CERTAIN - len(sentences)]:
        low, high = one.ends
        sentences.append(f"Between {low} and {high}, {pronouns.their} taste is about average.")
    if sentences:
        return sentences
    if not ratings:
        return [f"There are no ratings yet to tell {pronouns.their} tastes from."]
    given = f"{capitalized(pronouns.their)} {counted(ratings, 'rating')}"
    return [f"{given} {'does' if ratings == 1 else 'do'} not show clear tastes yet."]


def _people(percent: float) -> str:
    found = next((words for least, words in _FRACTIONS.items() if percent >= least), None)
    return f"{found} people" if found else "most people"


def generosity_in_words(place: Place, pronouns: Pronouns, decimals: int) -> list[str]:
    """Return how high a person rates, if that is known."""
    start = capitalized(pronouns.they)
    if place.is_average:
        return [f"{start} are about as generous as most people."]
    if place.z < Z or place.percent < 50:
        return []
    kind, side = ("more generous", "above") if place.value > 0 else ("stricter", "below")
    points = f"{abs(place.value):.{decimals}f} points"
    return [f"{start} are {kind} than {_people(place.percent)}: {points} {side} average."]


def predictability_in_words(
    found: dict[str, float] | None, pronouns: Pronouns, decimals: int
) -> list[str]:
    """Return whether a person is surely harder or easier to predict than others."""
    if found is None or found["lower"] <= found["noise_sd"] <= found["upper"]:
        return []
    numbers = found["residual_sd"], found["noise_sd"]
    own, others = (f"{number:.{decimals}f}" for number in numbers)
    if own == others:
        own, others = (f"{number:.{decimals + 1}f}" for number in numbers)
    kind = "hard" if found["lower"] > found["noise_sd"] else "easy"
    return [
        f"{capitalized(pronouns.they)} are {kind} to predict: typically {own} points off, against "
        f"{others} for most people."
    ]
