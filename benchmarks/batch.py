"""Lists for everybody: the seconds and the peak memory of the top 10 of 27,000 items for each of
142,857 users with 20 million synthetic ratings, written to Parquet.

    python benchmarks/batch.py                 makes a model first, which takes some minutes
    python benchmarks/batch.py --model PATH    keeps it there, or uses the one that is there

Each question is measured in a process of its own, after the model has been loaded. The fit is not
what is measured: it has a few sweeps, and settings of the choice model that are given instead of
searched for. It requires 6 GB of memory, and 2 GB of disk.
"""

import multiprocessing
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from _common import parse_arguments, peak_gigabytes, surroundings, synthetic

import palate
from palate import _threads
from palate._native import CancelToken
from palate.learned._choice import ChoiceModel, ConditionalLogit
from palate.solvers.choice._histories import Histories, weighting_of
from palate.solvers.choice._low_rank import LowRankGraph

USERS, ITEMS, RATINGS, N = 142_857, 27_000, 20_000_000, 10
SWEEPS, STRENGTH, RIDGE, EXPONENT, RATING_POWER = 4, 2 / 3, 8.0, 1 / 8, 1 / 4
CHANCE = ConditionalLogit(slope=1.0, offset=0.1)
QUESTIONS = ("both", "choice", "rating")


def make(folder: Path) -> None:
    """Save a model of both questions, as of `palate.fit`."""
    data = synthetic(USERS, ITEMS, RATINGS)
    model = palate.Gibbs(sweeps=SWEEPS, burn_in=1).fit(data)
    palate.Model(replace(model.learned, choice=choice_model(data))).save(folder)


def choice_model(data: palate.Ratings) -> ChoiceModel:
    threads, weighting = _threads.thread_count(None), weighting_of(data, STRENGTH)
    graph = LowRankGraph(Histories.of(data, weighting), threads, CancelToken(), seed=0)
    return ChoiceModel(
        weighting=weighting,
        weights=graph.precision(RIDGE).weights(),
        popularity=graph.popularity,
        discount=(graph.popularity**-EXPONENT).astype(np.float32),
        rating_power=RATING_POWER,
        settings={"strength": STRENGTH, "ridge": RIDGE, "exponent": EXPONENT},
        chance=CHANCE,
    )


def measure(folder: Path, by: str) -> None:
    model = palate.load(folder)
    profiles = model.profiles()
    profiles[0].recommend(1)  # what is computed once for all lists of a model
    loaded = peak_gigabytes()
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "lists.parquet"
        start, processor = time.perf_counter(), time.process_time()
        written = profiles.write_recommendations(path, N, by=by)
        seconds, processor = time.perf_counter() - start, time.process_time() - processor
        size = path.stat().st_size / 1e6
    print(
        f"| {by} | {seconds:.1f} | {processor:.1f} | {written.users / seconds:,.0f} "
        f"| {peak_gigabytes():.2f} | {loaded:.2f} | {size:.0f} |",
        flush=True,
    )


def in_a_process(work: object, *arguments: object) -> None:
    process = multiprocessing.get_context("spawn").Process(target=work, args=arguments)
    process.start()
    process.join()
    if process.exitcode != 0:
        raise SystemExit(f"{work.__name__} ended with {process.exitcode}")


def main(folder: Path) -> None:
    if not folder.exists():
        in_a_process(make, folder)
    print(f"{_threads.thread_count(None)} threads")
    print("| by | seconds | processor seconds | lists/s | peak GB | of it loaded | file MB |")
    print("|---|---|---|---|---|---|---|")
    for by in QUESTIONS:
        in_a_process(measure, folder, by)


if __name__ == "__main__":
    given = parse_arguments(__doc__, {"model": "the folder of the model"})
    print(surroundings("numpy", "polars"))
    with tempfile.TemporaryDirectory() as scratch:
        main(Path(given.model or scratch) / ("" if given.model else "model"))
