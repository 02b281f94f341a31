"""Palate: collaborative filtering that people can read.

A table of ratings goes in; out come recommendations, and an understanding of what people like.

>>> import palate
>>> ratings = palate.movielens("100k")
>>> model = palate.fit(ratings)
>>> model.user(196).recommend(10)

What is read, fitted, evaluated, saved and loaded is logged under the name ``palate``: a line each
at the level INFO, details at DEBUG. Nothing is printed unless the program sets up logging:

>>> logging.basicConfig(level=logging.INFO)
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from palate.analysis._choice_reasons import ChoiceExplanation
    from palate.analysis._explanation import Explanation
    from palate.analysis._item_table import ItemTable
    from palate.analysis._portrait import Portrait
    from palate.analysis._questions import Clarity
    from palate.analysis._vectors import Vectors
    from palate.data import splits
    from palate.data._movielens import movielens
    from palate.data._ratings import Ratings
    from palate.data._read_ratings import read_ratings
    from palate.errors import (
        DataError,
        DownloadError,
        MissingExtraError,
        ModelFileError,
        PalateError,
        SettingError,
        UnknownIdError,
    )
    from palate.evaluation import Comparison, Evaluation, compare, evaluate, metrics
    from palate.model._model import Model, Update, load
    from palate.model._modify import modify
    from palate.model._profile import Profile
    from palate.model._profiles import Profiles
    from palate.solvers import fit
    from palate.solvers._one_cycle import OneCycle
    from palate.solvers._protocol import Solver
    from palate.solvers.choice._solver import Choice
    from palate.solvers.gibbs._solver import Gibbs

__all__ = [
    "Choice",
    "ChoiceExplanation",
    "Clarity",
    "Comparison",
    "DataError",
    "DownloadError",
    "Evaluation",
    "Explanation",
    "Gibbs",
    "ItemTable",
    "MissingExtraError",
    "Model",
    "ModelFileError",
    "OneCycle",
    "PalateError",
    "Portrait",
    "Profile",
    "Profiles",
    "Ratings",
    "SettingError",
    "Solver",
    "UnknownIdError",
    "Update",
    "Vectors",
    "compare",
    "evaluate",
    "fit",
    "load",
    "metrics",
    "modify",
    "movielens",
    "read_ratings",
    "splits",
]

_WINGS = ("plots", "sklearn", "torch", "web")

# Names are imported on first use, so that `palate --help` need not wait for polars.
_MODULES = {
    "Choice": "palate.solvers.choice._solver",
    "ChoiceExplanation": "palate.analysis._choice_reasons",
    "Clarity": "palate.analysis._questions",
    "Comparison": "palate.evaluation",
    "Evaluation": "palate.evaluation",
    "Explanation": "palate.analysis._explanation",
    "Gibbs": "palate.solvers.gibbs._solver",
    "ItemTable": "palate.analysis._item_table",
    "Model": "palate.model._model",
    "OneCycle": "palate.solvers._one_cycle",
    "Portrait": "palate.analysis._portrait",
    "Profile": "palate.model._profile",
    "Profiles": "palate.model._profiles",
    "Ratings": "palate.data._ratings",
    "Solver": "palate.solvers._protocol",
    "Update": "palate.model._model",
    "Vectors": "palate.analysis._vectors",
    "compare": "palate.evaluation",
    "evaluate": "palate.evaluation",
    "fit": "palate.solvers",
    "load": "palate.model._model",
    "metrics": "palate.evaluation",
    "modify": "palate.model._modify",
    "movielens": "palate.data._movielens",
    "read_ratings": "palate.data._read_ratings",
    "splits": "palate.data",
} | dict.fromkeys([name for name in __all__ if name.endswith("Error")], "palate.errors")


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return importlib.import_module("importlib.metadata").version("palate")
    if name in _WINGS:  # each needs an extra, and so is not part of __all__
        return importlib.import_module(f"palate.{name}")
    if name not in _MODULES:
        raise AttributeError(f"module 'palate' has no attribute {name!r}")
    value = getattr(importlib.import_module(_MODULES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
