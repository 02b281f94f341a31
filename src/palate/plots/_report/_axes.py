"""The section on the axes of taste."""

from functools import partial

import polars as pl

from palate.model._model import Model
from palate.plots._axes import EXEMPLARS, axis_ends, axis_figure
from palate.plots._report._html import figure, note, paragraph
from palate.plots._report._notes import NO_ITEM_COLUMNS
from palate.plots._units import has_item_columns

_EXPLAINED = (
    "People's tastes differ along a few axes, which the model found from the ratings alone. Each "
    "axis below has two ends: people who like the items at one end tend to dislike those at the "
    "other. An axis is named after what the items at its ends clearly have in common, or else "
    "after two of them."
)


def axes_section(model: Model) -> str:
    """Return the section as HTML."""
    html = paragraph(_EXPLAINED)
    if not has_item_columns(model):
        html += note(
            f"{NO_ITEM_COLUMNS}, so the only thing that an axis can be associated with is how "
            "often they are rated."
        )
    axes = model.axes(EXEMPLARS)
    major = axes.head(model.axis_names.in_view)
    drawn = major.filter((pl.col("low").list.len() > 0) | (pl.col("high").list.len() > 0))
    if drawn.is_empty():
        return html + note("No axis stands out: these ratings do not show different tastes.")
    for row in drawn.iter_rows(named=True):
        low, high = axis_ends(model, row["axis"])
        html += figure(
            partial(axis_figure, model, row),
            f"Axis {row['axis']} explains {row['share']:.0%} of the differences in taste that the "
            f"model found. Low end: {low}. High end: {high}.",
        )
    others = axes.height - major.height
    if others:
        html += paragraph(f"The other {others} axes explain less, and are left out.")
    return html
