"""Fixtures: one Spark session for all tests, whose executors are processes of their own."""

import os
import shutil
import sys
from pathlib import Path

import pytest

# A JVM that compiles little, and trusts Spark's classes, starts and acts first in less time.
QUICK_JVM = (
    "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC "
    "-XX:+UnlockDiagnosticVMOptions -XX:-BytecodeVerificationRemote"
)
SETTINGS = {
    "spark.driver.extraJavaOptions": QUICK_JVM,
    "spark.executor.extraJavaOptions": QUICK_JVM,
    "spark.executor.memory": "1g",
    "spark.python.daemon.module": "python_workers",
    "spark.sql.adaptive.enabled": "false",  # it makes a job of each stage
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.shuffle.partitions": "2",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
}


@pytest.fixture(scope="module")
def few_passes():
    """Pass over the users less often, here and in the cluster: each pass takes a moment there."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("palate.solvers.gibbs._calibration._ROUNDS", 2)
        patch.setattr("palate.solvers._eigenpairs._ITERATIONS", 2)
        yield


@pytest.fixture(scope="session")
def quick_spark(tmp_path_factory):
    """Let sessions start and act in less time, those of commands too."""
    if shutil.which("java") is None:
        pytest.skip("there is no Java: apt-get install openjdk-17-jre-headless")
    folder = tmp_path_factory.mktemp("spark")
    settings = SETTINGS | {"spark.sql.warehouse.dir": str(folder / "warehouse")}
    lines = (f"{name} {value}\n" for name, value in settings.items())
    (folder / "spark-defaults.conf").write_text("".join(lines), encoding="utf-8")
    path = os.pathsep.join(filter(None, [os.environ.get("PYTHONPATH"), str(Path(__file__).parent)]))
    os.environ |= {
        "PYSPARK_PYTHON": sys.executable,
        "PYTHONPATH": path,
        "SPARK_CONF_DIR": str(folder),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_LOCAL_DIRS": str(folder / "local"),
        "SPARK_WORKER_DIR": str(folder / "work"),
    }


@pytest.fixture(scope="session")
def spark(quick_spark):
    pyspark = pytest.importorskip("pyspark.sql")
    session = pyspark.SparkSession.builder.master("local-cluster[2,1,2048]").getOrCreate()
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
