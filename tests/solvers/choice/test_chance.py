"""The chance of a pick: its model from simulated picks, and its calibration on real ones."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

import palate
from palate.data._ratings import Csr
from palate.learned._choice import ConditionalLogit
from palate.solvers.choice._chance import fit_chance
from palate.solvers.choice._hold_out import HeldOutScores

TRUE = ConditionalLogit(slope=1.3, offset=0.1)


def all_chances(chance, scores):
    """Return the probability of each item for each person, for histories that are not given."""
    people, items = scores.shape
    rows = np.tile(np.arange(items), (people, 1))
    return chance.at(rows, scores, Csr.empty(people), np.ones(items, bool), threads=1)


def simulated(chance, people=400, items=500, picks=40, seed=0):
    """Return scores, and held-out entries drawn with the chances."""
    rng = np.random.default_rng(seed)
    scores = np.exp(rng.normal(-4, 1, (people, items))).astype(np.float32)
    scores *= rng.gamma(1, 1, (people, 1)).astype(np.float32)  # histories of all sizes
    scores[:, 5:100] = 0
    scores[:, :5] = -np.inf
    chances = all_chances(chance, scores).astype(float)
    drawn = np.array([rng.multinomial(picks, p / p.sum()) for p in chances])
    row, item = np.nonzero(drawn)
    times = drawn[row, item]
    return HeldOutScores(scores, np.repeat(row, times), np.repeat(item, times))


def test_the_model_of_simulated_picks_is_found():
    """The tolerance of the slope is four standard deviations over 20 seeds."""
    parts = [simulated(TRUE, seed=seed) for seed in range(3)]
    found = fit_chance(parts)
    assert found.offset == TRUE.offset
    assert found.slope == pytest.approx(TRUE.slope, abs=0.03)


def test_the_probabilities_are_those_of_the_formula():
    scores = np.array([[3, 1, 0, -1, -np.inf], [0, 0, -2, 0, -np.inf]], np.float32)
    expected = (np.array([3, 1, 0, 0]) + 0.1) ** 1.3  # the mean of the scores is 1
    found = all_chances(TRUE, scores)
    np.testing.assert_allclose(found[0], [*(expected / expected.sum()), 0], rtol=1e-6)
    np.testing.assert_allclose(found[1], [0.25] * 4 + [0], rtol=1e-6)
    np.testing.assert_allclose(all_chances(TRUE, scores[:1] * 1e-30), found[:1], rtol=1e-5)
    assert (all_chances(TRUE, np.full((1, 3), -np.inf, np.float32)) == 0).all()


def test_blocks_do_not_matter():
    whole = simulated(TRUE)
    first = whole.row < 150
    blocks = [
        HeldOutScores(whole.scores[rows], whole.row[own] - start, whole.item[own])
        for rows, own, start in ((slice(0, 150), first, 0), (slice(150, None), ~first, 150))
    ]
    found, expected = fit_chance(blocks), fit_chance([whole])
    assert found.offset == expected.offset
    assert found.slope == pytest.approx(expected.slope, rel=1e-12)


def test_scores_that_say_nothing_have_one_chance():
    drawn = simulated(replace(TRUE, slope=0.0))
    assert fit_chance([drawn]).slope < 0.05


def test_scores_in_the_wrong_order_have_one_chance():
    """A higher score never has a lower chance."""
    assert fit_chance([simulated(replace(TRUE, slope=-1.0))]).slope == 0


def test_without_picks_of_ranked_items_nothing_is_known():
    part = simulated(TRUE)
    assert fit_chance([part._replace(item=np.zeros_like(part.item))]) is None


def test_a_single_pick_leaves_the_prior():
    part = simulated(TRUE)
    found = fit_chance([part._replace(row=part.row[:1], item=np.array([9]))])
    assert 0 <= found.slope < 1.5
    np.testing.assert_allclose(all_chances(found, part.scores).sum(axis=1), 1, rtol=1e-5)


def shares(model, valid, top):
    """Return the chances of listed items, and how many of the person's held-out picks they are."""
    picked = np.zeros((model.users.height, model.items.height))
    picked[valid.user, valid.item] = 1
    picks = np.bincount(valid.user, minlength=model.users.height)
    frame = top.filter(pl.col("user").is_in(model.users["id"].gather(np.flatnonzero(picks))))
    row = model.learned.user_index.rows(frame["user"])
    item = model.learned.item_index.rows(frame["id"])
    return frame["chance"].to_numpy(), picked[row, item], picks[row]


@pytest.fixture(scope="module")
def split(ml100k):
    return palate.splits.official(ml100k, 1)


@pytest.fixture(scope="module")
def model(split):
    return palate.Choice().fit(split[0])


def test_chances_are_calibrated_on_held_out_picks(model, split):
    """In each quarter of the chances, the share of picks is within a third of what is said.

    With some 300 picks a quarter the standard error is 6%; and in this fold more is held out of
    some histories than a fifth.
    """
    chance, hits, picks = shares(model, split[1], model.recommend(10))
    for quarter in np.array_split(np.argsort(chance), 4):
        found = hits[quarter].sum() / picks[quarter].sum()
        said = np.average(chance[quarter], weights=picks[quarter])
        assert said == pytest.approx(found, rel=1 / 3)
    # The negative control: chances in another order, which are right on the whole.
    mixed = np.random.default_rng(0).permutation(chance)
    best = np.argsort(mixed)[-len(mixed) // 4 :]
    assert hits[best].sum() / picks[best].sum() < 0.8 * mixed[best].mean()


def test_the_chances_of_all_items_sum_to_one(model):
    for user in (1, 196, 500):
        assert model.user(user).recommend(2000)["chance"].sum() == pytest.approx(1, abs=1e-4)
    assert model.profile({}).recommend(2000)["chance"].sum() == pytest.approx(1, abs=1e-4)
    assert model.profile({50: 1}).recommend(2000)["chance"].sum() == pytest.approx(1, abs=1e-4)


def test_items_of_the_history_have_no_chance(model):
    top = model.user(1).recommend(2000, seen=True)
    history = top["id"].is_in(model.user(1).favourites(2000)["id"].to_list())
    assert (top["chance"].is_null() == history).all()


def test_lists_of_many_have_the_chances_of_each(model):
    everybody = model.recommend(20).filter(pl.col("user").is_in([1, 196]))
    for user in (1, 196):
        own = everybody.filter(pl.col("user") == user)["chance"].to_numpy()
        np.testing.assert_allclose(own, model.user(user).recommend(20)["chance"], rtol=1e-4)


def counts_of_drinks(most):
    """Return 41 people's counts of 12 drinks in two kinds, of up to `most`."""
    rng = np.random.default_rng(1)
    rows = [
        (user, f"drink {6 * (user % 2) + int(i) if rng.random() < 0.8 else int(i)}", int(n))
        for user in range(41)
        for i, n in zip(rng.permutation(6)[:4], rng.integers(1, most, 4), strict=True)
    ]
    return palate.read_ratings(
        pl.DataFrame(rows, schema=["user", "item", "count"], orient="row"), kind="counts"
    )


@pytest.mark.parametrize("count", [1, 30, 100_000])
def test_in_small_tables_chances_sum_to_one_in_the_order_of_the_list(count):
    model = palate.fit(counts_of_drinks(most=9))
    top = model.profile({"drink 3": count}).recommend(12)
    assert top["chance"].sum() == pytest.approx(1, abs=1e-5)
    assert top["chance"].is_sorted(descending=True)


def test_in_a_table_of_five_rows_chances_do_not_contradict_the_list():
    rows = [("a", "x"), ("a", "y"), ("b", "x"), ("b", "z"), ("c", "y")]
    model = palate.fit(
        palate.read_ratings(pl.DataFrame(rows, schema=["user", "item"], orient="row"))
    )
    top = model.profile(["x"]).recommend(3)
    assert top["chance"].sum() == pytest.approx(1, abs=1e-5)
    assert top["chance"].is_sorted(descending=True)


def test_in_the_smallest_tables_chances_are_not_known():
    rows = pl.DataFrame([(u, u % 7) for u in range(50)], schema=["user", "item"], orient="row")
    model = palate.fit(palate.read_ratings(rows))
    assert model.learned.choice.chance is None
    assert model.user(3).recommend(3)["chance"].is_null().all()
    assert model.profile([]).recommend(7)["chance"].sum() == pytest.approx(1, abs=1e-4)
