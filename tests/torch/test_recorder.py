"""The recorder of a fit, its figures, and that of the learning-rate range test."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="no PyTorch; pip install 'palate[torch]'")
matplotlib = pytest.importorskip("matplotlib", reason="no matplotlib")
matplotlib.use("Agg")

from matplotlib import pyplot as plt

import palate
from palate.torch import DotProductBias, Learner, StopFit, mae
from palate.torch._callbacks import Callback
from palate.torch._recorder import Recorder


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


@pytest.fixture
def fitted(tiny):
    torch.manual_seed(0)
    learn = Learner(tiny, DotProductBias(*tiny.sizes, 2), metrics=mae, progress=False)
    learn.fit_one_cycle(3, 0.1)
    return learn


def test_recorder_has_the_last_fit(fitted):
    recorder = fitted.recorder
    assert len(recorder.losses) == len(recorder.lrs) == len(recorder.moms) == 12
    assert recorder.iters == [4, 8, 12]
    assert recorder.metric_names == ["epoch", "train_loss", "valid_loss", "mae", "time"]
    for row, values, step in zip(fitted.history, recorder.values, recorder.iters, strict=True):
        assert [row["train_loss"], row["valid_loss"], row["mae"]] == values
        assert recorder.losses[step - 1] == pytest.approx(row["train_loss"])
    assert max(recorder.lrs) == pytest.approx(0.1)
    fitted.fit(1)
    assert (len(recorder.losses), recorder.iters) == (4, [4])


@pytest.mark.parametrize("native", [True, False])
def test_both_backends_record_every_step(tiny, native):
    learn = Learner(tiny, DotProductBias(*tiny.sizes, 2), native=native, progress=False)
    learn.fit(2)
    assert len(learn.recorder.losses) == 8


def test_stopped_fit_has_the_steps_it_took(tiny):
    class Stop(Callback):
        def after_batch(self, learn):
            if learn.step == 6:
                raise StopFit

    learn = Learner(tiny, DotProductBias(*tiny.sizes, 2), progress=False)
    learn.fit_one_cycle(3, cbs=Stop())
    assert len(learn.recorder.losses) == len(learn.recorder.lrs) == 6
    assert learn.recorder.iters == [4]


def test_plot_loss(fitted):
    ax = fitted.recorder.plot_loss(skip_start=5, show_epochs=True)
    assert ax is plt.gca()
    train, *epochs, valid = ax.lines
    np.testing.assert_array_equal(train.get_xdata(), range(5, 12))
    np.testing.assert_allclose(train.get_ydata(), fitted.recorder.losses[5:])
    assert len(epochs) == 3
    assert list(valid.get_xdata()) == [8, 12]
    assert list(valid.get_ydata()) == [row["valid_loss"] for row in fitted.history[1:]]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["train", "valid"]
    _, other = plt.subplots()
    assert fitted.recorder.plot_loss(with_valid=False, log=True, ax=other) is other
    assert (len(other.lines), other.get_xscale()) == (1, "log")


def test_plot_sched(fitted):
    (line,) = fitted.recorder.plot_sched().lines
    np.testing.assert_allclose(line.get_ydata(), fitted.recorder.lrs)


def test_nothing_recorded():
    with pytest.raises(palate.DataError, match="fit the learner first"):
        Recorder().plot_loss()


def test_lr_find_draws_and_has_a_valley(large_batches):
    torch.manual_seed(0)
    learn = Learner(large_batches, DotProductBias(*large_batches.sizes, 50), progress=False)
    found = learn.lr_find()
    curve, valley = plt.gca().lines
    assert len(curve.get_xdata()) == len(found.frame) - 5
    assert valley.get_xdata()[0] == pytest.approx(found.valley)
    assert plt.gca().get_xscale() == "log"
    assert 1e-4 < found.valley < 0.5
    assert found.frame["lr"][0] == pytest.approx(1e-7)


def test_range_of_the_range_test(tiny):
    learn = Learner(tiny, DotProductBias(*tiny.sizes, 2), progress=False)
    frame = learn.lr_find(1e-4, 1e-2, num_it=20, show_plot=False).frame
    assert len(frame) == 20
    assert (frame["lr"][0], frame["lr"][-1]) == pytest.approx((1e-4, 1e-2))
    with pytest.raises(palate.SettingError, match="start_lr"):
        learn.lr_find(1, 0.1)
    with pytest.raises(palate.SettingError, match=r"the result has \.valley"):
        learn.lr_find(suggest_funcs=(min,))


@pytest.mark.parametrize(("stop_div", "complete"), [(True, False), (False, True)])
def test_range_test_ends_once_the_loss_has_risen(tiny, stop_div, complete):
    torch.manual_seed(0)
    model = DotProductBias(*tiny.sizes, 2, y_range=None)  # its loss has no bound
    learn = Learner(tiny, model, progress=False)
    frame = learn.lr_find(1e-4, 100, stop_div=stop_div, show_plot=False).frame
    assert (len(frame) == 100) == complete
