"""Floor 5: the commands. They read options and print; what they show is computed below."""

import gc
import io
import sys

# An import makes many objects and little garbage: looking for it costs a fifth of a command's time.
gc.set_threshold(100_000)

from palate.cli import _learn, _tell  # noqa: E402, F401  (they add their commands to the app)
from palate.cli._app import app  # noqa: E402
from palate.errors import PalateError  # noqa: E402


def main() -> None:
    """Run the command line: exit status 0 done, 1 the request failed, 2 usage."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a title that the terminal has no letters for
    try:
        app(prog_name="palate")
    except (PalateError, OSError) as error:
        print(f"palate: {error}", file=sys.stderr)
        sys.exit(1)
