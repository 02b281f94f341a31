"""The chance of a pick: its curve from simulated scores, and its calibration on real ones."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

import palate
from palate.learned._choice import ChanceCurve
from palate.solvers.choice._chance import fit_chance_curve
from palate.solvers.choice._hold_out import HeldOutScores

CURVE = ChanceCurve(level=-1.5, slope=1.3, history_slope=-0.8, floor=0.002)


def simulated(curve, people=400, items=500, picks=40, seed=0):
    """Return scores, and held-out entries drawn with the chances of the curve."""
    rng = np.random.default_rng(seed)
    scores = np.exp(rng.normal(-4, 1, (people, items))).astype(np.float32)
    scores[:, :5] = -np.inf
    sizes = rng.integers(5, 100, people)
    rate = curve(scores, sizes[:, None])
    rate[:, :5] = 0
    rest = np.maximum(1 - rate.sum(axis=1, keepdims=True), 0)
    chances = np.hstack([rate, rest]).astype(float)
    drawn = np.array([rng.multinomial(picks, p / p.sum()) for p in chances])
    row, item = np.nonzero(drawn)
    times = drawn[row, item]
    item = np.where(item == items, 0, item)  # picks of items that are not ranked
    return HeldOutScores(scores, sizes, np.repeat(row, times), np.repeat(item, times))


def test_the_curve_of_simulated_picks_is_found():
    """The tolerances are four standard deviations over 20 seeds, and the slope's bias, 0.03."""
    parts = [simulated(CURVE, seed=seed) for seed in range(3)]
    found = fit_chance_curve(parts)
    assert found.slope == pytest.approx(CURVE.slope, abs=0.1)
    assert found.history_slope == pytest.approx(CURVE.history_slope, abs=0.07)
    for scores, sizes, *_ in parts:
        usual = (scores > found.floor) & (scores < 0.05)
        ours, true = (np.log(curve(scores, sizes[:, None]))[usual] for curve in (found, CURVE))
        np.testing.assert_allclose(ours, true, atol=0.2)


def test_blocks_do_not_matter():
    whole = simulated(CURVE)
    first = whole.row < 150
    blocks = [
        HeldOutScores(
            whole.scores[rows], whole.sizes[rows], whole.row[own] - start, whole.item[own]
        )
        for rows, own, start in ((slice(0, 150), first, 0), (slice(150, None), ~first, 150))
    ]
    assert fit_chance_curve(blocks) == fit_chance_curve([whole])


def test_scores_that_say_nothing_have_one_chance():
    scores = simulated(CURVE)
    flat = replace(CURVE, slope=0.0, history_slope=0.0, level=np.log(1 / 500))
    drawn = simulated(flat)
    found = fit_chance_curve([drawn._replace(scores=scores.scores)])
    assert abs(found.slope) < 0.05
    np.testing.assert_allclose(
        found(scores.scores, scores.sizes[:, None])[:, 5:].mean(), 1 / 500, rtol=0.05
    )


def test_histories_of_one_length_say_nothing_about_others():
    """Where scores say nothing, a history of one entry gives the chances of one of ten."""
    rng = np.random.default_rng(0)
    scores = np.exp(rng.normal(-2, 1, (300, 40))).astype(np.float32)
    row, item = np.repeat(np.arange(300), 2), rng.integers(0, 40, 600)
    found = fit_chance_curve([HeldOutScores(scores, np.full(300, 10), row, item)])
    alone = found(scores / 10, np.ones((300, 1)))
    np.testing.assert_allclose(alone.mean(), 1 / 40, rtol=0.2)


def test_without_picks_of_ranked_items_there_is_no_curve():
    part = simulated(CURVE)
    assert fit_chance_curve([part._replace(item=np.zeros_like(part.item))]) is None


def test_a_single_pick_gives_finite_chances():
    part = simulated(CURVE)
    found = fit_chance_curve([part._replace(row=part.row[:1], item=np.array([9]))])
    chances = found(part.scores, part.sizes[:, None])
    assert np.isfinite(chances).all()
    assert (chances >= 0).all()
    assert (chances <= 1).all()


def test_a_chance_is_at_most_one_and_level_below_the_floor():
    curve = replace(CURVE, level=5.0)
    chances = curve(np.array([-np.inf, -1, 0, 0.002, 0.01, 100], np.float32), np.full(6, 3))
    assert chances[0] == chances[1] == chances[2] == chances[3] < chances[4]
    assert chances[5] == 1


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


def test_the_chances_of_all_items_sum_to_about_one(model):
    for user in (1, 196, 500):
        assert 0.6 < model.user(user).recommend(2000)["chance"].sum() < 1.4
    assert model.profile({}).recommend(2000)["chance"].sum() == pytest.approx(1, abs=1e-4)


def test_in_the_smallest_tables_chances_are_not_known():
    rows = pl.DataFrame([(u, u % 7) for u in range(50)], schema=["user", "item"], orient="row")
    model = palate.fit(palate.read_ratings(rows))
    assert model.learned.choice.chance is None
    assert model.user(3).recommend(3)["chance"].is_null().all()
    assert model.profile([]).recommend(7)["chance"].sum() == pytest.approx(1, abs=1e-4)
