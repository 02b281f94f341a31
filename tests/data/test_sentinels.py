"""Values that may stand for "no rating" are pointed out; a scale that starts at 0 is not."""

import numpy as np
import polars as pl
import pytest

import palate
from palate.data._sentinels import sentinel_note

RANDOM = np.random.default_rng(0)


def column(**frequencies):
    pairs = [(float(value[1:].replace("_", ".")), n) for value, n in frequencies.items()]
    return np.repeat(*map(np.array, zip(*pairs, strict=True))).astype(np.float32)


@pytest.mark.parametrize(
    ("values", "note"),
    [
        (column(v0=40, v1=5, v2=10, v3=15, v4=20, v5=10), "40.0% of the ratings are 0, all others"),
        (column(v0=60, v1=1, v5=9, v7=12, v8=20, v10=8), "are 0, all others 1 to 10: if 0 means"),
        (column(v0=50, v0_5=3, v1=5, v3=14, v4_5=20, v5=9), "are 0, all others 0.5 to 5: if 0"),
        (np.concatenate([column(v1=2, v2=3, v5=9), [-1.0]]), "are -1, all others 1 to 5: if -1"),
        (np.concatenate([column(v0=2, v2=3, v5=9), [-1.0]]), "are -1, all others 0 to 5: if -1"),
    ],
)
def test_a_value_that_may_be_none(values, note):
    assert note in sentinel_note(np.asarray(values, dtype=np.float32))


@pytest.mark.parametrize(
    "values",
    [
        RANDOM.integers(0, 6, 3000),
        RANDOM.integers(0, 11, 3000),
        RANDOM.integers(0, 21, 3000) / 2,
        RANDOM.integers(0, 11, 3000) / 2,
        RANDOM.binomial(10, 0.7, 3000),
        RANDOM.binomial(10, 0.2, 3000),
        RANDOM.integers(1, 6, 3000),
        RANDOM.integers(-1, 2, 3000),
        RANDOM.integers(-5, 6, 3000),
        RANDOM.integers(-2, 7, 3000) / 2,
        RANDOM.uniform(-1, 1, 3000),
        RANDOM.uniform(0, 5, 3000),
        RANDOM.integers(0, 2, 3000),
        column(v0=50, v1=25, v2=12, v3=6, v4=3, v5=1),
        column(v0=30, v1=5, v2=5, v3=10, v4=20, v5=30),
        column(v0=3, v5=4),
    ],
)
def test_values_of_the_scale(values):
    assert sentinel_note(np.asarray(values, dtype=np.float32)) is None


def test_the_note_is_in_the_source_and_nothing_is_left_out():
    values = column(v0=40, v1=5, v2=10, v3=15, v4=20, v5=10)
    table = pl.DataFrame({"user": np.arange(100) % 7, "item": np.arange(100), "rating": values})
    ratings = palate.read_ratings(table)
    assert len(ratings) == 100
    assert ratings.source.endswith(
        "40.0% of the ratings are 0, all others 1 to 5: if 0 means that there is no rating, leave "
        "these rows out"
    )
