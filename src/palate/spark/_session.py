"""A session of a command, and the tables that it reads by name."""

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession

from palate.errors import DataError, SettingError, first_line


@contextmanager
def session_of(master: str) -> Iterator[SparkSession]:
    """Yield a session in a cluster, which ends with the block.

    Raises
    ------
    SettingError
        If there is no Java, or no session can be started.
    """
    if "JAVA_HOME" not in os.environ and shutil.which("java") is None:
        raise SettingError("Spark needs Java 17: apt-get install openjdk-17-jre-headless")
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = SparkSession.builder.master(master).appName("palate")
    try:
        spark = builder.config("spark.ui.showConsoleProgress", "false").getOrCreate()
    except Exception as error:  # what it is depends on the master and on the version
        raise SettingError(f"no Spark session in {master!r}: {first_line(error)}") from error
    try:
        yield spark
    finally:
        spark.stop()


def table_of(spark: SparkSession, source: str) -> DataFrame:
    """Return a folder or file of Parquet, a CSV file with a header, or else a table of that name.

    Raises
    ------
    DataError
        If there is no such table.
    """
    try:
        if source.endswith((".csv", ".csv.gz")):
            return spark.read.csv(source, header=True, inferSchema=True)
        if "/" in source or Path(source).exists():
            return spark.read.parquet(source)
        return spark.table(source)
    except PySparkException as error:
        raise DataError(f"Spark can't read {source}: {first_line(error)}") from error
