"""`recommend`: lists for all people of a Spark DataFrame of histories, nothing of it collected."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import polars as pl
import pyarrow as pa
from pyspark import Broadcast
from pyspark.sql import DataFrame
from pyspark.sql import types as T  # noqa: N812

from palate.data._read_ratings import read_ratings
from palate.errors import DataError
from palate.inference._lists import By
from palate.learned._file_format import ModelFiles, files_of
from palate.model._model import Model
from palate.spark._checks import ITEM, RATING, USER, Columns, column_of, require_columns
from palate.spark._known_users import with_known
from palate.spark._sent_model import model_of

_LEFT_OUT = ("ratings", "status")


def recommend(
    model: Model,
    frame: DataFrame,
    n: int = 10,
    *,
    user: str = "user",
    item: str = "item",
    rating: str | None = "rating",
    by: By | None = None,
    users: Any = None,
) -> DataFrame:
    """Return the `n` best items for each person of a Spark DataFrame, as another one.

    People are inferred from their histories in the executors, by the model, of which each has a
    copy. Items that the model does not know are left out of the histories.

    Parameters
    ----------
    model
        Any model; its own users do not matter.
    frame
        The histories: a row for each item of each person.
    n, by
        See `Profile.recommend`.
    user, item, rating
        The columns of ids, and of ratings or counts; of events there is none. None for counts: how
        often a pair is there.
    users
        A Spark DataFrame of the people, or a table as of items; see `fit`. Of its columns the model
        uses those that it knows.

    Returns
    -------
    pyspark.sql.DataFrame
        A row for each item of each list: the person, rank (from 1), the id of the item, its title
        `item`, or `title` if that is the name of the column of ids, and what `Profiles.recommend`
        says of it. It is computed when it is used.

    Raises
    ------
    DataError
        If a column is missing, there are no rows, or a history can't be used.
    SettingError
        If the model knows none of the columns of `users`.
    """
    columns = Columns(user, item, None if model.learned.kind == "events" else rating)
    require_columns(frame, columns.roles)
    # Arrow functions of PySpark take no columns with points or backticks in their names.
    histories = frame.select(*(column_of(name).alias(role) for role, name in columns.roles.items()))
    files = frame.sparkSession.sparkContext.broadcast(files_of(model.learned, users=False))
    work = _Lists(files, columns, n, by, [])
    schema = _schema_of(work, model, histories)
    if users is not None:
        histories, known = with_known(histories, users, user, model.learned.known_features)
        work = replace(work, known=known)
    return histories.repartition(USER).sortWithinPartitions(USER).mapInArrow(work, schema)


def _schema_of(work: "_Lists", model: Model, histories: DataFrame) -> T.StructType:
    """Return the columns of lists and their types, where ids have those of the histories."""
    some = histories.limit(1).toArrow()
    if some.num_rows == 0:
        raise DataError("there are column names but no rows")
    sample = work.of(model, pl.DataFrame(pl.from_arrow(some)))
    fields = histories.sparkSession.createDataFrame(sample.to_arrow()).schema.fields
    names = {USER: work.columns.user, ITEM: work.columns.item}
    ids = {name: histories.schema[role].dataType for role, name in names.items()}
    return T.StructType(
        [T.StructField(field.name, ids.get(field.name, field.dataType)) for field in fields]
    )


@dataclass(frozen=True, eq=False)
class _Lists:
    """Makes the lists of the people of a partition, who are sorted; runs in an executor."""

    files: Broadcast[ModelFiles]
    columns: Columns
    n: int
    by: By | None
    known: list[str]

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Return the lists of all whose histories are complete, again and again."""
        model, rest = model_of(self.files.value), pl.DataFrame()
        for batch in batches:
            rows = pl.concat([rest, pl.DataFrame(pl.from_arrow(pa.Table.from_batches([batch])))])
            users = rows[USER]
            last = int((users == users[-1]).sum())
            rest = rows.tail(last)
            yield from self._batches(model, rows.head(rows.height - last))
        yield from self._batches(model, rest)

    def _batches(self, model: Model, histories: pl.DataFrame) -> Iterator[pa.RecordBatch]:
        if histories.height:
            # Spark knows no views of text.
            table = self.of(model, histories).to_arrow(compat_level=pl.CompatLevel.oldest())
            yield from table.to_batches()

    def of(self, model: Model, histories: pl.DataFrame) -> pl.DataFrame:
        """Return the lists of some people."""
        user, item, _ = self.columns
        kind = model.learned.kind
        known = [pl.col(f"known {n}").alias(name) for n, name in enumerate(self.known)]
        ratings = read_ratings(
            histories.drop(f"known {n}" for n in range(len(known))),
            users=histories.unique(USER).select(USER, *known) if known else None,
            user=USER,
            item=ITEM,
            rating=None if self.columns.rating is None else RATING,
            timestamp=False,
            kind=kind,
        )
        lists = model.profiles(ratings, unknown="skip").recommend(
            self.n, by=self.by, unknown="skip", threads=1
        )
        names = {"user": user, "item": "title" if item == "item" else "item", "id": item}
        return pl.DataFrame(lists).drop(_LEFT_OUT).rename(names)
