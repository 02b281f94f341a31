"""Whether a new fit may replace a model: the comparison, and what it is made on."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

import palate
from palate.evaluation._gate import gate

SOLVER = palate.Gibbs(sweeps=12, burn_in=4)


@pytest.fixture(scope="module")
def parts(ml100k):
    return palate.splits.at_time(ml100k, 0.05)


@pytest.fixture(scope="module")
def old(parts):
    return SOLVER.fit(parts[0])


def pairs(ratings):
    return set(ratings.frame().select("user", "item").iter_rows())


def recording(model, seen):
    """Return a fit that returns this model, or what it makes of the ratings, and records these."""

    def recorded(train):
        seen.append(train)
        return model if isinstance(model, palate.Model) else model(train)

    return recorded


def test_a_fit_to_more_passes_and_one_to_noise_does_not(old, parts, ml100k):
    seen = []
    good = gate(old, ml100k, recording(SOLVER.fit, seen))
    assert good.passed
    assert good.figure == "rmse"
    held_out = pairs(ml100k) - pairs(seen[0])
    assert held_out < pairs(parts[1])  # the old one was not fitted to these
    fitted = set(parts[0].frame()["item"])
    late = sum(item in fitted for _, item in pairs(parts[1]))
    assert len(held_out) == late // 2
    assert f"On {len(held_out):,} ratings of " in good.sentence

    def noise(train):
        shuffled = np.random.default_rng(0).permutation(train.rating)
        return SOLVER.fit(replace(train, rating=shuffled))

    bad = gate(old, ml100k, noise)
    assert not bad.passed
    assert bad.old == good.old
    assert bad.worse_by > bad.standard_error
    assert "worse by" in bad.sentence


def test_the_figures_are_those_of_inferred_people(old, ml100k):
    """Beside the profiles and predictions of each person."""
    seen = []
    found = gate(old, ml100k, recording(old, seen))
    assert (found.worse_by, found.standard_error, found.passed) == (0, 0, True)
    train = seen[0]
    held_out = ml100k.frame().join(train.frame(), on=["user", "item"], how="anti")
    errors = []
    for (user,), rows in held_out.group_by("user"):
        person = old.profile(train.of_users((train.users["id"] == user).to_numpy()), unknown="skip")
        expected = person.predict(rows["item"].to_list())
        rated = expected.select("id", "prediction").join(rows, left_on="id", right_on="item")
        errors += (rated["prediction"] - rated["rating"]).to_list()
    assert found.old == pytest.approx(np.sqrt(np.mean(np.square(errors))), abs=1e-4)


def test_ratings_added_since_the_fit_count_as_not_seen(old, parts, ml100k):
    seen = []
    updated = gate(old.update(parts[1]).model, ml100k, recording(old, seen))
    assert updated == gate(old, ml100k, recording(old, seen))
    assert pairs(seen[0]) == pairs(seen[1])


def test_where_the_model_has_seen_all_nothing_is_fitted(old, parts):
    kept = gate(old, parts[0], lambda _: pytest.fail("there is nothing to compare on"))
    assert not kept.passed
    assert kept.figure is None
    assert kept.sentence.startswith("Too little is new to the model")


def test_a_table_without_most_of_what_the_model_knows_does_not_pass(old, parts, ml100k):
    known = len(parts[0])
    cut = ml100k.take(np.arange(len(ml100k)) < known // 3)
    kept = gate(old, cut, lambda _: pytest.fail("the table is refused before a fit"))
    assert (kept.passed, kept.figure) == (False, None)
    assert kept.sentence.startswith(f"Of the {known:,} ratings that the model knows, the new table")
    here = len(pairs(cut) & pairs(parts[0]))
    assert f"has only {here / known:.0%}, as if" in kept.sentence


def test_an_incomplete_fit_is_not_compared(old, ml100k):
    stopped = replace(old.learned, fit=replace(old.fit, interrupted=True))
    with pytest.raises(KeyboardInterrupt):
        gate(old, ml100k, lambda _: palate.Model(stopped))


@pytest.fixture(scope="module")
def clicks():
    """60 people who each pick most of one half of 40 items, and a few of the others."""
    rng = np.random.default_rng(0)
    rows = [
        (u, i) for u in range(60) for i in range(40) if rng.random() < 0.1 + 0.5 * (u % 2 == i % 2)
    ]
    return palate.read_ratings(pl.DataFrame(rows, schema=["user", "item"], orient="row"))


def test_events_are_compared_by_lists(clicks):
    order = np.random.default_rng(1).permutation(len(clicks))
    old = palate.fit(clicks.take(order[:-200]))
    good = gate(old, clicks, palate.fit)
    assert (good.figure, good.passed) == ("ndcg_10", True)
    assert 0.2 < good.old < 1

    def noise(train):
        return palate.fit(replace(train, item=np.random.default_rng(0).permutation(train.item)))

    bad = gate(old, clicks, noise)
    assert not bad.passed
    assert (bad.old, bad.worse_by) == (good.old, bad.old - bad.new)


def test_what_can_not_be_compared(old, clicks, small, tmp_path):
    with pytest.raises(palate.DataError, match="these are events, and the model that is there"):
        gate(old, clicks, SOLVER.fit)
    with pytest.raises(palate.DataError, match="'ale' in these ratings is not"):
        gate(old, small, SOLVER.fit)
    old.save(tmp_path / "m", users=False)
    with pytest.raises(palate.UnknownIdError, match="saved without its users"):
        gate(palate.load(tmp_path / "m"), old.ratings, SOLVER.fit)
