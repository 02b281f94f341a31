"""The seconds of top-N lists: 10 of 27,000 items for 20,000 users, 64 factors, compared with
implicit; and of one profile of MovieLens 100k, inferred from 20 ratings, with its top 10.

    python benchmarks/topn.py

Peer: pip install implicit scipy
"""

import importlib.util
from collections.abc import Callable

import numpy as np
from _common import median_seconds, parse_arguments, surroundings
from threadpoolctl import threadpool_limits

import palate
from palate import _native, _threads

USERS, ITEMS, FACTORS, N = 20_000, 27_000, 64, 10


def palate_top(users: np.ndarray, items: np.ndarray, threads: int) -> Callable[[], np.ndarray]:
    starts, seen = np.zeros(USERS + 1, np.int64), np.zeros(0, np.int32)
    tables = [
        np.column_stack([table, np.zeros(len(table), np.float32)]) for table in (users, items)
    ]
    allowed = np.ones(ITEMS, bool)
    return lambda: _native.top_n(*tables, starts, seen, allowed, N, threads)[0]


def implicit_top(users: np.ndarray, items: np.ndarray, threads: int) -> Callable[[], np.ndarray]:
    from implicit.cpu.als import AlternatingLeastSquares
    from scipy.sparse import csr_matrix

    with threadpool_limits(1, "blas"):  # otherwise implicit warns
        model = AlternatingLeastSquares(factors=FACTORS, num_threads=threads)
    model.user_factors, model.item_factors = users, items
    everyone, nothing = np.arange(USERS), csr_matrix((USERS, ITEMS), dtype=np.float32)
    return lambda: model.recommend(everyone, nothing, N=N, filter_already_liked_items=False)[0]


def main() -> None:
    rng = np.random.default_rng(0)
    users, items = (rng.normal(size=(n, FACTORS)).astype(np.float32) for n in (USERS, ITEMS))
    threads = _threads.thread_count(None)
    searches = {"palate": palate_top(users, items, threads)}
    if importlib.util.find_spec("implicit"):
        searches["implicit"] = implicit_top(users, items, threads)
    with threadpool_limits(1, "blas"):  # as implicit recommends: it has threads of its own
        seconds = {name: median_seconds(search, runs=3) for name, search in searches.items()}
    print(f"The top {N} of {ITEMS:,} items for {USERS:,} users, {FACTORS} factors:")
    print(f"seconds on {threads} threads, median of 3 runs")
    for name, value in seconds.items():
        same = np.mean(searches[name]() == searches["palate"]())
        ratio = value / seconds["palate"]
        print(f"  {name:10} {value:8.3f}   {ratio:7.1f} x palate   {same:.3%} the same items")


def one_profile() -> None:
    ratings = palate.movielens("100k")
    model = palate.fit(ratings)
    given = dict.fromkeys(ratings.items["item"].to_list()[:20], 4)

    def hundred() -> None:
        for _ in range(100):
            model.profile(given).recommend(N)

    milliseconds = median_seconds(hundred, runs=5) * 10
    print(f"One profile from 20 ratings, and its top {N} of 1,682 items: {milliseconds:.2f} ms")


if __name__ == "__main__":
    parse_arguments(__doc__)
    print(surroundings("implicit"))
    main()
    one_profile()
