"""Figures by matplotlib, as in fastai."""

from typing import Any

from palate.errors import MissingExtraError


def axes_of(ax: Any) -> Any:
    """Return the matplotlib axes to draw on: those given, or the current ones.

    Raises
    ------
    MissingExtraError
        If matplotlib is not installed.
    """
    if ax is not None:
        return ax
    try:
        from matplotlib import pyplot as plt  # noqa: PLC0415  (only a figure needs it)
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] != "matplotlib":
            raise
        message = "figures of a learner require matplotlib: pip install 'palate[torch]'"
        raise MissingExtraError(message) from error
    return plt.gca()
