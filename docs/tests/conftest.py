"""Makes `page` importable, and prepares the environment in which pages run."""

import sys
import tempfile
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import page

PROGRAMS = tempfile.TemporaryDirectory()


def pytest_configure(config: pytest.Config) -> None:
    """Prepare it before NumPy is imported, which reads it then."""
    page.prepare_environment(Path(PROGRAMS.name) / "bin")


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove the programs."""
    PROGRAMS.cleanup()
