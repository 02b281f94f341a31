"""What the benchmarks share: options, environment, memory, timing and synthetic data."""

import argparse
import os
import platform
import resource
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import MappingProxyType

import numpy as np
import polars as pl

import palate


def parse_arguments(
    description: str, paths: Mapping[str, str] = MappingProxyType({}), **options: str
) -> argparse.Namespace:
    """Return the command-line options: `paths` and flags, given by their help texts by name."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name, text in options.items():
        parser.add_argument(f"--{name}", action="store_true", help=text)
    for name, text in paths.items():
        parser.add_argument(f"--{name.replace('_', '-')}", metavar="PATH", help=text)
    return parser.parse_args()


def surroundings(*packages: str) -> str:
    """Return a description of the machine, Python and the versions of `packages`."""
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


def peak_gigabytes() -> float:
    """Return the peak memory of this process, in GB."""
    unit = 1 if sys.platform == "darwin" else 1024  # of ru_maxrss, in bytes
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e9


def synthetic(users: int, items: int, n: int) -> palate.Ratings:
    """Return random ratings from 1 to 5 with a skewed distribution of ratings per item.

    A tenth of the items have 46% of the ratings.
    """
    rng = np.random.default_rng(0)
    user = rng.integers(0, users, n, dtype=np.int32)
    item = rng.random(n, dtype=np.float32)
    item **= 3
    item *= items * (1 - 1e-6)
    ids = pl.DataFrame({"id": np.arange(items)})
    return palate.Ratings(
        user=user,
        item=item.astype(np.int32),
        rating=rng.integers(1, 6, n, dtype=np.int8).astype(np.float32),
        timestamp=None,
        users=pl.DataFrame({"id": np.arange(users)}),
        items=ids.with_columns(item=pl.col("id").cast(pl.String)),
        source="synthetic",
    )


def median_seconds(work: Callable[[], object], runs: int) -> float:
    """Run `work` once to warm up, then `runs` times, and return the median."""
    work()
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times)
