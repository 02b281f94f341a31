"""The evaluation of a model's solver, measured in the background when somebody asks for it."""

import shutil
import sys
import tempfile
import threading
import weakref
from pathlib import Path

from palate._files import locked, replace_file
from palate.errors import first_line
from palate.evaluation import evaluate
from palate.evaluation._compare_refitted import solver_of
from palate.inference._lists import By
from palate.model._model import Model, load
from palate.solvers._combined import Combined
from palate.solvers._registry import SOLVERS
from palate.web import _responses as res
from palate.web._background import output_of, print_result

# Evaluating a solver on more ratings than this takes minutes.
_MAX_RATINGS = 2_000_000
_RESULT = "evaluation.json"


class BackgroundEvaluation:
    """Evaluates the solver of a model beside baselines, once, when it is asked to.

    The evaluation runs in a process of its own, which has a low priority and ends with this one. A
    thread would compete with requests for the interpreter lock, and Python aborts if it exits while
    a daemon thread is in a kernel.

    Parameters
    ----------
    model
        The model.
    folder
        Where the result is kept: one folder for a model, which several processes can share. The one
        that holds its lock evaluates, and the others wait for the result; if it dies, another one
        takes over. None for a temporary folder.
    """

    def __init__(self, model: Model, folder: Path | None = None) -> None:
        self._model, self._folder = model, folder
        self._is_waiting = False
        self._lock = threading.Lock()

    def result(self) -> res.Evaluation:
        """Return the evaluation; its scores are None until they have been measured."""
        why_not = self._why_not()
        if why_not is not None:
            return _unavailable(why_not)
        with self._lock:
            if self._folder is None or not self._folder.exists():
                return res.Evaluation()  # nobody has asked
            done = self._folder / _RESULT
            if done.exists():
                return res.Evaluation.model_validate_json(done.read_bytes())
            self._wait_for_result()
            return res.Evaluation(running=True)

    def start(self) -> res.Evaluation:
        """Start the evaluation, unless it has been started, and return it as `result` does."""
        if self._why_not() is None:
            with self._lock:
                if self._folder is None:
                    self._folder = Path(tempfile.mkdtemp())
                    weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
                self._folder.mkdir(parents=True, exist_ok=True)
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

    def _wait_for_result(self) -> None:
        """Evaluate in the background, or wait for the process that does, if this does not yet."""
        if not self._is_waiting:
            self._is_waiting = True
            threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        assert self._folder is not None
        done = self._folder / _RESULT
        with locked(self._folder):
            if done.exists():
                return
            try:
                result = _evaluate_in_process(self._model)
            except (OSError, ValueError) as error:  # so that clients do not poll forever
                result = _unavailable(f"the evaluation failed: {first_line(error)}")
            replace_file(done, result.model_dump_json().encode())


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
