"""The HTML of a self-contained page: text, tables and figures."""

import html
import json
import re
from collections.abc import Callable, Iterable, Sequence
from importlib.resources import files
from string import Template
from typing import Any, NamedTuple

import plotly.graph_objects as go
from plotly.io.json import to_json_plotly
from plotly.offline import get_plotlyjs

from palate import _theme

# Each figure is laid out for these widths, in pixels; the page shows the widest that fits.
WIDTHS = (920, 620, 358, 328)
MISSING = "\N{EN DASH}"


class Section(NamedTuple):
    """A section of the page: its anchor, its name in the navigation, its title, and its HTML."""

    anchor: str
    name: str
    title: str
    body: str


class Number(str):
    """The text of a right-aligned cell."""

    __slots__ = ()


class Reasoned(NamedTuple):
    """A cell with reasons below its text, each on a line of its own in smaller type."""

    text: str
    reasons: tuple[str, ...]


Cell = str | Number | Reasoned


def page(title: str, header: str, sections: Sequence[Section]) -> str:
    """Return the whole page; `header` and the bodies of sections are HTML."""
    links = "".join(f'<a href="#{s.anchor}">{escape(s.name)}</a>' for s in sections)
    bodies = "".join(
        f'<section id="{s.anchor}"><h2>{escape(s.title)}</h2>{s.body}</section>' for s in sections
    )
    return Template(_asset("page.html")).substitute(
        title=escape(title),
        style=_theme.stylesheet() + _asset("page.css"),
        header=header,
        links=links,
        sections=bodies,
        plotly=get_plotlyjs(),
        script=_asset("page.js"),
    )


def _asset(name: str) -> str:
    return files("palate.plots._report").joinpath(name).read_text(encoding="utf-8")


def escape(text: object) -> str:
    """Return text so that a browser shows it literally."""
    return html.escape(str(text))


def paragraph(text: str) -> str:
    """Return a paragraph."""
    return f"<p>{escape(text)}</p>"


def heading(text: str) -> str:
    """Return a heading within a section."""
    return f"<h3>{escape(text)}</h3>"


def quotation(text: str) -> str:
    """Return a block quotation."""
    return f"<blockquote>{_with_minus(paragraph(text))}</blockquote>"


def note(text: str) -> str:
    """Return a highlighted paragraph, for what is missing or needs caution."""
    return f'<p class="note">{escape(text)}</p>'


def table(heads: Sequence[str], rows: Iterable[Sequence[Cell]], *, bold: str = "") -> str:
    """Return a table; the row whose first cell is `bold` is set in bold.

    The head of a column of `Number` is right-aligned, too.
    """
    lines = list(rows)
    right = [isinstance(cell, Number) for cell in lines[0]] if lines else [False] * len(heads)
    top = "".join(
        f"<th{_alignment(is_right)}>{escape(head)}</th>"
        for head, is_right in zip(heads, right, strict=True)
    )
    body = "".join(
        ('<tr class="own">' if row[0] == bold else "<tr>")
        + "".join(f"<td{_alignment(isinstance(cell, Number))}>{_cell(cell)}</td>" for cell in row)
        + "</tr>"
        for row in lines
    )
    return (
        f'<div class="scroll" tabindex="0"><table><thead><tr>{top}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _cell(cell: Cell) -> str:
    if isinstance(cell, Reasoned):
        small = "".join(f"<small>{escape(reason)}</small>" for reason in cell.reasons)
        return escape(cell.text) + _with_minus(small)
    return escape(cell)


def _with_minus(sentence: str) -> str:
    """Return a sentence with minus signs, for which sentences of Palate have hyphens."""
    return re.sub(r"\(-(?=\d)", "(\N{MINUS SIGN}", sentence)


def _alignment(is_right: bool) -> str:
    return ' class="number"' if is_right else ""


def disclosure(summary: str, body: str) -> str:
    """Return HTML that is hidden until a reader opens it; `body` is HTML."""
    return f"<details><summary>{escape(summary)}</summary>{body}</details>"


def figure(draw: Callable[[int], go.Figure], caption: str = "") -> str:
    """Return a figure that is laid out for every width; `draw` draws it at one width.

    Only layouts depend on the width, so the page contains the data once.
    """
    figures = [draw(width) for width in WIDTHS]
    title = figures[0].layout.title.text.replace("<br>", " ")
    parts = {"data": figures[0].data, "layouts": [drawn.layout for drawn in figures]}
    data = to_json_plotly(parts)  # This escapes every "<", so no text can end the script.
    caption_html = f"<figcaption>{escape(caption)}</figcaption>" if caption else ""
    return (
        f'<figure><div class="figure" role="img" aria-label="{escape(html.unescape(title))}">'
        f'<div class="canvas"></div><script type="application/json">{data}</script></div>'
        f"{caption_html}</figure>"
    )


def facts(pairs: Iterable[tuple[str, str]], *, style: str = "") -> str:
    """Return a list of names and values; `style` is a class of the style sheet."""
    lines = "".join(f"<div><dt>{escape(k)}</dt><dd>{escape(v)}</dd></div>" for k, v in pairs)
    return f'<dl class="{style}">{lines}</dl>' if style else f"<dl>{lines}</dl>"


def settings_text(settings: dict[str, Any]) -> str:
    """Return settings in one line."""
    return ", ".join(f"{name} {json.dumps(value, default=str)}" for name, value in settings.items())
