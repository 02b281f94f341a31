"""A sweep of the sampler over 20 million synthetic ratings, beside implicit's solvers.

    python benchmarks/sweep.py            142,857 users, 27,000 items, 64 factors

Peer: pip install implicit
"""

import argparse
import importlib.util
import statistics
import time

from _common import surroundings, synthetic

import palate

USERS, ITEMS, RATINGS, FACTORS = 142_857, 27_000, 20_000_000, 64


def sweeps(ratings: palate.Ratings, factors: int, n: int) -> tuple[float, float]:
    """Return the median seconds of a sweep, and of one whose draw goes into the model.

    Half of the sweeps after the burn-in are of the second kind.
    """
    rows: list[dict[str, float]] = []
    solver = palate.Gibbs(factors=factors, sweeps=2 * n, burn_in=n)
    solver.fit(ratings, progress=rows.append)
    seconds = [row["seconds"] for row in rows]
    print("  seconds of each:", " ".join(f"{value:.2f}" for value in seconds))
    return statistics.median(seconds[:n]), statistics.median(seconds[n::2])


def implicit_iteration(ratings: palate.Ratings, use_cg: bool) -> float:
    from implicit.cpu.als import AlternatingLeastSquares
    from scipy import sparse

    shape = (ratings.users.height, ratings.items.height)
    table = sparse.csr_matrix((ratings.rating, (ratings.user, ratings.item)), shape=shape)
    seconds = []
    for iterations in (1, 2):
        model = AlternatingLeastSquares(factors=FACTORS, iterations=iterations, use_cg=use_cg)
        start = time.perf_counter()
        model.fit(table, show_progress=False)
        seconds.append(time.perf_counter() - start)
    return seconds[1] - seconds[0]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--exact", action="store_true", help="implicit's exact solver too: slow")
    exact = parser.parse_args().exact
    print(surroundings("numpy", "implicit"))
    data = synthetic(USERS, ITEMS, RATINGS)
    print(f"{RATINGS:,} ratings, {USERS:,} users, {ITEMS:,} items, {FACTORS} factors: a sweep")
    ours, counted = sweeps(data, FACTORS, n=6)
    print(f"  palate, median               {ours:6.2f} s   {counted:.2f} s where its draw counts")
    if importlib.util.find_spec("implicit"):
        peers = {"conjugate gradients": True} | ({"exact": False} if exact else {})
        for name, use_cg in peers.items():
            theirs = implicit_iteration(data, use_cg)
            print(f"  implicit, {name:19} {theirs:5.2f} s   {theirs / ours:5.1f} times palate's")
