"""The axes of taste: exemplars at their ends, associations with item features, and names."""

from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl

from palate import _arguments
from palate._computed_once import computed_once
from palate._words import listed
from palate.analysis._associations import Associated, associations
from palate.analysis._axis_words import Words, words_of_ends
from palate.analysis._exemplars import Exemplars, Rows, exemplars
from palate.analysis._intervals import Z, default_min_ratings, null_column
from palate.learned._learned import Learned

# The axes in view, of which sentences speak: those with this share of the variance, and at most so
# many.
_MIN_SHARE, _MAX_IN_VIEW = 0.03, 8
# Number of exemplars in the table; words for an end have to agree with them.
_EXEMPLARS = 8
# Number of exemplars that name an end.
_NAMING = 2
_BETWEEN = " <-> "
# An end without exemplars.
_NAMELESS = "no items in particular"


class AxisNames:
    """The axes with their names, computed once."""

    def __init__(self, learned: Learned) -> None:
        self._learned = learned

    @computed_once
    def in_view(self) -> int:
        """The number of axes that are shown and spoken of, which are the first ones."""
        share = self._learned.canonical_axes.share
        return min(int(np.sum(share >= _MIN_SHARE)), _MAX_IN_VIEW)

    @computed_once
    def table(self) -> pl.DataFrame:
        """The axes with 8 exemplars at each end; see `Model.axes`."""
        return self.axes(_EXEMPLARS)

    @computed_once
    def ends(self) -> list[tuple[str, str]]:
        """The names of the low and of the high end of each axis: words, or two exemplars."""
        return self._named(", ".join)

    @computed_once
    def leanings(self) -> list[tuple[str, str]]:
        """What somebody at the low and at the high end of each axis likes, in words."""
        return self._named(lambda names: f"the likes of {listed(names)}")

    def axes(self, n: int) -> pl.DataFrame:
        """Return a row for each axis with up to `n` exemplars at each end; see `Model.axes`."""
        _arguments.integer("exemplars", n, 1)
        learned, found = self._learned, self._exemplars
        if n > _EXEMPLARS:
            found = exemplars(learned, n, self.in_view)
        rows = []
        for axis, (ends, of_axis) in enumerate(zip(self.ends, found, strict=True)):
            rows.append(
                {
                    "axis": axis + 1,
                    "share": float(learned.canonical_axes.share[axis]),
                    "name": None if ends == (_NAMELESS, _NAMELESS) else _BETWEEN.join(ends),
                    "low": _positions(learned, axis, of_axis.low[:n]),
                    "high": _positions(learned, axis, of_axis.high[:n]),
                    "along": [one.found._asdict() for one in self._associations[axis]],
                }
            )
        return pl.DataFrame(rows, schema=_schema(learned))

    @computed_once
    def _associations(self) -> list[list[Associated]]:
        return associations(self._learned)

    @computed_once
    def _exemplars(self) -> list[Exemplars]:
        return exemplars(self._learned, _EXEMPLARS, self.in_view)

    @computed_once
    def _words(self) -> list[Words]:
        """Words for the low and the high end of each axis; None where nothing is clear."""
        counts = self._learned.item_counts
        eligible = counts >= default_min_ratings(counts)
        noun = self._learned.noun
        return words_of_ends(self._associations, self._exemplars, eligible, noun)

    def _named(self, phrase: Callable[[list[str]], str]) -> list[tuple[str, str]]:
        """Return words for both ends of each axis, or a phrase of the names of two exemplars."""
        named = []
        for words, of_axis in zip(self._words, self._exemplars, strict=True):
            low, high = (
                found or (phrase(names) if (names := self._naming(rows)) else _NAMELESS)
                for found, rows in zip(words, of_axis, strict=True)
            )
            named.append((low, high))
        return named

    def _naming(self, rows: Rows) -> list[str]:
        """Return the names of the first exemplars whose titles do not begin alike."""
        names: dict[str, str] = {}
        for row in rows.tolist():
            title = self._learned.items["item"][row]
            names.setdefault(_beginning(title), self._learned.spoken_names[row])
        return list(names.values())[:_NAMING]


def _beginning(title: str) -> str:
    """Return the first word of a title in lower case, and another if that is short."""
    words = title.casefold().split()
    return " ".join(words[: 1 if words and len(words[0]) > 3 else 2])


def _schema(learned: Learned) -> dict[str, Any]:
    exemplar = pl.Struct(
        {
            "id": learned.items["id"].dtype,
            "item": pl.String,
            "position": pl.Float64,
            "lower": pl.Float64,
            "upper": pl.Float64,
            "ratings": pl.Int64,
        }
    )
    numbers = dict.fromkeys(("association", "lower", "upper"), pl.Float64)
    association = pl.Struct({"column": pl.String, "value": pl.String, **numbers, "items": pl.Int64})
    return {
        **{"axis": pl.Int64, "share": pl.Float64, "name": pl.String},
        **{"low": pl.List(exemplar), "high": pl.List(exemplar), "along": pl.List(association)},
    }


def _positions(learned: Learned, axis: int, rows: Rows) -> list[dict[str, Any]]:
    """Return items with their positions on an axis."""
    canonical = learned.canonical_axes
    position = canonical.centred_items[rows, axis]
    lower = upper = null_column(len(rows))
    if canonical.sd is not None:
        half = Z * canonical.sd[rows, axis]
        lower, upper = pl.Series(position - half), pl.Series(position + half)
    counts = learned.item_counts[rows]
    frame = learned.item_frame(rows, position=position, lower=lower, upper=upper, ratings=counts)
    return frame.to_dicts()
