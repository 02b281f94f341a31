"""The commands that inspect a model agree with its readings."""

import re

import polars as pl
import pytest
from commands import run, run_json

import palate


def test_biases(folder):
    model = palate.load(folder)
    document = run_json("biases", folder, "-n", 2)
    assert document["order"] == "cautious"
    assert document["highest"] == model.biases().head(2).to_dicts()
    assert document["lowest"] == model.biases().reverse().head(2).to_dicts()
    assert document["gaps"] == model.biases("gap").head(2).to_dicts()
    assert document["spread"] == model.biases("spread").head(2).to_dicts()
    parts = ("mu", "bias", "raters_bias", "raters_interaction", "residual")
    for row in run_json("biases", folder, "-n", 1682)["highest"]:
        assert sum(row[part] for part in parts) == pytest.approx(row["mean"], abs=1e-4)
    plain = run_json("biases", folder, "-n", 2, "--plain")
    assert plain["order"] == "bias"
    assert plain["highest"] == model.biases("bias").head(2).to_dicts()
    out, _ = run("biases", folder)
    best = model.biases().row(0, named=True)
    interval = f"{best['lower']:.2f} to {best['upper']:.2f}"
    for part in (best["item"], "90% interval", interval, "Where the mean misleads"):
        assert part in out
    assert re.search(r"Most divisive: .*Evita \(1996\)", out, re.DOTALL)
    assert "Where the mean misleads most, among items with at least 20 ratings" in out
    assert re.search(r"Crumb \(1994\).*\n.*chosen by those", out)


def test_popularity(folder):
    table = palate.load(folder).popularity()
    document = run_json("popularity", folder, "-n", 3)
    assert document["popularity"] == table.to_dicts()
    often = table.filter(contrast="picked often, liked little")
    rarely = table.filter(contrast="picked rarely, well liked")
    assert document["often"] == often.head(3).to_dicts()
    assert document["rarely"] == rarely.reverse().head(3).to_dicts()
    out, _ = run("popularity", folder, "--where", "genres=Comedy", "--plain")
    assert re.search(r"Picked often, liked little\n.*times as often.*90% interval", out, re.DOTALL)
    assert "Liar Liar (1997)" in out
    assert "with at least 20 ratings (--min-ratings)" in out
    fargo = ["--where", "item=Fargo (1996)"]
    assert "has so many ratings" in run("popularity", folder, *fargo, "--min-ratings", 999)[0]
    out, _ = run("popularity", folder, *fargo, "--min-ratings", 100)
    assert "with at least 100 ratings" in out
    assert "Picked often, liked little: of 1 such item none is surely so" in out
    help_text = " ".join(run("popularity", "--help")[0].replace("│", " ").split())
    assert "by default 20, or fewer in a small data set" in help_text


def test_biases_of_some_items_and_of_users(folder, monkeypatch):
    model = palate.load(folder)
    options = [
        "--where",
        "genres=Comedy",
        "--where",
        "year=1980..1989",
        "--min-ratings",
        50,
        "-n",
        3,
    ]
    comedies = model.biases(where={"genres": "Comedy", "year": "1980..1989"}, min_ratings=50)
    assert run_json("biases", folder, *options)["highest"] == comedies.head(3).to_dicts()
    document = run_json("biases", folder, "--users", "-n", 3)
    assert document["highest"] == model.user_biases().head(3).to_dicts()
    monkeypatch.setenv("COLUMNS", "80")
    out, _ = run("biases", folder, "--users")
    assert re.search(r"user +mean rating +bias +rank by mean +rank by bias", out)
    row = model.user_biases("gap").row(0, named=True)
    assert re.search(rf" {row['user']} +{row['mean']:.2f} +{row['bias']:.3f} ", out)
    assert "Least predictable" in out
    assert "Most generous" in out
    assert "Most severe" in out


def test_empty_tables_of_biases_say_why(folder):
    """Each of these has a cause that another option would change."""
    out, _ = run("biases", folder, "--min-ratings", 9999)
    assert out == "No such item has 9,999 ratings or more; choose a smaller --min-ratings.\n"
    out, _ = run("biases", folder, "--users", "--min-ratings", 9999)
    assert out.startswith("No such user has 9,999 ratings or more")
    best = ["--where", "item=Star Wars (1977)"]
    out, _ = run("biases", folder, *best)
    assert "whatever kind people enjoy: of 1 item none is certain to be so" in out
    rare = palate.load(folder).biases().filter(ratings=3)["item"][0]
    out, _ = run("biases", folder, "--where", f"item={rare}")
    assert "with at least 20 ratings: no item has so many; choose a smaller --min-ratings" in out


def test_features(folder, tmp_path, write):
    table = palate.load(folder).features()
    assert run_json("features", folder)["features"] == table.to_dicts()
    out, _ = run("features", folder)
    assert re.search(r"Worth more than others\n.*Documentary +0\.\d{3}", out, re.DOTALL)
    assert re.search(r"Worth less than others\n.*Sci-Fi +-0\.\d{3}", out, re.DOTALL)
    of_users = run_json("features", folder, "--users")["features"]
    assert of_users == palate.load(folder).user_features().to_dicts()
    certain = sum(row["lower"] > 0 or row["upper"] < 0 for row in of_users)
    assert certain <= 1  # that of an unknown age is nearly so
    said = "Of the other features" if certain else "Of none of the 24 features is it certain"
    assert said in run("features", folder, "--users")[0]
    write(
        "r.csv", "user,item,rating\n" + "".join(f"u{n % 7},i{n % 5},{n % 4}\n" for n in range(35))
    )
    run("fit", tmp_path / "r.csv", "-o", tmp_path / "m")
    assert "The items have no features" in run("features", tmp_path / "m")[0]
    assert "with a file of users (--users)" in run("features", tmp_path / "m", "--users")[0]


def test_axes(folder):
    document = run_json("axes", folder, "-n", 3)
    assert document["axes"] == palate.load(folder).axes(3).to_dicts()
    out, _ = run("axes", folder)
    assert re.search(r"Axis 1: newer Action <-> Drama \([34]\d% of what the axes ex", out)
    assert "Independence Day (ID4) (1996)" in out
    assert "Associated with" in out
    assert "minor axes are left out" in out


def test_similar(folder):
    model = palate.load(folder)
    document = run_json("similar", folder, "Fargo (1996)", "-n", 2)
    assert document["similar"] == model.similar("Fargo (1996)", 2).to_dicts()
    plain = run_json("similar", folder, "Fargo (1996)", "--plain", "--min-ratings", 30)["similar"]
    expected = model.similar("Fargo (1996)", order="similarity", min_ratings=30)
    assert plain == expected.to_dicts()
    assert model.similar(1)["item"][0].split()[0] in run("similar", folder, 1)[0]
    picked = run_json("similar", folder, "Fargo (1996)", "--by", "choice", "-n", 2)["similar"]
    assert picked == model.similar("Fargo (1996)", 2, by="choice").to_dicts()
    shown, _ = run("similar", folder, "Fargo (1996)", "--by", "choice", "-n", 2)
    assert shown.startswith("Picked by the same people as Fargo (1996)")
    assert re.search("partial correlation +ratings", shown)
    assert (
        "--by applies to items"
        in run("similar", folder, "--user", 1, "--by", "choice", status=1)[1]
    )
    users = run_json("similar", folder, "--user", 196, "-n", 3)["similar"]
    assert users == model.similar_users(196, 3).to_dicts()


def test_items_that_are_picked_together(events_folder):
    shown, _ = run("similar", events_folder, "p2")
    assert re.search("partial correlation +people", shown)
    assert "ratings" in run_json("similar", events_folder, "p2")["similar"][0]


def test_map(folder):
    document = run_json("map", folder, "--x", "year", "--y", "bias")
    assert document["map"] == palate.load(folder).map("year", "bias").to_dicts()
    assert "Star Wars" in run("map", folder, "-n", 3)[0]


def test_a_map_is_drawn(folder, tmp_path):
    run("map", folder, "--x", "component 1", "--y", "component 3", "-o", tmp_path / "map.html")
    page = (tmp_path / "map.html").read_text()
    assert "component 3 (rating points)" in page
    _, err = run("map", folder, "-o", tmp_path / "none" / "map.html", status=1)
    assert err.startswith(f"palate: there is no folder {tmp_path / 'none'}")


def test_report(folder, tmp_path):
    out, _ = run("report", folder, "-o", tmp_path / "r.html", "--user", 42)
    assert f"The report is in {tmp_path / 'r.html'}" in out
    page = (tmp_path / "r.html").read_text()
    assert "User 42 gave" in page
    assert "palate report MODEL --evaluate" in page
    _, err = run("report", folder, "-o", tmp_path / "r.html", "--user", "zoe", status=1)
    assert err.startswith("palate: there is no user 'zoe'")
    assert (tmp_path / "r.html").read_text() == page


def test_a_report_with_an_evaluation(tmp_path):
    run("fit", "ml-100k", "-o", tmp_path / "m", "--epochs", 2, "--factors", 5)
    options = ["-o", tmp_path / "r.html", "--evaluate"]
    assert run_json("report", tmp_path / "m", *options) == {"report": str(tmp_path / "r.html")}
    page = (tmp_path / "r.html").read_text()
    assert "means of items and users" in page
    assert "was not measured" not in page


def test_biases_of_a_point_estimate_have_no_intervals(tmp_path):
    run("fit", "ml-100k", "-o", tmp_path / "m", "--solver", "one-cycle")
    out, _ = run("biases", tmp_path / "m")
    assert out.startswith("A point estimate has no intervals")
    assert "90% interval" not in out
    assert run_json("biases", tmp_path / "m")["order"] == "bias"
    assert "sums to" in run("explain", tmp_path / "m", "--user", 196, "--item", 11)[0]


def test_commands_without_users_or_item_features(tmp_path, write):
    rows = "".join(f"u{n % 30},i{n % 29},{(n * n) % 5 + 1}\n" for n in range(800))
    write("r.csv", f"user,item,rating\n{rows}")
    duplicates = ["--duplicates", "last", "--no-users"]
    run("fit", tmp_path / "r.csv", "-o", tmp_path / "m", *duplicates)
    assert "Without users in the model, the reasons" in run("biases", tmp_path / "m")[0]
    assert "a file of items with --items" in run("axes", tmp_path / "m")[0]
    assert (
        "leans to, and how many people lean to it less"
        in run("profile", tmp_path / "m", "--rate", "i3=5")[0]
    )
    _, err = run("biases", tmp_path / "m", "--users", status=1)
    assert "saved without its users" in err


@pytest.mark.parametrize("by", ["choice", "rating"])
def test_vectors(folder, tmp_path, by):
    items, users = tmp_path / "items.parquet", tmp_path / "users.jsonl"
    expected = palate.load(folder).vectors(by)
    out, _ = run("vectors", folder, "--by", by, "--items", items, "--users", users)
    length = expected.items["vector"].dtype.shape[0]
    assert f"1,682 vectors of items, {length} numbers each, are in {items}." in out
    assert pl.read_parquet(items).equals(expected.items)
    assert pl.read_ndjson(users)["vector"].list.len().unique().to_list() == [length]
    document = run_json("vectors", folder, "--by", by, "--users", users)
    assert document == {"users": {"file": str(users), "rows": 943, "numbers": length}}


def test_vectors_that_can_not_be_written(folder, tmp_path):
    _, err = run("vectors", folder, "--by", "rating", status=1)
    assert "name a file for the vectors with --items, --users or both" in err
    _, err = run("vectors", folder, "--by", "rating", "--items", tmp_path / "a.csv", status=1)
    assert "a .csv file can't hold the column 'vector'" in err
    assert list(tmp_path.iterdir()) == []
    palate.load(folder).save(tmp_path / "without", users=False)
    file = tmp_path / "users.parquet"
    _, err = run("vectors", tmp_path / "without", "--by", "rating", "--users", file, status=1)
    assert "saved without its users" in err
