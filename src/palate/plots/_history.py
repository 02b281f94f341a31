"""The figure of the history of a fit."""

import plotly.graph_objects as go

from palate._theme import CATEGORICAL, GREY
from palate.errors import SettingError
from palate.model._model import Model
from palate.plots._layout import WIDTH, check_width, new_xy_figure
from palate.plots._units import POINTS

# Maximum number of steps that are marked with points.
_MAX_MARKED = 29
_NOT_DRAWN = "seconds"
_LISTS = "ndcg_10"


def history(model: Model, *, width: int = WIDTH) -> go.Figure:
    """Draw the history of the fit.

    Parameters
    ----------
    model
        The model.
    width
        Width of the figure in pixels.

    Returns
    -------
    plotly.graph_objects.Figure
        For the book's recipe the mean squared errors train_loss and valid_loss after each epoch;
        for Gibbs noise_sd and train_rmse after each sweep, in units of the ratings; for the choice
        model ndcg_10, the quality of lists, with each of the settings that were tried.

    Raises
    ------
    SettingError
        If the model has no history, or `width` is out of range.

    Examples
    --------
    >>> import palate, palate.plots
    >>> model = palate.fit(palate.movielens("100k"), palate.OneCycle())
    >>> [line.name for line in palate.plots.history(model).data]
    ['train_loss']
    """
    width, traces = check_width(width), _lines(model)
    if not traces:
        raise SettingError("this model has no history of its fit, so there is nothing to draw")
    step = model.history.columns[0]
    figure = new_xy_figure(
        traces,
        f"Course of the fit by {step}",
        step,
        _quantity([trace.name for trace in traces]),
        width=width,
        height=300,
        legend={"x": 1, "xanchor": "right", "y": 1, "yanchor": "top"},
        showlegend=True,
        hovermode="x",
        xaxis={"nticks": 8, "tickformat": "d"},
    )
    burn_in = model.fit.settings.get("burn_in")
    return figure if burn_in is None else _mark_burn_in(figure, burn_in)


def _lines(model: Model) -> list[go.Scatter]:
    """Return a line for each column of the history that has values."""
    table = model.history
    step, *columns = table.columns or [""]
    drawn = [
        name for name in columns if name != _NOT_DRAWN and table[name].null_count() < table.height
    ]
    if _LISTS in drawn:  # the other columns are the settings that were tried
        drawn = [_LISTS]
    return [
        go.Scatter(
            x=table[step],
            y=table[name],
            name=name,
            mode="lines+markers" if table.height <= _MAX_MARKED else "lines",
            line={"color": colour, "width": 2},
            hovertemplate=f"{step} %{{x}}: %{{y:.4f}}",
        )
        for name, colour in zip(drawn, CATEGORICAL, strict=False)
    ]


def _quantity(names: list[str]) -> str:
    """Return what is drawn, with its unit."""
    if _LISTS in names:
        return "quality of lists (nDCG@10)"
    squared = any(name.endswith("loss") for name in names)
    return f"mean squared error ({POINTS}²)" if squared else f"error ({POINTS})"


def _mark_burn_in(figure: go.Figure, burn_in: int) -> go.Figure:
    figure.add_vline(burn_in, line={"color": GREY, "dash": "dot"})
    return figure.add_annotation(
        **{"x": burn_in, "y": 0.86, "yref": "paper", "text": "draws are kept from here on"},
        **{"showarrow": False, "xanchor": "left", "xshift": 5},
    )
