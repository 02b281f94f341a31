"""The choice model: what it finds, how good its lists are, and tables at the limits."""

import signal
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

import palate
from palate.evaluation import _metric_formulas as formulas
from palate.evaluation._relevance import relevant_pairs
from palate.solvers.choice import _hold_out, _search


def events(rows):
    return palate.read_ratings(pl.DataFrame(rows, schema=["user", "item"], orient="row"))


def small_table():
    rng = np.random.default_rng(0)
    rows = [(u, int(i), int(i) % 5 + 1) for u in range(200) for i in rng.permutation(300)[:20]]
    return palate.read_ratings(pl.DataFrame(rows, schema=["user", "item", "rating"], orient="row"))


def ndcg(model, ratings, valid, by="choice"):
    top = model.profiles().top_items(10, by=by, threads=2)
    return float(
        np.nanmean(formulas.ndcg(formulas.Judged.of(top, *relevant_pairs(ratings, valid))))
    )


def popular_ndcg(train, valid, ratings):
    """Return the nDCG of lists of the most popular items, the seen ones left out."""
    popularity = np.bincount(train.item, minlength=train.items.height).astype(float)
    scores = np.tile(popularity, (train.users.height, 1))
    scores[train.user, train.item] = -1
    top = np.argsort(-scores, axis=1, kind="stable")[:, :10].astype(np.int32)
    return float(
        np.nanmean(formulas.ndcg(formulas.Judged.of(top, *relevant_pairs(ratings, valid))))
    )


@pytest.fixture(scope="module")
def split(ml100k):
    return palate.splits.official(ml100k, 1)


@pytest.fixture(scope="module")
def both(split):
    return palate.fit(split[0])


def test_two_groups_of_users_and_items_are_found():
    """Each user picks 12 of the 40 items of their group, and nobody any other."""
    rng = np.random.default_rng(0)
    rows = [(u, u % 2 * 40 + int(i)) for u in range(200) for i in rng.permutation(40)[:12]]
    model = palate.Choice().fit(events(rows))
    top = model.profiles().top_items(10)
    assert (top // 40 == np.arange(200)[:, None] % 2).all()
    weights = model.learned.choice.weights.matrix
    assert weights[:40, :40].mean() > 10 * np.abs(weights[:40, 40:]).mean()
    assert model.profile([0, 1, 2]).recommend(10)["id"].max() < 40


def test_lists_of_movielens_are_good(both, split, ml100k):
    """The figures were .489 and .490; popularity has .245, expected ratings .161."""
    train, valid = split
    assert ndcg(both, ml100k, valid, "both") >= 0.48
    assert ndcg(both, ml100k, valid, "choice") >= 0.48
    assert popular_ndcg(train, valid, ml100k) < 0.3
    assert ndcg(both, ml100k, valid, "rating") < 0.3


@pytest.fixture(scope="module")
def alone(split):
    """Return the choice model fitted alone, with what was reported; other ratings are in valid."""
    train, valid = split
    other = replace(valid, rating=6 - valid.rating, item=valid.item[::-1].copy())
    rows = []
    return palate.Choice().fit(train, other, threads=2, progress=rows.append), rows


def test_the_choice_model_of_both_is_the_one_that_is_fitted_alone(both, alone):
    """And nothing in the part valid changes a bit of it."""
    one, other = both.learned.choice, alone[0].learned.choice
    np.testing.assert_array_equal(one.weights.matrix, other.weights.matrix)
    np.testing.assert_array_equal(one.discount, other.discount)
    assert (other.settings, other.rating_power) == (one.settings, 0.0)
    assert one.rating_power in _search._POWERS


def test_the_history_of_the_fit_lists_each_setting_once(alone):
    model, rows = alone
    assert model.fit.history == rows
    tried = [(row["strength"], row["ridge"]) for row in rows]
    assert len(set(tried)) == len(tried)
    best = max(rows, key=lambda row: row["ndcg_10"])
    settings = model.learned.choice.settings
    assert settings == {name: best[name] for name in ("strength", "ridge", "exponent")}


def test_nothing_is_gained_where_there_is_no_structure(ml100k):
    """Items are drawn again by popularity; users keep their numbers of entries."""
    rng = np.random.default_rng(0)
    share = np.bincount(ml100k.item, minlength=ml100k.items.height) / len(ml100k)
    counts = np.bincount(ml100k.user, minlength=ml100k.users.height).clip(max=200)
    items = [rng.choice(len(share), n, replace=False, p=share) for n in counts]
    rows = list(zip(np.repeat(np.arange(len(counts)), counts), np.concatenate(items), strict=True))
    ratings = events([(int(u), int(i)) for u, i in rows])
    train, valid = palate.splits.random(ratings)
    found = ndcg(palate.Choice().fit(train), ratings, valid)
    # The draw is without replacement, so that the least popular of the popular gain a little.
    assert found == pytest.approx(popular_ndcg(train, valid, ratings), abs=0.015)


def test_the_same_seed_gives_the_same_bits_at_any_number_of_threads():
    some = small_table()
    one = palate.Choice(seed=3).fit(some, threads=1)
    for threads in (2, 5):
        other = palate.Choice(seed=3).fit(some, threads=threads)
        assert one.learned.choice.settings == other.learned.choice.settings
        for name in ("discount", "popularity"):
            ours, theirs = (getattr(m.learned.choice, name) for m in (one, other))
            np.testing.assert_array_equal(ours, theirs)
        np.testing.assert_array_equal(
            one.learned.choice.weights.matrix, other.learned.choice.weights.matrix
        )
        assert one.recommend(5, threads=1).equals(other.recommend(5, threads=threads))


def check(ratings, solver=None):
    """Fit, and check that all weights and scores are finite and lists are of unseen items."""
    model = (solver or palate.Choice()).fit(ratings)
    choice = model.learned.choice
    assert np.isfinite(choice.weights.matrix).all()
    assert (np.diag(choice.weights.matrix) == 0).all()
    assert np.isfinite(choice.discount).all()
    assert np.isfinite(choice.scores(ratings.by_user(), 1)).all()
    every = model.recommend(5)
    pairs = set(zip(every["user"], every["id"], strict=True))
    assert pairs.isdisjoint(ratings.frame().select("user", "item").iter_rows())
    return model


RNG = np.random.default_rng(5)
SPARSE = [(u, int(i)) for u in range(30) for i in RNG.permutation(20)[: 2 + u % 5]]


@pytest.mark.parametrize(
    "rows",
    [
        SPARSE,
        [(u, u % 7) for u in range(50)],  # one event a user
        SPARSE + [(u, 99) for u in range(30)],  # an item that everybody has
        SPARSE + [(99, i) for i in range(20)],  # a user with all items
        [(u, i) for u in range(2) for i in range(u + 1)],  # two items
        [(0, i) for i in range(6)],  # one user
        [(u, i) for u in range(40) for i in range(10)],  # everybody has everything
        [(u, i) for u in range(60) for i in range(300) if u or i],  # nearly so
    ],
)
def test_tables_at_the_limits(rows):
    check(events(rows))


def test_ten_thousand_events_of_one_user():
    rng = np.random.default_rng(0)
    few = [(u, int(i)) for u in range(1, 50) for i in rng.permutation(1500)[:20]]
    model = check(events([(0, i) for i in range(1500)] + few))
    assert model.user(0).recommend().is_empty()


def test_counts_and_equal_values():
    frame = pl.DataFrame(SPARSE, schema=["user", "item"], orient="row")
    counts = frame.with_columns(count=1 + (pl.col("item") * 7 + pl.col("user")) % 50)
    model = check(palate.read_ratings(counts, kind="counts"))
    assert model.learned.choice.weighting.kind == "counts"
    assert model.learned.choice.weighting.sd > 0
    ones = check(palate.read_ratings(frame.with_columns(count=1), kind="counts"))
    alike = check(palate.read_ratings(frame.with_columns(rating=4.0), kind="ratings"))
    plain = check(events(SPARSE))
    for other in (ones, alike):
        assert other.learned.choice.settings["strength"] == 0
        np.testing.assert_array_equal(
            other.learned.choice.weights.matrix, plain.learned.choice.weights.matrix
        )


def test_ids_without_training_events():
    ratings = events([*SPARSE, (500, 1), (1, 500)])
    train = ratings.take(
        (ratings.users["id"].to_numpy()[ratings.user] < 500)
        & (ratings.items["id"].to_numpy()[ratings.item] < 500)
    )
    model = check(train)
    assert model.learned.choice.popularity[-1] == 0
    assert model.learned.choice.discount[-1] == 0
    assert not model.learned.choice.weights.matrix[-1].any()
    assert 500 not in set(model.recommend(30, seen=True)["id"])
    popularity = model.learned.choice.popularity
    best = model.items["id"][int(popularity.argmax())]
    assert model.user(500).recommend(1)["id"].to_list() == [best]


def test_where_nothing_can_be_held_out_there_are_defaults():
    model = palate.Choice().fit(events([(u, u % 7) for u in range(50)]))
    assert model.fit.history == []
    assert model.learned.choice.settings == {"strength": 0.0, "ridge": 8.0, "exponent": 0.125}


def test_what_can_not_be_fitted_is_refused():
    one = events([(u, 1) for u in range(5)])
    with pytest.raises(palate.DataError, match="all 5 events are of one item, 1"):
        palate.Choice().fit(one)
    with pytest.raises(palate.DataError, match="no events to learn from"):
        palate.Choice().fit(one.take(np.zeros(0, np.int64)))
    with pytest.raises(palate.SettingError, match="seed"):
        palate.Choice(seed=-1)


def test_ctrl_c_ends_the_search(monkeypatch):
    """In an exact fit most of the time goes into the search, where no kernel has a token."""
    measured, calls = _hold_out.held_out_ndcg, []

    def pressed_in_the_second(**arguments):
        calls.append(arguments)
        if len(calls) == 2:
            signal.raise_signal(signal.SIGINT)
        return measured(**arguments)

    monkeypatch.setattr(_hold_out, "held_out_ndcg", pressed_in_the_second)
    with pytest.raises(KeyboardInterrupt):
        palate.Choice().fit(small_table())
    assert len(calls) == 2
    calls.clear()
    model = palate.fit(small_table(), palate.Gibbs(factors=2, sweeps=6, burn_in=2))
    assert len(calls) == 2
    assert model.fit.interrupted
    assert model.learned.choice is None
    assert model.learned.has_ratings


def test_ctrl_c_ends_the_search_for_the_power_of_ratings(monkeypatch):
    chance, calls = _hold_out.chance_of_high_rating, []

    def pressed_in_the_first(*args):
        calls.append(args)
        signal.raise_signal(signal.SIGINT)
        return chance(*args)

    monkeypatch.setattr(_hold_out, "chance_of_high_rating", pressed_in_the_first)
    model = palate.fit(small_table(), palate.Gibbs(factors=2, sweeps=6, burn_in=2))
    assert len(calls) == 1
    assert model.fit.interrupted
    assert model.learned.choice is None


def test_the_order_of_the_rows_does_not_matter(split):
    """A table that was shuffled gives the same settings, and the same weights up to rounding."""
    shuffled = split[0].take(np.random.default_rng(0).permutation(len(split[0])))
    one, other = (palate.Choice().fit(table).learned.choice for table in (split[0], shuffled))
    assert one.settings == other.settings
    np.testing.assert_allclose(one.weights.matrix, other.weights.matrix, atol=1e-5)
