"""Two items, or two known users, of one model beside each other."""

from typing import Any

import numpy as np
import polars as pl

from palate.analysis import _agreement
from palate.analysis._similar_users import similarities
from palate.errors import SettingError
from palate.model._profile import Profile
from palate.web import _compare_responses as res
from palate.web import _person_responses as people
from palate.web._explorer import Explorer
from palate.web._json import json_rows

_MAX_FANS, _MAX_COMMON, _MAX_RECOMMENDED = 8, 200, 8


def item_pair(explorer: Explorer, first: Any, second: Any) -> res.ItemPair:
    """Return two items beside each other, by their ids or titles.

    Raises
    ------
    UnknownIdError
        If there is no such item, or several.
    SettingError
        If an item has no training ratings, or it is the same one twice.
    """
    learned = explorer.model.learned
    rows = [learned.item_index.row(one) for one in (first, second)]
    if rows[0] == rows[1]:
        raise SettingError(f"{learned.items['item'][rows[0]]!r} is compared with itself")
    pair = _agreement.compare_items(learned, *rows)
    table, likes_both, fans = pair.people, None, []
    if table is not None and learned.has_ratings:
        liking = table.filter("likes_both")
        likes_both, fans = liking.height, _fans(explorer, liking)
    elif table is not None:
        fans = _fans(explorer, table)
    placed = [explorer.placed_item(one) for one in (first, second)]
    return res.ItemPair(
        items=[item for item, _ in placed],
        axes=[places for _, places in placed],
        both=None if table is None else table.height,
        by_chance=pair.by_chance,
        like_both=likes_both,
        fans=fans,
        agreement=_agreed(pair.agreement),
        similarity=pair.similarity,
        first_higher=pair.first_higher,
    )


def _fans(explorer: Explorer, table: pl.DataFrame) -> list[res.RaterOfBoth]:
    rows = table.head(_MAX_FANS).select("user", "first", "second").iter_rows(named=True)
    return [res.RaterOfBoth(**row | {"user": explorer.user_ids[row["user"]]}) for row in rows]


def user_pair(explorer: Explorer, first: Any, second: Any) -> res.UserPair:
    """Return two known users beside each other.

    Raises
    ------
    UnknownIdError
        If the model does not know a user.
    SettingError
        If it is the same user twice.
    """
    learned = explorer.model.learned
    rows = [learned.user_index.row(one) for one in (first, second)]
    if rows[0] == rows[1]:
        raise SettingError(f"user {first!r} is compared with themselves")
    pair = _agreement.compare_users(learned, *rows)
    profiles = [explorer.model.user(one) for one in (first, second)]
    portraits = [explorer.portrait(one) for one in profiles] if learned.has_ratings else []
    items = json_rows(pair.items.head(_MAX_COMMON), explorer.item_ids)
    return res.UserPair(
        users=[_user(explorer, row, one) for row, one in zip(rows, profiles, strict=True)],
        portraits=portraits,
        common=pair.items.height,
        items=[res.RatedByBoth(**item) for item in items],
        agreement=_agreed(pair.agreement),
        similarity=_similarity(explorer, *rows),
        from_first=_suggested(explorer, *profiles),
        from_second=_suggested(explorer, *profiles[::-1]),
    )


def _similarity(explorer: Explorer, first: int, second: int) -> float | None:
    model = explorer.model
    if not model.learned.has_ratings:
        return None
    others = np.array([second])
    return float(similarities(model.learned, model.user_posteriors, first, others)[0])


def _user(explorer: Explorer, row: int, profile: Profile) -> res.ComparedUser:
    learned, rating = explorer.model.learned, profile.rating
    return res.ComparedUser(
        user=explorer.user_ids[learned.require_users().users["id"][row]],
        ratings=len(rating),
        mean=float(rating.mean()) if learned.has_ratings and len(rating) else None,
    )


def _suggested(explorer: Explorer, source: Profile, target: Profile) -> list[people.Recommendation]:
    """Return the best items for one person of those that another rates above their own mean.

    In a model without ratings, of all those in the other's history.
    """
    rated, rating = source.rated, source.rating
    if explorer.model.learned.has_ratings and len(rating):
        rated = rated[rating >= rating.mean()]
    candidates = explorer.model.items["id"].gather(rated).to_list()
    if not candidates:
        return []
    found = target.recommend(_MAX_RECOMMENDED, candidates=candidates)
    return [people.Recommendation(**row) for row in json_rows(found, explorer.item_ids)]


def _agreed(agreement: _agreement.Agreement | None) -> res.Agreement | None:
    return None if agreement is None else res.Agreement(**agreement._asdict())
