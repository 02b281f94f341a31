"""The command demo."""

import polars as pl
import pytest
from commands import run, run_json

import palate
from palate.solvers._combined import Combined


def test_demo_shows_the_table_and_the_lists_of_the_book(short_gibbs):
    out, err = run("demo")
    assert err == ""
    for part in ("MovieLens 100k from", "valid_loss", "Star Wars (1977)", "Next:", "mean rating",
                 "What user 196 may pick next", "by both", "popularity nDCG@10"):  # fmt: skip
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
    assert set(document["recommendations"]) == {"choice", "rating"}
    assert [len(rows) for rows in document["recommendations"].values()] == [10, 10]
    quality = document["ndcg_10"]
    assert set(quality) == {"both", "choice", "rating", "popularity"}
    assert quality["rating"] < quality["popularity"] < min(quality["both"], quality["choice"])
    rated = palate.movielens("100k").frame().filter(pl.col("user") == 196)["item"]
    assert {row["id"] for row in document["favourites"]} <= set(rated)


def test_demo_without_weight_decay_overfits(short_gibbs):
    assert run_json("demo", "--wd", 0)["history"][-1]["valid_loss"] > 0.88


def test_the_quality_of_lists_is_that_of_an_evaluation(ml100k, short_gibbs):
    """The demo measures its own model; `evaluate` fits one to the same split."""
    quality = run_json("demo", "--seed", 3)["ndcg_10"]
    evaluation = palate.evaluate(ml100k, Combined(palate.Gibbs(seed=3)), split="random", seed=3)
    figures = {row["name"]: row["ndcg_10"] for row in evaluation.results}
    names = {"both": "palate", "choice": "choice", "rating": "gibbs", "popularity": "popularity"}
    assert quality == pytest.approx({by: figures[name] for by, name in names.items()})
