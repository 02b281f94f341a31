"""Ratings from a database, through polars' own reader."""

import importlib
import importlib.util
import os
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

import polars as pl

from palate.data._columns import REQUIRED, usual
from palate.data._table import Table
from palate.errors import DataError, MissingExtraError, first_line

_TABLES = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type IN ('table', 'view')",
    "": "SELECT table_name AS name FROM information_schema.tables "
    "WHERE table_schema NOT IN ('information_schema', 'pg_catalog', 'mysql', 'sys')",
}

# The ports on which servers listen by default.
_PORTS = {
    **dict.fromkeys(("postgres", "postgresql"), 5432),
    **{"mysql": 3306, "mssql": 1433, "oracle": 1521, "redshift": 5439},
}
# For how many seconds each address of a server is tried. The driver would try for 30.
_PATIENCE = 2


def is_database_url(source: object) -> bool:
    """Return whether `source` is a URL such as ``sqlite:///ratings.db``.

    Raises
    ------
    DataError
        If it is a URL of something other than a database.
    """
    scheme = re.match(r"([a-z][a-z0-9+]*)://", source) if isinstance(source, str) else None
    if scheme is None:
        return False
    if scheme[1] in {"http", "https", "ftp", "file", "s3", "gs"}:
        raise DataError(f"{source} is not a database; fetch the file and give its path")
    return True


def open_database(url: str, table: str | None) -> Table:
    """Read a table, a view or a SELECT statement of the database at `url`.

    With `table` None, the database's only table with columns for user, item and rating is read;
    if it has none, the only one with columns for user and item.

    Raises
    ------
    MissingExtraError
        If the extra ``db`` is not installed.
    DataError
        If the server can't be reached, the database or the table can't be read, or it is not clear
        which table is meant.
    """
    if importlib.util.find_spec("connectorx") is None:
        raise MissingExtraError("reading databases needs an extra: pip install 'palate[db]'")
    if url.startswith("sqlite"):
        url = _sqlite_url(url)
    else:
        _check_reachable(url)
    with _silent_driver():
        importlib.import_module("connectorx")
    if table is None:
        table = _only_ratings_table(url)
        return Table.of_frame(_query(url, f"SELECT * FROM {_quoted(table)}"), f"table {table}")
    if re.match(r"\s*(select|with)\b", table, re.IGNORECASE):
        return Table.of_frame(_query(url, table), "query result")
    frame = _query(url, f"SELECT * FROM {_quoted(*table.split('.'))}")
    return Table.of_frame(frame, f"table {table}")


def _sqlite_url(url: str) -> str:
    """Return the URL with an absolute path; both sqlite:///here.db and sqlite:////tmp/x.db work."""
    text = url.split("://", 1)[1]
    spellings = [text, text.removeprefix("/")]
    candidates = [Path(p) for p in (*spellings, *map(unquote, spellings))]
    path = next((p for p in candidates if p.is_file()), None)
    if path is None:
        raise DataError(f"there is no database file {candidates[1]}")
    return f"sqlite://{quote(str(path.resolve()))}"


def _check_reachable(url: str) -> None:
    """Raise `DataError` if nothing answers at the address of a database."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port or _PORTS.get(parts.scheme.partition("+")[0])
    except ValueError as error:
        raise DataError(f"the database URL can't be read: {first_line(error)}") from error
    if host is None or port is None or "," in host:  # a socket, another database, several hosts
        return
    try:
        socket.create_connection((host, port), timeout=_PATIENCE).close()
    except (OSError, UnicodeError) as error:  # a host name that is too long is a UnicodeError
        reason = getattr(error, "strerror", None) or first_line(error)
        raise DataError(
            f"no database answers at {host}:{port} ({reason}); check the address, and "
            "that the server runs"
        ) from error


@contextmanager
def _silent_driver() -> Iterator[None]:
    """Let connectorx, which reads this variable when it is imported, write no log to stderr."""
    before = os.environ.get("RUST_LOG")
    os.environ.setdefault("RUST_LOG", "off")
    try:
        yield
    finally:
        if before is None:
            del os.environ["RUST_LOG"]


def _query(url: str, query: str) -> pl.DataFrame:
    try:
        return pl.read_database_uri(query, url)
    except Exception as error:  # connectorx raises plain RuntimeErrors, and panics of its own
        raise DataError(f"the database can't be read: {first_line(error)}") from error


def _only_ratings_table(url: str) -> str:
    names = _query(url, _TABLES["sqlite" if url.startswith("sqlite") else ""])["name"].to_list()
    columns = {name: _columns(url, name) for name in names}
    events = [name for name in names if all(usual(role, columns[name]) for role in REQUIRED)]
    rated = [name for name in events if usual("rating", columns[name])]
    fitting = rated or events
    if len(fitting) != 1:
        raise DataError(
            f"{'no table' if not fitting else 'more than one table'} of the database has columns "
            f"for user{', item and rating' if rated else ' and item'}; name one with table=. "
            f"The tables are {', '.join(fitting or names) or 'none'}"
        )
    return str(fitting[0])


def _columns(url: str, table: str) -> list[str]:
    return _query(url, f"SELECT * FROM {_quoted(table)} LIMIT 1").columns


def _quoted(*parts: str) -> str:
    return ".".join('"' + part.replace('"', '""') + '"' for part in parts)
