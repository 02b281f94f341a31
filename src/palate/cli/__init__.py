"""The commands: they read options and print; the floors below compute."""

import gc
import io
import sys

# Imports make many objects and little garbage: collecting it takes a fifth of a command's time.
gc.set_threshold(100_000)

from palate.cli import _fit_commands, _inspect_commands  # noqa: E402, F401  (they register their commands)
from palate.cli._app import app  # noqa: E402
from palate.errors import PalateError  # noqa: E402


def main() -> None:
    """Run the command line: exit status 0 done, 1 the request failed, 2 usage."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a title with characters that the terminal lacks
    try:
        app(prog_name="palate")
    except (PalateError, OSError) as error:
        print(f"palate: {error}", file=sys.stderr)
        sys.exit(1)
