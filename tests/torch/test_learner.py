"""Learners: both backends, custom modules, callbacks and errors."""

import functools
import os
import signal
import threading

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="no PyTorch; pip install 'palate[torch]'")

from torch import nn

import palate
from palate.torch import (
    Callback,
    CollabDataLoaders,
    CollabNN,
    DotProduct,
    DotProductBias,
    Embedding,
    EmbeddingDotBias,
    Learner,
    Module,
    MSELossFlat,
    StopFit,
    _backends,
    collab_learner,
    get_emb_sz,
)


def max_differences(one, other):
    pairs = zip(one.parameters(), other.parameters(), strict=True)
    return [float((a - b).detach().abs().max()) for a, b in pairs]


def read_losses(monkeypatch, at_a_time):
    """Read so many losses at a time, as on a GPU."""
    monkeypatch.setattr(_backends, "_losses_at_a_time", lambda device: at_a_time)


@pytest.mark.parametrize("at_a_time", [3, 256])
def test_losses_read_at_a_time_are_those_of_the_steps(tiny, monkeypatch, at_a_time):
    """A GPU is waited for once in many steps: here 3 of the 4 of an epoch, or all."""
    fits = []
    for n in (1, at_a_time):
        read_losses(monkeypatch, n)
        torch.manual_seed(0)
        learn = Learner(tiny, DotProductBias(*tiny.sizes, 2), native=False, progress=False)
        learn.fit_one_cycle(3, 0.1)
        fits.append(learn)
    one, many = fits
    assert max(max_differences(one.model, many.model)) == 0
    assert many.recorder.losses == one.recorder.losses
    assert (many.recorder.iters, many.step, many.steps) == ([4, 8, 12], 12, 12)
    assert many.last_loss == one.last_loss
    for row, expected in zip(many.history, one.history, strict=True):
        assert dict(row, seconds=0) == dict(expected, seconds=0)


def test_losses_are_in_parts_of_the_size_asked_for(tiny):
    train = tiny.train
    model = DotProductBias(*tiny.sizes, 2)
    objective = Learner(tiny, model)._objective
    ones = np.ones(3 * len(train))
    backend = _backends.AutogradBackend(
        model,
        train,
        objective.batch_loss,
        schedule=_backends.Schedule(0.1 * ones, 0.9 * ones),
        wd=0.0,
        losses_at_a_time=3,
    )
    for _ in range(3):
        assert [len(losses) for losses in backend.epoch(train.order())] == [3, 1]


@pytest.mark.parametrize("at_a_time", [2, 256])
def test_divergence_among_losses_read_at_a_time(tiny, monkeypatch, at_a_time):
    """The step is the one that failed, and the module is that of the start of the epoch."""
    read_losses(monkeypatch, at_a_time)
    learn = Learner(tiny, DotProductBias(*tiny.sizes, 2), native=False, progress=False)
    starts, compute, steps = [], learn.loss_of, []

    def failing(x, y):
        steps.append(None)
        return compute(x, y) * (torch.nan if len(steps) == 7 else 1)

    class Keep(Callback):
        def before_epoch(self, learn):
            starts.append(learn.model.movie_bias.detach().clone())

    learn.loss_of = failing
    with pytest.raises(palate.SettingError, match=r"nan at step 7 of 8, in epoch 1"):
        learn.fit(2, 0.01, cbs=Keep())
    assert torch.equal(learn.model.movie_bias, starts[1])
    assert not torch.equal(*starts)


def test_a_callback_at_every_batch_has_its_loss(tiny, monkeypatch):
    read_losses(monkeypatch, 256)
    counter = Counter()
    Learner(tiny, DotProductBias(*tiny.sizes, 2), progress=False).fit(1, cbs=counter)
    assert counter.events[2:6] == [1, 2, 3, 4]


@pytest.mark.parametrize("fit", ["fit_one_cycle", "fit"])
def test_native_matches_autograd(pair, fit):
    """Equal parameters and row order; the parameters move by 1,000 times the tolerance."""
    start = [p.detach().clone() for p in pair[0].model.parameters()]
    for learn in pair:
        torch.manual_seed(1)
        getattr(learn, fit)(1, 5e-3, wd=0.1)
    kernel, autograd = pair
    assert max(max_differences(kernel.model, autograd.model)) < 1e-4
    moved = [
        float((a - b).detach().abs().max())
        for a, b in zip(start, kernel.model.parameters(), strict=True)
    ]
    assert min(moved) > 0.1
    for name in ("train_loss", "valid_loss"):
        assert kernel.history[0][name] == pytest.approx(autograd.history[0][name], abs=1e-5)


def test_row_order_changes_the_fit(pair):
    for seed, learn in enumerate(pair):
        torch.manual_seed(seed)
        learn.fit_one_cycle(1, 5e-3, wd=0.1, native=True)
    assert max(max_differences(pair[0].model, pair[1].model)) > 1e-2


def test_kernel_updates_the_modules_tables_in_place(pair):
    learn = pair[0]
    table = learn.model.movie_bias
    before = table.detach().clone()
    learn.fit_one_cycle(1, 5e-3)
    assert learn.model.movie_bias is table
    assert not torch.equal(table, before)


def test_kernel_trains_the_module_of_collab_learner(dls, capsys):
    learn = collab_learner(dls, y_range=(0, 5.5), native=True)
    assert isinstance(learn.model, EmbeddingDotBias)
    learn.fit_one_cycle(5, 5e-3, wd=0.1)
    assert 0.79 < learn.history[-1]["valid_loss"] < 0.845
    assert capsys.readouterr().out.count("\n") == 6


def test_parameter_with_two_names_takes_one_step(tiny):
    class Tied(DotProductBias):
        def __init__(self):
            super().__init__(9, 9, 2)
            self.movie_factors = self.user_factors

    torch.manual_seed(0)
    learn = Learner(tiny, Tied(), progress=False)
    before = learn.model.user_factors.detach().clone()
    learn.fit(1, 0.01, wd=0)
    moved = (learn.model.user_factors - before).abs().max().item()
    assert 0.01 < moved < 0.01 * len(tiny.train) * 1.5


def test_non_finite_gradient_raises_and_restores(tiny):
    class NanGradient(Callback):
        def after_backward(self, learn):
            if learn.step == 3:
                learn.model.movie_bias.grad.fill_(torch.nan)

    learn = Learner(tiny, DotProductBias(*tiny.sizes, 2), cbs=NanGradient(), progress=False)
    before = learn.model.movie_bias.detach().clone()
    with pytest.raises(palate.SettingError, match="at step 4 of 4"):
        learn.fit(1)
    assert torch.equal(before, learn.model.movie_bias)


def test_ratings_outside_the_range_raise(tiny):
    for make in (
        lambda: Learner(tiny, DotProductBias(*tiny.sizes, 2, y_range=(0, 3))),
        lambda: collab_learner(tiny, y_range=(0, 3)),
    ):
        with pytest.raises(palate.DataError, match="can't reach"):
            make()


def test_callbacks_can_be_an_iterator(tiny):
    counter = Counter()
    learn = Learner(tiny, DotProductBias(*tiny.sizes, 2), cbs=iter([counter]), progress=False)
    learn.fit(1)
    assert counter.events[-1] == "after_fit 4"


class Subclass(DotProductBias):
    """A custom module, although it inherits a supported one."""


# A learner that the native kernel does not support, and the reason in the error message.
UNSUPPORTED = {
    "subclass": (lambda dls: Learner(dls, Subclass(*dls.sizes, 2)), "not .*Subclass"),
    "other module": (lambda dls: Learner(dls, DotProduct(*dls.sizes, 2)), "not .*DotProduct"),
    "no range": (
        lambda dls: Learner(dls, DotProductBias(*dls.sizes, 2, y_range=None)),
        "must have a y_range",
    ),
    "loss": (
        lambda dls: Learner(dls, DotProductBias(*dls.sizes, 2), nn.L1Loss()),
        "must be MSELossFlat",
    ),
    "mixed precision": (
        lambda dls: Learner(dls, DotProductBias(*dls.sizes, 2), mixed_precision=True),
        "CPU",
    ),
    "sizes": (lambda dls: Learner(dls, DotProductBias(9, 9, 2)), "must have tables of"),
    "double precision": (
        lambda dls: Learner(dls, DotProductBias(*dls.sizes, 2).double()),
        "single precision",
    ),
    "frozen": (lambda dls: Learner(dls, _frozen(DotProductBias(*dls.sizes, 2))), "frozen"),
    "hook": (lambda dls: Learner(dls, _hooked(DotProductBias(*dls.sizes, 2))), "modified"),
    "gradient hook": (lambda dls: Learner(dls, _scaled(DotProductBias(*dls.sizes, 2))), "modified"),
    "padding": (
        lambda dls: Learner(dls, _padded(EmbeddingDotBias(2, *dls.sizes, (0, 5.5)))),
        "modified",
    ),
    "parameter": (lambda dls: Learner(dls, _extended(DotProductBias(*dls.sizes, 2))), "modified"),
    "forward": (lambda dls: Learner(dls, _overwritten(DotProductBias(*dls.sizes, 2))), "modified"),
    "callback": (
        lambda dls: Learner(dls, DotProductBias(*dls.sizes, 2), cbs=Counter()),
        "callback must run",
    ),
}


def _frozen(module):
    module.user_bias.requires_grad_(False)
    return module


def _hooked(module):
    module.register_forward_hook(lambda module, args, output: output)
    return module


def _scaled(module):
    module.user_factors.register_hook(lambda gradient: 0 * gradient)
    return module


def _padded(module):
    module.u_weight.padding_idx = 3
    return module


def _extended(module):
    module.weight = nn.Parameter(torch.ones(1))
    return module


def _overwritten(module):
    module.forward = lambda x: 3 * x[:, 0]
    return module


class Counter(Callback):
    def __init__(self):
        self.events = []

    def before_fit(self, learn):
        self.events.append("before_fit")

    def before_epoch(self, learn):
        self.events.append(f"before_epoch {learn.epoch}")

    def after_backward(self, learn):
        assert learn.model.user_factors.grad is not None

    def after_batch(self, learn):
        assert np.isfinite(learn.last_loss)
        self.events.append(learn.step)

    def after_epoch(self, learn):
        self.events.append(f"after_epoch {len(learn.history)}")

    def after_fit(self, learn):
        self.events.append(f"after_fit {learn.steps}")


@pytest.mark.parametrize(("make", "reason"), UNSUPPORTED.values(), ids=UNSUPPORTED)
def test_native_true_raises_if_unsupported(tiny, make, reason):
    with pytest.raises(palate.SettingError, match=reason):
        make(tiny).fit_one_cycle(1, native=True)


def test_callbacks_are_called_at_every_event(tiny):
    counter = Counter()
    Learner(tiny, DotProductBias(*tiny.sizes, 2), progress=False).fit_one_cycle(2, cbs=counter)
    one = ["before_epoch 0", 1, 2, 3, 4, "after_epoch 1"]
    two = ["before_epoch 1", 5, 6, 7, 8, "after_epoch 2"]
    assert counter.events == ["before_fit", *one, *two, "after_fit 8"]


@pytest.mark.parametrize("native", [True, False])
def test_callback_can_stop_a_fit(tiny, native):
    class Early(Callback):
        def after_epoch(self, learn):
            if learn.epoch == 1:
                raise StopFit

    learn = Learner(tiny, DotProductBias(*tiny.sizes, 2), progress=False, native=native)
    learn.fit_one_cycle(5, cbs=[Early()])
    assert [row["epoch"] for row in learn.history] == [0, 1]
    learn.fit_one_cycle(1)
    assert len(learn.history) == 3


def test_kernel_detects_a_callback_that_changes_the_module(tiny):
    class Modifier(Callback):
        def before_epoch(self, learn):
            with torch.no_grad():
                learn.model.movie_bias += 1

    learn = Learner(tiny, DotProductBias(*tiny.sizes, 2), progress=False, cbs=Modifier())
    with pytest.raises(palate.SettingError, match="native=False"):
        learn.fit_one_cycle(1)
    learn.fit_one_cycle(1, native=False)


class WithPopularity(Module):
    """The chapter's module with an additional term: how often a film is rated."""

    def __init__(self, dls, n_factors):
        n_users, n_movies = dls.sizes
        self.user_factors, self.movie_factors = (
            Embedding(n_users, n_factors),
            Embedding(n_movies, n_factors),
        )
        self.user_bias, self.movie_bias = Embedding(n_users, 1), Embedding(n_movies, 1)
        counts = np.bincount(dls.train.ratings.item + 1, minlength=n_movies)
        self.register_buffer("popularity", torch.tensor(np.log1p(counts), dtype=torch.float32))
        self.weight = nn.Parameter(torch.zeros(1))
        self.y_range = (0, 5.5)

    def forward(self, x):
        user_factors, user_bias, movie_factors, movie_bias = self.tables()
        user, movie = x.T
        score = (user_factors[user] * movie_factors[movie]).sum(dim=1)
        score = score + user_bias[user] + movie_bias[movie]
        return 5.5 * torch.sigmoid(score)

    def tables(self):
        bias = self.movie_bias.weight.squeeze(1) + self.weight * self.popularity
        user_bias = self.user_bias.weight.squeeze(1)
        return self.user_factors.weight, user_bias, self.movie_factors.weight, bias


def test_custom_module_trains_and_becomes_a_model(large_batches):
    torch.manual_seed(0)
    dls = large_batches
    learn = Learner(dls, WithPopularity(dls, 20), progress=False)
    learn.fit_one_cycle(5, 5e-3, wd=0.1)
    assert learn.history[-1]["valid_loss"] < 0.845
    assert learn.model.weight.item() > 0.02
    model = learn.to_palate()
    valid = dls.valid.ratings
    assert model.loss(valid) == pytest.approx(learn.validate()[0], rel=1e-5)


NETWORKS = {
    "CollabNN": lambda dls: (Learner(dls, CollabNN(*get_emb_sz(dls)), progress=False), 0.01),
    "collab_learner": lambda dls: (
        collab_learner(dls, use_nn=True, y_range=(0, 5.5), layers=[100, 50], progress=False),
        0.1,
    ),
}


@pytest.mark.parametrize("make", NETWORKS.values(), ids=NETWORKS)
def test_networks_learn(large_batches, make):
    """The loss falls below 0.90; that of the overall mean is 1.26."""
    torch.manual_seed(0)
    learn, wd = make(large_batches)
    assert learn.validate()[0] > 1.2
    learn.fit_one_cycle(3, 5e-3, wd=wd)
    assert learn.history[-1]["valid_loss"] < 0.90
    assert not hasattr(learn.model, "tables")
    with pytest.raises(palate.SettingError, match=r"tables\(\)"):
        learn.to_palate()


def test_layer_biases_do_not_decay(tiny):
    torch.manual_seed(0)
    learn = collab_learner(tiny, use_nn=True, layers=[3], progress=False)
    with torch.no_grad():
        for parameter in learn.model.parameters():
            parameter.fill_(1.0)
    frozen = torch.zeros((2, 1), requires_grad=True)
    learn.loss_func = lambda predictions, ratings: (frozen + 0 * predictions).mean()
    learn.fit(1, 0.1, wd=1.0)
    moved = {name for name, p in learn.model.named_parameters() if p.mean() < 0.9}
    assert moved == {
        "embeds.0.weight",
        "embeds.1.weight",
        "layers.0.weight",
        "layers.3.weight",
    }


class SquareRoot(DotProductBias):
    """Its predictions become NaN once one falls below 2."""

    def forward(self, x):
        return 2 + torch.sqrt(super().forward(x) - 2)


@pytest.mark.parametrize("native", [True, False])
def test_nan_loss_ends_the_fit(tiny, native):
    learn = Learner(tiny, DotProductBias(*tiny.sizes, 2), progress=False, native=native)
    with torch.no_grad():
        learn.model.movie_bias[1:] = torch.nan
    with pytest.raises(
        palate.SettingError, match=r"nan at step 1 of 8, in epoch 0; use a learning rate"
    ):
        learn.fit_one_cycle(2, 1e-2)


def test_module_is_restored_to_the_start_of_the_epoch(dls):
    torch.manual_seed(0)
    learn = Learner(dls, SquareRoot(*dls.sizes, 10), progress=False)
    with pytest.raises(palate.SettingError, match=r"nan at step [\d,]+ of 3,750, in epoch 0"):
        learn.fit_one_cycle(3, 2.0, wd=0)
    assert learn.step > 1
    torch.manual_seed(0)
    assert max(max_differences(learn.model, SquareRoot(*dls.sizes, 10))) == 0


class CtrlC(Callback):
    """Sends the signal of Ctrl-C shortly after the start of the second epoch."""

    def before_epoch(self, learn):
        if learn.epoch == 1:
            threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT)).start()


@pytest.mark.parametrize("native", [True, False])
def test_ctrl_c_keeps_the_module_of_the_last_step(large_batches, native):
    dls = large_batches
    learn = Learner(dls, DotProductBias(*dls.sizes, 50), progress=False, native=native)
    start = learn.validate()[0]
    with pytest.raises(KeyboardInterrupt, match=r"after step [\d,]+ of 156,000; the module is in"):
        learn.fit(500, 5e-3, wd=0.1, cbs=CtrlC())
    assert 0 < learn.step < learn.steps
    assert all(torch.isfinite(p).all() for p in learn.model.parameters())
    assert learn.validate()[0] < start - 0.3
    learn.fit_one_cycle(1, 5e-3, wd=0.1)


@pytest.mark.parametrize("shape", [(-1,), (-1, 1)])
def test_ratings_take_the_shape_of_predictions(tiny, shape):
    """A PyTorch loss would broadcast (n, 1) and (n,) to (n, n)."""

    class Shaped(DotProductBias):
        def forward(self, x):
            return super().forward(x).reshape(shape)

    torch.manual_seed(0)
    learn = Learner(tiny, Shaped(*tiny.sizes, 2), nn.MSELoss(), progress=False)
    flat = Learner(tiny, learn.model, MSELossFlat())
    assert learn.validate() == pytest.approx(flat.validate())


def test_loss_over_classes(dls):
    """One number for each of five ratings: the ratings keep their shape."""

    class Classes(Module):
        def __init__(self, n_users, n_movies):
            self.users, self.movies = Embedding(n_users, 5), Embedding(n_movies, 5)

        def forward(self, x):
            return self.users(x[:, 0]) + self.movies(x[:, 1])

    def loss(predictions, ratings):
        return nn.functional.cross_entropy(predictions, ratings.squeeze(1).long() - 1)

    learn = Learner(dls, Classes(*dls.sizes), loss, progress=False)
    learn.fit_one_cycle(2, 1e-2)
    assert learn.history[-1]["valid_loss"] < 1.4 < np.log(5)
    with pytest.raises(palate.SettingError, match="one number for each"):
        learn.predict([196], ["Fargo (1996)"])


def test_metrics_are_columns(dls, capsys):
    def rmse(predictions, ratings):
        return torch.sqrt(nn.functional.mse_loss(predictions, ratings))

    learn = collab_learner(dls, y_range=(0, 5.5), metrics=rmse)
    learn.fit_one_cycle(1, 5e-3)
    assert learn.history[0]["rmse"] == pytest.approx(learn.history[0]["valid_loss"] ** 0.5)
    header = capsys.readouterr().out.splitlines()[0]
    assert header.split() == ["epoch", "train_loss", "valid_loss", "rmse", "time"]


def test_metrics_with_equal_names_have_separate_columns(tiny):
    half = functools.partial(nn.functional.smooth_l1_loss, beta=0.5)
    metrics = [nn.L1Loss(), half, nn.functional.smooth_l1_loss]
    learn = Learner(tiny, DotProductBias(*tiny.sizes, 2), metrics=metrics, progress=False)
    learn.fit_one_cycle(1)
    assert list(learn.history[0])[3:-1] == ["L1Loss", "smooth_l1_loss", "smooth_l1_loss 2"]
    assert list(learn.history[0].values())[3:-1] == learn.validate()[1:]


class Constant(Module):
    def __init__(self):
        self.weight = nn.Parameter(torch.ones(1))

    def forward(self, x):
        return torch.ones(len(x)) if len(x) > 1 else 1.0


class Sparse(nn.Embedding):
    def forward(self, x):
        return super().forward(x[:, 0]).sum(dim=1)


def _zero(predictions, ratings):
    return 0.0


def _all_frozen(dls):
    return DotProductBias(*dls.sizes, 2).requires_grad_(False)


MISTAKES = {
    "must be a module": lambda dls: Learner(dls, DotProductBias),
    r"nn\.L1Loss\(\)": lambda dls: Learner(dls, DotProductBias(*dls.sizes, 2), nn.MSELoss),
    "is a str": lambda dls: Learner("ratings", DotProductBias(*dls.sizes, 2)),
    "with these sizes": lambda dls: Learner(dls, DotProductBias(3, 3, 2)).fit(1),
    "no parameters to train": lambda dls: Learner(dls, _all_frozen(dls)).fit(1, native=False),
    "does not depend": lambda dls: Learner(dls, Constant()).fit(1),
    "without sparse": lambda dls: Learner(dls, Sparse(5, 2, sparse=True)).fit(1),
    "one row for each": lambda dls: Learner(dls, Constant(), _zero).predict(["ann"], ["tea"]),
    "returned a float": lambda dls: Learner(dls, DotProductBias(*dls.sizes, 2), _zero).fit(1),
    "not a function": lambda dls: Learner(dls, DotProductBias(*dls.sizes, 2), metrics=nn.L1Loss),
    "not an instance of Callback": lambda dls: Learner(
        dls, DotProductBias(*dls.sizes, 2), cbs=Counter
    ),
    "add use_nn": lambda dls: collab_learner(dls, layers=[100]),
    "a tensor with one element": lambda dls: Learner(
        dls, DotProductBias(*dls.sizes, 2), nn.MSELoss(reduction="none")
    ).fit(1),
    "one number for each row": lambda dls: Learner(dls, Embedding(9, 3)).fit(1),
    "lists of the same length": lambda dls: collab_learner(dls).predict(5, 6),
    "lr_max is 1e": lambda dls: collab_learner(dls).fit_one_cycle(1, 1e6),
}


@pytest.mark.parametrize(("reason", "make"), MISTAKES.items(), ids=MISTAKES)
def test_invalid_use_raises(tiny, reason, make):
    with pytest.raises(palate.SettingError, match=reason):
        make(tiny)


def test_mixed_precision(large_batches):
    torch.manual_seed(0)
    learn = collab_learner(large_batches, y_range=(0, 5.5), mixed_precision=True, progress=False)
    learn.fit_one_cycle(2, 5e-3, wd=0.1)
    assert learn.history[-1]["valid_loss"] < 0.92
    assert learn.model.u_weight.weight.dtype == torch.float32


def test_validate_and_predict(dls, small):
    learn = collab_learner(dls, y_range=(0, 5.5), progress=False)
    learn.fit_one_cycle(1, 5e-3)
    valid = dls.valid.ratings
    users = valid.users["id"][valid.user[:50]].to_list()
    items = valid.items["id"][valid.item[:50]].to_list()
    expected = learn.outputs(dls.valid.x[:50]).reshape(-1).numpy()
    np.testing.assert_allclose(learn.predict(users, items), expected, rtol=1e-6)
    errors = learn.outputs(dls.valid.x).reshape(-1) - dls.valid.y.reshape(-1)
    assert learn.validate() == [pytest.approx(float((errors**2).mean()), rel=1e-5)]
    with pytest.raises(palate.UnknownIdError, match="no user 5000"):
        learn.predict([5000], ["Fargo (1996)"])
    with pytest.raises(palate.UnknownIdError, match="Fargo"):
        learn.predict([196], ["Fargo"])
    with pytest.raises(palate.SettingError, match="same length"):
        learn.predict([196], [])
    without_valid = CollabDataLoaders.from_ratings(small, valid_pct=0)
    learn = collab_learner(without_valid, progress=False)
    learn.fit_one_cycle(1)
    assert learn.history[0]["valid_loss"] is None
    with pytest.raises(palate.DataError, match="held out"):
        learn.validate()


@pytest.mark.parametrize(
    ("invalid", "name"),
    [({"n_epoch": 0}, "epochs"), ({"lr_max": -1}, "lr_max"), ({"wd": -1}, "wd")],
)
def test_settings_out_of_range(tiny, invalid, name):
    learn = collab_learner(tiny)
    with pytest.raises(palate.SettingError, match=name):
        learn.fit_one_cycle(**{"n_epoch": 1, "lr_max": 1e-3} | invalid)


@pytest.mark.parametrize("kind", ["dot", "network"])
def test_lr_find_suggests_a_good_rate_without_side_effects(large_batches, kind):
    """The book's rate is 5e-3; a thousandth of the suggestion learns too little."""
    torch.manual_seed(0)
    network = {"use_nn": True, "layers": [50]} if kind == "network" else {}
    learn = collab_learner(large_batches, progress=False, **network)
    before = {name: value.clone() for name, value in learn.model.state_dict().items()}
    found = learn.lr_find()
    assert all(torch.equal(before[name], now) for name, now in learn.model.state_dict().items())
    assert learn.history == []
    assert all(p.grad is None for p in learn.model.parameters())
    state = torch.get_rng_state()
    learn.lr_find()
    assert torch.equal(state, torch.get_rng_state())
    assert 5e-4 < found.suggestion < 5e-2
    assert found.frame.columns == ["lr", "loss", "gain"]
    learn.fit_one_cycle(1, found.suggestion / 1000)
    learn.model.load_state_dict(before)
    learn.fit_one_cycle(1, found.suggestion)
    low, good = (row["valid_loss"] for row in learn.history)
    assert good < low - 0.3


def test_lr_find_raises_if_no_rate_lowers_the_loss(tiny):
    learn = Learner(tiny, DotProductBias(*tiny.sizes, 2))
    with torch.no_grad():
        learn.model.movie_bias.fill_(torch.nan)
    with pytest.raises(palate.SettingError, match="initial loss was nan"):
        learn.lr_find()
