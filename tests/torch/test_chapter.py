"""What the chapter's code calls: its data, its training, its figures and its notebook's cells."""

import importlib.util
import json
import random
import re
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="no PyTorch; pip install 'palate[torch]'")

import palate
from palate.data._movielens import cache_folder
from palate.torch import (
    CollabDataLoaders,
    DotProductBias,
    Learner,
    MSELossFlat,
    URLs,
    _backends,
    pd,
    set_seed,
    untar_data,
)

ROOT = Path(__file__).parents[2]
HIGHEST = [
    "L.A. Confidential (1997)",
    "Titanic (1997)",
    "Silence of the Lambs, The (1991)",
    "Shawshank Redemption, The (1994)",
    "Star Wars (1977)",
]
LOWEST = [
    "Children of the Corn: The Gathering (1996)",
    "Lawnmower Man 2: Beyond Cyberspace (1996)",
]


@pytest.mark.parametrize("loading", ["from_ratings", "from_df"])
@pytest.mark.parametrize("native", [True, False], ids=["native", "autograd"])
def test_training_reproduces_the_books_table_and_lists(loading, native, ml100k, table, capsys):
    """The bounds hold for any seed, as in the test of the one-cycle solver."""
    _backends._announce_native.cache_clear()  # it is once in a process
    torch.manual_seed(0)
    if loading == "from_df":
        dls = CollabDataLoaders.from_df(table, item_name="title", bs=64)
    else:
        dls = CollabDataLoaders.from_ratings(ml100k, bs=64)
    sizes = [len(dls.classes[name]) for name in ("user", "title")]
    learn = Learner(dls, DotProductBias(*sizes, 50), loss_func=MSELossFlat())
    learn.fit_one_cycle(5, 5e-3, wd=0.1, native=None if native else False)
    printed = capsys.readouterr()
    header, *rows = printed.out.splitlines()
    assert header.split() == ["epoch", "train_loss", "valid_loss", "time"]
    assert [row.split()[0] for row in rows] == ["0", "1", "2", "3", "4"]
    assert 0.79 < float(rows[-1].split()[2]) < 0.845
    order = learn.model.movie_bias.squeeze().argsort(descending=True)
    titles = [dls.classes["title"][at] for at in order]
    assert sum(title in titles[:15] for title in HIGHEST) >= 4
    assert any(title in titles[-5:] for title in LOWEST)
    assert printed.err.count("native kernel") == native


def test_untar_data_writes_the_files_of_grouplens(ml100k, monkeypatch, tmp_path):
    """``u.data`` is byte for byte what was downloaded; pandas reads both, as in the chapter."""
    downloaded = (cache_folder() / "ml-100k").resolve()
    monkeypatch.setenv("PALATE_DATA", str(tmp_path))
    (tmp_path / "ml-100k").symlink_to(downloaded)
    path = untar_data(URLs.ML_100k)
    assert (path / "u.data").read_bytes() == (downloaded / "u.data").read_bytes()
    lines = (path / "u.item").read_text(encoding="latin-1").splitlines()
    assert {line.count("|") for line in lines} == {23}
    films = pd.read_csv(path / "u.item", sep="|", encoding="latin-1", header=None, usecols=[0, 1])
    assert films[1].to_list() == ml100k.items["item"].to_list()
    (path / "u.item").write_text("kept")
    assert untar_data(URLs.ML_100k) == path
    assert (path / "u.item").read_text() == "kept"
    (path / "u.data").unlink()
    untar_data(URLs.ML_100k)
    assert palate.movielens("100k", path=path).items["genres"].equals(ml100k.items["genres"])


def test_other_data_are_refused():
    with pytest.raises(palate.SettingError, match=r"for URLs\.ML_100k, not 'http://x'; read"):
        untar_data("http://x")
    with pytest.raises(AttributeError, match=r"URLs\.IMDB is not in Palate, .* pd\.read_csv"):
        URLs.IMDB  # noqa: B018


def test_set_seed_seeds_all_generators():
    def draw():
        return random.random(), np.random.rand(), torch.rand(1).item()  # noqa: NPY002

    set_seed(3)
    first = draw()
    second = draw()
    set_seed(3)
    assert draw() == first
    assert not set(first) & set(second)
    with pytest.raises(palate.SettingError, match="s is -1"):
        set_seed(-1)


def test_principal_components_are_uncorrelated_and_in_order():
    rows = torch.randn(200, 5, generator=torch.Generator().manual_seed(0)) + 7
    rows[:, 3] *= 10
    components = rows.pca(3)
    assert components.shape == (200, 3)
    covariance = torch.cov(components.T)
    variances = torch.linalg.eigvalsh(torch.cov(rows.T)).flip(0)[:3]
    torch.testing.assert_close(covariance, torch.diag(variances), atol=1e-3, rtol=1e-4)
    assert rows.pca().shape == (200, 2)
    with pytest.raises(palate.SettingError, match="k is 6"):
        rows.pca(6)
    with pytest.raises(palate.SettingError, match=r"needs a matrix; .* \(5,\)"):
        rows[0].pca()


def test_script_reports_each_cell_of_a_notebook(tmp_path, capsys):
    cells = [
        "#hide\n!pip install fastbook\nfrom fastai.collab import *",
        "n = len(L([1, 2]))\nn",
        "class Own(TabularModel): pass",
        "dls = CollabDataLoaders.from_df(pd.DataFrame({'a': [1, 1, 2, 2], 'b': [1, 2, 1, 2],"
        " 'c': [1, 2, 3, 4]}), valid_pct=0.5, seed=0, bs=1)\n"
        "learn = collab_learner(dls)\nlearn.fit_one_cycle(1)",
        "assert n == 2",
    ]
    notebook = {"cells": [{"cell_type": "code", "source": cell.split("\n")} for cell in cells]}
    for cell in notebook["cells"]:
        cell["source"] = [f"{line}\n" for line in cell["source"]]
    (tmp_path / "n.ipynb").write_text(json.dumps(notebook))
    spec = importlib.util.spec_from_file_location("chapter", ROOT / "benchmarks" / "chapter.py")
    chapter = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(chapter)
    chapter.report(chapter.run(chapter.sources(tmp_path / "n.ipynb"), seed=0))
    printed = capsys.readouterr().out
    results = re.findall(r"^\| \d \| `(.*)` \| (ran|failed)(.*?) \|", printed, re.M)
    assert [result for _, result, _ in results] == ["ran", "ran", "failed", "ran", "ran"]
    assert "TabularModel" in results[2][2]
    assert "4 of 5 cells ran, 1 failed.\n0 of 1 losses" in printed


def test_example_calls_every_name_of_the_chapter():
    """They are facts about the chapter: what its cells call of fastai."""
    called = (ROOT / "examples" / "collaborative_filtering.py").read_text()
    names = [
        "CollabDataLoaders.from_df",
        "Embedding",
        "EmbeddingNN",
        "L",
        "Learner",
        "MSELossFlat",
        "Module",
        "URLs.ML_100k",
        "CollabNN",
        "DotProduct",
        "DotProductBias",
        ".pca",
        ".o2i",
        ".classes",
        ".fit_one_cycle",
        "collab_learner",
        "delegates",
        "get_emb_sz",
        "i_bias",
        "i_weight",
        "movie_bias",
        "movie_factors",
        "nn.CosineSimilarity",
        "nn.Parameter",
        "one_hot",
        "pd.read_csv",
        "plt.subplots",
        "plt.scatter",
        "set_seed",
        "show_batch",
        "sigmoid_range",
        "tensor",
        "untar_data",
        "use_nn=True",
    ]
    missing = [name for name in names if not re.search(re.escape(name) + r"\b", called)]
    assert not missing
