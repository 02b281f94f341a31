"""What to ask next: the gain equals its definition, and answers reduce the uncertainty."""

from dataclasses import replace

import numpy as np
import pytest

import palate
from palate.analysis._questions import questions_and_clarity


def uncertainty(profile):
    """Return the mean variance of the expected ratings, given the items."""
    learned = profile.learned
    z = np.c_[learned.item_factors, np.ones(learned.items.height)][learned.rated]
    scores = profile.posterior.scores(learned.item_table)[learned.rated]
    slope = learned.likelihood.slope(scores).astype(float)
    return np.mean(slope**2 * np.einsum("nk,kl,nl->n", z, profile.covariance.astype(float), z))


def test_the_gain_is_the_expected_loss_of_variance(bayes):
    """For each item, from the covariance after the rating, given the item's own uncertainty."""
    me = bayes.profile({"Fargo (1996)": 5, "Titanic (1997)": 2})
    asked = me.next_questions(1)
    z = np.c_[bayes.item_factors, np.ones(bayes.items.height)].astype(float)
    covariance, j = me.covariance.astype(float), bayes.learned.item_index.row(asked["id"][0])
    p = me.row[:-1].astype(float)
    posterior = bayes.learned.parameters.item_posterior
    c = posterior.covariances.values[j].reshape(len(p), -1).astype(float)
    own = p @ c @ p + np.trace(c @ covariance[:-1, :-1]) + posterior.bias_sd[j] ** 2
    relative = me.rating_posterior.variance * bayes.learned.parameters.variances.items[j]
    variance = z[j] @ covariance @ z[j] + own + relative * bayes.learned.likelihood.noise_sd**2
    reductions = [(x @ covariance @ z[j]) ** 2 / variance for x in z[bayes.learned.item_counts > 0]]
    assert asked["gain"][0] == pytest.approx(np.mean(reductions), rel=1e-4)


@pytest.mark.parametrize("which", ["bayes", "model"])
def test_answers_reduce_the_uncertainty_more_than_other_ratings_do(which, request):
    """The control: as many items that have as many ratings, chosen at random."""
    model = request.getfixturevalue(which)
    asked = model.profile({}).next_questions(6)
    start = uncertainty(model.profile({}))
    after = uncertainty(model.profile(dict.fromkeys(asked["id"].to_list(), 3.5)))
    often = np.flatnonzero(model.learned.item_counts >= asked["ratings"].min())
    rng = np.random.default_rng(0)
    others = []
    for _ in range(10):
        ids = model.items["id"].gather(rng.choice(often, 6, replace=False)).to_list()
        others.append(uncertainty(model.profile(dict.fromkeys(ids, 3.5))))
    assert after < min(others) < start


def test_rated_and_excluded_items_are_not_asked(bayes):
    me = bayes.profile({"Independence Day (ID4) (1996)": 4})
    found = me.next_questions(5)
    asked = found["id"].to_list()
    assert len(set(asked)) == 5
    assert "Independence Day (ID4) (1996)" not in found["item"].to_list()
    others = me.next_questions(5, exclude=asked)["id"].to_list()
    assert not set(asked) & set(others)
    assert me.next_questions(1)["id"].to_list() == asked[:1]


def test_there_are_no_more_questions_than_items(small):
    model = palate.Gibbs(sweeps=10, burn_in=2).fit(small)
    me = model.profile({"tea": 5, "rum": 1})
    assert set(me.next_questions(10)["item"]) == {"gin", "ale"}
    assert me.next_questions(10, exclude=["gin", "ale"]).height == 0
    with pytest.raises(palate.SettingError, match="n is 0"):
        me.next_questions(0)
    with pytest.raises(palate.UnknownIdError):
        me.next_questions(1, exclude=["wine"], unknown="error")
    assert me.next_questions(1, exclude=["wine"]).skipped == ("wine",)


@pytest.mark.parametrize("which", ["bayes", "model"])
def test_clarity_is_the_share_of_the_variance_that_is_explained(which, request):
    model = request.getfixturevalue(which)
    me = model.profile({"Fargo (1996)": 5, "Titanic (1997)": 2})
    anyone = replace(
        me, rating_posterior=replace(me.posterior, covariance=model.profile({}).covariance)
    )
    # Of people who use as much of the scale.
    scale = me.posterior.variance / model.profile({}).posterior.variance
    explained = 1 - uncertainty(me) / uncertainty(anyone) / scale
    assert me.clarity().explained == pytest.approx(explained, rel=1e-4)
    assert model.profile({}).clarity().explained == pytest.approx(0, abs=1e-6)


def test_clarity_foresees_after_how_many_answers_half_is_explained(bayes):
    me = bayes.profile({"Fargo (1996)": 5})
    explained, more = me.clarity()
    before = uncertainty(me) / (1 - explained)
    gains = me.next_questions(more)["gain"].to_numpy()
    assert more > 1
    assert explained + gains[:-1].sum() / before < 0.5 <= explained + gains.sum() / before
    assert me.clarity(exclude=me.next_questions(30)["id"]).more > more
    nothing_left = me.clarity(exclude=bayes.items["id"])
    assert nothing_left == (explained, 20)
    much = bayes.user(1).clarity()
    assert much.explained > 0.5
    assert much.more == 0


@pytest.mark.parametrize("n", [3, 30])
@pytest.mark.parametrize("history", [{}, {100: 5, 50: 4}, "everything"])
def test_questions_and_clarity_at_once_are_those_of_each(bayes, ratings_of, history, n):
    me = bayes.profile(ratings_of(bayes, 405) if history == "everything" else history)
    options = (bayes.learned, me.posterior, n, [181, 1], "skip")
    questions, clarity = questions_and_clarity(*options)
    assert questions.equals(me.next_questions(n, exclude=[181, 1]))
    assert clarity == me.clarity(exclude=[181, 1])
