"""What is wrong with a Spark DataFrame of ratings, found in the cluster."""

from collections.abc import Mapping
from typing import NamedTuple

from pyspark.sql import Column, DataFrame, Row
from pyspark.sql import functions as F  # noqa: N812, as everywhere
from pyspark.sql import types as T  # noqa: N812

from palate import _words
from palate.data._ratings import Kind
from palate.data._table import listed
from palate.errors import DataError

# The values of how many faulty rows a message shows.
_EXAMPLES = 3
_ID_TYPES = (
    T.StringType, T.NumericType, T.BooleanType, T.DateType, T.TimestampType, T.TimestampNTZType,
)  # fmt: skip
_RATING_TYPES = (T.NumericType, T.BooleanType, T.StringType)
# Java would also read "3d" and "0x3p0".
_NUMBER = r"(?i)^\s*[-+]?([\d.]+(e[-+]?\d+)?|inf(inity)?|nan)\s*$"
USER, ITEM, RATING = "user", "item", "rating"


class Columns(NamedTuple):
    """The columns of users, items and ratings in a DataFrame; events have no ratings."""

    user: str
    item: str
    rating: str | None

    @property
    def given(self) -> list[str]:
        """The columns that there are."""
        return [column for column in self if column is not None]

    @property
    def roles(self) -> dict[str, str]:
        """The columns that there are, by what they are."""
        return dict(zip((USER, ITEM, RATING), self.given, strict=False))

    @property
    def source(self) -> str:
        """Which columns were used, in one line."""
        named = (
            role if role == column else f"{role} = {column}" for role, column in self.roles.items()
        )
        return f"Spark DataFrame: {', '.join(named)}"


def column_of(name: str) -> Column:
    """Return the column of a name, which may have any characters."""
    return F.col(f"`{name.replace('`', '``')}`")


def require_columns(frame: DataFrame, roles: Mapping[str, str]) -> None:
    """Check that each role has a column, which is not that of another one.

    Raises
    ------
    DataError
        If it has not.
    """
    names = list(roles.values())
    for role, name in roles.items():
        if name not in frame.columns:
            raise DataError(
                f"the DataFrame has no column {name!r}; it has {listed(frame.columns)}: name them "
                f"with {_words.listed([f'{role}=' for role in roles])}"
            )
        if frame.columns.count(name) > 1:
            raise DataError(f"the DataFrame has several columns {name!r}; give each another name")
        if names.count(name) > 1:
            raise DataError(f"column {name!r} can't be more than one thing; {role}= names another")


def checked_ratings(frame: DataFrame, columns: Columns) -> tuple[DataFrame, Kind]:
    """Return columns named user, item and rating, the last one a float, and what the rows are.

    Without a column of ratings they are events, or counts if pairs of user and item repeat: the
    rating is then 1, or how often a pair is there. Ratings that are all the same are events.

    Raises
    ------
    DataError
        If a column is missing or of a type that can't be used, there are no rows, or a value is
        missing, not a finite number, or a duplicate; the message has their number and examples.
    """
    require_columns(frame, columns.roles)
    types = {field.name: field.dataType for field in frame.schema.fields}
    for column in columns.given[:2]:
        if not isinstance(types[column], _ID_TYPES):
            raise DataError(
                f"column {column!r} holds {types[column].simpleString()}; ids can be numbers, "
                "text, dates or booleans, so turn these into text"
            )
    given = [column_of(column) for column in columns.given]
    ids = given[0].alias(USER), given[1].alias(ITEM)
    faults = _faults_of_ids(columns, types, given)
    if columns.rating is None:
        _refuse_values(frame.select(*given), faults)
        return _events(frame.select(*ids))
    if not isinstance(types[columns.rating], _RATING_TYPES):
        raise DataError(
            f"column {columns.rating!r} holds {types[columns.rating].simpleString()}, not ratings"
        )
    number = given[2].try_cast("float")
    if isinstance(types[columns.rating], T.StringType):
        number = F.when(given[2].rlike(_NUMBER), number)
    ratings = frame.select(*ids, number.alias(RATING))
    faults += _faults_of_ratings(columns.rating, given[2], number)
    _refuse_values(frame.select(*given), faults)
    _refuse_duplicates(ratings)
    rows, low, high = (
        ratings.agg(F.count(F.lit(1)), F.min(RATING), F.max(RATING)).first() or (0,) * 3
    )
    return ratings, "events" if rows > 1 and low == high else "ratings"


def _events(pairs: DataFrame) -> tuple[DataFrame, Kind]:
    counted = pairs.groupBy(USER, ITEM).agg(F.count(F.lit(1)).cast("float").alias(RATING))
    (most,) = counted.agg(F.max(RATING)).first() or (0,)
    if most > 1:
        return counted, "counts"
    return pairs.withColumn(RATING, F.lit(1.0).cast("float")), "events"


class _Fault(NamedTuple):
    """Something that can be wrong with a value: in which column, where, and what it is."""

    column: str
    where: Column
    what: str


def _faults_of_ids(
    columns: Columns, types: dict[str, T.DataType], given: list[Column]
) -> list[_Fault]:
    faults = []
    for column, value in zip(columns.given[:2], given[:2], strict=True):
        missing = value.isNull()
        if isinstance(types[column], T.FloatType | T.DoubleType):
            missing = missing | F.isnan(value)
        faults.append(_Fault(column, missing, "the id is missing"))
    return faults


def _faults_of_ratings(column: str, rating: Column, number: Column) -> list[_Fault]:
    finite = ~F.isnan(number) & (F.abs(number) < F.lit(float("inf")))
    return [
        _Fault(column, rating.isNull(), "the rating is missing"),
        _Fault(column, rating.isNotNull() & number.isNull(), "not a number"),
        _Fault(column, number.isNotNull() & ~finite, "the rating is not finite"),
    ]


def _refuse_values(frame: DataFrame, faults: list[_Fault]) -> None:
    counts = [
        F.sum(F.when(fault.where, 1).otherwise(0)).alias(str(n)) for n, fault in enumerate(faults)
    ]
    rows, *numbers = frame.agg(F.count(F.lit(1)), *counts).first() or (0,)
    if rows == 0:
        raise DataError("there are column names but no rows")
    for fault, n in zip(faults, numbers, strict=True):
        if n:
            examples = _shown(frame.filter(fault.where).take(_EXAMPLES))
            raise DataError(
                f"column {fault.column!r}: {fault.what} in {n:,} of {rows:,} rows, such as "
                f"{examples}"
            )


def _refuse_duplicates(ratings: DataFrame) -> None:
    repeated = ratings.groupBy(USER, ITEM).count().filter(F.col("count") > 1)
    pairs, rows = repeated.agg(F.count(F.lit(1)), F.sum("count")).first() or (0, 0)
    if pairs:
        examples = _shown(repeated.select(USER, ITEM).take(_EXAMPLES))
        raise DataError(
            f"{pairs:,} pairs of a user and an item have several ratings (repeats in all: "
            f"{rows - pairs:,}), such as {examples}; keep one of each, such as their mean"
        )


def _shown(rows: list[Row]) -> str:
    """Return rows as text, in an order that does not change from run to run."""
    texts = (
        f"({', '.join(f'{name}: {value!r}' for name, value in row.asDict().items())})"
        for row in rows
    )
    return ", ".join(sorted(texts))
