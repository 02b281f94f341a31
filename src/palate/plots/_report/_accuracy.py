"""The section on accuracy."""

from typing import Any

from palate._words import capitalized
from palate.evaluation import Evaluation
from palate.evaluation._titles import contender_title
from palate.model._model import Model
from palate.plots._report._html import MISSING, Number, note, paragraph, table
from palate.plots._units import POINTS
from palate.solvers._combined import Combined
from palate.solvers.choice._solver import Choice

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
_LISTS_EXPLAINED = (
    "A part of the histories was held out. NDCG and recall measure how many of the held-out items "
    "are among the ten that are recommended from the rest (higher is better)."
)
_PARTS = (
    "Palate ranks items by both of its models: what a person would pick, and how they would like "
    "it. The lists of each model alone are shown beside it."
)
_STANDARD_ERROR = " The number after \N{PLUS-MINUS SIGN} is the standard error over folds."


def accuracy_section(model: Model, evaluation: Evaluation | None) -> str:
    """Return the section as HTML."""
    if evaluation is None:
        return (
            '<p class="note">How well this model predicts was not measured; '
            "<code>palate report MODEL --evaluate</code> measures it.</p>"
        )
    results, names = evaluation.results, [row["name"] for row in evaluation.results]
    metrics = [name for name in _METRICS if any(row[name] is not None for row in results)]
    rows = [[_title(row["name"]), *(_figure(row, name) for name in metrics)] for row in results]
    combined = Combined.name in names and model.learned.choice is not None
    standard_error = _STANDARD_ERROR if len(evaluation.cold) > 1 else ""
    return (
        paragraph(_EXPLAINED if "rmse" in metrics else _LISTS_EXPLAINED)
        + (paragraph(_PARTS) if {Combined.name, Choice.name} <= set(names) else "")
        + table(
            ["", *(_METRICS[name] for name in metrics)],
            rows,
            bold=_title(Combined.name if combined else model.fit.solver),
        )
        + paragraph(f"In short: {evaluation.sentence}")
        + paragraph(f"Held out: {evaluation.split}.{standard_error}")
        + (note(f"Caution: {evaluation.warning}.") if evaluation.warning else "")
    )


def _title(name: str) -> str:
    return capitalized(contender_title(name))


def _figure(row: dict[str, Any], metric: str) -> Number:
    """Return the value of a metric, with its standard error if there is one."""
    if row[metric] is None:
        return Number(MISSING)
    form = _FORMATS.get(metric, ".3f")
    error = row.get(f"{metric}_se")
    spread = "" if error is None else f" \N{PLUS-MINUS SIGN} {error:{form}}"
    return Number(f"{row[metric]:{form}}{spread}")
