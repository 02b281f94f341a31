"""People outside the fit: their ratings are in no training part, and one half is held out."""

from dataclasses import replace

import numpy as np
import pytest

import palate
from palate.evaluation import _held_out_parts


def ids(ratings):
    return ratings.users["id"].to_list()


def pairs(ratings):
    return set(ratings.frame().select("user", "item").rows())


@pytest.fixture(scope="module")
def part(ml100k):
    return _held_out_parts.parts_of(ml100k, 5, "users", None, 0)[0][0]


def test_people_outside_the_fit_are_unknown_to_it(part, ml100k):
    assert not set(ids(part.train)) & set(ids(part.given))
    assert sorted(ids(part.train) + ids(part.given)) == ids(ml100k)
    assert part.given.users.height == int(0.2 * 943)
    assert part.outside
    assert pairs(part.train) | pairs(part.given) | pairs(part.valid) == pairs(ml100k)
    assert len(part.train) + len(part.given) + len(part.valid) == len(ml100k)


def test_half_of_each_history_is_held_out(part, ml100k):
    given = np.bincount(part.given.user, minlength=part.given.users.height)
    held_out = np.bincount(part.valid.user, minlength=part.given.users.height)
    assert set((given - held_out).tolist()) <= {0, 1}
    before = ml100k.frame().rows()
    assert set(part.valid.frame().rows()) <= set(before)


def test_the_choice_of_people_and_of_halves_depends_on_the_seed_alone(part, ml100k):
    again, other = (
        _held_out_parts.parts_of(ml100k, 5, "users", 0.2, seed)[0][0] for seed in (0, 1)
    )
    assert pairs(again.valid) == pairs(part.valid)
    assert ids(other.given) != ids(part.given)


def test_at_most_10_000_people_are_left_out(monkeypatch, ml100k):
    monkeypatch.setattr(_held_out_parts, "_MAX_PEOPLE", 30)
    only = _held_out_parts.parts_of(ml100k, 5, "users", 0.5, 0)[0][0]
    assert only.given.users.height == 30


def test_people_with_one_rating_stay_in_the_fit(small):
    for seed in range(9):
        only = _held_out_parts.parts_of(small, 5, "users", 0.5, seed)[0][0]
        assert "bob" in ids(only.train)
        assert only.given.users.height == 2


def test_a_given_rating_beyond_the_scale_of_the_fit_counts_as_its_end(small):
    """A model takes no rating outside the scale that it was fitted to."""
    generous = small.user == ids(small).index("ann")
    ratings = replace(small, rating=np.where(generous, 9, small.rating).astype(np.float32))
    parts = [_held_out_parts.parts_of(ratings, 5, "users", 0.5, seed)[0][0] for seed in range(9)]
    outside = [part for part in parts if "ann" in ids(part.given)]
    assert outside
    for part in outside:
        assert part.given.rating.max() == part.train.rating.max() == 5
        assert part.valid.rating.max() == 9
        model = palate.OneCycle(factors=2, epochs=1).fit(part.train)
        assert len(model.profiles(part.given)) == 2


def test_a_share_that_leaves_nobody_is_refused(small):
    with pytest.raises(palate.SettingError, match="10% of the 4 people with at least two ratings"):
        palate.evaluate(small, split="users", share=0.1)
