"""Varied lists: maximal marginal relevance and calibration."""

from dataclasses import replace

import numpy as np
import pytest

import palate
from palate.analysis._genres import genre_shares
from palate.evaluation import _metric_formulas as formulas


@pytest.fixture(scope="module")
def fitted(ml100k):
    return palate.fit(ml100k, palate.OneCycle(factors=4, epochs=1))


def lists(model, users, **options):
    rows = {item: row for row, item in enumerate(model.items["id"])}
    found = [[rows[i] for i in model.user(u).recommend(10, **options)["id"]] for u in users]
    return np.array(found, dtype=np.int32)


def test_diverse_lists_have_items_of_other_users(fitted):
    users = range(1, 61)
    plain, diverse = lists(fitted, users), lists(fitted, users, diversity=0.6)
    assert formulas.diversity(diverse, fitted.ratings) > 1.05 * formulas.diversity(
        plain, fitted.ratings
    )
    assert (plain[:, 0] == diverse[:, 0]).all()  # the best is chosen first


def test_a_diverse_list_is_chosen_as_documented(fitted):
    """A slow twin of maximal marginal relevance."""
    profile, d = fitted.user(1), 0.6
    best = profile.recommend(50)
    has = np.zeros((943, 1682))
    has[fitted.ratings.user, fitted.ratings.item] = 1
    ids = fitted.items["id"].to_list()
    columns = [has[:, ids.index(i)] for i in best["id"]]
    score = best["score"].to_numpy().astype(float)
    score = (score - score[-1]) / (score[0] - score[-1])
    chosen = []
    for _ in range(10):
        values = []
        for j in range(50):
            cosines = [
                columns[j] @ columns[i] / np.sqrt(columns[j].sum() * columns[i].sum())
                for i in chosen
            ]
            taken = j in chosen
            values.append(-np.inf if taken else (1 - d) * score[j] - d * max(cosines, default=0.0))
        chosen.append(int(np.argmax(values)))
    found = profile.recommend(10, diversity=d)
    assert found["id"].to_list() == [best["id"][j] for j in sorted(chosen)]
    assert found["score"].is_sorted(descending=True)


@pytest.mark.parametrize("options", [{"diversity": 0.6}, {"calibrate": "genres"}])
@pytest.mark.parametrize("by", ["both", "rating"])
def test_profiles_give_each_person_the_list_of_their_own_profile(fitted, by, options):
    few = fitted.items["id"].head(53).to_list()  # some people have fewer than 5 others
    for candidates in (None, few):
        every = fitted.recommend(5, by=by, candidates=candidates, **options)
        for user in (1, 13, 196, 943):
            own = fitted.user(user).recommend(5, by=by, candidates=candidates, **options)
            assert every.filter(user=user)["id"].to_list() == own["id"].to_list()
            assert every.filter(user=user)["rank"].to_list() == own["rank"].to_list()


def test_calibrated_lists_are_in_the_proportions_of_the_history(fitted):
    users = range(1, 61)
    histories = fitted.ratings.by_user().take(np.arange(60))
    genres = genre_shares(fitted.items)
    plain, calibrated = lists(fitted, users), lists(fitted, users, calibrate="genres")
    before = formulas.genre_divergence(plain, histories, genres)
    assert formulas.genre_divergence(calibrated, histories, genres) < 0.8 * before


def test_variety_by_rating_and_without_a_history(fitted):
    assert fitted.user(5).recommend(4, by="rating", diversity=0.5).height == 4
    empty = fitted.profile({}).recommend(4, diversity=0.5, calibrate="genres")
    assert empty.height == 4
    assert fitted.profile({}).recommend(4, candidates=[], diversity=0.5).height == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"diversity": 1.5}, "diversity is 1.5; it must be from 0 to 1"),
        ({"diversity": -0.1}, "it must be from 0 to 1"),
        ({"diversity": "much"}, "diversity"),
        ({"diversity": float("nan")}, "diversity is nan; it must be from 0 to 1"),
        ({"calibrate": "year"}, "'year'; give a column of the items that holds lists: genres$"),
        ({"calibrate": "nothing"}, "calibrate is 'nothing'; give a column"),
    ],
)
def test_bad_arguments_are_refused(fitted, options, message):
    with pytest.raises(palate.SettingError, match=message):
        fitted.user(1).recommend(5, **options)
    with pytest.raises(palate.SettingError, match=message):
        fitted.recommend(5, **options)


def test_without_lists_a_calibration_says_what_is_missing(fitted):
    for columns, message in (
        (["id", "item"], "'genres'; these items have only ids and titles"),
        (["id", "item", "year"], "none of the columns of these items holds any: year"),
    ):
        bare = palate.Model(replace(fitted.learned, items=fitted.items.select(columns)))
        with pytest.raises(palate.SettingError, match=message):
            bare.user(1).recommend(5, calibrate="genres")


def test_diversity_needs_the_users(fitted):
    alone = palate.Model(replace(fitted.learned, ratings=None, user_table=None))
    with pytest.raises(palate.UnknownIdError, match="saved without its users"):
        alone.profile({"Fargo (1996)": 5}).recommend(5, diversity=0.5)


def test_items_that_are_picked_together(fitted):
    found = fitted.similar("Star Wars (1977)", 3, by="choice")
    assert found.columns == ["id", "item", "partial_correlation", "ratings"]
    assert found["item"][0] == "Return of the Jedi (1983)"
    assert fitted.similar("Star Wars (1977)", 1, by="taste").height == 1
    weights = fitted.learned.choice.weights.matrix
    star_wars = fitted.learned.item_index.row("Star Wars (1977)")
    jedi = fitted.learned.item_index.row("Return of the Jedi (1983)")
    product = weights[star_wars, jedi] * weights[jedi, star_wars]
    assert found["partial_correlation"][0] == pytest.approx(np.sqrt(product), rel=1e-5)
    with pytest.raises(palate.SettingError, match="by is 'colour'"):
        fitted.similar("Star Wars (1977)", by="colour")
