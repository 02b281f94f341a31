"""Figures by matplotlib, as in fastai."""

from typing import Any

from matplotlib import pyplot as plt


def axes_of(ax: Any) -> Any:
    """Return the matplotlib axes to draw on: those given, or the current ones."""
    return plt.gca() if ax is None else ax
