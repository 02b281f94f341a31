"""The command vectors. It imports palate when it runs, so --help is fast."""

# ruff: noqa: PLC0415

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from palate._words import counted
from palate.cli import _output
from palate.cli._app import Json, ModelFolder, app, examples


@app.command(
    epilog=examples(
        "palate vectors model --by rating --items items.parquet",
        "palate vectors model --by choice --items items.jsonl --users users.jsonl",
    ),
)
def vectors(
    model: ModelFolder,
    by: Annotated[
        Literal["choice", "rating"],
        typer.Option(
            help="The score that the inner product is: nearly what a person would pick (choice), "
            "or exactly how they would like it (rating)."
        ),
    ],
    items: Annotated[
        Path | None, typer.Option(help="Write the vectors of the items to this file.")
    ] = None,
    users: Annotated[
        Path | None, typer.Option(help="Write the vectors of the known users to this file.")
    ] = None,
    json: Json = False,
) -> None:
    """Write vectors whose inner products are scores, for a vector database.

    The names of the files end in .parquet or .jsonl.
    """
    import palate
    from palate.data._table_writer import replacing_table

    if items is None and users is None:
        raise palate.SettingError("name a file for the vectors with --items, --users or both")
    loaded = palate.load(model)
    if users is not None:
        loaded.learned.require_users()
    written: dict[str, Any] = {}
    tables = loaded.vectors(by)
    for name, path, frame in (("items", items, tables.items), ("users", users, tables.users)):
        if path is None or frame is None:
            continue
        with replacing_table(path) as table:
            table.append(frame)
        length = len(frame["vector"][0])
        written[name] = {"file": str(path), "rows": frame.height, "numbers": length}
        if not json:
            vectors = counted(frame.height, "vector")
            _output.line(f"{vectors} of {name}, {length} numbers each, are in {path}.")
    if json:
        _output.document(**written)
