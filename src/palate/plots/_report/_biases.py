"""The section on biases, and on mean ratings that mislead."""

import polars as pl

from palate.model._model import Model
from palate.plots._biases import biases
from palate.plots._format import interval, signed
from palate.plots._gap import gap
from palate.plots._report._html import (
    MISSING,
    Number,
    Reasoned,
    disclosure,
    figure,
    heading,
    note,
    paragraph,
    table,
)
from palate.plots._report._notes import NO_USERS
from palate.plots._units import POINTS, has_intervals

_LISTED = 10
_EXPLAINED = (
    "The bias of an item is how many rating points it lies above or below the average, after "
    "allowing for who rated it and how well it suits their tastes. An item with a high bias is "
    "liked even by people whose taste it does not match."
)
_MEANS_MISLEAD = (
    "A mean rating depends on who gave the ratings. An item rated mostly by its enthusiasts has a "
    "high mean; an item rated mostly by strict people has a low one. The bias corrects for both."
)
_GAP_CAPTION = (
    "Items in the diagonal band are as good as their mean ratings suggest. The labelled ones have "
    "the largest gaps between their rank by mean and their rank by bias; the table gives the "
    "reasons."
)


def biases_section(model: Model) -> str:
    """Return the section as HTML."""
    ordered = model.biases()
    n = min(_LISTED, ordered.height // 2) or 1
    tables = (
        heading("Highest")
        + _bias_table(ordered.head(n))
        + heading("Lowest")
        + _bias_table(ordered.tail(n).reverse())
    )
    return (
        paragraph(_EXPLAINED)
        + figure(lambda width: biases(model, _LISTED, width=width), _caption(model))
        + disclosure("Show as tables", tables)
        + heading("Where the mean rating misleads")
        + paragraph(_MEANS_MISLEAD)
        + figure(lambda width: gap(model, width=width), _GAP_CAPTION)
        + (note(f"{NO_USERS}, so the reasons are not known.") if model.ratings is None else "")
        + _gap_table(model.biases("gap").head(_LISTED))
    )


def _caption(model: Model) -> str:
    if not has_intervals(model):
        return "The dots are estimates without intervals; some rest on very few ratings."
    return (
        "The bars are 90% intervals. Items are ordered by the interval bound nearest zero, so "
        "that none is listed here only because of a few lucky ratings."
    )


def _bias_table(biases: pl.DataFrame) -> str:
    return table(
        ["item", "ratings", "mean rating", f"bias ({POINTS})", "90% interval"],
        [
            [
                row["item"],
                Number(f"{row['ratings']:,}"),
                Number(f"{row['mean']:.2f}"),
                Number(signed(row["bias"])),
                Number(interval(row["lower"], row["upper"]) or MISSING),
            ]
            for row in biases.iter_rows(named=True)
        ],
    )


def _gap_table(biases: pl.DataFrame) -> str:
    return table(
        ["item and reason", "mean", "bias", "rank by mean, by bias"],
        [
            [
                Reasoned(row["item"], (row["reason"] or "",)),
                Number(f"{row['mean']:.2f}"),
                Number(signed(row["bias"])),
                Number(f"{row['rank_by_mean']:,}, {row['rank_by_bias']:,}"),
            ]
            for row in biases.iter_rows(named=True)
        ],
    )
