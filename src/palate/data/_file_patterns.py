"""The files that a path stands for: itself, those of a folder, or those that match a pattern."""

import glob
from pathlib import Path

from palate._files import MODEL_DESCRIPTION
from palate.errors import DataError

_MAX_LISTED = 5


def files_of(path: Path) -> list[Path]:
    """Return the files that `path` stands for, in the order of their names.

    A folder stands for the Parquet files in it, such as Spark writes, without those whose names
    begin with a dot or an underscore. A path that does not
    exist and has one of ``*?[`` is a pattern (``data/*.parquet``, or ``**`` for folders below).

    Raises
    ------
    DataError
        If a folder is that of a model or has no Parquet file, or nothing matches a pattern.
    """
    if (path / MODEL_DESCRIPTION).is_file():
        raise DataError(f"{path} is the folder of a model; give the file that holds the table")
    if path.is_dir():
        return _parquet_files(path)
    if path.exists() or not glob.has_magic(str(path)):
        return [path]
    found = [Path(name) for name in sorted(glob.glob(str(path), recursive=True))]  # noqa: PTH207
    files = [file for file in found if not file.name.startswith("_") and file.is_file()]
    if not files:
        raise DataError(f"no file matches {path}")
    return files


def _parquet_files(folder: Path) -> list[Path]:
    children = sorted(child for child in folder.iterdir() if not child.name.startswith((".", "_")))
    files = [file for file in children if file.suffix.lower() == ".parquet" and file.is_file()]
    if files:
        return files
    names = [child.name for child in children]
    listed = ", ".join([*names[:_MAX_LISTED], *(["..."] if len(names) > _MAX_LISTED else [])])
    raise DataError(
        f"{folder} is a folder without Parquet files; give the file that holds the table"
        + (f". The folder has {listed}" if names else "")
    )
