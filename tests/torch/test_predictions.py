"""Predictions of a learner: rows of a table, batches and printed results."""

import numpy as np
import pandas as pd
import pytest

torch = pytest.importorskip("torch", reason="no PyTorch; pip install 'palate[torch]'")

import palate
from palate.torch import CollabDataLoaders, DotProductBias, Learner


@pytest.fixture
def learn(tiny):
    torch.manual_seed(0)
    return Learner(tiny, DotProductBias(*tiny.sizes, 2), progress=False)


def table_of(loader, dls):
    return pd.DataFrame(dls.shown(loader.x))


def test_get_preds_of_both_halves(learn, tiny):
    for index, loader in enumerate((tiny.train, tiny.valid)):
        x, predictions, ratings = learn.get_preds(ds_idx=index, with_input=True)
        assert torch.equal(x, loader.x)
        assert torch.equal(ratings, loader.y)
        assert torch.equal(predictions, learn.outputs(loader.x))
    assert torch.equal(learn.get_preds()[0], predictions)
    assert torch.equal(learn.get_preds(dl=tiny.valid)[0], predictions)
    assert torch.equal(learn.get_preds(dl=tiny.train)[1], tiny.train.y)  # all rows, in their order
    doubled, _ = learn.get_preds(act=lambda outputs: 2 * outputs)
    assert torch.equal(doubled, 2 * predictions)


def test_test_dl_takes_a_table_without_ratings(learn, tiny):
    frame = table_of(tiny.train, tiny)
    batches = tiny.test_dl(frame)
    assert [len(x) for (x,) in batches] == [2, 2, 2, 2]
    assert [len(x) for (x,) in tiny.test_dl(frame, bs=5)] == [5, 3]
    predictions, ratings = learn.get_preds(dl=batches)
    assert ratings is None
    assert torch.equal(predictions, learn.outputs(tiny.train.x))
    with pytest.raises(palate.DataError, match="no column 'title'"):
        tiny.test_dl(frame.rename(columns={"title": "film"}))
    with pytest.raises(palate.UnknownIdError, match="nobody"):
        tiny.test_dl(frame.assign(user="nobody"))


def test_predict_takes_a_row(learn, tiny):
    frame = table_of(tiny.train, tiny)
    expected = learn.outputs(tiny.train.x)[3]
    for row in (frame.iloc[3], dict(frame.iloc[3])):
        shown, decoded, prediction = learn.predict(row)
        assert decoded == prediction == expected
        assert shown.to_dict("records") == [
            dict(frame.iloc[3]) | {"rating": pytest.approx(float(expected))}
        ]
    with pytest.raises(palate.SettingError, match="or pass one row"):
        learn.predict(frame)


def test_show_results(learn, tiny, capsys):
    torch.manual_seed(0)
    learn.show_results(ds_idx=0, max_n=3, shuffle=False)
    header, *rows = capsys.readouterr().out.splitlines()
    assert header.split() == ["user", "title", "rating", "rating_pred"]
    expected = learn.outputs(tiny.train.x[:3]).tolist()
    assert [float(row.split()[-1]) for row in rows] == pytest.approx(expected, abs=1e-5)
    learn.show_results()
    assert len(capsys.readouterr().out.splitlines()) == 1 + len(tiny.valid.ratings)


def test_batches_to_measure_and_to_show(learn, tiny, capsys):
    assert learn.validate(0) == learn.validate(dl=tiny.train)
    assert learn.validate() == learn.validate(dl=tiny.valid) != learn.validate(0)
    learn.show_results(dl=[(tiny.train.x[3:4], tiny.train.y[3:4])])
    shown = capsys.readouterr().out.splitlines()[1].split()
    assert float(shown[-2]) == tiny.train.y[3]
    for read in (learn.validate, learn.show_results):
        with pytest.raises(palate.DataError, match=r"no ratings; pass pairs \(x, y\)"):
            read(dl=tiny.test_dl(table_of(tiny.train, tiny)))
        with pytest.raises(palate.DataError, match="there are no ratings"):
            read(dl=[])


def test_nothing_held_out(small):
    dls = CollabDataLoaders.from_ratings(small, valid_pct=0, device="cpu")
    learn = Learner(dls, DotProductBias(*dls.sizes, 2), progress=False)
    for read in (learn.get_preds, learn.show_results):
        with pytest.raises(palate.DataError, match="held out"):
            read()
    assert len(learn.get_preds(ds_idx=0)[0]) == len(small)


def test_batches_of_held_out_ratings_have_their_size(small):
    dls = CollabDataLoaders.from_ratings(small, valid_pct=0.5, seed=0, bs=2, val_bs=3, device="cpu")
    assert [len(x) for x, _ in dls.valid] == [3, 2]
    x, y = dls.train.one_batch()
    assert (x.shape, y.shape) == ((2, 2), (2, 1))
    np.testing.assert_array_equal(dls.valid.one_batch()[0], dls.valid.x[:3])
    with pytest.raises(palate.SettingError, match="val_bs"):
        CollabDataLoaders.from_ratings(small, val_bs=0)
