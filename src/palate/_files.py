"""Atomic file writing, where a crash leaves the old content or the new one; locks of folders."""

import os
import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

# The file that makes a folder one of a model.
MODEL_DESCRIPTION = "palate.json"
# The names of temporary files. One stays behind only if the process is killed while writing.
TEMPORARY = re.compile(r"\.palate-[0-9a-f]{16}\.tmp")


def replace_file(path: Path, data: bytes) -> None:
    """Write `data` to the file `path` in one step, replacing a file that exists.

    See `replacing`, also for the exceptions.
    """
    with replacing(path) as file:
        file.write(data)


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Yield a new file that takes the place of the file `path`, if there is one, at the end.

    It is a temporary file in the same folder. At the end it is forced to the disk and renamed to
    `path`; then the folder is forced to the disk, so that the new name survives a power failure.
    The temporary file has a random name, so writers that run at once do not interfere: the last
    one to finish wins. The file gets the permissions that the umask gives to new files.

    Parameters
    ----------
    path
        The file to write. Its folder must exist.

    Raises
    ------
    OSError
        If the file cannot be written. The old file is then unchanged, and the temporary file
        removed, unless only the last step failed: forcing the folder to the disk. The same holds
        for exceptions inside the context.
    ValueError
        If `path` contains a null character.
    """
    temporary = _temporary(path.parent)
    file = temporary.open("xb")
    try:
        with file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_folder(path: Path) -> None:
    """Force the entries of the folder `path` to the disk; only POSIX systems can do this."""
    if os.name != "posix":
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def require_writable(folder: Path) -> None:
    """Check that files can be created in a folder, by creating one and removing it.

    Permissions alone do not tell: the file system may be read-only, or be none for files.

    Raises
    ------
    OSError
        If none can be created.
    """
    probe = _temporary(folder)
    probe.touch(exist_ok=False)
    probe.unlink(missing_ok=True)


@contextmanager
def sharing_probe(folder: Path) -> Iterator[Path]:
    """Yield an empty file in a folder, by which others can tell whether they see the same folder.

    The folder is created if it does not exist.

    Raises
    ------
    OSError
        If none can be created.
    """
    folder.mkdir(parents=True, exist_ok=True)
    probe = _temporary(folder)
    probe.touch(exist_ok=False)
    try:
        yield probe
    finally:
        probe.unlink(missing_ok=True)


def _temporary(folder: Path) -> Path:
    """Return a name that `TEMPORARY` matches and that nothing has yet."""
    return folder / f".palate-{secrets.token_hex(8)}.tmp"


@contextmanager
def locked(
    folder: Path, *, shared: bool = False, waiting: Callable[[], object] | None = None
) -> Iterator[None]:
    """Hold the lock of a folder, for which others wait, in this process and in any other.

    It is advisory: it keeps nobody from the files who does not ask for it. There is none on Windows
    and on some network file systems, where nobody waits.

    Parameters
    ----------
    folder
        The folder.
    shared
        Whether others can hold it at the same time, if theirs is shared as well.
    waiting
        Called once if the lock is not free.

    Raises
    ------
    OSError
        If the folder can't be opened.
    """
    try:
        import fcntl  # noqa: PLC0415  (not available on Windows)
    except ImportError:
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY)
    kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    try:
        try:
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            if waiting is not None:
                waiting()
            fcntl.flock(descriptor, kind)
        except OSError:
            pass  # there is none
        yield
    finally:
        os.close(descriptor)
