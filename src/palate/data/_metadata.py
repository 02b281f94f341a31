"""The columns of tables of items and of users, joined to the ratings by id."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from palate.data._columns import is_described_header, likely, usual
from palate.data._ratings import Ratings
from palate.data._sources import open_table
from palate.data._table import TEXT_TYPES, Reading, Table, listed
from palate.data._values import to_float
from palate.errors import DataError


def with_items(
    ratings: Ratings, items: Any, item_column: str, item_id: str | None, reading: Reading
) -> Ratings:
    """Return the ratings with the titles and other columns of a table of items.

    Of ratings, the items of the table that nobody has rated are added: they are predicted from the
    other columns. `item_column` is what the ratings call their column of item ids; `item_id` is
    what the table calls its own, or None to find it.

    Raises
    ------
    DataError
        If the table has an id twice, or none of its ids is in the ratings.
    """
    read = _read(items, _Ids("item", item_column, item_id, ratings.items["id"]), reading)
    title = _title(read)
    details = _details(read, [] if title is None else [title])
    titles = read.rows[title] if title is not None else pl.Series([None] * read.rows.height)
    keyed = _keyed(read, details.with_columns(titles.cast(pl.String).alias("item")))
    joined = (
        ratings.items.select("id", pl.col("item").alias("shown"), read.known.alias(_KEY))
        .join(keyed, on=_KEY, how="left", maintain_order="left")
        .with_columns(pl.col("item").fill_null(pl.col("shown")))
        .select("id", "item", *details.columns)
    )
    described = replace(ratings, items=joined, source=_source(ratings, read, "items"))
    if ratings.kind != "ratings":
        return described
    return _with_unrated(described, keyed.filter(~pl.col(_KEY).is_in(read.known.implode())))


def with_users(
    ratings: Ratings, users: Any, user_column: str, user_id: str | None, reading: Reading
) -> Ratings:
    """Return the ratings with the columns of a table of users.

    Users of the table who have not rated anything are left out. `user_column` and `user_id` are
    as for items.

    Raises
    ------
    DataError
        If the table has an id twice, or none of its ids is in the ratings.
    """
    read = _read(users, _Ids("user", user_column, user_id, ratings.users["id"]), reading)
    details = _details(read, [])
    joined = (
        ratings.users.select("id", read.known.alias(_KEY))
        .join(_keyed(read, details), on=_KEY, how="left", maintain_order="left")
        .select("id", *details.columns)
    )
    return replace(ratings, users=joined, source=_source(ratings, read, "users"))


class _Read(NamedTuple):
    """A table of items or users that was read.

    Attributes
    ----------
    table
        Where it came from.
    rows
        Its rows.
    key
        The column of ids.
    ids
        These ids as text.
    known
        The ids of the ratings as text.
    note
        What was left out, or "".
    """

    table: Table
    rows: pl.DataFrame
    key: str
    ids: pl.Series
    known: pl.Series
    note: str


class _Ids(NamedTuple):
    """The ids of items or users that a table describes.

    Attributes
    ----------
    role
        Which of these they are: "item" or "user".
    column
        What the ratings call their column of ids.
    key
        What the table calls its own; None if it has to be found.
    known
        The ids of the ratings.
    """

    role: str
    column: str
    key: str | None
    known: pl.Series


def _read(source: Any, ids: _Ids, reading: Reading) -> _Read:
    named = ids.key or ids.column
    table = open_table(source, lambda f: is_described_header(f, ids.role, named), reading)
    rows, known = table.read(), as_text(ids.known)
    if reading.decimal == ",":
        rows = rows.with_columns(map(_with_decimal_comma, rows))
    key = _key(table, rows, ids)
    texts = as_text(rows[key])
    table.refuse(
        texts.is_not_null() & texts.is_duplicated(),
        key,
        lambda row: f"the id {texts[row]!r} appears more than once",
    )
    skipped = [row for row in texts.is_null().arg_true() if table.fault(row)]
    note = table.left_out(skipped, lambda row: str(table.fault(row))) if skipped else ""
    return _Read(table, rows, key, texts, known, note)


def _with_decimal_comma(column: pl.Series) -> pl.Series:
    """Return a column of text as numbers, if all of it is numbers and some have a comma."""
    if column.dtype != pl.String or not column.str.contains(",", literal=True).any():
        return column
    numbers = to_float(column, ",", pl.Float64)
    return numbers if numbers.null_count() == column.null_count() else column


def _details(read: _Read, others: list[str]) -> pl.DataFrame:
    """Return the columns but for that of ids and `others`, under names that are free."""
    details = read.rows.drop([read.key, *others])
    return details.rename(free_names(details.columns, {"id", "item", _KEY}))


def _keyed(read: _Read, details: pl.DataFrame) -> pl.DataFrame:
    return details.with_columns(read.ids.alias(_KEY)).filter(pl.col(_KEY).is_not_null())


def _source(ratings: Ratings, read: _Read, what: str) -> str:
    found = int(read.known.is_in(read.ids.implode()).sum())
    describes = f"{read.table.name} describes {found:,} of {len(read.known):,} {what}"
    left_out = read.note and f"of {read.table.name} {read.note}"
    return "; ".join(filter(None, (ratings.source, left_out, describes)))


def _with_unrated(ratings: Ratings, others: pl.DataFrame) -> Ratings:
    """Add items that nobody has rated, if their ids are of the type of the others."""
    items = ratings.items
    added = (
        others.with_columns(_from_text(pl.col(_KEY), items["id"].dtype).alias("id"))
        .filter(pl.col("id").is_not_null())
        .with_columns(shown())
        .select(items.columns)
    )
    if added.is_empty():
        return ratings
    numbered = pl.concat(
        [items.with_row_index("row"), added.with_columns(row=None)], how="diagonal_relaxed"
    )
    numbered = numbered.sort("id")
    place = np.empty(items.height, dtype=np.int32)
    rated = numbered["row"].is_not_null().to_numpy()
    place[numbered["row"].drop_nulls().to_numpy()] = np.flatnonzero(rated)
    return replace(
        ratings,
        item=place[ratings.item],
        items=numbered.drop("row"),
        source=f"{ratings.source}, and {added.height:,} more",
    )


def shown() -> pl.Expr:
    """Return the expression for an item's display name: its title, or else its id as text."""
    return pl.col("item").fill_null(pl.col("id").cast(pl.String))


_KEY = "id as text"


def _from_text(text: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """Return ids that `as_text` has written; null where the text is no id of this type."""
    if isinstance(dtype, pl.Date | pl.Datetime | pl.Time):
        return text.str.strptime(dtype, strict=False)
    return text.cast(dtype, strict=False)


def as_text(ids: pl.Series) -> pl.Series:
    """Return ids in the form in which 7, 7.0 and "7" are the same."""
    if ids.dtype.is_nested() or ids.dtype in (pl.Binary, pl.Object, pl.Duration):
        return pl.Series([None] * len(ids), dtype=pl.String)
    if ids.dtype.is_float() and (ids.fill_nan(None).drop_nulls() % 1 == 0).all():
        ids = ids.fill_nan(None).cast(pl.Int64, strict=False)
    text = ids.cast(pl.String)
    return text.str.strip_chars() if ids.dtype == pl.String else text


def _key(table: Table, rows: pl.DataFrame, ids: _Ids) -> str:
    """Return the column of ids: of the likely ones, the one that matches most of the known ids."""
    names, role = rows.columns, ids.role
    if ids.key is not None:
        if ids.key not in names:
            raise DataError(
                f"{table.name} has no column {ids.key!r} for {role}_id=; it has {listed(names)}"
            )
        candidates = [ids.key]
    elif not table.header:
        candidates = names[:1]
    else:
        candidates = [name for name in names if name == ids.column] + likely(role, names)
        candidates += [name for name in names if name.lower() == "id" and name not in candidates]
    if not candidates:
        raise DataError(
            f"{table.name}: can't tell which column holds the {role} ids; name it with {role}_id=. "
            f"The columns are {listed(names)}"
        )
    known = as_text(ids.known)
    matches = [known.is_in(as_text(rows[name]).implode()).sum() for name in candidates]
    best = candidates[matches.index(max(matches))]
    if max(matches) == 0:
        raise DataError(_no_match(table, as_text(rows[best]), ids, best))
    return best


def _no_match(table: Table, found: pl.Series, ids: _Ids, column: str) -> str:
    """Return the message that no id of a table is one of the ratings."""
    an, known = "an" if ids.role == "item" else "a", as_text(ids.known)
    message = (
        f"{table.name}: none of the ids in column {column!r} is {an} {ids.role} of the ratings"
    )
    shorter, plain = found.str.strip_chars_start("0"), known.str.strip_chars_start("0")
    alike = shorter.is_in(plain.drop_nulls().implode()).fill_null(False)
    if alike.any():
        here = found.filter(alike)[0]
        there = known.filter(plain == here.lstrip("0"))[0]
        return (
            f"{message}: {here!r} here is {there!r} there; write them in the same way, with the "
            "same leading zeros"
        )
    one = next(iter(found.drop_nulls()), None)
    return (
        f"{message} (it has {one!r}, the ratings have {known[0]!r}); name another column of ids "
        f"with {ids.role}_id=, or give a table that has {ids.role}s of the ratings, too"
    )


def _title(read: _Read) -> str | None:
    """Return the column of titles, or None: by its name, or else the first column of text."""
    others = [
        name for name, dtype in read.rows.schema.items() if name != read.key and dtype in TEXT_TYPES
    ]
    if not read.table.header:
        return others[0] if others else None
    return usual("title", others)


def free_names(names: Iterable[str], taken: set[str]) -> dict[str, str]:
    """Return new names for those of `names` that are taken: "id_" for "id"."""
    used, renamed = taken | set(names), {}
    for name in set(names) & taken:
        new = name
        while new in used:
            new += "_"
        used.add(new)
        renamed[name] = new
    return renamed
