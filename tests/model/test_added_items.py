"""Items that new ratings bring are inferred from these and from their features, without a refit."""

import numpy as np
import polars as pl
import pytest

import palate
from palate.inference._added_items import infer_items
from palate.inference._user_posterior import infer


@pytest.fixture(scope="module")
def parts(ml100k):
    """MovieLens 100k without 168 of its items; half of their ratings; and the other half."""
    rng = np.random.default_rng(0)
    new = np.isin(ml100k.item, rng.permutation(ml100k.items.height)[:168])
    half = rng.random(len(ml100k)) < 0.5
    frame = ml100k.frame()
    base, later, valid = (frame.filter(pl.Series(m)) for m in (~new, new & half, new & ~half))
    valid = valid.filter(pl.col("item").is_in(later["item"].unique().implode()))
    tables = []
    for rows in (base, later):
        known = pl.col("item").is_in(rows["item"].unique().implode())
        items = ml100k.items.rename({"id": "item", "item": "title"}).filter(known)
        users = ml100k.users.rename({"id": "user"})
        tables.append(palate.read_ratings(rows, items=items, users=users, kind="ratings"))
    return (*tables, valid)


@pytest.fixture(scope="module")
def model(parts):
    return palate.fit(parts[0], palate.Gibbs(sweeps=100, burn_in=20))


@pytest.fixture(scope="module")
def updated(model, parts):
    return model.update(parts[1])


def accuracy(model, valid):
    """Return the RMSE of ratings, and the fraction of them in their 90% intervals."""
    user = model.learned.user_index.rows(valid["user"]).astype(np.int32)
    item = model.learned.item_index.rows(valid["item"]).astype(np.int32)
    score = model.user_posteriors.scores(user, item)
    sd = model.user_posteriors.rating_sd(user, item)
    rating = valid["rating"].to_numpy()
    error = rating - model.learned.likelihood.rating(score)
    z = np.abs(rating - model.learned.likelihood.unclipped(score)) / sd
    return np.sqrt(np.mean(error**2)), np.mean(z < 1.6449)


def test_they_are_predicted_nearly_as_well_as_after_a_refit(updated, parts):
    """Of the defaults 0.879, after a refit 0.869; from features alone, the control, 1.02."""
    base, later, valid = parts
    error, coverage = accuracy(updated.model, valid)
    assert error < 0.89
    assert coverage == pytest.approx(0.9, abs=0.02)
    unrated = base.frame(), base.items.rename({"id": "item", "item": "title"})
    more = later.items.rename({"id": "item", "item": "title"})
    table = palate.read_ratings(
        unrated[0], items=pl.concat([unrated[1], more], how="diagonal"), kind="ratings"
    )
    features_only = palate.Gibbs(sweeps=60, burn_in=15).fit(table)
    assert accuracy(features_only, valid)[0] > 0.98


def test_those_of_the_fit_stay_as_they_are(model, updated, parts):
    after, drift = updated
    n = model.items.height
    assert after.items.height == n + parts[1].items.height
    assert after.items[:n].equals(model.items)
    assert after.items["item"][n:].to_list() == parts[1].items["item"].to_list()
    assert after.items["genres"][n:].equals(parts[1].items["genres"])
    np.testing.assert_array_equal(after.learned.item_table[:n], model.learned.item_table)
    np.testing.assert_array_equal(
        after.learned.item_counts[n:], np.bincount(parts[1].item, minlength=len(after.items[n:]))
    )
    assert drift.is_empty()  # all new ratings are of new items
    one = {"Titanic (1997)": 2, "Star Wars (1977)": 5}
    for by in ("choice", "rating"):
        before = model.profile(one).recommend(10, by=by, candidates=model.items["id"])
        now = after.profile(one).recommend(10, by=by, candidates=model.items["id"])
        assert now["id"].to_list() == before["id"].to_list()


def test_what_is_said_of_them(updated):
    after, _ = updated
    row = after.items.height - 1
    known = after.user(1).predict(after.items["id"][row])
    assert known["status"].to_list() == ["added"]
    assert known["ratings"][0] == after.learned.item_counts[row]
    why = after.user(1).explain(after.items["id"][row])
    assert why.ratings["contribution"].sum() == pytest.approx(why.score, abs=1e-5)
    assert why.parts["contribution"].sum() == pytest.approx(why.score, abs=1e-5)
    # What they are picked with only a fit can learn.
    assert after.user(1).explain_choice(after.items["id"][row]).score == 0
    listed = after.profile({}).recommend(5, by="rating", candidates=after.items["id"][-20:])
    assert listed.height == 5


def test_the_posterior_equals_that_of_a_user_with_sides_exchanged(model):
    """Beside `infer`: users as the items of a model in which nothing else differs."""
    learned, prior = model.learned, model.learned.parameters.item_prior
    posteriors = model.user_posteriors
    ratings = learned.ratings_by_item.take(np.array([7, 49]))
    means = prior.means(model.items[[7, 49]])
    found = infer_items(ratings, means, prior, posteriors)
    rows = ratings.partner[: ratings.starts[1]]
    z = np.c_[posteriors.table[rows, :-1], np.ones(len(rows))].astype(float)
    weight = learned.parameters.likelihood.noise_sd**-2 / posteriors.variances[rows]
    weight /= found.variance[0]
    covariance = posteriors.covariances(rows).astype(float)
    a = np.linalg.inv(prior.covariance)
    b = a @ means[0]
    for n, row in enumerate(rows):
        rest = ratings.rating[n] - learned.likelihood.mu - float(posteriors.table[row, -1])
        a += weight[n] * np.outer(z[n], z[n])
        a[:-1, :-1] += weight[n] * covariance[n, :-1, :-1]
        b += weight[n] * z[n] * rest
        b[:-1] -= weight[n] * covariance[n, :-1, -1]
    np.testing.assert_allclose(found.mean[0], np.linalg.solve(a, b), atol=0.02)
    np.testing.assert_allclose(found.covariance[0], np.linalg.inv(a), rtol=0.05, atol=1e-4)
    # They are near the items of the fit, which were learned together with the users.
    assert found.mean[1, -1] == pytest.approx(float(learned.item_biases[49]), abs=0.1)


def test_an_added_item_without_ratings_is_its_features(model, parts):
    """Items of the items table that nobody has rated are added, too."""
    later = parts[1]
    one = later.frame()[:3]
    items = later.items.rename({"id": "item", "item": "title"})
    after, _ = model.update(palate.read_ratings(one, items=items, kind="ratings"))
    counts = after.learned.item_counts[model.items.height :]
    assert (counts == 0).sum() >= later.items.height - 3
    unrated = after.items["id"][model.items.height + int(np.flatnonzero(counts == 0)[0])]
    assert after.user(1).predict(unrated)["status"].to_list() == ["features only"]
    prior = after.learned.parameters.item_prior
    row = after.learned.item_index.row(unrated)
    np.testing.assert_allclose(
        after.learned.item_table[row], prior.means(after.items[[row]])[0], rtol=1e-6
    )


def test_later_ratings_of_an_added_item_count_together_with_the_first(model, parts):
    later = parts[1]
    first, second = later.take(np.arange(1000)), later.take(np.arange(1000, len(later)))
    twice = model.update(first).model.update(second).model
    once = model.update(later).model
    assert twice.items["id"].sort().equals(once.items["id"].sort())
    item = int(np.bincount(later.item).argmax())
    rows = [m.learned.item_index.row(later.items["id"][item]) for m in (once, twice)]
    one, other = (m.learned.item_table[row] for m, row in zip((once, twice), rows, strict=True))
    # Users are the posteriors of other moments.
    np.testing.assert_allclose(one, other, atol=0.06)


def test_they_are_saved_with_the_model(updated, tmp_path):
    after, _ = updated
    for users in (True, False):
        after.save(tmp_path / "m", users=users)
        loaded = palate.load(tmp_path / "m")
        assert loaded.learned.added_items == after.learned.added_items > 0
        item = after.items["id"][-1]
        given = {"Fargo (1996)": 5, "Titanic (1997)": 2}
        expected = after.profile(given).predict(item)
        assert loaded.profile(given).predict(item).equals(expected)
        assert expected["status"].to_list() == ["added"]


def test_the_low_rank_choice_model_is_extended_too(parts, monkeypatch):
    monkeypatch.setattr("palate.solvers.choice._search._MAX_EXACT", 100)
    model = palate.fit(parts[0], palate.Gibbs(factors=4, sweeps=12, burn_in=4))
    after, _ = model.update(parts[1])
    for person in ({"Titanic (1997)": 5}, {after.items["id"][-1]: 5}):
        listed = after.profile(person).recommend(10, by="choice", candidates=model.items["id"])
        assert listed.height == 10
    before = model.profile({"Titanic (1997)": 5}).recommend(10, by="choice")
    assert after.profile({"Titanic (1997)": 5}).recommend(10, by="choice").equals(before)


def test_only_a_fit_can_learn_them_for_other_models(small):
    new = {"user": ["ann"], "item": ["rye"], "rating": [3]}
    new = palate.read_ratings(new, kind="ratings")
    for model in (palate.OneCycle(epochs=1).fit(small), palate.Choice().fit(small)):
        with pytest.raises(palate.UnknownIdError, match=r"does not know 1 of the items.*again"):
            model.update(new)


def test_a_new_person_with_an_added_item_alone(updated):
    """The posterior of `infer` with the uncertainty of the item."""
    after, _ = updated
    item = after.items["id"][-1]
    profile = after.profile({item: 5})
    assert np.isfinite(profile.row).all()
    expected = infer(profile.history, after.learned.parameters, 1).mean[0]
    np.testing.assert_array_equal(profile.row, expected)
