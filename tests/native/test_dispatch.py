"""Every instruction set level that this machine supports, beside the NumPy twins."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from palate import _native

LEVELS = _native.simd_levels()
TESTS = [
    "test_choice.py",
    "test_gibbs.py",
    "test_lists.py",
    "test_one_cycle.py",
    "test_philox.py",
    "test_products.py",
    "test_profile.py",
    "test_top_n.py",
]
# Together these tests run every kernel that has a copy for each level.
SELECTED = "(twin or noise or real_numbers or miss) and not (permutation or philox_equals)"

SAMPLE = """
import sys
import numpy as np
from palate import _native
rng = np.random.default_rng(0)
partners = rng.normal(size=(40, 33)).astype(np.float32)
partner, rating = rng.integers(0, 40, 300).astype(np.int32), rng.normal(size=300).astype(np.float32)
rows, squares = _native.sample_rows(
    np.arange(31) * 10, partner, rating, np.ones(300, np.float32), np.arange(30, dtype=np.int32),
    partners, np.eye(33), np.zeros((1, 33), np.float32), np.ones(30, np.float32), 1.7, 0.3, 5, 9, 1,
)
np.savez(sys.argv[1], rows=rows, squares=squares, words=_native.philox([1, 2, 3, 4], [5, 6]),
         order=_native.permutation(1, 2, 100), level=_native.simd_level())
"""


def run(level, *args):
    """Run Python at a level, and return the finished process."""
    # Plugins of pytest are not needed, and take longer to import than the tests take.
    environment = {**os.environ, "PALATE_SIMD": level, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    return subprocess.run(
        [sys.executable, *args], env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("level", [level for level in LEVELS if level != _native.simd_level()])
def test_the_kernels_equal_their_twins_at_every_level(level):
    """The level of this process is tested by the other modules."""
    files = [str(Path(__file__).parent / name) for name in TESTS]
    options = ["-q", "-x", "-p", "no:cacheprovider", "-o", "addopts=--import-mode=importlib"]
    done = run(level, "-m", "pytest", *options, "-k", SELECTED, *files)
    assert done.returncode == 0, done.stdout + done.stderr


def test_levels_agree_to_rounding_and_integers_exactly(tmp_path):
    results = {}
    for level in LEVELS:
        done = run(level, "-c", SAMPLE, str(tmp_path / f"{level}.npz"))
        assert done.returncode == 0, done.stderr
        results[level] = np.load(tmp_path / f"{level}.npz")
        assert results[level]["level"] == level
    for one in results.values():
        for name in ("words", "order"):
            np.testing.assert_array_equal(one[name], results["baseline"][name])
        for name in ("rows", "squares"):
            np.testing.assert_allclose(one[name], results["baseline"][name], rtol=1e-4, atol=1e-5)


def test_the_best_level_is_the_default():
    for unset in ({}, {"PALATE_SIMD": ""}):
        environment = {k: v for k, v in os.environ.items() if k != "PALATE_SIMD"} | unset
        code = "from palate import _native; print(_native.simd_level())"
        done = subprocess.run(
            [sys.executable, "-c", code],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.strip() == LEVELS[-1]


@pytest.mark.parametrize(
    "level", ["avx1024", "AVX2", *(name for name in ("avx2", "avx512") if name not in LEVELS)]
)
def test_a_level_that_is_unknown_or_not_supported_is_an_error(level):
    done = run(level, "-c", "from palate import _native")
    assert done.returncode == 1
    message = (
        f"ImportError: PALATE_SIMD={level} is not a level that this processor supports; "
        f"choose one of: {', '.join(LEVELS)}"
    )
    assert message in done.stderr
