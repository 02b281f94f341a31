"""The commands: what they print agrees with the model, and failures say why.

Most run in this process, without the second that a start takes.
"""

import contextlib
import functools
import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from unittest import mock

import polars as pl
import pytest

import palate
from palate.cli import _output, main


def run(*arguments, status=0):
    """Run a command in this process; return what it printed on stdout and on stderr."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2))
    with (
        mock.patch("sys.argv", ["palate", *map(str, arguments)]),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        pytest.raises(SystemExit) as ended,
    ):
        main()
    printed = []
    for stream in (out, err):
        stream.flush()
        printed.append(stream.buffer.getvalue().decode())
    assert (ended.value.code or 0) == status, printed[1]
    return printed


def run_process(*arguments, **options):
    """Run `palate` as a user does, in a process of its own; return the finished process."""
    command = [sys.executable, "-m", "palate", *map(str, arguments)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.run(command, text=True, check=False, **pipes | options)


def run_json(*arguments):
    return json.loads(run(*arguments, "--json")[0])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cli") / "model"
    out, err = run("fit", "ml-100k", "-o", folder)
    assert f"palate biases {folder}" in out
    assert "Ratings: 100,000 ratings" in err
    return folder


@pytest.fixture
def short_gibbs(monkeypatch):
    """Let Gibbs() take a short chain, where the other solver is the subject."""
    monkeypatch.setattr(palate, "Gibbs", functools.partial(palate.Gibbs, sweeps=4, burn_in=2))


def test_demo_shows_the_table_and_the_lists_of_the_book(short_gibbs):
    out, err = run("demo")
    assert err == ""
    for part in ("MovieLens 100k from", "valid_loss", "Star Wars (1977)", "Next:", "mean rating"):
        assert part in out
    table = [line.split() for line in out.splitlines() if line.strip()[:1].isdigit()][:5]
    assert [row[0] for row in table] == ["0", "1", "2", "3", "4"]
    assert 0.79 < float(table[-1][2]) < 0.845


def test_demo_as_json():
    document = run_json("demo", "--seed", 1, "--threads", 1)
    assert [set(row) for row in document["history"]] == [
        {"epoch", "train_loss", "valid_loss", "seconds"}
    ] * 5
    for key, sign in (("lowest", 1), ("highest", -1)):
        biases = [sign * row["bias"] for row in document[key]]
        assert biases == sorted(biases)
        assert set(document[key][0]) == {"id", "item", "bias", "ratings", "mean"}
    assert document["seed"] == 1
    assert document["source"].startswith("MovieLens 100k from")
    assert document["fit_seconds"] > 0
    assert [row["name"] for row in document["solvers"]] == ["one-cycle", "gibbs"]
    assert document["solvers"][0]["valid_loss"] == pytest.approx(
        document["history"][-1]["valid_loss"], rel=1e-6
    )
    assert document["solvers"][1]["valid_loss"] < 0.985 * document["solvers"][0]["valid_loss"]
    assert len(document["recommendations"]) == 10
    rated = palate.movielens("100k").frame().filter(pl.col("user") == 196)["item"]
    assert {row["id"] for row in document["favourites"]} <= set(rated)


def test_demo_without_weight_decay_overfits(short_gibbs):
    assert run_json("demo", "--wd", 0)["history"][-1]["valid_loss"] > 0.88


def test_recommend(folder):
    document = run_json("recommend", folder, "--user", 196, "-n", 3)
    expected = palate.load(folder).user(196).recommend(3)
    assert [row["id"] for row in document["recommendations"]] == expected["id"].to_list()
    out, err = run("recommend", folder, "--user", 196)
    assert expected["item"][0] in out
    assert err == ""


def test_recommend_from_candidates(folder):
    options = ["--candidate", "Fargo (1996)", "--candidate", "50", "--exclude", "100", "--seen"]
    document = run_json("recommend", folder, "--user", 196, *options)
    assert [row["item"] for row in document["recommendations"]] == ["Star Wars (1977)"]


def test_predict(folder):
    document = run_json("predict", folder, "--user", 196, "--item", "Fargo (1996)", "--item", 50)
    expected = palate.load(folder).user(196).predict(["Fargo (1996)", 50])
    assert document["predictions"] == expected.to_dicts()
    assert "Toy Story (1995)" in run("predict", folder, "--user", 1, "--item", 1)[0]


def test_biases(folder):
    model = palate.load(folder)
    document = run_json("biases", folder, "-n", 2)
    assert document["order"] == "cautious"
    assert document["highest"] == model.biases().head(2).to_dicts()
    assert document["lowest"] == model.biases().reverse().head(2).to_dicts()
    assert document["gaps"] == model.biases("gap").head(2).to_dicts()
    parts = ("mu", "bias", "raters_bias", "raters_interaction", "residual")
    for row in run_json("biases", folder, "-n", 1682)["highest"]:
        assert sum(row[part] for part in parts) == pytest.approx(row["mean"], abs=1e-4)
    document = run_json("biases", folder, "-n", 2, "--plain")
    assert document["order"] == "bias"
    assert document["highest"] == model.biases("bias").head(2).to_dicts()
    out, _ = run("biases", folder)
    for part in (model.biases()["item"][0], "90% interval", "1.15 to 1.30", "Where the mean misl"):
        assert part in out
    assert re.search(r"Crumb \(1994\).*\n.*chosen by those", out)


def test_biases_of_some_items_and_of_users(folder):
    model = palate.load(folder)
    options = [
        "--where",
        "genres=Comedy",
        "--where",
        "year=1980..1989",
        "--min-ratings",
        50,
        "-n",
        3,
    ]
    comedies = model.biases(where={"genres": "Comedy", "year": "1980..1989"}, min_ratings=50)
    assert run_json("biases", folder, *options)["highest"] == comedies.head(3).to_dicts()
    document = run_json("biases", folder, "--users", "-n", 3)
    assert document["highest"] == model.user_biases().head(3).to_dicts()
    out, _ = run("biases", folder, "--users")
    assert "Most generous" in out
    assert "Most severe" in out


def test_axes(folder):
    document = run_json("axes", folder, "-n", 3)
    assert document["axes"] == palate.load(folder).axes(3).to_dicts()
    out, _ = run("axes", folder)
    assert "Axis 1: Action, newer <-> Drama, older (59% of what the axes explain)" in out
    assert "Clockwork Orange, A (1971)" in out
    assert "Associated with" in out
    assert "minor axes are left out" in out


def test_similar(folder):
    model = palate.load(folder)
    document = run_json("similar", folder, "Fargo (1996)", "-n", 2)
    assert document["similar"] == model.similar("Fargo (1996)", 2).to_dicts()
    plain = run_json("similar", folder, "Fargo (1996)", "--plain", "--min-ratings", 30)["similar"]
    expected = model.similar("Fargo (1996)", order="similarity", min_ratings=30)
    assert plain == expected.to_dicts()
    assert model.similar(1)["item"][0].split()[0] in run("similar", folder, 1)[0]
    users = run_json("similar", folder, "--user", 196, "-n", 3)["similar"]
    assert users == model.similar_users(196, 3).to_dicts()


def test_map(folder):
    document = run_json("map", folder, "--x", "year", "--y", "bias")
    assert document["map"] == palate.load(folder).map("year", "bias").to_dicts()
    assert "Star Wars" in run("map", folder, "-n", 3)[0]


def test_a_map_is_drawn(folder, tmp_path):
    run("map", folder, "--x", "component 1", "--y", "component 3", "-o", tmp_path / "map.html")
    page = (tmp_path / "map.html").read_text()
    assert "component 3 (rating points)" in page
    _, err = run("map", folder, "-o", tmp_path / "none" / "map.html", status=1)
    assert err.startswith(f"palate: there is no folder {tmp_path / 'none'}")


def test_report(folder, tmp_path):
    out, _ = run("report", folder, "-o", tmp_path / "r.html", "--user", 42)
    assert f"The report is in {tmp_path / 'r.html'}" in out
    page = (tmp_path / "r.html").read_text()
    assert "User 42 gave" in page
    assert "palate report MODEL --evaluate" in page
    _, err = run("report", folder, "-o", tmp_path / "r.html", "--user", "zoe", status=1)
    assert err.startswith("palate: there is no user 'zoe'")
    assert (tmp_path / "r.html").read_text() == page


def test_a_report_with_an_evaluation(tmp_path):
    run("fit", "ml-100k", "-o", tmp_path / "m", "--epochs", 2, "--factors", 5)
    options = ["-o", tmp_path / "r.html", "--evaluate"]
    assert run_json("report", tmp_path / "m", *options) == {"report": str(tmp_path / "r.html")}
    page = (tmp_path / "r.html").read_text()
    assert "means of items and users" in page
    assert "was not measured" not in page


def test_explain(folder):
    why = palate.load(folder).user(196).explain("Heat (1995)", 3)
    document = run_json("explain", folder, "--user", 196, "--item", "Heat (1995)", "-n", 3)
    assert document["parts"] == why.parts.to_dicts()
    assert document["ratings"] == why.ratings.to_dicts()
    for key in ("parts", "ratings"):
        total = sum(row["contribution"] for row in document[key])
        assert total == pytest.approx(document["score"], abs=1e-5)
    assert document["counterfactual"] == why.counterfactual
    out, _ = run("explain", folder, "--rate", "Fargo (1996)=5", "--item", "Heat (1995)")
    for part in ("You are expected to give Heat (1995)", "By part", "you gave Fargo (1996) 5"):
        assert part in out
    assert "If you had given Fargo (1996) 4 instead of 5" in out


def test_recommendations_with_reasons(folder):
    document = run_json("recommend", folder, "--user", 196, "-n", 2, "--explain")
    expected = palate.load(folder).user(196).recommend(2, explain=True)
    assert document["recommendations"] == expected.to_dicts()
    assert "you gave" in run("recommend", folder, "--user", 196, "--explain")[0]


def test_profile(folder):
    portrait = palate.load(folder).user(196).describe(3)
    document = run_json("profile", folder, "--user", 196, "-n", 3)
    assert document["axes"] == portrait.axes.to_dicts()
    assert document["surprises"] == portrait.surprises.to_dicts()
    assert document["generosity"] == portrait.generosity
    out, _ = run("profile", folder, "--user", 196)
    assert out.startswith(portrait.sentence)
    assert "The most surprising ratings" in out
    assert "There are too few ratings" in run("profile", folder, "--rate", "Fargo (1996)=5")[0]


def test_biases_of_a_point_estimate_have_no_intervals(tmp_path):
    run("fit", "ml-100k", "-o", tmp_path / "m", "--solver", "one-cycle")
    out, _ = run("biases", tmp_path / "m")
    assert out.startswith("A point estimate has no intervals")
    assert "90% interval" not in out
    assert run_json("biases", tmp_path / "m")["order"] == "bias"
    assert "sums to" in run("explain", tmp_path / "m", "--user", 196, "--item", 11)[0]


def test_commands_without_users_or_item_features(tmp_path, write):
    rows = "".join(f"u{n % 30},i{n % 29},{(n * n) % 5 + 1}\n" for n in range(800))
    write("r.csv", f"user,item,rating\n{rows}")
    duplicates = ["--duplicates", "last", "--no-users"]
    run("fit", tmp_path / "r.csv", "-o", tmp_path / "m", *duplicates)
    assert "Without users in the model, the reasons" in run("biases", tmp_path / "m")[0]
    assert "a file of items with --items" in run("axes", tmp_path / "m")[0]
    assert "stronger than in % of people" in run("profile", tmp_path / "m", "--rate", "i3=5")[0]
    _, err = run("biases", tmp_path / "m", "--users", status=1)
    assert "saved without its users" in err


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


def test_the_bar_counts_sweeps_on_a_terminal(tmp_path, write):
    """On a pseudo-terminal: a bar of sweeps with an estimate of the time left."""
    pty = pytest.importorskip("pty", reason="needs a pseudo-terminal: run it on Unix")
    write("r.csv", "user,item,rating\n" + "".join(f"{n % 7},{n % 5},{n % 3}\n" for n in range(35)))
    reader, writer = pty.openpty()
    command = [sys.executable, "-m", "palate", "fit", tmp_path / "r.csv", "-o", tmp_path / "m"]
    subprocess.run(command, stdout=subprocess.PIPE, stderr=writer, check=True)
    os.close(writer)
    shown = b""
    with contextlib.suppress(OSError):  # which is how a pseudo-terminal ends
        while part := os.read(reader, 1 << 16):
            shown += part
    assert b"sweep " in shown
    assert b"noise_sd" in shown
    assert b"0:00:0" in shown


def test_a_new_person_with_a_few_ratings(folder):
    rates = ["--rate", "Fargo (1996)=5", "--rate", "313=2"]
    document = run_json("recommend", folder, *rates, "-n", 3, "--cautious", 0.1)
    profile = palate.load(folder).profile({"Fargo (1996)": 5, 313: 2})
    assert [row["id"] for row in document["recommendations"]] == (
        profile.recommend(3, cautious=0.1)["id"].to_list()
    )
    assert "at_least" in document["recommendations"][0]
    document = run_json("predict", folder, *rates, "--item", 50)
    assert document["predictions"] == profile.predict(50).to_dicts()
    for wrong in ("Fargo (1996)", "Fargo (1996)=five", "Fargo (1996)=9"):
        _, err = run("recommend", folder, "--rate", wrong, status=1)
        assert "is not ITEM=RATING" in err or "outside the model's scale of 1 to 5" in err
    _, err = run("recommend", folder, "--rate", "50=1", "--rate", "50=2", status=1)
    assert "is given twice" in err


def test_evaluate(tmp_path, write):
    rows = "".join(f"{n % 11},{n % 7},{n % 5 + 1},{n}\n" for n in range(77))
    write("r.csv", "user,item,rating,timestamp\n" + rows)
    document = run_json("evaluate", tmp_path / "r.csv", "--folds", 2)
    names = ["gibbs", "one-cycle", "global-mean", "damped-means", "popularity", "item-neighbours"]
    assert [result["name"] for result in document["results"]] == names
    assert {"rmse", "rmse_se", "mae", "coverage_50", "coverage_90", "ndcg_10", "recall_10",
            "ndcg_10_behind", "ndcg_10_behind_se", "diversity", "genre_divergence",
            "fit_seconds", "folds"} <= set(document["results"][0])  # fmt: skip
    assert "the best lists" in document["sentence"]
    assert "training ratings can be later" in document["warning"]
    out, err = run("evaluate", tmp_path / "r.csv", "--split", "time", "--solver", "one-cycle")
    assert "one-cycle" in out
    assert "gibbs" not in out
    assert "best" in out
    assert "Held out: the latest 20% of the ratings" in out
    assert "training ratings can be later" not in out
    assert "fold 1 of 1: one-cycle" in err
    out, _ = run("evaluate", tmp_path / "r.csv", "--split", "users", "--solver", "one-cycle")
    assert "half of the ratings of each of 2 people outside the fit" in out
    assert "the best lists (nDCG@10" in " ".join(out.split())


def test_evaluate_events(tmp_path, write):
    """Without ratings there are lists alone, and every event is relevant."""
    rows = "".join(f"{n % 11},{n % 7},1\n" for n in range(77))
    write("r.csv", "user,item,rating\n" + rows)
    out, _ = run("evaluate", tmp_path / "r.csv", "--folds", 2, "--solver", "one-cycle")
    assert "Every held-out event is relevant." in " ".join(out.split())
    assert "Expected ratings" not in out


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
    assert set(defaults) == {"factors", "sweeps", "burn-in", "epochs", "lr-max", "wd", "bs"}
    for option, value in defaults.items():
        name = option.replace("-", "_")
        solver = palate.Gibbs() if hasattr(palate.Gibbs(), name) else palate.OneCycle()
        assert float(value) == getattr(solver, name)
    assert re.search(rf"--factors .*one-cycle: .*by default {palate.OneCycle().factors}\.", text)


def test_no_recommendations_are_reported(folder):
    out, _ = run("recommend", folder, "--user", 196, "--candidate", 50, "--exclude", 50)
    assert "What user 196 may like: none" in out


def test_a_model_without_users(tmp_path, write):
    write("r.csv", "user,item,rating\na,x,1\nb,y,2\nb,x,3\n")
    run("fit", tmp_path / "r.csv", "-o", tmp_path / "m", "--no-users")
    _, err = run("recommend", tmp_path / "m", "--user", "a", status=1)
    assert err == "palate: this model was saved without its users, so it knows none of them\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["fit", "none.csv", "-o", "m"], "palate: there is no file none.csv\n"),
        (["fit", "ml-7m", "-o", "m"], "palate: there is no MovieLens '7m'; there are 100k"),
        (["fit", "ml-none.csv", "-o", "m"], "palate: there is no file ml-none.csv"),
        (
            ["fit", "ml-100k", "-o", "m", "--item", "x"],
            "palate: ml-100k needs no description; leave out --item",
        ),
        (["fit", "ml-100k", "-o", "/dev/null"], "palate: a model can't be written to /dev/null"),
        (["recommend", "none", "--user", "1"], "palate: there is no model in none"),
        (["demo", "--user", "zoe"], "palate: there is no user 'zoe'"),
        (
            ["fit", "ml-100k", "-o", "m", "--sweeps", "9", "--wd", "0"],
            "palate: --wd is a setting of one-cycle, and not of gibbs",
        ),
        (
            ["fit", "ml-100k", "-o", "m", "--solver", "one-cycle", "--burn-in", "9"],
            "palate: --burn-in is a setting of gibbs, and not of one-cycle",
        ),
        (["recommend", "m"], "palate: give a known --user, or ratings with --rate ITEM=RATING"),
        (
            ["recommend", "m", "--user", "1", "--rate", "x=1"],
            "palate: give a known --user, or ratings with",
        ),
        (["evaluate", "ml-100k", "--split", "never"], "palate: there is no split 'never'"),
        (["evaluate", "ml-100k", "--folds", "five"], "palate: folds is 'five'; give a number"),
        (["similar", "m"], "palate: name an item, or a user with --user"),
        (["biases", "m", "--users", "--where", "a=b"], "palate: there is no model in m"),
        (["demo", "--wd", "1000"], "palate: wd is 1000.0; it must be at least 0"),
    ],
)
def test_a_failed_request_prints_one_line_that_says_why(arguments, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    out, err = run(*arguments, "--json", status=1)
    assert out == ""
    assert err.splitlines()[-1].startswith(message.rstrip())
    assert "Traceback" not in err
    assert list(tmp_path.iterdir()) == []


def test_characters_that_a_terminal_lacks_are_replaced(tmp_path, write, monkeypatch):
    write("r.csv", "user,item,rating\na,caf\xe9 \u2603,1\nb,y,2\nb,caf\xe9 \u2603,3\n")
    run("fit", tmp_path / "r.csv", "-o", tmp_path / "m")
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    assert "caf? ?" in run_process("biases", tmp_path / "m").stdout


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_reported(folder):
    with Path("/dev/full").open("w") as full:
        done = run_process("biases", folder, stdout=full)
    assert done.returncode == 1
    assert "No space left" in done.stderr


@pytest.mark.parametrize("arguments", [["fit"], ["recommend"], ["nonsense"], ["demo", "--nope"]])
def test_wrong_usage_has_status_2(arguments):
    _, err = run(*arguments, status=2)
    assert "Usage: palate" in err


def test_help_needs_no_heavy_imports():
    """`palate --help` answers before polars and NumPy could have been imported."""
    heavy = {"polars", "numpy", "rich.table"}
    code = f"import sys, palate.cli; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
    assert "recommend" in run("--help")[0]


def test_progress_that_goes_to_no_terminal_is_a_line_every_ten_seconds(monkeypatch, capsys):
    now = iter([0.0, 4.0, 9.9, 10.0, 15.0, 20.5])
    monkeypatch.setattr(_output.time, "monotonic", lambda: next(now))
    row = {"noise_sd": 0.9, "train_rmse": 0.8, "valid_rmse": None, "seconds": 4.0}
    with _output.progress(palate.Gibbs()) as report:
        for sweep in range(5):
            report({"sweep": sweep} | row)
    assert capsys.readouterr().err.splitlines() == [
        "sweep 3/150  noise_sd 0.9000  train_rmse 0.8000  10 s",
        "sweep 5/150  noise_sd 0.9000  train_rmse 0.8000  20 s",
    ]
