"""A page of HTML that needs nothing but itself: text, tables and figures."""

import html
import json
from collections.abc import Callable, Iterable, Sequence
from importlib.resources import files
from string import Template
from typing import Any, NamedTuple

from plotly.io.json import to_json_plotly
from plotly.offline import get_plotlyjs

# Each figure is laid out for these widths, in pixels; the page shows the widest that fits.
WIDTHS = (920, 620, 358, 328)


class Section(NamedTuple):
    """A part of the page: its anchor, its short name, its title, and its HTML."""

    anchor: str
    name: str
    title: str
    body: str


class Number(str):
    """The text of a cell that is set to the right."""

    __slots__ = ()


class Reasoned(NamedTuple):
    """A cell with a reason below, in smaller type."""

    text: str
    reason: str


Cell = str | Number | Reasoned


def page(title: str, head: str, sections: Sequence[Section]) -> str:
    """Return the whole page; `head` is HTML, as are the bodies of sections."""
    links = "".join(f'<a href="#{s.anchor}">{escape(s.name)}</a>' for s in sections)
    parts = "".join(
        f'<section id="{s.anchor}"><h2>{escape(s.title)}</h2>{s.body}</section>' for s in sections
    )
    return Template(_asset("page.html")).substitute(
        title=escape(title),
        style=_asset("page.css"),
        head=head,
        links=links,
        sections=parts,
        plotly=get_plotlyjs(),
        script=_asset("page.js"),
    )


def _asset(name: str) -> str:
    return files("palate.plots").joinpath(name).read_text(encoding="utf-8")


def escape(text: object) -> str:
    """Return text so that a browser shows it as it is."""
    return html.escape(str(text))


def prose(text: str) -> str:
    """Return a paragraph."""
    return f"<p>{escape(text)}</p>"


def note(text: str) -> str:
    """Return a paragraph that says what is missing, and why."""
    return f'<p class="note">{escape(text)}</p>'


def table(heads: Sequence[str], rows: Iterable[Sequence[Cell]], *, bold: str = "") -> str:
    """Return a table; the row whose first cell is `bold` stands out.

    A column of `Number` has its head to the right as well.
    """
    lines = list(rows)
    right = [isinstance(cell, Number) for cell in lines[0]] if lines else [False] * len(heads)
    top = "".join(
        f"<th{_right(is_right)}>{escape(head)}</th>"
        for head, is_right in zip(heads, right, strict=True)
    )
    body = "".join(
        ('<tr class="own">' if row[0] == bold else "<tr>")
        + "".join(f"<td{_right(isinstance(cell, Number))}>{_cell(cell)}</td>" for cell in row)
        + "</tr>"
        for row in lines
    )
    return (
        f'<div class="scroll" tabindex="0"><table><thead><tr>{top}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _cell(cell: Cell) -> str:
    if isinstance(cell, Reasoned):
        reason = escape(cell.reason).replace("(-", "(\N{MINUS SIGN}")
        return f"{escape(cell.text)}<small>{reason}</small>"
    return escape(cell)


def _right(is_right: bool) -> str:
    return ' class="number"' if is_right else ""


def folded(summary: str, body: str) -> str:
    """Return what opens when it is asked for; `body` is HTML."""
    return f"<details><summary>{escape(summary)}</summary>{body}</details>"


def figure(draw: Callable[[int], Any], caption: str = "") -> str:
    """Return a figure that is laid out for every width: `draw` draws it at one.

    Only layouts differ by width, so the data are there once.
    """
    drawn = [draw(width) for width in WIDTHS]
    title = drawn[0].layout.title.text.replace("<br>", " ")
    parts = {"data": drawn[0].data, "layouts": [one.layout for one in drawn]}
    data = to_json_plotly(parts)  # in which every "<" is escaped, so nothing ends the script
    told = f"<figcaption>{escape(caption)}</figcaption>" if caption else ""
    return (
        f'<figure><div class="figure" role="img" aria-label="{escape(html.unescape(title))}">'
        f'<div class="canvas"></div><script type="application/json">{data}</script></div>'
        f"{told}</figure>"
    )


def facts(pairs: Iterable[tuple[str, str]]) -> str:
    """Return facts under their names."""
    lines = "".join(f"<div><dt>{escape(k)}</dt><dd>{escape(v)}</dd></div>" for k, v in pairs)
    return f"<dl>{lines}</dl>"


def settings_text(settings: dict[str, Any]) -> str:
    """Return settings in one line."""
    return ", ".join(f"{name} {json.dumps(value, default=str)}" for name, value in settings.items())
