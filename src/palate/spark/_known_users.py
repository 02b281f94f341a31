"""What a table knows of the users: its columns by user, and how they are standardised."""

from typing import Any, NamedTuple

import polars as pl
import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812
from pyspark.sql import types as T  # noqa: N812

from palate.data._columns import likely
from palate.data._metadata import free_names
from palate.data._sources import open_table
from palate.data._table import PLAIN, listed
from palate.errors import DataError, SettingError
from palate.learned._known_features import KnownFeature, KnownFeatures
from palate.solvers.gibbs._known_features import MAX_COLUMNS, known_of_column
from palate.spark._checks import USER, column_of
from palate.spark._numbering import BLOCK, NUMBER
from palate.spark._packing import PACKED, packed_known

# Text with more distinct values is free text; of numbers with more, the sums are enough.
_MAX_VALUES = 10_000
_YEARS = (T.DateType, T.TimestampType, T.TimestampNTZType)
_KEY = "id as text"


class KnownUsers(NamedTuple):
    """What a table knows of the users who have ratings.

    Attributes
    ----------
    table
        The column user, and the columns of the table; None without one.
    features
        How these are standardised.
    source
        How the table was read.
    """

    table: DataFrame | None = None
    features: KnownFeatures = KnownFeatures()
    source: str = ""

    def of(self, users: DataFrame) -> DataFrame:
        """Return users with what is known of them: the column user, number, block, and others."""
        users = users.select(USER, NUMBER, BLOCK)
        return users if self.table is None else users.join(self.table, USER, "left")

    def packed(self, users: DataFrame) -> DataFrame | None:
        """Return the features of blocks of users as rows of `PACKED`; None if there are none.

        `users` are all users, with their numbers and blocks.
        """
        if self.table is None or not len(self.features):
            return None
        features = self.features

        def of_block(table: pa.Table) -> pa.Table:
            rows = pl.DataFrame(pl.from_arrow(table)).sort(NUMBER)
            return packed_known(int(rows[BLOCK][0]), features.of(rows))

        return self.of(users).drop(USER).groupBy(BLOCK).applyInArrow(of_block, PACKED)


def known_users(ratings: DataFrame, described: Any, column: str) -> KnownUsers:
    """Return what a table knows of the users of ratings.

    Parameters
    ----------
    ratings
        Columns user, item and rating.
    described
        A Spark DataFrame of users, or a table that `read_ratings` can read; or None.
    column
        What the ratings called their column of user ids.

    Raises
    ------
    DataError
        If the table has an id twice, or none of its ids is in the ratings.
    """
    if described is None:
        return KnownUsers()
    keyed, name = _joined(ratings.select(USER).distinct(), described, column)
    total, found = keyed.agg(F.count(F.lit(1)), F.count(_FOUND)).first() or (0, 0)
    if not found:
        raise DataError(f"{name}: none of its ids is a user of the ratings")
    keyed = keyed.drop(_FOUND)
    known = [one for other in keyed.columns if other != USER for one in _known_in(keyed, other)]
    source = f"{name} describes {found:,} of {total:,} users"
    return KnownUsers(keyed, KnownFeatures(tuple(known[:MAX_COLUMNS])), source)


_FOUND = "is described"


def with_known(
    histories: DataFrame, described: Any, column: str, features: KnownFeatures
) -> tuple[DataFrame, list[str]]:
    """Return histories with what a table knows of their people, and the names of these columns.

    Arrow functions of PySpark take no columns with points or backticks in their names: the first of
    the columns is "known 0". Of people whom the table does not have, nothing is known.

    Parameters
    ----------
    histories
        The column user, and others.
    described, column
        As of `known_users`.
    features
        What a model knows of people: other columns are left out.

    Raises
    ------
    DataError
        If the table has an id twice.
    SettingError
        If the model knows none of the columns.
    """
    keyed, name = _joined(histories, described, column)
    names = [one for one in features.columns if one in keyed.columns]
    if not names:
        known = listed(features.columns) if len(features) else "no features of people"
        raise SettingError(f"{name} has no column that the model knows; it knows {known}")
    known_columns = (column_of(one).alias(f"known {n}") for n, one in enumerate(names))
    return keyed.select(*histories.columns, *known_columns), names


def _joined(users: DataFrame, described: Any, column: str) -> tuple[DataFrame, str]:
    """Return users with what a table knows of them and whether it has them, and its name."""
    name = "the table of users"
    if not isinstance(described, DataFrame):
        opened = open_table(described, lambda fields: True, PLAIN)
        name, rows = opened.name, opened.read()
        described = users.sparkSession.createDataFrame(
            rows.to_arrow(compat_level=pl.CompatLevel.oldest())
        )
    details = _details(described, column, name)
    keyed = users.withColumn(_KEY, _text(users, USER)).join(details, _KEY, "left")
    return keyed.drop(_KEY), name


def _details(table: DataFrame, column: str, name: str) -> DataFrame:
    """Return the columns of a table of users, with the ids as text instead of the ids."""
    names = [column, *likely("user", table.columns), "id"]
    key = next((one for one in names if one in table.columns), None)
    if key is None:
        raise DataError(
            f"{name} has no column {column!r} with the ids of users; it has {listed(table.columns)}"
        )
    others = [one for one in table.columns if one != key]
    renamed = free_names(others, {USER, "id", "item", _KEY, _FOUND, NUMBER, BLOCK})
    details = table.select(
        _text(table, key).alias(_KEY),
        F.lit(True).alias(_FOUND),
        *(column_of(one).alias(renamed.get(one, one)) for one in others),
    ).filter(F.col(_KEY).isNotNull())
    repeated = details.groupBy(_KEY).count().filter(F.col("count") > 1).first()
    if repeated is not None:
        raise DataError(f"{name}: the id {repeated[0]!r} appears more than once")
    return details


def _text(table: DataFrame, name: str) -> Column:
    """Return ids in the form in which 7, 7.0 and "7" are the same."""
    column, kind = column_of(name), table.schema[name].dataType
    if isinstance(kind, T.FloatType | T.DoubleType):
        whole = column.cast("bigint")
        return F.when(whole == column, whole.cast("string")).otherwise(column.cast("string"))
    return F.trim(column.cast("string"))


def _known_in(table: DataFrame, name: str) -> list[KnownFeature]:
    """Return the features of a column."""
    column, kind = column_of(name), table.schema[name].dataType
    counted = table.groupBy(column.alias("value")).count().limit(_MAX_VALUES + 1).toArrow()
    if counted.num_rows <= _MAX_VALUES:
        values = pl.Series(name, pl.from_arrow(counted["value"]))
        return known_of_column(values, pl.Series(counted["count"].to_pylist()))
    if isinstance(kind, _YEARS):
        column = F.year(column) + (F.dayofyear(column) - 1) / F.lit(365.25)
    elif not isinstance(kind, T.NumericType):
        return []
    number = column.cast("double")
    finite = F.when(F.abs(number) < F.lit(float("inf")), number)
    sums = (F.min(finite), F.max(finite), F.avg(finite), F.stddev_pop(finite))
    low, high, mean, sd = table.agg(*sums).first() or (0.0,) * 4
    return [KnownFeature(name, None, None, low, high, mean, sd)] if sd else []
