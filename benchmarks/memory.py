"""The most memory that a fit of 100 million synthetic ratings takes.

python benchmarks/memory.py           700,000 users, 60,000 items, 32 factors, 3 sweeps
"""

import time

from _common import peak_gigabytes, surroundings, synthetic

import palate

USERS, ITEMS, RATINGS, FACTORS, SWEEPS = 700_000, 60_000, 100_000_000, 32, 3

if __name__ == "__main__":
    print(surroundings("numpy"))
    data = synthetic(USERS, ITEMS, RATINGS)
    print(f"{RATINGS:,} ratings, {USERS:,} users, {ITEMS:,} items: {peak_gigabytes():.2f} GB")
    start = time.perf_counter()
    model = palate.Gibbs(factors=FACTORS, sweeps=SWEEPS, burn_in=1).fit(data)
    seconds = time.perf_counter() - start
    print(f"{SWEEPS} sweeps of {FACTORS} factors, and the users: {seconds:.0f} s")
    print(f"  the most memory at any time, with the ratings: {peak_gigabytes():.2f} GB")
    print(f"  {model!r}")
