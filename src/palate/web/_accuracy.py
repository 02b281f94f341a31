"""The accuracy of two models beside each other, measured once and in the background."""

import sys
import tempfile
from pathlib import Path

from palate.errors import PalateError, first_line
from palate.evaluation._compare_refitted import compare_refitted, solver_of
from palate.model._model import Model, load
from palate.web import _compare_responses as res
from palate.web._background import Background, output_of, print_result

# Fitting two models to more ratings than this takes minutes.
_MAX_RATINGS = 2_000_000
_FOLDERS = ("first", "second")


def background_accuracy(
    models: dict[str, Model], folder: Path | None = None
) -> Background[res.Accuracy]:
    """Return what measures both solvers on ratings that are held out of both, when it is asked.

    They are fitted again without these, since no other ratings are at hand. Processes share the
    result in `folder`; see `Background`.
    """

    def compute() -> res.Accuracy:
        return _unavailable(why) if (why := _why_not(models)) else _in_process(models)

    return Background(compute, _unavailable, res.Accuracy, folder)


def _why_not(models: dict[str, Model]) -> str | None:
    """Return why the models can't be fitted again here; None if they can."""
    for name, model in models.items():
        if model.ratings is None:
            return f"the model {name} was saved without its users"
        try:
            solver_of(model)
        except PalateError as error:
            return f"the model {name} can't be fitted again: {first_line(error)}"
    size = sum(len(model.learned.require_users()) for model in models.values())
    if size > _MAX_RATINGS:
        return (
            f"fitting both again, to {size:,} ratings, takes minutes; hold ratings out before the "
            "fit, and run palate compare"
        )
    return None


def _in_process(models: dict[str, Model]) -> res.Accuracy:
    """Return the accuracy, computed by `main` in a new process."""
    with tempfile.TemporaryDirectory() as folder:
        for part, model in zip(_FOLDERS, models.values(), strict=True):
            model.save(Path(folder) / part)
        output = output_of("palate.web._accuracy", folder, *models)
        return res.Accuracy.model_validate_json(output)


def main() -> None:
    """Compare the models in a folder, and print the result as JSON; arguments: it, and names."""
    folder, *names = sys.argv[1:]
    folders = zip(names, _FOLDERS, strict=True)

    def compute() -> res.Accuracy:
        return _measured({name: load(Path(folder) / part) for name, part in folders})

    print_result(compute, _unavailable)


def _measured(models: dict[str, Model]) -> res.Accuracy:
    comparison = compare_refitted(models, threads=1)
    return res.Accuracy(
        scores=[
            res.ModelScore(
                name=row["name"],
                rmse=row["rmse"],
                mae=row["mae"],
                ndcg=row["ndcg_10"],
                recall=row["recall_10"],
            )
            for row in comparison.results
        ],
        held_out=comparison.measured,
        people=comparison.people,
        sentence=comparison.sentence,
    )


def _unavailable(reason: str) -> res.Accuracy:
    return res.Accuracy(scores=None, why_not=reason)
