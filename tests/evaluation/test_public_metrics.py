"""`palate.metrics`, by hand, beside slow twins and scikit-learn, and in each form of its input."""

import numpy as np
import polars as pl
import pytest

import palate
from palate import metrics

OF_RELEVANT = ["precision", "recall", "ndcg", "average_precision", "reciprocal_rank", "hit_rate"]


def twin(name, listed, liked, k):
    """Return a metric of one list by its definition, position by position."""
    hits = [item in liked for item in listed[:k]]
    places = [place for place, hit in enumerate(hits, start=1) if hit]
    best = min(k, len(liked))
    return {
        "precision": len(places) / k,
        "recall": len(places) / len(liked),
        "ndcg": sum(1 / np.log2(p + 1) for p in places)
        / sum(1 / np.log2(p + 1) for p in range(1, best + 1)),
        "average_precision": sum(sum(hits[:p]) / p for p in places) / best,
        "reciprocal_rank": 1 / places[0] if places else 0,
        "hit_rate": bool(places),
    }[name]


@pytest.fixture(scope="module")
def lists():
    """40 lists of up to 12 of 30 items; some are short or empty."""
    rng = np.random.default_rng(3)
    return {f"u{n}": rng.permutation(30)[: n % 13].tolist() for n in range(40)}


@pytest.fixture(scope="module")
def liked(lists):
    """Return what is relevant: nothing for some users, and something for one who has no list."""
    rng = np.random.default_rng(4)
    liked = {user: set(rng.permutation(30)[: n % 7].tolist()) for n, user in enumerate(lists)}
    return liked | {"nobody": {3, 4}}


@pytest.mark.parametrize("k", [1, 5, 10, 40])
@pytest.mark.parametrize("name", OF_RELEVANT)
def test_metrics_equal_their_slow_twins(lists, liked, name, k):
    expected = [twin(name, lists.get(user, []), items, k) for user, items in liked.items() if items]
    assert len(expected) == 35
    found = getattr(metrics, name)(lists, liked, k=k)
    assert found == pytest.approx(np.mean(expected))
    assert 0 < found < 1


def test_metrics_equal_those_of_scikit_learn():
    """Of all items in an order; scikit-learn takes scores."""
    sklearn = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(5)
    scores = rng.normal(size=(20, 15))
    relevant = rng.random((20, 15)) < 0.3
    relevant[:, 0] = True
    ranked, liked = np.argsort(-scores), [np.flatnonzero(row) for row in relevant]
    for k in (3, 15):
        assert metrics.ndcg(ranked, liked, k=k) == pytest.approx(
            sklearn.ndcg_score(relevant, scores, k=k)
        )
    expected = [sklearn.average_precision_score(*row) for row in zip(relevant, scores, strict=True)]
    assert metrics.average_precision(ranked, liked, k=15) == pytest.approx(np.mean(expected))


def test_by_hand():
    """The second of three relevant items, at the second of four positions."""
    arguments = [["tea", "rum", "ale", "gin"]], [["rum", "oil", "fig"]]
    assert metrics.precision(*arguments, k=4) == 1 / 4
    assert metrics.recall(*arguments, k=4) == pytest.approx(1 / 3)
    assert metrics.reciprocal_rank(*arguments, k=4) == 1 / 2
    assert metrics.hit_rate(*arguments, k=1) == 0
    assert metrics.average_precision(*arguments, k=2) == pytest.approx(1 / 2 / 2)
    assert metrics.catalogue_coverage(arguments[0], [*"ab", *arguments[0][0]], k=3) == 3 / 6
    # Three of four people have tea, one has rum, and nobody ale.
    having = [["tea"], ["tea"], ["tea", "rum"], ["fig"]]
    bits = [-np.log2(3 / 4), 2, 2]
    assert metrics.novelty([["tea", "rum", "ale"]], having) == pytest.approx(np.mean(bits))
    assert metrics.diversity([["tea", "rum"]], having) == pytest.approx(1 - 1 / np.sqrt(3))
    assert metrics.diversity([["tea", "ale"]], having) == 1


def test_every_form_of_lists_is_the_same(lists, liked, tmp_path):
    expected = metrics.ndcg(lists, liked)
    table = pl.DataFrame(
        [(user, item) for user, items in lists.items() for item in items],
        schema=["user", "item"],
        orient="row",
    )
    wanted = pl.DataFrame(
        [(user, float(item)) for user, items in liked.items() for item in items],
        schema=["user", "item"],
        orient="row",
    )
    table.write_csv(tmp_path / "lists.csv")
    for recommended in (table, table.to_pandas(), tmp_path / "lists.csv"):
        assert metrics.ndcg(recommended, wanted) == pytest.approx(expected)
    by_position = [lists.get(user, []) for user in liked], list(liked.values())
    assert metrics.ndcg(*by_position) == pytest.approx(expected)


def test_tables_of_a_model_and_ratings(ml100k, model):
    """Titles, which the tables of recommendations have beside the ids, are not taken for ids."""
    some = ml100k.take(ml100k.user < 50)
    lists = model.profiles(users=range(1, 51)).recommend(5, seen=True)
    liked = some.frame().filter(pl.col("rating") >= 4)
    found = metrics.precision(lists, some, k=5)
    assert found == pytest.approx(metrics.precision(lists, liked, k=5))
    assert found > 0.3
    rated = len(np.unique(ml100k.item))
    covered = metrics.catalogue_coverage(lists, ml100k, k=5)
    assert covered == pytest.approx(lists["id"].n_unique() / rated)
    one_star = ml100k.take((ml100k.user < 50) & (ml100k.rating < 4))
    having = pl.concat([liked, one_star.frame()])
    assert metrics.novelty(lists, some) == pytest.approx(metrics.novelty(lists, having))
    assert metrics.diversity(lists, some) == pytest.approx(metrics.diversity(lists, having))


def test_evaluate_uses_the_same(ml100k):
    """The lists of damped means, made by hand and judged by the public functions."""
    evaluation = palate.evaluate(ml100k, [], split="random")
    figures = {row["name"]: row for row in evaluation.results}["damped-means"]
    train, valid = palate.splits.random(ml100k)
    residual = train.rating - train.rating.mean()
    counts = np.bincount(train.item, minlength=1682)
    damped = np.bincount(train.item, residual, minlength=1682) / (25 + counts)
    order = [item for item in np.argsort(-damped, kind="stable").tolist() if counts[item]]
    lists = {}
    for user in range(943):
        seen = set(train.item[train.user == user].tolist())
        lists[user + 1] = [item + 1 for item in order if item not in seen][:10]
    assert metrics.ndcg(lists, valid) == pytest.approx(figures["ndcg_10"], rel=1e-4)
    assert metrics.recall(lists, valid) == pytest.approx(figures["recall_10"], rel=1e-4)
    assert metrics.catalogue_coverage(lists, train) == pytest.approx(figures["catalogue_coverage"])
    assert metrics.diversity(lists, train) == pytest.approx(figures["diversity"], rel=1e-4)


def test_what_is_undefined_is_nan():
    for name in OF_RELEVANT:
        assert np.isnan(getattr(metrics, name)([], []))
        assert np.isnan(getattr(metrics, name)([["tea"]], [[]]))
        assert getattr(metrics, name)([[]], [["tea"]]) == 0
    assert np.isnan(metrics.novelty([[]], [["tea"]]))
    assert np.isnan(metrics.diversity([["tea"]], [["tea"]]))


@pytest.mark.parametrize(
    ("recommended", "relevant", "message"),
    [
        ({1: ["a"]}, {"u1": ["a"]}, "none of the 1 users with relevant items has a list: the ids"),
        ([["a", "b", "a"]], [["a"]], "item 'a' is twice in the list of user '0'"),
        (["ab"], [["a"]], "recommended has 'ab' where the items of a user should be"),
        ({1: ["a"]}, [["a"]], "recommended and relevant are not given in the same way"),
        ([["a"]], [["a"], ["b"]], "there are 1 lists, and relevant items of 2 users"),
        ([[None]], [["a"]], "recommended has a missing id"),
        (None, {1: ["a"]}, "recommended is None; give a list of ids for each user"),
        ("none.csv", {1: ["a"]}, "there is no file none.csv"),
    ],
)
def test_what_cannot_be_judged_is_refused(recommended, relevant, message):
    with pytest.raises(palate.DataError, match=message):
        metrics.ndcg(recommended, relevant)


def test_other_bad_requests_are_refused():
    with pytest.raises(palate.SettingError, match="k is 0; it must be at least 1"):
        metrics.recall([["a"]], [["a"]], k=0)
    with pytest.raises(palate.DataError, match="item 'b' is recommended, but is not in the catal"):
        metrics.catalogue_coverage([["b"]], ["a"])


@pytest.mark.parametrize("k", [1, 5, 10])
def test_overlap_is_the_fraction_in_common(lists, k):
    rng = np.random.default_rng(6)
    others = {user: rng.permutation(30)[:9].tolist() for user in [*lists, "nobody"]}
    pairs = [(set(lists[user][:k]), set(others[user][:k])) for user in lists if lists[user]]
    expected = np.mean([len(a & b) / max(len(a), len(b)) for a, b in pairs])
    assert metrics.overlap(lists, others, k=k) == pytest.approx(expected)
    assert metrics.overlap(others, others, k=k) == 1
    assert metrics.overlap(others, lists, k=k) == metrics.overlap(lists, others, k=k)


def test_overlap_of_what_has_no_pairs():
    assert metrics.overlap([["tea", "rum"]], [["rum", "ale"]]) == 0.5
    assert metrics.overlap([["tea"]], [["rum"]]) == 0
    assert np.isnan(metrics.overlap([[]], [[]]))
    with pytest.raises(palate.DataError, match="no user has two lists: the ids are such as '1'"):
        metrics.overlap({1: ["tea"]}, {2: ["tea"]})
    with pytest.raises(palate.DataError, match="there are 1 lists, and second lists of 2 users"):
        metrics.overlap([["tea"]], [["tea"], ["rum"]])
    with pytest.raises(palate.DataError, match="first and second are not given in the same way"):
        metrics.overlap([["tea"]], {"ann": ["tea"]})
