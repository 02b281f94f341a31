"""The public surface: what `palate` offers, and what ships with it."""

import importlib.metadata
import re
import subprocess
import sys
from pathlib import Path

import pytest

import palate
from palate import _native

ROOT = Path(__file__).parents[1]
EXTRAS = {"connectorx", "pandas", "pyarrow", "torch", "plotly", "fastapi", "pyspark", "sklearn"}


def test_exported_names_exist_and_others_are_refused():
    assert sorted(palate.__all__) == palate.__all__
    for name in palate.__all__:
        assert getattr(palate, name) is not None
    assert set(palate.__all__) < set(dir(palate))
    with pytest.raises(AttributeError, match="has no attribute 'nonsense'"):
        palate.nonsense  # noqa: B018


def test_the_core_imports_no_extra():
    code = "import sys, palate\nfor name in palate.__all__: getattr(palate, name)\n"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}print(sorted({EXTRAS} & set(sys.modules)))"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "[]\n"


@pytest.mark.parametrize(
    ("wing", "missing"), [("torch", "torch"), ("torch", "pandas"), ("sklearn", "sklearn")]
)
def test_without_its_extra_the_wing_says_what_to_install(wing, missing):
    code = f"import sys\nsys.modules[{missing!r}] = None\nimport palate.{wing}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("palate.errors.MissingExtraError")
    assert f"pip install 'palate[{wing}]'" in last


def test_types_and_stubs_are_installed():
    package = Path(palate.__file__).parent
    installed = Path(_native.__file__).parent
    assert (package / "py.typed").is_file()
    stub = (installed / "_native.pyi").read_text()
    assert "class OneCycle:" in stub
    assert "def group_by_row(rows: NDArray[numpy.int32]" in stub


def test_the_changelog_is_of_this_version():
    versions = re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.M)
    assert versions[0] == palate.__version__ == importlib.metadata.version("palate")


def test_every_error_is_a_palate_error():
    errors = [getattr(palate, name) for name in palate.__all__ if name.endswith("Error")]
    assert all(issubclass(error, palate.PalateError) for error in errors)
