"""Tables of ids: columns of users, of items, or of pairs of both, read as text."""

from collections.abc import Sequence
from typing import Any, Literal

import polars as pl

from palate.data._columns import usual
from palate.data._metadata import as_text
from palate.data._sources import open_table
from palate.data._table import Table, listed
from palate.errors import DataError


def read_ids(source: Any, roles: Sequence[Literal["user", "item"]]) -> pl.DataFrame:
    """Read columns of ids: of users, or of users and items.

    Parameters
    ----------
    source
        A path, or a table of polars, pandas or Arrow.
    roles
        What to read. Columns are found by their usual names, and a single one also by the name id;
        in a text file without a header, and in a table that has no other columns, by position if
        not all have such a name.

    Returns
    -------
    polars.DataFrame
        A column of text for each of `roles`. There may be no rows.

    Raises
    ------
    DataError
        If the table can't be read, a column can't be found, or an id is missing.
    """
    table = open_table(source, lambda fields: any(_named(role, fields, roles) for role in roles))
    columns = _columns(table, roles)
    rows = table.read(list(columns.values()))
    ids = {role: as_text(rows[column]) for role, column in columns.items()}
    for role, column in columns.items():
        table.refuse(ids[role].is_null(), column, lambda _: "there is no id; leave out the row")
    return pl.DataFrame(ids)


def _columns(table: Table, roles: Sequence[str]) -> dict[str, str]:
    """Return the column of each role."""
    names = table.columns
    found = {role: _named(role, names, roles) for role in roles}
    if "item" in roles and {"rank", "id", "item"} <= set(names):
        found["item"] = "id"  # in a table of recommendations, item is the title
    by_name = {role: name for role, name in found.items() if name is not None}
    if len(by_name) == len(roles):
        return by_name
    if len(names) == len(roles) or (len(names) > len(roles) and not table.header):
        return dict(zip(roles, names, strict=False))
    missing = [role for role in roles if role not in by_name]
    raise DataError(
        f"{table.name}: can't tell which column holds the {' and the '.join(missing)} ids; call it "
        f"{' and '.join(map(repr, missing))}. The columns are {listed(names)}"
    )


def _named(role: str, names: Sequence[str], roles: Sequence[str]) -> str | None:
    """Return the column that is named as this role usually is."""
    name = usual(role, names)
    if name is None and len(roles) == 1:
        return next((name for name in names if name.lower() == "id"), None)
    return name
