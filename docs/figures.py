"""Draws the figures of the documentation: ``python docs/figures.py`` writes docs/_static/figures.

Each figure is written twice, for light and for dark pages. It needs Chromium, in which plotly draws
the figures of `palate.plots` as SVG. Draw them again when a figure has changed.
"""

import shutil
import sys
from html import escape
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright
from plotly.offline import get_plotlyjs

import palate
from palate import plots

FOLDER = Path(__file__).parent / "_static" / "figures"
WIDTH = 600
# Text, lines, and the surface of boxes, on light and on dark pages.
COLOURS = {
    "light": {"ink": "#3b424d", "line": "#8b8880", "box": "#e6eff6", "blue": "#0a5f9e"},
    "dark": {"ink": "#c9d0da", "line": "#727a86", "box": "#1e2d3b", "blue": "#84bdf0"},
}
# Colours of `palate.plots`, which suit both, but neither best: of text, and of marks.
INK, BLUE = "rgb(115, 122, 135)", "rgb(0, 114, 178)"


def main() -> None:
    """Write all figures."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for scheme, colours in COLOURS.items():
        _write("one-idea", scheme, _one_idea(**colours))
    model = palate.fit(palate.movielens("100k"))
    person = model.profile({"Casablanca (1942)": 5, "Titanic (1997)": 2})
    figures = {
        "biases": plots.biases(model, n=8, width=WIDTH),
        "gap": plots.gap(model, most_rated=300, width=WIDTH),
        "map": plots.map(model, most_rated=300, labels=25, width=WIDTH),
        "explanation": plots.explanation(person.explain("Vertigo (1958)"), width=WIDTH),
    }
    for name, drawn in _drawn(figures).items():
        for scheme, colours in COLOURS.items():
            own = drawn.replace(INK, colours["ink"]).replace(BLUE, colours["blue"])
            _write(name, scheme, own)


def _write(name: str, scheme: str, svg: str) -> None:
    path = FOLDER / f"{name}-{scheme}.svg"
    path.write_text(svg, encoding="utf-8")
    print(f"{path.name}: {len(svg) // 1000} kB")


def _drawn(figures: dict[str, Any]) -> dict[str, str]:
    """Return the figures as SVG, drawn by plotly in a browser."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        sys.exit("figures are drawn in Chromium: apt-get install chromium")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page()
        page.set_content("<body></body>")
        page.add_script_tag(content=get_plotlyjs())
        drawn = {
            name: page.evaluate(
                f"""Plotly.toImage({figure.to_json()}, {{format: "svg"}})
                .then(url => decodeURIComponent(url.replace(/^[^,]*,/, "")))"""
            )
            for name, figure in figures.items()
        }
        browser.close()
    return drawn


def _one_idea(ink: str, line: str, box: str, blue: str) -> str:
    """Return the picture of the one idea: items are learned, users are inferred."""
    boxes = [
        (4, 10, "Table of ratings", "users, items, ratings"),
        (216, 10, "Fit", "once, some seconds"),
        (428, 10, "Items", "biases, factors, weights"),
        (4, 140, "A history", "of anyone"),
        (216, 140, "Inference", "for each, a millisecond"),
        (428, 140, "Person", "how sure is it?"),
        (428, 250, "Answers", "lists, ratings, reasons"),
    ]
    arrows = [(172, 45, 212, 45), (384, 45, 424, 45), (172, 175, 212, 175), (384, 175, 424, 175)]
    arrows += [(512, 210, 512, 246)]
    parts = [
        f'<rect x="{x}" y="{y}" width="168" height="70" rx="8" fill="{box}" stroke="{line}"/>'
        f'<text x="{x + 84}" y="{y + 31}" font-size="16" font-weight="600">{escape(title)}</text>'
        f'<text x="{x + 84}" y="{y + 51}" font-size="13.5">{escape(text)}</text>'
        for x, y, title, text in boxes
    ]
    parts += [
        f'<path d="M{x1} {y1}L{x2} {y2}" stroke="{blue}" stroke-width="2" marker-end="url(#tip)"/>'
        for x1, y1, x2, y2 in arrows
    ]
    parts.append(
        f'<path d="M512 80V110H300V136" fill="none" stroke="{blue}" stroke-width="2" '
        'marker-end="url(#tip)"/>'
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 600 324" width="{WIDTH}" '
        'height="324" font-family="system-ui, sans-serif" text-anchor="middle" '
        f'fill="{ink}"><defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
        f'markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z" fill="{blue}"/></marker></defs>'
        f"{''.join(parts)}</svg>\n"
    )


if __name__ == "__main__":
    main()
