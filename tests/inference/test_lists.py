"""Lists by each question: for one person and for many, and what can't be answered."""

import re
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

import palate
from palate.inference import _lists


@pytest.fixture(scope="module")
def both(ml100k):
    """Return a model of how some people rate and of what they pick."""
    ratings = ml100k.take(np.flatnonzero(ml100k.user < 300))
    return palate.fit(ratings, palate.Gibbs(factors=8, sweeps=20, burn_in=8))


@pytest.fixture(scope="module")
def tilted(both, altered):
    """Return the same model with a large power of the probability of a high rating."""
    return altered(both, choice=replace(both.learned.choice, rating_power=0.5))


@pytest.fixture(scope="module")
def events():
    rng = np.random.default_rng(0)
    rows = [(u, int(i)) for u in range(60) for i in rng.permutation(40)[: 3 + u % 9]]
    return palate.fit(
        palate.read_ratings(pl.DataFrame(rows, schema=["user", "item"], orient="row"))
    )


def scores_by_hand(model, user, by):
    """Return the scores of all items for a known user by the formulas, in double precision."""
    learned = model.learned
    history = learned.ratings_by_user.take(np.array([user]))
    if by != "rating":
        choice = learned.choice
        x = choice.weighting.weighted(history).rating.astype(float)
        score = x @ choice.weights.matrix[history.partner].astype(float) * choice.discount
        if by == "choice":
            return score
    row, table = learned.user_table[user].astype(float), learned.item_table.astype(float)
    rating = table[:, :-1] @ row[:-1] + table[:, -1] + row[-1]
    if by == "rating":
        return rating
    z = (learned.likelihood.mu + rating - 4) / learned.likelihood.noise_sd
    return score / (1 + np.exp(-1.702 * z)) ** choice.rating_power


@pytest.mark.parametrize("by", ["both", "choice", "rating"])
def test_lists_are_the_best_of_the_formula(tilted, by):
    for user in (0, 17, 299):
        expected = scores_by_hand(tilted, user, by)
        eligible = tilted.learned.rated
        eligible[tilted.learned.ratings_by_user.take(np.array([user])).partner] = False
        best = np.argsort(-np.where(eligible, expected, -np.inf), kind="stable")[:10]
        found = tilted.profiles()[user].recommend(10, by=by)
        rows = tilted.learned.item_index.rows(found["id"])
        np.testing.assert_allclose(expected[rows], expected[best], rtol=1e-4)
        if by != "rating":
            np.testing.assert_allclose(found["score"], expected[rows], rtol=1e-4)


CHOICES = [
    {},
    {"seen": True},
    {"candidates": [50, 100, 181, 258, 286, 300]},
    {"exclude": [50, 100, 181, 258]},
    {"candidates": [50, 100, 181], "exclude": [100], "seen": True},
]


@pytest.mark.parametrize("by", [None, "both", "choice", "rating"])
@pytest.mark.parametrize("choices", CHOICES)
def test_profiles_give_each_person_the_list_of_their_own_profile(tilted, by, choices):
    every = tilted.recommend(6, by=by, **choices)
    for user in (1, 196, 300):
        own = every.filter(user=user).drop("user")
        alone = tilted.user(user).recommend(6, by=by, **choices)
        assert own["id"].equals(alone["id"])
        assert own.columns == alone.columns
        assert own["rank"].to_list() == alone["rank"].to_list() == list(range(1, own.height + 1))
        for name in {"score", "chance", "prediction"} & set(own.columns):
            np.testing.assert_allclose(own[name], alone[name], rtol=1e-5)


def test_profiles_of_events_do_too(events):
    for choices in ({}, {"seen": True}, {"candidates": [1, 2, 3]}, {"exclude": range(20)}):
        every = events.recommend(6, **choices)
        for user in (0, 30, 59):
            alone = events.user(user).recommend(6, **choices)
            own = every.filter(user=user).drop("user")
            assert own["id"].equals(alone["id"])
            np.testing.assert_allclose(own["score"], alone["score"], rtol=1e-5)
            assert own.columns == ["rank", "id", "item", "score", "chance", "ratings", "status"]


def test_items_of_events_are_said_to_be_picked():
    rows = [(u, i) for u in range(30) for i in range(u % 7 + 2)] + [(0, 99), (1, 99)]
    ratings = palate.read_ratings(pl.DataFrame(rows, schema=["user", "item"], orient="row"))
    model = palate.fit(ratings.take(ratings.item != ratings.item.max() - 1))
    never = int(ratings.items["id"][int(ratings.item.max()) - 1])
    found = model.profile([0]).recommend(3, candidates=[1, 99, never])
    assert dict(found.select("id", "status").iter_rows()) == {
        1: "known",
        99: "rarely picked",
        never: "never picked",
    }


@pytest.mark.parametrize("by", ["both", "choice"])
def test_seen_exclude_and_candidates(tilted, by):
    profile = tilted.user(196)
    seen = set(tilted.items["id"].to_numpy()[profile.rated])
    best = profile.recommend(1000, by=by)
    assert best["score"].is_sorted(descending=True)
    assert seen.isdisjoint(best["id"])
    assert seen <= set(profile.recommend(2000, by=by, seen=True)["id"])
    first = best["id"][0]
    assert first not in set(profile.recommend(1000, by=by, exclude=[first])["id"])
    some = profile.recommend(9, by=by, candidates=[first, min(seen)])
    assert some["id"].to_list() == [first]


@pytest.mark.parametrize("by", ["both", "choice"])
def test_without_a_history_popular_items_come_first(both, by):
    new = both.profile({})
    popularity = both.learned.choice.popularity
    order = np.argsort(-popularity, kind="stable")[:20]
    if by == "choice" or both.learned.choice.rating_power == 0:
        best = new.recommend(20, by=by)
        assert best["id"].to_list() == both.items["id"].to_numpy()[order].tolist()
        assert best["score"][0] == 1
    reasons = new.recommend(3, by=by, explain=True)["reason"]
    assert set(reasons) == {"because it is popular"}


def test_events_without_a_history(events):
    best = events.profile([]).recommend(1)
    assert best["id"][0] == events.learned.choice.popularity.argmax()


def test_a_single_low_rating_gives_a_list_of_its_own(both):
    """It is evidence of interest, however little: the list is not that of nothing."""
    for item in (50, 1, 100):
        best = both.profile({item: 1}).recommend(10, by="choice")
        assert (best["score"] > 0).all()
        likes = both.profile({item: 5}).recommend(10, by="choice")
        assert best["id"].equals(likes["id"])


def test_the_default_is_what_the_model_knows(both, events, bayes):
    assert _lists.question(both.learned, None) == "both"
    assert _lists.question(events.learned, None) == "choice"
    assert _lists.question(bayes.learned, None) == "rating"
    assert both.user(1).recommend().equals(both.user(1).recommend(by="both"))
    assert events.user(1).recommend().equals(events.user(1).recommend(by="choice"))
    assert bayes.user(1).recommend().equals(bayes.user(1).recommend(by="rating"))


@pytest.mark.parametrize(
    ("name", "choices", "message"),
    [
        ("both", {"by": "popularity"}, "by is 'popularity'; choose one of both, choice, rating"),
        ("both", {"by": "choice", "cautious": 0.1}, 'leave out by="choice"'),
        ("both", {"by": "both", "cautious": 0.1}, 'leave out by="both"'),
        ("both", {"n": 0}, "n"),
        ("events", {"by": "rating"}, "needs a model of ratings"),
        ("events", {"by": "both"}, "needs a model of ratings"),
        ("events", {"cautious": 0.1}, "needs a model of ratings"),
        ("bayes", {"by": "choice"}, 'no choice model: use by="rating", or fit'),
        ("bayes", {"by": "both"}, "no choice model"),
    ],
)
def test_what_a_model_can_not_answer_is_refused(request, name, choices, message):
    model = request.getfixturevalue(name)
    with pytest.raises(palate.SettingError, match=message):
        model.user(1).recommend(**choices)
    if "cautious" not in choices:
        with pytest.raises(palate.SettingError, match=message):
            model.recommend(**choices)


def test_what_needs_ratings_says_so(events):
    user = events.user(1)
    for call in (
        lambda: user.predict([1]),
        lambda: user.explain(1),
        user.describe,
        user.next_questions,
        lambda: user.row,
        lambda: events.predict([1], [1]),
    ):
        with pytest.raises(palate.SettingError, match="needs a model of ratings"):
            call()


def test_blocks_of_people_change_no_list(tilted, monkeypatch):
    expected = tilted.recommend(5)
    monkeypatch.setattr(_lists, "_MAX_SCORES", 7 * 1682)
    found = tilted.recommend(5)
    assert found["id"].equals(expected["id"])
    np.testing.assert_allclose(found["score"], expected["score"], rtol=1e-5)


def test_top_items_are_rows_and_minus_one(events):
    profiles = events.profiles()
    top = profiles.top_items(100)
    assert top.shape == (60, 40)
    for user in range(60):
        assert (top[user] >= 0).sum() == 40 - len(profiles[user].rated)
    assert (profiles.top_items(5, seen=True) >= 0).all()


def test_the_balance_ends_at_each_question_and_has_both_halfway(tilted):
    for balance, by in ((0, "choice"), (0.5, "both"), (1, "rating")):
        balanced, expected = tilted.recommend(8, balance=balance), tilted.recommend(8, by=by)
        assert balanced.equals(expected)
        alone = tilted.user(17).recommend(8, balance=balance)
        assert alone.equals(tilted.user(17).recommend(8, by=by))


@pytest.mark.parametrize("balance", [0.2, 0.7, 0.97])
def test_between_them_scores_are_geometric_means(both, altered, balance):
    beta = 0.3  # with 1/2, other formulas would agree
    model = altered(both, choice=replace(both.learned.choice, rating_power=beta))
    found = model.user(18).recommend(40, balance=balance, seen=True)
    rows, alone = model.learned.item_index.rows(found["id"]), {}
    user = model.learned.user_index.row(18)
    for by in ("choice", "both"):
        alone[by] = scores_by_hand(model, user, by)[rows]
    high = (alone["both"] / alone["choice"]) ** (1 / beta)
    if balance < 0.5:
        expected = alone["choice"] ** (1 - 2 * balance) * alone["both"] ** (2 * balance)
    else:
        expected = alone["both"] ** (2 - 2 * balance) * high ** (2 * balance - 1)
    np.testing.assert_allclose(found["score"], expected, rtol=1e-3)
    assert (np.diff(found["score"]) <= 0).all()
    many = model.recommend(40, balance=balance, seen=True).filter(user=18)
    assert many["id"].equals(found["id"])


def test_more_balance_means_better_liked_items(tilted):
    me = tilted.user(18)
    means = [
        me.recommend(10, balance=balance)["prediction"].mean() for balance in np.linspace(0, 1, 9)
    ]
    assert means == sorted(means)
    assert means[0] < means[4] < means[8]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"balance": 1.01}, "balance is 1.01; it must be from 0 to 1"),
        ({"balance": "half"}, "balance is 'half'; it must be a number"),
        ({"balance": 0.3, "by": "rating"}, 'leave out by="rating"'),
        ({"balance": 0.3, "cautious": 0.1}, "leave out balance="),
    ],
)
def test_a_balance_that_makes_no_sense_is_refused(tilted, options, message):
    with pytest.raises(palate.SettingError, match=re.escape(message)):
        tilted.user(1).recommend(3, **options)


def test_a_balance_needs_both_questions(events):
    with pytest.raises(palate.SettingError, match="needs a model of ratings"):
        events.user(1).recommend(3, balance=0)
