"""What a table knows of users, and users in the model: as on one machine, written by executors."""

import json

import numpy as np
import polars as pl
import pytest

import palate

pytest.importorskip("pyspark")

from palate.solvers.gibbs._known_features import known_values
from palate.spark import _known_users, fit, recommend

# PySpark and its Arrow conversions warn of what they do themselves.
pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.usefixtures("few_passes")]

SOLVER = palate.Gibbs(factors=4, sweeps=5, burn_in=2)


def check_lists_of(model, frame, ratings, people):
    """Check the lists of people of whom the model knows something, and of some nothing."""
    whole = people.rename({"user": "id"}).with_columns(likes=pl.lit("tea"))
    lists = recommend(model, frame.filter("user < 50"), 5, by="rating", users=whole)
    few = palate.read_ratings(ratings.filter(pl.col("user") < 50), users=people)
    wanted = pl.DataFrame(model.profiles(few).recommend(5, by="rating"))
    found = pl.DataFrame(pl.from_arrow(lists.toArrow())).sort("user", "rank")
    assert found["item"].to_list() == wanted["id"].to_list()
    np.testing.assert_allclose(found["prediction"], wanted["prediction"], atol=1e-4)
    without = pl.DataFrame(
        pl.from_arrow(recommend(model, frame.filter("user < 50"), 5, by="rating").toArrow())
    ).sort("user", "rank")
    assert np.abs(without["prediction"] - found["prediction"]).max() > 1e-3
    with pytest.raises(palate.SettingError, match=r"no column that the model knows; it knows '"):
        recommend(model, frame, users=people.select("user"))


def test_a_model_with_users_is_that_of_one_machine(spark, ml100k, ratings, frame, tmp_path):
    """Their features are learned from, and their profiles are in the folder."""
    people = ml100k.users.rename({"id": "user"}).sample(fraction=0.9, seed=0)
    expected = SOLVER.fit(palate.read_ratings(ratings, users=people))
    described = spark.createDataFrame(people.to_arrow())
    output = tmp_path / "shared" / "model"
    model = fit(
        frame, solver=SOLVER, users=described, blocks=3, output=output, save_users=True
    )  # fmt: skip
    assert model.users is None
    known, wanted = (m.learned.parameters.user_prior.known for m in (model, expected))
    assert known.names == wanted.names
    assert {"age", "gender", "occupation"} == set(known.columns)
    np.testing.assert_allclose(model.item_factors, expected.item_factors, atol=2e-3)
    np.testing.assert_allclose(model.item_biases, expected.item_biases, atol=1e-3)
    back, theirs = palate.load(output), expected.learned
    assert back.users.equals(expected.users)
    np.testing.assert_allclose(back.learned.user_table, theirs.user_table, atol=5e-3)
    np.testing.assert_allclose(back.learned.user_variances, theirs.user_variances, rtol=1e-3)
    for ours, other in zip(back.learned.ratings_by_user, theirs.ratings_by_user, strict=True):
        assert ours.sum() == other.sum()
    assert back.user(196).recommend(5)["id"].to_list()
    assert np.array_equal(back.learned.item_table, model.learned.item_table)
    check_lists_of(model, frame, ratings, people)
    description = json.loads((output / "palate.json").read_text())
    files = description["files"]["users"]
    assert len(files) == 3
    damaged = output / files[1]["name"]
    damaged.write_bytes(damaged.read_bytes()[:-9])
    with pytest.raises(palate.ModelFileError, match=r"users.*is damaged or was changed"):
        palate.load(output)
    damaged.unlink()
    with pytest.raises(palate.ModelFileError, match=r"users.*is missing or can't be read"):
        palate.load(output)
    # A part whose rows are not those of the others.
    description["files"]["posteriors"] = description["files"]["posteriors"][:2]
    description["files"]["users"] = [files[0], files[2]]
    (output / "palate.json").write_text(json.dumps(description))
    with pytest.raises(palate.ModelFileError, match=r"user_table should be of|refer to a user"):
        palate.load(output)
    model.save(output)
    assert not list(output.glob("users.*")) + list(output.glob("posteriors.*"))


def test_features_come_from_counts_in_the_cluster(spark, monkeypatch):
    """Numbers, dates as text, flags, lists and free text; of more values than are counted, too."""
    rng = np.random.default_rng(0)
    kinds = np.array(["tea", "rum|ale", "tea|gin", "ale", " ", ""])
    people = pl.DataFrame(
        {
            "who": [str(n) for n in range(80)],
            "age": rng.integers(10, 60, 80),
            "income": rng.normal(size=80),
            "since": [f"{1990 + n % 7}-03-01" for n in range(80)],
            "member": rng.integers(0, 2, 80),
            "likes": kinds[rng.integers(0, 6, 80)],
            "bio": [f"text {n}" for n in range(80)],
            "same": ["x"] * 80,
        }
    ).with_columns(
        pl.when(pl.col("age") > 20).then("age"), pl.when(pl.col("age") < 50).then("likes")
    )
    rated = spark.createDataFrame(
        [(n, n % 5, 3.0) for n in range(10, 90)], "user long, item long, rating float"
    )
    monkeypatch.setattr(_known_users, "_MAX_VALUES", 70)
    found = _known_users.known_users(rated, people, "who")
    joined = people.filter(pl.col("who").cast(pl.Int64) >= 10).drop("who")
    missing = pl.DataFrame({"age": [None] * 10}, schema={"age": pl.Int64})
    joined = pl.concat([joined, missing], how="diagonal")
    wanted = known_values(joined.drop("bio"), np.ones(80, dtype=bool)).features
    assert found.features.names == wanted.names
    assert {"age", "income", "since", "member", "likes"} == set(wanted.columns)
    for ours, theirs in zip(found.features.features, wanted.features, strict=True):
        assert ours[:3] == theirs[:3]
        np.testing.assert_allclose(ours[3:], theirs[3:], rtol=1e-9)
    assert found.source.endswith("describes 70 of 80 users")


def test_bad_tables_of_users_are_refused(spark, tmp_path):
    rated = spark.createDataFrame([(1, 1, 2.0), (2, 1, 3.0)], "user long, item long, rating float")
    for table, message in (
        (pl.DataFrame({"user": [1, 1], "age": [2, 3]}), "the id '1' appears more than once"),
        (pl.DataFrame({"user": [7], "age": [2]}), "none of its ids is a user of the ratings"),
        (pl.DataFrame({"shoe": [7], "age": [2]}), "has no column 'user' with the ids of users"),
    ):
        with pytest.raises(palate.DataError, match=message):
            _known_users.known_users(rated, table, "user")
    with pytest.raises(palate.SettingError, match="save_users= needs output="):
        fit(rated, save_users=True)
