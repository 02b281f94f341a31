"""Figures by plotly, and the report; optional, by the extra ``plots``."""

from palate.errors import MissingExtraError

try:
    from palate.plots._axes import axes
    from palate.plots._biases import biases
    from palate.plots._explanation import explanation
    from palate.plots._gap import gap
    from palate.plots._history import history
    from palate.plots._map import item_map as map  # noqa: A004  (the public name)
    from palate.plots._neighbours import neighbours
    from palate.plots._popularity import popularity
    from palate.plots._portrait import portrait
    from palate.plots._report._report import report
    from palate.plots._write import write
except ModuleNotFoundError as error:
    if (error.name or "").split(".")[0] != "plotly":
        raise
    message = "figures and reports need an extra: pip install 'palate[plots]'"
    raise MissingExtraError(message) from error

__all__ = [
    "axes",
    "biases",
    "explanation",
    "gap",
    "history",
    "map",
    "neighbours",
    "popularity",
    "portrait",
    "report",
    "write",
]
