"""Reasons of the choice model: contributions sum to the score, and sentences name the largest."""

import numpy as np
import polars as pl
import pytest

import palate
from palate.solvers.choice import _search


@pytest.fixture(scope="module", params=["dense", "low rank"])
def fitted(request, ml100k):
    """Return a model of what people pick, in which ratings count."""
    ratings = palate.read_ratings(
        ml100k.frame().filter(pl.col("user") <= 250, pl.col("item") <= 400)
    )
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "low rank":
            patch.setattr(_search, "_MAX_EXACT", 100)
        return palate.Choice().fit(ratings)


@pytest.fixture(scope="module")
def events():
    """Two groups of items; there is a title that two items share."""
    rng = np.random.default_rng(0)
    rows = [(u, u % 2 * 20 + int(i)) for u in range(80) for i in rng.permutation(20)[:6]]
    items = pl.DataFrame({"item": range(40), "title": [f"t{i // 2}" for i in range(40)]})
    table = pl.DataFrame(rows, schema=["user", "item"], orient="row")
    return palate.fit(palate.read_ratings(table, items=items))


def test_contributions_sum_to_the_scores_of_known_users(fitted):
    rng = np.random.default_rng(0)
    profiles = fitted.profiles()
    scores = fitted.learned.choice.scores(profiles.histories, 2)
    ids = fitted.items["id"].to_list()
    for user in range(100):
        profile = profiles[user]
        for item in rng.integers(0, len(ids), 10):
            why = profile.explain_choice(ids[item], n=int(rng.integers(1, 50)))
            assert why.score == pytest.approx(scores[user, item], abs=1e-5)
            assert why.history["contribution"].sum() == pytest.approx(why.score, abs=1e-9)


def test_contributions_sum_to_the_scores_of_new_people(fitted):
    rng = np.random.default_rng(1)
    ids = fitted.items["id"].to_list()
    for size in (0, 1, 2, 10, 200):
        history = {ids[i]: int(rng.integers(1, 6)) for i in rng.permutation(len(ids))[:size]}
        profile = fitted.profile(history)
        best = profile.recommend(5)
        for item, score in best.select("id", "score").iter_rows():
            why = profile.explain_choice(item)
            assert why.score == pytest.approx(score, rel=1e-4, abs=1e-5)
            assert why.history["contribution"].sum() == pytest.approx(score, abs=1e-5)


def test_the_largest_contributions_come_first_and_the_others_in_one_row(fitted):
    profile = fitted.user(13)
    size = len(profile.rated)
    why = profile.explain_choice(50, n=4)
    assert why.history.height == 5
    assert why.history["name"][4] == f"{size - 4} other items"
    every = profile.explain_choice(50, n=10_000).history
    assert every.height == size
    assert every["contribution"].abs().is_sorted(descending=True)
    assert every.head(4).equals(why.history.head(4))
    assert every["contribution"][4:].sum() == pytest.approx(why.history["contribution"][4])


def test_sentences_name_the_items_that_speak_most(fitted):
    profile = fitted.user(13)
    best = profile.recommend(20, explain=True)
    for item, title, reason in best.select("id", "item", "reason").iter_rows():
        history = profile.explain_choice(item, n=10_000).history
        first, second = history.sort("contribution", descending=True)["name"][:2]
        assert reason == f"because they picked {first} and {second}"
        why = profile.explain_choice(item)
        assert str(why) == why.sentence == f"item {title} is suggested {reason}."
        assert (why.id, why.item) == (item, title)


def test_a_low_rating_that_speaks_for_an_item_is_named_as_such(fitted):
    """Items 1 and 50, whichever contributes more; only a low rating is said."""
    for rating, says in ((1, ", which you rated 1"), (4, "")):
        why = fitted.profile({1: 5, 50: rating}).explain_choice(181)
        assert why.history["contribution"].min() > 0
        first, second = (name + says * (name == "item 50") for name in why.history["name"])
        comma = "," * first.endswith("rated 1")
        said = f"{first}{comma} and {second}"
        assert why.sentence == f"item 181 is suggested because you picked {said}."


def test_sentences_of_what_is_not_suggested(fitted):
    profile = fitted.profile({1: 5, 50: 4, 100: 3})
    seen = profile.recommend(400, seen=True, explain=True)
    for item, reason in seen.select("id", "reason").iter_rows():
        sentence = profile.explain_choice(item).sentence
        if item in {1, 50, 100}:
            assert sentence.startswith(
                f"You picked item {item} already, so it is not suggested again; "
            )
            assert reason.startswith("already picked")
        else:
            start, _, why = sentence[:-1].partition(" is suggested ")
            if not why:
                start, _, rest = sentence[:-1].partition(" is not suggested: ")
                why = f"although {rest}"
            assert (start, why) == (f"item {item}", reason)
    against = [item for item, score in seen.select("id", "score").iter_rows() if score < 0]
    said = [profile.explain_choice(item).sentence for item in against]
    assert any(": what speaks against it outweighs " in sentence for sentence in said)
    assert all("not suggested: " in sentence for sentence in said)


def test_sentences_where_one_item_or_none_speaks_for_another(events):
    weights = events.learned.choice.weights.matrix
    item = int(np.argmax((weights[0] > 0) & (np.arange(40) % 2 == 0)))
    assert "because you picked t0 [id 0]." in events.profile([0]).explain_choice(item).sentence
    other = int(np.argmin(weights[0]))
    assert weights[0, other] <= 0
    why = events.profile([0]).explain_choice(other)
    assert why.sentence == f"{why.item} is not suggested: nothing you picked speaks for it."
    listed = events.profile([0]).recommend(candidates=[other], explain=True)
    assert listed["reason"][0] == "although nothing you picked speaks for it"
    none = events.profile([]).explain_choice(3)
    assert none.sentence == "t1 [id 3] is suggested because it is popular."
    assert none.history["name"].to_list() == ["popularity"]
    assert none.history["contribution"][0] == none.score


def test_an_explanation_of_a_rating_holds_that_of_the_choice(small):
    both = palate.fit(small, palate.Gibbs(factors=2, sweeps=6, burn_in=2))
    why = both.user("ann").explain("gin")
    assert why.choice.score == both.user("ann").explain_choice("gin").score
    alone = palate.Gibbs(factors=2, sweeps=6, burn_in=2).fit(small)
    assert alone.user("ann").explain("gin").choice is None


def test_what_can_not_be_explained_is_refused(events, bayes):
    profile = events.user(1)
    with pytest.raises(palate.UnknownIdError, match="t3"):
        profile.explain_choice("t3")
    with pytest.raises(palate.UnknownIdError, match="nothing"):
        profile.explain_choice("nothing")
    for n in (0, -1, 2.5):
        with pytest.raises(palate.SettingError, match="n"):
            profile.explain_choice(1, n=n)
    with pytest.raises(palate.SettingError, match="no choice model"):
        bayes.user(1).explain_choice(50)
    with pytest.raises(palate.SettingError, match="needs a model of ratings"):
        profile.explain(1)
