"""The sections on the map of the items and on their neighbours."""

from typing import Any

import numpy as np
import polars as pl

from palate.model._model import Model
from palate.plots._map import item_map
from palate.plots._neighbours import item_title, neighbour_table, neighbours
from palate.plots._report._html import escape, figure, heading, note, paragraph
from palate.plots._units import has_item_columns, min_ratings

_MAPPED, _CARDS, _NEAREST = 1000, 6, 5


def map_section(model: Model) -> str:
    """Return the section on the map as HTML."""
    x, y = ("axis 1", "axis 2") if model.factors > 1 else ("axis 1", "bias")
    return paragraph(
        "Items that lie close together appeal to the same people. The most rated items have labels "
        "where there is room. Point at any other item to see what it is, drag to zoom in, and "
        "double-click to zoom out."
    ) + figure(
        lambda width: item_map(model, x, y, most_rated=_MAPPED, width=width),
        "The most rated items are drawn larger and in full colour."
        + ("" if has_item_columns(model) else " No kinds are known, so the colours show the bias."),
    )


def neighbours_section(model: Model) -> str:
    """Return the section on neighbours as HTML."""
    order = np.argsort(-model.learned.item_counts, kind="stable")[:_CARDS]
    ids = [model.items["id"][int(row)] for row in order if model.learned.item_counts[row]]
    html = paragraph(
        "Two items are similar if the same people like them, whatever the items are about. A "
        "similarity of 1 means that they appeal to exactly the same tastes, 0 that they have "
        "nothing in common. Below are the most rated items, each with the most similar items that "
        f"have at least {min_ratings(model)} ratings, the most certain first."
    )
    tables = {item: neighbour_table(model, item, _NEAREST) for item in ids}
    first = next((item for item, table in tables.items() if table.height), None)
    if first is None:
        return html + note("Too little is known about the items to call any two of them similar.")
    cards = "".join(_card(model, item, table) for item, table in tables.items() if item != first)
    html += figure(lambda width: neighbours(model, first, width=width))
    return f'{html}<div class="cards">{cards}</div>'


def _card(model: Model, item: Any, neighbours: pl.DataFrame) -> str:
    lines = "".join(
        f"<li><span>{escape(row['item'])}</span><span>{row['similarity']:.2f}</span></li>"
        for row in neighbours.iter_rows(named=True)
    )
    body = f"<ol>{lines}</ol>" if lines else paragraph("No item is certain to be similar.")
    return f'<div class="card">{heading(item_title(model, item))}{body}</div>'
