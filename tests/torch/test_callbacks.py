"""Early stopping, saving the best module, and callbacks written for fastai."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="no PyTorch; pip install 'palate[torch]'")

import palate
from palate.torch import (
    Callback,
    CollabDataLoaders,
    DotProductBias,
    EarlyStoppingCallback,
    Learner,
    SaveModelCallback,
    TrackerCallback,
    mae,
    rmse,
)


class Scripted(Callback):
    """Replaces the held-out loss of each epoch, and numbers the module."""

    def __init__(self, values, column="valid_loss"):
        self.values, self.column = values, column

    def after_epoch(self, learn):
        learn.history[-1][self.column] = self.values[learn.epoch]


class Numbered(Callback):
    """Writes the number of the epoch into the module, by autograd."""

    def after_batch(self, learn):
        with torch.no_grad():
            learn.model.user_bias.fill_(learn.epoch)


@pytest.fixture
def learner(tiny, tmp_path):
    def make(**settings):
        model = DotProductBias(*tiny.sizes, 2)
        return Learner(tiny, model, path=tmp_path, **{"progress": False} | settings)

    return make


@pytest.mark.parametrize(
    ("values", "settings", "epochs"),
    [
        ([3, 2, 2.5, 1, 0], {}, 3),
        ([3, 2, 2.5, 1, 0], {"patience": 2}, 5),
        ([3, 2.9, 2.8, 1, 0], {"min_delta": 0.5}, 2),
        ([3, 4, 5, 4, 3], {"comp": np.greater}, 4),
        ([3, 2, 2, 1, 0], {}, 3),
    ],
)
def test_early_stopping(learner, values, settings, epochs):
    learn = learner()
    learn.fit(5, cbs=[Scripted(values), EarlyStoppingCallback(**settings)])
    assert len(learn.history) == epochs
    assert learn.history[-1]["epoch"] == epochs - 1


@pytest.mark.parametrize(
    ("monitor", "lower"),
    [("valid_loss", True), ("rmse", True), ("error_rate", True), ("accuracy", False)],
)
def test_direction_of_a_column(monitor, lower):
    assert (TrackerCallback(monitor).comp is np.less) == lower


def test_best_value_of_earlier_fits_counts_without_reset(learner):
    learn = learner()
    kept, fresh = TrackerCallback(reset_on_fit=False), TrackerCallback()
    for value in (1.0, 2.0):
        learn.fit(1, cbs=[Scripted([value]), kept, fresh])
    assert (kept.best, fresh.best) == (1.0, 2.0)
    assert (kept.new_best, fresh.new_best) == (False, True)


def test_best_module_is_saved_and_loaded(learner, tmp_path, capsys):
    learn = learner(progress=True)
    cbs = [Scripted([3, 1, 2]), EarlyStoppingCallback(), SaveModelCallback(fname="best")]
    learn.fit(5, cbs=[*cbs, Numbered()])
    assert len(learn.history) == 3
    assert learn.model.user_bias[0].item() == 1
    assert cbs[-1].last_saved_path == tmp_path / "models" / "best.safetensors"
    printed = capsys.readouterr().out
    assert "Better model found at epoch 1 with valid_loss value: 1." in printed
    assert "No improvement since epoch 1: early stopping" in printed


def test_every_epoch_is_saved(learner, tmp_path):
    learn = learner()
    learn.fit(4, cbs=[Numbered(), SaveModelCallback(every_epoch=2)])
    names = sorted(path.stem for path in (tmp_path / "models").iterdir())
    assert names == ["model_0", "model_2"]
    assert learn.model.user_bias[0].item() == 3
    assert learn.load("model_0").model.user_bias[0].item() == 0


def test_last_module_is_saved_at_the_end(learner):
    learn = learner()
    learn.fit(3, cbs=[Scripted([1, 2, 3]), Numbered(), SaveModelCallback(at_end=True)])
    assert learn.model.user_bias[0].item() == 2
    assert learn.load("model").model.user_bias[0].item() == 2


def test_interrupted_fit_keeps_its_module(learner):
    class Interrupt(Callback):
        def after_batch(self, learn):
            if learn.epoch == 1:
                raise KeyboardInterrupt

    learn = learner()
    with pytest.raises(KeyboardInterrupt):
        learn.fit(3, cbs=[SaveModelCallback(), Numbered(), Interrupt()])
    assert learn.model.user_bias[0].item() == 1


def test_the_kernel_trains_with_both(learner):
    learn = learner(native=True, metrics=[rmse, mae])
    learn.fit_one_cycle(3, cbs=[EarlyStoppingCallback("rmse"), SaveModelCallback("mae")])
    assert learn.history


class WithoutLearner(Callback):
    def after_epoch(self):
        """Read self.learn, as in fastai."""


class OtherEvent(Callback):
    def before_batch(self, learn):
        """Run at an event that does not exist."""


class Foreign:
    def after_epoch(self):
        """Be no callback of ours."""


REFUSED = {
    "WithoutLearner.after_epoch does not take the learner": WithoutLearner,
    "OtherEvent has the method before_batch": OtherEvent,
    "not an instance of Callback": Foreign,
    "'mae', which is no column of this fit; the columns are train_loss, valid_loss, rmse": (
        lambda: EarlyStoppingCallback("mae")
    ),
    "every_epoch and at_end": lambda: SaveModelCallback(every_epoch=True, at_end=True),
    "no argument with_opt: only weights": lambda: SaveModelCallback(with_opt=True),
}


@pytest.mark.parametrize(("reason", "make"), REFUSED.items(), ids=REFUSED)
def test_refused_before_training(learner, reason, make):
    learn = learner(metrics=rmse)
    with pytest.raises(palate.SettingError, match=reason):
        learn.fit(1, cbs=make())
    assert (learn.history, learn.step) == ([], 0)


def test_monitor_without_held_out_ratings(small, tmp_path):
    dls = CollabDataLoaders.from_ratings(small, valid_pct=0, device="cpu")
    learn = Learner(dls, DotProductBias(*dls.sizes, 2), path=tmp_path, progress=False)
    with pytest.raises(palate.SettingError, match=r"columns are train_loss$"):
        learn.fit(1, cbs=SaveModelCallback())
    learn.fit(1, cbs=SaveModelCallback("train_loss"))
