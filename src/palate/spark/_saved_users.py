"""The users of a fit, written into the folder of the model by the executors."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
from pyspark import Broadcast
from pyspark.sql import DataFrame, SparkSession

from palate._files import locked, sharing_probe
from palate.errors import ModelFileError, SettingError
from palate.inference._user_posteriors import UserPosteriors
from palate.learned._file_content import Content, array_content, write_content
from palate.learned._file_format import (
    ModelFiles,
    Parts,
    file_entry,
    files_of,
    files_with_parts,
    require_model_folder,
    write_files,
)
from palate.learned._learned import Learned
from palate.learned._ratings_parquet import parquet_bytes
from palate.spark._checks import USER
from palate.spark._failures import SPARK_ERRORS, reason
from palate.spark._numbering import BLOCK, NUMBER
from palate.spark._packing import Arrays, Plan, csr, from_bytes
from palate.spark._sent_model import model_of

_WRITTEN = "block int, part string, name string, sha256 string"
_MOST_USERS = np.iinfo(np.int32).max


def require_shared_folder(spark: SparkSession, path: Path) -> None:
    """Check that the executors see the folder `path`, which is created, as this machine does.

    Raises
    ------
    ModelFileError
        If they do not, or no model can be written to it.
    """
    require_model_folder(path)
    path = path.absolute()
    with sharing_probe(path) as probe:

        def missing(_: Iterable[int]) -> Iterator[bool]:
            yield not probe.exists()

        context = spark.sparkContext
        places = context.parallelize(range(2 * context.defaultParallelism))
        if any(places.mapPartitions(missing).collect()):
            raise ModelFileError(
                f"executors don't see {path}: to save users, name a folder that they share with "
                "this machine, or leave out save_users="
            )


def save_with_users(
    learned: Learned, path: Path, users: DataFrame, packed: DataFrame, plan: Plan
) -> None:
    """Write a model to a folder that the executors share: they write its users.

    Parameters
    ----------
    learned
        The model without users.
    path
        The folder.
    users
        The users: user, number, block, and what a table knows of them.
    packed
        The packed ratings of blocks of users.
    plan
        The blocks.

    Raises
    ------
    ModelFileError
        If it can't be written.
    """
    if plan.users[-1] > _MOST_USERS:
        raise SettingError(
            f"a model has at most {_MOST_USERS:,} users, and these are {plan.users[-1]:,}; leave "
            "out save_users="
        )
    path = path.absolute()
    try:
        with locked(path):
            write_files(
                files_with_parts(learned, _written(learned, path, users, packed, plan)), path
            )
    except (OSError, ValueError, *SPARK_ERRORS) as error:
        raise ModelFileError(f"the model can't be written to {path}: {reason(error)}") from error


def _written(
    learned: Learned, path: Path, users: DataFrame, packed: DataFrame, plan: Plan
) -> Parts:
    """Let the executors write the users; return the files of each part, in the order of blocks."""
    files = users.sparkSession.sparkContext.broadcast(files_of(learned, users=False))
    work = _WriteUsers(files, path, plan)

    def write(those: pa.Table, ratings: pa.Table) -> pa.Table:
        return work(those, ratings)

    both = users.groupBy(BLOCK).cogroup(packed.groupBy(BLOCK))
    parts: Parts = {}
    for row in sorted(both.applyInArrow(write, _WRITTEN).collect()):
        if not (path / row["name"]).is_file():
            raise FileNotFoundError(f"an executor has written {row['name']} to another place")
        entry = {"name": row["name"], "sha256": row["sha256"]}
        parts.setdefault(row["part"], []).append(entry)
    return parts


@dataclass(frozen=True, eq=False)
class _WriteUsers:
    """Writes the files of a block of users; runs in an executor."""

    files: Broadcast[ModelFiles]
    path: Path
    plan: Plan

    def __call__(self, users: pa.Table, packed: pa.Table) -> pa.Table:
        """Return the names and the checksums of the files, a row for each."""
        rows, arrays = pl.DataFrame(pl.from_arrow(users)).sort(NUMBER), Arrays()
        for data in packed["ratings"].to_pylist():
            arrays |= from_bytes(data)
        block, first = int(rows[BLOCK][0]), int(rows[NUMBER][0])
        table = rows.drop(NUMBER, BLOCK).rename({USER: "id"})
        found = []
        for part, content in self._contents(table, arrays, first).items():
            entry = file_entry(part, content)
            write_content(self.path / entry["name"], content)
            found.append({"block": block, "part": part, **entry})
        schema = [(name, pa.string()) for name in ("part", "name", "sha256")]
        return pa.Table.from_pylist(found, pa.schema([("block", pa.int32()), *schema]))

    def _contents(self, users: pl.DataFrame, arrays: Arrays, first: int) -> dict[str, Content]:
        learned = model_of(self.files.value).learned
        histories = csr(arrays)
        ratings = {
            "user": (histories.row + first).astype(np.int32),
            "item": histories.partner,
            "rating": histories.rating,
        }
        contents: dict[str, Content] = {
            "users": [parquet_bytes(users)],
            "ratings": [parquet_bytes(pl.DataFrame(ratings))],
        }
        if learned.has_ratings:
            people = UserPosteriors.inferred(learned.parameters, histories, arrays.get("known"))
            arrays = {"user_table": people.table, "user_variances": people.variances}
            contents["posteriors"] = array_content(arrays)
        return contents
