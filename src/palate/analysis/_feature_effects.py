"""The table of what features of items are worth."""

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from palate.analysis._intervals import Z
from palate.analysis._item_features import features
from palate.errors import SettingError
from palate.learned._learned import Learned


def has_known_features(learned: Learned, rows: NDArray[np.integer[Any]]) -> NDArray[np.bool_]:
    """Return whether any feature that the model uses is known of the items at `rows`; (n,)."""
    effects = learned.parameters.effects
    known = np.zeros(len(rows), dtype=np.bool_)
    if effects is not None:
        for column in {column for column, _ in effects.features} & set(learned.items.columns):
            known |= learned.items[column].gather(rows).is_not_null().to_numpy()
    return known


def feature_effects(learned: Learned) -> pl.DataFrame:
    """Return a row for each feature; see `Model.features`."""
    effects = learned.require_rating_model().effects
    if effects is None:
        raise SettingError(
            "this model is a point estimate, which does not use the features of items; fit with "
            "Gibbs"
        )
    items: dict[tuple[str, str | None], int] = {
        (feature.column, feature.value): int(np.nansum(feature.values))
        for feature in features(learned.items)
        if feature.value is not None
    }
    frame = pl.DataFrame(
        {
            "column": [column for column, _ in effects.features],
            "value": pl.Series([value for _, value in effects.features], dtype=pl.String),
            "effect": effects.mean,
            "lower": effects.mean - Z * effects.sd,
            "upper": effects.mean + Z * effects.sd,
            "items": pl.Series([items.get(name) for name in effects.features], dtype=pl.Int64),
        }
    )
    return frame.sort("effect", descending=True)
