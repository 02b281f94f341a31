"""Runs the code cells of the fastai book's chapter 8 on Palate, and prints which ran.

python benchmarks/chapter.py NOTEBOOK, with the notebook from the fastai book, 08_collab.ipynb. Its
imports of fastai are replaced by `from palate.torch import *`. The last held-out loss of each fit
stands beside the book's, if the notebook has as many fits.
"""

import argparse
import ast
import json
import os
import re
import time
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
    """A code cell that has run: its first line, its error if it failed, and its fits' losses."""

    number: int
    line: str
    error: str
    losses: list[float]
    seconds: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("notebook", type=Path)
    parser.add_argument("--seed", type=int, default=42)
    arguments = parser.parse_args()
    os.environ.setdefault("MPLBACKEND", "agg")
    cells = run(sources(arguments.notebook), arguments.seed)
    fits = sum(len(cell.losses) for cell in cells)
    print(table(cells, BOOK if fits == len(BOOK) else ()))


def sources(notebook: Path) -> list[str]:
    """Return the code cells of a notebook."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]


def run(cells: list[str], seed: int) -> list[Cell]:
    """Run the cells in one namespace, each whether or not the one before failed."""
    namespace: dict[str, Any] = {"__name__": "__main__"}
    exec("from palate.torch import *", namespace)
    namespace["set_seed"](seed)
    ran, history = [], None
    for number, cell in enumerate(cells, 1):
        start, error = time.perf_counter(), ""
        try:
            _execute(IMPORTS.sub("", cell), f"cell {number}", namespace)
        except Exception as caught:
            error = f"{type(caught).__name__}: {caught}".splitlines()[0]
        seconds, losses = time.perf_counter() - start, []
        rows = getattr(namespace.get("learn"), "history", None)
        if rows and rows != history:
            losses, history = [rows[-1]["valid_loss"]], list(rows)
        ran.append(Cell(number, _first_line(cell), error, losses, seconds))
    return ran


def table(cells: list[Cell], book: tuple[float, ...]) -> str:
    """Return a table of the cells, with the book's losses beside ours."""
    lines = ["| cell | first line | result | held-out loss | the book's | seconds |"]
    lines.append("|---:|---|---|---:|---:|---:|")
    expected, near = list(book), []
    for cell in cells:
        ours = ", ".join(f"{loss:.4f}" for loss in cell.losses)
        theirs = [expected.pop(0) for _ in cell.losses] if book else []
        near += [abs(a - b) <= TOLERANCE for a, b in zip(cell.losses, theirs, strict=False)]
        columns = [
            str(cell.number),
            f"`{cell.line}`",
            f"failed: {cell.error}" if cell.error else "ran",
            ours,
            ", ".join(f"{loss:.4f}" for loss in theirs),
            f"{cell.seconds:.1f}",
        ]
        lines.append("| " + " | ".join(columns) + " |")
    failed = sum(bool(cell.error) for cell in cells)
    lines += ["", f"{len(cells) - failed} of {len(cells)} cells ran, {failed} failed."]
    if book:
        lines.append(f"{sum(near)} of {len(near)} losses are within {TOLERANCE} of the book's.")
    return "\n".join(lines)


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
