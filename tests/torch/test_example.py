"""The example runs, and its notebook has the same cells."""

import re
from pathlib import Path

import jupytext
import nbclient
import nbformat
import pytest

pytest.importorskip("torch", reason="no PyTorch; pip install 'palate[torch]'")

EXAMPLES = Path(__file__).parents[2] / "examples"


def cells(notebook):
    return [(cell.cell_type, cell.source) for cell in notebook.cells]


def test_notebook_matches_the_script_and_runs(tmp_path):
    notebook = nbformat.read(EXAMPLES / "collaborative_filtering.ipynb", as_version=4)
    script = jupytext.read(EXAMPLES / "collaborative_filtering.py")
    assert cells(notebook) == cells(script), "regenerate it, see CONTRIBUTING.md"
    assert all(
        cell.outputs or not _has_output(cell) for cell in notebook.cells if "outputs" in cell
    )
    folder = {"metadata": {"path": str(tmp_path)}}
    nbclient.NotebookClient(
        notebook, timeout=300, kernel_name="python3", resources=folder
    ).execute()
    assert (tmp_path / "learner.safetensors").is_file()
    tables = [text for text in _texts(notebook) if "valid_loss" in text]
    assert len(tables) == 8
    last = [float(re.search(r"^ +4 .*", text, re.M)[0].split()[2]) for text in tables]
    assert max(last[3:5]) < 0.845  # with biases and weight decay
    assert min(last) > 0.79
    assert max(last) < 0.92


def _has_output(cell):
    return "print(" in cell.source or "fit_one_cycle" in cell.source


def _texts(notebook):
    for cell in notebook.cells:
        outputs = cell.get("outputs", [])
        yield "".join(output.text for output in outputs if output.get("name") == "stdout")
