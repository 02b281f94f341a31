"""What a table knows of people and items is standardised as in the fit, whoever is asked for."""

import datetime as dt

import numpy as np
import polars as pl
import pytest

import palate
from palate.solvers.gibbs._known_features import known_values

TABLE = pl.DataFrame(
    {
        "id": range(6),
        "age": [20, 30, None, 50, 60, 1000],
        "work": ["writer", "lawyer", "writer", None, "lawyer", "doctor"],
        "likes": ["a|b", "b", "a", "a|c", None, "c"],
        "member": [0, 1, 1, 0, 0, 1],
        "since": [dt.date(2000 + n, 1, 1) for n in range(6)],
        "tags": [["x"], ["x", "y"], ["y"], None, [], ["y"]],
    }
)
RATED = np.array([True] * 5 + [False])


@pytest.fixture
def known():
    return known_values(TABLE, RATED)


def test_the_values_of_the_fit_are_those_of_its_table(known):
    np.testing.assert_array_equal(known.features.of(TABLE), known.values)
    rows = TABLE[[3, 1]]
    np.testing.assert_array_equal(known.features.of(rows), known.values[[3, 1]])
    np.testing.assert_array_equal(
        known.features.of(rows.select("tags", "work", "age", "likes", "since", "member")),
        known.values[[3, 1]],
    )


def test_they_are_standardised_over_the_rows_with_ratings(known):
    names, values = known.features.names, known.values
    age = values[:, names.index(("age", None))]
    ages = np.array([20, 30, 50, 60])
    expected = (np.array([20, 30, 40, 50, 60, 60]) - ages.mean()) / ages.std()
    np.testing.assert_allclose(age, expected, atol=1e-6)  # unknown: the mean; 1000: the highest
    writer = values[:, names.index(("work", "writer"))]
    np.testing.assert_allclose(writer, [0.5, -0.5, 0.5, 0, -0.5, -0.5], atol=1e-6)
    assert ("likes", "c") in names
    assert ("member", "member") in names
    assert ("tags", "y") in names
    assert known.features.blocks == [1, 2, 3, 1, 1, 2]  # no doctor has ratings
    assert known.features.exclusive == [slice(1, 3)]
    assert known.features.columns == TABLE.columns[1:]


@pytest.mark.parametrize(
    ("given", "row"),
    [
        ({"age": "30", "work": "lawyer", "likes": "b", "member": True}, 1),
        ({"age": 1e9, "likes": " c ", "work": "doctor", "member": 1}, 5),
        ({"likes": ["a", "b"], "tags": ["x"], "work": "writer", "age": 20.0}, 0),
    ],
)
def test_one_person(known, given, row):
    found = known.features.of_person(given)
    for place, (column, _) in enumerate(known.features.names):
        expected = known.values[row, place] if column in given else 0
        assert found[0, place] == expected


def test_nothing_is_known_of_a_person_without_features(known):
    assert known.features.of_person(None) is None
    assert known.features.of_person({}) is None
    assert not known.features.of_person({"age": None, "work": None}).any()


def test_what_the_fit_has_not_seen_is_refused(known):
    with pytest.raises(palate.SettingError, match="does not know 'hat' of people; it knows age, "):
        known.features.of_person({"hat": 3})
    with pytest.raises(
        palate.DataError, match="the column 'age' holds 'old'; in the fit it held num"
    ):
        known.features.of_person({"age": "old"})
    with pytest.raises(
        palate.DataError, match=r"the column 'tags' holds .*; in the fit it held te"
    ):
        known.features.of_person({"tags": [1, 2]})
    with pytest.raises(palate.SettingError, match=r"features is 'age=3'; give a dictionary"):
        known.features.of_person("age=3")


def test_a_wide_table_keeps_the_features_of_most_rows(monkeypatch):
    module = "palate.solvers.gibbs._known_features"
    monkeypatch.setattr(f"{module}.MAX_COLUMNS", 3)
    kept = known_values(TABLE, RATED).features.names
    assert kept[:1] == [("age", None)]
    assert len(kept) == 3
    monkeypatch.setattr(f"{module}._MAX_ELEMENTS", 13)
    assert len(known_values(TABLE, RATED).features) == 2
