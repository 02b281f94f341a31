"""How many threads to use when nobody says."""

import os
from pathlib import Path

from palate.errors import SettingError

_CGROUP_QUOTA = Path("/sys/fs/cgroup/cpu.max")


def thread_count(threads: int | None) -> int:
    """Return `threads`, or as many as this process may run at once.

    The default respects the processor affinity of the process and the CPU quota of a container
    (cgroup v2), so that a kernel never waits for threads that are not allowed to run.

    Raises
    ------
    SettingError
        If `threads` is less than 1.
    """
    if threads is not None:
        if threads < 1:
            raise SettingError(f"threads is {threads}; use 1 or more, or leave it out")
        return threads
    if hasattr(os, "sched_getaffinity"):
        usable = len(os.sched_getaffinity(0))
    else:
        usable = os.cpu_count() or 1
    return max(1, min(usable, _quota(usable)))


def _quota(default: int) -> int:
    try:
        quota, period = _CGROUP_QUOTA.read_text().split()
    except (OSError, ValueError):
        return default
    return default if quota == "max" else int(quota) // int(period)
