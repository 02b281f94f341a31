"""What the view "Try it" asks of the service: many items at once, the balance, the clarity."""

import polars as pl
import pytest

import palate

from .conftest import client_of


def test_many_items_are_found_in_one_call_and_unknown_ones_listed_apart(client, bayes):
    asked = ["181", "no such id", "Fargo (1996)", "50", "181"]
    answer = client.get("/api/items", params=[("id", one) for one in asked]).json()
    assert answer["unknown"] == ["no such id"]
    assert [one["id"] for one in answer["items"]] == [181, 100, 50, 181]
    page = client.get("/api/items/100").json()
    assert answer["items"][1] == {name: page[name] for name in answer["items"][1]}
    assert answer["total"] == 4


def test_chosen_items_are_filtered_sorted_and_exported_like_all(client):
    chosen = [("id", "181"), ("id", "100"), ("id", "50"), ("sort", "item")]
    query = [*chosen, ("descending", "false"), ("size", "2")]
    answer = client.get("/api/items", params=query).json()
    assert (answer["total"], [one["id"] for one in answer["items"]]) == (3, [100, 181])
    exported = pl.read_csv(client.get("/api/items.csv", params=chosen).content)
    assert exported["id"].to_list() == [50, 181, 100]
    filtered = client.get("/api/items", params=[*chosen, ("where", "genres=Sci-Fi")]).json()
    assert [one["id"] for one in filtered["items"]] == [50, 181]


def test_items_without_ratings_are_found_and_ambiguous_titles_are_not(tmp_path):
    items = pl.DataFrame({"item": ["a", "b", "c", "d"], "title": ["One", "Two", "Same", "Same"]})
    table = {"user": [1, 1, 2, 2, 3], "item": list("abaca"), "rating": [1, 2, 3, 4, 5]}
    palate.fit(palate.read_ratings(table, items=items)).save(tmp_path / "m")
    client = client_of(tmp_path / "m")
    asked = [("id", "d"), ("id", "Same"), ("id", "")]
    answer = client.get("/api/items", params=asked).json()
    assert answer["unknown"] == ["Same", ""]
    (item,) = answer["items"]
    assert (item["id"], item["ratings"], item["mean"]) == ("d", 0, None)


def test_items_of_events_are_found(events_client):
    answer = events_client.get("/api/items?id=50&id=100").json()
    assert [(one["id"], one["mean"]) for one in answer["items"]] == [(50, None), (100, None)]


def test_too_many_ids_are_refused(client):
    assert client.get("/api/items", params=[("id", "1")] * 1001).status_code == 422


@pytest.mark.parametrize("balance", [0, 0.3, 0.8, 1])
def test_the_balance_is_that_of_the_library(both_client, both, balance):
    body = {"ratings": [{"item": 100, "rating": 5}], "balance": balance}
    answer = both_client.post("/api/recommendations", json=body).json()["recommendations"]
    expected = both.profile({100: 5}).recommend(10, balance=balance)
    assert [one["id"] for one in answer] == expected["id"].to_list()


def test_a_balance_is_between_0_and_1_and_instead_of_a_question(both_client):
    for wrong in ({"balance": 1.5}, {"balance": 0.5, "by": "choice"}):
        answer = both_client.post("/api/recommendations", json={"ratings": []} | wrong)
        assert answer.status_code == 422
        assert "balance" in answer.json()["detail"]


def test_the_clarity_comes_with_the_questions(client, bayes):
    body = {"ratings": [{"item": 100, "rating": 5}], "n": 2, "exclude": [50]}
    answer = client.post("/api/next-questions", json=body).json()
    clarity = bayes.profile({100: 5}).clarity(exclude=[50])
    assert answer["explained"] == pytest.approx(clarity.explained)
    assert answer["more"] == clarity.more > 0
