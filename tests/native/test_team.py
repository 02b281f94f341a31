"""Teams of threads: an exception in one member ends all of them and is the one that is raised."""

import subprocess
import sys
import threading

import pytest

from palate import _native


def in_time(function, *args):
    """Call a function that may never return, and return what it raised."""
    raised = []

    def run():
        try:
            function(*args)
        except Exception as error:
            raised.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(timeout=60)
    assert not thread.is_alive(), "the team waits forever"
    return raised


@pytest.mark.parametrize(("members", "thrower"), [(1, 0), (2, 0), (2, 1), (5, 3)])
def test_an_exception_in_one_member_ends_the_team(members, thrower):
    (error,) = in_time(_native._throw_in_team, members, thrower)
    assert isinstance(error, RuntimeError)
    assert str(error) == f"member {thrower}"


def test_a_team_without_an_exception():
    assert in_time(_native._throw_in_team, 3, 9) == []


# All rows of the batch belong to the second of two threads, so that only it runs out of memory.
OUT_OF_MEMORY = """
import resource
from pathlib import Path
import numpy as np
from palate import _native

user = 2 * np.arange(1024, dtype=np.int32) % 1024 + 1
users = np.zeros((1025, 10_000), np.float32)
lr, beta = np.full(2, 0.01), np.full(2, 0.9)
kernel = _native.OneCycle(
    user, np.ones_like(user), np.ones(1024, np.float32), users, users[:2], lr, beta, 0.1, 0.0, 5.0
)
pages = int(Path("/proc/self/statm").read_text().split()[0])
used = pages * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 2**24, resource.RLIM_INFINITY))
try:
    kernel.run(np.arange(1024), 1024, 2)
except MemoryError:
    print("out of memory")
resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY,) * 2)
for again in (lambda: kernel.run(np.arange(1024), 1024, 2), kernel.tables):
    try:
        again()
    except RuntimeError as error:
        print(error)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="limits the memory by Linux's means")
def test_a_fit_that_runs_out_of_memory_ends_and_does_not_go_on():
    done = subprocess.run(
        [sys.executable, "-c", OUT_OF_MEMORY],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    failed = "OneCycle: an earlier run failed in the middle of a step; make a new one\n"
    assert (done.stdout, done.stderr) == ("out of memory\n" + 2 * failed, "")
