"""How evaluations and comparisons are shown: as text, in a terminal and in a notebook."""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import escape
from io import StringIO
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions
    from rich.table import Table

# The tables of an evaluation: the figures that each shows, and their headings.
_LIST_FIGURES = {
    "ndcg_10": "nDCG@10",
    "ndcg_10_behind": "behind",
    "recall_10": "recall@10",
    "catalogue_coverage": "catalogue",
    "diversity": "diversity",
    "genre_divergence": "genres",
}
_RATING_FIGURES = {
    "rmse": "RMSE",
    "rmse_behind": "behind",
    "rmse_cold": "cold",
    "mae": "MAE",
    "coverage_50": "in 50%",
    "coverage_90": "in 90%",
    "width_90": "width",
}
_FIT = {"fit_seconds": "seconds"}
BEHIND = (
    "behind: the difference from the best, \N{PLUS-MINUS SIGN} its paired standard error over users"
)
# The width of what is shown as text.
_WIDTH = 80


@dataclass(frozen=True)
class FiguresTable:
    """A table of figures as text, each row with a name first.

    A cell may have two lines. Where there is a terminal, names are wrapped sooner than headings.
    """

    title: str
    headings: list[str]
    rows: list[list[str]]

    def rich(self) -> "Table":
        """Return the table for a terminal."""
        from rich import box  # noqa: PLC0415  (it takes long to import)
        from rich.table import Table  # noqa: PLC0415
        from rich.text import Text  # noqa: PLC0415

        shown = Table(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
        shown.add_column("", overflow="fold")
        for heading in self.headings:
            shown.add_column(heading, justify="right", no_wrap=True)
        for row in self.rows:
            shown.add_row(*map(Text, row))
        return shown

    def html(self) -> str:
        """Return the table as HTML."""
        headings = "".join(f"<th>{escape(heading)}</th>" for heading in ("", *self.headings))
        rows = "".join(f"<tr>{_html_row(row)}</tr>" for row in self.rows)
        return (
            f"<table><caption>{escape(self.title)}</caption>"
            f"<thead><tr>{headings}</tr></thead><tbody>{rows}</tbody></table>"
        )


def _html_row(row: list[str]) -> str:
    name, *cells = (escape(cell).replace("\n", "<br>") for cell in row)
    return f"<th>{name}</th>{''.join(f'<td>{cell}</td>' for cell in cells)}"


class Shown(ABC):
    """What is shown as lines and tables, by ``print``, in a notebook and on a terminal."""

    @abstractmethod
    def _parts(self) -> Iterator[str | FiguresTable]:
        """Yield its paragraphs and tables."""

    def __rich_console__(self, console: "Console", options: "ConsoleOptions") -> Iterator[Any]:
        from rich.text import Text  # noqa: PLC0415

        for part in self._parts():
            if isinstance(part, FiguresTable):
                yield Text(part.title)
                yield part.rich()
            else:
                yield Text(part)

    def __str__(self) -> str:
        from rich.console import Console  # noqa: PLC0415

        text = StringIO()  # also in a notebook, where rich would else show it by itself
        Console(file=text, width=_WIDTH, color_system=None, force_jupyter=False).print(self)
        return "\n".join(line.rstrip() for line in text.getvalue().splitlines())

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        parts = (
            part.html() if isinstance(part, FiguresTable) else f"<p>{escape(part.strip())}</p>"
            for part in self._parts()
            if part
        )
        return f"<div>{''.join(parts)}</div>"


def relevance(lowest: float | None) -> str:
    """Return a sentence on what is relevant, given the lowest relevant rating, if any."""
    if lowest is None:
        return "Every held-out event is relevant."
    return f"A held-out rating of {lowest:g} or more is relevant."


def lists_table(results: list[dict[str, Any]]) -> FiguresTable:
    """Return the table of lists; where there are no figures of ratings, with the time to fit."""
    rated = any(result["rmse"] is not None for result in results)
    fitted = any(result.get("fit_seconds") is not None for result in results)
    seconds = fitted and not rated
    title = f"Lists of ten of all unseen items{', and the seconds to fit' if seconds else ''}"
    return _figures(title, results, _LIST_FIGURES | (_FIT if seconds else {}), "ndcg_10")


def ratings_table(results: list[dict[str, Any]]) -> FiguresTable | None:
    """Return the table of expected ratings, and of the time to fit; None without any."""
    if all(result["rmse"] is None for result in results):
        return None
    fitted = any(result.get("fit_seconds") is not None for result in results)
    title = f"Expected ratings{', and the seconds to fit' if fitted else ''}"
    return _figures(title, results, _RATING_FIGURES | _FIT, "rmse")


def _figures(
    title: str, results: list[dict[str, Any]], headings: Mapping[str, str], first: str
) -> FiguresTable:
    """Return a table of figures: the contenders that have the first of them, the best first."""
    rows = [result for result in results if result[first] is not None]
    rows.sort(key=lambda result: float(result[f"{first}_behind"]))
    names = [name for name in headings if any(row.get(name) is not None for row in rows)]
    return FiguresTable(
        title,
        [headings[name] for name in names],
        [
            [row["name"], *(_figure(row, name, name.startswith(first)) for name in names)]
            for row in rows
        ],
    )


def _figure(row: dict[str, Any], name: str, with_error: bool) -> str:
    """Return a figure as text, with its standard error below if that is wanted and known."""
    value, error = row[name], row.get(f"{name}_se")
    if value is None:
        return ""
    if name.endswith("_behind") and value == 0:
        return "best"
    decimals = _decimals(value, 4 if with_error else 3)
    shown = f"{value:.{decimals}f}"
    if not with_error or error is None:
        return shown
    return f"{shown}\n\N{PLUS-MINUS SIGN}{error:.{decimals}f}"


def _decimals(value: float, most: int) -> int:
    """Return fewer decimals for figures of 10 and more, so that they fit in their column."""
    digits = math.floor(math.log10(abs(value))) if value else 0
    return max(most - max(digits, 0), 0)
