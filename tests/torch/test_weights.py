"""Weights saved and loaded, and their errors."""

import pytest

torch = pytest.importorskip("torch", reason="no PyTorch; pip install 'palate[torch]'")

import palate
from palate.torch import DotProductBias, Learner, load_learner


@pytest.fixture
def learn(tiny, tmp_path):
    return Learner(
        tiny, DotProductBias(*tiny.sizes, 2), path=tmp_path, model_dir="kept", progress=False
    )


def test_load_restores_the_weights_in_place(learn, tmp_path):
    table = learn.model.movie_bias
    before = table.detach().clone()
    path = learn.save("first")
    assert path == tmp_path / "kept" / "first.safetensors"
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    learn.fit(1, 0.1)
    assert not torch.equal(table, before)
    assert learn.load("first") is learn
    assert learn.model.movie_bias is table
    assert torch.equal(table, before)
    learn.fit(1, 0.1)
    assert torch.equal(learn.load(path.name).model.movie_bias, before)
    other = Learner(learn.dls, DotProductBias(*learn.dls.sizes, 2), path=tmp_path / "other")
    assert torch.equal(other.load(path).model.movie_bias, before)


def test_errors_of_weights(learn, tiny, tmp_path):
    path = learn.save("first")
    with pytest.raises(palate.ModelFileError, match="does not exist"):
        learn.load("second")
    larger = Learner(tiny, DotProductBias(*tiny.sizes, 3), path=tmp_path, model_dir="kept")
    with pytest.raises(palate.SettingError, match="do not fit DotProductBias"):
        larger.load("first")
    with pytest.raises(palate.ModelFileError, match=r"contains only weights, from Learner\.save"):
        load_learner(path)
    learn.export(path)
    with pytest.raises(palate.ModelFileError, match="read it with load_learner"):
        learn.load("first")
    path.write_bytes(path.read_bytes()[:-1] + b"\x00")
    with pytest.raises(palate.ModelFileError):
        learn.load("first")
    with pytest.raises(palate.SettingError, match="only weights are saved"):
        learn.save("first", with_opt=True)
    learn.save("first", with_opt=False)
    learn.load("first", with_opt=False)
