"""Figures and pages as files, which are replaced in one step."""

from pathlib import Path

import plotly.graph_objects as go

from palate._files import replace_file, require_writable
from palate.errors import SettingError, first_line


def write(figure: go.Figure, path: str | Path) -> Path:
    """Write a figure as one HTML page, which can be viewed without a network.

    Parameters
    ----------
    figure
        A figure of `palate.plots`, or any other figure of plotly.
    path
        The file to write. An existing file is replaced in one step.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    SettingError
        If `figure` is not a figure, or the file cannot be written.

    Examples
    --------
    >>> import palate, palate.plots
    >>> model = palate.fit(palate.movielens("100k"))
    >>> palate.plots.write(palate.plots.map(model), "map.html").name
    'map.html'
    """
    if not isinstance(figure, go.Figure):
        raise SettingError(
            "figure is not a plotly figure; give one, such as palate.plots.map(model)"
        )
    path = check_path(path)
    write_page(path, figure.to_html(include_plotlyjs=True, full_html=True))
    return path


def check_path(path: str | Path) -> Path:
    """Return `path`, after checking that a file can be written there; call it before long work.

    Raises
    ------
    SettingError
        If `path` is not a path, is a folder, or lies in a folder that does not exist or can't be
        written to.
    """
    if not isinstance(path, str | Path):
        raise SettingError(f"{path!r} is not a path; name the file to write, such as report.html")
    path = Path(path)
    try:
        is_folder, has_folder = path.is_dir(), path.parent.is_dir()
    except OSError as error:
        raise SettingError(f"{path} cannot be written: {first_line(error)}") from error
    if is_folder:
        raise SettingError(f"{path} is a folder; name the file to write in it")
    if not has_folder:
        raise SettingError(f"there is no folder {path.parent} to write {path.name} in; create it")
    try:
        require_writable(path.parent)
    except OSError as error:
        raise SettingError(f"{path} cannot be written: {first_line(error)}") from error
    return path


def write_page(path: Path, text: str) -> None:
    """Write a page, replacing an existing file in one step.

    Raises
    ------
    SettingError
        If it cannot be written.
    """
    try:
        replace_file(path, text.encode("utf-8", errors="replace"))
    except (OSError, ValueError) as error:
        raise SettingError(f"{path} cannot be written: {first_line(error)}") from error
