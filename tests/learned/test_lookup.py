"""Look-up of users and items: ids of any type, titles, ambiguities and suggestions."""

import datetime as dt
import uuid
from decimal import Decimal

import numpy as np
import polars as pl
import pytest

import palate
from palate.learned import _lookup
from palate.learned._lookup import IdIndex, ItemIndex


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m: m.user(944), r"there is no user 944 among the 943 of this model; the nearest"),
        (lambda m: m.user("zoe"), "there is no user 'zoe'"),
        (lambda m: m.similar("Farg"), r"there is no item 'Farg'; the nearest are 'Fargo \(1996\)'"),
        (lambda m: m.similar("Strar Wras (1977)"), r"the nearest are 'Star Wars \(1977\)'"),
        (lambda m: m.similar(1.5), "there is no item 1.5"),
        (lambda m: m.similar(None), "there is no item None"),
        (lambda m: m.similar(10**30), "there is no item 1000"),
        (lambda m: m.user(1).predict(["Fargo (1996)", "Nope"]), "there is no item 'Nope'"),
        (
            lambda m: m.user(1).recommend(exclude=["Nope"], unknown="error"),
            "there is no item 'Nope'",
        ),
        (lambda m: m.user(1).recommend(candidates=["Nope"]), "there is no item 'Nope'"),
        (lambda m: m.predict([1, 0], [1, 1]), "there is no user 0"),
    ],
)
def test_unknown_names_are_refused_with_the_nearest(model, call, message):
    with pytest.raises(palate.UnknownIdError, match=message):
        call(model)


def test_uuids_are_found_as_the_text_that_they_became():
    ids = [uuid.UUID(int=1), uuid.UUID(int=2)]
    ratings = palate.read_ratings({"user": ids, "item": [1, 2], "rating": [3, 4]})
    assert IdIndex(ratings.users["id"], "user").rows([*ids, str(ids[0])]).tolist() == [0, 1, 0]


def test_a_title_of_two_items_is_an_ambiguity(model):
    with pytest.raises(
        palate.UnknownIdError, match="the title of 2 items; choose one by its id: 266, 680"
    ):
        model.similar("Kull the Conqueror (1997)")
    assert model.similar(266, 1).height == 1


def test_an_id_comes_before_another_items_title():
    items = pl.DataFrame({"item": [1, 2], "title": ["2", "One"]})
    table = pl.DataFrame({"user": [1, 2, 2], "item": [1, 1, 2], "rating": [1, 2, 3]})
    model = palate.OneCycle(factors=1).fit(palate.read_ratings(table, items=items))
    for two in (2, "2", np.int64(2), 2.0):
        assert model.similar(two)["item"].to_list() == ["2"]


@pytest.mark.parametrize(
    ("ids", "unknown"),
    [
        ([1, 2], [None, 1.5, True, "01", "x", {}, [1], 10**30, dt.date(2024, 1, 1), "\udcff"]),
        (["a", "b"], [None, 1, "A", b"a", {}, 1.0]),
        ([dt.date(2024, 1, 1), dt.date(2024, 1, 2)], [None, 5, "x", "2024-01-03"]),
        ([True, False], [None, 1, "yes"]),
        ([Decimal("1.5"), Decimal("2")], [None, "2", np.int64(99)]),
    ],
)
def test_only_known_ids_are_found(ids, unknown):
    table = pl.DataFrame({"user": ids, "item": [1, 2], "rating": [1, 2]})
    model = palate.OneCycle(factors=1, epochs=1).fit(palate.read_ratings(table))
    for known in ids:
        assert model.user(known).rated.tolist() == [ids.index(known)]
        text = model.users["id"].cast(pl.String)[sorted(ids).index(known)]
        assert model.user(text).row.tolist() == model.user(known).row.tolist()
    for name in unknown:
        with pytest.raises(palate.UnknownIdError, match="there is no user"):
            model.user(name)


def test_ids_as_text_and_titles_in_any_case(model):
    assert model.user("196").row.tolist() == model.user(196).row.tolist()
    assert model.similar("fargo (1996)").equals(model.similar("100"))


ITEMS = pl.DataFrame(
    {"id": [10, 20, 30, 40], "item": ["Heat (1995)", "20", "Kull (1997)", "Kull (1997)"]}
)


@pytest.fixture
def scans(monkeypatch):
    """Return a list that grows by a name whenever all ids are compared with it."""
    names, scan = [], _lookup._rows_with_id

    def counted(ids, name):
        names.append(name)
        return scan(ids, name)

    monkeypatch.setattr(_lookup, "_rows_with_id", counted)
    return names


@pytest.mark.parametrize(
    "name", [20, "20", 20.0, np.int64(20), np.uint8(20), np.float32(20), Decimal(20)]
)
def test_an_integer_id_is_found_in_any_numeric_type_and_as_text(name):
    assert IdIndex(ITEMS["id"], "item").row(name) == 1
    assert ItemIndex(ITEMS).row(name) == 1


@pytest.mark.parametrize("name", [True, np.bool_(True), 1.5, "1.0", " 1", None, b"1", (1,)])
def test_names_that_only_resemble_an_id_are_unknown(name):
    with pytest.raises(palate.UnknownIdError, match="there is no user"):
        IdIndex(pl.Series([1, 2]), "user").row(name)


def test_numpy_text_is_found_among_ids_that_are_text():
    assert IdIndex(pl.Series(["a", "b"]), "user").row(np.str_("b")) == 1


def test_one_name_and_several_give_an_array_of_rows():
    index = ItemIndex(ITEMS)
    for names, rows in (
        ("Heat (1995)", [0]),
        (30, [2]),
        (["heat (1995)", 40], [0, 3]),
        (np.array([10, 40]), [0, 3]),
        (pl.Series([40, 10]), [3, 0]),
        ([], []),
    ):
        found = index.rows(names)
        assert found.dtype == np.int64
        assert found.tolist() == rows


def test_an_ambiguous_title_lists_the_ids_to_choose_from():
    index = ItemIndex(ITEMS)
    for title in ("Kull (1997)", "kull (1997)"):
        with pytest.raises(palate.UnknownIdError, match=r"title of 2 items; .* id: 30, 40"):
            index.row(title)


def test_suggestions_contain_the_name_or_are_spelt_like_it():
    index = ItemIndex(ITEMS)
    for name in ("Heat", "Haet (1995)"):
        with pytest.raises(palate.UnknownIdError, match=r"the nearest are 'Heat \(1995\)'$"):
            index.row(name)
    with pytest.raises(
        palate.UnknownIdError, match=r"^there is no item 'Zulu'; one is 'Heat \(1995\)'$"
    ):
        index.row("Zulu")


def test_ids_of_text_are_suggested_too():
    items = pl.DataFrame({"id": ["TOY-01", "TOY-02"], "item": ["Kite", "Yo-yo"]})
    with pytest.raises(palate.UnknownIdError, match=r"the nearest are 'TOY-02'$"):
        ItemIndex(items).row("toy_02")


def test_known_ids_and_titles_are_found_without_a_scan(scans):
    """Only an id that is given in another type needs one."""
    index = ItemIndex(ITEMS)
    assert index.rows([10, "10", "20", "Heat (1995)", np.int64(40)]).tolist() == [0, 0, 1, 0, 3]
    assert scans == []
    assert index.row("heat (1995)") == 0
    assert index.find(["heat (1995)", "Haet", 99, "Haet"], "skip").skipped == ("Haet", 99)
    assert scans == []
    assert index.row(20.0) == 1
    assert scans == [20.0]


def test_predictions_for_thousands_of_users_scan_no_table(scans):
    """2,000 distinct users; the control is a user whose id is given as a float."""
    n = 2000
    ratings = pl.DataFrame({"user": range(n), "item": [k % 3 for k in range(n)]})
    model = palate.OneCycle(factors=1, epochs=1).fit(
        palate.read_ratings(ratings.with_columns(rating=pl.col("user") % 5 + 1))
    )
    assert model.predict(range(n), [k % 3 for k in range(n)]).shape == (n,)
    assert scans == []
    model.predict([7.0], [1])
    assert scans == [7.0]
