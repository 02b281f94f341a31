"""Evaluation: figures beside their formulas, splits, and warnings about leaks."""

import json
import os
import signal
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

import palate
from palate.evaluation import _held_out_parts
from palate.solvers._combined import Combined
from palate.solvers.gibbs._chain import Chain

QUICK = palate.Gibbs(factors=4, sweeps=30, burn_in=10)
LISTS_ALONE = ["popularity", "item-neighbours"]
NAMES = ["gibbs", "one-cycle", "global-mean", "damped-means", *LISTS_ALONE]


@pytest.fixture(scope="module")
def official(ml100k):
    return palate.evaluate(ml100k, [QUICK, palate.OneCycle()], folds="official")


def by_name(evaluation):
    return {result["name"]: result for result in evaluation.results}


def test_results_have_a_mean_and_an_error_over_folds(official):
    assert [result["name"] for result in official.results] == NAMES
    for result in official.results:
        assert len(result["folds"]) == 5
        for figure in ("rmse", "mae", "coverage_50", "coverage_90", "ndcg_10", "recall_10"):
            values = [fold[figure] for fold in result["folds"]]
            if result[figure] is None:
                assert values == [None] * 5
                assert result[f"{figure}_se"] is None
            else:
                assert result[figure] == pytest.approx(np.mean(values))
                error = np.std(values, ddof=1) / np.sqrt(5)
                assert result[f"{figure}_se"] == pytest.approx(error)
    json.dumps(official.results, allow_nan=False)
    assert official.frame()["name"].to_list() == NAMES


def test_figures_that_do_not_apply_are_none(official):
    found = by_name(official)
    for name in NAMES:
        assert (found[name]["coverage_90"] is None) == (name != "gibbs")
    assert found["popularity"]["rmse"] is None
    assert found["global-mean"]["ndcg_10"] is None
    assert found["damped-means"]["ndcg_10"] is not None


def test_solvers_are_better_than_baselines(official):
    """Solvers beat the baselines, and personal lists hold more of the catalogue."""
    found = by_name(official)
    rmse = [found[name]["rmse"] for name in NAMES[:4]]
    assert rmse[0] < rmse[3] < rmse[2]
    assert rmse[1] < rmse[3]
    assert found["gibbs"]["catalogue_coverage"] > found["damped-means"]["catalogue_coverage"]
    assert 0.87 < found["gibbs"]["coverage_90"] < 0.93
    assert found["gibbs"]["width_90"] > found["gibbs"]["width_50"]


def test_figures_equal_those_computed_from_the_model(official, ml100k):
    train, valid = palate.splits.official(ml100k, 2)
    model = QUICK.fit(train)
    fold = by_name(official)["gibbs"]["folds"][1]
    assert fold["rmse"] == pytest.approx(np.sqrt(model.loss(valid)), rel=1e-6)
    cold = np.bincount(train.item, minlength=1682)[valid.item] == 0
    error = (
        model.learned.likelihood.rating(model.user_posteriors.scores(valid.user, valid.item))
        - valid.rating
    )
    assert fold["mae_cold"] == pytest.approx(np.abs(error[cold]).mean(), rel=1e-6)
    assert fold["rmse_warm"] == pytest.approx(np.sqrt(np.mean(error[~cold] ** 2)), rel=1e-6)
    assert official.cold[1] == cold.sum() > 0
    liked = {}
    for user, item in zip(
        valid.user[valid.rating >= 4], valid.item[valid.rating >= 4], strict=True
    ):
        liked.setdefault(int(user), set()).add(int(item))
    recalls = []
    for user, items in liked.items():
        best = set(model.profiles()[user].recommend(10)["id"] - 1)
        recalls.append(len(best & items) / len(items))
    assert fold["recall_10"] == pytest.approx(np.mean(recalls), rel=1e-6)


@pytest.mark.parametrize(
    ("choice", "how", "warning"),
    [
        ({"split": "time"}, "the latest 20% of the ratings", None),
        ({"split": "time", "share": 0.1}, "the latest 10% of the ratings", None),
        ({"split": "random"}, "a random 20% of the ratings", "training ratings can be later"),
        (
            {"split": "users", "share": 0.1},
            "half of the ratings of each of 94 people outside the fit",
            "training ratings can be later",
        ),
        (
            {"split": "users", "share": 0.0011},
            "half of the ratings of one person outside the fit",
            "training ratings can be later",
        ),
        (
            {"split": "leave-last-1"},
            "the last 1 of each user's",
            "of other users can be later",
        ),
        ({"folds": 2}, "2 random folds", "training ratings can be later"),
    ],
)
def test_each_split_holds_back_what_it_names(ml100k, choice, how, warning):
    evaluation = palate.evaluate(ml100k, palate.OneCycle(factors=2, epochs=1), **choice)
    assert evaluation.split.startswith(how)
    assert (evaluation.warning is None) if warning is None else (warning in evaluation.warning)
    for result in evaluation.results:
        assert len(result["folds"]) == choice.get("folds", 1)
    if choice == {"split": "time"}:
        only = by_name(evaluation)["one-cycle"]
        assert only["rmse_se"] is None
        assert evaluation.cold[0] > 1000  # users who came later
        assert only["rmse_cold"] > only["rmse_warm"]


def test_folds_hold_each_rating_back_once(ml100k):
    parts = palate.splits.folds(ml100k, 3, seed=5)
    held_back = np.concatenate([valid.user * 1682 + valid.item for _, valid in parts])
    assert sorted(held_back) == sorted(ml100k.user * 1682 + ml100k.item)
    for train, valid in parts:
        assert len(train) + len(valid) == len(ml100k)
        assert not set(train.user * 1682 + train.item) & set(valid.user * 1682 + valid.item)


def test_all_solvers_are_evaluated_by_default_with_progress(small):
    lines = []
    ratings = replace(small, timestamp=None)
    evaluation = palate.evaluate(ratings, folds=2, progress=lines.append)
    assert [result["name"] for result in evaluation.results] == ["palate", "choice", *NAMES]
    assert lines[:2] == ["fold 1 of 2: palate", "fold 1 of 2: one-cycle"]
    two = palate.evaluate(ratings, [QUICK, palate.Gibbs(factors=2, sweeps=9, burn_in=2)], folds=2)
    assert [result["name"] for result in two.results][:2] == ["gibbs", "gibbs (2)"]


@pytest.mark.parametrize(
    ("choice", "error", "message"),
    [
        (
            {"split": "tomorrow"},
            palate.SettingError,
            "there is no split 'tomorrow'; choose random",
        ),
        ({"split": "leave-last-x"}, palate.SettingError, "there is no split 'leave-last-x'"),
        ({"folds": "offcial"}, palate.SettingError, "folds is 'offcial'; give a number, or"),
        ({"folds": 1}, palate.SettingError, "folds is 1; it must be at least 2"),
        (
            {"folds": 11},
            palate.SettingError,
            "folds is 11; it can be at most the number of ratings, 10",
        ),
        ({"folds": "official"}, palate.DataError, "official folds are those of MovieLens 100k"),
        ({"solvers": "gibbs"}, palate.SettingError, "'gibbs' is not a solver; give palate.Gibbs"),
        ({"split": "time", "share": 2}, palate.SettingError, "share is 2"),
        (
            {"folds": 2, "share": 0.1},
            palate.SettingError,
            "share applies only to the splits",
        ),
        ({"split": 3}, palate.SettingError, "there is no split 3"),
    ],
)
def test_bad_requests_are_refused(small, choice, error, message):
    with pytest.raises(error, match=message):
        palate.evaluate(small, **choice)


def test_no_ratings_are_refused(small):
    with pytest.raises(palate.DataError, match="there are no ratings to evaluate on"):
        palate.evaluate(small.take(np.array([], dtype=np.int64)))


@pytest.mark.skipif(os.name != "posix", reason="sends SIGINT: run it on Unix")
def test_ctrl_c_ends_an_evaluation(small, monkeypatch):
    """An interrupted fit is not evaluated."""
    sweep = Chain.sweep

    def press(self, number):
        if number == 3:
            signal.raise_signal(signal.SIGINT)
        return sweep(self, number)

    monkeypatch.setattr(Chain, "sweep", press)
    with pytest.raises(KeyboardInterrupt):
        palate.evaluate(small, QUICK, folds=2)


def test_people_outside_the_fit_are_measured_by_their_profiles(ml100k):
    evaluation = palate.evaluate(ml100k, QUICK, split="users", seed=1)
    part = _held_out_parts.parts_of(ml100k, 5, "users", None, 1)[0][0]
    profiles = QUICK.fit(part.train).profiles(part.given)
    squares, recalls = [], []
    for person in range(len(profiles)):
        own = part.valid.take(part.valid.user == person)
        expected = profiles[person].predict(own.items["id"][own.item].to_list())["prediction"]
        squares += ((expected.to_numpy() - own.rating) ** 2).tolist()
        liked = set(own.items["id"][own.item[own.rating >= 4]])
        if liked:
            best = set(profiles[person].recommend(10)["id"])
            recalls.append(len(best & liked) / len(liked))
    found = by_name(evaluation)["gibbs"]
    assert found["rmse"] == pytest.approx(np.sqrt(np.mean(squares)), rel=1e-5)
    assert found["recall_10"] == pytest.approx(np.mean(recalls), rel=1e-6)
    assert found["rmse"] < by_name(evaluation)["damped-means"]["rmse"]


def test_what_is_behind_is_the_difference_from_the_best(official):
    for figure, best in (("rmse", min), ("ndcg_10", max), ("recall_10", max)):
        known = [row for row in official.results if row[figure] is not None]
        first = best(row[figure] for row in known)
        for row in known:
            assert row[f"{figure}_behind"] == pytest.approx(abs(row[figure] - first))
            assert (row[f"{figure}_behind_se"] == 0) == (row[figure] == first)
    assert official.sentence.startswith("Item neighbours have the best lists (nDCG@10 0.3")
    assert "Gibbs sampling predicts ratings best (RMSE 0.8" in official.sentence


def test_lists_of_events_are_measured_on_every_held_out_event(ml100k):
    events = replace(ml100k, rating=np.ones(len(ml100k), dtype=np.float32), kind="events")
    evaluation = palate.evaluate(events, [], split="random")
    assert [row["name"] for row in evaluation.results] == LISTS_ALONE
    assert evaluation.relevant is None
    found = by_name(evaluation)
    assert found["popularity"]["rmse"] is None
    assert 0 < found["popularity"]["ndcg_10"] < found["item-neighbours"]["ndcg_10"] < 1
    assert "predicts" not in evaluation.sentence
    train, valid = palate.splits.random(events)
    top = np.argsort(-np.bincount(train.item, minlength=1682), kind="stable")
    recalls = []
    for user in np.unique(valid.user):
        seen = set(train.item[train.user == user].tolist())
        listed = [item for item in top.tolist() if item not in seen][:10]
        held_out = set(valid.item[valid.user == user].tolist())
        recalls.append(len(held_out & set(listed)) / len(held_out))
    assert found["popularity"]["recall_10"] == pytest.approx(np.mean(recalls))


def test_shuffled_events_gain_nothing_over_popularity(ml100k):
    """Neighbours of items find nothing in events that people chose by popularity alone."""
    shuffled = np.random.default_rng(0).permutation(ml100k.item)
    pairs = pl.DataFrame({"user": ml100k.user, "item": shuffled}).unique(maintain_order=True)
    events = palate.read_ratings(pairs.with_columns(rating=pl.lit(1.0)))
    found = by_name(palate.evaluate(events, [], split="random"))
    gain = found["item-neighbours"]["ndcg_10"] - found["popularity"]["ndcg_10"]
    error = max(found[name]["ndcg_10_behind_se"] for name in LISTS_ALONE)
    assert gain < 2 * error


def test_lists_have_a_variety(official):
    found = by_name(official)
    assert found["global-mean"]["diversity"] is None
    assert found["popularity"]["diversity"] < found["gibbs"]["diversity"] < 1
    # Neighbours of a history have its genres; the most popular items less so.
    neighbours, popularity = (found[name]["genre_divergence"] for name in LISTS_ALONE[::-1])
    assert 0 < neighbours < popularity


def test_a_table_without_genres_has_no_divergence(small):
    evaluation = palate.evaluate(small, palate.OneCycle(factors=2, epochs=1), folds=2)
    assert {row["genre_divergence"] for row in evaluation.results} == {None}


def test_one_fit_can_have_several_entries(small):
    """Each entry has its own lists; those that do not rank by ratings alone have no errors."""
    fits = []

    class Counted(palate.OneCycle):
        def fit(self, *arguments, **options):
            fits.append(1)
            return super().fit(*arguments, **options)

    evaluation = palate.evaluate(small, Combined(Counted(factors=2, epochs=1)), folds=2)
    assert [row["name"] for row in evaluation.results][:3] == ["palate", "choice", "one-cycle"]
    assert len(fits) == 2
    found = by_name(evaluation)
    assert found["palate"]["rmse"] > 0
    assert found["choice"]["rmse"] is None
    assert found["choice"]["ndcg_10"] is not None


def test_a_table_of_its_own_is_held_out(ml100k):
    """The figures are those of a split of one table with the same ratings on both sides."""
    whole = palate.read_ratings(ml100k.frame().sort("timestamp", maintain_order=True)[:36_000])
    earlier, later = (part.frame() for part in palate.splits.at_time(whole, 1 / 6))
    train = palate.read_ratings(earlier)
    test = palate.read_ratings(pl.concat([earlier[-10:], later]))
    solver = palate.OneCycle(epochs=2)
    evaluation = palate.evaluate(train, solver, test=test)
    assert evaluation.split == (
        f"{later.height:,} ratings of the test table; 10 more are among the training ratings and "
        "left out"
    )
    assert (evaluation.left_out, evaluation.warning) == (10, None)
    expected = by_name(palate.evaluate(whole, solver, split="time", share=1 / 6))
    for name, row in by_name(evaluation).items():
        for figure in ("rmse", "rmse_cold", "ndcg_10", "recall_10", "diversity"):
            value = expected[name][figure]
            assert row[figure] == (None if value is None else pytest.approx(value, rel=1e-6))
    assert evaluation.cold[0] > 1000
    backwards = palate.evaluate(test, [], test=train)
    assert "training ratings can be later" in backwards.warning


def test_features_of_a_test_table_are_those_of_new_items(small):
    """The tables of users and items are united; what the training table knows comes first."""
    items = pl.DataFrame({"item": ["tea", "cup"], "title": ["Tea", "Cup"], "kind": ["hot", None]})
    test = palate.read_ratings(
        pl.DataFrame({"user": ["ann", "zoe"], "item": ["gin", "cup"], "rating": [1, 5]}),
        items=items,
    )
    (part,), _, _ = _held_out_parts.parts_of(small, 5, None, None, 0, test=test)
    assert part.train.items["item"].to_list() == ["ale", "Cup", "gin", "rum", "tea"]
    assert part.train.users["id"].to_list() == ["ann", "bob", "cat", "dan", "eve", "zoe"]
    assert part.train.frame().equals(small.frame())
    held_out = part.valid.frame().select("user", "item", "rating").rows()
    assert held_out == [("ann", "gin", 1), ("zoe", "cup", 5)]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "events"}, "the test table holds events, and the training table ratings"),
        (
            {"users": pl.DataFrame({"id": range(5)})},
            "user ids are String in the training table and",
        ),
        ({}, "all 10 test ratings are among the training ratings; give others"),
    ],
)
def test_other_tables_are_refused(small, change, message):
    with pytest.raises(palate.DataError, match=message):
        palate.evaluate(small, test=replace(small, **change))


def test_a_test_table_needs_no_split(small):
    with pytest.raises(palate.SettingError, match="leave out folds=, split=, share="):
        palate.evaluate(small, test=small, split="time")
    with pytest.raises(palate.DataError, match="there are no test ratings"):
        palate.evaluate(small, test=small.take(np.array([], dtype=np.int64)))


def test_it_says_where_a_baseline_is_better(official):
    """Item neighbours have better lists than solvers of ratings, which predict better."""
    assert "Item neighbours have better lists than every solver here." in official.sentence
    assert "better than every solver" not in official.sentence.split("lists than", 1)[1][1:]


def test_an_evaluation_shows_itself(official):
    text, html = str(official), official._repr_html_()
    assert repr(official) == text
    assert max(map(len, text.splitlines())) <= 80
    for said in ("Held out: the official folds", "damped-means", "in 90%", "best"):
        assert said in text
        assert said in html
    assert html.count("<table>") == 2
    assert "&plusmn;" in html or "\N{PLUS-MINUS SIGN}0.00" in html
