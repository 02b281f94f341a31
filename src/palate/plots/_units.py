"""Units of what figures show, and which of it a model has."""

from palate.inference._link import Linear
from palate.interpret._certainty import enough
from palate.model._model import Model

POINTS = "rating points"
SCORE_UNITS = "score units"


def score_unit(model: Model) -> str:
    """Return the unit of scores, axes and components."""
    return POINTS if isinstance(model.link, Linear) else SCORE_UNITS


def has_intervals(model: Model) -> bool:
    """Return whether the model has 90% intervals for its items."""
    return model.parameters.item_bias_sd is not None


def has_item_columns(model: Model) -> bool:
    """Return whether the items have columns besides their ids and titles."""
    return model.items.width > len(("id", "item"))


def min_ratings(model: Model) -> int:
    """Return the number of ratings from which an item can be an exemplar or a neighbour."""
    return enough(model.item_counts)
