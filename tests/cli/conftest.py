"""Makes the runner of commands importable as `commands`; a saved model of MovieLens 100k."""

import functools
import sys
from pathlib import Path

import pytest

import palate

sys.path.insert(0, str(Path(__file__).parent))

from commands import run


@pytest.fixture(scope="session")
def folder(tmp_path_factory, once):
    def fitted():
        folder = tmp_path_factory.mktemp("cli") / "model"
        out, err = run("fit", "ml-100k", "-o", folder)
        assert f"palate biases {folder}" in out
        assert out.startswith(
            "Read as ratings. Fitted: how people rate, by gibbs; what they pick (ridge"
        )
        assert "Read 100,000 ratings" in err
        return folder

    return once("cli-model", fitted)


@pytest.fixture
def short_gibbs(monkeypatch):
    """Let Gibbs() take a short chain, where the other solver is the subject."""
    monkeypatch.setattr(palate, "Gibbs", functools.partial(palate.Gibbs, sweeps=4, burn_in=2))


@pytest.fixture(scope="session")
def clicks(tmp_path_factory):
    """Return a file of events: 20 people each like one half of 20 pages, and c0 has all pages."""
    rows = [(f"c{n}", f"p{2 * page + n % 2}") for n in range(1, 20) for page in range(n % 5, 10)]
    rows += [("c0", f"p{page}") for page in range(20)]
    path = tmp_path_factory.mktemp("cli") / "clicks.csv"
    path.write_text("user,item\n" + "".join(f"{user},{item}\n" for user, item in rows))
    return path


@pytest.fixture(scope="session")
def events_folder(clicks):
    """Return the folder of a model of `clicks`."""
    run("fit", clicks, "-o", clicks.parent / "model")
    return clicks.parent / "model"
