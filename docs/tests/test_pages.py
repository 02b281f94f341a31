"""Each page of the documentation runs as it stands and prints what it says; so does the README."""

import importlib.util
import os
from pathlib import Path

import page
import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted(ROOT.glob("docs/[!_]*/**/*.md")), ROOT / "docs/index.md"]


@pytest.fixture(scope="session")
def shared(tmp_path_factory):
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    return page.Fit(folder)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_page_runs_and_prints_what_it_says(path, shared, tmp_path):
    text = path.read_text(encoding="utf-8")
    if "palate.spark" in text and not importlib.util.find_spec("pyspark"):
        pytest.skip("this page needs PySpark")
    if "palate.torch" in text and not importlib.util.find_spec("torch"):
        pytest.skip("PyTorch is not installed")
    with page.running(tmp_path, shared) as runner:
        found = list(page.failures(path, runner))
    assert not found, "\n\n".join(found)
