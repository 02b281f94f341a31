"""The section on what is picked often but liked little, and picked rarely but well liked."""

import polars as pl

from palate.analysis._popularity import contrasts
from palate.model._model import Model
from palate.plots._format import signed
from palate.plots._popularity import popularity
from palate.plots._report._html import MISSING, Number, figure, heading, paragraph, table
from palate.plots._units import POINTS, has_intervals, min_ratings

_LISTED = 10
_EXPLAINED = (
    "How often an item is picked is another matter than how it is liked. Each item is compared "
    "with others that are liked as well: 2.00 means that it is picked twice as often as those, "
    "0.50 half as often."
)
_CAPTION = (
    "The line shows how many ratings items with each bias have. Items above it are picked more "
    "often than others that are liked as well, items below it more rarely. The coloured ones are "
    "those of the tables below."
)


def popularity_section(model: Model) -> str:
    """Return the section as HTML."""
    often, rarely = contrasts(model.popularity(), _LISTED)
    among = f"Only items with at least {min_ratings(model)} ratings are compared."
    return (
        paragraph(f"{_EXPLAINED} {among}")
        + figure(lambda width: popularity(model, _LISTED, width=width), _CAPTION)
        + heading("Picked often, liked little")
        + _table(model, often)
        + heading("Picked rarely, well liked")
        + _table(model, rarely)
    )


def _table(model: Model, found: pl.DataFrame) -> str:
    if found.is_empty():
        return paragraph(
            "None of the items is certain to be so."
            if has_intervals(model)
            else "None of the items is so."
        )
    return table(
        ["item", "ratings", "times as often", "90% interval", f"bias ({POINTS})"],
        [
            [
                row["item"],
                Number(f"{row['ratings']:,}"),
                Number(f"{row['beyond_taste']:.2f}"),
                Number(_interval(row)),
                Number(signed(row["bias"])),
            ]
            for row in found.iter_rows(named=True)
        ],
    )


def _interval(row: dict[str, float | None]) -> str:
    lower, upper = row["beyond_taste_lower"], row["beyond_taste_upper"]
    return MISSING if lower is None or upper is None else f"{lower:.2f} to {upper:.2f}"
