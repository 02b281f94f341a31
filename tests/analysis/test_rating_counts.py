"""Ratings as observed beside the model's expectation."""

from statistics import NormalDist

import numpy as np
import pytest

from palate.analysis import _rating_counts
from palate.analysis._rating_counts import rating_counts

STEPS = np.arange(1.0, 6)


def test_each_step_is_expected_as_often_as_the_predictions_round_to_it(either, ml100k):
    entries = np.flatnonzero(ml100k.item == 99)
    found = rating_counts(either.learned, either.user_posteriors, entries, STEPS)
    np.testing.assert_array_equal(
        found.observed, np.bincount(ml100k.rating[entries].astype(int))[1:]
    )
    expected = np.zeros(5)
    for entry in entries:
        profile = either.user(int(ml100k.user[entry]) + 1)
        row = profile.predict(100).row(0, named=True)
        score = profile.posterior.scores(either.learned.item_table)[99:100]
        mean = float(either.learned.likelihood.unclipped(score)[0])
        dist = NormalDist(mean, row["sd"] or either.learned.likelihood.noise_sd)
        cuts = [0.0, *(dist.cdf(cut) for cut in (1.5, 2.5, 3.5, 4.5)), 1.0]
        expected += np.diff(cuts)
    np.testing.assert_allclose(found.expected, expected, rtol=1e-3)
    assert found.expected.sum() == pytest.approx(len(entries))


def test_over_all_ratings_both_are_nearly_the_same(bayes, ml100k):
    found = rating_counts(bayes.learned, bayes.user_posteriors, np.arange(100_000), STEPS)
    assert found.expected.sum() == pytest.approx(100_000)
    assert np.abs(found.observed - found.expected).sum() < 0.2 * 100_000


def test_many_ratings_are_predicted_in_part(bayes, ml100k, monkeypatch):
    entries = np.flatnonzero(ml100k.item == 49)
    every = rating_counts(bayes.learned, bayes.user_posteriors, entries, STEPS)
    monkeypatch.setattr(_rating_counts, "_MAX_RATINGS", 200)
    some = rating_counts(bayes.learned, bayes.user_posteriors, entries, STEPS)
    np.testing.assert_array_equal(some.observed, every.observed)
    np.testing.assert_allclose(some.expected, every.expected, atol=0.03 * len(entries))
    assert (some.expected != every.expected).any()


def test_no_ratings_and_a_scale_of_one_step(bayes):
    none = rating_counts(bayes.learned, bayes.user_posteriors, np.array([], dtype=int), STEPS)
    assert none.observed.sum() == none.expected.sum() == 0
    one = rating_counts(bayes.learned, bayes.user_posteriors, np.arange(7), np.array([3.0]))
    assert one.observed.tolist() == one.expected.tolist() == [7]
