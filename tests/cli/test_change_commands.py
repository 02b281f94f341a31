"""The commands update and forget."""

import shutil

import pytest
from commands import run, run_json

import palate


@pytest.fixture
def copy(folder, tmp_path):
    """Return the folder of a copy of the model of MovieLens 100k."""
    return shutil.copytree(folder, tmp_path / "copy")


def content(folder):
    return b"".join(path.read_bytes() for path in sorted(folder.iterdir()))


def test_update(copy, write, tmp_path):
    new = write("new.csv", "user,item,rating,timestamp\n1,50,1,1\n9999,50,4,1\n9999,7777,5,1\n")
    items = write("items.csv", "item,title,genres\n7777,A new film,War\n")
    before = content(copy)
    out, _ = run("update", copy, new, "--items", items, "-o", tmp_path / "other")
    assert f"Added 3 ratings with 1 new user and 1 new item. The model is in {tmp_path}" in out
    assert "Star Wars (1977)" in out
    assert "No refit is due: 0.0% of 100,002 ratings are newer than the fit" in out
    assert content(copy) == before
    assert palate.load(tmp_path / "other").user(9999).predict("A new film")["id"].to_list() == [
        7777
    ]
    document = run_json("update", copy, new, "--unknown", "skip")
    assert (document["new_ratings"], document["new_users"], document["new_items"]) == (2, 1, 0)
    assert document["skipped"] == [7777]
    assert document["refit"]["due"] is False
    assert [row["id"] for row in document["drift"]] == [50]
    assert palate.load(copy).users.height == 944


def test_what_cannot_be_added_changes_nothing(copy, write):
    before = content(copy)
    text = write("text.csv", "user,item,rating\nann,50,1\nbob,50,2\n")
    _, err = run("update", copy, text, status=1)
    assert "the user ids of the model are whole numbers, and 'ann' in these ratings is not" in err
    _, err = run("update", copy, write("r.csv", "user,item,rating\n1,50,1\n2,50,9\n"), status=1)
    assert "outside the model's scale of 1 to 5" in err
    _, err = run("update", copy / "none", text, status=1)
    assert "there is no model" in err
    assert content(copy) == before


def test_update_without_timestamps_says_that_the_model_has_none(copy, write):
    out, _ = run("update", copy, write("r.csv", "user,item,rating\n1,50,1\n"))
    assert "The model has no timestamps any more" in out


def test_a_table_of_a_day_is_of_the_kind_and_has_the_ids_of_the_model(write, tmp_path):
    """Alone, these rows would be events, of users whose ids are whole numbers."""
    rows = [f"{'u' * (n % 2)}{n % 7},i{n % 5},{n % 3}\n" for n in range(70)]
    write("r.csv", "user,item,rating\n" + "".join(rows[:35]))
    run("fit", tmp_path / "r.csv", "-o", tmp_path / "m", "--solver", "one-cycle")
    new = write("new.csv", "user,item,rating\n6,i1,2\n8,i1,2\n")
    out, err = run("update", tmp_path / "m", new)
    assert "2 ratings from 2 to 2" in err
    assert "1 new user" in out
    users = palate.load(tmp_path / "m").users["id"].to_list()
    assert {"6", "8", "u1"} <= set(users)
    bad = write("bad.csv", "user,item,rating\n6,i99,2\n")
    _, err = run("update", tmp_path / "m", bad, status=1)
    assert "the model does not know 1 of the items, such as 'i99'" in err
    assert "--unknown skip" in err
    _, err = run("update", tmp_path / "m", bad, "--unknown", "skip", status=1)
    assert "knows none of the items of these ratings, such as 'i99'" in err


def test_skipped_items_have_the_ids_of_the_model(write, tmp_path):
    """In the table of a day all ids happen to be whole numbers."""
    rows = [f"{n % 7},{'i' * (n % 2)}{n % 5},{n % 3}\n" for n in range(70)]
    write("r.csv", "user,item,rating\n" + "".join(rows[:35]))
    run("fit", tmp_path / "r.csv", "-o", tmp_path / "m", "--solver", "one-cycle")
    new = write("new.csv", "user,item,rating\n6,2,1\n6,77,2\n")
    document = run_json("update", tmp_path / "m", new, "--unknown", "skip")
    assert (document["new_ratings"], document["skipped"]) == (1, ["77"])


def test_update_of_events(events_folder, write, tmp_path):
    new = write("new.csv", "user,item\nc1,p19\nnew,p0\n")
    out, _ = run("update", events_folder, new, "-o", tmp_path / "m")
    assert "Added 2 events with 1 new user and 0 new items" in out
    assert "newer than the fit." in out


def test_forget(copy, write):
    assert run("forget", copy, "9", "196")[0].startswith("Removed 2 users with 61 ratings, and 0")
    users = write("users.csv", "user\n10\n196\n")
    _, err = run("forget", copy, "--users", users, status=1)
    assert "there is no user '196'" in err
    document = run_json("forget", copy, "11", "--users", users, "--unknown", "skip")
    assert (document["users"], document["skipped"]) == (2, ["196"])
    left = palate.load(copy)
    assert left.users.height == 939
    assert not {9, 10, 11, 196} & set(left.users["id"])
    assert len(left.ratings) == 100_000 - 61 - document["ratings"]
    _, err = run("forget", copy, status=1)
    assert "with --users" in err
