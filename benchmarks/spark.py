"""Sweeps in a Spark cluster of this machine, beside one machine and Spark's ALS.

    python benchmarks/spark.py             2 million ratings
    python benchmarks/spark.py --large     20 million ratings
    python benchmarks/spark.py --predict   only the messages, of ratings of a given size:
                                           --ratings --users --items --blocks --factors
                                           --user-skew --item-skew

The time of a sweep is the median of the last ones before draws count, and that of ALS is of an
iteration of its fit, without the first. ALS uses a native BLAS if LD_LIBRARY_PATH has libblas.so.3.
Processor seconds are of all processes. Each part runs in a process of its own.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import polars as pl
from _common import surroundings
from _spark_messages import Size, activity, message_bytes, messages, simulate

import palate

FACTORS, BLOCKS, SWEEPS = 64, 8, 6
SMALL, LARGE = Size(2_000_000, 14_286, 6_000), Size(20_000_000, 142_857, 27_000)
COLUMNS = ["user", "item", "rating"]


def parsed():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--large", action="store_true", help="20 million ratings")
    parser.add_argument("--predict", action="store_true", help="only compute how much is sent")
    for name, value in LARGE._asdict().items():
        option = f"--{name.replace('_', '-')}"
        parser.add_argument(option, type=type(value), default=value, help="of --predict")
    return parser.parse_args()


def apart(work, *arguments):
    """Return what a function returns in a process of its own."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(work, *arguments).result()


def made(path, size):
    """Write ratings to a file; return how many there are, and how many users are sent."""
    rng = np.random.default_rng(0)
    counts, shares = activity(size, rng)
    user = np.repeat(np.arange(size.users), counts)
    item = np.searchsorted(np.cumsum(shares), rng.random(len(user))).clip(0, size.items - 1)
    table = pl.DataFrame({"user": user, "item": item}).unique(maintain_order=True)
    p, q = rng.normal(size=(size.users, 4)), rng.normal(size=(size.items, 4)) * 0.4
    score = 3.5 + np.einsum("nk,nk->n", p[table["user"]], q[table["item"]])
    rating = (score + rng.normal(size=table.height)).clip(0.5, 5).round(1)
    table.with_columns(rating=rating).write_parquet(path)
    counts = np.bincount(table["user"], minlength=size.users)
    return table.height, float(messages(counts, shares, BLOCKS)[0].sum())


def settings_of():
    return palate.Gibbs(factors=FACTORS, sweeps=SWEEPS, burn_in=SWEEPS - 1)


def of_sweeps(values):
    """Return the median difference of sweeps, without the first and those whose draws count."""
    return statistics.median(np.diff(values)[:-1])


def one_machine(path):
    """Return the seconds, and the processor seconds, of a sweep by one process."""
    used = []
    model = settings_of().fit(
        palate.read_ratings(path), progress=lambda _: used.append(time.process_time())
    )
    return model.history["seconds"][1:-1].median(), of_sweeps(used)


def session(folder):
    from pyspark.sql import SparkSession

    os.environ |= {
        "PYSPARK_PYTHON": sys.executable,
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_LOCAL_DIRS": str(folder / "local"),
        "SPARK_WORKER_DIR": str(folder / "work"),
    }
    settings = {
        "spark.driver.memory": "600m",
        "spark.executor.memory": "2g",
        "spark.executorEnv.OPENBLAS_NUM_THREADS": "1",
        "spark.executorEnv.LD_LIBRARY_PATH": os.environ.get("LD_LIBRARY_PATH", ""),
        "spark.shuffle.compress": "false",
        "spark.sql.shuffle.partitions": "8",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
    }
    builder = SparkSession.builder.master("local-cluster[2,1,3072]").config(map=settings)
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("OFF")
    return spark


def cluster(path, folder):
    """Return the figures of a fit in a cluster."""
    from palate.spark import fit

    spark, sent, used = session(folder), [], []

    def note(_):
        sent.append(bytes_written(spark))
        used.append(processor_seconds())

    model = fit(spark.read.parquet(path), solver=settings_of(), blocks=BLOCKS, progress=note)
    java = spark.sparkContext._gateway.proc.pid
    found = {
        "seconds": model.history["seconds"][1:-1].median(),
        "processor": of_sweeps(used),
        "sent": of_sweeps(sent),
        "peaks": (peak_gigabytes_of(os.getpid()), peak_gigabytes_of(java)),
    }
    spark.stop()
    return found


def als(path, folder):
    """Return the seconds and the processor seconds of an iteration of ALS, and its BLAS."""
    from pyspark.ml.recommendation import ALS

    spark, seconds, used = session(folder), [], []
    blas = blas_of(spark)
    settings = {
        **{"userCol": "user", "itemCol": "item", "ratingCol": "rating"},
        **{"numUserBlocks": BLOCKS, "numItemBlocks": BLOCKS},
    }
    for iterations in (1, 1, 4):  # once for the JVM to compile it
        solver = ALS(rank=FACTORS, maxIter=iterations, regParam=0.1, **settings)
        start = time.perf_counter(), processor_seconds()
        solver.fit(spark.read.parquet(path))
        seconds.append(time.perf_counter() - start[0])
        used.append(processor_seconds() - start[1])
    spark.stop()
    return (seconds[2] - seconds[1]) / 3, (used[2] - used[1]) / 3, blas


def blas_of(spark):
    """Return the class of the native BLAS that ALS finds, if any."""
    from py4j.protocol import Py4JError

    try:
        return spark._jvm.dev.ludovic.netlib.blas.NativeBLAS.getInstance().getClass().getName()
    except Py4JError:
        return "no native BLAS"


def errors(folder):
    """Return the RMSE on the fold u1 of MovieLens 100k: by one machine, and by a cluster."""
    from palate.spark import fit

    train, test = palate.splits.official(palate.movielens("100k"), 1)
    rows = train.frame().select(COLUMNS)
    items = train.items.rename({"item": "title"}).rename({"id": "item"})
    ratings, path = palate.read_ratings(rows, items=items), folder / "u1.parquet"
    rows.write_parquet(path)
    spark = session(folder)
    models = (
        palate.Gibbs().fit(ratings),
        fit(spark.read.parquet(str(path)), items=items, blocks=2),
    )
    spark.stop()
    user, item = test.frame().select("user", "item")
    found = []
    for model in models:
        places = dict(zip(model.items["id"], range(model.items.height), strict=True))
        known = np.array([id_ in places for id_ in item])
        numbers = np.array([places[id_] for id_ in item.filter(known)], dtype=np.int32)
        people = dict(zip(ratings.users["id"], range(ratings.users.height), strict=True))
        rows_of = np.array([people[id_] for id_ in user.filter(known)], dtype=np.int32)
        scores = model.profiles(ratings).posteriors.scores(rows_of, numbers)
        expected = model.learned.likelihood.rating(scores)
        found.append(float(np.sqrt(np.mean((expected - test.rating[known]) ** 2))))
    return found, int(np.sum(~known))


def bytes_written(spark):
    """Return how many bytes all shuffles have written so far."""
    executors = spark.sparkContext._jsc.sc().statusStore().executorList(False)
    return sum(executors.apply(n).totalShuffleWrite() for n in range(executors.size()))


def processor_seconds():
    """Return the processor time of this process and of all below it."""
    found = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:  # it has ended
            continue
        found[int(path.parent.name)] = int(fields[1]), sum(map(int, fields[11:15]))
    tree = {os.getpid()}
    while new := {pid for pid, (parent, _) in found.items() if parent in tree} - tree:
        tree |= new
    return sum(found[pid][1] for pid in tree) / os.sysconf("SC_CLK_TCK")


def peak_gigabytes_of(process):
    """Return the peak memory of a process."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    (line,) = (line for line in lines if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024 / 1e9


def main():
    options = vars(parsed())
    large, predict = options.pop("large"), options.pop("predict")
    if predict:
        simulate(Size(**options))
        return
    print(surroundings("pyspark"))
    with tempfile.TemporaryDirectory() as name:
        folder, path = Path(name), str(Path(name) / "ratings.parquet")
        ratings, needed = apart(made, path, LARGE if large else SMALL)
        print(f"{ratings:,} ratings, {FACTORS} factors, {BLOCKS} blocks", flush=True)
        one, one_used = apart(one_machine, path)
        of_cluster = apart(cluster, path, folder)
        sweep, used = of_cluster["seconds"], of_cluster["processor"]
        print("a sweep: seconds, processor seconds, ratio to one machine of both")
        print(f"  one machine  {one:7.2f} {one_used:7.2f}")
        print(f"  cluster      {sweep:7.2f} {used:7.2f} {sweep / one:6.1f} {used / one_used:6.1f}")
        sent, expected = of_cluster["sent"] / 1e6, needed * message_bytes(FACTORS) / 1e6
        print(f"  sent {sent:.1f} MB, predicted {expected:.1f} MB ({sent / expected - 1:+.1%})")
        python, java = of_cluster["peaks"]
        print(
            f"  peak memory of the driver: Python {python:.2f} GB, Java {java:.2f} GB", flush=True
        )
        of_als, als_used, blas = apart(als, path, folder)
        ratios = f"{of_als / sweep:.1f} and {als_used / used:.1f} times a sweep"
        print(
            f"an iteration of Spark's ALS ({blas}): {of_als:.2f} {als_used:.2f}, {ratios}",
            flush=True,
        )
        (local, spread), unknown = apart(errors, folder)
        print(f"RMSE on u1 of MovieLens 100k: one machine {local:.5f}, cluster {spread:.5f};")
        print(f"without {unknown} ratings of items that have none in training")


if __name__ == "__main__":
    main()
