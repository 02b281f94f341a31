"""The sections on the map of the items and on their neighbours."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from palate.model._model import Model
from palate.plots._map import item_map
from palate.plots._neighbours import item_title, neighbour_figure, neighbour_table
from palate.plots._report._html import Number, escape, figure, heading, note, paragraph, table
from palate.plots._units import has_item_columns, min_ratings

_MAPPED, _CARDS, _NEAREST, _DRAWN, _PICKED = 1000, 6, 5, 10, 20


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
    ids = _most_frequent(model, _CARDS)["id"].to_list()
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
    cards = "".join(_similar(model, item, table) for item, table in tables.items() if item != first)
    drawn = neighbour_table(model, first, _DRAWN)
    html += figure(lambda width: neighbour_figure(model, first, drawn, width))
    return f'{html}<div class="cards">{cards}</div>'


def picked_section(model: Model) -> str:
    """Return the section on what is picked often, and by the same people, as HTML."""
    frequent = _most_frequent(model, _PICKED)
    rows = [[row["item"], Number(f"{row['people']:,}")] for row in frequent.iter_rows(named=True)]
    cards = "".join(_also_picked(model, item) for item in frequent["id"].head(_CARDS))
    return (
        table(["item", "people"], rows)
        + heading("Picked by the same people")
        + paragraph(
            "For the first of these items, what a person who picked only that one would pick next, "
            "the likeliest first, with the number of people who picked it."
        )
        + f'<div class="cards">{cards}</div>'
    )


def _most_frequent(model: Model, n: int) -> pl.DataFrame:
    """Return the items of the most people: id, item and people."""
    counts = model.learned.item_counts
    order = np.argsort(-counts, kind="stable")[:n]
    rows = order[counts[order] > 0]
    return model.learned.item_frame(rows, people=counts[rows])


def _also_picked(model: Model, item: Any) -> str:
    # Any history of this item alone gives the same order.
    alone = model.profile({item: float(np.nanmax(model.learned.item_means))})
    found = alone.recommend(_NEAREST, by="choice").filter(pl.col("score") > 0)
    lines = [(name, f"{n:,}") for name, n in found.select("item", "ratings").iter_rows()]
    return _card(item_title(model, item), lines, "Nothing is known of what else they pick.")


def _similar(model: Model, item: Any, neighbours: pl.DataFrame) -> str:
    lines = [(row["item"], f"{row['similarity']:.2f}") for row in neighbours.iter_rows(named=True)]
    return _card(item_title(model, item), lines, "No item is certain to be similar.")


def _card(title: str, lines: Sequence[tuple[str, str]], without: str) -> str:
    """Return a card with lines of an item and a number; `without` is its text if it has none."""
    listed = "".join(
        f"<li><span>{escape(item)}</span><span>{escape(number)}</span></li>"
        for item, number in lines
    )
    body = f"<ol>{listed}</ol>" if lines else paragraph(without)
    return f'<div class="card">{heading(title)}{body}</div>'
