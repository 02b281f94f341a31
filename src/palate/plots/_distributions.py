"""Figures of the training ratings: their values, and their numbers per item and per user."""

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from palate._theme import BLUE, GREEN
from palate.data._ratings import Ratings
from palate.plots._layout import new_xy_figure
from palate.plots._units import POINTS

# Maximum number of distinct ratings with a bar each; more are counted in bins.
_MAX_BARS, _BINS = 21, 20


def rating_distribution(ratings: Ratings, width: int) -> go.Figure:
    """Draw how often each rating was given."""
    values, counts = np.unique(ratings.rating, return_counts=True)
    if len(values) > _MAX_BARS:
        counts, edges = np.histogram(ratings.rating, bins=_BINS)
        values = (edges[:-1] + edges[1:]) / 2
    bars = go.Bar(
        x=values,
        y=counts / counts.sum(),
        customdata=counts,
        marker={"color": BLUE},
        hovertemplate="rating %{x:.3g}: %{customdata:,} (%{y:.1%})<extra></extra>",
    )
    return new_xy_figure(
        [bars],
        "How often each rating was given",
        f"rating ({POINTS})",
        "share of all ratings (%)",
        width=width,
        height=280,
        showlegend=False,
        bargap=0.35,
        xaxis={"tickvals": values if len(values) <= _MAX_BARS // 2 else None, "showgrid": False},
        yaxis={"tickformat": ".0%", "nticks": 6},
    )


def count_distribution(
    counts: NDArray[np.int64], kind: str, width: int, *, of: str = "ratings"
) -> go.Figure:
    """Draw the number of ratings per item or user in bins that double.

    `kind` is the plural of what has the numbers, and `of` of what is counted.
    """
    positive = counts[counts > 0]
    exponents = np.floor(np.log2(positive)).astype(int) if len(positive) else np.zeros(0, dtype=int)
    heights = np.bincount(exponents)
    lowest = (2 ** np.arange(len(heights))).tolist()
    names = [f"{low:,}" if low == 1 else f"{low:,} to {2 * low - 1:,}" for low in lowest]
    bars = go.Bar(
        x=np.arange(len(heights)),
        y=heights,
        hovertext=names,
        marker={"color": GREEN},
        hovertemplate=f"%{{hovertext}} {of}: %{{y:,}} {kind}<extra></extra>",
    )
    return new_xy_figure(
        [bars],
        f"Number of {of} per {kind.removesuffix('s')}",
        f"number of {of} (each bar extends to the next number)",
        f"number of {kind}",
        width=width,
        height=280,
        showlegend=False,
        bargap=0.12,
        xaxis={
            "tickvals": np.arange(len(heights)) - 0.5,
            "ticktext": [f"{low:,}" for low in lowest],
            "tickangle": 0,
            "showgrid": False,
        },
        yaxis={"nticks": 6},
    )
