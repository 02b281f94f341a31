"""A session of a command, whose messages go to a file, and the tables that it reads by name."""

import logging
import os
import re
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812

from palate.errors import DataError, PalateError, SettingError
from palate.spark._checks import column_of
from palate.spark._failures import SPARK_ERRORS, reason

_SEPARATORS = {".csv": ",", ".tsv": "\t"}


@contextmanager
def session_of(master: str) -> Iterator[SparkSession]:
    """Yield a session in a cluster, which ends with the block.

    What Spark and its processes print goes to a file, which is kept if Spark fails.

    Raises
    ------
    SettingError
        If there is no Java, or no session can be started.
    PalateError
        If Spark fails.
    """
    if "JAVA_HOME" not in os.environ and shutil.which("java") is None:
        raise SettingError("Spark needs Java 17: apt-get install openjdk-17-jre-headless")
    folder = Path(tempfile.mkdtemp(prefix="palate-spark-"))
    messages, is_kept = folder / "messages.log", False
    # PySpark and Py4J log what they also raise, and would print it.
    logged = logging.FileHandler(messages, encoding="utf-8")
    logging.getLogger().addHandler(logged)
    try:
        with _interrupt_deferred() as pressed:
            spark = _started(master, folder, messages)
        try:
            if pressed:
                raise KeyboardInterrupt
            yield spark
        finally:
            spark.stop()
    except SPARK_ERRORS as error:
        is_kept = True
        raise PalateError(f"Spark failed: {reason(error)} {_see(messages)}") from error
    except _NoSessionError as error:
        is_kept = True
        raise SettingError(f"no Spark session in {master!r}: {error} {_see(messages)}") from error
    finally:
        logging.getLogger().removeHandler(logged)
        logged.close()
        if not is_kept:
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _interrupt_deferred() -> Iterator[list[int]]:
    """Yield a list that the first Ctrl-C within the block is put into; the second one raises.

    A Java process to which there is no connection yet would be left behind.
    """
    pressed = list[int]()

    def handle(number: int, frame: Any) -> None:
        if pressed:
            raise KeyboardInterrupt
        pressed.append(number)

    before = signal.signal(signal.SIGINT, handle)
    try:
        yield pressed
    finally:
        if signal.getsignal(signal.SIGINT) is handle:  # a Spark context sets its own
            signal.signal(signal.SIGINT, before)


class _NoSessionError(Exception):
    """A session that could not be started."""


def _see(messages: Path) -> str:
    return f"(what Spark printed is in {messages})"


def _started(master: str, folder: Path, messages: Path) -> SparkSession:
    """Return a session whose processes write to a file what they have to say."""
    settings: dict[str, bool | float | int | str | None] = {
        "spark.ui.showConsoleProgress": "false",
        # Rows of random numbers do not become smaller.
        "spark.shuffle.compress": "false",
    }
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    if master.startswith("local"):
        # The name of this machine may stand for no address, and nobody else needs the pages.
        os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
        os.environ.setdefault("SPARK_WORKER_DIR", str(folder / "work"))
        settings["spark.ui.enabled"] = "false"
    builder = SparkSession.builder.master(master).appName("palate").config(map=settings)
    with _output_to(messages):
        try:
            return builder.getOrCreate()
        except Exception as error:  # what it is depends on the master and on the version
            raise _NoSessionError(_printed(messages) or reason(error)) from error


@contextmanager
def _output_to(path: Path) -> Iterator[None]:
    """Let processes that are started within the block write to a file, whatever they print."""
    sys.stdout.flush()
    sys.stderr.flush()
    before = {number: os.dup(number) for number in (1, 2)}
    with path.open("ab") as file:
        for number in before:
            os.dup2(file.fileno(), number)
    try:
        yield
    finally:
        for number, saved in before.items():
            os.dup2(saved, number)
            os.close(saved)


def _printed(messages: Path) -> str:
    """Return why Java has ended, from the first line that says so; an empty text if none does."""
    lines = messages.read_text(encoding="utf-8", errors="replace").splitlines()
    found = (line for line in lines if re.search(r"^(Exception|Error)|No such file", line))
    return re.sub(r'^Exception in thread "main" ', "", next(found, "")).strip()


def table_of(spark: SparkSession, source: str) -> DataFrame:
    """Return a folder or file of Parquet, a CSV file with a header, or else a table of that name.

    Raises
    ------
    DataError
        If there is no such table.
    """
    suffix = Path(source.removesuffix(".gz")).suffix
    try:
        if suffix in _SEPARATORS:
            return _of_text(spark.read.csv(source, header=True, sep=_SEPARATORS[suffix]))
        if "/" in source or Path(source).exists():
            return spark.read.parquet(source)
        return spark.table(source)
    except SPARK_ERRORS as error:
        raise DataError(
            f"Spark can't read {source} as Parquet, CSV or a table: {reason(error)}"
        ) from error


def _of_text(frame: DataFrame) -> DataFrame:
    """Return text without surrounding blanks, as integers in columns that have no other values.

    Text counts as an integer only as that is printed, see `read_ratings`: 007 remains text.
    """
    text = {name: F.trim(column_of(name)) for name in frame.columns}
    given = {name: F.when(value != "", value) for name, value in text.items()}
    numbers = {name: value.try_cast("long") for name, value in given.items()}

    def is_other(name: str) -> Column:
        printed = numbers[name].cast("string")
        return F.max(~given[name].eqNullSafe(printed))

    others = frame.agg(*map(is_other, given)).first() or ()
    columns = (
        (given if other or other is None else numbers)[name].alias(name)
        for name, other in zip(given, others, strict=True)
    )
    return frame.select(*columns)
