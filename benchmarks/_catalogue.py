"""Generated catalogues: titles, genres, years, and ratings by people with tastes."""

import numpy as np
import polars as pl

import palate

FIRST = "Silent Golden Broken Last Hidden Crimson Paper Distant Burning Little Frozen Velvet".split()
SECOND = "River Garden Letter Harbour Mountain Orchard Mirror Station Winter Island Bridge".split()
THIRD = "Song Secret Promise House Daughter Stranger Summer Journey Witness Return Shadow".split()
GENRES = "Action Adventure Animation Comedy Crime Drama Fantasy Horror Romance Thriller".split()
TASTES, NOISE_SD = 20, 0.8


def catalogue(items: int, users: int, n: int) -> palate.Ratings:
    """Return about `n` ratings from 1 to 5 with a skewed distribution of ratings per item.

    Genres decide a part of the tastes. A tenth of the items have 46% of the ratings.
    """
    rng = np.random.default_rng(0)
    table = _items(items, rng)
    strength = 0.6 / (1 + np.arange(TASTES)) ** 0.3
    item_tastes = 0.7 * rng.standard_normal((items, TASTES))
    for place, genre in enumerate(GENRES):
        has = table["genres"].str.contains(genre, literal=True).to_numpy()
        item_tastes[:, place % TASTES] += np.where(has, 1.0, -0.3)
    user_tastes = rng.standard_normal((users, TASTES)) * strength
    biases = rng.normal(0, 0.5, items), rng.normal(0, 0.4, users)
    # Each pair once.
    pairs = np.unique(rng.integers(0, users, n) * items + (items * rng.random(n) ** 3).astype(int))
    user, item = (pairs // items).astype(np.int32), (pairs % items).astype(np.int32)
    score = 3.5 + biases[0][item] + biases[1][user] + NOISE_SD * rng.standard_normal(len(pairs))
    for taste in range(TASTES):
        score += user_tastes[user, taste] * item_tastes[item, taste]
    return palate.Ratings(
        user=user,
        item=item,
        rating=np.clip(np.rint(score), 1, 5).astype(np.float32),
        timestamp=None,
        users=pl.DataFrame({"id": np.arange(1, users + 1)}),
        items=table,
        source=f"a generated catalogue of {items:,} items",
    )


def _items(items: int, rng: np.random.Generator) -> pl.DataFrame:
    """Return ids, titles such as "The Silent River Song 17 (1984)", genres and years."""
    words = [rng.choice(words, items) for words in (FIRST, SECOND, THIRD)]
    years = rng.integers(1930, 2025, items)
    titles = [
        f"The {' '.join(parts)} {number} ({year})"
        for number, (*parts, year) in enumerate(zip(*words, years, strict=True), 1)
    ]
    genres = [
        "|".join(sorted(rng.choice(GENRES, count, replace=False)))
        for count in rng.integers(1, 4, items)
    ]
    return pl.DataFrame(
        {"id": np.arange(1, items + 1), "item": titles, "genres": genres, "year": years}
    )
