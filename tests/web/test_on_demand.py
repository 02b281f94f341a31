"""What the service computes only when it is asked to: tables, and the evaluation."""

import time
from dataclasses import fields

import polars as pl
import pytest
from playwright.sync_api import expect

import palate
from palate._files import locked
from palate.web import _accuracy, _evaluation
from palate.web._background import Background
from palate.web._compare import ModelComparison
from palate.web._evaluation import BackgroundEvaluation
from palate.web._explorer import Explorer
from palate.web._model_holder import ModelHolder
from palate.web._responses import Evaluation

from ..conftest import visited


def test_a_model_is_served_before_anything_is_computed(folder):
    explorer = ModelHolder.from_folder(folder).explorer
    model, learned = explorer.model, explorer.model.learned
    assert (set(vars(explorer)), set(vars(model))) == (
        {"model", "evaluation", "fingerprint"},
        {"learned"},
    )
    assert set(vars(learned)) == {field.name for field in fields(learned)}
    assert explorer.item(50).item == "Star Wars (1977)"
    assert {"summary", "item_list", "item_ids"} <= set(vars(explorer))


def test_a_reloaded_model_is_ready_when_it_takes_over(point, model, tmp_path):
    model.save(tmp_path / "m")
    holder = ModelHolder.from_folder(tmp_path / "m")
    palate.load(point).save(tmp_path / "m")
    assert holder.reload_if_changed()
    assert {"summary", "item_list", "item_ids"} <= set(vars(holder.explorer))
    assert "table" in vars(holder.explorer.item_list)


def finished(evaluation):
    deadline = time.monotonic() + 60
    while (done := evaluation.result()).running:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return done


def test_nobody_evaluates_a_model_until_somebody_asks(point):
    evaluation = Explorer(palate.load(point)).evaluation
    for _ in range(2):
        waiting = evaluation.result()
        assert (waiting.running, waiting.scores, waiting.why_not) == (False, None, None)
    assert evaluation.start().running
    scores = {score.name: score for score in finished(evaluation).scores}
    assert scores["one-cycle"].ours
    assert scores["one-cycle"].rmse < scores["damped-means"].rmse < scores["global-mean"].rmse


@pytest.fixture
def runs(monkeypatch):
    """Return a list that grows by one whenever this process evaluates a model."""
    runs, evaluate = [], _evaluation._evaluate_in_process

    def counted(model):
        runs.append(model)
        return evaluate(model)

    monkeypatch.setattr(_evaluation, "_evaluate_in_process", counted)
    return runs


@pytest.fixture(scope="module")
def quick():
    """Return a model that is evaluated as fast as a process starts."""
    rated = [(u, i, 1 + (u * i) % 5) for u in range(20) for i in range(10)]
    table = pl.DataFrame(rated, schema=["user", "item", "rating"], orient="row")
    return palate.OneCycle(factors=2, epochs=1).fit(palate.read_ratings(table))


def test_workers_share_one_evaluation(quick, runs, tmp_path):
    """Each worker has loaded the model itself; either may be asked, and both report it."""
    folder, copies = tmp_path / "m", tmp_path / "copies"
    copies.mkdir()
    quick.save(folder)
    one, two = (ModelHolder.from_folder(folder, copies).explorer.evaluation for _ in range(2))
    assert one.start().running
    assert two.result().running
    assert two.start().running
    assert finished(one) == finished(two)
    assert finished(one).scores
    assert len(runs) == 1
    quick.save(folder)  # another model, although an equal one
    assert not ModelHolder.from_folder(folder, copies).explorer.evaluation.result().running


def test_another_worker_takes_over_from_one_that_dies(quick, runs, tmp_path):
    folder = tmp_path / "evaluation"
    folder.mkdir()
    worker = BackgroundEvaluation(quick, folder)
    with locked(folder):  # by the worker that evaluates
        assert worker.result().running
        time.sleep(0.2)
        assert worker.result().running
        assert not runs
    assert finished(worker).scores
    assert len(runs) == 1


def wait_until(is_so):
    deadline = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_workers_share_the_accuracy_of_two_models(quick, monkeypatch, tmp_path):
    runs, measure = [], _accuracy._in_process

    def counted(models):
        runs.append(models)
        return measure(models)

    monkeypatch.setattr(_accuracy, "_in_process", counted)
    for name in ("a", "b"):
        quick.save(tmp_path / name)
        (tmp_path / f"copies-{name}").mkdir()
    one, two = (
        ModelComparison(
            {
                name: ModelHolder.from_folder(tmp_path / name, tmp_path / f"copies-{name}").explorer
                for name in ("a", "b")
            }
        )
        for _ in range(2)
    )
    assert one.accuracy().scores is two.accuracy().scores is None
    for comparison in (one, two):
        wait_until(lambda comparison=comparison: comparison.accuracy().scores is not None)
    assert one.accuracy() == two.accuracy()
    assert len(runs) == 1
    assert one.explorers[0].evaluation.result().running is False  # nobody has asked for that


def test_a_result_that_cannot_be_kept_is_returned_all_the_same(tmp_path):
    folder = tmp_path / "result"

    def measured():
        folder.rmdir()
        return Evaluation(sentence="measured")

    background = Background(measured, unavailable, Evaluation, folder)
    assert (background.result(), background.is_asked_for) == (None, False)
    background.start()
    wait_until(lambda: background.result() is not None)
    assert background.result().sentence == "measured"


@pytest.mark.parametrize("error", [ValueError("no ratings"), MemoryError("no memory")])
def test_whatever_fails_is_said_instead_of_being_waited_for(error):
    def failing():
        raise error

    background = Background(failing, unavailable, Evaluation)
    background.start()
    wait_until(lambda: background.result() is not None)
    assert background.result().why_not == str(error)


def test_a_folder_that_cannot_be_made_is_said_at_once(tmp_path):
    (tmp_path / "file").touch()
    background = Background(Evaluation, unavailable, Evaluation, tmp_path / "file" / "result")
    background.start()
    assert "file" in background.result().why_not


def unavailable(reason):
    return Evaluation(why_not=reason)


def test_the_page_shows_an_item_before_its_neighbours(tab, address):
    held = []

    def hold(route):
        held.append(route)

    tab.route("**/api/neighbours/*", hold)
    try:
        with visited(tab, f"{address}/#/item/50"):
            sections = tab.locator("[data-section=decomposition], [data-section=axes]")
            expect(sections).to_have_count(2)
            similar = tab.locator("[data-section=neighbours]")
            expect(similar.locator("[aria-busy=true]")).to_be_attached()
            held[0].continue_()
            expect(similar.get_by_role("link")).to_have_count(12)
    finally:
        tab.unroute("**/api/neighbours/*")
