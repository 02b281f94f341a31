"""The Bayesian solver: accuracy with controls, the same chain on any threads, and hard cases."""

import os
import signal
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

import palate
from palate.inference._user_posterior import infer
from palate.solvers.gibbs import _chain
from palate.solvers.gibbs._draw_summary import DrawSummary
from palate.solvers.gibbs._pair_features import BothFeatures


@pytest.fixture(scope="module")
def fold(ml100k):
    return palate.splits.official(ml100k, 1)


@pytest.fixture(scope="module")
def fitted(fold):
    return palate.Gibbs().fit(*fold)


def test_accuracy_on_an_official_fold(fitted, fold):
    """RMSE on fold u1: at most 0.884, and users inferred from items within 0.004 of the draws.

    Bias-only models are at 0.960 there, the one-cycle solver at 0.918.
    """
    _, valid = fold
    mean_of_draws = fitted.fit.history[-1]["valid_rmse"]
    inferred = np.sqrt(fitted.loss(valid))
    assert mean_of_draws < 0.884
    assert inferred < 0.884
    assert abs(inferred - mean_of_draws) < 0.004


def test_features_of_other_people_gain_nothing_and_lose_nothing(fold, monkeypatch):
    """The control: loadings in another order. Without these features the RMSE is 0.885.

    The penalties of what explains nothing grow until it adds nothing.
    """
    make, rng = _chain.pair_features, np.random.default_rng(0)

    def shuffled(people, totals, **options):
        users, items = make(people, totals, **options)
        others = replace(users, loadings=rng.permutation(users.loadings))
        mean = others.of(people.block.ratings, 2)[:, 2:].mean(axis=0)
        items[:, 2:] = rng.permutation(items[:, 2:])
        return BothFeatures(replace(others, centre=others.centre + mean), items)

    monkeypatch.setattr(_chain, "pair_features", shuffled)
    train, valid = fold
    assert 0.8815 < np.sqrt(palate.Gibbs().fit(train).loss(valid)) < 0.890


def test_shuffled_ratings_are_predicted_no_better_than_by_their_mean(fold):
    """The control: ratings that have nothing to do with their users and items."""
    train, valid = fold
    shuffled = train.take(np.arange(len(train)))
    shuffled.rating[:] = np.random.default_rng(0).permutation(shuffled.rating)
    model = palate.Gibbs(sweeps=60, burn_in=20).fit(shuffled, valid)
    assert model.fit.history[-1]["valid_rmse"] > np.std(valid.rating) - 0.01


def test_the_same_chain_at_any_number_of_threads(ml100k):
    solver = palate.Gibbs(factors=5, sweeps=6, burn_in=2, seed=3)
    one, two, eight = (solver.fit(ml100k, threads=t) for t in (1, 2, 8))
    for other in (two, eight):
        np.testing.assert_array_equal(one.learned.item_table, other.learned.item_table)
        np.testing.assert_array_equal(one.learned.user_table, other.learned.user_table)


@pytest.mark.parametrize("setting", [{"factors": 3}, {"sweeps": 9}, {"burn_in": 3}, {"seed": 1}])
def test_every_setting_matters(small, setting):
    one, other = (
        palate.Gibbs(**{"factors": 2, "sweeps": 8, "burn_in": 2, **change}).fit(small)
        for change in ({}, setting)
    )
    assert not np.allclose(one.item_biases, other.item_biases)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"factors": 0}, "factors is 0; it must be at least 1"),
        ({"sweeps": 1.5}, "sweeps is 1.5; it must be an integer"),
        ({"burn_in": 0}, "burn_in is 0; it must be at least 1"),
        ({"sweeps": 50, "burn_in": 50}, "burn_in is 50 of 50 sweeps; some must be left"),
        ({"seed": -1}, "seed is -1"),
    ],
)
def test_bad_settings_are_refused(settings, message):
    with pytest.raises(palate.SettingError, match=message):
        palate.Gibbs(**settings)


def test_more_than_memory_holds_is_refused(ml100k):
    with pytest.raises(palate.SettingError, match="need more memory than is available"):
        palate.Gibbs(factors=2**31 - 1).fit(ml100k)


def test_bad_ratings_are_refused(small):
    none = small.take(np.array([], dtype=np.int64))
    with pytest.raises(palate.DataError, match="there are no ratings to learn from"):
        palate.Gibbs().fit(none)
    with pytest.raises(palate.DataError, match="there are no ratings in valid"):
        palate.Gibbs().fit(small, none)


HARD = {
    "one rating a user": (range(9), [0, 1, 2] * 3, [1, 2, 3, 4, 5, 1, 2, 3, 4]),
    "an item rated by everybody": ([0, 1, 2, 0, 1], [0, 0, 0, 1, 2], [1, 2, 3, 4, 5]),
    "all ratings equal": ([0, 0, 1, 1], [0, 1, 0, 1], [3, 3, 3, 3]),
    "0 or 1": ([0, 0, 1, 1, 2], [0, 1, 0, 2, 1], [0, 1, 1, 0, 1]),
    "0 to 100": ([0, 0, 1, 1, 2], [0, 1, 0, 2, 1], [0, 100, 50, 75, 20]),
    "3 x 3": ([0, 0, 0, 1, 1, 2], [0, 1, 2, 0, 1, 2], [1, 2, 3, 4, 5, 1]),
}


@pytest.mark.parametrize("case", HARD)
def test_hard_cases_fit_and_stay_within_the_ratings(case):
    user, item, rating = HARD[case]
    table = pl.DataFrame({"user": user, "item": item, "rating": rating})
    ratings = palate.read_ratings(table, kind="ratings")
    model = palate.Gibbs(sweeps=30, burn_in=10).fit(ratings)
    items = model.learned.item_table
    profiles = [model.user(name) for name in model.users["id"]]
    predicted = np.concatenate([profile.posterior.scores(items) for profile in profiles])
    assert np.isfinite(predicted).all()
    rated = model.predict(table["user"].to_list(), table["item"].to_list())
    assert min(rating) <= rated.min() <= rated.max() <= max(rating)
    for profile in (model.user(user[0]), model.profile({item[0]: rating[0]}), model.profile({})):
        best = profile.recommend(9, seen=True, cautious=0.1)
        assert best.select("prediction", "sd", "at_least").to_numpy().min() >= 0
        assert np.isfinite(best.select("prediction", "sd", "at_least").to_numpy()).all()
    assert model.update(ratings).drift["z"].is_finite().all()


def test_interactions_vary_no_more_than_the_ratings_of_a_tiny_table():
    """Of 17 ratings the draws may say anything: without a bound the sds are above 10."""
    user = [1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4, 5, 5, 6, 6, 6]
    rating = [5, 3, 4, 4, 2, 5, 1, 2, 3, 5, 4, 4, 3, 2, 4, 5, 1]
    table = pl.DataFrame({"user": user, "item": list("abcabdacebcfadbef"), "rating": rating})
    model = palate.Gibbs().fit(palate.read_ratings(table, kind="ratings"))
    assert model.user(1).predict(list("abcdef"))["sd"].max() < 6


def test_a_user_with_100_000_ratings():
    """Beside 200 others with 50 each; the covariances of items are diagonal."""
    rng = np.random.default_rng(0)
    one, others = np.arange(100_000), rng.integers(0, 100_000, (200, 50))
    item = np.r_[one, others.ravel()]
    user = np.r_[np.zeros(100_000, int), np.repeat(np.arange(1, 201), 50)]
    rating = rng.integers(1, 6, len(item))
    table = pl.DataFrame({"user": user, "item": item, "rating": rating})
    ratings = palate.read_ratings(table, duplicates="first")
    model = palate.Gibbs(sweeps=6, burn_in=2).fit(ratings)
    assert np.isfinite(model.learned.user_table).all()
    assert model.learned.parameters.item_posterior.covariances.values.shape == (
        100_000,
        model.factors,
    )
    predicted = model.user(0).predict([1, 2, 99_999])
    assert predicted["sd"].is_between(0.5, 3).all()
    assert abs(model.user(0).row[-1]) < 0.1  # 100,000 ratings of 3 on average


def test_users_left_out_of_the_fit_are_predicted_as_well_as_others(ml100k):
    """A fifth of the users, inferred from half of their ratings, beside a refit that saw it."""
    rng = np.random.default_rng(0)
    left_out = np.isin(ml100k.user, rng.permutation(943)[:188])
    asked = left_out & (rng.random(len(ml100k)) < 0.5)
    given, valid = ml100k.take(left_out & ~asked), ml100k.take(asked)
    solver = palate.Gibbs(sweeps=100, burn_in=40)
    profiles = solver.fit(ml100k.take(~left_out)).profiles(given)
    expected = profiles.learned.likelihood.rating(
        profiles.posteriors.scores(valid.user, valid.item)
    )
    inferred = np.sqrt(np.mean((expected - valid.rating) ** 2))
    refit = np.sqrt(solver.fit(ml100k.take(~asked)).loss(valid))
    assert abs(inferred - refit) < 0.005


def test_intervals_have_their_coverage(fitted, fold):
    """On fold u1: 90% of the held-out ratings within 0.015, and 50% within 0.02."""
    _, valid = fold
    profiles = fitted.profiles()
    expected = fitted.learned.likelihood.mu + profiles.posteriors.scores(valid.user, valid.item)
    z = np.abs(valid.rating - expected) / profiles.posteriors.rating_sd(valid.user, valid.item)
    assert np.mean(z < 1.6449) == pytest.approx(0.9, abs=0.015)
    assert np.mean(z < 0.6745) == pytest.approx(0.5, abs=0.02)


@pytest.fixture(scope="module")
def inferred(fitted, fold):
    """Return the users of the fit, and the mean of 1 / s_u of each."""
    learned = fitted.learned.parameters
    histories, known = fold[0].by_user(), fitted.learned.known_of_users
    found = infer(histories, learned, 2, known=known, squares=True)
    return found, learned.variances.precisions(found.freedom, found.variance)


def test_the_noise_is_that_of_the_expected_squared_errors(fitted, fold, inferred):
    """1 / alpha = (2 rate + the expected squares) / (2 shape + ratings), at the end."""
    found, precisions = inferred
    rate, n = fold[0].rating.var(dtype=np.float64), len(fold[0])
    expected = (2 * rate + precisions @ found.errors + found.uncertainty.sum()) / (2 + n)
    assert fitted.learned.likelihood.noise_sd**2 == pytest.approx(expected, rel=5e-4)


def test_the_mean_precision_of_users_is_that_of_their_prior(inferred):
    assert inferred[1].mean() == pytest.approx(1, abs=0.002)


def test_the_canonical_form_is_exact(fitted):
    """Effects sum to zero, axes are orthogonal and in order, signs are as stated; 3e-5 relative."""
    users, items = (
        t.astype(np.float64) for t in (fitted.learned.user_table, fitted.learned.item_table)
    )
    for table in (users, items):
        assert np.abs(table.mean(axis=0) / table.std(axis=0)).max() < 3e-5
    k = fitted.factors
    np.testing.assert_allclose(users[:, :k].T @ users[:, :k] / len(users), np.eye(k), atol=2e-5)
    products = items[:, :k].T @ items[:, :k]
    scale = np.sqrt(np.outer(np.diag(products), np.diag(products)))
    np.testing.assert_allclose(products / scale, np.eye(k), atol=1e-5)
    assert (np.diff(np.diag(products)) < 0).all()
    assert (items[:, k] @ items[:, :k] > 0).all()


def test_ids_with_held_out_ratings_only_have_finite_predictions(small):
    train, valid = palate.splits.random(small, 0.5, seed=1)
    model = palate.Gibbs(sweeps=30, burn_in=10).fit(train, valid)
    assert np.isfinite(
        model.learned.likelihood.rating(model.user_posteriors.scores(valid.user, valid.item))
    ).all()


def test_a_model_is_saved_and_loaded(small, tmp_path):
    model = palate.fit(small, palate.Gibbs(sweeps=9, burn_in=2))
    model.save(tmp_path / "model")
    back = palate.load(tmp_path / "model")
    assert back.learned.likelihood == model.learned.likelihood
    assert back.fit == model.fit
    assert back.user("ann").recommend(seen=True).equals(model.user("ann").recommend(seen=True))


def test_a_model_of_two_users_who_agree_is_saved_and_loaded(tmp_path):
    """Its axes are without any variation."""
    table = pl.DataFrame(
        {"user": [1, 1, 1, 2, 2, 2], "item": list("xyz") * 2, "rating": [1, 3, 5] * 2}
    )
    palate.Gibbs(sweeps=9, burn_in=2).fit(palate.read_ratings(table)).save(tmp_path / "model")
    assert palate.load(tmp_path / "model").users.height == 2


@pytest.mark.skipif(os.name != "posix", reason="sends SIGINT: run it on Unix")
@pytest.mark.parametrize("after", [1, 15])
def test_ctrl_c_returns_what_was_learned(small, after):
    def interrupt(row):
        if row["sweep"] == after:
            signal.raise_signal(signal.SIGINT)

    model = palate.Gibbs(sweeps=40, burn_in=10).fit(small, progress=interrupt)
    assert model.fit.interrupted
    assert len(model.fit.history) == after + 1
    assert np.isfinite(model.learned.item_table).all()


@pytest.mark.skipif(os.name != "posix", reason="sends SIGINT: run it on Unix")
def test_ctrl_c_waits_for_the_end_of_a_sweep(small, monkeypatch):
    """The sweep in progress is completed, unless Ctrl-C is pressed twice."""
    solver, add = palate.Gibbs(sweeps=40, burn_in=10), DrawSummary.add

    def press_after(row):
        if row["sweep"] == 16:
            signal.raise_signal(signal.SIGINT)

    def pressed_within(self, *draw):
        if self.draws == 3:  # of the sweeps 10, 12 and 14
            signal.raise_signal(signal.SIGINT)
        add(self, *draw)

    after = solver.fit(small, progress=press_after)
    monkeypatch.setattr(DrawSummary, "add", pressed_within)
    within = solver.fit(small)
    assert within.fit.interrupted
    assert len(within.fit.history) == 17
    np.testing.assert_array_equal(within.learned.item_table, after.learned.item_table)

    def twice(row):
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)

    monkeypatch.undo()
    with pytest.raises(KeyboardInterrupt):
        solver.fit(small, progress=twice)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_progress_prints_a_table(small, capsys):
    palate.Gibbs(sweeps=3, burn_in=1).fit(*palate.splits.random(small), progress=True)
    header, *rows = capsys.readouterr().out.splitlines()
    assert header.split() == ["sweep", "noise_sd", "train_rmse", "valid_rmse", "time"]
    assert [row.split()[0] for row in rows] == ["0", "1", "2"]


EIGHT = palate.Gibbs(factors=8, sweeps=20, burn_in=5)


@pytest.fixture(scope="module")
def of_eight(fold):
    return EIGHT.fit(fold[0])


@pytest.mark.parametrize("scale", [2.0**-26, 2.0**-10, 2.0**17, 2.0**33])
def test_the_scale_of_the_ratings_changes_nothing(fold, of_eight, scale):
    """The same ratings in other units: the same model in those units, and the same profiles.

    (Powers of two, so that standardised ratings are the same to the last bit.)
    """
    (train, valid), plain = fold, of_eight
    given = np.array([0, 5], dtype=np.int64)

    def scaled(ratings):
        return replace(ratings, rating=ratings.rating * np.float32(scale))

    other = EIGHT.fit(scaled(train))
    assert other.loss(scaled(valid)) / scale**2 == pytest.approx(plain.loss(valid), rel=1e-4)
    one, many = (
        model.profile({train.items["id"][int(item)]: float(rating) for item, rating in pairs})
        for model, pairs in (
            (plain, zip(given, [5, 1], strict=True)),
            (other, zip(given, np.float32([5, 1]) * np.float32(scale), strict=True)),
        )
    )
    assert many.row[-1] / scale == pytest.approx(one.row[-1], rel=1e-3)


@pytest.mark.parametrize("rating", [[1e13, 1, 2, 3], [-1e38, 3e38, 0, 0], [1e-13, 0, 0, 0]])
def test_ratings_beyond_single_precision_are_refused(rating):
    table = pl.DataFrame({"user": [0, 0, 1, 1], "item": [0, 1, 0, 1], "rating": rating})
    ratings = palate.read_ratings(table)
    for solver in (palate.Gibbs(sweeps=9, burn_in=2), palate.OneCycle(epochs=1)):
        with pytest.raises(palate.DataError, match="beyond what single precision can work"):
            solver.fit(ratings)


def test_a_lack_of_memory_during_a_fit_is_reported(small):
    with pytest.raises(palate.SettingError, match="need more memory than is available"):
        palate.Gibbs(factors=300_000, sweeps=2, burn_in=1).fit(small)
