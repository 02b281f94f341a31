"""The command line: options in, printing out, no logic of its own."""

import gc
import io
import sys

# Imports create many objects and little garbage: collection takes a fifth of a command's time.
gc.set_threshold(100_000)

from palate.cli import (  # noqa: E402  (they register their commands)
    _change_commands,  # noqa: F401
    _compare_command,  # noqa: F401
    _demo_command,  # noqa: F401
    _fit_commands,  # noqa: F401
    _inspect_commands,  # noqa: F401
    _page_commands,  # noqa: F401
    _person_commands,  # noqa: F401
    _vectors_command,  # noqa: F401
)
from palate.cli._app import app, options_of  # noqa: E402
from palate.cli._messages import in_options  # noqa: E402
from palate.errors import PalateError  # noqa: E402


def main() -> None:
    """Run the command line.

    Exit status: 0 success, 1 failed request, 2 wrong usage, 3 a fit that did not pass its gate.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # for titles that the terminal can't show
    try:
        app(prog_name="palate")
    except PalateError as error:
        print(f"palate: {in_options(str(error), options_of(sys.argv[1]))}", file=sys.stderr)
        sys.exit(1)
    except OSError as error:
        print(f"palate: {error}", file=sys.stderr)
        sys.exit(1)
