"""Conversion between learners and Palate models, and learners in files."""

import json
import struct

import numpy as np
import pandas as pd
import pytest

torch = pytest.importorskip("torch", reason="no PyTorch; pip install 'palate[torch]'")

from torch import nn

import palate
from palate.torch import (
    CollabDataLoaders,
    CollabNN,
    DotProduct,
    DotProductBias,
    EmbeddingDotBias,
    Learner,
    Module,
    MSELossFlat,
    collab_learner,
    from_model,
    get_emb_sz,
    load_learner,
)


def expected_ratings(model, ratings):
    scores = model.user_posteriors.scores(ratings.user, ratings.item)
    return model.learned.likelihood.rating(scores)


@pytest.fixture(scope="module")
def learn(dls):
    torch.manual_seed(0)
    learn = Learner(dls, DotProductBias(*dls.sizes, 50), progress=False)
    learn.fit_one_cycle(5, 5e-3, wd=0.1)
    return learn


def test_model_predicts_as_the_learner(learn):
    model, valid = learn.to_palate(), learn.dls.valid
    predicted = expected_ratings(model, valid.ratings)
    np.testing.assert_allclose(predicted, learn.outputs(valid.x).numpy(), atol=1e-5)
    assert model.history["valid_loss"].to_list() == [row["valid_loss"] for row in learn.history]


def test_model_of_a_learner_has_all_methods(learn, tmp_path):
    model = learn.to_palate()
    np.testing.assert_array_equal(model.item_biases, learn.model.movie_bias.detach()[1:])
    bias = learn.model.movie_bias.argsort(descending=True)[:5]
    top = model.biases()["item"].head(5).to_list()
    assert top == [learn.dls.classes["title"][i] for i in bias]
    me = model.profile({"Fargo (1996)": 5, "Titanic (1997)": 2})
    assert me.recommend(5).height == 5
    assert me.explain("Heat (1995)").sentence.startswith("You are expected")
    assert model.axes().height > 0
    assert model.similar("Fargo (1996)", 3).height == 3
    model.save(tmp_path / "model")
    loaded = palate.load(tmp_path / "model")
    assert loaded.fit.solver == "torch"
    np.testing.assert_array_equal(loaded.learned.item_table, model.learned.item_table)


@pytest.mark.parametrize("y_range", [None, (0, 5.5)])
def test_dot_product_without_biases_gains_main_effects(large_batches, y_range):
    """Centring extracts biases from the products; popular films have high ones."""
    torch.manual_seed(0)
    dls = large_batches
    learn = Learner(dls, DotProduct(*dls.sizes, 20, y_range), progress=False)
    learn.fit_one_cycle(3, 5e-3)
    model, valid = learn.to_palate(), dls.valid
    predicted = expected_ratings(model, valid.ratings)
    outputs = learn.outputs(valid.x).numpy()
    np.testing.assert_allclose(
        predicted, outputs.clip(1, 5) if y_range is None else outputs, atol=1e-4
    )
    np.testing.assert_allclose(model.learned.item_table.mean(axis=0), 0, atol=1e-5)
    biases = model.biases(min_ratings=50)
    assert np.corrcoef(biases["bias"], biases["mean"])[0, 1] > 0.8
    parts = dict(model.user(196).explain("Fargo (1996)").parts.iter_rows())
    assert abs(parts.get("its appeal to the average taste", 0)) < 1e-4


def test_duplicate_ratings_become_their_mean(table):
    torch.manual_seed(0)
    dls = CollabDataLoaders.from_df(table, item_name="title", valid_pct=0)
    model = Learner(dls, DotProductBias(*dls.sizes, 5), progress=False).to_palate()
    pairs = table.groupby(["user", "title"])["rating"].mean()
    assert len(model.ratings) == len(pairs) < 100_000
    user, title = pairs.index[table.groupby(["user", "title"]).size().argmax()]
    frame = model.ratings.frame()
    mean = frame.filter((frame["user"] == user) & (frame["item"] == title))["rating"].item()
    assert mean == pytest.approx(pairs[user, title])


class Twisted(DotProductBias):
    def forward(self, x):
        return super().forward(x) + 0.1 * (x[:, 0] % 2)


class UndeclaredRange(DotProductBias):
    """It ends in a sigmoid, but has no y_range."""

    def __init__(self, *sizes):
        super().__init__(*sizes, y_range=None)

    def forward(self, x):
        return 5.5 * torch.sigmoid(super().forward(x))


class OneSided(Module):
    def __init__(self):
        self.user_factors = self.movie_factors = nn.Embedding(10, 3)
        self.movie_bias = nn.Embedding(10, 1)

    def forward(self, x):
        return x.sum(dim=1).float()


def test_modules_that_are_not_bilinear_are_rejected(dls):
    with pytest.raises(palate.SettingError, match=r"differ by up to 0\.1"):
        Learner(dls, Twisted(*dls.sizes, 5)).to_palate()
    with pytest.raises(palate.SettingError, match=r"tables\(\)"):
        Learner(dls, OneSided()).to_palate()
    for returned in (None, [1, 2], [torch.ones(3, 2), None, torch.ones(3, 2), None]):
        module = OneSided()
        module.tables = lambda returned=returned: returned
        with pytest.raises(palate.SettingError, match=r"tables\(\)"):
            Learner(dls, module).to_palate()
    with pytest.raises(palate.SettingError, match="attribute y_range"):
        Learner(dls, UndeclaredRange(*dls.sizes, 5)).to_palate()
    with pytest.raises(palate.SettingError, match="the vocabularies have 944"):
        Learner(dls, DotProductBias(945, dls.sizes[1], 5)).to_palate()


@pytest.mark.parametrize("which", ["model", "bayes"])
def test_model_to_learner_and_back(which, request):
    model = request.getfixturevalue(which)
    learn = from_model(model)
    users, items = model.users["id"][:40].to_list(), model.items["id"][:40].to_list()
    expected = model.predict(users, items)
    outputs = learn.predict(users, items)
    np.testing.assert_allclose(
        np.clip(outputs, 1, 5) if which == "bayes" else outputs, expected, atol=1e-4
    )
    np.testing.assert_allclose(learn.to_palate().predict(users, items), expected, atol=1e-4)
    # The row of #na# is the mean of all users.
    torch.testing.assert_close(learn.model.user_bias[0], learn.model.user_bias[1:].mean())


def test_learner_from_a_model_can_be_trained_further(model):
    learn = from_model(model)
    learn.progress = False
    start = learn.loss_of(learn.dls.train.x, learn.dls.train.y).item()
    learn.fit(1, 1e-4, wd=0)
    assert learn.loss_of(learn.dls.train.x, learn.dls.train.y).item() < start


def test_from_model_requires_users(model, tmp_path):
    model.save(tmp_path / "m", users=False)
    with pytest.raises(palate.UnknownIdError, match="without its users"):
        from_model(palate.load(tmp_path / "m"))


MODULES = {
    "DotProduct": lambda dls: DotProduct(*dls.sizes, 3),
    "DotProductBias": lambda dls: DotProductBias(*dls.sizes, 3, y_range=(0.5, 6)),
    "EmbeddingDotBias": lambda dls: EmbeddingDotBias(3, *dls.sizes),
    "CollabNN": lambda dls: CollabNN(*get_emb_sz(dls), n_act=7),
    "EmbeddingNN": lambda dls: collab_learner(dls, use_nn=True, layers=[5, 4]).model,
}


@pytest.mark.parametrize("make", MODULES.values(), ids=MODULES)
def test_export_and_load(tiny, make, tmp_path):
    learn = Learner(tiny, make(tiny), lr=0.02, progress=False)
    learn.fit_one_cycle(2)
    path = tmp_path / "folder" / "learner.safetensors"
    learn.export(path)
    loaded = load_learner(path)
    assert type(loaded.model) is type(learn.model)
    assert loaded.history == learn.history
    assert (loaded.lr, loaded.wd, loaded.dls.names) == (0.02, 0.01, ("user", "title"))
    assert loaded.validate() == learn.validate()
    assert loaded.predict(["ann"], ["gin"]) == learn.predict(["ann"], ["gin"])
    loaded.progress = False
    loaded.fit_one_cycle(1)


def test_files_with_the_former_name_of_an_argument_are_read(tiny, tmp_path):
    learn = Learner(tiny, EmbeddingDotBias(3, *tiny.sizes, (0, 6)), progress=False)
    former = learn.model.arguments()
    former["n_movies"] = former.pop("n_items")
    learn.model.arguments = lambda: former
    learn.export(tmp_path / "l")
    assert load_learner(tmp_path / "l").validate() == learn.validate()


def test_export_and_load_a_custom_module(tiny, tmp_path):
    path = tmp_path / "l"
    learn = Learner(tiny, Twisted(*tiny.sizes, 3), nn.functional.l1_loss, progress=False)
    learn.export(path)
    with pytest.raises(palate.SettingError, match=r"model=Twisted\(\.\.\.\)"):
        load_learner(path)
    with pytest.raises(palate.SettingError, match="the custom loss l1_loss"):
        load_learner(path, Twisted(*tiny.sizes, 3))
    with pytest.raises(palate.SettingError, match="do not fit Twisted"):
        load_learner(path, Twisted(*tiny.sizes, 4), nn.functional.l1_loss)
    loaded = load_learner(path, Twisted(*tiny.sizes, 3), nn.functional.l1_loss)
    assert loaded.validate() == learn.validate()


def test_another_reduction_is_a_custom_loss(tiny, tmp_path):
    Learner(tiny, DotProduct(*tiny.sizes, 3), MSELossFlat(reduction="sum")).export(tmp_path / "l")
    with pytest.raises(palate.SettingError, match="the custom loss MSELossFlat"):
        load_learner(tmp_path / "l")


def test_double_precision_is_restored(tiny, tmp_path):
    learn = Learner(tiny, DotProduct(*tiny.sizes, 3).double())
    learn.export(tmp_path / "l")
    assert load_learner(tmp_path / "l").validate() == learn.validate()


def test_constant_ratings():
    frame = {"user": [1, 1, 2], "item": [1, 2, 1], "rating": [3, 3, 3]}
    dls = CollabDataLoaders.from_df(pd.DataFrame(frame), valid_pct=0)
    model = Learner(dls, DotProduct(*dls.sizes, 2)).to_palate()
    assert model.user(2).recommend(2).height == 1


def test_invalid_files(tiny, tmp_path, model):
    path = tmp_path / "l"
    Learner(tiny, DotProduct(*tiny.sizes, 3)).export(path)
    good = path.read_bytes()
    with pytest.raises(palate.ModelFileError, match="does not exist"):
        load_learner(tmp_path / "none")
    with pytest.raises(palate.ModelFileError, match="cannot read"):
        load_learner(tmp_path)
    for content, reason in (
        (b"", "cannot read"),
        (good[:-10], "cannot read"),
        (good[:-10] + bytes(10), "damaged"),
        (_with(good, format=99), "format 99"),
        (_with(good, format="x"), "not written by"),
        (_with(good, names=None), "damaged"),
        (_with(good, bs=5), "damaged"),
    ):
        path.write_bytes(content)
        with pytest.raises(palate.PalateError, match=reason):
            load_learner(path)
    model.save(tmp_path / "model")
    arrays = next((tmp_path / "model").glob("arrays.*"))
    with pytest.raises(palate.ModelFileError, match="not written by"):
        load_learner(arrays)


def test_failed_export_keeps_the_old_file(tiny, tmp_path, monkeypatch):
    path = tmp_path / "l"
    learn = Learner(tiny, DotProduct(*tiny.sizes, 3))
    learn.export(path)
    before = path.read_bytes()

    def full(descriptor):
        raise OSError("no space left")

    monkeypatch.setattr("os.fsync", full)
    learn.fit_one_cycle(1)
    with pytest.raises(palate.ModelFileError, match="no space left"):
        learn.export(path)
    assert path.read_bytes() == before


def _with(file, **changes):
    """Return the file with changes to the description in its header."""
    (size,) = struct.unpack("<Q", file[:8])
    header = json.loads(file[8 : 8 + size])
    header["__metadata__"]["palate"] = json.dumps(
        json.loads(header["__metadata__"]["palate"]) | changes
    )
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + file[8 + size :]
