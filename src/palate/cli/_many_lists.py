"""Lists for many people, written to a file. It imports palate when it runs, so --help is fast."""

# ruff: noqa: PLC0415

from pathlib import Path
from typing import Any

from palate._words import counted
from palate.cli import _output
from palate.cli._progress import progress_of_lists


def write_lists(
    folder: Path, users: Path | None, output: Path, *, json: bool, unknown: Any, **options: Any
) -> None:
    """Write lists for all known users of a model, or for those of a file, and say what was done.

    Parameters
    ----------
    folder
        The folder of the model.
    users
        The file of users; None for all.
    output
        The file to write.
    json
        Whether to print a JSON document.
    unknown, options
        The arguments of `Profiles.write_recommendations`.
    """
    import palate
    from palate.data._id_columns import read_ids
    from palate.data._table_writer import require_table_file

    require_table_file(output)
    ids = None if users is None else read_ids(users, ["user"])["user"]
    model = palate.load(folder)
    people = (
        model.profiles() if ids is None else model.profiles(users=ids, unknown=unknown or "error")
    )
    with progress_of_lists(len(people)) as report:
        written = people.write_recommendations(output, unknown=unknown, progress=report, **options)
    if json:
        skipped = {"users": list(people.skipped), "items": list(written.skipped)}
        _output.document(path=str(output), users=written.users, rows=written.rows, skipped=skipped)
        return
    _output.say_skipped("user", people.skipped)
    _output.say_skipped("item", written.skipped)
    rows = counted(written.rows, "row")
    _output.line(f"Lists for {counted(written.users, 'user')}, {rows}, are in {output}.")
