"""Text in figures: how wide it is, how it is cut and wrapped, and how it stays text."""

import html
import unicodedata

# Widths of characters in ems. They are those of DejaVu Sans, among the widest of the fonts that
# `system-ui` stands for, so that what has room by them has room everywhere.
_NARROW, _USUAL, _CAPITAL, _BROAD = 0.4, 0.64, 0.76, 1.0
_NARROW_ONES = frozenset(" !'(),./:;I[]fijlrt|")
_BROAD_ONES = frozenset("%@MWmw…")
SIZE = 12


def text_width(text: str, size: int = SIZE) -> float:
    """Return how many pixels wide a line of text is at most."""
    return size * sum(map(_em, text))


def _em(character: str) -> float:
    if character in _NARROW_ONES:
        return _NARROW
    if character in _BROAD_ONES or unicodedata.east_asian_width(character) in "WF":
        return _BROAD
    return _CAPITAL if character.isupper() else _USUAL


def shorten(text: str, width: float, size: int = SIZE) -> str:
    """Return `text`, cut off with an ellipsis where it is wider than `width` pixels."""
    text = " ".join(text.split())
    if text_width(text, size) <= width:
        return text
    while text and text_width(f"{text}…", size) > width:
        text = text[:-1]
    return f"{text.rstrip()}…"


def wrap(text: str, width: float, size: int = SIZE) -> list[str]:
    """Return `text` in lines of at most `width` pixels, broken at blanks."""
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and text_width(longer, size) <= width:
            lines[-1] = longer
        else:
            lines.append(shorten(word, width, size))
    return lines


def plain(text: object) -> str:
    """Return text so that plotly shows it as it is.

    Plotly reads a few HTML tags and entities wherever it shows text, and formulas between dollars
    where a notebook has loaded MathJax.
    """
    return html.escape(" ".join(str(text).split()), quote=False).replace("$", "&#36;")


def signed(value: float) -> str:
    """Return a number with its sign and two decimals."""
    return f"{value:+.2f}".replace("-", "\N{MINUS SIGN}")


def between(lower: float | None, upper: float | None) -> str:
    """Return an interval in words; nothing where there is none."""
    if lower is None or upper is None:
        return ""
    return f"{signed(lower)} to {signed(upper)}"


def arrowed(name: str) -> str:
    """Return the name of an axis of taste with an arrow between its ends."""
    return name.replace("<->", "\N{LEFT RIGHT ARROW}")
