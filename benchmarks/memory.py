"""The peak memory of a fit of 100 million synthetic ratings, or of reading 20 million from a CSV.

    python benchmarks/memory.py             700,000 users, 60,000 items, 32 factors, 3 sweeps
    python benchmarks/memory.py --reading   140,000 users, 27,000 items, timestamps; 0.5 GB of disk

The fit requires 6 GB of memory.
"""

import multiprocessing
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl
from _common import parse_arguments, peak_gigabytes, surroundings, synthetic

import palate

USERS, ITEMS, RATINGS, FACTORS, SWEEPS = 700_000, 60_000, 100_000_000, 32, 3
CSV_USERS, CSV_ITEMS, CSV_RATINGS = 140_000, 27_000, 20_000_000


def fitting() -> None:
    data = synthetic(USERS, ITEMS, RATINGS)
    print(f"{RATINGS:,} ratings, {USERS:,} users, {ITEMS:,} items: {peak_gigabytes():.2f} GB")
    start = time.perf_counter()
    model = palate.Gibbs(factors=FACTORS, sweeps=SWEEPS, burn_in=1).fit(data)
    seconds = time.perf_counter() - start
    print(f"{SWEEPS} sweeps of {FACTORS} factors, users included: {seconds:.0f} s")
    print(f"  peak memory, including the ratings: {peak_gigabytes():.2f} GB")
    print(f"  {model!r}")


def reading() -> None:
    """Write the file and read it, each in a new process, so that the peak is that of reading."""
    processes = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ratings.csv"
        for work in (_write, _read):
            process = processes.Process(target=work, args=(path,))
            process.start()
            process.join()
            if process.exitcode != 0:
                raise SystemExit(f"{work.__name__} ended with {process.exitcode}")


def _write(path: Path) -> None:
    rng = np.random.default_rng(0)
    # Pairs of a user and an item, in the order of the users and without repeats.
    step = CSV_USERS * CSV_ITEMS // CSV_RATINGS
    pairs = np.arange(CSV_RATINGS) * step + rng.integers(0, step, CSV_RATINGS)
    columns = {
        "userId": pairs // CSV_ITEMS + 1,
        "movieId": pairs % CSV_ITEMS * 5 + 1,
        "rating": rng.integers(1, 11, CSV_RATINGS) / 2,
        "timestamp": rng.integers(789_652_009, 1_427_784_002, CSV_RATINGS),
    }
    pl.DataFrame(columns).write_csv(path)


def _read(path: Path) -> None:
    palate.read_ratings  # noqa: B018  (imports polars, so that it is not counted as memory of reading)
    before, size = peak_gigabytes(), path.stat().st_size / 1e9
    start = time.perf_counter()
    ratings = palate.read_ratings(path)
    seconds = time.perf_counter() - start
    peak = peak_gigabytes() - before
    print(f"{ratings!r}")
    print(f"a CSV of {size:.2f} GB: {seconds:.1f} s")
    print(f"  peak memory, less the memory before reading: {peak:.2f} GB")
    print(f"  that is {peak / size:.1f} times the size of the file")


if __name__ == "__main__":
    arguments = parse_arguments(__doc__, reading="measure reading instead of a fit")
    print(surroundings("numpy", "polars"))
    reading() if arguments.reading else fitting()
