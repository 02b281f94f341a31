"""Cancelling kernels: by a token from another thread, and by SIGINT whichever thread is running."""

import os
import subprocess
import sys
import textwrap
import threading
import time

import numpy as np
import pytest

from palate import _native

ROWS, COLUMNS = 4000, 65


@pytest.fixture(scope="module")
def problem():
    """Rows with so many ratings each that a kernel needs seconds."""
    rng = np.random.default_rng(0)
    starts = np.arange(ROWS + 1, dtype=np.int64) * 1000
    partner = rng.integers(0, 500, starts[-1], dtype=np.int32)
    rating = rng.normal(size=len(partner)).astype(np.float32)
    partners = rng.normal(size=(500, COLUMNS)).astype(np.float32)
    return starts, partner, rating, partners, np.eye(COLUMNS), np.zeros((1, COLUMNS), np.float32)


def sample(problem, cancel):
    starts, partner, rating, partners, precision, shift = problem
    order, none = np.arange(ROWS, dtype=np.int32), np.zeros(0, dtype=np.float32)
    _native.sample_rows(
        *(starts, partner, rating, none, order, partners, precision, shift, none),
        *(1.0, 0.0, 0, 0, 2),
        cancel=cancel,
    )


def infer(problem, cancel):
    starts, partner, rating, partners, precision, shift = problem
    none = np.zeros(0, dtype=np.float32)
    _native.infer_rows(
        *(starts, partner, rating, none, partners, none.reshape(0, 1), precision, shift),
        *(1.0, 0.0, 2, True, True),
        cancel=cancel,
    )


@pytest.mark.parametrize("kernel", [sample, infer])
def test_a_cancelled_token_ends_a_kernel_that_is_running(kernel, problem):
    start = time.perf_counter()
    kernel(problem, None)
    whole = time.perf_counter() - start
    token = _native.CancelToken()
    timer = threading.Timer(whole / 10, token.cancel)
    start = time.perf_counter()
    timer.start()
    with pytest.raises(_native.Cancelled):
        kernel(problem, token)
    assert time.perf_counter() - start < 0.7 * whole
    assert token.cancelled
    kernel(problem, _native.CancelToken())  # a fresh token cancels nothing


WATCHED = """
    import signal, threading, time
    from palate import _native
    signal.signal(signal.SIGINT, signal.default_int_handler)
    def press():
        try:
            signal.raise_signal(signal.SIGINT)
            time.sleep(1)
        except KeyboardInterrupt:
            return "KeyboardInterrupt"
    before = _native.CancelToken()
    print(press(), before.cancelled)  # nobody watches
    with _native.InterruptWatch(), _native.InterruptWatch():
        during = _native.CancelToken()
        print(press(), during.cancelled, before.cancelled, _native.CancelToken().cancelled)
    after = _native.CancelToken()
    print(press(), after.cancelled, signal.getsignal(signal.SIGINT) is signal.default_int_handler)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with _native.InterruptWatch():
        ignored = _native.CancelToken()
        signal.raise_signal(signal.SIGINT)
        print(ignored.cancelled)
"""


@pytest.mark.skipif(os.name != "posix", reason="sends SIGINT: run it on Unix")
def test_a_watch_counts_sigint_and_passes_it_on():
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(WATCHED)], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == [
        "KeyboardInterrupt False",
        "KeyboardInterrupt True True False",
        "KeyboardInterrupt False True",
        "False",
    ]
