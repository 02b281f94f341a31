"""Ctrl-C during a fit: from any thread, during the calibration, and when it comes too late."""

import os
import signal
import subprocess
import sys
import textwrap

import numpy as np
import pytest

import palate
from palate.solvers.gibbs import _calibration, _chain

pytestmark = pytest.mark.skipif(os.name != "posix", reason="sends SIGINT: run it on Unix")


# A fit in a thread, while the main thread waits. SIGINT comes in the midst of the fourth sweep or
# epoch, each of which takes far longer than the fit may go on.
IN_A_THREAD = """
    import os, signal, sys, threading, time
    import numpy as np, polars as pl, palate
    signal.signal(signal.SIGINT, signal.default_int_handler)
    rng = np.random.default_rng(0)
    n = 700_000
    table = pl.DataFrame({"user": rng.integers(0, 9000, n), "item": rng.integers(0, 2000, n)})
    table = table.unique(maintain_order=True).with_columns(rating=pl.col("item") % 5 + 1)
    ratings = palate.read_ratings(table)
    ended, pressed, models = threading.Event(), [], []
    def press():
        pressed.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGINT)
    def report(row):
        if next(iter(row.values())) == 2:
            threading.Timer(row["seconds"] / 2, press).start()
    def fit():
        models.append(SOLVER.fit(ratings, progress=report))
        pressed.append(time.monotonic())
        ended.set()
    threading.Thread(target=fit).start()
    try:
        while not ended.wait(0.05):
            pass
    except KeyboardInterrupt:
        print("KeyboardInterrupt in the main thread")
    ended.wait()
    (model,), (start, end) = models, pressed
    print(model.fit.interrupted, len(model.fit.history), np.isfinite(model.item_factors).all())
    print(end - start)
"""


@pytest.mark.parametrize(
    "solver", ["palate.Gibbs(factors=64)", "palate.OneCycle(factors=200, epochs=40, bs=1024)"]
)
def test_ctrl_c_ends_a_fit_in_another_thread(solver):
    code = textwrap.dedent(IN_A_THREAD).replace("SOLVER", solver)
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=300
    )
    first, second, seconds = done.stdout.splitlines()
    assert first == "KeyboardInterrupt in the main thread"
    interrupted, rows, finite = second.split()
    assert interrupted == finite == "True"
    assert rows in {"3", "4"}  # with the one that was running, if it ends at once
    assert float(seconds) < 5  # a second on cores of its own


def test_ctrl_c_during_the_calibration_keeps_the_rounds_so_far(small, monkeypatch):
    infer, calls = _calibration.infer, []

    def pressed_in_the_third(*args, **options):
        calls.append(options)
        if len(calls) == 3:
            signal.raise_signal(signal.SIGINT)
        return infer(*args, **options)

    monkeypatch.setattr(_calibration, "infer", pressed_in_the_third)
    model = palate.Gibbs(sweeps=20, burn_in=10).fit(small)
    assert len(calls) == 3
    assert model.fit.interrupted
    assert len(model.fit.history) == 20
    assert np.isfinite(model.learned.user_table).all()
    # The users are in the canonical form of the items that they are returned with.
    factors = model.learned.user_table[:, :-1].astype(float)
    np.testing.assert_allclose(factors.T @ factors / len(factors), np.eye(model.factors), atol=1e-4)


def test_ctrl_c_after_the_last_sweep_leaves_nothing_out(small):
    """The calibration of so small a table is done in time, so that the fit is complete."""

    def press_at_the_end(row):
        if row["sweep"] == 19:
            signal.raise_signal(signal.SIGINT)

    solver = palate.Gibbs(sweeps=20, burn_in=10)
    model = solver.fit(small, progress=press_at_the_end)
    assert not model.fit.interrupted
    np.testing.assert_array_equal(model.item_factors, solver.fit(small).item_factors)


def test_ctrl_c_before_the_first_sweep_raises(small, monkeypatch):
    def press(*arguments, **options):
        signal.raise_signal(signal.SIGINT)
        return side(*arguments, **options)

    side = _chain.Side
    monkeypatch.setattr(_chain, "Side", press)
    with pytest.raises(KeyboardInterrupt):
        palate.Gibbs(sweeps=20, burn_in=10).fit(small)


def test_ctrl_c_while_features_are_made_raises(small, monkeypatch):
    make = _chain.pair_features

    def press(*arguments, **options):
        signal.raise_signal(signal.SIGINT)
        return make(*arguments, **options)

    monkeypatch.setattr(_chain, "pair_features", press)
    with pytest.raises(KeyboardInterrupt):
        palate.Gibbs(sweeps=20, burn_in=10).fit(small)


def test_a_handler_of_the_application_stays(small):
    seen = []
    signal.signal(signal.SIGINT, lambda *_: seen.append(True))

    def press(row):
        if row["sweep"] == 3:
            signal.raise_signal(signal.SIGINT)

    model = palate.Gibbs(sweeps=20, burn_in=10).fit(small, progress=press)
    assert seen == [True]
    assert not model.fit.interrupted
    assert len(model.fit.history) == 20
