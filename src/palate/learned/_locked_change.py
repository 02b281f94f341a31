"""Changing the model in a folder: loaded, changed and saved while nobody else changes it."""

from collections.abc import Callable
from pathlib import Path

from palate._files import locked
from palate._log import log
from palate.errors import ModelFileError
from palate.learned._file_format import files_of, require_model_folder, write_files
from palate.learned._learned import Learned
from palate.learned._load import learned_from, read_description


def modify_learned(
    path: Path,
    change: Callable[[Learned], Learned],
    waiting: Callable[[], object] | None = None,
) -> Learned:
    """Replace the model in the folder `path` by what `change` makes of it; see `palate.modify`."""
    read_description(path)  # what is wrong with the folder is said before its lock is waited for
    require_model_folder(path)
    with locked(path, waiting=waiting):
        before = read_description(path)
        old = learned_from(path, before)
        new = change(old)
        if new is old:
            return new
        files = files_of(new, users=True)
        if read_description(path) != before:  # where there are no locks
            raise ModelFileError(
                f"another program has replaced the model in {path} meanwhile, and nothing was "
                "saved; try again"
            )
        try:
            write_files(files, path)
        except (OSError, ValueError) as error:
            raise ModelFileError(f"the model can't be written to {path}: {error}") from error
    log.info("changed the model in %s to %r", path, new)
    return new
