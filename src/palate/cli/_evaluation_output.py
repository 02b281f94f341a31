"""The output of an evaluation: a table of lists, one of ratings, and what wins."""

# ruff: noqa: PLC0415

import math
from typing import Any

from palate._words import counted

# The tables of an evaluation: the figures that each shows, and their headings.
_LIST_FIGURES = {
    "ndcg_10": "nDCG@10",
    "ndcg_10_behind": "behind",
    "recall_10": "recall@10",
    "catalogue_coverage": "catalogue",
    "diversity": "diversity",
    "genre_divergence": "genres",
}
_RATING_FIGURES = {
    "rmse": "RMSE",
    "rmse_behind": "behind",
    "rmse_cold": "cold",
    "mae": "MAE",
    "coverage_50": "in 50%",
    "coverage_90": "in 90%",
    "width_90": "width",
    "fit_seconds": "seconds",
}


def evaluation(evaluation: Any) -> None:
    """Print the figures of solvers and baselines, a row for each, and what wins."""
    from rich.console import Console

    console = Console(highlight=False)
    relevant = "Every held-out event"
    if evaluation.relevant is not None:
        relevant = f"A held-out rating of {evaluation.relevant:g} or more"
    console.print(f"Held out: {evaluation.split}. {relevant} is relevant.\n")
    rated = any(result["rmse"] is not None for result in evaluation.results)
    console.print(
        "Lists of ten of all unseen items" + ("" if rated else ", and the seconds to fit")
    )
    figures = _LIST_FIGURES if rated else _LIST_FIGURES | {"fit_seconds": "seconds"}
    console.print(_figures(evaluation.results, figures, "ndcg_10"))
    if rated:
        console.print("Expected ratings, and the seconds to fit")
        console.print(_figures(evaluation.results, _RATING_FIGURES, "rmse"))
    console.print(
        "behind: the difference from the best, \N{PLUS-MINUS SIGN} its paired standard error over "
        "users; other errors are over folds."
    )
    if {"palate", "choice"} <= {result["name"] for result in evaluation.results}:
        console.print(
            "Lists: palate ranks by both questions, choice by what people pick, and solvers of "
            "ratings by expected ratings."
        )
    if any(evaluation.cold):
        what = "rating" if rated else "event"
        cold = counted(sum(evaluation.cold), f"held-out {what}")
        console.print(f"cold: {cold} of a user or item without a training {what}")
    if evaluation.warning:
        console.print(f"Note: {evaluation.warning}")
    console.print(f"\n{evaluation.sentence}")


def _figures(results: list[dict[str, Any]], headings: dict[str, str], first: str) -> Any:
    """Return a table of figures: the contenders that have the first of them, the best first."""
    from rich import box
    from rich.table import Table

    rows = [result for result in results if result[first] is not None]
    rows.sort(key=lambda result: float(result[f"{first}_behind"]))
    names = [name for name in headings if any(row[name] is not None for row in rows)]
    shown = Table(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    shown.add_column("", overflow="fold")  # a name is wrapped sooner than a heading is cut
    for name in names:
        shown.add_column(headings[name], justify="right", no_wrap=True)
    for row in rows:
        shown.add_row(row["name"], *(_figure(row, name, name.startswith(first)) for name in names))
    return shown


def _figure(row: dict[str, Any], name: str, with_error: bool) -> str:
    """Return a figure as text, with its standard error below if that is wanted and known."""
    value, error = row[name], row[f"{name}_se"]
    if value is None:
        return ""
    if name.endswith("_behind") and value == 0:
        return "best"
    decimals = _decimals(value, 4 if with_error else 3)
    shown = f"{value:.{decimals}f}"
    if not with_error or error is None:
        return shown
    return f"{shown}\n\N{PLUS-MINUS SIGN}{error:.{decimals}f}"


def _decimals(value: float, most: int) -> int:
    """Return fewer decimals for figures of 10 and more, so that they fit in their column."""
    digits = math.floor(math.log10(abs(value))) if value else 0
    return max(most - max(digits, 0), 0)
