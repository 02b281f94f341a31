"""Runs the code cells of the fastai book's chapter 8 on Palate, and prints which ran.

python benchmarks/chapter.py NOTEBOOK, with the notebook from the fastai book, 08_collab.ipynb. Its
imports of fastai are replaced by `from palate.torch import *`. The last held-out loss of each fit
stands beside that of the book's table.
"""

import argparse
import ast
import contextlib
import json
import os
import re
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

IMPORTS = re.compile(
    r"^\s*(from\s+(fastai2?|fastbook|utils)\b.*|import\s+(fastai2?|fastbook)\b.*"
    r"|fastbook\.setup_book\(.*|[!%].*)$",
    re.MULTILINE,
)
# The last held-out loss of each table of the chapter, in its order.
BOOK = (0.884209, 0.877610, 0.892580, 0.823060, 0.824263, 0.821688, 0.867455, 0.864936)
TOLERANCE = 0.03


@dataclass
class Cell:
    """A code cell that has run: its first line, its error if it failed, and its fit's loss."""

    number: int
    line: str
    error: str
    loss: float | None
    seconds: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("notebook", type=Path)
    parser.add_argument("--seed", type=int, default=42)
    arguments = parser.parse_args()
    os.environ.setdefault("MPLBACKEND", "agg")
    report(run(sources(arguments.notebook), arguments.seed))


def sources(notebook: Path) -> list[str]:
    """Return the code cells of a notebook."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]


def run(cells: list[str], seed: int) -> Iterator[Cell]:
    """Run the cells in one namespace, each whether or not the one before failed."""
    namespace: dict[str, Any] = {"__name__": "__main__"}
    exec("from palate.torch import *", namespace)
    namespace["set_seed"](seed)
    history: list[dict[str, Any]] = []
    for number, cell in enumerate(cells, 1):
        start, error, loss = time.perf_counter(), "", None
        try:
            with contextlib.redirect_stdout(None), contextlib.redirect_stderr(None):
                _execute(IMPORTS.sub("", cell), f"cell {number}", namespace)
        except Exception as caught:
            error = f"{type(caught).__name__}: {caught}".splitlines()[0]
        rows = getattr(namespace.get("learn"), "history", [])
        if rows and rows != history:
            loss, history = rows[-1]["valid_loss"], list(rows)
        yield Cell(number, _first_line(cell), error, loss, time.perf_counter() - start)


def report(cells: Iterable[Cell]) -> None:
    """Print a table of the cells as they run, with the book's losses beside ours."""
    print("| cell | first line | result | held-out loss | the book's | seconds |")
    print("|---:|---|---|---:|---:|---:|")
    n = failed = near = fits = 0
    for cell in cells:
        n, failed = n + 1, failed + bool(cell.error)
        ours = theirs = ""
        if cell.loss is not None and fits < len(BOOK):
            ours, theirs = f"{cell.loss:.4f}", f"{BOOK[fits]:.4f}"
            near += abs(cell.loss - BOOK[fits]) <= TOLERANCE
            fits += 1
        result = f"failed: {cell.error}" if cell.error else "ran"
        columns = f"`{cell.line}`", result, ours, theirs, f"{cell.seconds:.1f}"
        print(f"| {cell.number} |", " | ".join(columns), "|", flush=True)
    print(f"\n{n - failed} of {n} cells ran, {failed} failed.")
    print(f"{near} of {fits} losses are within {TOLERANCE} of the book's.")


def _execute(source: str, name: str, namespace: dict[str, Any]) -> None:
    """Run a cell as a notebook does: the value of a last expression is shown, so it has a repr."""
    body = ast.parse(source, name).body
    if body and isinstance(body[-1], ast.Expr):
        last = ast.Expression(body.pop().value)  # type: ignore[attr-defined]
        exec(compile(ast.Module(body, []), name, "exec"), namespace)
        repr(eval(compile(last, name, "eval"), namespace))
    else:
        exec(compile(ast.Module(body, []), name, "exec"), namespace)


def _first_line(cell: str) -> str:
    lines = [line.strip() for line in cell.splitlines()]
    first = next((line for line in lines if line and not line.startswith("#")), "")
    return first.replace("|", "\\|")[:60]


if __name__ == "__main__":
    main()
