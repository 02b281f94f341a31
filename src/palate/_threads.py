"""How many threads to use when nobody says."""

import os
from pathlib import Path

from palate import _arguments

_MOST = 1024
_CGROUP_QUOTA = Path("/sys/fs/cgroup/cpu.max")


def thread_count(threads: int | None) -> int:
    """Return `threads`, or as many as this process may run at once.

    The default respects the processor affinity of the process and the CPU quota of a container
    (cgroup v2), so that a kernel never waits for threads that are not allowed to run.

    Raises
    ------
    SettingError
        If `threads` is less than 1 or more than 1,024.
    """
    if threads is not None:
        return _arguments.integer("threads", threads, 1, _MOST)
    if hasattr(os, "sched_getaffinity"):
        usable = len(os.sched_getaffinity(0))
    else:
        usable = os.cpu_count() or 1
    return max(1, min(usable, _quota(usable), _MOST))


def _quota(default: int) -> int:
    try:
        quota, period = _CGROUP_QUOTA.read_text().split()
    except (OSError, ValueError):
        return default
    return default if quota == "max" else int(quota) // int(period)
