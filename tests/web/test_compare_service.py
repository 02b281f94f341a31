"""The routes that compare two models, two items and two people."""

import time

import numpy as np
import polars as pl
import pytest
from starlette.testclient import TestClient

import palate
from palate.evaluation._model_differences import bias_differences, list_overlap
from palate.web import Settings, serve
from palate.web._app import create_app
from palate.web._compare import ModelComparison, names_of
from palate.web._explorer import Explorer
from palate.web._middleware import AccessSettings

from .conftest import client_of, compared, holder_of


def client_of_two(folder, other):
    app = create_app(holder_of(folder), AccessSettings(), compared(folder, other))
    return TestClient(app, "http://localhost", raise_server_exceptions=False)


@pytest.fixture(scope="module")
def client(folder, point):
    return client_of_two(folder, point)


@pytest.fixture(scope="module")
def part(ml100k):
    """Return a model that lacks Star Wars and Fargo, user 1, and what user 13 likes."""
    liked = (pl.col("user") == 13) & (pl.col("rating") >= 3)
    frame = ml100k.frame().filter(~pl.col("item").is_in([50, 100]), pl.col("user") > 1, ~liked)
    items = ml100k.items.rename({"id": "item", "item": "title"}).filter(
        ~pl.col("item").is_in([50, 100])
    )
    return palate.OneCycle(epochs=1).fit(palate.read_ratings(frame, items=items))


@pytest.fixture(scope="module")
def part_client(folder, part, tmp_path_factory):
    path = tmp_path_factory.mktemp("compare") / "part"
    part.save(path)
    return client_of_two(folder, path)


def lists_of(client, **request):
    response = client.post("/api/compare/lists", json=request)
    assert response.status_code == 200, response.text
    return response.json()


def detail(response, status):
    assert response.status_code == status
    return response.json()["detail"]


def measured(client):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        found = client.post("/api/compare/accuracy").json()
        if found["scores"] or found["why_not"]:
            return found
        time.sleep(0.05)
    raise AssertionError("the accuracy was not measured in time")


def test_the_models_are_described(client, part_client, part):
    assert client.get("/api/model").json()["compared"] == ["bayes", "point"]
    found = client.get("/api/compare").json()
    assert [one["name"] for one in found["models"]] == ["bayes", "point"]
    assert [one["solver"] for one in found["models"]] == ["gibbs", "one-cycle"]
    assert (found["common_items"], found["common_users"]) == (1682, 943)
    assert found["lists_by"] == ["rating"]
    found = part_client.get("/api/compare").json()
    common = int(part.learned.rated.sum())
    assert (found["common_items"], found["common_users"]) == (common, 942)
    assert [one["only_items"] for one in found["models"]] == [1682 - common, 0]
    assert [one["item"] for one in found["models"][0]["only"]][:2] == [
        *("Star Wars (1977)", "Fargo (1996)")
    ]


def test_both_lists_are_those_of_the_models_with_the_places_in_the_other(client, bayes, model):
    ratings = {50: 5, 100: 2}
    given = [{"item": item, "rating": rating} for item, rating in ratings.items()]
    found = lists_of(client, ratings=given, n=20)
    people = [one.profile(ratings) for one in (bayes, model)]
    ids = [person.recommend(100)["id"].to_list() for person in people]
    for place, listed in enumerate(found["lists"]):
        other = 1 - place
        assert listed["model"] == ("bayes", "point")[place]
        assert [one["id"] for one in listed["recommendations"]] == ids[place][:20]
        expected = people[other].predict(ids[place][:20])["prediction"]
        for one, prediction in zip(listed["recommendations"], expected, strict=True):
            assert one["other_prediction"] == pytest.approx(prediction)
            there = ids[other].index(one["id"]) + 1 if one["id"] in ids[other] else None
            assert one["other_rank"] == there
    assert found["common"] == len(set(ids[0][:20]) & set(ids[1][:20]))
    assert {one["item"] for one in found["history"]} == {"Star Wars (1977)", "Fargo (1996)"}


def test_what_one_model_lacks_is_said(part_client):
    given = [{"item": item, "rating": 5} for item in (50, 127, "nothing")]
    found = lists_of(part_client, ratings=given, n=100)
    assert found["skipped"] == ["nothing"]
    assert [one["unknown"] for one in found["lists"]] == [[], [50]]
    assert [one["id"] for one in found["history"]] == [50, 127]
    fargo = next(one for one in found["lists"][0]["recommendations"] if one["id"] == 100)
    assert (fargo["other_knows"], fargo["other_rank"]) == (False, None)
    assert fargo["other_prediction"] is None


def test_a_known_user_is_known_by_both_or_it_is_said_by_whom_not(part_client, bayes):
    found = lists_of(part_client, user=13, n=100)
    seen = set(bayes.items["id"].gather(bayes.user(13).rated))
    for listed in found["lists"]:
        assert not seen & {one["id"] for one in listed["recommendations"]}
    assert found["history"] == []
    # Their history has items that one model lacks, which nobody asked for.
    assert lists_of(part_client, user=13, n=100, unknown="error") == found
    response = part_client.post("/api/compare/lists", json={"user": 1})
    assert detail(response, 404).startswith("model part: there is no user 1 among the 942")


def test_each_model_explains_its_own_list(client, bayes, model):
    for name, one in (("first", bayes), ("second", model)):
        request = {"model": name, "user": 196, "item": 100}
        found = client.post("/api/compare/explanations", json=request).json()
        assert found["prediction"] == pytest.approx(one.user(196).explain(100).prediction)


def test_overlap_and_biases_are_those_of_the_library(client, bayes, model):
    found = client.get("/api/compare/overlap").json()
    overlaps = list_overlap(bayes, model, by="rating").overlaps
    assert found["mean"] == pytest.approx(overlaps.mean())
    assert (found["people"], found["known"], sum(found["counts"])) == (943, 943, 943)
    assert np.dot(found["counts"], range(11)) / 9430 == pytest.approx(found["mean"])
    found = client.get("/api/compare/biases").json()
    table = bias_differences(bayes, model)
    expected = table.filter(table["difference"] > 0).head(10)["id"].to_list()
    assert [one["id"] for one in found["higher"]] == expected
    assert all(one["difference"] < 0 for one in found["lower"])
    assert (found["items"], found["sure"]) == (table.height, None)


def test_the_accuracy_is_measured_once_and_in_the_background(client, folder, point):
    assert client.post("/api/compare/accuracy").json()["scores"] is None
    found = measured(client)
    scores = {one["name"]: one for one in found["scores"]}
    assert list(scores) == ["bayes", "point"]
    assert scores["bayes"]["rmse"] < scores["point"]["rmse"] < 0.95
    assert found["held_out"] == 20_000
    assert "model bayes predicts ratings best" in found["sentence"]
    assert measured(client) == found


def test_models_without_users_are_compared_in_what_they_have(folder, bayes, tmp_path):
    bayes.save(tmp_path / "alone", users=False)
    client = client_of_two(folder, tmp_path / "alone")
    assert client.get("/api/compare").json()["common_users"] is None
    lists = lists_of(client, ratings=[{"item": 50, "rating": 5}])
    assert lists["common"] == 10
    assert client.get("/api/compare/biases").json()["sure"] == 0
    why = "the model alone was saved without its users"
    assert client.get("/api/compare/overlap").json()["why_not"] == why
    assert measured(client)["why_not"] == why
    response = client.post("/api/compare/lists", json={"user": 1})
    assert "model alone: " in detail(response, 404)
    assert "saved without its users" in detail(response, 404)


def test_models_of_both_questions_are_asked_what_both_can_answer(both_folder, folder, both):
    client = client_of_two(both_folder, folder)
    assert client.get("/api/compare").json()["lists_by"] == ["rating"]
    request = {"ratings": [{"item": 50, "rating": 5}]}
    found = lists_of(client, **request)
    assert found["common"] == 10  # the same expected ratings
    response = client.post("/api/compare/lists", json=request | {"by": "choice"})
    assert detail(response, 422).startswith("model bayes: ")


def test_events_have_lists_and_no_biases(events_folder, events, ml100k, tmp_path):
    events.forget([1]).save(tmp_path / "fewer")
    client = client_of_two(events_folder, tmp_path / "fewer")
    found = lists_of(client, items=[50, 100])
    assert found["lists"][0]["recommendations"][0]["prediction"] is None
    assert found["lists"][0]["recommendations"][0]["chance"] > 0
    assert "has no biases" in client.get("/api/compare/biases").json()["why_not"]
    assert client.get("/api/compare/overlap").json()["known"] == 942


def test_biases_on_other_scales_are_not_compared(folder, ml100k):
    frame = ml100k.frame().with_columns(pl.col("rating") * 2)
    doubled = palate.OneCycle(epochs=1, y_range=(0, 11)).fit(palate.read_ratings(frame))
    comparison = ModelComparison({"a": holder_of(folder).explorer, "b": Explorer(doubled)})
    assert comparison.biases.why_not == "the ratings are on different scales, 1 to 5 and 2 to 10"


def test_one_model_alone_has_nothing_to_compare(folder):
    client = client_of(folder)
    assert client.get("/api/model").json()["compared"] is None
    for path in ("", "/overlap", "/biases"):
        assert "there is one model here" in detail(client.get(f"/api/compare{path}"), 422)


def test_a_replaced_model_is_compared_anew(folder, point, bayes, tmp_path):
    both = compared(folder, point)
    assert both.current is both.current
    first, holder = both.current, both.holders[1]
    try:
        kept, holder.explorer = holder.explorer, Explorer(bayes)
        assert both.current is not first
        assert both.current.overlap.mean == 1
    finally:
        holder.explorer = kept


def test_two_items(client, bayes):
    found = client.get("/api/compare/items", params={"a": 50, "b": "Fargo (1996)"}).json()
    assert [one["item"] for one in found["items"]] == ["Star Wars (1977)", "Fargo (1996)"]
    table = bayes.biases("bias")
    assert found["items"][1]["bias"] == pytest.approx(table.filter(id=100)["bias"][0])
    assert len(found["axes"][0]) == len(found["axes"][1]) > 5
    assert (found["both"], round(found["by_chance"])) == (394, 314)
    assert found["like_both"] == 262
    assert {one["first"] for one in found["fans"]} == {5}
    assert found["first_higher"] > 0.99
    for params, status, message in (
        ({"a": 50, "b": 50}, 422, "'Star Wars (1977)' is compared with itself"),
        ({"a": 50, "b": "nix"}, 404, "there is no item 'nix'"),
        ({"a": 50}, 422, "b: Field required"),
    ):
        assert message in detail(client.get("/api/compare/items", params=params), status)


def test_two_people(client, bayes, events_client):
    found = client.get("/api/compare/people", params={"a": 196, "b": 1}).json()
    assert [one["user"] for one in found["users"]] == [196, 1]
    assert [one["ratings"] for one in found["users"]] == [39, 272]
    assert found["common"] == len(found["items"]) == found["agreement"]["n"] == 19
    assert found["portraits"][0] == client.get("/api/users/196").json()["portrait"]
    alike = bayes.similar_users(196, 942).row(by_predicate=pl.col("user") == 1, named=True)
    assert found["similarity"] == pytest.approx(alike["similarity"])
    mine, theirs = bayes.user(196), bayes.user(1)
    liked = theirs.rated[theirs.rating >= theirs.rating.mean()]
    expected = mine.recommend(8, candidates=bayes.items["id"].gather(liked).to_list())
    assert [one["id"] for one in found["from_second"]] == expected["id"].to_list()
    for params, status, message in (
        ({"a": 1, "b": 1}, 422, "is compared with themselves"),
        ({"a": 1, "b": 5000}, 404, "there is no user '5000'"),
    ):
        assert message in detail(client.get("/api/compare/people", params=params), status)
    found = events_client.get("/api/compare/people", params={"a": 196, "b": 1}).json()
    assert (found["common"], found["portraits"], found["agreement"]) == (19, [], None)
    assert found["similarity"] is None
    assert len(found["from_first"]) == 8


def test_models_that_cannot_be_compared_are_refused(folder, point, events_folder, tmp_path, small):
    def refusal(first, second):
        with pytest.raises(palate.errors.PalateError) as caught:
            serve(Settings(str(first), port=0, other=str(second)), browser=False, ready=print)
        return str(caught.value)

    assert "are the same folder" in refusal(folder, folder / ".." / folder.name)
    expected = "model bayes was fitted to ratings and model events to events"
    assert expected in refusal(folder, events_folder)
    palate.OneCycle(factors=2, epochs=1, bs=2).fit(small).save(tmp_path / "text")
    assert "item ids are Int64 in model bayes and String in model text" in refusal(
        folder, tmp_path / "text"
    )
    frame = small.frame().with_columns(item=pl.lit("a") + pl.col("item"))
    other = palate.OneCycle(factors=2, epochs=1, bs=2).fit(palate.read_ratings(frame))
    other.save(tmp_path / "other")
    message = refusal(tmp_path / "text", tmp_path / "other")
    assert "model text and model other have no item in common" in message
    with pytest.raises(palate.SettingError, match="5 is not a model"):
        palate.web.explore(other, 5)


def test_models_are_named_by_their_folders(tmp_path):
    june, july = tmp_path / "june", tmp_path / "july"
    assert names_of([june, july]) == ["june", "july"]
    assert names_of([june / "m", july / "m"]) == ["june/m", "july/m"]  # no path of the machine
    assert names_of([june]) == ["june"]
