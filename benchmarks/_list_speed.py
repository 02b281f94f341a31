"""The speed of the choice model: fits, with their memory, and lists."""

import multiprocessing
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
from _common import median_seconds, peak_gigabytes
from _list_tables import TABLES, NotThereError

import palate

USERS, ITEMS = 143_000, (27_000, 100_000, 1_000_000)
_TASTES = 20
_HISTORY, _N = 20, 10


def speed(folder: Path | None) -> None:
    print("\nSeconds to fit palate.Choice, and the peak memory of a process that has the table too")
    in_a_process(fit_movielens)
    in_a_process(fit_gowalla, folder)
    for items in ITEMS:
        in_a_process(fit_synthetic, items)
    one_list()


def in_a_process(work: Callable[..., None], *given: object) -> None:
    """Call a function in a process of its own, because the peak memory of a process only grows."""
    process = multiprocessing.get_context("spawn").Process(target=work, args=given)
    process.start()
    process.join()
    if process.exitcode != 0:
        raise SystemExit(f"{work.__name__} ended with {process.exitcode}")


def fit_movielens() -> None:
    fit("MovieLens 100k", palate.movielens("100k"))


def fit_gowalla(folder: Path | None) -> None:
    """Fit Gowalla's training part, and time lists for all of its users."""
    try:
        train, _ = TABLES["gowalla"](folder).splits[0]
    except NotThereError as error:
        print(f"  Gowalla is skipped: {error}")
        return
    people = fit("Gowalla", train).profiles()
    seconds = median_seconds(lambda: people.top_items(_N, by="choice"), runs=3)
    users = train.users.height
    print(f"    lists of {_N} for all {users:,} users: {users / seconds:,.0f} a second", flush=True)


def fit_synthetic(items: int) -> None:
    """Fit made-up events, and time the list of one person."""
    model = fit("synthetic", synthetic_events(items))
    history = list(range(_HISTORY))
    seconds = median_seconds(lambda: model.profile(history).recommend(_N), runs=20)
    print(f"    one list from a history of {_HISTORY}: {1000 * seconds:.1f} ms", flush=True)


def fit(name: str, ratings: palate.Ratings) -> palate.Model:
    before = peak_gigabytes()
    start = time.perf_counter()
    model = palate.Choice().fit(ratings)
    seconds = time.perf_counter() - start
    size = (
        f"{len(ratings):,} events, {ratings.users.height:,} users, {ratings.items.height:,} items"
    )
    print(f"  {name}, {size}: {seconds:.2f} s, {peak_gigabytes():.2f} GB", end=" ")
    print(f"({before:.2f} GB before the fit)", flush=True)
    return model


def synthetic_events(items: int) -> palate.Ratings:
    """Return some 20 million distinct events with a heavy tail of users and of items.

    A user draws 25 items plus a log-normal number (median 75, sigma 1.3), the r-th item in
    proportion to (r + 100)^-1.3, and repeats are dropped. Half of the draws are of the items of the
    user's taste, one of 20.
    """
    rng = np.random.default_rng(0)
    popularity = np.cumsum((np.arange(items) + 100.0) ** -1.3)
    draws = 25 + rng.lognormal(np.log(75), 1.3, USERS).astype(np.int64)
    parts = []
    for block in np.array_split(np.arange(USERS), 100):  # little memory: that of the fit is wanted
        user = np.repeat(block, draws[block])
        item = np.searchsorted(popularity, rng.random(len(user)) * popularity[-1])
        own = np.minimum(item - item % _TASTES + user % _TASTES, items - 1)
        item = np.where(rng.random(len(user)) < 0.5, own, item)
        parts.append(np.unique(user * items + item))
    ids = pl.DataFrame({"id": np.arange(items)})
    return palate.Ratings(
        user=np.concatenate([(part // items).astype(np.int32) for part in parts]),
        item=np.concatenate([(part % items).astype(np.int32) for part in parts]),
        rating=np.ones(sum(map(len, parts)), np.float32),
        timestamp=None,
        users=pl.DataFrame({"id": np.arange(USERS)}),
        items=ids.with_columns(item=pl.col("id").cast(pl.String)),
        source="synthetic",
        kind="events",
    )


def one_list() -> None:
    ratings = palate.movielens("100k")
    model = palate.fit(ratings)
    given = dict.fromkeys(ratings.items["item"].to_list()[:_HISTORY], 4)
    items = ratings.items.height
    print(f"\nOne list of {_N} of {items:,} items from a history of {_HISTORY}, in process")
    for by in ("choice", "both"):
        milliseconds = 10 * median_seconds(_hundred(model, given, by), runs=5)
        print(f"  by {by}: {milliseconds:.2f} ms")


def _hundred(model: palate.Model, given: dict[str, int], by: str) -> Callable[[], None]:
    def work() -> None:
        for _ in range(100):
            model.profile(given).recommend(_N, by=by)

    return work
