"""The neighbours of an item: what the same people like, and what they pick."""

import polars as pl

from palate.model._model import Model
from palate.web import _responses as res
from palate.web._json import Ids, json_rows

_MAX_NEIGHBOURS = 12


def item_neighbours(model: Model, row: int, ids: Ids, scale: list[float]) -> res.Neighbours:
    """Return the neighbours of the item in a row.

    Parameters
    ----------
    model
        The model.
    row
        The row of an item with training ratings.
    ids
        The JSON form of each id.
    scale
        The ratings to choose from, lowest first; none of events and counts.
    """
    learned, item = model.learned, model.items["id"][row]
    liked: list[res.Neighbour] = []
    picked: list[res.AlsoPicked] = []
    if learned.has_ratings:
        names = list(res.Neighbour.model_fields)
        rows = json_rows(model.similar(item, _MAX_NEIGHBOURS).select(names), ids)
        liked = [res.Neighbour(**one) for one in rows]
    if learned.choice is not None:
        # What a person would pick whose history is this item, rated as high as possible.
        alone = model.profile({item: scale[-1] if scale else 1})
        suggested = alone.recommend(_MAX_NEIGHBOURS, by="choice").filter(pl.col("score") > 0)
        names = list(res.AlsoPicked.model_fields)
        picked = [res.AlsoPicked(**one) for one in json_rows(suggested.select(names), ids)]
    return res.Neighbours(neighbours=liked, also_picked=picked)
