"""Splits: the held-out ratings are the right ones, and no rating is lost or in both parts."""

import dataclasses

import numpy as np
import polars as pl
import pytest

import palate
from palate import splits


def assert_parts(ratings, train, valid):
    """Check that the parts are disjoint and together the whole, over the same users and items."""
    both = sorted(train.frame().rows() + valid.frame().rows())
    assert both == sorted(ratings.frame().rows())
    assert train.users is valid.users is ratings.users


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_random_holds_back_its_share(small, share):
    train, valid = splits.random(small, share, seed=3)
    assert len(valid) == int(len(small) * share)
    assert_parts(small, train, valid)


def test_random_depends_on_its_seed(small):
    one, again, other = (splits.random(small, 0.5, seed=s)[1].frame().rows() for s in (1, 1, 2))
    assert one == again != other


def test_official_folds_are_the_published_ones(ml100k):
    """u1.test, as GroupLens published it, holds 20,000 ratings by users 1 to 462."""
    train, valid = splits.official(ml100k, 1)
    assert len(train) == 80_000
    assert len(valid) == 20_000
    assert valid.frame()["user"].max() == 462
    assert valid.frame().row(0)[:3] == (196, 242, 3.0)
    assert_parts(ml100k, train, valid)
    tests = [splits.official(ml100k, fold)[1].frame() for fold in range(1, 6)]
    assert sum(len(t) for t in tests) == 100_000
    assert len({tuple(row[:2]) for t in tests for row in t.rows()}) == 100_000


def test_official_folds_are_refused_for_other_ratings(ml100k):
    """The folds are lines of u.data, so the same ratings in another order are not enough."""
    shuffled = ml100k.take(np.random.default_rng(0).permutation(len(ml100k)))
    with pytest.raises(palate.DataError, match="are 100,000 others, or in another order"):
        splits.official(shuffled, 1)
    one_changed = ml100k.rating.copy()
    one_changed[50_000] += 0.5
    with pytest.raises(palate.DataError, match="are 100,000 others, or in another order"):
        splits.official(dataclasses.replace(ml100k, rating=one_changed), 1)
    rows = np.arange(100_000)
    foreign = pl.DataFrame({"user": rows % 943 + 1, "item": rows // 943 + 1, "rating": rows % 5})
    for ids in (pl.Int64, pl.String, pl.Date, pl.Datetime):
        table = foreign.with_columns(pl.col("user").cast(ids))
        with pytest.raises(palate.DataError, match=r"u\.data; these are 100,000 others"):
            splits.official(palate.read_ratings(table), 1)


def test_official_folds_do_not_depend_on_the_type_of_ids(ml100k):
    text = palate.read_ratings(ml100k.frame().with_columns(pl.col("user", "item").cast(pl.String)))
    assert len(splits.official(text, 5)[1]) == 20_000


def test_leave_last_holds_back_each_users_latest(small):
    train, valid = splits.leave_last(small)
    held = {row[0]: row[1] for row in valid.frame().rows()}
    assert held == {"ann": "ale", "cat": "gin", "dan": "gin", "eve": "tea"}
    assert_parts(small, train, valid)
    assert len(splits.leave_last(small, 2)[1]) == 2  # ann alone has more than two


def test_at_time_cuts_everybody_at_once(small):
    train, valid = splits.at_time(small, 0.3)
    assert train.timestamp.max() < valid.timestamp.min()
    assert len(valid) == 3
    assert_parts(small, train, valid)


def test_at_time_keeps_a_moment_together(small):
    train, valid = splits.at_time(small, 0.85)  # cuts between cat's two ratings at time 7
    assert np.isin([7], valid.timestamp).all()
    assert 7 not in train.timestamp


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda r: splits.random(r, 0), "share is 0; it must lie between 0 and 1"),
        (
            lambda r: splits.random(r, 0.01),
            "share is 0.01, which leaves one part of 10 ratings empty",
        ),
        (lambda r: splits.at_time(r, 1), "share is 1"),
        (lambda r: splits.at_time(r.take(np.array([4, 5]))), "are as old as all the others"),
        (lambda r: splits.leave_last(r, 0), "n is 0; it must be at least 1"),
        (
            lambda r: splits.leave_last(r, 3),
            "no user has more than 3 ratings, and the fit needs one",
        ),
        (lambda r: splits.random(r, "x"), "share is 'x'; it must be a number"),
        (lambda r: splits.random(r, 0.5, seed=-1), "seed is -1; it must be at least 0"),
        (lambda r: splits.random(r, 0.5, seed=2**64), "seed is 18446744073709551616; it must"),
        (lambda r: splits.official(r, True), "fold is True; it must be an integer"),
        (lambda r: splits.official(r, 6), "fold is 6; it must be at most 5"),
        (lambda r: splits.official(r, 1), "these are 10"),
    ],
)
def test_bad_requests_are_refused(small, call, message):
    with pytest.raises(palate.PalateError, match=message):
        call(small)


@pytest.mark.parametrize("split", [splits.leave_last, splits.at_time])
def test_time_needs_timestamps(small, split):
    timeless = palate.read_ratings(small.frame().drop("timestamp"))
    with pytest.raises(palate.DataError, match="have no timestamps"):
        split(timeless)
