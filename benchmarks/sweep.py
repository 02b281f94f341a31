"""The seconds of a Gibbs sweep over 20 million synthetic ratings, compared with implicit.

    python benchmarks/sweep.py            142,857 users, 27,000 items, 64 factors

Peer: pip install implicit scipy
"""

import importlib.util
import statistics
import time

from _common import parse_arguments, surroundings, synthetic

import palate

USERS, ITEMS, RATINGS, FACTORS = 142_857, 27_000, 20_000_000, 64


def sweeps(ratings: palate.Ratings, factors: int, n: int) -> tuple[float, float]:
    """Return the median seconds of a sweep, and of a sweep whose draw the model keeps.

    Every second sweep after the burn-in is of the latter kind.
    """
    rows: list[dict[str, float]] = []
    solver = palate.Gibbs(factors=factors, sweeps=2 * n, burn_in=n)
    solver.fit(ratings, progress=rows.append)
    seconds = [row["seconds"] for row in rows]
    print("  seconds of each sweep:", " ".join(f"{value:.2f}" for value in seconds))
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
    exact = parse_arguments(__doc__, exact="also run implicit's exact solver, which is slow").exact
    print(surroundings("numpy", "implicit"))
    data = synthetic(USERS, ITEMS, RATINGS)
    print(f"{RATINGS:,} ratings, {USERS:,} users, {ITEMS:,} items, {FACTORS} factors: a sweep")
    seconds, seconds_kept = sweeps(data, FACTORS, n=6)
    print(f"  palate, median               {seconds:6.2f} s   {seconds_kept:.2f} s, draw kept")
    if importlib.util.find_spec("implicit"):
        peers = {"conjugate gradients": True} | ({"exact": False} if exact else {})
        for name, use_cg in peers.items():
            peer = implicit_iteration(data, use_cg)
            print(f"  implicit, {name:19} {peer:5.2f} s   {peer / seconds:5.1f} x palate")
