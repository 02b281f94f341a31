"""Ground floor: colours, font and the rule for labels, common to `palate.plots` and `palate.web`.

Pages take their colours from the custom properties of ``theme.css``, which differ between light
and dark. Figures have to look right on any page, a notebook's for instance, and use the constants
below.

The rule for the labels of points
---------------------------------
Points are labelled in order of importance: a marked point first, then the most rated ones. A label
is tried to the right of its point, to the left, above and below. It must lie inside the plot and
must not overlap a label placed before, nor the point of one. A point for which no position is free
gets no label. This rule has two implementations, because figures are laid out once in Python, also
for notebooks and files without a server, and the explorer's map again in JavaScript whenever
somebody moves it: ``plots/_label_placement.py``, which has time to try the corners as well and to
choose the position that hides the fewest other points, and ``web/static/plot/labels.js``, which
takes the first free position.
"""

from importlib.resources import files

# The colours are of medium lightness, so that they are visible on white and on black. They are
# those of Okabe and Ito ("Color universal design", 2008), some slightly darker, and two more.
BLUE, ORANGE, GREEN = "#0072B2", "#D55E00", "#009E73"
CATEGORICAL = (BLUE, ORANGE, GREEN, "#CC79A7", "#B98200", "#3F9BD0", "#8561C5", "#8C6D31")
GREY = "#8A9099"
# From negative to positive values, and from small to large ones.
DIVERGING = (ORANGE, GREY, BLUE)
SEQUENTIAL = ("#9AA3AF", BLUE, "#8561C5")
# Text, grid lines and the line at zero, where no page sets their colours.
INK, GRID, ZERO = "#737A87", "rgba(128,136,150,0.20)", "rgba(128,136,150,0.55)"
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"


def stylesheet() -> str:
    """Return ``theme.css``: colours and font as CSS custom properties."""
    return files("palate._theme").joinpath("theme.css").read_text(encoding="utf-8")
