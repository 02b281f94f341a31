"""What the log says of a fit."""

import time
from collections.abc import Iterable

from palate._log import log
from palate._words import counted
from palate.data._ratings import Ratings, how_many
from palate.learned._learned import FitRecord


def log_fit(solver: str, ratings: Ratings, start: float, notes: Iterable[str]) -> None:
    """Log that a solver has fitted a model; `start` is when it began, by `time.perf_counter`."""
    rows = how_many(ratings.kind, len(ratings))
    users, items = counted(ratings.users.height, "user"), counted(ratings.items.height, "item")
    seconds = time.perf_counter() - start
    done = f"fitted {solver} to {rows} of {users} and {items} in {seconds:.2f} s"
    log.info("%s", "; ".join([done, *notes]))


def notes_on(fit: FitRecord, valid: Ratings | None) -> list[str]:
    """Return the error on held-out ratings, if there are any, and whether a fit is incomplete."""
    last = fit.history[-1] if fit.history else {}
    notes = ["interrupted"] if fit.interrupted else []
    if valid is not None:
        notes += [
            f"{name} {value:.4f} on {how_many(valid.kind, len(valid))}"
            for name, value in last.items()
            if name.startswith("valid_") and value is not None
        ]
    return notes
