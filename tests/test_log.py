"""The log: a line for what was read, fitted, saved and loaded, and nothing unless it is wanted."""

import logging

import polars as pl

import palate

SOLVER = palate.OneCycle(factors=2, epochs=2)


def table(n=80):
    rows = [(k % 11, k * k % 13, k % 5 + 1) for k in range(n)]
    return pl.DataFrame(rows, schema=["user", "item", "rating"], orient="row")


def lines(caplog, level=logging.INFO):
    return [record.getMessage() for record in caplog.records if record.levelno == level]


def test_each_step_has_a_line(caplog, tmp_path):
    caplog.set_level(logging.INFO, "palate")
    ratings = palate.read_ratings(table(), duplicates="last")
    train, valid = palate.splits.random(ratings)
    model = SOLVER.fit(train, valid)
    model.save(tmp_path / "m", users=False)
    palate.load(tmp_path / "m")
    model.update(valid)
    dropped, read, fitted, saved, loaded, updated = lines(caplog)
    assert (
        dropped == f"{80 - len(ratings)} ratings of pairs that repeat left out: duplicates='last'"
    )
    assert read.startswith(f"read <Ratings: {len(ratings)} ratings from 1 to 5 by 11 users of ")
    assert fitted.startswith(f"fitted one-cycle to {len(train)} ratings of 11 users and ")
    assert fitted.endswith(
        f"; valid_loss {model.fit.history[-1]['valid_loss']:.4f} on {len(valid)} ratings"
    )
    assert saved.startswith("saved <Model: ")
    assert saved.endswith(f"in {tmp_path / 'm'}, without its users")
    assert loaded.endswith(f"from {tmp_path / 'm'}")
    assert updated.startswith(f"added {len(valid)} ratings to the model, now of 11 users")
    assert {record.name for record in caplog.records} == {"palate"}


def test_details_are_for_debugging_and_not_what_progress_shows(caplog, capsys):
    caplog.set_level(logging.DEBUG, "palate")
    ratings = palate.read_ratings(table(), duplicates="last")
    SOLVER.fit(ratings)
    assert [line[:7] for line in lines(caplog, logging.DEBUG)] == ["epoch 0", "epoch 1"]
    caplog.clear()
    shown = []
    SOLVER.fit(ratings, progress=shown.append)
    SOLVER.fit(ratings, progress=True)
    assert lines(caplog, logging.DEBUG) == []
    assert len(shown) == 2
    assert "train_loss" in capsys.readouterr().out


def test_evaluations_and_their_figures(caplog):
    caplog.set_level(logging.DEBUG, "palate")
    ratings = palate.read_ratings(table(), duplicates="last")
    evaluation = palate.evaluate(ratings, SOLVER, split="random")
    assert lines(caplog)[-1].endswith(f"on {evaluation.split}: {evaluation.sentence}")
    figures = [line for line in lines(caplog, logging.DEBUG) if line.startswith("fold 1 of 1: ")]
    assert len(figures) == 5
    assert f"'rmse': {evaluation.results[0]['rmse']}" in figures[0]
    train, valid = palate.splits.random(ratings)
    comparison = palate.compare([SOLVER.fit(train)] * 2, on=valid)
    assert lines(caplog)[-1].endswith(comparison.sentence)


def test_nothing_is_printed_by_default(capfd):
    ratings = palate.read_ratings(table(), duplicates="last")
    SOLVER.fit(ratings)
    assert capfd.readouterr() == ("", "")
    assert [type(one) for one in logging.getLogger("palate").handlers] == [logging.NullHandler]
