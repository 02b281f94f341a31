"""A fit in the executors of a cluster: the chain of one machine, whatever fails."""

import datetime
import os
import re
import signal
import subprocess
import sys
import threading
import time
import uuid
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import palate

pytest.importorskip("pyspark")

from palate.spark import _people, fit, recommend
from palate.spark._checkpoint import Note
from palate.spark._packing import Arrays
from palate.spark._placing import Placing
from palate.spark._results import added_in_order

# PySpark and its Arrow conversions warn of what they do themselves.
pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.usefixtures("few_passes")]

SOLVER = palate.Gibbs(factors=4, sweeps=5, burn_in=2)
BLOCKS = 2


@pytest.fixture(scope="module")
def fitted(frame, tmp_path_factory):
    """Return a model, and the folder that it was saved in."""
    output = tmp_path_factory.mktemp("fitted") / "model"
    return fit(frame, solver=SOLVER, blocks=BLOCKS, output=output), output


@pytest.fixture
def ratings_alone(monkeypatch):
    """Learn nothing of what people pick, which takes many passes."""
    monkeypatch.setattr("palate.spark._fitted.with_choice", lambda model, *_: model)


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


def test_a_task_that_fails_and_an_executor_that_is_killed_change_nothing(
    spark, frame, fitted, ratings_alone, tmp_path, monkeypatch
):
    """Blocks are computed again, to the same bits: of a task, and of all that an executor had."""
    failed = tmp_path / "failed"

    class FailsOnce(_people.ApplySteps):
        def __call__(self, layers):
            if failed.with_suffix(".due").exists() and not failed.exists():
                failed.touch()
                raise OSError("a task of this test")
            return super().__call__(layers)

    monkeypatch.setattr(_people, "ApplySteps", FailsOnce)

    def executor(_):
        daemon = os.getppid()
        status = Path(f"/proc/{daemon}/stat").read_text(encoding="utf-8")
        yield int(status.rpartition(")")[2].split()[1])

    killed = []

    def kill(row):
        if row["sweep"] == 0:
            failed.with_suffix(".due").touch()
        if row["sweep"] == 2:
            processes = spark.sparkContext.parallelize(range(2), 2).mapPartitions(executor)
            killed.append(processes.first())
            threading.Timer(0.2, os.kill, (killed[0], signal.SIGKILL)).start()

    model = fit(frame, solver=SOLVER, blocks=BLOCKS, progress=kill)
    assert failed.exists()
    assert not Path(f"/proc/{killed[0]}/fd/0").exists()
    assert same_bits(model, fitted[0])


# The command, with fewer passes, and a state after every second sweep.
COMMAND = """
from palate.cli import main
from palate.solvers import _eigenpairs
from palate.solvers.gibbs import _calibration
from palate.spark import _checkpoint
_calibration._ROUNDS = _eigenpairs._ITERATIONS = 2
_checkpoint.EVERY = 2
main()
"""


def truncate(folder):
    """Damage the files in a folder as if they had not been written to their end."""
    files = list(folder.glob("*.parquet"))
    assert files
    for file in files:
        os.truncate(file, file.stat().st_size // 2)


def test_a_command_that_is_killed_goes_on_from_its_checkpoint(
    ratings, frame, fitted, ratings_alone, tmp_path, caplog
):
    """Killed with its JVM while it writes its second state, it goes on from the first one."""
    ratings.write_csv(tmp_path / "ratings.csv")
    state, output = tmp_path / "state", tmp_path / "model"
    options = f"--factors {SOLVER.factors} --sweeps {SOLVER.sweeps} --burn-in {SOLVER.burn_in}"
    command = [
        sys.executable, "-c", COMMAND, "fit", str(tmp_path / "ratings.csv"), "-o", str(output),
        "--spark", f"local[{BLOCKS}]", "--checkpoint", str(state), *options.split(),
    ]  # fmt: skip
    files = state / "palate-fit"
    driver = subprocess.Popen(command, start_new_session=True, stderr=subprocess.DEVNULL)
    while not (files / "users-0").exists():
        assert driver.poll() is None
        time.sleep(0.002)
    os.killpg(driver.pid, signal.SIGKILL)
    assert driver.wait() == -signal.SIGKILL
    assert not output.exists()

    again = subprocess.run(command, capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stderr
    # The second state was complete if the process was killed late.
    assert re.search("The fit goes on from its checkpoint, after [24] sweeps.", again.stderr)
    assert not {"WARN", "ERROR", "java"} & set(again.stderr.split()), again.stderr
    assert again.stdout.splitlines() == [
        "Fitted to 8,000 ratings: how people rate, by gibbs; what they pick.",
        f"The model is in {output}. Next: palate biases {output}",
    ]
    model = palate.load(output)
    assert len(model.history) == SOLVER.sweeps
    assert same_bits(model, fitted[0])

    # The latest state is damaged, and the one before it is not.
    truncate(files / "users-0")
    sweeps = []
    model = fit(
        frame,
        solver=SOLVER,
        blocks=BLOCKS,
        checkpoint=state,
        progress=lambda row: sweeps.append(row["sweep"]),
    )
    assert sweeps == [2, 3, 4]
    assert "users-0 can't be read" in caplog.text
    assert same_bits(model, fitted[0])


def test_a_model_without_users_answers_on_the_command_line(fitted):
    """About anyone whose ratings are given."""
    for command in ("recommend", "explain --item 50", "profile"):
        name, *options = command.split()
        done = subprocess.run(
            [sys.executable, "-m", "palate", name, str(fitted[1]), *options, "--rate", "100=5"],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout


def test_ids_come_back_as_they_went_in_and_one_user_can_have_many_ratings(spark, tmp_path, caplog):
    """Of dates and text; the first user has half of the ratings, and a block has no users.

    The files of another fit, in the folder of the checkpoint, are replaced, and no others.
    """
    rng = np.random.default_rng(0)
    days = [datetime.date(2024, 1, 1) + datetime.timedelta(days=n) for n in range(11)]
    ids = sorted(str(uuid.UUID(int=int(n))) for n in rng.integers(0, 1 << 60, 41))
    names = [day_name, what, _] = ["the.day", "wh`at", "stars"]
    columns = dict(zip(("user", "item", "rating"), names, strict=True))
    table = pl.DataFrame(
        [
            (day, ids[item], float(rng.integers(1, 6)))
            for number, day in enumerate(days)
            for item in (rng.permutation(40)[:4].tolist() if number else range(40))
        ],
        schema=names,
        orient="row",
    )
    described = pl.DataFrame({what: ids, "kind": ["a", "b"] * 20 + ["a"]})
    solver, frame = (
        palate.Gibbs(factors=2, sweeps=3, burn_in=1),
        spark.createDataFrame(table.to_arrow()),
    )
    placing, mine = Placing(spark, str(tmp_path / "palate-fit")), tmp_path / "users" / "mine"
    Note({"palate": "0.0"}, Arrays()).write(spark, placing.path("plan"))
    mine.mkdir(parents=True)
    model = fit(frame, **columns, solver=solver, items=described, blocks=4, checkpoint=tmp_path)
    assert "palate-fit are of another fit (palate 0.0 instead of" in caplog.text
    assert mine.exists()
    assert placing.is_whole()
    truncate(tmp_path / "palate-fit" / "by-item")
    assert not placing.is_whole()
    assert model.items["id"].to_list() == ids
    assert model.learned.item_counts.tolist()[-1] == 0
    assert model.fit.source.startswith(
        "Spark DataFrame: user = the.day, item = wh`at, rating = stars"
    )
    assert "describes 40 of 40 items, and 1 more" in model.fit.source
    expected = solver.fit(palate.read_ratings(table, **columns, items=described))
    np.testing.assert_allclose(model.item_biases, expected.item_biases, atol=1e-3)
    lists = recommend(model, frame, 3, **columns).toArrow()
    lists = pl.DataFrame(pl.from_arrow(lists)).sort(day_name, "rank")
    assert lists[day_name].to_list() == [day for day in days[1:] for _ in range(3)]
    history = dict(table.filter(pl.col(day_name) == days[7]).select(what, "stars").rows())
    found = model.profile(history).recommend(3)
    assert lists.filter(pl.col(day_name) == days[7])[what].to_list() == found["id"].to_list()
    assert lists.columns[:4] == [day_name, "rank", what, "item"]


def test_results_of_many_blocks_are_added_in_the_order_of_blocks(spark):
    """By the executors, whatever order they come in; a block can have none."""
    letters = [(number, chr(ord("a") + number)) for number in range(18) if number != 6]
    results = spark.sparkContext.parallelize(letters[::-1], 3)
    assert added_in_order(results, 18) == "abcdefhijklmnopqr"
    assert added_in_order(results.filter(lambda result: result[0] < 3), 3) == "abc"


BAD = {
    "no rows": ([], "there are column names but no rows"),
    "no user": (
        [(None, 1, 2.0)] * 4,
        r"'user': the id is missing in 4 of 7 rows, such as \(user: ",
    ),
    "no item": ([(5, None, 2.0)], "'item': the id is missing in 1 of 4 rows"),
    "no rating": ([(5, 1, None)], "'rating': the rating is missing in 1 of 4 rows"),
    "nan": ([(5, 1, float("nan"))], "'rating': the rating is not finite in 1 of 4 rows"),
    "infinite": ([(5, 1, float("-inf"))], r"not finite in 1 of 4 rows, such as \(user: 5, item: 1"),
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
    with pytest.raises(palate.DataError, match="'item' can't be more than one thing; user= names"):
        fit(table, user="item")
    twice = table.select("user", "item", "rating", table["rating"].alias("user"))
    with pytest.raises(palate.DataError, match="the DataFrame has several columns 'user'"):
        fit(twice)
    with pytest.raises(palate.DataError, match="these are events, not ratings"):
        fit(table.selectExpr("user", "item", "2 as rating"), solver=palate.Gibbs())
    with pytest.raises(palate.SettingError, match="nothing can be written to /proc/palate-fit"):
        fit(table, checkpoint="/proc", blocks=1)
    with pytest.raises(palate.DataError, match="all 2 ratings are of one user"):
        fit(table.filter("user = 1"), blocks=1)
    with pytest.raises(palate.SettingError, match="fits by palate"):
        fit(table, solver=palate.OneCycle())
    with pytest.raises(palate.SettingError, match=r"device is .cuda., and palate.spark draws"):
        fit(table, solver=palate.Gibbs(device="cuda"))
    with pytest.raises(palate.DataError, match="a list is not a Spark DataFrame"):
        fit(GOOD)
    with pytest.raises(palate.SettingError, match="blocks is 0"):
        fit(table, blocks=0)
    text = table.selectExpr("user", "item", "concat(rating, 'd') as rating")
    with pytest.raises(palate.DataError, match=r"not a number in 3 of 3 rows, .*rating: '2.0d'"):
        fit(text)
    lists = table.selectExpr("array(user) as user", "item", "rating")
    with pytest.raises(palate.DataError, match="'user' holds array<bigint>; ids can be"):
        fit(lists)


def test_the_command_refuses_what_has_no_meaning_in_a_cluster(tmp_path):
    arguments = ["fit", "ratings", "-o", str(tmp_path / "model"), "--spark", "local[2]"]
    for option in (["--threads", "2"], ["--gate"], ["--kind", "counts"]):
        done = subprocess.run(
            [sys.executable, "-m", "palate", *arguments, *option],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 1
        assert f"{option[0]} can't be used with --spark" in done.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--save-users"], "--save-users belongs to a fit with --spark"),
        (["--save-users", "--no-users", "--spark", "local"], "--save-users contradicts --no-users"),
    ],
)
def test_the_command_refuses_to_save_users_where_it_has_no_meaning(options, message, tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "palate", "fit", "ratings", "-o", str(tmp_path / "m"), *options],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert message in done.stderr


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
