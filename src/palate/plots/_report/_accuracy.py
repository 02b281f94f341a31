"""The section on accuracy."""

from typing import Any

from palate.evaluation._evaluate import Evaluation, contender_title
from palate.model._model import Model
from palate.plots._report._html import MISSING, Number, note, paragraph, table
from palate.plots._units import POINTS

_METRICS = {
    "rmse": f"RMSE ({POINTS})",
    "mae": f"MAE ({POINTS})",
    "ndcg_10": "NDCG@10",
    "recall_10": "recall@10",
    "coverage_90": "in 90% interval",
}
_FORMATS = {"coverage_90": ".1%"}
_EXPLAINED = (
    "Some of the ratings were held out and predicted from the others. RMSE and MAE are the typical "
    "errors of a prediction in rating points (lower is better). NDCG and recall measure how many "
    "of the held-out items that a person liked are among ten recommendations (higher is better). "
    "A 90% interval should contain 90% of the held-out ratings."
)
_STANDARD_ERROR = " The number after \N{PLUS-MINUS SIGN} is the standard error over folds."


def accuracy_section(model: Model, evaluation: Evaluation | None) -> str:
    """Return the section as HTML."""
    if evaluation is None:
        return (
            '<p class="note">How well this model predicts was not measured; '
            "<code>palate report MODEL --evaluate</code> measures it.</p>"
        )
    rows = [
        [contender_title(row["name"]), *(_figure(row, metric) for metric in _METRICS)]
        for row in evaluation.results
    ]
    standard_error = _STANDARD_ERROR if len(evaluation.cold) > 1 else ""
    return (
        paragraph(_EXPLAINED)
        + table(["", *_METRICS.values()], rows, bold=contender_title(model.fit.solver))
        + paragraph(f"Held out: {evaluation.split}.{standard_error}")
        + (note(f"Caution: {evaluation.warning}.") if evaluation.warning else "")
    )


def _figure(row: dict[str, Any], metric: str) -> Number:
    """Return the value of a metric, with its standard error if there is one."""
    if row[metric] is None:
        return Number(MISSING)
    form = _FORMATS.get(metric, ".3f")
    error = row.get(f"{metric}_se")
    spread = "" if error is None else f" \N{PLUS-MINUS SIGN} {error:{form}}"
    return Number(f"{row[metric]:{form}}{spread}")
