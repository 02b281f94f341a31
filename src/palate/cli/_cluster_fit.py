"""The option ``--spark`` of the command fit: a fit in a cluster."""

# ruff: noqa: PLC0415

from pathlib import Path
from typing import Annotated, Any

import typer

from palate.cli import _output
from palate.cli._progress import progress_of_fit
from palate.cli._ratings_options import given

SparkMaster = Annotated[
    str | None,
    typer.Option(
        "--spark",
        metavar="MASTER",
        help="Fit how people rate in this Spark cluster, such as yarn or 'local[*]'; RATINGS are "
        "Parquet, CSV or a table there, and users are not saved.",
    ),
]
Checkpoint = Annotated[
    str | None,
    typer.Option(
        metavar="FOLDER",
        help="With --spark: a folder that all executors can write to. A fit that was stopped goes "
        "on from there.",
    ),
]


def fit_in_cluster(
    master: str,
    source: str,
    output: Path,
    solver: Any,
    *,
    columns: dict[str, Any],
    others: dict[str, Any],
    json: bool,
) -> None:
    """Fit a model in a Spark cluster, save it, and print what was fitted.

    Parameters
    ----------
    master, source, output
        The cluster, the ratings, and the folder of the model.
    solver
        The solver.
    columns
        The other arguments of `palate.spark.fit`, None where they are not given.
    others
        Options that have no meaning there.
    json
        Whether to print a JSON document.

    Raises
    ------
    SettingError
        If one of these is given.
    """
    from palate.errors import SettingError

    for name, value in others.items():
        if value:
            raise SettingError(f"--{name.replace('_', '-')} can't be used with --spark")
    from palate.spark import fit
    from palate.spark._session import session_of, table_of

    with session_of(master) as spark, progress_of_fit(solver) as report:
        frame = table_of(spark, source)
        model = fit(frame, **given(**columns), solver=solver, output=output, progress=report)
    ratings = int(model.learned.item_counts.sum())
    if json:
        _output.document(
            model=str(output), source=model.fit.source, kind="ratings", ratings=ratings,
            solver=model.fit.solver, history=model.fit.history,
        )  # fmt: skip
    else:
        _output.line(f"Fitted to {ratings:,} ratings: how people rate, by {model.fit.solver}.")
        _output.line(f"The model is in {output}. Next: palate biases {output}")
