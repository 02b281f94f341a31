"""Models that commands save: fits, and changes of a model in its folder."""

# ruff: noqa: PLC0415

from collections.abc import Callable
from pathlib import Path
from typing import Any

from palate.cli import _output
from palate.cli._progress import progress_of_fit

# The exit status of a fit that was worse, so that the model stays.
KEPT = 3


def require_users_for_gate(gate: bool, no_users: bool) -> None:
    """Check that a model behind a gate is saved with its users.

    Raises
    ------
    SettingError
        If it is not: then the next fit can't tell what it has seen.
    """
    import palate

    if gate and no_users:
        raise palate.SettingError(
            "--gate can't be used with --no-users: which ratings a model without users has seen is "
            "unknown, so the next fit can't be compared with it"
        )


def fit_and_save(folder: Path, data: Any, solver: Any, threads: int | None, *, users: bool) -> Any:
    """Return a model that was fitted and saved."""
    model = _fitted(data, solver, threads)
    warn_if_interrupted(model)
    model.save(folder, users=users)
    return model


def fit_if_not_worse(
    folder: Path, data: Any, solver: Any, seed: int, threads: int | None
) -> tuple[Any, Any]:
    """Replace the model in a folder by a fit to all data if a fit to part of it is not worse.

    Nobody else can change the model meanwhile, so that no update is lost. Where there is no model
    yet, the fit is saved.

    Returns
    -------
    The `Gate`, or None without a model to compare with; and the model that is now in the folder.
    """
    from palate._files import MODEL_DESCRIPTION
    from palate.evaluation._gate import gate

    if not (folder / MODEL_DESCRIPTION).exists():
        _output.to_stderr(f"There is no model in {folder} yet to compare with.")
        return None, fit_and_save(folder, data, solver, threads, users=True)
    found: list[Any] = []

    def replaced(old: Any) -> Any:
        compared = gate(old, data, lambda part: _fitted(part, solver, threads), seed=seed)
        found.append(compared)
        if not compared.passed:
            return old
        _output.to_stderr(f"It is not worse. Now the fit to all {len(data):,} {data.kind}.")
        new = _fitted(data, solver, threads)
        if new.fit.interrupted:  # it is not what was compared
            raise KeyboardInterrupt
        return new

    model = modify(folder, replaced)
    return found[0], model


def modify(folder: Path, change: Callable[[Any], Any]) -> Any:
    """Change the model in a folder; see `palate.modify`. Say on stderr if that has to wait."""
    import palate

    message = f"Another process is changing the model in {folder}; waiting until it is done."
    return palate.modify(folder, change, waiting=lambda: _output.to_stderr(message))


def _fitted(data: Any, solver: Any, threads: int | None) -> Any:
    """Return a model that was fitted, with its progress on stderr."""
    import palate

    with progress_of_fit(solver) as report:
        return palate.fit(data, solver, threads=threads, progress=report)


def warn_if_interrupted(model: Any) -> None:
    """Say on stderr that a fit is incomplete, if it is."""
    if model.fit.interrupted:
        _output.to_stderr("interrupted: the model holds what was learned so far")
