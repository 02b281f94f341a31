"""The commands fit and evaluate."""

import re
from pathlib import Path

import polars as pl
import pytest
from commands import run, run_json

import palate


def test_fit_reports_as_json(tmp_path, write):
    write("r.csv", "who,what,stars\n" + "".join(f"u{n % 7},i{n % 5},{n % 3}\n" for n in range(35)))
    columns = ["--user", "who", "--item", "what", "--rating", "stars"]
    settings = ["--factors", 2, "--epochs", 2, "--bs", 5, "--lr-max", 0.01, "--y-range", -1, 3]
    document = run_json(
        "fit", tmp_path / "r.csv", "-o", tmp_path / "m", *columns, *settings, "--valid", 0.2
    )
    assert len(document["history"]) == 2
    assert document["history"][-1]["valid_loss"] is not None
    model = palate.load(tmp_path / "m")
    assert len(model.ratings) == 35  # the saved model is of all ratings
    assert model.fit.settings["y_range"] == [-1, 3]
    assert (model.factors, model.fit.settings["bs"]) == (2, 5)
    assert run_json("recommend", tmp_path / "m", "--user", "u3", "--seen")["recommendations"]


def test_evaluate(tmp_path, write):
    rows = "".join(f"{n % 11},{n % 7},{n % 5 + 1},{n}\n" for n in range(77))
    write("r.csv", "user,item,rating,timestamp\n" + rows)
    document = run_json("evaluate", tmp_path / "r.csv", "--folds", 2)
    own = ["palate", "choice", "gibbs", "one-cycle"]
    names = [*own, "global-mean", "damped-means", "popularity", "item-neighbours"]
    assert [result["name"] for result in document["results"]] == names
    assert {"rmse", "rmse_se", "mae", "coverage_50", "coverage_90", "ndcg_10", "recall_10",
            "ndcg_10_behind", "ndcg_10_behind_se", "diversity", "genre_divergence",
            "fit_seconds", "folds"} <= set(document["results"][0])  # fmt: skip
    assert "the best lists" in document["sentence"]
    assert "training ratings can be later" in document["warning"]
    out, err = run("evaluate", tmp_path / "r.csv", "--split", "time", "--solver", "one-cycle")
    assert "one-cycle" in out
    assert "gibbs" not in out
    assert "palate ranks by both questions" not in out
    assert "best" in out
    assert "Held out: the latest 20% of the ratings" in out
    assert "training ratings can be later" not in out
    assert "fold 1 of 1: one-cycle" in err
    out, _ = run("evaluate", tmp_path / "r.csv", "--split", "users", "--solver", "one-cycle")
    assert "half of the ratings of each of 2 people outside the fit" in out
    assert "There is too little to compare: 2 people have anything" in " ".join(out.split())


def test_evaluate_events(tmp_path, write):
    """Without ratings there are lists alone, and every event is relevant."""
    rows = "".join(f"{n % 11},{n % 7},1\n" for n in range(77)) + "99,99,1\n"  # the last is cold
    write("r.csv", "user,item,rating\n" + rows)
    out, _ = run("evaluate", tmp_path / "r.csv", "--folds", 2)
    assert "Every held-out event is relevant." in " ".join(out.split())
    assert "rating" not in out
    assert "cold: 1 held-out event of a user or item without a training event" in out
    assert re.search("^ palate .*\n.*^ popularity ", out, re.M | re.S)
    assert " seconds " in out
    names = [
        row["name"]
        for row in run_json("evaluate", tmp_path / "r.csv", "--folds", 2, "--kind", "ratings")[
            "results"
        ]
    ]
    assert names[:4] == ["palate", "choice", "gibbs", "one-cycle"]


def test_fit_five_column_parquet(tmp_path):
    """The book's own table: ratings with titles merged in."""
    rows = [(n % 7, n % 5, n % 3 + 1, n, f"Film {n % 5}") for n in range(35)]
    table = pl.DataFrame(
        rows, schema=["user", "movie", "rating", "timestamp", "title"], orient="row"
    )
    table.write_parquet(tmp_path / "r.parquet")
    run("fit", tmp_path / "r.parquet", "-o", tmp_path / "m")
    similar = run_json("similar", tmp_path / "m", "Film 3")["similar"]
    assert {row["item"] for row in similar} == {"Film 0", "Film 1", "Film 2", "Film 4"}


def test_fit_latest_smalls_layout(tmp_path, write):
    write("movies.csv", "movieId,title,genres\n1,Heat (1995),Action\n2,Babe (1995),Comedy\n")
    ratings = write("ratings.csv", "userId,movieId,rating,timestamp\n1,1,4,1\n1,2,2.5,2\n2,1,5,3\n")
    run("fit", ratings, "--items", tmp_path / "movies.csv", "-o", tmp_path / "m")
    best = run_json("recommend", tmp_path / "m", "--user", 2)["recommendations"]
    assert [row["item"] for row in best] == ["Babe (1995)"]


def test_the_defaults_in_the_help_are_those_of_the_solvers(monkeypatch):
    monkeypatch.setenv("COLUMNS", "300")
    text = run("fit", "--help")[0]
    defaults = dict(re.findall(r"--([a-z-]+) .*?by default ([\d.]+)\.", text))
    assert set(defaults) == {"factors", "burn-in", "epochs", "lr-max", "wd", "bs"}
    for option, value in defaults.items():
        name = option.replace("-", "_")
        solver = palate.Gibbs() if hasattr(palate.Gibbs(), name) else palate.OneCycle()
        assert float(value) == getattr(solver, name)
    assert re.search(rf"--factors .*one-cycle: .*by default {palate.OneCycle().factors}\.", text)


def test_an_evaluation_fits_80_columns_and_explains_its_rows(tmp_path, write, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    rows = "".join(f"{n % 11},{n * n % 13},{20 * (n % 5 + 1)}\n" for n in range(99))
    write("r.csv", "user,item,rating\n" + rows)
    options = ["--duplicates", "last", "--folds", 2]
    out, _ = run("evaluate", tmp_path / "r.csv", *options)
    assert re.search("RMSE +behind +cold +MAE +in 50% +in 90% +width +seconds", out)
    assert max(map(len, out.splitlines())) <= 80
    assert "…" not in out
    assert "palate ranks by both questions, choice by what people pick" in " ".join(out.split())


def test_fit_events(clicks, tmp_path):
    """What was recognised and chosen is said; what needs ratings is refused before the fit."""
    out, err = run("fit", clicks, "-o", tmp_path / "m")
    settings = palate.load(tmp_path / "m").learned.choice.settings
    assert out.startswith(f"Read as events. Fitted: what they pick (ridge {settings['ridge']:g}, ")
    assert "weighted" not in out
    assert f"Next: palate recommend {tmp_path / 'm'} --user c0" in out
    assert "no ratings, read as events" in err
    out, _ = run("fit", clicks, "-o", tmp_path / "m", "--no-users")
    assert f"Next: palate recommend {tmp_path / 'm'} --pick p0" in out
    document = run_json("fit", clicks, "-o", tmp_path / "m")
    assert (document["kind"], document["solver"]) == ("events", "choice")
    assert document["choice"] == settings | {"rating_power": 0}
    assert document["history"]
    _, err = run("fit", clicks, "-o", tmp_path / "n", "--valid", 0.2, status=1)
    assert "--valid measures the loss of ratings, and these are events" in err
    assert not (tmp_path / "n").exists()


def test_fit_counts(tmp_path, write):
    rows = "".join(f"{n % 7},{n % 5},{1 + n % 3}\n" for n in range(35))
    write("r.csv", "user,item,plays\n" + rows)
    out, _ = run("fit", tmp_path / "r.csv", "-o", tmp_path / "m")
    assert out.startswith("Read as counts. Fitted: what they pick (ridge ")
    assert "weighted by counts" in out


def test_the_choice_model_is_fitted_beside_any_solver_of_ratings(tmp_path, write):
    rows = "".join(f"{n % 7},{n % 5},{n % 3}\n" for n in range(35))
    write("r.csv", "user,item,rating\n" + rows)
    for solver, parts in (("one-cycle", (True, True)), ("choice", (False, True))):
        out, _ = run("fit", tmp_path / "r.csv", "-o", tmp_path / "m", "--solver", solver)
        learned = palate.load(tmp_path / "m").learned
        assert (learned.has_ratings, learned.choice is not None) == parts
        assert (f"how people rate, by {solver}" in out, "what they pick" in out) == parts


def test_features_of_users(write, tmp_path):
    rows = [f"u{n % 7},i{n % 5},{n % 4}\n" for n in range(35)]
    write("r.csv", "user,item,rating\n" + "".join(rows))
    write("u.csv", "user,age\n" + "".join(f"u{n},{20 + n}\n" for n in range(7)))
    options = ["-o", tmp_path / "m", "--users", tmp_path / "u.csv", "--sweeps", 8, "--burn-in", 2]
    _, err = run("fit", tmp_path / "r.csv", *options)
    assert "u.csv describes 7 of 7 users" in err
    model = palate.load(tmp_path / "m")
    assert model.user_features()["column"].to_list() == ["age"]
    assert model.users["age"].to_list() == [str(20 + n) for n in range(7)]
    _, err = run("fit", "ml-100k", *options, status=1)
    assert "leave out --users" in err


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    """Return the folder of a training and a test table, and of two models of the first."""
    folder = tmp_path_factory.mktemp("compare")
    rows = [f"{n % 31},{n * n % 37},{n % 5 + 1}\n" for n in range(900)]
    distinct = list({row.rsplit(",", 1)[0]: row for row in rows}.values())
    for name, part in (("train", distinct[:300]), ("test", distinct[280:])):
        (folder / f"{name}.csv").write_text("who,what,stars\n" + "".join(part))
    columns = ["--user", "who", "--item", "what", "--rating", "stars"]
    for name, solver in (("a", ["--epochs", 1]), ("b", ["--sweeps", 5, "--burn-in", 2])):
        run("fit", folder / "train.csv", "-o", folder / name, *columns, *solver)
    return folder


def test_compare(tables):
    columns = ["--user", "who", "--item", "what", "--rating", "stars"]
    arguments = [tables / "a", tables / "b", "--on", tables / "test.csv", *columns]
    document = run_json("compare", *arguments)
    assert [row["name"] for row in document["results"]] == [str(tables / "a"), str(tables / "b")]
    assert [row["solver"] for row in document["results"]] == ["one-cycle", "gibbs"]
    assert document["left_out"] == 20
    assert {"rmse", "rmse_behind", "ndcg_10_behind_se"} <= set(document["results"][1])
    out, err = run("compare", *arguments)
    assert "Left out: 20 ratings that at least one of the models was fitted to." in out
    assert document["sentence"].split()[-1] in out
    assert "ratings from 1 to 5" in err
    _, err = run("compare", *arguments[:2], status=1)
    assert "give a table of these with --on" in err
    _, err = run("compare", tables / "a", *arguments[2:], status=1)
    assert "there is one model; give two or more" in err


def test_a_small_table_is_of_the_kind_of_the_models(tables, write):
    """Ratings that are all equal would else be taken for events."""
    few = write("few.csv", "user,item,rating\n0,36,5\n1,36,5\n2,33,5\n")
    assert run_json("compare", tables / "a", tables / "b", "--on", few)["kind"] == "ratings"


def test_ids_that_happen_to_be_whole_numbers(write, tmp_path):
    """Text or not is recognised in each file; the same ids are the same people and items."""
    lines = [f"{u},{i},{1 + (u * i) % 5}\n" for u in range(12) for i in range(6)]
    head = "user,item,rating\n"
    text = write("text.csv", head + "".join(lines) + "ann,film,3\n")
    numbers = write("numbers.csv", head + "1,11,3\n2,11,4\n2,film,1\n3,12,5\n")
    own = write("own.csv", head + "".join(lines) + "2,11,4\n5,12,2\n")
    few = write("few.csv", head + "1,11,3\n3,12,2\n")
    options = ["--solver", "one-cycle", "--epochs", "1"]
    run("fit", text, "-o", tmp_path / "a", *options)
    run("fit", text, "-o", tmp_path / "b", *options, "--seed", "1")
    known = write("known.csv", head + "77,1,4\n78,2,5\n")
    document = run_json("compare", tmp_path / "a", tmp_path / "b", "--on", known)
    assert document["measured"] == 2
    assert [row["unknown_items"] for row in document["results"]] == [0, 0]
    for train, test in ((text, few), (own, numbers)):
        document = run_json("evaluate", train, "--test", test, "--solver", "one-cycle")
        assert document["split"].startswith(f"{3 if test == numbers else 2} ratings of the test")


def test_evaluate_on_a_test_table(tables):
    columns = ["--user", "who", "--item", "what", "--rating", "stars"]
    arguments = ["evaluate", tables / "train.csv", *columns, "--test", tables / "test.csv"]
    document = run_json(*arguments, "--solver", "one-cycle")
    assert document["left_out"] == 20
    assert "of the test table; 20 more are among the training ratings" in document["split"]
    _, err = run(*arguments, "--split", "time", status=1)
    assert "--test holds ratings out itself; leave out --folds, --split, --share" in err


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="there is no folder without files")
def test_a_destination_that_can_not_be_written_is_found_before_any_work(monkeypatch):
    """Not even the superuser can create a file in /proc."""
    for name in ("fit", "read_ratings", "movielens", "load", "modify", "evaluate"):
        monkeypatch.setattr(palate, name, lambda *_, **__: pytest.fail("it came to work"))
    for command in (
        ["fit", "ml-100k", "-o", "/proc/model"],
        ["update", "model", "new.csv", "-o", "/proc/model"],
    ):
        _, err = run(*command, status=1)
        assert "a model can't be written to /proc/model" in err
    _, err = run("report", "model", "-o", "/proc/report.html", "--evaluate", status=1)
    assert "/proc/report.html cannot be written" in err
