"""The tables of what features of items and of users are worth."""

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from palate._words import listed
from palate.analysis._intervals import Z
from palate.data._features import features
from palate.errors import SettingError
from palate.learned._feature_effects import FeatureEffects
from palate.learned._known_features import FORGOTTEN, KnownFeature
from palate.learned._learned import Learned


def has_known_features(learned: Learned, rows: NDArray[np.integer[Any]]) -> NDArray[np.bool_]:
    """Return whether any feature that the model uses is known of the items at `rows`; (n,)."""
    effects = learned.parameters.effects
    known = np.zeros(len(rows), dtype=np.bool_)
    if effects is not None and len(rows):
        for column in set(effects.features.columns) & set(learned.items.columns):
            known |= learned.items[column].gather(rows).is_not_null().to_numpy()
    return known


def parts_of_bias(learned: Learned, row: int) -> dict[str, float]:
    """Return what the bias of an item is made of, in units of the ratings.

    These are the effects of each column of its features, such as "for Action and War", and "of its
    own": how much better it is liked than others with the same. They sum to the bias. Nothing in a
    point estimate, and for an item without features.
    """
    effects = learned.parameters.effects
    if effects is None or not has_known_features(learned, np.array([row]))[0]:
        return {}
    item = learned.items[row]
    each = effects.mean * effects.features.of(item)[0]
    parts: dict[str, float] = {}
    for feature, effect in zip(effects.features.features, each.tolist(), strict=True):
        if feature.column in item.columns and (value := item[feature.column][0]) is not None:
            name = f"for {_in_words(feature, value)}"
            parts[name] = parts.get(name, 0.0) + effect
    parts["of its own"] = float(learned.item_biases[row]) - sum(parts.values())
    return parts


def _in_words(feature: KnownFeature, value: Any) -> str:
    """Return what is known of an item in one column, such as "Action and War", or "year 1977"."""
    if isinstance(value, pl.Series):
        return listed(value.to_list())
    if feature.value is None or not isinstance(value, str):
        return f"{feature.column} {value}"
    entries = value.split(feature.separator) if feature.separator else [value]
    return listed([entry.strip() for entry in entries if entry.strip()])


def item_feature_effects(learned: Learned) -> pl.DataFrame:
    """Return a row for each feature of the items; see `Model.features`."""
    return _table(learned.require_rating_model().effects, learned.items, "items")


def user_feature_effects(learned: Learned) -> pl.DataFrame:
    """Return a row for each feature of the users; see `Model.user_features`."""
    return _table(learned.require_rating_model().user_effects, learned.users, "users")


def _table(effects: FeatureEffects | None, rows: pl.DataFrame | None, what: str) -> pl.DataFrame:
    if effects is None:
        raise SettingError(
            f"this model is a point estimate, which does not use the features of {what}; fit with "
            "Gibbs"
        )
    found = [] if rows is None else features(rows)
    counts: dict[tuple[str, str | None], int] = {
        (feature.column, feature.value): int(np.nansum(feature.values))
        for feature in found
        if feature.value is not None
    }
    names = effects.features.names
    frame = pl.DataFrame(
        {
            "column": pl.Series([column for column, _ in names], dtype=pl.String),
            "value": pl.Series([value for _, value in names], dtype=pl.String),
            "per": pl.Series(
                [one.scale if one.value is None else None for one in effects.features.features],
                dtype=pl.Float64,
            ),
            "effect": effects.mean,
            "lower": effects.mean - Z * effects.sd,
            "upper": effects.mean + Z * effects.sd,
            what: pl.Series([counts.get(name) for name in names], dtype=pl.Int64),
        }
    )
    is_named = pl.col("value").ne_missing(FORGOTTEN)
    return frame.filter(is_named).sort("effect", descending=True)
