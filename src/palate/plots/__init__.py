"""Floor 4, an optional wing: figures by plotly, and the report (the extra ``plots``)."""

from palate.errors import MissingExtraError

try:
    from palate.plots._figures import axes, biases, explanation, history, neighbours, portrait
    from palate.plots._map import gap
    from palate.plots._map import item_map as map  # noqa: A004  (that is what it is)
    from palate.plots._report import report
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
    "portrait",
    "report",
    "write",
]
