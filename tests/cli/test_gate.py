"""palate fit --gate: the model that is there is replaced only if the new fit is not worse."""

import json

import numpy as np
import pytest
from commands import run, run_json

import palate

OPTIONS = ["--sweeps", 12, "--burn-in", 4, "--factors", 2]


def table(rows):
    return "user,item,rating\n" + "".join(f"{u},{i},{r}\n" for u, i, r in rows)


@pytest.fixture(scope="module")
def rows():
    """Return ratings of 40 people for 30 items: of how good an item is, and of noise."""
    rng = np.random.default_rng(0)
    return [
        (u, i, int(np.clip(np.rint(3 + (i % 5 - 2) / 1.5 + 0.6 * rng.normal()), 1, 5)))
        for u in range(40)
        for i in range(30)
        if rng.random() < 0.7
    ]


def content(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_the_gate(rows, write, tmp_path):
    folder = tmp_path / "m"
    order = np.random.default_rng(1).permutation(len(rows))
    early = write("early.csv", table(rows[n] for n in order[:500]))
    late = write("late.csv", table(rows))
    out, err = run("fit", early, "-o", folder, "--gate", *OPTIONS)
    assert "There is no model in" in err
    assert f"The model is in {folder}" in out
    before = content(folder)

    out, _ = run("fit", early, "-o", folder, "--gate", *OPTIONS, status=3)
    assert "Too little is new to the model" in out
    assert f"The model in {folder} stays as it is." in out
    assert content(folder) == before

    poor = ["--solver", "one-cycle", "--epochs", 1, "--lr-max", 1e-6]
    out, _ = run("fit", late, "-o", folder, "--gate", *poor, "--json", status=3)
    document = json.loads(out)
    assert document["replaced"] is False
    assert document["gate"]["worse_by"] > document["gate"]["standard_error"]
    assert document["solver"] == "gibbs"  # what is in the folder
    assert (document["ratings"], document["history"]) == (len(rows), None)
    assert content(folder) == before

    document = run_json("fit", late, "-o", folder, "--gate", *OPTIONS)
    assert document["replaced"] is True
    assert document["gate"]["figure"] == "rmse"
    assert len(document["history"]) > 1
    model = palate.load(folder)
    assert len(model.ratings) == len(rows)  # the gate is a fit to part, what is saved one to all
    assert content(folder).keys() != before.keys()


def test_a_gate_that_could_not_compare_is_refused_before_the_fit(rows, write, tmp_path):
    file = write("r.csv", table(rows))
    _, err = run("fit", file, "-o", tmp_path / "m", "--gate", "--no-users", status=1)
    assert "--gate can't be used with --no-users" in err
    run("fit", file, "-o", tmp_path / "m", "--no-users", *OPTIONS)
    _, err = run("fit", file, "-o", tmp_path / "m", "--gate", *OPTIONS, status=1)
    assert "saved without its users" in err
    run("fit", file, "-o", tmp_path / "m", "--kind", "events")
    _, err = run("fit", file, "-o", tmp_path / "m", "--gate", *OPTIONS, status=1)
    assert "these are ratings, and the model that is there was fitted to events" in err
    (tmp_path / "m" / "palate.json").write_text("{")
    _, err = run("fit", file, "-o", tmp_path / "m", "--gate", *OPTIONS, status=1)
    assert "can't be read" in err
