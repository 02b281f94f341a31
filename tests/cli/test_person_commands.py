"""The commands of one person agree with the profile."""

import pytest
from commands import run, run_json

import palate


def test_recommend(folder):
    document = run_json("recommend", folder, "--user", 196, "-n", 3)
    expected = palate.load(folder).user(196).recommend(3)
    assert [row["id"] for row in document["recommendations"]] == expected["id"].to_list()
    out, err = run("recommend", folder, "--user", 196)
    assert expected["item"][0][:12] in out
    assert err == ""


@pytest.mark.parametrize(
    ("by", "title"),
    [
        ("both", "What user 196 may pick and like"),
        ("choice", "What user 196 may pick"),
        ("rating", "What user 196 may like"),
    ],
)
def test_lists_by_each_question(folder, by, title):
    expected = palate.load(folder).user(196).recommend(3, by=by)
    options = ["recommend", folder, "--user", 196, "-n", 3, "--by", by]
    assert run_json(*options)["recommendations"] == expected.to_dicts()
    out, _ = run(*options)
    assert out.startswith(f"{title}\n")
    assert (" chance " in out) == (by != "rating")
    assert " score " not in out
    assert "expected rating" in out
    _, err = run(*options, "--cautious", 0.1, status=0 if by == "rating" else 1)
    assert ("cautious ranks by expected ratings" in err) == (by != "rating")


def test_the_chance_is_shown_as_a_percentage(folder):
    best = palate.load(folder).user(196).recommend(1, by="choice")
    assert 0.001 <= best["chance"][0] < 0.1
    out, _ = run("recommend", folder, "--user", 196, "-n", 1, "--by", "choice")
    assert f" {best['chance'][0]:.1%} " in out


def test_varied_lists(folder, monkeypatch):
    monkeypatch.setenv("COLUMNS", "300")
    options = {"diversity": 0.6, "calibrate": "genres"}
    expected = palate.load(folder).user(196).recommend(5, **options)
    given = ["--diversity", 0.6, "--calibrate", "genres"]
    found = run_json("recommend", folder, "--user", 196, "-n", 5, *given)
    assert found["recommendations"] == expected.to_dicts()
    _, err = run("recommend", folder, "--user", 196, "--diversity", 2, status=1)
    assert "--diversity is 2; it must be from 0 to 1" in err
    out, _ = run("recommend", folder, "--user", 196, *given)
    assert out.startswith("What user 196 may pick and like, diverse and calibrated by genres\n")
    assert "It implies --by rating." in " ".join(run("recommend", "--help")[0].split())


def test_recommend_from_candidates(folder):
    options = ["--candidate", "Fargo (1996)", "--candidate", "50", "--exclude", "100", "--seen"]
    document = run_json("recommend", folder, "--user", 196, *options)
    assert [row["item"] for row in document["recommendations"]] == ["Star Wars (1977)"]


def test_predict(folder):
    document = run_json("predict", folder, "--user", 196, "--item", "Fargo (1996)", "--item", 50)
    expected = palate.load(folder).user(196).predict(["Fargo (1996)", 50])
    assert document["predictions"] == expected.to_dicts()
    assert "Toy Story (1995)" in run("predict", folder, "--user", 1, "--item", 1)[0]


def test_explain(folder):
    why = palate.load(folder).user(196).explain("Heat (1995)", 3)
    document = run_json("explain", folder, "--user", 196, "--item", "Heat (1995)", "-n", 3)
    assert document["parts"] == why.parts.to_dicts()
    assert document["ratings"] == why.ratings.to_dicts()
    for key in ("parts", "ratings"):
        total = sum(row["contribution"] for row in document[key])
        assert total == pytest.approx(document["score"], abs=1e-5)
    assert document["counterfactual"] == why.counterfactual
    choice = document["choice"]
    assert choice["history"] == why.choice.history.to_dicts()
    total = sum(row["contribution"] for row in choice["history"])
    assert total == pytest.approx(choice["score"], abs=1e-5)
    out, _ = run("explain", folder, "--rate", "Fargo (1996)=5", "--item", "Heat (1995)")
    for part in (
        "Heat (1995) is suggested because you picked Fargo (1996)",
        "By the history",
        "You are expected to give Heat (1995)",
        "By part",
        "you gave Fargo (1996) 5",
    ):
        assert part in out
    assert "If Fargo (1996) had been rated 4 instead of 5" in out


def test_recommendations_with_reasons(folder):
    document = run_json("recommend", folder, "--user", 196, "-n", 2, "--explain")
    expected = palate.load(folder).user(196).recommend(2, explain=True)
    assert document["recommendations"] == expected.to_dicts()
    out, _ = run("recommend", folder, "--user", 196, "--explain")
    assert "because they picked" in " ".join(out.split())
    assert "they gave" not in out
    assert "they gave" in run("recommend", folder, "--user", 196, "--explain", "--by", "rating")[0]


def test_profile(folder):
    portrait = palate.load(folder).user(196).describe(3)
    document = run_json("profile", folder, "--user", 196, "-n", 3)
    assert document["axes"] == portrait.axes.to_dicts()
    assert document["surprises"] == portrait.surprises.to_dicts()
    assert document["generosity"] == portrait.generosity
    out, _ = run("profile", folder, "--user", 196)
    assert out.startswith(portrait.sentence)
    assert "The most surprising ratings" in out
    new = palate.load(folder).profile({"Fargo (1996)": 5}).describe()
    assert run("profile", folder, "--rate", "Fargo (1996)=5")[0].startswith(new.sentence)
    assert "you" in new.sentence.lower()


def test_a_new_person_with_a_few_ratings(folder):
    rates = ["--rate", "Fargo (1996)=5", "--rate", "313=2"]
    document = run_json("recommend", folder, *rates, "-n", 3, "--cautious", 0.1)
    profile = palate.load(folder).profile({"Fargo (1996)": 5, 313: 2})
    assert [row["id"] for row in document["recommendations"]] == (
        profile.recommend(3, cautious=0.1)["id"].to_list()
    )
    assert "at_least" in document["recommendations"][0]
    document = run_json("predict", folder, *rates, "--item", 50)
    assert document["predictions"] == profile.predict(50).to_dicts()
    for wrong in ("Fargo (1996)", "Fargo (1996)=five", "Fargo (1996)=9"):
        _, err = run("recommend", folder, "--rate", wrong, status=1)
        assert "is not ITEM=RATING" in err or "outside the model's scale of 1 to 5" in err
    _, err = run("recommend", folder, "--rate", "50=1", "--rate", "50=2", status=1)
    assert "is given twice" in err


def test_no_recommendations_are_reported(folder):
    out, _ = run("recommend", folder, "--user", 196, "--candidate", 50, "--exclude", 50)
    assert "What user 196 may pick and like: none" in out


def test_a_model_without_users(tmp_path, write):
    write("r.csv", "user,item,rating\na,x,1\nb,y,2\nb,x,3\n")
    run("fit", tmp_path / "r.csv", "-o", tmp_path / "m", "--no-users")
    _, err = run("recommend", tmp_path / "m", "--user", "a", status=1)
    assert err == "palate: this model was saved without its users, so it knows none of them\n"


def test_lists_of_events(events_folder):
    model = palate.load(events_folder)
    document = run_json("recommend", events_folder, "--user", "c4", "-n", 3, "--explain")
    assert document["recommendations"] == model.user("c4").recommend(3, explain=True).to_dicts()
    options = ["--pick", "p2", "--rate", "p4", "-n", 3]
    document = run_json("recommend", events_folder, *options)
    assert document["recommendations"] == model.profile(["p2", "p4"]).recommend(3).to_dicts()
    out, _ = run("recommend", events_folder, *options, "--explain")
    assert out.startswith("What somebody with this history may pick\n")
    assert "because you picked p" in out
    assert " people " in out
    assert "rating" not in out


def test_events_have_no_counts(events_folder, write, tmp_path):
    """What would be ignored is refused; a title may end in a number, too."""
    _, err = run("recommend", events_folder, "--pick", "p2=30", status=1)
    assert err == (
        "palate: --pick 'p2=30' has a number, but in this model of events an item is picked or it "
        "is not; give the item alone: --pick p2\n"
    )
    rows = "".join(f"u{n % 9},{item}\n" for n in range(9) for item in ("a", "b=2", f"c{n % 4}"))
    write("r.csv", f"user,item\n{rows}")
    run("fit", tmp_path / "r.csv", "-o", tmp_path / "m")
    document = run_json("recommend", tmp_path / "m", "--pick", "b=2")
    profile = palate.load(tmp_path / "m").profile(["b=2"])
    assert document["recommendations"] == profile.recommend().to_dicts()
    assert "b=2" not in [row["item"] for row in document["recommendations"]]


def test_counts_of_a_new_person(write, tmp_path):
    """Many plays of one song are more than one; a title may contain an equals sign."""
    rows = [(f"u{n}", item, 1 + n * k % 9) for n in range(12) for k, item in enumerate("abcd=")]
    write("r.csv", "user,item,plays\n" + "".join(f"{u},{i},{c}\n" for u, i, c in rows))
    run("fit", tmp_path / "r.csv", "-o", tmp_path / "m")
    options = ["--pick", "a=8", "--pick", "b", "--pick", "=", "--seen"]
    document = run_json("recommend", tmp_path / "m", *options)
    profile = palate.load(tmp_path / "m").profile({"a": 8, "b": 1, "=": 1})
    assert document["recommendations"] == profile.recommend(seen=True).to_dicts()
    _, err = run("recommend", tmp_path / "m", "--pick", "a=0", status=1)
    assert "the count of 'a' is 0; a count is above 0" in err
    _, err = run("recommend", tmp_path / "m", "--pick", "a", "--pick", "a=2", status=1)
    assert "--pick 'a' is given twice" in err


def test_an_explanation_of_an_event(events_folder):
    options = ["explain", events_folder, "--pick", "p2", "--pick", "p4", "--item", "p6"]
    why = palate.load(events_folder).profile(["p2", "p4"]).explain_choice("p6")
    document = run_json(*options)
    assert document["item"] == "p6"
    assert document["choice"]["history"] == why.history.to_dicts()
    out, _ = run(*options)
    assert out.startswith(f"{why.sentence}\n")
    assert f"sums to the choice score {why.score:.3g}" in out


@pytest.mark.parametrize(
    "arguments",
    [
        ["recommend", "--user", "c1", "--by", "rating"],
        ["recommend", "--user", "c1", "--cautious", "0.1"],
        ["predict", "--user", "c1", "--item", "p1"],
        ["profile", "--user", "c1"],
        ["similar", "--user", "c1"],
        ["biases"],
        ["axes"],
        ["map"],
    ],
    ids=" ".join,
)
def test_what_needs_ratings_says_so(events_folder, arguments):
    command, *options = arguments
    _, err = run(command, events_folder, *options, status=1)
    assert err.startswith("palate: this needs a model of ratings; this one knows what people pick")


def test_what_is_known_of_a_person(folder):
    """With ratings, or alone."""
    features = {"age": 24, "gender": "F"}
    options = ["--feature", "age=24", "--feature", "gender=F", "-n", 3]
    model = palate.load(folder)
    found = run_json("recommend", folder, "--rate", "Fargo (1996)=5", *options)
    expected = model.profile({"Fargo (1996)": 5}, features=features).recommend(3)
    assert found["recommendations"] == expected.to_dicts()
    found = run_json("recommend", folder, *options)
    expected = model.profile({}, features=features).recommend(3)
    assert found["recommendations"] == expected.to_dicts()
    assert "somebody like this" in run("recommend", folder, *options)[0]
    _, err = run("predict", folder, "--item", 50, "--feature", "hat=3", status=1)
    assert "does not know 'hat' of people; it knows age, gender, occupation" in err
    _, err = run("predict", folder, "--item", 50, "--feature", "age", status=1)
    assert "--feature 'age' is not COLUMN=VALUE" in err
    _, err = run("predict", folder, "--item", 50, "--user", 1, "--feature", "age=3", status=1)
    assert "--user" in err
