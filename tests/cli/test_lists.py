"""Lists for many people agree with `Profiles.recommend`; contradicting options are refused."""

import polars as pl
import pytest
from commands import run, run_json

import palate

READERS = {".parquet": pl.read_parquet, ".csv": pl.read_csv, ".jsonl": pl.read_ndjson}
TABLES = ["--candidates-by-user", "--exclude-by-user"]


@pytest.mark.parametrize("suffix", READERS)
def test_lists_of_all_known_users(folder, tmp_path, suffix):
    path = tmp_path / f"lists{suffix}"
    out, err = run("recommend", folder, "--all", "-o", path, "-n", 3)
    found, expected = READERS[suffix](path), palate.load(folder).recommend(3)
    assert out == f"Lists for 943 users, 2,829 rows, are in {path}.\n"
    assert err == ""
    assert found.columns == ["user", "rank", "id", "item", "score", "chance", "prediction", "sd"]
    assert found.select("user", "rank", "id").rows() == expected.select("user", "rank", "id").rows()


def test_lists_of_the_users_of_a_file(folder, tmp_path, write):
    users = write("users.csv", "userId,country\n196,NL\nnobody,NL\n1,BE\n")
    path = tmp_path / "lists.parquet"
    _, err = run("recommend", folder, "--users", users, "-o", path, status=1)
    assert "there is no user 'nobody' among the 943 of this model" in err
    assert not path.exists()
    given = ["recommend", folder, "--users", users, "-o", path, "-n", 2, "--unknown", "skip"]
    out, err = run(*given)
    assert err == "Skipped 1 unknown user: 'nobody'\n"
    assert out.startswith("Lists for 2 users, 4 rows, are in ")
    assert pl.read_parquet(path)["user"].to_list() == [196, 196, 1, 1]
    assert run_json(*given) == {
        "path": str(path),
        "users": 2,
        "rows": 4,
        "skipped": {"users": ["nobody"], "items": []},
    }


def test_every_option_of_lists(folder, tmp_path, write):
    path, out_of_stock = tmp_path / "lists.parquet", write("out.csv", "user,item\n1,258\n1,xx\n")
    options = ["--exclude", "300", "--exclude", "gone", "--where", "genres=Comedy"]
    options += ["--where", "year=1990..1996", "--diversity", 0.2, "--exclude-by-user", out_of_stock]
    options += ["--threads", 1, "--seen", "--by", "choice", "--explain"]
    people = palate.load(folder).profiles(users=[1, 2])
    document = run_json(
        "recommend", folder, "--users", write("u.txt", "1\n2\n"), "-o", path, "-n", 4, *options
    )
    assert document["skipped"]["items"] == ["gone", "xx"]
    expected = people.recommend(
        4,
        exclude=["300", "gone"],
        where={"genres": "Comedy", "year": "1990..1996"},
        diversity=0.2,
        exclude_by_user=out_of_stock,
        seen=True,
        by="choice",
        explain=True,
    )
    names = ["user", "id", "reason"]
    assert pl.read_parquet(path).select(names).rows() == expected.select(names).rows()


def test_the_balance_of_both_questions(both, tmp_path):
    both.save(tmp_path / "m")
    path, options = tmp_path / "lists.parquet", ["-n", 5, "--balance", 0.9]
    expected = both.user(196).recommend(5, balance=0.9)["id"].to_list()
    assert expected != both.user(196).recommend(5)["id"].to_list()
    one = run_json("recommend", tmp_path / "m", "--user", 196, *options)
    assert [row["id"] for row in one["recommendations"]] == expected
    run("recommend", tmp_path / "m", "--all", "-o", path, *options)
    assert pl.read_parquet(path).filter(pl.col("user") == 196)["id"].to_list() == expected
    _, err = run("recommend", tmp_path / "m", "--user", 196, "--balance", 2, status=1)
    assert "--balance is 2; it must be from 0 to 1" in err


def test_candidates_of_each_user(folder, tmp_path, write):
    table, path = write("c.csv", "user,item\n1,258\n1,300\n2,258\n"), tmp_path / "lists.csv"
    run("recommend", folder, "--all", "-o", path, "--seen", "--candidates-by-user", table)
    assert sorted(pl.read_csv(path).select("user", "id").rows()) == [(1, 258), (1, 300), (2, 258)]
    wrong = write("w.csv", "user,item\n1,258\n1,Nope\n")
    given = ["recommend", folder, "--all", "-o", path, "--candidates-by-user", wrong]
    _, err = run(*given, status=1)
    assert "there is no item 'Nope'" in err
    out, err = run(*given, "--unknown", "skip", "--seen")
    assert err == "Skipped 1 unknown item: 'Nope'\n"
    assert "Lists for 943 users, 1 row, are in" in out


def test_what_is_skipped_is_counted_and_named(folder, tmp_path, write):
    rows = "".join(f"1,gone {n}\n" for n in range(1200))
    given = ["--all", "-o", tmp_path / "x.csv", "-n", 1]
    _, err = run("recommend", folder, *given, "--exclude-by-user", write("e.csv", rows))
    assert err == (
        "Skipped 1,200 unknown items: 'gone 0', 'gone 1', 'gone 2', 'gone 3', 'gone 4', ...\n"
    )


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["--all", "--users", "u.csv"], "--all and --users FILE choose different users"),
        (["--all", "--user", "1"], "--user is for one person, and --all for many; leave out one"),
        (["--all", "--rate", "50=5"], "--rate is for one person, and --all for many"),
        (["--users", "u", "--feature", "age=3"], "--feature is for one person, and --users FILE"),
        (["--all"], "--all writes lists to a file: name it, as in --all -o lists.parquet"),
        (["-o", "x.csv"], "-o is for lists of many people: choose these by --all or --users FILE"),
        (["--user", "1", "-o", "x.csv"], "-o is for lists of many people"),
        (["--user", "1", "--exclude-by-user", "x"], "--exclude-by-user is for lists of many"),
        (["--user", "1", "--threads", "1"], "--threads is for lists of many people"),
    ],
)
def test_options_that_contradict_each_other(given, message):
    _, err = run("recommend", "no-model", *given, status=1)
    assert err.startswith(f"palate: {message}")


def test_a_destination_that_cannot_be_written_is_found_before_the_model_is_read(tmp_path):
    for name, message in (
        ("lists.xlsx", "can't tell the format of 'lists.xlsx'; let the name end in .parquet, .csv"),
        ("no/lists.csv", "to write lists.csv in; create it"),
        (".", "can't tell the format"),
        ("folder.csv", "is a folder; name the file to write in it"),
    ):
        (tmp_path / "folder.csv").mkdir(exist_ok=True)
        _, err = run("recommend", "no-model", "--all", "-o", tmp_path / name, status=1)
        assert message in err
    assert [path.name for path in tmp_path.iterdir()] == ["folder.csv"]


def test_where_and_unknown_for_one_person(folder):
    found = run_json("recommend", folder, "--user", 196, "--where", "genres=Comedy", "-n", 4)
    expected = palate.load(folder).user(196).recommend(4, where={"genres": "Comedy"})
    assert found == {"recommendations": expected.to_dicts(), "skipped": []}
    _, err = run("recommend", folder, "--user", 196, "--where", "genre=Comedy", status=1)
    assert "there is no column 'genre'" in err
    rates = ["--rate", "Fargo (1996)=5", "--rate", "Nope=1", "--exclude", "gone", "-n", 1]
    _, err = run("recommend", folder, *rates, status=1)
    assert "there is no item 'Nope'" in err
    found = run_json("recommend", folder, *rates, "--unknown", "skip")
    assert found["skipped"] == ["Nope", "gone"]
    _, err = run("recommend", folder, *rates, "--unknown", "skip")
    assert err == "Skipped 2 unknown items: 'Nope', 'gone'\n"


def test_lists_of_events(events_folder, tmp_path):
    path = tmp_path / "lists.csv"
    run("recommend", events_folder, "--all", "-o", path, "-n", 2)
    found, expected = pl.read_csv(path), palate.load(events_folder).recommend(2)
    assert found.columns == ["user", "rank", "id", "item", "score", "chance"]
    assert found["id"].to_list() == expected["id"].to_list()
