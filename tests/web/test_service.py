"""The service: responses agree with the model, and bad requests get an explanation."""

import datetime
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

import httpx2 as httpx
import numpy as np
import polars as pl
import pytest
from starlette.testclient import TestClient

import palate
from palate.web import _csv
from palate.web._app import create_app
from palate.web._explorer import Explorer
from palate.web._middleware import MAX_BODY_BYTES, AccessSettings
from palate.web._model_holder import ModelHolder

from .conftest import client_of

FARGO = {"item": "Fargo (1996)", "rating": 5}


def json_of(response):
    assert response.status_code == 200, response.text
    return response.json()


def test_the_summary(client, bayes):
    summary = json_of(client.get("/api/model"))
    assert (summary["items"], summary["users"], summary["ratings"]) == (1682, 943, 100_000)
    assert summary["scale"] == [1, 2, 3, 4, 5]
    assert summary["sure"] is True
    assert summary["axes"][0]["name"] == bayes.axes()["name"][0]
    assert {column["name"] for column in summary["columns"]} == {"year", "genres"}
    for coordinate in summary["coordinates"]:
        assert json_of(client.get("/api/map", params={"x": coordinate}))["columns"]["id"]


def test_items_are_searched_filtered_sorted_and_paged(client, bayes):
    found = json_of(client.get("/api/items", params={"search": "fargo"}))
    assert [item["item"] for item in found["items"]] == ["Fargo (1996)"]
    assert found["items"][0]["more"] == {"year": 1996, "genres": "Crime|Drama|Thriller"}
    found = json_of(client.get("/api/items", params={"search": "the godfather"}))
    assert [item["item"] for item in found["items"]] == [
        "Godfather, The (1972)",
        "Godfather: Part II, The (1974)",
    ]
    assert json_of(client.get("/api/items", params={"where": "year=2000..1998"}))["total"] == 0
    both = json_of(client.get("/api/items", params={"where": ["genres=Comedy", "genres=Drama"]}))
    assert both["items"]
    genres = [item["more"]["genres"] for item in both["items"]]
    assert all("Comedy" in one and "Drama" in one for one in genres)
    choice = {"where": ["genres=Comedy", "year=1980..1989"], "min_ratings": 50, "size": 200}
    found = json_of(client.get("/api/items", params=choice | {"sort": "mean", "descending": False}))
    expected = bayes.biases(where={"genres": "Comedy", "year": "1980..1989"}, min_ratings=50).sort(
        "mean"
    )
    assert [item["id"] for item in found["items"]] == expected["id"].to_list()
    pages = [
        json_of(client.get("/api/items", params={"sort": "gap", "page": page, "size": 7}))
        for page in (1, 2)
    ]
    both = [item["id"] for page in pages for item in page["items"]]
    together = json_of(client.get("/api/items", params={"sort": "gap", "size": 14}))
    assert both == [item["id"] for item in together["items"]]
    assert pages[0]["total"] == bayes.learned.rated.sum()


@pytest.mark.parametrize("name", ["100", "Fargo (1996)", "fargo%20(1996)"])
def test_one_item(client, name):
    item = json_of(client.get(f"/api/items/{name}"))
    assert item["item"] == "Fargo (1996)"
    parts = ("mu", "bias", "raters_bias", "raters_interaction", "residual")
    assert sum(item[part] for part in parts) == pytest.approx(item["mean"], abs=1e-5)
    assert item["axes"][0]["lower"] < item["axes"][0]["position"] < item["axes"][0]["upper"]


@pytest.mark.parametrize("name", ["bayes", "model"])
def test_popularity_beyond_taste(request, name):
    fitted = request.getfixturevalue(name)
    client = client_of(request.getfixturevalue({"bayes": "folder", "model": "point"}[name]))
    found = json_of(client.get("/api/popularity"))
    table = fitted.popularity()
    often = table.filter(contrast="picked often, liked little").head(10)
    rarely = table.filter(contrast="picked rarely, well liked").tail(10).reverse()
    for listed, expected in ((found["often"], often), (found["rarely"], rarely)):
        assert [one["id"] for one in listed] == expected["id"].to_list()
        for column in ("beyond_taste", "beyond_taste_lower", "bias"):
            assert [one[column] for one in listed] == expected[column].to_list()
    assert found["min_ratings"] == 20


def test_one_user_and_all(client, bayes):
    page = json_of(client.get("/api/users/196"))
    assert (page["user"], page["ratings"]) == (196, 39)
    assert page["portrait"]["sentence"] == bayes.user(196).describe().sentence
    assert len(page["favourites"]) == 12
    found = json_of(client.get("/api/users", params={"search": "19", "size": 200}))
    assert {user["user"] for user in found["users"]} == {19, *range(190, 200)}


def test_recommendations_for_ratings_and_for_a_user(client, bayes):
    request = {"ratings": [FARGO, {"item": 313, "rating": 2}], "n": 7, "reasons": True}
    got = json_of(client.post("/api/recommendations", json=request))["recommendations"]
    me = bayes.profile({"Fargo (1996)": 5, 313: 2})
    expected = me.recommend(7, explain=True)
    assert [one["id"] for one in got] == expected["id"].to_list()
    assert [one["reason"] for one in got] == expected["reason"].to_list()
    for one in got:
        assert 1 <= one["lower"] < one["prediction"] < one["upper"] <= 5
    got = json_of(
        client.post("/api/recommendations", json={"user": "196", "cautious": 0.1, "n": 3})
    )
    expected = bayes.user(196).recommend(3, cautious=0.1)
    at_least = [one["at_least"] for one in got["recommendations"]]
    assert at_least == pytest.approx(expected["at_least"].to_list())


def test_what_is_known_of_a_person(client, bayes):
    features = {"age": 24, "gender": "F"}
    request = {"ratings": [FARGO], "features": features, "n": 5}
    got = json_of(client.post("/api/recommendations", json=request))["recommendations"]
    expected = bayes.profile({"Fargo (1996)": 5}, features=features).recommend(5)
    assert [one["id"] for one in got] == expected["id"].to_list()
    assert [one["score"] for one in got] == pytest.approx(expected["score"].to_list())
    for wrong, words in (
        ({"ratings": [], "features": {"hat": 1}}, "does not know 'hat' of people"),
        ({"user": 196, "features": features}, "give features of a person with ratings"),
        ({"ratings": [], "features": {"age": "old"}}, "the column 'age' holds 'old'"),
    ):
        answer = client.post("/api/recommendations", json=wrong)
        assert answer.status_code in {400, 422}
        assert words in answer.text


def test_candidates_and_exclusions(client):
    request = {"ratings": [], "candidates": [100, 313, "Star Wars (1977)"], "exclude": [313]}
    got = json_of(client.post("/api/recommendations", json=request))["recommendations"]
    assert {one["id"] for one in got} == {100, 50}


def test_explanations_sum(client):
    request = {"ratings": [FARGO], "item": "Star Wars (1977)", "n": 3}
    why = json_of(client.post("/api/explanations", json=request))
    for table in ("parts", "ratings"):
        assert sum(part["contribution"] for part in why[table]) == pytest.approx(why["score"])
    assert why["counterfactual"]["item"] == "Fargo (1996)"


def test_questions_and_portraits(client, bayes):
    request = {"ratings": [FARGO], "n": 4, "exclude": [121]}
    got = json_of(client.post("/api/next-questions", json=request))["questions"]
    expected = bayes.profile({"Fargo (1996)": 5}).next_questions(4, exclude=[121])
    assert [one["id"] for one in got] == expected["id"].to_list()
    first, later = (
        json_of(client.post("/api/portraits", json={"ratings": ratings}))["axes"][0]
        for ratings in ([], [{"item": one["id"], "rating": 3} for one in got])
    )
    assert later["upper"] - later["lower"] < first["upper"] - first["lower"]


def test_a_point_estimate_without_users(point, tmp_path):
    palate.load(point).save(tmp_path / "m", users=False)
    client = TestClient(
        create_app(ModelHolder.from_folder(tmp_path / "m"), AccessSettings()), "http://localhost"
    )
    summary = json_of(client.get("/api/model"))
    assert (summary["users"], summary["sure"], summary["scale"]) == (None, False, [1, 2, 3, 4, 5])
    assert (
        json_of(client.get("/api/evaluation"))["why_not"] == "the model was saved without its users"
    )
    got = json_of(client.post("/api/recommendations", json={"ratings": [FARGO], "reasons": True}))
    assert got["recommendations"][0]["sd"] is None
    assert client.get("/api/users").status_code == 404
    assert json_of(client.get("/api/items/100"))["lower"] is None
    bad = client.post("/api/recommendations", json={"ratings": [FARGO], "cautious": 0.1})
    assert bad.status_code == 422
    assert "point estimate" in bad.json()["detail"]


def nested(depth):
    return "[" * depth + "]" * depth


UNPAIRED_SURROGATE = json.dumps({"ratings": [{"item": "\ud800", "rating": 5}]})
BAD = {
    "unknown item": ({"ratings": [{"item": "Fargo", "rating": 5}]}, 404, "the nearest are"),
    "unknown user": ({"user": 5000}, 404, "no user 5000"),
    "off the scale": ({"ratings": [{"item": 100, "rating": 50}]}, 422, "50"),
    "NaN": ('{"ratings": [{"item": 100, "rating": NaN}]}', 422, "finite"),
    "infinity": ('{"ratings": [{"item": 100, "rating": 1e999}]}', 422, "finite"),
    "twice": ({"ratings": [FARGO, FARGO]}, 422, "twice"),
    "twice by two names": ({"ratings": [FARGO, {"item": 100, "rating": 4}]}, 422, "rated twice"),
    "for no one": ({}, 422, "either a known user or ratings"),
    "for two": ({"user": 1, "ratings": []}, 422, "either a known user or ratings"),
    "misspelt": ({"ratings": [], "number": 3}, 422, "number"),
    "too many": ({"ratings": [], "n": 101}, 422, "n: "),
    "none": ({"ratings": [], "n": 0}, 422, "n: "),
    "cautious": ({"ratings": [], "cautious": 0.9}, 422, "cautious"),
    "10,000 ratings": ({"ratings": [FARGO] * 10_000}, 422, "ratings: "),
    "true for an item": ({"ratings": [{"item": True, "rating": 5}]}, 422, "item"),
    "a very long name": ({"ratings": [{"item": "x" * 5000, "rating": 5}]}, 422, "item"),
    "not JSON": ("{", 422, "at character 1"),
    "not an object": ("[]", 422, "Content-Type"),
    "deep JSON": (nested(100_000), 400, ""),
    "an unpaired surrogate": (UNPAIRED_SURROGATE, 422, "item"),
    "a very long number": ('{"user": 1' + "0" * 5000 + "}", 400, ""),
    "a long id": ({"user": 10**30}, 404, "no user"),
    "null for an item": ({"ratings": [{"item": None, "rating": 5}]}, 422, "item"),
    "an object for an item": ({"ratings": [{"item": {}, "rating": 5}]}, 422, "item"),
}


@pytest.mark.parametrize(("body", "status", "message"), BAD.values(), ids=BAD)
def test_bad_bodies_get_a_message(client, body, status, message):
    text = body if isinstance(body, str) else json.dumps(body)
    headers = {"content-type": "application/json"}
    response = client.post("/api/recommendations", content=text, headers=headers)
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert problem["status"] == status
    assert message in problem["detail"]
    assert len(problem["detail"]) < 2000


PATHS = {
    "nothing there": ("GET", "/api/nothing", 404),
    "a file above": ("GET", "/../pyproject.toml", 404),
    "a file above, escaped": ("GET", "/%2e%2e/%2e%2e/pyproject.toml", 404),
    "a backslash": ("GET", "/..%5c..%5cetc/passwd", 404),
    "a null": ("GET", "/%00", 404),
    "an item above": ("GET", "/api/items/../../etc/passwd", 404),
    "a null item": ("GET", "/api/items/%00", 404),
    "no user": ("GET", "/api/users/x", 404),
    "wrong method": ("DELETE", "/api/model", 405),
    "wrong method on a post": ("GET", "/api/recommendations", 405),
    "page 0": ("GET", "/api/items?page=0", 422),
    "a large page": ("GET", "/api/items?size=1000", 422),
    "no such sort": ("GET", "/api/items?sort=nothing", 422),
    "no such column": ("GET", "/api/items?where=colour=red", 422),
    "no condition": ("GET", "/api/items?where=colour", 422),
    "no such coordinate": ("GET", "/api/map?x=axis+99", 422),
    "unrated": ("GET", "/api/items?min_ratings=0", 422),
}


@pytest.mark.parametrize(("method", "path", "status"), PATHS.values(), ids=PATHS)
def test_bad_addresses_get_a_message(client, method, path, status):
    response = client.request(method, path)
    assert response.status_code == status, response.text
    assert response.json()["detail"]


def test_large_bodies_are_refused_with_and_without_a_length(client):
    response = client.post("/api/recommendations", content=b" " * 10_000_000)
    assert response.status_code == 413
    assert "1,048,576" in response.json()["detail"]
    chunks = (b" " * 65536 for _ in range(MAX_BODY_BYTES // 65536 + 2))
    assert client.post("/api/recommendations", content=chunks).status_code == 413


def test_a_token(folder):
    client = TestClient(
        create_app(
            ModelHolder.from_folder(folder), AccessSettings(token="s3cret", local_only=False)
        ),
        "http://localhost",
    )
    for headers in ({}, {"authorization": "Bearer wrong"}, {"authorization": "s3cret"}):
        response = client.get("/api/model", headers=headers)
        assert response.status_code == 401
        assert response.headers["www-authenticate"] == "Bearer"
    good = {"authorization": "Bearer s3cret"}
    assert client.get("/api/model", headers=good).status_code == 200
    assert client.get("/metrics").status_code == 401
    for public in ("/", "/healthz"):
        assert client.get(public).status_code == 200


def test_other_host_names_are_not_accepted(client):
    response = client.get("/api/model", headers={"host": "evil.example:8000"})
    assert response.status_code == 421
    assert "evil.example" in response.json()["detail"]
    for host in ("127.0.0.1:80", "localhost", "[::1]:8000"):
        assert client.get("/api/model", headers={"host": host}).status_code == 200


def test_a_response_that_takes_too_long(client, monkeypatch):
    monkeypatch.setattr("palate.web._middleware.RESPONSE_SECONDS", 0.05)
    finish = threading.Event()
    monkeypatch.setattr(Explorer, "map", lambda *_: finish.wait(30))
    threading.Timer(0.2, finish.set).start()  # the client waits for the handler as well
    response = client.get("/api/map")
    assert response.status_code == 503
    assert "seconds" in response.json()["detail"]


def test_a_download_that_takes_longer_than_its_start_may(client, monkeypatch):
    whole = client.get("/api/items.csv").text
    monkeypatch.setattr("palate.web._middleware.RESPONSE_SECONDS", 0.2)
    written, blocks = _csv._written, []

    def slowly(table):
        if blocks:
            threading.Event().wait(0.3)
        blocks.append(table.height)
        return written(table)

    monkeypatch.setattr(_csv, "_written", slowly)
    monkeypatch.setattr(_csv, "_BLOCK", 1000)
    assert client.get("/api/items.csv").text == whole
    assert len(blocks) > 1


def test_conditions_and_unknown_items_of_recommendations(client, bayes):
    where = {"genres": ["Comedy", "Drama"], "year": "1990..1995"}
    request = {"user": 196, "n": 5, "where": where, "exclude": ["gone", 50, 10**9, "gone"]}
    found = json_of(client.post("/api/recommendations", json=request))
    expected = bayes.user(196).recommend(5, where=where, exclude=[50])
    assert [one["id"] for one in found["recommendations"]] == expected["id"].to_list()
    assert found["skipped"] == ["gone", 10**9]
    assert 'palate_skipped_items_total{route="/api/recommendations"}' in client.get("/metrics").text
    for wrong, message in (
        ({"where": {"genre": "Comedy"}}, "there is no column 'genre'"),
        ({"where": {"year": []}}, "the list of values of 'year' is empty"),
        ({"where": ["genres=Comedy"]}, "where: Input should be a valid dictionary"),
        ({"unknown": "ignore"}, "unknown: Input should be 'error' or 'skip'"),
    ):
        refused = client.post("/api/recommendations", json={"user": 196} | wrong)
        assert (refused.status_code, message in refused.json()["detail"]) == (422, True)


def test_unknown_items_are_refused_or_skipped(client, bayes):
    ratings = {"ratings": [FARGO, {"item": "Nope", "rating": 3}]}
    me = bayes.profile({"Fargo (1996)": 5})
    for route, more, given in (
        ("recommendations", {"n": 3, "candidates": [50, 100, "gone"]}, ["Nope", "gone"]),
        ("next-questions", {"exclude": ["gone"]}, ["Nope", "gone"]),
        ("explanations", {"item": 50}, ["Nope"]),
        ("portraits", {}, ["Nope"]),
    ):
        address = f"/api/{route}"
        assert client.post(address, json=ratings | more).status_code == 404
        found = json_of(client.post(address, json=ratings | more | {"unknown": "skip"}))
        assert found["skipped"] == given
        if route == "recommendations":
            expected = me.recommend(3, candidates=[50, 100])["id"].to_list()
            assert [one["id"] for one in found["recommendations"]] == expected
    strict = {"user": 196, "exclude": ["gone"], "unknown": "error"}
    assert client.post("/api/recommendations", json=strict).status_code == 404


def test_as_many_exclusions_as_a_body_holds(client, bayes):
    """Every item but three, and many that are unknown."""
    left = [50, 100, 181]
    others = [item for item in bayes.items["id"].to_list() if item not in left]
    request = {"ratings": [], "exclude": [*others, *range(10_000, 100_000)], "n": 10}
    assert 0.5 * MAX_BODY_BYTES < len(json.dumps(request)) < MAX_BODY_BYTES
    found = json_of(client.post("/api/recommendations", json=request))
    assert sorted(one["id"] for one in found["recommendations"]) == left
    assert len(found["skipped"]) == 90_000


def test_headers_metrics_and_health(client):
    response = client.get("/")
    assert response.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'self'" in response.headers["content-security-policy"]
    assert json_of(client.get("/healthz")) == {"status": "ok"}
    client.get("/api/items/100")
    text = client.get("/metrics").text
    line = 'palate_requests_total{method="GET",route="/api/items/{item:path}",status="200"}'
    assert line in text
    assert "palate_request_seconds_bucket" in text


def test_a_changed_model_is_reloaded(point, tmp_path, small):
    folder = tmp_path / "m"
    palate.load(point).save(folder)
    holder = ModelHolder.from_folder(folder)
    assert not holder.reload_if_changed()
    old = holder.explorer
    palate.Gibbs(sweeps=6, burn_in=2).fit(small).save(folder)
    assert holder.reload_if_changed()
    assert holder.explorer.summary.items == 4
    assert old.model.profile({100: 5}).recommend(3).height == 3  # requests in progress continue
    (folder / "palate.json").write_text("{}")
    assert not holder.reload_if_changed()
    assert holder.explorer.summary.items == 4


def test_arrays_of_a_loaded_model_are_those_of_the_file(folder, tmp_path):
    """Read into memory, or mapped from a private copy that several processes share."""
    one, other = palate.load(folder), palate.load(folder, private_copies=tmp_path)
    (copy,) = tmp_path.iterdir()
    again = palate.load(folder, private_copies=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [copy.name]
    for model in (one, other, again):
        assert not model.learned.item_table.flags.writeable
        np.testing.assert_array_equal(model.learned.item_table, one.learned.item_table)


def test_over_a_real_socket(address):
    response = httpx.post(f"{address}/api/recommendations", json={"ratings": [FARGO], "n": 2})
    assert len(response.json()["recommendations"]) == 2


KINDS = {
    "text": ["a/b", "c?d#e", "100%", "7"],
    "floats": [1.0, 2.5, 3.0, 1e20],
    "large": [2**60, 2**60 + 1, 5, 6],
    "dates": [datetime.date(2020, 1, day) for day in range(1, 5)],
    "times": [datetime.datetime(2020, 1, 1, hour) for hour in range(4)],
    "booleans": [True, False],
}


@pytest.mark.parametrize("kind", KINDS)
def test_ids_of_any_type_are_found_when_sent_back(kind):
    """The JSON form of an id is accepted as that id."""
    ids = KINDS[kind]
    rated = [(u, i, 1 + (3 * n + k) % 5) for n, u in enumerate(ids) for k, i in enumerate(ids)]
    table = pl.DataFrame(rated, schema=["user", "item", "rating"], orient="row")
    explorer = Explorer(palate.Gibbs(sweeps=6, burn_in=2).fit(palate.read_ratings(table)))
    client = TestClient(create_app(ModelHolder(explorer), AccessSettings()), "http://localhost")
    items, users = (json_of(client.get(f"/api/{of}"))[of] for of in ("items", "users"))
    assert len(items) == len(users) == len(ids)
    for item in items:
        assert isinstance(item["id"], str) or abs(item["id"]) < 2**53
        page = json_of(client.get(f"/api/items/{quote(str(item['id']), safe='')}"))
        assert page["id"] == item["id"]
        request = {"ratings": [{"item": item["id"], "rating": 3}]}
        got = json_of(client.post("/api/recommendations", json=request))["recommendations"]
        assert len(got) == len(ids) - 1
    for user in users:
        page = json_of(client.get(f"/api/users/{quote(str(user['user']), safe='')}"))
        assert page["user"] == user["user"]


def test_columns_of_any_name(small):
    names = ("row", "bias", "mean", "item_table", "seen")
    items = pl.DataFrame({"item": ["tea", "rum", "ale", "gin"]} | {n: [1, 2, 3, 4] for n in names})
    ratings = palate.read_ratings(small.frame(), items=items)
    explorer = Explorer(palate.Gibbs(sweeps=6, burn_in=2).fit(ratings))
    client = TestClient(create_app(ModelHolder(explorer), AccessSettings()), "http://localhost")
    assert json_of(client.get("/api/items/tea"))["more"] == dict.fromkeys(names, 1)
    assert json_of(client.get("/api/items", params={"where": "row=2"}))["total"] == 1


def test_a_busy_service_refuses_requests_and_still_reports_its_health(folder, monkeypatch):
    monkeypatch.setattr("palate.web._middleware.MAX_CONCURRENT_REQUESTS", 3)
    monkeypatch.setattr("palate.web._middleware.RESPONSE_SECONDS", 0.2)
    finish = threading.Event()
    monkeypatch.setattr(Explorer, "map", lambda *_: finish.wait(30))
    app = create_app(ModelHolder.from_folder(folder), AccessSettings())
    with TestClient(app, "http://localhost") as client:
        with ThreadPoolExecutor(8) as pool:
            responses = list(pool.map(lambda _: client.get("/api/map"), range(8)))
        assert {response.status_code for response in responses} == {503}
        late = [one for one in responses if "at once" not in one.json()["detail"]]
        assert len(late) == 3  # late requests still count as in progress
        assert client.get("/healthz").status_code == 200
        assert client.get("/api/model").status_code == 503
        finish.set()
        deadline = time.monotonic() + 20
        while client.get("/api/model").status_code != 200:
            assert time.monotonic() < deadline


def test_internal_errors_are_problems_and_are_counted(client, monkeypatch):
    def fail(*_):
        raise ZeroDivisionError

    monkeypatch.setattr(Explorer, "map", fail)
    response = client.get("/api/map")
    assert response.status_code == 500
    assert response.headers["content-type"] == "application/problem+json"
    assert 'route="/api/map",status="500"' in client.get("/metrics").text


def test_requests_from_other_sites_are_refused(client):
    response = client.get("/api/evaluation", headers={"sec-fetch-site": "cross-site"})
    assert response.status_code == 403
    assert client.get("/api/model", headers={"sec-fetch-site": "same-origin"}).status_code == 200
