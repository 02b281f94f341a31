"""Pages on disk: a file that is there is replaced in one step, when the new one is whole."""

import os
from contextlib import suppress
from pathlib import Path

import plotly.graph_objects as go

from palate.errors import SettingError, first_line


def write(figure: go.Figure, path: str | Path) -> Path:
    """Write a figure as one HTML page, which needs no network to be seen.

    Parameters
    ----------
    figure
        A figure of `palate.plots`, or any other of plotly.
    path
        The file to write. A file that is there is replaced in one step, when the new one is whole.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    SettingError
        If this is no figure, or the file can't be written.

    Examples
    --------
    >>> import palate, palate.plots
    >>> model = palate.fit(palate.movielens("100k"))
    >>> palate.plots.write(palate.plots.map(model), "map.html").name
    'map.html'
    """
    if not isinstance(figure, go.Figure):
        raise SettingError("this is no figure; give one, such as palate.plots.map(model)")
    path = writable(path)
    write_page(path, figure.to_html(include_plotlyjs=True, full_html=True))
    return path


def writable(path: str | Path) -> Path:
    """Return a path to write to, before any work is done for it."""
    if not isinstance(path, str | Path):
        raise SettingError(f"{path!r} is no path; name the file to write, such as report.html")
    path = Path(path)
    try:
        is_folder, has_folder = path.is_dir(), path.parent.is_dir()
    except OSError as error:
        raise SettingError(f"{path} can't be written: {first_line(error)}") from error
    if is_folder:
        raise SettingError(f"{path} is a folder; name the file to write in it")
    if not has_folder:
        raise SettingError(f"there is no folder {path.parent} to write {path.name} in; make it")
    return path


def write_page(path: Path, text: str) -> None:
    """Put a page in the place of a file in one step."""
    fresh = path.with_name(f"{path.name}.new")
    try:
        with fresh.open("w", encoding="utf-8", errors="replace") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except (OSError, ValueError) as error:
        with suppress(OSError, ValueError):
            fresh.unlink(missing_ok=True)
        raise SettingError(f"{path} can't be written: {first_line(error)}") from error
