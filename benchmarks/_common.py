"""What every benchmark says of its surroundings, and how it times."""

import os
import platform
import statistics
import time
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path


def surroundings(*packages: str) -> str:
    """Name the machine, Python and the versions of `packages`, for the head of a report."""
    versions = []
    for package in ("palate", *packages):
        try:
            versions.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            versions.append(f"{package} not installed")
    machine = f"{_processor()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    return f"{machine}; {', '.join(versions)}"


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.is_file():
        fields = dict(
            line.split(":", 1) for line in info.read_text().splitlines() if line.count(":") == 1
        )
        for key, value in fields.items():
            if key.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()


def median_seconds(work: Callable[[], object], runs: int) -> float:
    """Run `work` once to warm up, then `runs` times, and return the median."""
    work()
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times)
