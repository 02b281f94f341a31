"""Evaluation of solvers and baselines on held-out ratings."""

from palate.evaluation._evaluate import Evaluation, evaluate

__all__ = ["Evaluation", "evaluate"]
