"""Sweeps in a Spark cluster of this machine: beside one machine, Spark's ALS, and the messages.

    python benchmarks/spark.py             2 million ratings
    python benchmarks/spark.py --large     20 million ratings
    python benchmarks/spark.py --predict   the messages of 20 million and of a billion ratings

The time of a sweep is the median of the last ones, and that of ALS is of an iteration of its fit,
without those of the first ones. The messages are the users that each block of items needs.
"""

import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl
from _common import parse_arguments, surroundings

import palate

FACTORS, BLOCKS, SWEEPS = 64, 8, 6
OPTIONS = {
    "large": "20 million ratings instead of 2 million",
    "predict": "only compute how much is sent",
}


def activity(ratings, users, items, rng):
    """Return the number of ratings of each user, and the share of each item in all ratings."""
    counts = rng.lognormal(0, 1, users)
    counts = np.clip((counts * ratings / counts.sum()).round(), 1, items // 2).astype(np.int64)
    shares = 1 / (np.arange(items) + 20.0)
    return counts, rng.permutation(shares / shares.sum())


def predicted_bytes(counts, shares, blocks, factors):
    """Return how many bytes a sweep sends: for each user and block of items with their ratings."""
    ends = np.searchsorted(np.cumsum(shares), np.linspace(0, 1, blocks + 1)[1:-1])
    of_block = np.add.reduceat(shares, np.r_[0, ends])
    sizes, users = np.unique(counts, return_counts=True)
    pairs = sum(float(users @ (1 - (1 - share) ** sizes)) for share in of_block)
    return pairs * (4 * (factors + 1) + 12)


def predict():
    rng = np.random.default_rng(0)
    for ratings, users, items, blocks, factors in (
        (20_000_000, 142_857, 27_000, 8, 64),
        (1_000_000_000, 100_000_000, 1_000_000, 500, 32),
    ):
        counts, shares = activity(ratings, users, items, rng)
        sent = predicted_bytes(counts, shares, blocks, factors)
        print(
            f"{counts.sum():,} ratings by {users:,} users of {items:,} items, {factors} factors, "
            f"{blocks} blocks: {sent / 1e9:.2f} GB in a sweep"
        )


def made(path, ratings, users, items):
    """Write ratings to a file; return how many each user has, and the shares of the items."""
    rng = np.random.default_rng(0)
    counts, shares = activity(ratings, users, items, rng)
    user = np.repeat(np.arange(users), counts)
    item = np.searchsorted(np.cumsum(shares), rng.random(len(user))).clip(0, items - 1)
    table = pl.DataFrame({"user": user, "item": item}).unique(maintain_order=True)
    p, q = rng.normal(size=(users, 4)), rng.normal(size=(items, 4)) * 0.4
    score = 3.5 + np.einsum("nk,nk->n", p[table["user"]], q[table["item"]])
    rating = (score + rng.normal(size=table.height)).clip(0.5, 5).round(1)
    table.with_columns(rating=rating).write_parquet(path)
    return np.bincount(table["user"], minlength=users), shares


def session(folder):
    from pyspark.sql import SparkSession

    os.environ |= {
        "PYSPARK_PYTHON": sys.executable,
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_LOCAL_DIRS": str(folder / "local"),
        "SPARK_WORKER_DIR": str(folder / "work"),
    }
    settings = {
        "spark.executor.memory": "2g",
        "spark.sql.shuffle.partitions": "8",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
    }
    builder = SparkSession.builder.master("local-cluster[2,1,3072]").config(map=settings)
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("OFF")
    return spark


def bytes_written(spark):
    """Return how many bytes all shuffles have written so far."""
    executors = spark.sparkContext._jsc.sc().statusStore().executorList(False)
    return sum(executors.apply(n).totalShuffleWrite() for n in range(executors.size()))


def seconds_of_als(frame):
    """Return how long an iteration of Spark's ALS takes: the difference of two fits."""
    from pyspark.ml.recommendation import ALS

    seconds = []
    for iterations in (1, 4):
        columns = {"userCol": "user", "itemCol": "item", "ratingCol": "rating"}
        als = ALS(rank=FACTORS, maxIter=iterations, regParam=0.1, numBlocks=BLOCKS, **columns)
        start = time.perf_counter()
        als.fit(frame)
        seconds.append(time.perf_counter() - start)
    return (seconds[1] - seconds[0]) / 3


def main():
    options = parse_arguments(__doc__, **OPTIONS)
    if options.predict:
        predict()
        return
    print(surroundings("pyspark"))
    size = (20_000_000, 142_857, 27_000) if options.large else (2_000_000, 14_286, 6_000)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ratings.parquet"
        counts, shares = made(path, *size)
        solver = palate.Gibbs(factors=FACTORS, sweeps=SWEEPS, burn_in=SWEEPS - 1)
        one = solver.fit(palate.read_ratings(path)).history["seconds"][1:-1].median()
        spark, sent = session(Path(folder)), []
        from palate.spark import fit

        model = fit(
            spark.read.parquet(str(path)),
            solver=solver,
            blocks=BLOCKS,
            progress=lambda _: sent.append(bytes_written(spark)),
        )
        sweep = model.history["seconds"][1:-1].median()
        measured = statistics.median(np.diff(sent)[:-1]) / 1e6
        expected = predicted_bytes(counts, shares, BLOCKS, FACTORS) / 1e6
        print(f"{counts.sum():,} ratings, {FACTORS} factors, {BLOCKS} blocks; seconds of a sweep:")
        print(f"one machine {one:.2f}, cluster {sweep:.2f}, ratio {sweep / one:.1f}")
        print(f"sent in a sweep: {measured:.1f} MB, predicted {expected:.1f} MB")
        als = seconds_of_als(spark.read.parquet(str(path)))
        print(f"an iteration of Spark's ALS {als:.2f} s, {als / sweep:.1f} times a sweep")
        spark.stop()


if __name__ == "__main__":
    main()
