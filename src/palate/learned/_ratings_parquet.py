"""Tables and ratings as Parquet."""

import io

import polars as pl

from palate.data._ratings import Kind, Ratings


def parquet_bytes(frame: pl.DataFrame) -> bytes:
    """Return a table as the content of a Parquet file."""
    buffer = io.BytesIO()
    frame.write_parquet(buffer)
    return buffer.getvalue()


def read_parquet_bytes(data: bytes) -> pl.DataFrame:
    """Return the table in the content of a Parquet file.

    Raises
    ------
    ValueError
        If it is not valid Parquet.
    """
    try:
        return pl.read_parquet(data)
    # Some damaged files make polars panic; PanicException is not a subclass of Exception.
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise ValueError(f"not a valid Parquet file: {error}") from error


def ratings_frame(ratings: Ratings) -> pl.DataFrame:
    """Return ratings as a table, with rows of users and items; see `ratings_from_frame`."""
    columns = {name: getattr(ratings, name) for name in ("user", "item", "rating")}
    if ratings.timestamp is not None:
        columns["timestamp"] = ratings.timestamp
    return pl.DataFrame(columns)


def ratings_from_frame(
    frame: pl.DataFrame, users: pl.DataFrame, items: pl.DataFrame, source: str, kind: Kind
) -> Ratings:
    """Return ratings from a table made by `ratings_frame`.

    Raises
    ------
    ValueError
        If the table does not hold ratings of these users and items.
    """
    for name, rows in (("user", users.height), ("item", items.height)):
        column = frame[name]
        if column.dtype != pl.Int32 or column.has_nulls():
            raise ValueError(f"the column {name} of the ratings does not hold row numbers")
        if not column.is_between(0, rows - 1).all():
            raise ValueError(f"the ratings refer to a {name} that does not exist")
    rating = frame["rating"]
    if rating.dtype != pl.Float32 or not rating.is_finite().fill_null(False).all():
        raise ValueError("the column rating of the ratings does not hold finite numbers")
    columns = {name: frame[name].to_numpy() for name in frame.columns}
    timestamp = columns.pop("timestamp", None)
    return Ratings(
        **columns, timestamp=timestamp, users=users, items=items, source=source, kind=kind
    )
