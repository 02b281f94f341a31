"""`PalateRegressor` behaves as scikit-learn expects, and predicts what its model does."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.utils.estimator_checks import check_estimator

import palate
from palate.sklearn import PalateRegressor, _regressor

SMALL = {
    "gibbs": palate.Gibbs(factors=2, sweeps=8, burn_in=2),
    "one-cycle": palate.OneCycle(factors=2, epochs=1, bs=8),
}
# What scikit-learn's checks expect in vain, even of the first two columns of their data.
EXPECTED = {
    "check_regressors_train": "it asks for R^2 > 0.5 on numbers, but these are ids that each "
    "occur in one row"
}


@pytest.fixture(params=SMALL)
def solver(request):
    return SMALL[request.param]


def checked(solver, expected):
    return check_estimator(
        PalateRegressor(solver), expected_failed_checks=expected, on_skip=None, on_fail=None
    )


@pytest.mark.filterwarnings("ignore")
def test_the_checks_of_scikit_learn_on_two_columns(solver, monkeypatch):
    """Most checks have data of more columns than two, of which the first two are taken here."""
    pairs = _regressor._pairs
    monkeypatch.setattr(_regressor, "_pairs", lambda array: pairs(array[:, :2]))
    results = checked(solver, EXPECTED)
    failed = {one["check_name"]: one["exception"] for one in results if one["status"] == "failed"}
    assert failed == {}
    expected = {one["check_name"] for one in results if one["status"] == "xfail"}
    assert expected == set(EXPECTED)
    assert len(results) > 45


@pytest.mark.filterwarnings("ignore")
def test_the_other_checks_fail_by_the_number_of_columns_alone():
    results = checked(SMALL["gibbs"], None)
    failed = [one["exception"] for one in results if one["status"] == "failed"]
    assert failed
    for error in failed:
        assert "feature(s); give two columns" in str(error.__cause__ or error)
    assert sum(one["status"] == "passed" for one in results) >= 25


@pytest.fixture(scope="module")
def table(ml100k):
    """Return the ratings of 200 users as pandas has them."""
    return ml100k.frame().filter(pl.col("user") <= 200).select("user", "item", "rating").to_pandas()


@pytest.fixture(scope="module", params=["gibbs", "one-cycle"])
def fitted(request, table):
    solver = {
        "gibbs": palate.Gibbs(factors=4, sweeps=20, burn_in=5),
        "one-cycle": palate.OneCycle(factors=4, epochs=3),
    }[request.param]
    return PalateRegressor(solver).fit(table[["user", "item"]], table["rating"])


def test_it_predicts_what_its_model_does(fitted, table):
    some = table[:300]
    predicted = fitted.predict(some[["user", "item"]])
    expected = fitted.model_.predict(some["user"].tolist(), some["item"].tolist())
    np.testing.assert_array_equal(predicted, expected)
    assert fitted.score(table[["user", "item"]], table["rating"]) > 0.2
    assert fitted.feature_names_in_.tolist() == ["user", "item"]


def test_unknown_users_and_items_are_predicted_by_the_prior(fitted, table):
    model, item = fitted.model_, int(table["item"][0])
    new_user, new_item, both = fitted.predict(
        pd.DataFrame({"user": [-1, 1, -1], "item": [item, -7, -7]})
    )
    assert new_user == pytest.approx(model.profile({}).predict(item)["prediction"][0], abs=1e-5)
    assert both == pytest.approx(table["rating"].mean(), abs=0.6)
    assert new_item - both == pytest.approx(
        table["rating"][table["user"] == 1].mean() - table["rating"].mean(), abs=0.4
    )


def test_the_forms_of_a_table(table):
    pairs, ratings = table[["user", "item"]], table["rating"]
    solver = SMALL["gibbs"]
    expected = PalateRegressor(solver).fit(pairs, ratings).predict(pairs)
    as_floats = pairs.to_numpy(dtype=np.float64)
    for form in (pl.from_pandas(pairs), as_floats, pairs.to_numpy(dtype=np.int16)):
        found = PalateRegressor(solver).fit(form, ratings).predict(form)
        np.testing.assert_array_equal(found, expected)
    mixed = pairs.assign(item="film " + pairs["item"].astype(str))
    assert len(PalateRegressor(solver).fit(mixed, ratings).predict(mixed)) == len(pairs)


def test_new_ratings_without_a_refit(table):
    pairs, ratings = table[["user", "item"]].to_numpy(), table["rating"].to_numpy()
    late = pairs[:, 0] > 190
    regressor = PalateRegressor(SMALL["gibbs"]).partial_fit(pairs[~late], ratings[~late])
    before = regressor.model_
    assert regressor.partial_fit(pairs[late], ratings[late]) is regressor
    new = palate.read_ratings(table[late], kind="ratings")
    expected = before.update(new).model.predict(pairs[:, 0].tolist(), pairs[:, 1].tolist())
    np.testing.assert_allclose(regressor.predict(pairs), expected, rtol=1e-6)
    regressor.partial_fit([[7, 1]], [3.0])  # a single rating


def test_repeated_pairs_have_their_mean(table):
    pairs, ratings = table[["user", "item"]], table["rating"]
    once = PalateRegressor(SMALL["gibbs"]).fit(pairs, ratings).predict(pairs)
    twice = PalateRegressor(SMALL["gibbs"]).fit(
        pd.concat([pairs, pairs]), pd.concat([ratings - 0.5, ratings + 0.5])
    )
    np.testing.assert_allclose(twice.predict(pairs), once, rtol=1e-5)


def test_parameters_of_the_solver():
    regressor = PalateRegressor()
    assert regressor.get_params(deep=False) == {"solver": None}
    assert regressor.get_params()["solver__factors"] == palate.Gibbs().factors
    regressor.set_params(solver=palate.OneCycle(), solver__factors=3, solver__wd=0.2)
    assert regressor.solver == palate.OneCycle(factors=3, wd=0.2)
    assert clone(regressor).solver == regressor.solver
    with pytest.raises(
        palate.SettingError, match=r"no parameter 'solver__depth'; there are .*__wd"
    ):
        regressor.set_params(solver__depth=2)
    with pytest.raises(palate.SettingError, match="factors is 0"):
        regressor.set_params(solver__factors=0)


def test_cross_validation_and_a_grid(table):
    pairs, ratings = table[["user", "item"]], table["rating"]
    regressor = PalateRegressor(palate.OneCycle(factors=4, epochs=2))
    scores = cross_val_score(regressor, pairs, ratings, cv=3, error_score="raise")
    assert len(scores) == 3
    grid = GridSearchCV(
        regressor,
        {"solver__epochs": [1, 3]},
        cv=2,
        scoring="neg_root_mean_squared_error",
        error_score="raise",
    ).fit(pairs, ratings)
    assert grid.best_params_ == {"solver__epochs": 3}
    assert grid.best_estimator_.solver.epochs == 3


@pytest.mark.parametrize(
    ("X", "message"),
    [
        ([[1, 2, 3]], r"X has 3 features, but PalateRegressor is expecting 2"),
        ([["one", 2]], "user ids are String in these ratings and Int64 in the model"),
        (np.array([[1, 2], ["a", 2]], dtype=object), "the ids of users have several types"),
        ([[1, np.nan]], "contains NaN"),
    ],
)
@pytest.mark.filterwarnings("ignore:X does not have valid feature names")
def test_tables_that_can_not_be_predicted(fitted, X, message):  # noqa: N803
    with pytest.raises(ValueError, match=message):
        fitted.predict(X)


def test_an_estimator_that_can_not_be_fitted_or_is_not(table):
    with pytest.raises(NotFittedError):
        PalateRegressor().predict([[1, 2]])
    with pytest.raises(palate.SettingError, match="is not a solver"):
        PalateRegressor("gibbs").fit([[1, 2], [2, 3]], [1.0, 2.0])
    with pytest.raises(palate.DataError, match=r"3 feature\(s\); give two columns"):
        PalateRegressor().fit([[1, 2, 3], [2, 3, 4]], [1.0, 2.0])
