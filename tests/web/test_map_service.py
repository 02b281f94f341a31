"""The routes of the map: columns that agree with the model, expected ratings of all, and groups."""

import numpy as np
import polars as pl
import pytest

from palate.analysis._group import _z, describe_group
from palate.web._map import map_columns

from .test_service import json_of

FARGO = [{"item": "Fargo (1996)", "rating": 5}, {"item": "Titanic (1997)", "rating": 1}]


def test_the_map_has_all_items_in_columns(client, bayes):
    for x, y in (("axis 1", "bias"), ("year", "ratings")):
        found = json_of(client.get("/api/map", params={"x": x, "y": y}))
        table = bayes.map(x, y)
        assert (found["x"], found["y"]) == (x, y)
        columns = found["columns"]
        for name in ("id", "item", "ratings"):
            assert columns[name] == table[name].to_list()
        for name in ("x", "y"):
            values, tolerance = table[name].to_numpy(), 1e-4 * np.ptp(table[name].to_numpy())
            np.testing.assert_allclose(columns[name], values, atol=tolerance)
            margin = columns[f"{name}_margin"]
            if table[f"{name}_upper"].null_count():
                assert margin is None
            else:
                upper = table[f"{name}_upper"].to_numpy()
                np.testing.assert_allclose(np.add(columns[name], margin), upper, atol=2 * tolerance)


def test_numbers_of_the_map_are_no_longer_than_what_is_seen(client):
    text = client.get("/api/map", params={"x": "axis 1", "y": "axis 2"}).text
    columns = json_of(client.get("/api/map"))["columns"]
    titles = sum(len(title) for title in columns["item"])
    assert len(text) - titles < 45 * len(columns["id"])


def test_the_map_of_a_search_has_the_items_of_the_list(client):
    query = {"search": "satr wars", "where": "year=1970..1980"}
    found = json_of(client.get("/api/map", params=query))
    listed = json_of(client.get("/api/items", params=query))["items"]
    assert found["columns"]["item"] == [one["item"] for one in listed] == ["Star Wars (1977)"]


def test_expected_ratings_of_all_items(client, bayes):
    found = json_of(client.post("/api/predictions", json={"ratings": FARGO}))
    assert found["id"] == bayes.map()["id"].to_list()
    expected = bayes.profile({"Fargo (1996)": 5, "Titanic (1997)": 1}).predict(found["id"])
    np.testing.assert_allclose(found["prediction"], expected["prediction"], atol=1e-3)
    assert json_of(client.post("/api/predictions", json={"ratings": []}))["prediction"]
    skipping = {"ratings": [*FARGO, {"item": "no such", "rating": 3}], "unknown": "skip"}
    answer = json_of(client.post("/api/predictions", json=skipping))
    assert answer["skipped"] == ["no such"]
    assert answer["prediction"] == found["prediction"]


def test_what_a_group_has_in_common(client, bayes):
    comedies = bayes.biases(where={"genres": "Comedy", "year": "1980..1989"})
    found = json_of(client.post("/api/groups", json={"items": comedies["id"].to_list()}))
    assert found["items"] == comedies.height
    np.testing.assert_allclose(found["mean_bias"], comedies["bias"].mean(), rtol=1e-4)
    first = found["categories"][0]
    assert (first["column"], first["value"], first["share"]) == ("genres", "Comedy", 1)
    all_comedies = bayes.biases(min_ratings=1)["id"].is_in(
        bayes.biases(where={"genres": "Comedy"}, min_ratings=1)["id"].implode()
    )
    np.testing.assert_allclose(first["share_of_all"], all_comedies.mean(), rtol=1e-6)
    assert "Drama" not in {one["value"] for one in found["categories"]}
    (years,) = found["ranges"]
    assert years["column"] == "year"
    assert 1980 <= years["lower"] <= years["upper"] <= 1989 < years["lower_of_all"]


def test_a_group_on_one_side_of_an_axis_is_there(client, bayes):
    high = bayes.map("axis 2", "bias").sort("x", descending=True).head(80)["id"].to_list()
    found = json_of(client.post("/api/groups", json={"items": high}))
    assert found["shifts"][0]["axis"] == 2
    assert found["shifts"][0]["position"] > 1


def test_groups_of_nothing_of_all_and_of_unknown_items(client, bayes):
    empty = {"items": 0, "mean_bias": None, "categories": [], "ranges": [], "shifts": []}
    assert json_of(client.post("/api/groups", json={"items": []})) == {**empty, "skipped": []}
    every = bayes.map("bias", "ratings")["id"].to_list()
    found = json_of(client.post("/api/groups", json={"items": [*every, "gone"], "unknown": "skip"}))
    assert (found["items"], found["categories"], found["shifts"]) == (len(every), [], [])
    assert found["skipped"] == ["gone"]
    assert client.post("/api/groups", json={"items": ["gone"]}).status_code == 404


@pytest.mark.parametrize("n", [3, 60, 180])
def test_the_mean_of_a_random_group_is_off_by_its_standard_error(n):
    """Also if the group is most of the table, whose mean it then can hardly miss."""
    random = np.random.default_rng(0)
    every = random.exponential(size=200)
    z = [_z(random.choice(every, n, replace=False), every) for _ in range(4000)]
    assert np.mean(z) == pytest.approx(0, abs=0.1)
    assert np.std(z) == pytest.approx(1, abs=0.1)


def test_random_groups_rarely_differ(bayes):
    """Only what chance alone would rarely show is reported."""
    learned = bayes.learned
    random = np.random.default_rng(0)
    rated = np.flatnonzero(learned.rated)
    groups = [describe_group(learned, random.choice(rated, 60, replace=False)) for _ in range(40)]
    reported = [len(one.categories) + len(one.ranges) + len(one.shifts) for one in groups]
    kinds = len(learned.item_features) + learned.factors
    assert np.mean(reported) < 0.01 * kinds


def test_events_have_no_map(events_client):
    assert events_client.get("/api/map").status_code == 422
    assert events_client.post("/api/groups", json={"items": []}).status_code == 422
    assert events_client.post("/api/predictions", json={"items": []}).status_code == 422


def test_a_coordinate_of_very_small_numbers(bayes):
    ids = {name: name for name in bayes.items["id"]}
    table = bayes.map("year", "bias").head(9)
    for scale in (1e-290, 1e-310):
        small = table.with_columns(x=pl.Series(np.arange(9) * scale))
        found = map_columns(small, "year", "bias", ids).columns.x
        np.testing.assert_allclose(found, small["x"], rtol=1e-3, atol=1e-299)


def test_a_coordinate_without_extent(client, bayes):
    """Rounding does not need a range."""
    one = bayes.map("year", "bias").filter(pl.col("x") == 1996)
    assert one.height
    ids = {name: name for name in bayes.items["id"]}
    assert set(map_columns(one, "year", "bias", ids).columns.x) == {1996}
