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
        help="Fit in this Spark cluster, such as yarn or 'local[*]'; RATINGS are "
        "Parquet, CSV or a table there, events with --kind events, and users are not saved.",
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
    events: bool,
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
    events
        Whether the rows are events, whose ratings are ignored.
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
        arguments = given(**columns) | ({"rating": None} if events else {})
        model = fit(frame, **arguments, solver=solver, output=output, progress=report)
    rows, kind = int(model.learned.item_counts.sum()), model.learned.kind
    if json:
        _output.document(
            model=str(output), source=model.fit.source, kind=kind, ratings=rows,
            solver=model.fit.solver, history=model.fit.history,
        )  # fmt: skip
    else:
        has_ratings = model.learned.has_ratings
        learned = [f"how people rate, by {model.fit.solver}"] if has_ratings else []
        _output.line(f"Fitted to {rows:,} {kind}: {'; '.join([*learned, 'what they pick'])}.")
        following = "biases" if has_ratings else "recommend"
        _output.line(f"The model is in {output}. Next: palate {following} {output}")
