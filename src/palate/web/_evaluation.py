"""The evaluation of a model's solver, measured once and in the background."""

import threading

from palate.data._ratings import Ratings
from palate.errors import first_line
from palate.evaluation import evaluate
from palate.model._model import Model
from palate.solvers import SOLVERS
from palate.web import _responses as res

# Evaluating a solver on more ratings than this takes minutes.
_MAX_RATINGS = 2_000_000


class BackgroundEvaluation:
    """Evaluates the solver of a model beside baselines, in a thread that the first call starts."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._result: res.Evaluation | None = None
        self._lock = threading.Lock()

    def result(self) -> res.Evaluation:
        """Return the evaluation; its scores are None until they have been measured."""
        with self._lock:
            if self._result is None:
                self._result = self._start()
            return self._result

    def _start(self) -> res.Evaluation:
        ratings, solver = self._model.ratings, self._model.fit.solver
        if ratings is None:
            return _unavailable("the model was saved without its users")
        if solver not in SOLVERS:
            return _unavailable(f"a model fitted by {solver} can't be refitted here")
        if len(ratings) > _MAX_RATINGS:
            return _unavailable(f"{len(ratings):,} ratings take minutes; run palate evaluate")
        threading.Thread(target=self._measure, args=(ratings,), daemon=True).start()
        return res.Evaluation(scores=None, split=None)

    def _measure(self, ratings: Ratings) -> None:
        fit = self._model.fit
        try:
            solver = SOLVERS[fit.solver](**fit.settings)
            evaluation = evaluate(ratings, [solver], split="random", threads=1)
            scores = [
                res.Score(
                    name=row["name"],
                    rmse=row.get("rmse"),
                    mae=row.get("mae"),
                    ndcg=next((v for k, v in row.items() if k.startswith("ndcg")), None),
                    ours=row["name"] == fit.solver,
                )
                for row in evaluation.results
            ]
            result = res.Evaluation(scores=scores, split=evaluation.split)
        except Exception as error:  # any error, so that clients do not poll forever
            result = _unavailable(first_line(error))
        with self._lock:
            self._result = result


def _unavailable(reason: str) -> res.Evaluation:
    return res.Evaluation(scores=None, split=None, why_not=reason)
