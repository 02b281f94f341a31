"""Axes: shares, exemplars, associations and names; the same in every seed."""

import functools
import re

import numpy as np
import polars as pl
import pytest

import palate

NAMES = [
    r"newer Action <-> ((older )?Drama|Trainspotting .+)",
    r"lesser-known titles <-> crowd-pleasers",
    r"newer .+ <-> ((older )?(Romance|Drama)|older titles)",
]

# Of the films with at least 150 ratings, whose places are well known, the four that are furthest
# towards each end of the first component. (Of films with 20, the last tenth is no sharp edge.)
DEMANDING = [
    "Trainspotting (1996)",
    "Big Night (1996)",
    "Secrets & Lies (1996)",
    "Clockwork Orange, A (1971)",
]
LIGHT = [
    "Independence Day (ID4) (1996)",
    "Twister (1996)",
    "Air Force One (1997)",
    "Eraser (1996)",
]


@pytest.fixture(scope="module")
def fit_with_seed(ml100k, default):
    """Return a function that fits all of MovieLens 100k with a seed, once.

    The default is seed 0. The others have shorter chains, which are further apart if anything.
    """
    assert default.fit.settings["seed"] == 0

    @functools.cache
    def fit(seed):
        return palate.Gibbs(seed=seed, sweeps=120, burn_in=40).fit(ml100k) if seed else default

    return fit


def place_on_the_map(model):
    """Return the place of each film with 20 ratings on the first component, from 0 to 1."""
    known = model.map().filter(pl.col("ratings") >= 20)
    return dict(zip(known["id"], known["x"].rank() / known.height, strict=True))


@pytest.mark.parametrize("seed", range(5))
def test_the_first_axes_are_the_same_in_every_seed(fit_with_seed, ml100k, seed):
    model = fit_with_seed(seed)
    for name, expected in zip(model.axes()["name"], NAMES, strict=False):
        assert re.fullmatch(expected, name)
    place, of_the_default = place_on_the_map(model), place_on_the_map(fit_with_seed(0))
    ids = dict(ml100k.items.select("item", "id").iter_rows())
    assert min(place[ids[title]] for title in DEMANDING) > 0.95  # all in the outer twentieth
    assert max(place[ids[title]] for title in LIGHT) < 0.05
    pairs = np.array([(place[item], of_the_default[item]) for item in place])
    assert np.corrcoef(pairs.T)[0, 1] > 0.98


def test_two_seeds_agree_on_axes_and_biases(fit_with_seed):
    """The first three axes up to |cosine| 0.95, and the biases up to a correlation of 0.99."""
    one, other = (fit_with_seed(seed) for seed in (1, 2))
    for axis in range(3):
        a, b = one.item_factors[:, axis], other.item_factors[:, axis]
        assert a @ b / np.linalg.norm(a) / np.linalg.norm(b) > 0.95
    assert np.corrcoef(one.item_biases, other.item_biases)[0, 1] > 0.99


def test_shares_are_of_the_interaction_over_all_pairs(bayes):
    table = bayes.axes()
    assert table["share"].sum() == pytest.approx(1)
    assert table["share"].is_sorted(descending=True)
    users, items = bayes.learned.user_table[:, :-1], bayes.item_factors
    for axis in range(3):
        whole = (users @ items.T).var()
        alone = np.outer(users[:, axis], items[:, axis]).var()
        assert table["share"][axis] == pytest.approx(alone / whole, rel=0.02)


def test_no_exemplar_is_used_twice_and_a_reader_knows_it(either):
    """Neither an item nor a title, at no end of any axis; fewer are the first of more."""
    table, counts = either.axes(), either.learned.item_counts
    ends = [one.to_list() for end in ("low", "high") for one in table[end]]
    titles = either.items.select("id", "item").rows_by_key("id")
    found = [titles[one["id"]][0] for end in ends for one in end]
    assert len(found) == len(set(found)) > 150
    known = min(one["ratings"] for end in ends for one in end)
    assert counts[counts >= known].sum() < 0.52 * counts.sum()
    fewer = either.axes(3).head(either.axis_names.in_view)
    for end in ("low", "high"):
        for few, more in zip(fewer[end], table[end], strict=False):
            assert few.to_list() == more.to_list()[:3]


def test_no_two_ends_have_the_same_name_and_exemplars_bear_names_out(either):
    names = either.axis_names
    view = names.in_view
    assert 4 <= view <= 8
    assert either.axes()["share"][view - 1] >= 0.03
    every = [name for ends in names.ends[:view] for name in ends]
    assert len(every) == len(set(every))
    genres = {genre for text in either.items["genres"].drop_nulls() for genre in text.split("|")}
    table = either.items.select("id", "genres").rows_by_key("id")
    for row, ends in zip(names.table.head(view).iter_rows(named=True), names.ends, strict=False):
        for end, name in zip(("low", "high"), ends, strict=True):
            kind = name.removeprefix("older ").removeprefix("newer ")
            if kind in genres:
                has = [kind in table[one["id"]][0][0].split("|") for one in row[end]]
                assert sum(has) >= len(has) / 2


def test_exemplars_are_in_cautious_order(bayes):
    table = bayes.axes(5)
    for end, sign in (("low", -1), ("high", 1)):
        exemplars = table[end][0].to_list()
        assert len(exemplars) == 5
        nearer = [sign * e["lower" if sign > 0 else "upper"] for e in exemplars]
        assert nearer == sorted(nearer, reverse=True)
        for e in exemplars:
            assert e["ratings"] >= 20
            assert e["lower"] < e["position"] < e["upper"]
            assert sign * e["position"] > 0


def test_associations_are_correlations_with_item_features(bayes):
    along = {(a["column"], a["value"]): a for a in bayes.axes()["along"][0].to_list()}
    known = bayes.learned.item_counts >= 20
    position = bayes.item_factors[:, 0].astype(float)
    year = bayes.items["year"].fill_null(0).to_numpy()
    some = known & (year > 0)
    r = np.corrcoef(position[some], year[some])[0, 1]
    found = along["year", None]
    assert found["association"] == pytest.approx(r, abs=1e-6)
    assert found["items"] == some.sum()
    half = 1.6448536 / np.sqrt(some.sum() - 3)
    assert np.arctanh(found["upper"]) == pytest.approx(np.arctanh(r) + half, abs=1e-5)
    drama = bayes.items["genres"].fill_null("").str.contains("Drama").to_numpy()
    a, b = position[known & drama], position[known & ~drama]
    pooled = np.sqrt((len(a) * a.var() + len(b) * b.var()) / (len(a) + len(b)))
    d = (a.mean() - b.mean()) / pooled
    found = along["genres", "Drama"]
    assert found["association"] == pytest.approx(d / np.sqrt(d**2 + 4), abs=1e-6)
    assert found["lower"] < found["association"] < found["upper"]
    assert ("number of ratings", None) in along
    bounds = [max(a["lower"], -a["upper"], 0) for a in bayes.axes()["along"][0].to_list()]
    assert bounds == sorted(bounds, reverse=True)


def test_intervals_of_associations_have_their_coverage(bayes, altered):
    """Of categories unrelated to the items, 1 in 10 has an interval that excludes 0."""
    rng = np.random.default_rng(0)
    noise = {f"n{k}": rng.normal(size=1682) for k in range(60)}
    noise |= {f"c{k}": (rng.random(1682) < 0.3).astype(int) for k in range(60)}
    items = bayes.items.select("id", "item").with_columns(
        **{k: pl.Series(v) for k, v in noise.items()}
    )
    along = altered(bayes, items=items).axes()["along"][0].to_list()
    certain = [a["lower"] * a["upper"] > 0 for a in along if a["column"] != "number of ratings"]
    assert len(certain) == 120
    assert 0.04 < np.mean(certain) < 0.17


def test_without_item_features_exemplars_name_the_ends(ml100k):
    bare = palate.read_ratings(ml100k.frame())
    model = palate.Gibbs(sweeps=40, burn_in=20).fit(bare)
    table = model.axes()
    assert table["along"][0].to_list()[0]["column"] == "number of ratings"
    low, high = ([f"item {one['item']}" for one in table[end][0]][:2] for end in ("low", "high"))
    assert table["name"][0] == f"{', '.join(low)} <-> {', '.join(high)}"
    assert model.axis_names.leanings[0][0] == f"the likes of {low[0]} and {low[1]}"
    assert set(table["name"]) >= {"lesser-known items <-> crowd-pleasers"}


def test_a_tiny_table_has_axes(small):
    for solver in (palate.Gibbs(factors=2, sweeps=30), palate.OneCycle(factors=3, epochs=2)):
        table = palate.fit(small, solver).axes()
        assert table.height >= 1
        exemplars = table["low"].list.len() + table["high"].list.len()
        assert (table["name"].is_null() == (exemplars == 0)).all()
    with pytest.raises(palate.SettingError, match="exemplars is 0"):
        palate.fit(small, solver).axes(0)


def test_names_use_dates_numbers_and_flags(bayes, altered):
    """An axis that a feature determines is named by it."""
    first = bayes.item_factors[:, 0].astype(float)
    high = (first > np.median(first)).astype(int)
    days = pl.Series(np.argsort(np.argsort(first)).astype(int)).cast(pl.Date)
    bare = bayes.items.select("id", "item")
    for column, values, ends in (
        ("premiere", days, ("older titles", "newer titles")),
        (
            "budget",
            pl.Series(-first * 1e308),
            ("titles with high budget", "titles with low budget"),
        ),
        (
            "western",
            pl.Series(high),
            (None, "western"),
        ),
        (
            "studio",
            pl.Series(np.where(high, "Gaumont", "Toho")),
            ("Toho", "Gaumont"),
        ),
    ):
        items = bare.with_columns(values.alias(column))
        found = altered(bayes, items=items)
        low, high = (one["item"] for one in found.axes()["low"][0][:2])
        names = [words or f"{low}, {high}" for words in ends]
        assert found.axes()["name"][0] == " <-> ".join(names)
        leanings = tuple(words or f"the likes of {low} and {high}" for words in ends)
        assert found.axis_names.leanings[0] == leanings


def test_axes_of_a_point_estimate_have_names_but_no_intervals(model):
    table = model.axes()
    assert re.fullmatch(NAMES[0], table["name"][0])
    assert table["high"][0][0]["lower"] is None
