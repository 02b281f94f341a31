"""Work that would keep requests waiting: in a process of low priority, once, when asked for."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from pydantic import BaseModel

from palate.errors import PalateError, first_line

# The lowest priority: whoever uses the service goes first.
_NICENESS = 19
Result = TypeVar("Result", bound=BaseModel)


class Background(Generic[Result]):
    """A result that is computed once; the first call for it starts that.

    Parameters
    ----------
    compute
        Computes it, in a thread.
    pending
        What there is until then.
    failed
        Makes a result of a sentence that says what went wrong.
    """

    def __init__(
        self,
        compute: Callable[[], Result],
        pending: Result,
        failed: Callable[[str], Result],
    ) -> None:
        self._compute, self._pending, self._failed = compute, pending, failed
        self._result: Result | None = None
        self._lock = threading.Lock()

    def result(self) -> Result:
        """Return the result, or what there is until it is known."""
        with self._lock:
            if self._result is None:
                self._result = self._pending
                threading.Thread(target=self._run, daemon=True).start()
            return self._result

    def _run(self) -> None:
        try:
            result = self._compute()
        except (PalateError, OSError, ValueError) as error:  # so that clients do not poll forever
            result = self._failed(first_line(error))
        with self._lock:
            self._result = result


def output_of(module: str, *arguments: str) -> bytes:
    """Return what `main` of a module prints in a process of its own, which ends with this one.

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
    threading.Thread(target=_exit_at_end_of_input, daemon=True).start()
    if hasattr(os, "nice"):
        os.nice(_NICENESS)
    try:
        result = compute()
    except PalateError as error:
        result = failed(first_line(error))
    print(result.model_dump_json(), flush=True)


def _exit_at_end_of_input() -> None:
    while os.read(sys.stdin.fileno(), 1):  # not buffered: a lock on stdin would outlive this thread
        pass
    os._exit(0)
