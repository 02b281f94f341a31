"""Work that would keep requests waiting: in a process of low priority, once, when asked for."""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

from pydantic import BaseModel

from palate._files import locked, replace_file
from palate.errors import PalateError, first_line

# The lowest priority: whoever uses the service goes first.
_NICENESS = 19
_RESULT = "result.json"
Result = TypeVar("Result", bound=BaseModel)


class Background(Generic[Result]):
    """A result that is computed once, when it is asked for, by one of several processes.

    Parameters
    ----------
    compute
        Computes it; called in a thread.
    failed
        Makes a result of a sentence that says what went wrong.
    kind
        The type of the result.
    folder
        Where the result is kept: one folder for a result, which several processes can share. The
        one that holds its lock computes, and the others wait for the result; if it dies, another
        one takes over. None for a temporary folder.
    """

    def __init__(
        self,
        compute: Callable[[], Result],
        failed: Callable[[str], Result],
        kind: type[Result],
        folder: Path | None = None,
    ) -> None:
        self._compute, self._failed, self._kind = compute, failed, kind
        self._folder = folder
        self._result: Result | None = None
        self._is_waiting = False
        self._lock = threading.Lock()

    @property
    def is_asked_for(self) -> bool:
        """Whether somebody has asked for the result, of this process or another."""
        return self._result is not None or (self._folder is not None and self._folder.exists())

    def start(self) -> None:
        """Ask for the result, if nobody has."""
        with self._lock:
            try:
                if self._folder is None:
                    self._folder = Path(tempfile.mkdtemp())
                    weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
                self._folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                self._result = self._failed(first_line(error))

    def result(self) -> Result | None:
        """Return the result; None until it is known, which it never is if nobody asks for it."""
        with self._lock:
            if self._result is None and self.is_asked_for and not self._is_waiting:
                self._is_waiting = True
                threading.Thread(target=self._run, daemon=True).start()
            return self._result

    def _run(self) -> None:
        """Take the result of another process, or compute it."""
        try:
            result = self._shared()
        except Exception as error:  # any error: clients must not poll forever
            result = self._failed(first_line(error))
        with self._lock:
            self._result = result

    def _shared(self) -> Result:
        assert self._folder is not None
        done = self._folder / _RESULT
        with locked(self._folder):
            if done.exists():
                return self._kind.model_validate_json(done.read_bytes())
            try:
                result = self._compute()
            except (PalateError, OSError, ValueError) as error:
                result = self._failed(first_line(error))
            with contextlib.suppress(OSError):  # then the other processes compute it themselves
                replace_file(done, result.model_dump_json().encode())
            return result


def output_of(module: str, *arguments: str) -> bytes:
    """Return what `main` of a module prints in a process of its own, which ends with this one.

    A thread would compete with requests for the interpreter lock, and Python aborts if it exits
    while a daemon thread is in a kernel.

    Raises
    ------
    ChildProcessError
        If the process fails, for want of memory for instance.
    """
    # -P: modules in the working directory must not shadow others.
    command = [sys.executable, "-P", "-c", f"from {module} import main; main()", *arguments]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,  # so that Ctrl-C in a terminal reaches the service only
    ) as process:
        assert process.stdout is not None  # for type checkers
        output = process.stdout.read()
        if process.wait():
            raise ChildProcessError(
                f"the process that computes it has failed with status {process.returncode}; see "
                "what the service has written to stderr"
            )
        return output


def print_result(compute: Callable[[], BaseModel], failed: Callable[[str], BaseModel]) -> None:
    """Compute a result at a low priority and print it as JSON.

    The process ends when its stdin is closed, so that it does not outlive the service.
    """
    if hasattr(os, "nice"):
        os.nice(_NICENESS)
    threading.Thread(target=_exit_at_end_of_input, daemon=True).start()
    try:
        result = compute()
    except PalateError as error:
        result = failed(first_line(error))
    print(result.model_dump_json(), flush=True)


def _exit_at_end_of_input() -> None:
    while os.read(sys.stdin.fileno(), 1):  # not buffered: a lock on stdin would outlive this thread
        pass
    os._exit(0)
