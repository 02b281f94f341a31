"""Floor 3: how well a solver predicts what it has not seen."""

from palate.evaluation._evaluate import evaluate

__all__ = ["evaluate"]
