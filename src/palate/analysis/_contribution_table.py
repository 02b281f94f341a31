"""Tables of contributions: the large ones one by one, and the sum of all others."""

from collections.abc import Sequence

import polars as pl

from palate._words import counted

Part = tuple[str, float]
SCHEMA = {"name": pl.String, "contribution": pl.Float64}


def contribution_table(
    first: Sequence[Part],
    others: Sequence[Part],
    n: int | None,
    least: float,
    *,
    least_of_others: float,
    hidden: Sequence[Part] = (),
) -> pl.DataFrame:
    """Return rows whose contributions sum to those of all parts.

    Parameters
    ----------
    first, others
        Parts in the order of the table, and parts of which the largest are listed.
    n
        Maximum number of the others to list. None: all parts are listed, however small.
    least, least_of_others
        Smaller ones are not listed; they are summed in the last row.
    hidden
        Parts that are not listed in any case, unless all are.
    """
    ranked = sorted(others, key=lambda part: -abs(part[1]))
    rows, rest = [*first, *ranked, *hidden], list[Part]()
    if n is not None:
        rows = [part for part in first if abs(part[1]) >= least]
        rows += [part for part in ranked[:n] if abs(part[1]) >= least_of_others]
        listed = {name for name, _ in rows}
        rest = [part for part in (*first, *ranked, *hidden) if part[0] not in listed]
    if rest:
        rows.append((folded(rest, least), sum(value for _, value in rest)))
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def folded(parts: Sequence[Part], least: float) -> str:
    """Return what parts that are not listed are called, such as "3 smaller parts"."""
    size = "smaller" if all(abs(value) < least for _, value in parts) else "other"
    return counted(len(parts), f"{size} part")
