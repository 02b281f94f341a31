"""Fixtures: one Spark session for all tests, whose executors are processes of their own."""

import os
import shutil
import sys

import pytest


@pytest.fixture(scope="session")
def quick_jvm():
    """Return the options of a JVM that compiles little: it starts, and acts first, in less time."""
    return "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"


@pytest.fixture(scope="module")
def few_passes():
    """Pass over the users less often, here and in the cluster: each pass takes a moment there."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("palate.solvers.gibbs._calibration._ROUNDS", 2)
        patch.setattr("palate.solvers._eigenpairs._ITERATIONS", 2)
        yield


@pytest.fixture(scope="session")
def spark(quick_jvm, tmp_path_factory):
    pyspark = pytest.importorskip("pyspark.sql")
    if shutil.which("java") is None:
        pytest.skip("there is no Java: apt-get install openjdk-17-jre-headless")
    folder = tmp_path_factory.mktemp("spark")
    os.environ |= {
        "PYSPARK_PYTHON": sys.executable,
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_LOCAL_DIRS": str(folder / "local"),
        "SPARK_WORKER_DIR": str(folder / "work"),
    }
    settings = {
        "spark.driver.extraJavaOptions": quick_jvm,
        "spark.executor.extraJavaOptions": quick_jvm,
        "spark.sql.codegen.wholeStage": "false",
        "spark.executor.memory": "1g",
        "spark.sql.shuffle.partitions": "2",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
    }
    builder = pyspark.SparkSession.builder.master("local-cluster[2,1,2048]")
    session = builder.config(map=settings).getOrCreate()
    session.sparkContext.setLogLevel("OFF")
    yield session
    session.stop()


@pytest.fixture(scope="session")
def ratings(ml100k):
    """Return some ratings of MovieLens 100k, of which nothing else is known."""
    return ml100k.take(slice(0, 8000)).frame().drop("timestamp")


@pytest.fixture(scope="session")
def frame(spark, ratings, tmp_path_factory):
    """Return these ratings in the cluster."""
    path = tmp_path_factory.mktemp("ratings") / "ratings.parquet"
    ratings.write_parquet(path)
    return spark.read.parquet(str(path))
