"""A fit in the executors of a cluster: the chain of one machine, whatever fails."""

import datetime
import os
import signal
import subprocess
import sys
import threading
import uuid
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import palate

pytest.importorskip("pyspark")

from palate.solvers import _eigenpairs
from palate.solvers.gibbs import _calibration
from palate.spark import _checkpoint, fit, recommend
from palate.spark._results import added_in_order

# PySpark and its Arrow conversions warn of what they do themselves.
pytestmark = pytest.mark.filterwarnings("ignore")

SOLVER = palate.Gibbs(factors=4, sweeps=8, burn_in=2)
BLOCKS = 2


@pytest.fixture(scope="module", autouse=True)
def few_passes():
    """Pass over the users less often, here and in the cluster: each pass takes a moment there."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_calibration, "_ROUNDS", 2)
        patch.setattr(_eigenpairs, "_ITERATIONS", 2)
        yield


@pytest.fixture(scope="module")
def fitted(frame, tmp_path_factory):
    """Return a model, and the folder that it was saved in."""
    output = tmp_path_factory.mktemp("fitted") / "model"
    return fit(frame, solver=SOLVER, blocks=BLOCKS, output=output), output


def same_bits(one, other):
    ours, theirs = one.learned.parameters, other.learned.parameters
    return (
        np.array_equal(ours.item_table, theirs.item_table)
        and ours.likelihood == theirs.likelihood
        and np.array_equal(
            ours.item_posterior.covariances.values, theirs.item_posterior.covariances.values
        )
    )


def test_the_chain_is_that_of_one_machine(ratings, fitted):
    """The same draws up to rounding errors, and so the same items, users and noise."""
    expected, (model, _) = SOLVER.fit(palate.read_ratings(ratings)), fitted
    for name in ("noise_sd", "train_rmse"):
        ours, theirs = (m.history[name].to_numpy() for m in (model, expected))
        np.testing.assert_allclose(ours, theirs, rtol=1e-5)
    assert model.items.equals(expected.items)
    np.testing.assert_allclose(model.item_factors, expected.item_factors, atol=2e-3)
    np.testing.assert_allclose(model.item_biases, expected.item_biases, atol=1e-3)
    np.testing.assert_array_equal(model.learned.item_counts, expected.learned.item_counts)
    np.testing.assert_allclose(model.learned.item_means, expected.learned.item_means, rtol=1e-6)
    profiles = model.profiles(palate.read_ratings(ratings))
    np.testing.assert_allclose(profiles.posteriors.table, expected.learned.user_table, atol=5e-3)
    assert model.fit.settings == expected.fit.settings


def test_the_folder_is_that_of_any_model(fitted, ratings):
    model, output = fitted
    back = palate.load(output)
    assert same_bits(back, model)
    assert back.users is None
    me = back.profile(dict(ratings.filter(user=196).select("item", "rating").rows()))
    assert me.recommend(5).height == 5
    assert back.biases().height == model.items.height
    assert back.fit.source == "Spark DataFrame: user, item, rating"


def test_an_executor_that_is_killed_within_a_sweep_changes_nothing(spark, frame, fitted):
    """Its blocks are computed again, to the same bits."""

    def executor(_):
        daemon = os.getppid()
        status = Path(f"/proc/{daemon}/stat").read_text(encoding="utf-8")
        yield int(status.rpartition(")")[2].split()[1])

    killed = []

    def kill(row):
        if row["sweep"] == 3:
            processes = spark.sparkContext.parallelize(range(2), 2).mapPartitions(executor)
            killed.append(processes.first())
            threading.Timer(0.2, os.kill, (killed[0], signal.SIGKILL)).start()

    model = fit(frame, solver=SOLVER, blocks=BLOCKS, progress=kill)
    assert not Path(f"/proc/{killed[0]}/fd/0").exists()
    assert same_bits(model, fitted[0])


def test_a_fit_goes_on_from_its_checkpoint(frame, fitted, tmp_path, monkeypatch):
    monkeypatch.setattr(_checkpoint, "EVERY", 2)
    sweeps = []

    def stop(row):
        sweeps.append(row["sweep"])
        if sweeps == [0, 1, 2, 3, 4, 5]:  # 3 are in one place, and 5 are not in the other yet
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(frame, solver=SOLVER, blocks=BLOCKS, checkpoint=tmp_path / "state", progress=stop)
    model = fit(frame, solver=SOLVER, blocks=BLOCKS, checkpoint=tmp_path / "state", progress=stop)
    assert sweeps == [0, 1, 2, 3, 4, 5, 4, 5, 6, 7]
    assert len(model.history) == 8
    assert same_bits(model, fitted[0])


def test_ids_come_back_as_they_went_in_and_one_user_can_have_many_ratings(spark):
    """Of dates and text; the first user has a third of the ratings, and a block has no users."""
    rng = np.random.default_rng(0)
    days = [datetime.date(2024, 1, 1) + datetime.timedelta(days=n) for n in range(16)]
    ids = sorted(str(uuid.UUID(int=int(n))) for n in rng.integers(0, 1 << 60, 41))
    table = pl.DataFrame(
        [
            (day, ids[item], float(rng.integers(1, 6)))
            for number, day in enumerate(days)
            for item in (rng.permutation(40)[:5].tolist() if number else range(40))
        ],
        schema=["day", "what", "stars"],
        orient="row",
    )
    columns = {"user": "day", "item": "what", "rating": "stars"}
    described = pl.DataFrame({"what": ids, "kind": ["a", "b"] * 20 + ["a"]})
    solver, frame = (
        palate.Gibbs(factors=2, sweeps=3, burn_in=1),
        spark.createDataFrame(table.to_arrow()),
    )
    model = fit(frame, **columns, solver=solver, items=described, blocks=6)
    assert model.items["id"].to_list() == ids
    assert model.learned.item_counts.tolist()[-1] == 0
    assert model.fit.source.startswith("Spark DataFrame: user = day, item = what, rating = stars")
    assert "describes 40 of 40 items, and 1 more" in model.fit.source
    expected = solver.fit(palate.read_ratings(table, **columns, items=described))
    np.testing.assert_allclose(model.item_biases, expected.item_biases, atol=1e-3)
    lists = recommend(model, frame, 3, **columns).toArrow()
    lists = pl.DataFrame(pl.from_arrow(lists)).sort("day", "rank")
    assert lists["day"].to_list() == [day for day in days[1:] for _ in range(3)]
    history = dict(table.filter(day=days[7]).select("what", "stars").rows())
    found = model.profile(history).recommend(3)
    assert lists.filter(day=days[7])["what"].to_list() == found["id"].to_list()
    assert lists.columns[:4] == ["day", "rank", "what", "item"]


def test_results_of_many_blocks_are_added_in_the_order_of_blocks(spark):
    """By the executors, whatever order they come in; a block can have none."""
    letters = [(number, chr(ord("a") + number)) for number in range(18) if number != 6]
    results = spark.sparkContext.parallelize(letters[::-1], 3)
    assert added_in_order(results, 18) == "abcdefhijklmnopqr"
    assert added_in_order(results.filter(lambda result: result[0] < 3), 3) == "abc"


BAD = {
    "no rows": ([], "there are column names but no rows"),
    "no user": ([(None, 1, 2.0)] * 4, r"'user': the id is missing in 4 of 7 rows, such as \(user="),
    "no item": ([(5, None, 2.0)], "'item': the id is missing in 1 of 4 rows"),
    "no rating": ([(5, 1, None)], "'rating': the rating is missing in 1 of 4 rows"),
    "nan": ([(5, 1, float("nan"))], "'rating': the rating is not finite in 1 of 4 rows"),
    "infinite": ([(5, 1, float("-inf"))], r"not finite in 1 of 4 rows, such as \(user=5, item=1"),
    "repeated": (
        [(1, 1, 2.0), (1, 1, 3.0)],
        r"1 pairs of a user and an item have several ratings \(repeats in all: 2\), such as",
    ),
}
GOOD = [(1, 1, 2.0), (1, 2, 3.0), (2, 1, 5.0)]


@pytest.mark.parametrize("case", BAD)
def test_bad_ratings_are_refused(spark, case):
    rows, message = BAD[case]
    schema = "user long, item long, rating double"
    table = spark.createDataFrame(rows + GOOD if rows else [], schema)
    with pytest.raises(palate.DataError, match=message):
        fit(table)


def test_other_mistakes_are_explained(spark):
    table = spark.createDataFrame(GOOD, "user long, item long, rating double")
    with pytest.raises(palate.DataError, match="no column 'who'; it has 'user', 'item', 'rating'"):
        fit(table, user="who")
    with pytest.raises(palate.DataError, match="all 2 ratings are of one user"):
        fit(table.filter("user = 1"), blocks=1)
    with pytest.raises(palate.SettingError, match="fits by palate"):
        fit(table, solver=palate.OneCycle())
    with pytest.raises(palate.DataError, match="a list is not a Spark DataFrame"):
        fit(GOOD)
    with pytest.raises(palate.SettingError, match="blocks is 0"):
        fit(table, blocks=0)
    text = table.selectExpr("user", "item", "concat('*', rating) as rating")
    with pytest.raises(palate.DataError, match=r"not a number in 3 of 3 rows, .*rating='\*2.0'"):
        fit(text)
    lists = table.selectExpr("array(user) as user", "item", "rating")
    with pytest.raises(palate.DataError, match="'user' holds array<bigint>; ids can be"):
        fit(lists)


def test_the_command_refuses_what_has_no_meaning_in_a_cluster(tmp_path):
    arguments = ["fit", "ratings", "-o", str(tmp_path / "model"), "--spark", "local[2]"]
    for option in (["--threads", "2"], ["--gate"], ["--users", "people.csv"]):
        done = subprocess.run(
            [sys.executable, "-m", "palate", *arguments, *option],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 1
        assert f"{option[0]} can't be used with --spark" in done.stderr


def test_without_pyspark_it_is_said_what_to_install():
    code = (
        "import sys, palate\n"
        "assert 'pyspark' not in sys.modules\n"
        "sys.modules['pyspark'] = None\n"
        "try:\n"
        "    import palate.spark\n"
        "except palate.MissingExtraError as error:\n"
        "    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "palate.spark requires PySpark: pip install 'palate[spark]'"
