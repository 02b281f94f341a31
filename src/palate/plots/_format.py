"""Numbers and names as text, for figures and for the report."""

from typing import Any


def signed(value: float) -> str:
    """Return a number with its sign and two decimals."""
    return f"{value:+.2f}".replace("-", "\N{MINUS SIGN}")


def interval(lower: float | None, upper: float | None) -> str:
    """Return an interval such as "+0.10 to +0.32"; empty if it is unknown."""
    if lower is None or upper is None:
        return ""
    return f"{signed(lower)} to {signed(upper)}"


def with_interval(column: str, row: dict[str, Any]) -> str:
    """Return a column of a table's row, with its 90% interval, `lower` to `upper`, if known."""
    ends = interval(row["lower"], row["upper"])
    return f"{column} {signed(row[column])}{f' (90%: {ends})' if ends else ''}"


def with_arrow(name: str) -> str:
    """Return the name of an axis of taste with an arrow between its ends."""
    return name.replace("<->", "\N{LEFT RIGHT ARROW}")
