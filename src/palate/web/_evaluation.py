"""The evaluation of a model's solver, measured in the background when somebody asks for it."""

import sys
import tempfile
from pathlib import Path

from palate.evaluation import evaluate
from palate.evaluation._compare_refitted import solver_of
from palate.inference._lists import By
from palate.model._model import Model, load
from palate.solvers._combined import Combined
from palate.solvers._registry import SOLVERS
from palate.web import _responses as res
from palate.web._background import Background, output_of, print_result

# Evaluating a solver on more ratings than this takes minutes.
_MAX_RATINGS = 2_000_000


class BackgroundEvaluation:
    """Evaluates the solver of a model beside baselines, once, when it is asked to.

    Parameters
    ----------
    model
        The model.
    folder
        Where processes share the result; see `Background`.
    """

    def __init__(self, model: Model, folder: Path | None = None) -> None:
        self._model, self.folder = model, folder
        self._background = Background(
            lambda: _evaluate_in_process(model), _failed, res.Evaluation, folder
        )

    def result(self) -> res.Evaluation:
        """Return the evaluation; its scores are None until they have been measured."""
        why_not = self._why_not()
        if why_not is not None:
            return _unavailable(why_not)
        found = self._background.result()
        return found or res.Evaluation(running=self._background.is_asked_for)

    def start(self) -> res.Evaluation:
        """Start the evaluation, unless it has been started, and return it as `result` does."""
        if self._why_not() is None:
            self._background.start()
        return self.result()

    def _why_not(self) -> str | None:
        ratings, solver = self._model.ratings, self._model.fit.solver
        if ratings is None:
            return "the model was saved without its users"
        if solver not in SOLVERS:
            return f"a model fitted by {solver} can't be refitted here"
        if len(ratings) > _MAX_RATINGS:
            return f"{len(ratings):,} {ratings.kind} take minutes; run palate evaluate"
        return None


def _evaluate_in_process(model: Model) -> res.Evaluation:
    """Return the evaluation of a model's solver, computed by `main` in a new process."""
    with tempfile.TemporaryDirectory() as folder:
        model.save(folder)
        output = output_of("palate.web._evaluation", folder)
        return res.Evaluation.model_validate_json(output)


def main() -> None:
    """Evaluate the solver of the model in the folder given, and print the result as JSON."""
    print_result(lambda: _evaluate(load(Path(sys.argv[1]))), _unavailable)


def _evaluate(model: Model) -> res.Evaluation:
    learned, contender = model.learned, solver_of(model)
    # What each entry of this model ranks lists by, its own first.
    parts: dict[str, By] = {model.fit.solver: "rating" if learned.has_ratings else "choice"}
    if isinstance(contender, Combined):
        parts = {Combined.name: "both", "choice": "choice", **parts}
    evaluation = evaluate(learned.require_users(), contender, split="random", threads=1)
    scores = [
        res.Score(
            name=row["name"],
            rmse=row.get("rmse"),
            mae=row.get("mae"),
            ndcg=next((v for k, v in row.items() if k.startswith("ndcg")), None),
            ours=row["name"] == contender.name,
            part=parts.get(row["name"]),
        )
        for row in evaluation.results
    ]
    return res.Evaluation(scores=scores, split=evaluation.split, sentence=evaluation.sentence)


def _unavailable(reason: str) -> res.Evaluation:
    return res.Evaluation(why_not=reason)


def _failed(reason: str) -> res.Evaluation:
    return _unavailable(f"the evaluation failed: {reason}")
