"""The command compare. It imports palate when it runs, so --help is fast."""

# ruff: noqa: PLC0415, PLR0917

from pathlib import Path
from typing import Annotated, Any

import typer

from palate.cli import _output
from palate.cli._app import Json, Threads, app, examples
from palate.cli._ratings_options import (
    DatabaseTable,
    Duplicates,
    ItemColumn,
    Kind,
    RatingColumn,
    ReadingCommand,
    TimeColumn,
    UserColumn,
    read,
    reading_options,
)


@app.command(
    cls=ReadingCommand,
    epilog=examples(
        "palate compare models/june models/july --on august.csv",
        "palate compare model-a model-b --on test.parquet --json",
    ),
)
def compare(
    context: typer.Context,
    models: Annotated[
        list[Path], typer.Argument(metavar="MODEL", help="The folders of two or more models.")
    ],
    on: Annotated[
        str | None,
        typer.Option(
            help="Ratings that the models were not fitted to: a file, a database URL, or a name "
            "such as ml-100k. It must be given."
        ),
    ] = None,
    user: UserColumn = None,
    item: ItemColumn = None,
    rating: RatingColumn = None,
    timestamp: TimeColumn = None,
    table: DatabaseTable = None,
    duplicates: Duplicates = "error",
    kind: Kind = None,
    threads: Threads = None,
    json: Json = False,
) -> None:
    """Compare models that are already fitted, on the same held-out ratings or events.

    Ratings that one of the models was fitted to are left out.
    """
    import palate
    from palate.learned._ratings_input import with_ids_as_known

    if on is None:
        raise palate.SettingError(
            "models are compared on ratings that none of them was fitted to: give a table of these "
            "with --on, such as the ratings since the fit"
        )
    loaded = {str(folder): palate.load(folder) for folder in dict.fromkeys(models)}
    ratings = read(
        on, duplicates, _kind(loaded), user=user, item=item, rating=rating, timestamp=timestamp,
        table=table, kind=kind, **reading_options(context),
    )  # fmt: skip
    first = next(iter(loaded.values()))
    if first.ratings is not None:
        ratings = with_ids_as_known(first.learned, ratings)
    comparison = palate.compare(loaded, on=ratings, threads=threads)
    if json:
        _output.document(**vars(comparison))
    else:
        _output.shown(comparison)


def _kind(models: dict[str, Any]) -> str | None:
    """Return what the models were fitted to, so that a small table is not taken for another kind.

    None if they are of several kinds.
    """
    kinds = {model.learned.kind for model in models.values()}
    return kinds.pop() if len(kinds) == 1 else None
