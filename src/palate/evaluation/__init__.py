"""Evaluation of solvers and baselines on held-out ratings, and metrics of lists."""

from palate.evaluation import metrics as metrics
from palate.evaluation._compare import Comparison, compare
from palate.evaluation._evaluate import Evaluation, evaluate

__all__ = ["Comparison", "Evaluation", "compare", "evaluate"]
