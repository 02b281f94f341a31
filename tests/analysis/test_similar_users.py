"""Similar users: the formula, what it is worth, and what is refused."""

from dataclasses import replace

import numpy as np
import pytest

import palate


def test_it_is_the_expected_correlation_of_tastes(either, ml100k):
    similar = either.similar_users(196, 942)
    assert similar.height == 942
    assert 196 not in set(similar["user"])
    axes, users = either.learned.canonical_axes, either.user_posteriors
    items = axes.centred_items[either.learned.rated]
    worth = np.diag((items**2).mean(axis=0))
    x = axes.user_positions(users.table)
    factors = users.covariances(np.arange(943))[:, :-1, :-1].astype(float)
    covariances = axes.user_transform.T @ factors @ axes.user_transform
    squares = [m @ worth @ m + np.trace(worth @ c) for m, c in zip(x, covariances, strict=True)]
    expected = x @ worth @ x[195] / np.sqrt(np.array(squares) * squares[195])
    rows = similar["user"].to_numpy() - 1
    np.testing.assert_allclose(similar["similarity"], expected[rows], rtol=1e-4, atol=1e-5)
    assert similar["similarity"].is_sorted(descending=True)
    # The short list has those who are best among all.
    assert either.similar_users(196, 5)["user"].to_list() == similar["user"].head(5).to_list()
    rated = {u: set(ml100k.item[ml100k.user == u - 1].tolist()) for u in (196, rows[0] + 1)}
    assert similar["common"][0] == len(rated[196] & rated[rows[0] + 1])
    assert similar["ratings"][0] == len(rated[rows[0] + 1])


def test_they_agree_on_ratings_that_their_profiles_have_not_seen(bayes, ml100k):
    """The residuals of the ratings held out correlate within pairs of similar users."""
    half = np.random.default_rng(1).random(len(ml100k)) < 0.5
    seen, unseen = ml100k.take(half), ml100k.take(~half)
    histories = palate.Model(replace(bayes.learned, ratings=None)).profiles(seen)
    table = histories.rating_posteriors.table
    learned = replace(bayes.learned, ratings=seen, user_table=table, user_variances=None)
    model = palate.Model(learned)
    additive = table[unseen.user, -1] + learned.item_biases[unseen.item] + learned.likelihood.mu
    residuals = np.zeros((943, 1682))
    residuals[unseen.user, unseen.item] = unseen.rating - additive
    given = residuals != 0
    rng = np.random.default_rng(0)
    ids = model.users["id"].to_numpy()
    sums = np.zeros((2, 3))
    for user in rng.choice(943, 60, replace=False):
        near = model.similar_users(int(ids[user]), 10)["user"].to_numpy()
        far = rng.choice(ids, 10)
        for kind, group in enumerate((near, far)):
            rows = np.searchsorted(ids, group)
            both = given[user] & given[rows]
            one = np.broadcast_to(residuals[user], both.shape)[both]
            other = residuals[rows][both]
            sums[kind] += one @ other, one @ one, other @ other
    correlation = sums[:, 0] / np.sqrt(sums[:, 1] * sums[:, 2])
    assert correlation[0] > 0.2
    assert correlation[0] > correlation[1] + 0.1


def test_who_has_no_ratings_is_like_nobody(bayes, altered, ml100k):
    unknown = ml100k.take(ml100k.user != 0)
    table = bayes.learned.user_table.copy()
    table[0] = bayes.learned.parameters.user_prior.mean
    alone = altered(bayes, ratings=unknown, user_table=table)
    most = alone.similar_users(1, 1)["similarity"][0]
    assert abs(most) < 0.2
    assert bayes.similar_users(1, 1)["similarity"][0] > 0.5


def test_a_tiny_table_has_similar_users(small):
    for solver in (palate.Gibbs(factors=1, sweeps=30), palate.OneCycle(factors=1, epochs=2)):
        assert palate.fit(small, solver).similar_users("ann").height == 4


def test_bad_requests_are_refused(bayes, events, tmp_path):
    with pytest.raises(palate.UnknownIdError, match="there is no user 'zoe'"):
        bayes.similar_users("zoe")
    with pytest.raises(palate.SettingError, match="n is 0"):
        bayes.similar_users(196, 0)
    with pytest.raises(palate.SettingError, match="needs a model of ratings"):
        events.similar_users(196)
    bayes.save(tmp_path / "m", users=False)
    with pytest.raises(palate.UnknownIdError, match="saved without its users"):
        palate.load(tmp_path / "m").similar_users(196)
