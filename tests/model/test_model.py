"""The model: its predictions, and models of factors that were learned in some other way."""

import numpy as np
import polars as pl
import pytest

import palate


def test_predictions_equal_their_formula(model):
    low, high = model.learned.likelihood.low, model.learned.likelihood.high
    assert (low, high) == (0, 5.5)
    users, items = [196, 943, 1], [242, "Fargo (1996)", "Titanic (1997)"]
    rows = [model.items["item"].to_list().index(t) for t in ("Fargo (1996)", "Titanic (1997)")]
    user, item = model.learned.user_table[[195, 942, 0]], model.learned.item_table[[241, *rows]]
    score = (user[:, :-1] * item[:, :-1]).sum(1) + user[:, -1] + item[:, -1]
    expected = low + (high - low) / (1 + np.exp(-score))
    np.testing.assert_allclose(model.predict(users, items), expected, rtol=1e-5)


def test_predictions_for_one_user_equal_those_for_many(model):
    profile = model.user(196)
    titles = ["Fargo (1996)", "Heat (1995)", 50]
    single = profile.predict(titles)
    assert single["item"].to_list() == ["Fargo (1996)", "Heat (1995)", "Star Wars (1977)"]
    assert profile.predict(50).equals(single[2:])
    np.testing.assert_allclose(single["prediction"], model.predict([196] * 3, titles), rtol=1e-5)


def test_bad_requests_are_refused(model):
    with pytest.raises(palate.SettingError, match="n is 0; it must be at least 1"):
        model.user(1).recommend(0)
    with pytest.raises(palate.SettingError, match="n is 0; it must be at least 1"):
        model.similar(1, 0)
    with pytest.raises(palate.SettingError, match=r"n is 1.5; it must be an integer"):
        model.user(1).favourites(1.5)
    with pytest.raises(palate.SettingError, match="there are 2 users and 1 items; give a user"):
        model.predict([1, 2], [1])


def test_reprs_have_the_sizes_and_the_solver(model):
    assert repr(model.user(196)).startswith("<Profile: 39 ratings, bias ")
    assert repr(model).startswith("<Model: 1,682 items, 943 users, 50 factors, by one-cycle; Movie")


@pytest.fixture
def tables(small):
    """Return factors and biases of the users and of the items of `small`; shapes (n, 3)."""
    rng = np.random.default_rng(0)
    return [rng.normal(size=(n, 3)).astype(np.float32) for n in (small.users.height, 4)]


def scores(tables):
    users, items = (table.astype(float) for table in tables)
    return users[:, :-1] @ items[:, :-1].T + users[:, -1:] + items[:, -1]


def test_a_model_of_factors_predicts_their_scores(small, tables):
    """Within the range of the training ratings, which is 1 to 5."""
    model = palate.Model.from_factors(small, *tables, solver="mine")
    expected = np.clip(scores(tables), 1, 5)
    for row, user in enumerate(small.users["id"]):
        found = model.predict([user] * 4, small.items["id"])
        np.testing.assert_allclose(found, expected[row], atol=1e-5)
    assert (model.factors, repr(model.fit.solver)) == (2, "'mine'")


def test_a_model_of_factors_has_biases_that_are_main_effects(small, tables):
    model = palate.Model.from_factors(small, *tables, solver="mine")
    expected = scores(tables)
    assert model.learned.likelihood.mu == pytest.approx(expected.mean(), abs=1e-5)
    biases = expected.mean(axis=0) - expected.mean()
    np.testing.assert_allclose(model.item_biases, biases, atol=1e-5)
    np.testing.assert_allclose(model.learned.user_table.mean(axis=0), 0, atol=1e-6)


def test_a_model_of_factors_with_a_range_is_a_sigmoid_of_their_scores(small, tables):
    model = palate.Model.from_factors(small, *tables, solver="mine", y_range=(0, 6))
    expected = 6 / (1 + np.exp(-scores(tables)))
    found = model.predict(["cat"] * 4, small.items["id"])
    np.testing.assert_allclose(found, expected[2], rtol=1e-5)
    np.testing.assert_array_equal(model.item_factors, tables[1][:, :-1])


def test_a_model_of_factors_has_readings_and_is_restored_from_its_file(small, tables, tmp_path):
    model = palate.Model.from_factors(
        small, *tables, solver="mine", settings={"rank": 2}, history=[{"epoch": 0, "loss": 1.0}]
    )
    assert model.profile({"tea": 5}).recommend(2).height == 2
    assert model.user("ann").explain("gin").unit == "rating"
    with pytest.raises(palate.SettingError, match="is a point estimate"):
        model.user("ann").recommend(cautious=0.1)
    model.save(tmp_path / "m")
    back = palate.load(tmp_path / "m")
    assert back.fit == model.fit
    assert (back.fit.settings, back.history["loss"].to_list()) == ({"rank": 2}, [1.0])
    np.testing.assert_array_equal(back.predict(["ann"], ["gin"]), model.predict(["ann"], ["gin"]))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda users, items: (users[:-1], items),
            r"users has the shape \(4, 3\); it needs 5 r",
        ),
        (lambda users, items: (users, items[0]), r"items has the shape \(3,\); it needs 4 rows"),
        (lambda users, items: (users, items[:, :1]), r"items has the shape \(4, 1\)"),
        (lambda users, items: (users, items[:, :2]), "users have 3 columns and items 2; give both"),
        (lambda users, items: (users * np.float32("nan"), items), "users holds values that are no"),
        (lambda users, items: (users, items + np.float32("inf")), "items holds values that are no"),
    ],
)
def test_tables_of_other_shapes_or_not_finite_are_refused(small, tables, change, message):
    with pytest.raises(palate.SettingError, match=message):
        palate.Model.from_factors(small, *change(*tables), solver="mine")


@pytest.mark.parametrize("y_range", [(5, 1), (0, float("inf")), 5])
def test_an_invalid_range_is_refused(small, tables, y_range):
    with pytest.raises(palate.SettingError, match="y_range is"):
        palate.Model.from_factors(small, *tables, solver="mine", y_range=y_range)


def test_the_loss_is_the_mean_squared_error(small, tables):
    model = palate.Model.from_factors(small, *tables, solver="mine")
    users, items = (frame["id"] for frame in (small.users, small.items))
    predicted = model.predict(users.gather(small.user), items.gather(small.item))
    assert model.loss(small) == pytest.approx(np.mean((predicted - small.rating) ** 2), rel=1e-5)
    with pytest.raises(palate.DataError, match="no ratings to measure the loss on"):
        model.loss(small.take(np.array([], dtype=np.int64)))
    others = palate.read_ratings(small.frame().with_columns(pl.col("user") + "2"))
    with pytest.raises(palate.DataError, match="not those of the model"):
        model.loss(others)


def test_axes_of_linear_factors_are_canonical(ml100k):
    """Factors from elsewhere need not be orthogonal; readings are on axes that are."""
    rng = np.random.default_rng(0)
    users = rng.normal(size=(ml100k.users.height, 4)).astype(np.float32) * [0.1, 2, 0.5, 1]
    items = rng.normal(size=(ml100k.items.height, 4)).astype(np.float32)
    model = palate.Model.from_factors(ml100k, users, items, solver="mine")
    axes = model.learned.canonical_axes
    assert (np.diff(axes.share) <= 0).all()
    positions = axes.user_positions(model.learned.user_table)
    assert np.allclose(np.cov(positions.T, bias=True), np.eye(3), atol=1e-4)


def test_history_with_an_error_that_begins_late(small):
    rows = [{"sweep": n, "valid_rmse": None if n < 120 else 0.9} for n in range(125)]
    tables = np.ones((small.users.height, 3)), np.ones((small.items.height, 3))
    model = palate.Model.from_factors(small, *tables, solver="mine", history=rows)
    assert model.history["valid_rmse"].null_count() == 120


def test_a_model_without_users_whose_biases_were_all_equal_is_described(small, tmp_path):
    rng = np.random.default_rng(0)
    tables = [rng.normal(size=(n, 3)) for n in (small.users.height, small.items.height)]
    for table in tables:
        table[:, -1] = 0
    palate.Model.from_factors(small, *tables, solver="mine", y_range=(0, 6)).save(
        tmp_path / "m", users=False
    )
    item = small.items["id"][0]
    portrait = palate.load(tmp_path / "m").profile({item: 5}).describe()
    assert np.isfinite(portrait.generosity["percentile"])
