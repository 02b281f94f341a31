"""The evaluation of a model's solver, measured once and in the background."""

import multiprocessing
import signal
import threading
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

from palate.data._ratings import Ratings
from palate.errors import first_line
from palate.evaluation import evaluate
from palate.model._model import Fit, Model
from palate.solvers import SOLVERS
from palate.web import _responses as res

# Evaluating a solver on more ratings than this takes minutes.
_MAX_RATINGS = 2_000_000


class BackgroundEvaluation:
    """Evaluates the solver of a model beside baselines; the first call starts it.

    The evaluation runs in a process of its own. A thread would compete with requests for the
    interpreter lock, and could not be stopped: Python aborts if it exits while a thread is in a
    kernel.
    """

    def __init__(self, model: Model) -> None:
        self._model = model
        self._result: res.Evaluation | None = None
        self._process: BaseProcess | None = None
        self._is_closed = False
        self._lock = threading.Lock()

    def result(self) -> res.Evaluation:
        """Return the evaluation; its scores are None until they have been measured."""
        with self._lock:
            if self._result is None:
                self._result = self._start()
            return self._result

    def close(self) -> None:
        """Stop the evaluation if it is running."""
        with self._lock:
            self._is_closed = True
            if self._process is not None:
                self._process.terminate()

    def _start(self) -> res.Evaluation:
        ratings, fit = self._model.ratings, self._model.fit
        if ratings is None:
            return _unavailable("the model was saved without its users")
        if fit.solver not in SOLVERS:
            return _unavailable(f"a model fitted by {fit.solver} can't be refitted here")
        if len(ratings) > _MAX_RATINGS:
            return _unavailable(f"{len(ratings):,} ratings take minutes; run palate evaluate")
        threading.Thread(target=self._run, args=(ratings, fit), daemon=True).start()
        return res.Evaluation(scores=None, split=None)

    def _run(self, ratings: Ratings, fit: Fit) -> None:
        context = multiprocessing.get_context("spawn")
        receiver, sender = context.Pipe(duplex=False)
        process = context.Process(target=_measure, args=(sender, ratings, fit), daemon=True)
        process.start()
        sender.close()  # so that the receiver notices if the process dies
        with self._lock:
            self._process = process
            if self._is_closed:
                process.terminate()
        try:
            result: res.Evaluation = receiver.recv()
        except EOFError:
            result = _unavailable("the evaluation ended before it was complete")
        process.join()
        with self._lock:
            self._result = result


def _measure(sender: Connection, ratings: Ratings, fit: Fit) -> None:
    """Evaluate in this process, and send the result to the one that serves."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the service, which stops this
    try:
        solver = SOLVERS[fit.solver](**fit.settings)
        evaluation = evaluate(ratings, [solver], split="random", threads=1)
    except Exception as error:  # any error, so that clients do not poll forever
        sender.send(_unavailable(first_line(error)))
        return
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
    sender.send(res.Evaluation(scores=scores, split=evaluation.split))


def _unavailable(reason: str) -> res.Evaluation:
    return res.Evaluation(scores=None, split=None, why_not=reason)
