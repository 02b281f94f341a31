"""Units of what figures show, and which of it a model has."""

from palate.analysis._intervals import default_min_ratings
from palate.model._model import Model

POINTS = "rating points"
SCORE_UNITS = "score units"


def score_unit(model: Model) -> str:
    """Return the unit of scores, axes and components."""
    return POINTS if model.learned.likelihood.linear else SCORE_UNITS


def has_intervals(model: Model) -> bool:
    """Return whether the model has 90% intervals for its items."""
    return model.learned.has_intervals


def has_item_columns(model: Model) -> bool:
    """Return whether the items have columns besides their ids and titles."""
    return model.items.width > len(("id", "item"))


def min_ratings(model: Model) -> int:
    """Return the number of ratings from which an item can be an exemplar or a neighbour."""
    return default_min_ratings(model.learned.item_counts)
