"""The figures of an evaluation in the executors: those of one machine, for the same split."""

import hashlib

import polars as pl
import pytest

import palate

pytest.importorskip("pyspark")

from palate.spark import evaluate

# PySpark and its Arrow conversions warn of what they do themselves.
pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.usefixtures("few_passes")]

SOLVER = palate.Gibbs(factors=4, sweeps=8, burn_in=2)


def held_out(seed, share, user, item):
    """Return whether a rating is held out, by the rule of the docstring."""
    digits = hashlib.md5(f"{seed}\t{user}\t{item}".encode(), usedforsecurity=False).hexdigest()
    return int(digits[:8], 16) < share * 2**32


def test_the_figures_are_those_of_one_machine(ml100k, ratings, frame):
    """Also those of users and items that have no training rating, and the standard errors."""
    found = evaluate(frame, share=0.25, seed=3, solver=SOLVER, blocks=3, items=ml100k.items)
    mask = pl.Series([held_out(3, 0.25, *pair) for pair in ratings.select("user", "item").rows()])
    train, test = (
        palate.read_ratings(ratings.filter(rows), items=ml100k.items) for rows in (~mask, mask)
    )
    expected = palate.evaluate(train, SOLVER, test=test)
    assert found.cold == expected.cold
    assert set(test.users["id"]) - set(train.users["id"])
    assert found.relevant == expected.relevant == 4
    assert found.split == "a random 25% of the ratings"
    assert found.sentence == expected.sentence
    assert [row["name"] for row in found.results] == [row["name"] for row in expected.results]
    for ours, theirs in zip(found.results, expected.results, strict=True):
        assert ours.keys() == theirs.keys()
        for figure in ours.keys() - {"name", "folds", "fit_seconds"}:
            of_model = ours["name"] == "gibbs" or "behind" in figure
            # One item in the lists of some people is enough to change the last two.
            loose = {"diversity", "genre_divergence"} & {figure} and of_model
            near = pytest.approx(theirs[figure], abs=0.01 if loose else 5e-4 if of_model else 1e-6)
            assert ours[figure] == near, (ours["name"], figure)
    assert str(found).startswith("Held out: a random 25% of the ratings.")


def test_bad_tests_are_refused(spark, frame):
    table = spark.createDataFrame(
        [(1, 1, 2.0), (1, 2, 3.0), (2, 1, 5.0)], "user long, item long, rating double"
    )
    with pytest.raises(palate.SettingError, match="leave out share="):
        evaluate(table, test=table, share=0.2)
    with pytest.raises(palate.DataError, match="all 3 test ratings are among the training"):
        evaluate(table, test=table.selectExpr("int(user) user", "item", "rating"))
    with pytest.raises(palate.DataError, match="'user' holds bigint in the training table, and st"):
        evaluate(table, test=table.selectExpr("string(user) user", "item", "rating"))
    with pytest.raises(palate.DataError, match="the id is missing in 1 of 2 rows"):
        evaluate(
            table,
            test=table.selectExpr("nullif(user, 2) user", "item", "rating").filter("item = 1"),
        )
    with pytest.raises(palate.SettingError, match="share is 1e-07, which leaves one part"):
        evaluate(table, share=1e-7)
    with pytest.raises(palate.DataError, match="a list is not a Spark DataFrame"):
        evaluate(table, test=[(1, 3, 2.0)])
