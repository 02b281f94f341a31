"""A solver of one's own, as a user would write it: it is fitted, evaluated, saved and read."""

import numpy as np
import pytest

import palate


class ItemMeans:
    """Predicts the damped mean of an item, plus how generous the user is: one factor of zeros."""

    name = "item-means"

    def __init__(self, damping=5.0):
        self.settings = {"damping": damping}

    def fit(self, ratings, valid=None, *, threads=None, progress=None):
        mean, damping = ratings.rating.mean(), self.settings["damping"]
        residual = ratings.rating - mean
        tables = []
        for row, n in ((ratings.item, ratings.items.height), (ratings.user, ratings.users.height)):
            counts = np.bincount(row, minlength=n)
            bias = np.bincount(row, weights=residual, minlength=n) / (damping + counts)
            residual = residual - bias[row]
            tables.append(np.c_[np.zeros(n), bias])
        items, users = tables
        users[:, -1] += mean
        return palate.Model.from_factors(
            ratings, users, items, solver=self.name, settings=self.settings
        )


@pytest.fixture(scope="module")
def split(ml100k):
    return palate.splits.random(ml100k, 0.2)


def test_it_is_a_solver_and_other_things_are_not(small):
    assert isinstance(ItemMeans(), palate.Solver)
    assert isinstance(palate.Gibbs(), palate.Solver)
    assert isinstance(palate.OneCycle(), palate.Solver)
    for other in ("gibbs", 5, ItemMeans, palate.Gibbs):
        with pytest.raises(palate.SettingError, match=r"is not a solver; give palate\.Gibbs"):
            palate.fit(small, other)
        with pytest.raises(palate.SettingError, match=r"is not a solver; give palate\.Gibbs"):
            palate.evaluate(small, [other])


def test_its_model_predicts_what_it_has_learned(split):
    train, valid = split
    model = palate.fit(train, ItemMeans())
    mean = train.rating.mean(dtype=float)
    counts = np.bincount(train.item, minlength=1682)
    bias = np.bincount(train.item, weights=train.rating - mean, minlength=1682) / (5 + counts)
    left = train.rating - mean - bias[train.item]
    user = np.bincount(train.user, weights=left, minlength=943)
    user /= 5 + np.bincount(train.user, minlength=943)
    expected = np.clip(mean + bias[valid.item] + user[valid.user], 1, 5)
    found = model.predict((valid.user + 1).tolist(), (valid.item + 1).tolist())
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_it_is_evaluated_beside_others(ml100k):
    evaluation = palate.evaluate(ml100k, [ItemMeans(), ItemMeans(50.0)], folds=2)
    names = [row["name"] for row in evaluation.results]
    baselines = ["global-mean", "damped-means", "popularity", "item-neighbours"]
    assert names == ["item-means", "item-means (2)", *baselines]
    rmse = {row["name"]: row["rmse"] for row in evaluation.results}
    assert rmse["item-means"] < rmse["global-mean"]
    assert evaluation.results[0]["coverage_90"] is None


def test_its_model_is_saved_and_has_readings(split, tmp_path):
    model = palate.fit(split[0], ItemMeans())
    model.save(tmp_path / "model")
    back = palate.load(tmp_path / "model")
    assert (back.fit.solver, back.fit.settings) == ("item-means", {"damping": 5.0})
    assert back.biases().equals(model.biases())
    assert back.biases(min_ratings=50)["bias"].is_sorted(descending=True)
    best = back.user(196).recommend(5)
    assert best["sd"].null_count() == 5
    why = back.profile({"Fargo (1996)": 5}).explain("Heat (1995)")
    assert why.ratings["contribution"].sum() == pytest.approx(why.score, abs=1e-5)


@pytest.mark.parametrize("y_range", [None, (0, 5.5)])
def test_the_tables_are_kept_or_centred(small, y_range):
    """With a sigmoid they stay as they are; else mu takes what centring takes out of them."""
    rng = np.random.default_rng(0)
    users, items = rng.normal(0, 0.3, (5, 3)), rng.normal(0, 0.3, (4, 3))
    users[:, -1] += 0 if y_range else 3
    model = palate.Model.from_factors(small, users, items, solver="mine", y_range=y_range)
    score = users[:, :-1] @ items[:, :-1].T + users[:, -1:] + items[:, -1]
    expected = 5.5 / (1 + np.exp(-score)) if y_range else np.clip(score, 1, 5)
    found = [model.user(user).predict(model.items["id"].to_list()) for user in model.users["id"]]
    predictions = np.array([table["prediction"].to_list() for table in found])
    np.testing.assert_allclose(predictions, expected, atol=1e-5)
    assert model.fit.source == small.source


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda users, items: (users[:4], items), r"users has the shape \(4, 3\); it needs 5 rows"),
        (lambda users, items: (users, items[:, 0]), r"items has the shape \(4,\); it needs 4 rows"),
        (lambda users, items: (users[:, :1], items), r"users has the shape \(5, 1\)"),
        (lambda users, items: (users[:, :2], items), "users have 2 columns and items 3"),
        (lambda users, items: (users, items * np.nan), "items holds values that are not finite"),
    ],
)
def test_tables_that_do_not_fit_are_refused(small, change, message):
    users, items = change(np.ones((5, 3)), np.ones((4, 3)))
    with pytest.raises(palate.SettingError, match=message):
        palate.Model.from_factors(small, users, items, solver="mine")
