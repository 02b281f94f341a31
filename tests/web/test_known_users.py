"""The service about known users: their list, histories, similar users, rating counts, and CSV."""

import csv
import io
from datetime import timedelta

import numpy as np
import polars as pl
import pytest
from starlette.testclient import TestClient

import palate
from palate.web._app import create_app
from palate.web._explorer import Explorer
from palate.web._middleware import AccessSettings
from palate.web._model_holder import ModelHolder

from .conftest import client_of


def json_of(response):
    assert response.status_code == 200, response.text
    return response.json()


def get(client, path, **query):
    return json_of(client.get(f"/api/{path}", params=query))


def serve(model):
    return TestClient(
        create_app(ModelHolder(Explorer(model)), AccessSettings()), "http://localhost"
    )


def rows_of(response):
    assert response.status_code == 200, response.text
    assert response.headers["content-type"].startswith("text/csv")
    assert "attachment" in response.headers["content-disposition"]
    return list(csv.DictReader(io.StringIO(response.text)))


@pytest.mark.parametrize("sort", ["user", "ratings", "mean", "bias", "spread"])
def test_users_are_sorted_by_each_column_and_agree_with_the_model(client, bayes, sort):
    pages = [
        get(client, "users", sort=sort, descending=True, size=200, page=n) for n in range(1, 6)
    ]
    users = [one for page in pages for one in page["users"]]
    assert (len(users), pages[0]["total"]) == (943, 943)
    values = [one[sort] for one in users]
    assert values == sorted(values, reverse=True)
    table = bayes.user_biases().sort("user")
    listed = pl.DataFrame(users).sort("user")
    assert listed["ratings"].to_list() == table["ratings"].to_list()
    for column in ("mean", "bias", "spread"):
        np.testing.assert_allclose(listed[column], table[column], atol=1e-5)
    up = get(client, "users", sort=sort, size=3)["users"]
    assert [one[sort] for one in up] == sorted(values)[:3]


def test_users_are_searched_by_the_beginning_of_their_id_in_any_order(client):
    found = get(client, "users", search="19", sort="ratings", descending=True, size=200)
    assert {one["user"] for one in found["users"]} == {19, *range(190, 200)}
    counts = [one["ratings"] for one in found["users"]]
    assert counts == sorted(counts, reverse=True)


def test_a_history_has_every_rating_beside_its_expectation(client, bayes):
    first = get(client, "histories", user=196, size=20)
    rest = get(client, "histories", user=196, size=20, page=2)
    entries = first["entries"] + rest["entries"]
    assert first["total"] == len(entries) == 39
    ratings = [one["rating"] for one in entries]
    assert ratings == sorted(ratings, reverse=True)
    surprises = bayes.user(196).describe(39).surprises
    by_id = {one["id"]: one for one in entries}
    for row in surprises.iter_rows(named=True):
        one = by_id[row["id"]]
        assert one["expected"] == pytest.approx(row["expected"])
        assert one["surprise"] == pytest.approx(row["surprise"])
        assert one["residual"] == pytest.approx(row["rating"] - row["expected"])
        assert 0 < one["leverage"] < 1
    order = get(client, "histories", user=196, sort="surprise")["entries"]
    assert [one["id"] for one in order] == surprises["id"].to_list()
    latest = get(client, "histories", user=196, sort="time")["entries"]
    frame = bayes.ratings.frame().filter(pl.col("user") == 196)
    assert latest[0]["id"] in frame.filter(pl.col("timestamp") == pl.col("timestamp").max())["item"]
    times = [one["time"] for one in latest]
    assert times == sorted(times, reverse=True)
    assert times[0].startswith("1997-")


def test_histories_without_expectations(events_client, client):
    found = get(events_client, "histories", user=196)
    assert found["total"] == 39
    assert {one["expected"] for one in found["entries"]} == {None}
    assert [one["time"] for one in found["entries"]] == sorted(
        (one["time"] for one in found["entries"]), reverse=True
    )
    for path in ("histories", "histories.csv"):
        refused = events_client.get(f"/api/{path}", params={"user": 196, "sort": "residual"})
        assert refused.status_code == 422
        assert "needs a model of ratings" in refused.json()["detail"]
        assert client.get(f"/api/{path}", params={"user": "zoe"}).status_code == 404
    assert events_client.get("/api/users?sort=bias").status_code == 422
    assert events_client.get("/api/similar-users?user=196").status_code == 422
    assert events_client.get("/api/rating-counts?user=196").status_code == 422


def test_times_are_needed_for_their_order(small):
    model = palate.OneCycle(factors=1, epochs=1).fit(small)
    numbers = get(serve(model), "histories", user="ann", sort="time")["entries"]
    assert [one["time"] for one in numbers] == ["30", "20", "10"]
    frame = small.frame().drop("timestamp")
    without = palate.OneCycle(factors=1, epochs=1).fit(palate.read_ratings(frame))
    refused = serve(without).get("/api/histories", params={"user": "ann", "sort": "time"})
    assert refused.status_code == 422
    assert "have no times" in refused.json()["detail"]
    days = frame.with_columns(timestamp=pl.date_range(pl.date(2026, 1, 1), pl.date(2026, 1, 10)))
    dated = palate.OneCycle(factors=1, epochs=1).fit(palate.read_ratings(days))
    found = get(serve(dated), "histories", user="ann", sort="time")["entries"]
    assert [one["time"] for one in found] == ["2026-01-03", "2026-01-02", "2026-01-01"]


def test_similar_users_are_those_of_the_model(client, bayes):
    found = get(client, "similar-users", user=196, n=4)["users"]
    assert found == bayes.similar_users(196, 4).to_dicts()


def test_rating_counts_of_an_item_and_of_a_user(client, bayes):
    for query, own in (
        ({"item": 100}, bayes.ratings.item == 99),
        ({"user": 3}, bayes.ratings.user == 2),
    ):
        steps = get(client, "rating-counts", **query)["steps"]
        assert [one["rating"] for one in steps] == [1, 2, 3, 4, 5]
        counts = np.bincount(bayes.ratings.rating[own].astype(int), minlength=6)[1:]
        assert [one["observed"] for one in steps] == counts.tolist()
        assert sum(one["expected"] for one in steps) == pytest.approx(counts.sum())
    for query in ({}, {"item": 1, "user": 1}):
        refused = client.get("/api/rating-counts", params=query)
        assert refused.status_code == 422
        assert "either an item or a user" in refused.json()["detail"]


def test_items_are_exported_as_filtered_and_on_all_pages(client, bayes, events_client):
    query = {"where": "genres=Comedy", "min_ratings": 5, "sort": "mean"}
    rows = rows_of(client.get("/api/items.csv", params=query))
    total = get(client, "items", **query)["total"]
    assert len(rows) == total > 200
    means = [float(row["mean"]) for row in rows]
    assert means == sorted(means, reverse=True)
    assert all("Comedy" in row["genres"] for row in rows)
    assert set(rows[0]) == {"id", "item", "ratings", "mean", "bias", "lower", "upper", "gap"} | {
        "year",
        "genres",
    }
    assert rows_of(client.get("/api/items.csv", params={"search": "no such title"})) == []
    assert client.get("/api/items.csv", params={"where": "nonsense"}).status_code == 422
    assert set(rows_of(events_client.get("/api/items.csv"))[0]) >= {"id", "item", "ratings"}


def test_a_history_is_exported_whole(client):
    rows = rows_of(client.get("/api/histories.csv", params={"user": 13, "sort": "residual"}))
    assert len(rows) == get(client, "histories", user=13)["total"] > 600
    residuals = [float(row["residual"]) for row in rows]
    assert residuals == sorted(residuals, reverse=True)


def test_no_cell_is_a_formula_and_lists_are_text(small):
    titles = pl.DataFrame(
        {
            "id": ["tea", "rum", "ale", "gin"],
            "title": ['=HYPERLINK("http://x")', "-30-", "-30", "@home, sweet"],
            "kinds": [["a", "b"], [], None, ["+c"]],
            # CSV has no form for these.
            "cast": [{"lead": ["Ann"]}, None, None, None],
            "length": [timedelta(minutes=90), None, None, None],
            "hash": [b"=1", None, None, None],
        }
    )
    model = palate.OneCycle(factors=1, epochs=1).fit(
        palate.read_ratings(small.frame(), items=titles)
    )
    rows = rows_of(serve(model).get("/api/items.csv", params={"sort": "item"}))
    found = {row["id"]: (row["item"], row["kinds"]) for row in rows}
    assert found == {
        "tea": ('\'=HYPERLINK("http://x")', "a|b"),
        "rum": ("'-30-", ""),
        "ale": ("-30", ""),
        "gin": ("'@home, sweet", "'+c"),
    }
    tea = next(row for row in rows if row["id"] == "tea")
    others = {"cast": '{"lead": ["Ann"]}', "length": "1:30:00", "hash": "b'=1'"}
    assert {name: tea[name] for name in others} == others


def test_a_model_without_users_knows_none(bayes, tmp_path):
    bayes.save(tmp_path / "m", users=False)
    alone = client_of(tmp_path / "m")
    for path in ("users", "histories?user=1", "similar-users?user=1", "rating-counts?item=1"):
        answer = alone.get(f"/api/{path}")
        assert answer.status_code == 404
        assert "without its users" in answer.json()["detail"]
