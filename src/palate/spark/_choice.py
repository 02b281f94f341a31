"""What people pick, learned in the executors of a cluster."""

from dataclasses import replace

import numpy as np
from pyspark import SparkContext

from palate._native import CancelToken
from palate._threads import thread_count
from palate.data._ratings import Kind
from palate.errors import DataError
from palate.learned._learned import FitRecord, Learned
from palate.model._model import Model
from palate.solvers._progress import Report, reporter
from palate.solvers.choice._solver import Choice, choice_of
from palate.spark._histories import SparkHistories
from palate.spark._numbering import Items
from palate.spark._packing import Plan
from palate.spark._people import Blocks, threads_of


def choice_model(
    people: SparkHistories, solver: Choice, items: Items, source: str, report: Report
) -> Model:
    """Return a model of what people pick, alone.

    Raises
    ------
    DataError
        If there is nothing to choose from.
    """
    if len(items.counts) == 1:
        raise DataError("all events are of one item; there is nothing to choose")
    choice, history = choice_of(
        people, solver.seed, thread_count(None), CancelToken(), report=report
    )
    fit = FitRecord(solver.name, solver.settings, source, history)
    return Model(
        Learned(
            items=items.table,
            rating_parameters=None,
            item_counts=items.counts,
            item_means=items.means.astype(np.float32),
            ratings=None,
            user_table=None,
            fit=fit,
            choice=choice,
        )
    )


def with_choice(model: Model, people: SparkHistories, seed: int) -> Model:
    """Return a rating model with the choice model of the same people beside it."""
    learned = model.learned
    choice, _ = choice_of(
        people,
        seed,
        thread_count(None),
        CancelToken(),
        report=reporter(None),
        rating_model=learned,
    )
    return Model(replace(learned, choice=choice))


def histories_in(context: SparkContext, by_user: Blocks, plan: Plan, kind: Kind) -> SparkHistories:
    """Return the people of packed histories."""
    return SparkHistories(by_user, plan, kind, threads_of(context))
