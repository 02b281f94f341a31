"""Fixtures: the real MovieLens 100k, its split, and a model of it."""

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

import palate


@pytest.fixture(scope="session")
def ml100k() -> palate.Ratings:
    return palate.movielens("100k")


@pytest.fixture(scope="session")
def model(ml100k: palate.Ratings) -> palate.Model:
    return palate.OneCycle().fit(ml100k)


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes text or bytes to a file of the given name."""

    def _write(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return _write


@pytest.fixture
def small() -> palate.Ratings:
    """Five users, four items, text ids; bob has rated nothing but tea."""
    table = pl.DataFrame(
        {
            "user": ["ann", "ann", "ann", "bob", "cat", "cat", "dan", "dan", "eve", "eve"],
            "item": ["tea", "rum", "ale", "tea", "rum", "gin", "ale", "gin", "tea", "gin"],
            "rating": [5, 1, 2, 4, 5, 4, 3, 5, 4, 1],
            "timestamp": [10, 20, 30, 5, 7, 7, 40, 50, 60, 55],
        }
    )
    return palate.read_ratings(table)


@pytest.fixture(scope="session")
def bayes(ml100k: palate.Ratings) -> palate.Model:
    """Return a model of all of MovieLens 100k that knows how sure it is."""
    return palate.Gibbs(sweeps=60, burn_in=20).fit(ml100k)
