"""Floor 3: how well a solver predicts what it has not seen."""

from palate.evaluation._evaluate import Evaluation, evaluate

__all__ = ["Evaluation", "evaluate"]
