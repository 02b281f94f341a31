"""Figures of the data: which ratings there are, and how they are spread over items and users."""

from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from palate.data._ratings import Ratings
from palate.plots._figures import POINTS
from palate.plots._look import BLUE, GREEN, framed

# A scale of more steps than this is shown in bins.
_STEPS, _BINS = 21, 20


def ratings_figure(ratings: Ratings, width: int) -> Any:
    """Draw how often each rating was given."""
    values, counts = np.unique(ratings.rating, return_counts=True)
    if len(values) > _STEPS:
        counts, edges = np.histogram(ratings.rating, bins=_BINS)
        values = (edges[:-1] + edges[1:]) / 2
    bars = go.Bar(
        x=values,
        y=counts / counts.sum(),
        customdata=counts,
        marker={"color": BLUE},
        hovertemplate="rating %{x:.3g}: %{customdata:,} (%{y:.1%})<extra></extra>",
    )
    return framed(
        [bars],
        "How often each rating was given",
        f"rating ({POINTS})",
        "share of all ratings (%)",
        width=width,
        height=280,
        showlegend=False,
        bargap=0.35,
        xaxis={"tickvals": values if len(values) <= _STEPS // 2 else None, "showgrid": False},
        yaxis={"tickformat": ".0%", "nticks": 6},
    )


def counts_figure(counts: NDArray[np.int64], what: str, width: int) -> Any:
    """Draw how many ratings items or users have, in bins that double."""
    rated = counts[counts > 0]
    powers = np.floor(np.log2(rated)).astype(int) if len(rated) else np.zeros(0, dtype=int)
    heights = np.bincount(powers)
    lowest = 2 ** np.arange(len(heights))
    names = [f"{low:,}" if low == 1 else f"{low:,} to {2 * low - 1:,}" for low in lowest.tolist()]
    bars = go.Bar(
        x=np.arange(len(heights)),
        y=heights,
        hovertext=names,
        marker={"color": GREEN},
        hovertemplate=f"%{{hovertext}} ratings: %{{y:,}} {what}<extra></extra>",
    )
    return framed(
        [bars],
        f"How many ratings the {what} have",
        "number of ratings (each bar reaches up to the next)",
        f"number of {what}",
        width=width,
        height=280,
        showlegend=False,
        bargap=0.12,
        xaxis={
            "tickvals": np.arange(len(heights)) - 0.5,
            "ticktext": [f"{low:,}" for low in lowest.tolist()],
            "tickangle": 0,
            "showgrid": False,
        },
        yaxis={"nticks": 6},
    )
