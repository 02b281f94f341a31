"""The service answers what people would pick, and how they would like it; of events, the former."""

import time

import httpx2 as httpx
import numpy as np
import pytest
from starlette.testclient import TestClient

import palate
from palate.web._app import create_app
from palate.web._explorer import Explorer
from palate.web._middleware import AccessSettings
from palate.web._model_holder import ModelHolder

from .conftest import client_of, serving
from .test_service import FARGO, json_of

ME = {"ratings": [FARGO, {"item": 313, "rating": 2}]}


def listed(client, **request):
    return json_of(client.post("/api/recommendations", json=request))["recommendations"]


@pytest.mark.parametrize("by", [None, "both", "choice", "rating"])
def test_lists_by_each_question_are_those_of_the_model(both_client, both, by):
    got = listed(both_client, **ME, n=7, by=by, reasons=True)
    me = both.profile({"Fargo (1996)": 5, 313: 2})
    expected = me.recommend(7, by=by, explain=True)
    assert [one["id"] for one in got] == expected["id"].to_list()
    assert [one["reason"] for one in got] == expected["reason"].to_list()
    np.testing.assert_allclose([one["prediction"] for one in got], expected["prediction"])
    of_ratings = me.recommend(2000, by="rating", explain=True)
    reasons = dict(of_ratings.select("id", "reason").iter_rows())
    for one in got:
        assert one["lower"] < one["prediction"] < one["upper"]
        by_rating = by == "rating"
        assert (one["chance"] is None) == by_rating
        assert one["rating_reason"] == (None if by_rating else reasons[one["id"]])


def test_by_both_is_the_default_and_differs_from_each_alone(both_client):
    summary = json_of(both_client.get("/api/model"))
    assert summary["lists_by"] == ["both", "choice", "rating"]
    lists = [
        [one["id"] for one in listed(both_client, user=196, n=20, by=by)]
        for by in (None, "both", "choice", "rating")
    ]
    assert lists[0] == lists[1]
    assert len({tuple(ids) for ids in lists}) == 3
    assert listed(both_client, user=196, by="rating")[0]["reason"] is None


def test_lists_can_be_varied(both_client, both):
    options = {"diversity": 0.7, "calibrate": "genres"}
    found = listed(both_client, user=196, n=4, **options)
    expected = both.user(196).recommend(4, **options)
    assert [one["id"] for one in found] == expected["id"].to_list()
    assert [one["rank"] for one in found] == [1, 2, 3, 4]
    assert [one["chance"] for one in found] == pytest.approx(expected["chance"].to_list())
    bad = {"user": 196, "calibrate": "colour"}
    assert_problem(both_client.post("/api/recommendations", json=bad), "calibrate is 'colour'")
    response = both_client.post("/api/recommendations", json={"user": 196, "diversity": 1.5})
    assert response.status_code == 422


def test_safer_choices_are_by_rating(both_client, both):
    got = listed(both_client, user=196, n=3, cautious=0.1)
    assert [one["id"] for one in got] == both.user(196).recommend(3, cautious=0.1)["id"].to_list()
    bad = {"user": 196, "cautious": 0.1, "by": "both"}
    assert_problem(both_client.post("/api/recommendations", json=bad), 'leave out by="both"')
    response = both_client.post("/api/recommendations", json={"user": 196, "by": "both of them"})
    assert_problem(response, "by: ")


@pytest.mark.parametrize("by", ["choice", "both"])
def test_a_model_of_ratings_alone_says_what_it_lacks(client, by):
    assert json_of(client.get("/api/model"))["lists_by"] == ["rating"]
    response = client.post("/api/recommendations", json={"user": 196, "by": by})
    assert_problem(response, "no choice model")
    response = client.post("/api/recommendations", json={"items": [100]})
    assert_problem(response, "give a rating for each item")


def assert_problem(response, message):
    assert response.status_code == 422, response.text
    assert response.headers["content-type"] == "application/problem+json"
    assert message in response.json()["detail"]


def test_an_explanation_has_both_decompositions(both_client):
    why = json_of(both_client.post("/api/explanations", json=ME | {"item": 50, "n": 1}))
    for table, score in (
        (why["parts"], why["score"]),
        (why["ratings"], why["score"]),
        (why["choice"]["history"], why["choice"]["score"]),
    ):
        assert sum(part["contribution"] for part in table) == pytest.approx(score)
    assert len(why["choice"]["history"]) == 2  # the first, and the other
    assert why["choice"]["sentence"].startswith("Star Wars (1977) is suggested because you picked")


def test_an_item_shows_what_the_same_people_pick(both_client, both):
    found = json_of(both_client.get("/api/neighbours/50"))
    expected = both.profile({50: 5}).recommend(12, by="choice")
    assert [one["id"] for one in found["also_picked"]] == expected["id"].to_list()
    similar = both.similar(50, 12)
    assert [one["id"] for one in found["neighbours"]] == similar["id"].to_list()
    assert json_of(both_client.get("/api/items/50"))["bias"] is not None


def test_the_summary_of_a_model_of_events(events_client):
    summary = json_of(events_client.get("/api/model"))
    assert (summary["items"], summary["users"], summary["ratings"]) == (1682, 943, 100_000)
    assert (summary["kind"], summary["lists_by"]) == ("events", ["choice"])
    assert summary["scale"] == summary["axes"] == summary["coordinates"] == []
    assert summary["lowest"] is summary["noise_sd"] is None
    assert summary["choice_settings"]["ridge"] > 0
    assert {column["name"] for column in summary["columns"]} == {"year", "genres"}


def test_items_of_events_are_listed_by_how_many_people_picked_them(events_client, events):
    found = json_of(events_client.get("/api/items", params={"where": "genres=Comedy"}))["items"]
    people = [one["ratings"] for one in found]
    assert people == sorted(people, reverse=True)
    assert found[0]["ratings"] == events.learned.item_counts.max(where=comedies(events), initial=0)
    assert {one["bias"] for one in found} == {one["mean"] for one in found} == {None}
    first = json_of(events_client.get("/api/items", params={"sort": "item", "descending": False}))
    assert first["items"][0]["item"] == events.items["item"].min()
    assert json_of(events_client.get("/api/items/50"))["axes"] == []
    neighbours = json_of(events_client.get("/api/neighbours/50"))
    assert (neighbours["neighbours"], len(neighbours["also_picked"])) == ([], 12)


def comedies(model):
    return model.items["genres"].str.contains("Comedy").to_numpy()


def test_people_of_a_model_of_events(events_client, events):
    users = json_of(events_client.get("/api/users", params={"search": "196"}))["users"]
    unknown = dict.fromkeys(("mean", "bias", "spread"))
    assert users == [{"user": 196, "ratings": 39} | unknown]
    page = json_of(events_client.get("/api/users/196"))
    assert page["portrait"] is page["mean"] is None
    own = events.ratings.user == events.learned.user_index.row(196)
    latest = events.ratings.item[own][np.argmax(events.ratings.timestamp[own])]
    assert len(page["favourites"]) == 39
    times = dict(zip(events.ratings.item[own], events.ratings.timestamp[own], strict=True))
    rows = [events.learned.item_index.row(one["id"]) for one in page["favourites"]]
    assert times[rows[0]] == times[latest]
    assert [times[row] for row in rows] == sorted(times.values(), reverse=True)


def test_lists_and_reasons_from_picked_items(events_client, events):
    got = listed(events_client, items=["Fargo (1996)", 50], n=5, reasons=True)
    expected = events.profile(["Fargo (1996)", 50]).recommend(5, explain=True)
    assert [one["id"] for one in got] == expected["id"].to_list()
    assert got[0]["reason"] == expected["reason"][0]
    assert got[0]["prediction"] is got[0]["rating_reason"] is got[0]["lower"] is None
    known = listed(events_client, user=196, n=5)
    assert [one["id"] for one in known] == events.user(196).recommend(5)["id"].to_list()
    popular = listed(events_client, items=[], n=2, reasons=True)
    assert popular[0]["reason"] == "because it is popular"
    why = json_of(events_client.post("/api/explanations", json={"items": [100], "item": 50}))
    assert why["parts"] is why["prediction"] is None
    assert why["sentence"] == why["choice"]["sentence"]
    (only,) = why["choice"]["history"]
    assert only["contribution"] == pytest.approx(why["choice"]["score"])


NEEDS_RATINGS = {
    "portraits": ("POST", "/api/portraits", {"user": 196}),
    "questions": ("POST", "/api/next-questions", {"items": [100]}),
    "lists by rating": ("POST", "/api/recommendations", {"items": [], "by": "rating"}),
    "lists by both": ("POST", "/api/recommendations", {"items": [], "by": "both"}),
    "safer choices": ("POST", "/api/recommendations", {"items": [], "cautious": 0.1}),
    "the map": ("GET", "/api/map", None),
    "popularity beyond taste": ("GET", "/api/popularity", None),
    "items by bias": ("GET", "/api/items?sort=bias", None),
    "items by mean": ("GET", "/api/items?sort=mean", None),
}


@pytest.mark.parametrize(("method", "path", "body"), NEEDS_RATINGS.values(), ids=NEEDS_RATINGS)
def test_what_needs_ratings_says_so(events_client, method, path, body):
    response = events_client.request(method, path, json=body)
    assert_problem(response, "knows what people pick, not how they like it")


def test_counts_are_shown_as_such():
    table = {"user": [1, 1, 2, 2, 3, 3], "item": list("abbcca"), "count": [40, 2, 3, 1, 9, 70]}
    model = palate.fit(palate.read_ratings(table, kind="counts"))
    explorer = Explorer(model)
    assert explorer.summary.kind == "counts"
    assert [(one.item, one.rating) for one in explorer.user(1).favourites] == [("a", 40), ("b", 2)]
    got = client_of_explorer(explorer).post(
        "/api/recommendations", json={"ratings": [{"item": "a", "rating": 300}]}
    )
    assert {one["id"] for one in json_of(got)["recommendations"]} == {"b", "c"}


def client_of_explorer(explorer):
    return TestClient(create_app(ModelHolder(explorer), AccessSettings()), "http://localhost")


def test_the_choice_model_alone_of_ratings_takes_ratings(choice):
    client = client_of_explorer(Explorer(choice))
    summary = json_of(client.get("/api/model"))
    assert (summary["kind"], summary["scale"]) == ("ratings", [1, 2, 3, 4, 5])
    assert len(listed(client, ratings=[FARGO], n=3)) == 3
    page = json_of(client.get("/api/users/196"))
    assert page["favourites"][0]["rating"] == 5
    assert len(page["favourites"]) == 12


def test_a_model_of_events_without_users(events, tmp_path):
    events.save(tmp_path / "m", users=False)
    client = client_of(tmp_path / "m")
    assert json_of(client.get("/api/model"))["users"] is None
    assert len(listed(client, items=[50], n=3)) == 3
    assert client.get("/api/users/196").status_code == 404
    why_not = json_of(client.get("/api/evaluation"))["why_not"]
    assert why_not == "the model was saved without its users"


def test_a_model_of_events_replaces_one_of_ratings(point, events_folder, tmp_path):
    folder = tmp_path / "m"
    palate.load(point).save(folder)
    holder = ModelHolder.from_folder(folder)
    palate.load(events_folder).save(folder)
    assert holder.reload_if_changed()
    assert holder.explorer.summary.kind == "events"
    palate.load(point).save(folder)
    assert holder.reload_if_changed()
    assert holder.explorer.summary.kind == "ratings"


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_model_of_events_is_served_by_processes(events_folder, workers):
    with serving(events_folder, "--workers", workers) as (address, _):
        response = httpx.post(f"{address}/api/recommendations", json={"items": [50], "n": 2})
        assert len(json_of(response)["recommendations"]) == 2
        assert httpx.get(f"{address}/api/map").status_code == 422


SMALL = palate.Gibbs(factors=4, sweeps=20, burn_in=5)


@pytest.mark.parametrize(
    ("solver", "names"),
    [(palate.Choice(), {"choice"}), (SMALL, {"palate", "choice", "gibbs"})],
    ids=["alone", "both"],
)
def test_the_evaluation_names_the_lists_of_the_model(small_movies, solver, names):
    explorer = Explorer(palate.fit(small_movies, solver))
    deadline = time.monotonic() + 120
    while (done := explorer.evaluation.start()).scores is None:
        assert done.why_not is None
        assert time.monotonic() < deadline
        time.sleep(0.1)
    ours = {score.name: score for score in done.scores if score.part is not None}
    assert set(ours) == names
    default = "palate" if "palate" in names else "choice"
    assert [name for name, score in ours.items() if score.ours] == [default]
    assert ours[default].ndcg > 0
    assert done.sentence
    assert any(score.part is None for score in done.scores)


@pytest.fixture(scope="module")
def small_movies(ml100k):
    """Return the ratings of the first 100 people."""
    return palate.read_ratings(ml100k.frame().filter(ml100k.user < 100))
