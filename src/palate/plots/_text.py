"""Text in figures: its width in pixels, shortening, wrapping and escaping."""

import functools
import html
import unicodedata
from collections.abc import Sequence

# Widths of characters in ems. They are those of DejaVu Sans, among the widest of the fonts that
# `system-ui` stands for, so text that fits by this estimate fits everywhere.
_NARROW, _REGULAR, _CAPITAL, _WIDE = 0.4, 0.64, 0.76, 1.0
_NARROW_CHARACTERS = frozenset(" !'(),./:;I[]fijlrt|")
_WIDE_CHARACTERS = frozenset("%@MWmw…")
FONT_SIZE = 12


def text_width(text: str, size: int = FONT_SIZE) -> float:
    """Return an upper estimate of the width of a line of text, in pixels."""
    return size * sum(map(_em, text))


@functools.cache
def _em(character: str) -> float:
    if character in _NARROW_CHARACTERS:
        return _NARROW
    if character in _WIDE_CHARACTERS or unicodedata.east_asian_width(character) in "WF":
        return _WIDE
    return _CAPITAL if character.isupper() else _REGULAR


def shorten(text: str, width: float, size: int = FONT_SIZE) -> str:
    """Return `text`, cut off with an ellipsis if it is wider than `width` pixels."""
    text = " ".join(text.split())
    if text_width(text, size) <= width:
        return text
    while text and text_width(f"{text}…", size) > width:
        text = text[:-1]
    return f"{text.rstrip()}…"


def wrap(text: str, width: float, size: int = FONT_SIZE) -> list[str]:
    """Return `text` in lines of at most `width` pixels, broken at spaces."""
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and text_width(longer, size) <= width:
            lines[-1] = longer
        else:
            lines.append(shorten(word, width, size))
    return lines


def escape(text: object) -> str:
    """Return text so that plotly shows it literally.

    Plotly interprets a few HTML tags and entities wherever it shows text, and formulas between
    dollar signs if a notebook has loaded MathJax.
    """
    return html.escape(" ".join(str(text).split()), quote=False).replace("$", "&#36;")


def join_lines(lines: Sequence[str]) -> str:
    """Return lines of text, escaped, with the line breaks of plotly."""
    return "<br>".join(map(escape, lines))


def hover_text(*lines: str) -> str:
    """Return the text of a hover box; empty lines are left out."""
    return join_lines([line for line in lines if line])
