"""Paired comparisons, beside naive formulas, and the sentence on what wins."""

import numpy as np
import pytest

from palate.evaluation import _significance
from palate.evaluation._baselines import BASELINES
from palate.evaluation._measure import FIGURES, Measured, rmse_influence
from palate.evaluation._titles import contender_title, distinct
from palate.solvers._registry import SOLVERS


def ranked(name, folds):
    """Return what is measured if these are the nDCGs of users, with a row for each fold."""
    parts = []
    for values in np.atleast_2d(folds):
        mean, known = np.nanmean(values), np.isfinite(values).sum()
        figures = dict.fromkeys(FIGURES) | {"ndcg_10": float(mean)}
        parts.append(Measured(name, figures, {"ndcg_10": (values - mean) / known}))
    return parts


def compared(**contenders):
    measured = {name: ranked(name, folds) for name, folds in contenders.items()}
    results = _significance.results_of(measured)
    said = _significance.sentence(results, _significance.people_compared(measured))
    return {row["name"]: row for row in results}, said


def test_with_one_fold_it_is_the_usual_error_of_a_paired_difference():
    rng = np.random.default_rng(0)
    good = rng.random(80)
    good[:5] = np.nan  # users with nothing relevant
    bad = good - 0.1 * rng.random(80)
    found, _ = compared(bad=bad, good=good)
    difference = (good - bad)[5:]
    assert found["bad"]["ndcg_10_behind"] == pytest.approx(difference.mean())
    usual = difference.std(ddof=1) / np.sqrt(75)
    assert found["bad"]["ndcg_10_behind_se"] == pytest.approx(usual)
    assert found["good"]["ndcg_10_behind"] == found["good"]["ndcg_10_behind_se"] == 0
    assert found["good"]["rmse_behind"] is None


def test_folds_of_a_user_are_averaged_before_they_are_squared():
    """Two equal folds say no more than one."""
    good, bad = np.random.default_rng(1).random((2, 50))
    good += 1
    once = compared(good=good, bad=bad)[0]["bad"]
    twice = compared(good=[good, good], bad=[bad, bad])[0]["bad"]
    assert twice["ndcg_10_behind_se"] == pytest.approx(once["ndcg_10_behind_se"])
    halves = np.where(np.arange(50) < 25, [good, good], np.nan)
    halves[1] = np.where(np.arange(50) < 25, np.nan, good)
    halved = [np.where(np.isnan(fold), np.nan, bad) for fold in halves]
    apart = compared(good=halves, bad=halved)[0]["bad"]
    influence = [(d := (good - bad)[part]) - d.mean() for part in (slice(25), slice(25, 50))]
    expected = np.sqrt(50 / 49 * np.square(np.concatenate(influence) / 50).sum())
    assert apart["ndcg_10_behind_se"] == pytest.approx(expected)


def test_the_influence_on_the_rmse_is_that_of_a_small_weight():
    """It is the derivative of the RMSE by the weight of a user's ratings."""
    rng = np.random.default_rng(2)
    error, user = rng.normal(size=200), rng.integers(9, size=200)
    influence = rmse_influence(error, user, 10)
    assert np.isnan(influence[9])
    for person in range(9):
        weight = 1 + 1e-6 * (user == person)
        moved = np.sqrt((weight * error**2).sum() / weight.sum()) - np.sqrt(np.mean(error**2))
        assert influence[person] == pytest.approx(moved / 1e-6, rel=1e-4, abs=1e-7)
    assert (rmse_influence(np.zeros(5), np.arange(5), 5) == 0).all()


def test_the_standard_error_is_that_of_the_bootstrap():
    """Over resampled users, the difference of two RMSEs varies as its standard error says."""
    rng = np.random.default_rng(3)
    user = rng.integers(60, size=2000)
    shared = rng.normal(size=2000) + rng.normal(size=60)[user]
    errors = {"a": shared, "b": shared + 0.5 * rng.normal(size=2000)}
    measured = {
        name: [
            Measured(
                name,
                dict.fromkeys(FIGURES) | {"rmse": float(np.sqrt(np.mean(error**2)))},
                {"rmse": rmse_influence(error, user, 60)},
            )
        ]
        for name, error in errors.items()
    }
    found = _significance.results_of(measured)[1]
    differences = []
    for _ in range(2000):
        weight = np.bincount(rng.integers(60, size=60), minlength=60)[user]
        a, b = (np.sqrt(np.average(e**2, weights=weight)) for e in errors.values())
        differences.append(b - a)
    assert found["rmse_behind_se"] == pytest.approx(np.std(differences), rel=0.1)


def test_the_sentence_names_the_winner_and_what_is_no_worse_beyond_chance():
    noise = np.random.default_rng(4).normal(0, 0.01, 100)
    noise -= noise.mean()
    good = np.full(100, 0.4)
    clear = compared(popularity=good - 0.1 + noise, palate=good)[1]
    margin = "0.100 \N{PLUS-MINUS SIGN} 0.002 (2 standard errors)"
    best = "Palate has the best lists (nDCG@10 0.400)"
    assert clear == f"{best}, ahead of popularity by {margin}."
    even = compared(a=good + noise, b=good + noise[::-1] + 1e-9, c=good - 0.2)[1]
    assert even == (
        "B has the best lists (nDCG@10 0.400), with no difference beyond chance from a."
    )
    same = compared(a=good, b=good, c=good - 0.1 + noise)[1]
    assert same.startswith("A and b have the best lists (nDCG@10 0.400), ahead of c by 0.1")
    assert (
        _significance.sentence([], {}) == "No held-out rating is relevant, so nothing is compared."
    )


def test_the_sentence_has_names_of_the_prose():
    good = np.full(20, 0.4)
    noise = np.random.default_rng(5).normal(0, 0.001, 20)
    names = {"item-neighbours": good, "one-cycle (2)": good - 0.2 + noise, "mine": good - 0.3}
    said = compared(**names)[1]
    assert said.startswith("Item neighbours have the best lists")
    assert "ahead of one-cycle training (2) by 0.2" in said


def test_names_that_repeat_are_numbered():
    assert distinct(["a", "b", "a", "a (2)", "a"]) == ["a", "b", "a (2)", "a (2) (2)", "a (3)"]


def test_every_solver_and_baseline_has_a_title_of_its_own():
    titles = {name: contender_title(name) for name in [*SOLVERS, *(b.name for b in BASELINES)]}
    assert len(set(titles.values())) == len(titles)
    assert all(title != name or name == "popularity" for name, title in titles.items())
    assert contender_title("gibbs (2)") == "Gibbs sampling (2)"
    assert contender_title("mine") == "mine"


def test_too_few_people_are_not_compared():
    good = np.full(9, 0.4)
    assert compared(a=good, b=good - 0.1)[1] == (
        "There is too little to compare: 9 people have anything held out, and at least 10 are "
        "needed to tell what is better."
    )
    assert "1 person has anything" in compared(a=good[:1], b=good[:1])[1]
    figures = {"rmse": 1.0, "ndcg_10": 0.5, "rmse_behind_se": 0.1, "ndcg_10_behind_se": 0.1}
    rows = [
        {"name": name, "rmse_behind": k, "ndcg_10_behind": k} | figures
        for k, name in enumerate("ab")
    ]
    said = _significance.sentence(rows, {"rmse": 30, "ndcg_10": 4})
    assert said.startswith("Lists are not compared, since only 4 people have anything relevant he")
    assert "; a predicts ratings best (RMSE 1.000), ahead of b" in said


def test_a_baseline_is_said_to_be_better_only_beyond_chance():
    noise = np.random.default_rng(6).normal(0, 0.01, 100)
    noise -= noise.mean()
    good = np.full(100, 0.4)

    def said(**contenders):
        measured = {name: ranked(name, folds) for name, folds in contenders.items()}
        results = _significance.results_of(measured)
        return _significance.where_baselines_win(results, _significance.people_compared(measured))

    names = {"popularity": good, "gibbs": good - 0.1 + noise}
    assert said(**names) == " Popularity has better lists than Gibbs sampling here."
    assert "than every solver here" in said(**names, choice=good - 0.2 + noise)
    assert said(**names, choice=good - 0.0001 + noise) == ""
    assert said(gibbs=good + 0.1 + noise, popularity=good) == ""
    assert said(**{"popularity": good, "damped-means": good - 0.1}) == ""
    assert said(popularity=good[:9], gibbs=good[:9] - 0.1 + noise[:9]) == ""
