"""Comparisons of fitted models: the figures of `evaluate`, leaks, and people and items unknown."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

import palate
from palate import metrics

QUICK = palate.Gibbs(factors=4, sweeps=30, burn_in=10)
FIGURES = ["rmse", "rmse_warm", "rmse_cold", "mae", "ndcg_10", "recall_10", "diversity"]


@pytest.fixture(scope="module")
def some(ml100k):
    """Return the ratings of 150 people, as a table of its own."""
    return palate.read_ratings(ml100k.frame().filter(pl.col("user") <= 150))


@pytest.fixture(scope="module")
def split(some):
    return palate.splits.random(some)


@pytest.fixture(scope="module")
def models(split):
    first = split[0].take(np.arange(len(split[0])) % 2 == 0)
    return {"half": palate.OneCycle().fit(first), "all": QUICK.fit(split[0])}


@pytest.fixture(scope="module")
def compared(models, split):
    return palate.compare(models, on=split[1])


def by_name(result):
    return {row["name"]: row for row in result.results}


class Fitted:
    """A solver that returns a model which is already fitted."""

    settings = {}  # noqa: RUF012

    def __init__(self, name, model):
        self.name, self.model = name, model

    def fit(self, *arguments, **options):
        return self.model


def test_the_figures_are_those_of_evaluate(some, split, models):
    """Of models of the same ratings."""
    models = {"gibbs": models["all"], "book": palate.OneCycle(epochs=1).fit(split[0])}
    solvers = [Fitted(name, model) for name, model in models.items()]
    expected = by_name(palate.evaluate(some, solvers, split="random"))
    found = by_name(palate.compare(models, on=split[1]))
    for name, row in found.items():
        for figure in [*FIGURES, "coverage_90", "width_90", "catalogue_coverage"]:
            known = expected[name][figure]
            assert (row[figure] is None) if known is None else (row[figure] == pytest.approx(known))
    assert found["book"]["coverage_90"] is None
    assert found["gibbs"]["coverage_90"] > 0.8


def test_differences_are_paired_and_said(compared):
    rows = by_name(compared)
    assert rows["all"]["rmse_behind"] == 0
    assert rows["half"]["rmse_behind"] == pytest.approx(rows["half"]["rmse"] - rows["all"]["rmse"])
    assert 0 < rows["half"]["rmse_behind_se"] < rows["half"]["rmse_behind"]
    assert "model all predicts ratings best (RMSE" in compared.sentence.replace("M", "m", 1)
    assert "ahead of model half by" in compared.sentence
    assert not {"folds", "rmse_se", "fit_seconds"} & set(rows["half"])
    assert compared.frame()["training_ratings"].to_list() == [5_980, 11_960]


def test_ratings_that_a_model_was_fitted_to_are_left_out(models, split, compared):
    """The same ratings are measured, whatever training ratings are put among them."""
    train, valid = split
    leaky = palate.read_ratings(pl.concat([valid.frame(), train.frame()[:101]]))
    found = palate.compare(models, on=leaky)
    assert found.left_out == 101
    assert [row["left_out"] for row in found.results] == [51, 101]
    assert (found.measured, found.people) == (len(valid), compared.people)
    for ours, theirs in zip(found.results, compared.results, strict=True):
        for figure in FIGURES:
            assert ours[figure] == pytest.approx(theirs[figure], rel=1e-6)
    with pytest.raises(palate.DataError, match="the models were fitted to all of these 101 ratin"):
        palate.compare(models, on=train.take(np.arange(101)))


def test_lists_leave_out_what_people_have_in_any_model(models, split):
    """The model of half of the ratings recommends nothing of the other half."""
    found = by_name(palate.compare(models, on=split[1]))["half"]
    people = np.unique(split[1].user) + 1
    lists = models["half"].profiles(users=people).recommend(10, exclude_by_user=split[0].frame())
    assert metrics.ndcg(lists, split[1]) == pytest.approx(found["ndcg_10"], rel=1e-6)
    assert metrics.diversity(lists, split[0]) == pytest.approx(found["diversity"], rel=1e-6)


@pytest.fixture(scope="module")
def strangers(split):
    """Return models of two thirds of the people, and of all but the 200 items rated most."""
    train = split[0].frame()
    often = train.group_by("item").len().sort("len", "item").tail(200)["item"]
    tables = {
        "few people": train.filter(pl.col("user") % 3 > 0),
        "few items": train.filter(~pl.col("item").is_in(often.implode())),
    }
    return {name: QUICK.fit(palate.read_ratings(table)) for name, table in tables.items()}


def test_people_unknown_to_a_model_have_an_empty_history_there(strangers, split):
    found = palate.compare(strangers, on=split[1])
    rows, valid = by_name(found), split[1].frame()
    assert (
        rows["few people"]["unknown_users"]
        == valid.filter(pl.col("user") % 3 == 0)["user"].n_unique()
    )
    assert rows["few items"]["unknown_items"] >= 190
    model = strangers["few people"]
    known = set(model.items["id"]) & set(strangers["few items"].items["id"])
    predicted = valid.filter(pl.col("item").is_in(list(known)))
    nobody, squares, of_strangers = model.profile({}), [], 0
    for (user,), own in predicted.group_by("user"):
        person = model.user(user) if user % 3 else nobody
        expected = person.predict(own["item"].to_list())["prediction"]
        squares += ((expected - own["rating"]) ** 2).to_list()
        of_strangers += user % 3 == 0
    assert of_strangers > 30
    assert rows["few people"]["rmse"] == pytest.approx(np.sqrt(np.mean(squares)), rel=1e-5)


def test_items_unknown_to_a_model_are_missed_by_its_lists(strangers, split):
    """They stay relevant, although no model of ratings is measured on them."""
    found = by_name(palate.compare(strangers, on=split[1]))["few items"]
    model, people = strangers["few items"], np.unique(split[1].user) + 1
    lists = model.profiles(users=people, unknown="skip").recommend(
        10, exclude_by_user=split[0].frame()
    )
    assert metrics.recall(lists, split[1]) == pytest.approx(found["recall_10"], rel=1e-6)


def test_features_of_unknown_people_count(ml100k):
    """What `on` knows of people whom a model has not seen is used for their expected ratings."""
    some = ml100k.take(ml100k.user < 60)
    table = some.frame().with_columns(rating=pl.col("rating") + (pl.col("user") % 2))
    ages = pl.DataFrame({"user": range(1, 61), "kind": ["even", "odd"] * 30})
    ratings = palate.read_ratings(table, users=ages)
    train = palate.read_ratings(table.filter(pl.col("user") <= 40), users=ages)
    model = QUICK.fit(train)
    on = ratings.take(ratings.user >= 40)
    known = palate.compare([model, model], on=on).results[0]
    blind = replace(on, users=on.users.select("id"))
    unknown = palate.compare([model, model], on=blind).results[0]
    assert known["unknown_users"] == unknown["unknown_users"] == 20
    assert known["rmse"] < unknown["rmse"] - 0.01


def test_models_of_events_are_compared_by_their_lists():
    """With each other, and with models of ratings."""
    user, item = np.nonzero(np.random.default_rng(0).random((40, 20)) < 0.4)
    table = pl.DataFrame({"user": user, "item": item, "rating": 1 + (user + item) % 5})
    events, ratings = (palate.read_ratings(table, kind=kind) for kind in ("events", "ratings"))
    (train, valid), (rated, _) = (palate.splits.random(part) for part in (events, ratings))
    found = palate.compare([palate.Choice().fit(train), QUICK.fit(rated)], on=valid)
    assert found.relevant is None
    assert {row["rmse"] for row in found.results} == {None}
    assert "predicts" not in found.sentence
    assert "Every held-out event is relevant" in " ".join(str(found).split())


def test_saved_models_are_named_by_their_folders(models, split, tmp_path, compared):
    folder = tmp_path / "half"
    models["half"].save(folder)
    found = palate.compare([folder, models["all"], models["all"]], on=split[1])
    assert [row["name"] for row in found.results] == [str(folder), "gibbs", "gibbs (2)"]
    assert found.results[0]["rmse"] == pytest.approx(compared.results[0]["rmse"], rel=1e-6)
    models["all"].save(tmp_path / "bare", users=False)
    with pytest.raises(palate.UnknownIdError, match="bare was saved without its users, so it is"):
        palate.compare([folder, tmp_path / "bare"], on=split[1])


def test_a_comparison_shows_itself(compared):
    text, html = str(compared), compared._repr_html_()
    assert repr(compared) == text
    assert max(map(len, text.splitlines())) <= 80
    for said in ("unknown people", "nDCG@10", "RMSE", compared.sentence.split()[-1]):
        assert said in text
        assert said in html
    assert html.count("<table>") == 3
    hostile = replace(compared, on="<script>x</script>")
    assert "<script>" not in hostile._repr_html_()


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"models": "one"}, palate.SettingError, "there is one model; give two or more"),
        ({"models": []}, palate.SettingError, "there are no models; give two or more"),
        ({"models": [palate.Gibbs()]}, palate.SettingError, "Gibbs.* is not a model; give what"),
        ({"on": "empty"}, palate.DataError, "there are no ratings to compare models on"),
        ({"on": "text"}, palate.DataError, "user ids are String in these ratings and Int64 in m"),
        ({"on": "others"}, palate.DataError, "model half knows none of the items of these ra"),
        (
            {"on": "new"},
            palate.DataError,
            "items of the 1 rating that no model was fitted to, such",
        ),
        ({"on": "percent"}, palate.DataError, "% of these ratings are outside the scale of model"),
    ],
)
def test_bad_requests_are_refused(models, split, change, error, message):
    valid = split[1]
    known = split[0].frame().select("user", "item", "rating").head(20)
    tables = {
        "empty": valid.take(np.array([], dtype=np.int64)),
        "text": replace(valid, users=valid.users.with_columns(pl.col("id").cast(str))),
        "others": replace(valid, items=valid.items.with_columns(pl.col("id") + 10_000)),
        "new": palate.read_ratings(
            pl.concat([known, known.head(1).with_columns(pl.col("item") + 99_999)])
        ),
        "percent": replace(valid, rating=valid.rating * 20),
    }
    given = models["all"] if change.get("models") == "one" else change.get("models", models)
    with pytest.raises(error, match=message):
        palate.compare(given, on=tables.get(change.get("on"), valid))
