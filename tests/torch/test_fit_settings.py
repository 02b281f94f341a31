"""Schedules, optimisers, frozen parameters, and settings that are refused."""

import functools

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="no PyTorch; pip install 'palate[torch]'")

import palate
from palate.torch import SGD, Adam, Callback, DotProductBias, Learner, collab_learner


@pytest.fixture
def make(tiny):
    def make(**settings):
        torch.manual_seed(0)
        return Learner(tiny, DotProductBias(*tiny.sizes, 2), **{"progress": False} | settings)

    return make


def tables(learn):
    return [p.detach().clone() for p in learn.model.parameters()]


def test_one_cycle_has_the_shape_that_is_given(make):
    learn = make()
    learn.fit_one_cycle(5, 1.0, div=10, div_final=100, pct_start=0.5, moms=(0.9, 0.5, 0.8))
    lr, beta = learn.recorder.lrs, learn.recorder.moms
    assert (lr[0], beta[0]) == pytest.approx((0.1, 0.9))
    assert (int(np.argmax(lr)), lr.max(), beta[10]) == (10, pytest.approx(1), pytest.approx(0.5))
    cosine = (1 + np.cos(np.pi * 0.9)) / 2  # the last of ten falling steps
    assert lr[-1] == pytest.approx(0.01 + 0.99 * cosine)
    assert beta[-1] == pytest.approx(0.8 - 0.3 * cosine)


def test_slice_stands_for_its_end(make):
    fits = []
    for lr in (slice(1e-5, 0.1), slice(0.1), 0.1):
        learn = make(lr=lr)
        torch.manual_seed(1)
        learn.fit_one_cycle(1)
        learn.fit(1, lr)
        fits.append(tables(learn))
    assert all(torch.equal(*pair) for pair in zip(fits[0], fits[2], strict=True))
    assert all(torch.equal(*pair) for pair in zip(fits[1], fits[2], strict=True))


OPTIMISERS = {
    "Adam": functools.partial(Adam, eps=1e-5),
    "SGD": SGD,
    "SGD with momentum": functools.partial(SGD, mom=0.9),
    "torch": torch.optim.RMSprop,
}


@pytest.mark.parametrize("opt_func", OPTIMISERS.values(), ids=OPTIMISERS)
def test_optimisers_train(make, opt_func):
    learn = make(opt_func=opt_func)
    before = learn.outputs(learn.dls.train.x)
    y = learn.dls.train.y.reshape(-1)
    learn.fit_one_cycle(10, 0.05)
    after = learn.outputs(learn.dls.train.x)
    assert ((after - y) ** 2).mean() < 0.95 * ((before - y) ** 2).mean()


def test_default_optimiser_is_adam(make):
    fits = []
    for opt_func in (Adam, functools.partial(Adam)):
        learn = make(opt_func=opt_func, native=False)
        torch.manual_seed(1)
        learn.fit_one_cycle(1, 0.1)
        fits.append(tables(learn))
    assert all(map(torch.equal, *fits))


def test_momentum_follows_the_schedule(make):
    seen = []

    def keep(params, lr):
        seen.append(SGD(params, lr, mom=0.9))
        return seen[0]

    class Watch(Callback):
        def after_batch(self, learn):
            group = seen[0].param_groups[0]
            seen.append((group["lr"], group["momentum"]))

    learn = make(opt_func=keep)
    learn.fit_one_cycle(1, 0.1, cbs=Watch())
    assert seen[1:] == list(zip(learn.recorder.lrs, learn.recorder.moms, strict=True))


def test_layer_biases_decay_with_wd_bn_bias(tiny):
    learn = collab_learner(tiny, use_nn=True, layers=[3], wd_bn_bias=True, progress=False)
    with torch.no_grad():
        for parameter in learn.model.parameters():
            parameter.fill_(1.0)
    start = torch.zeros((2, 1), requires_grad=True)
    learn.loss_func = lambda predictions, ratings: (start + 0 * predictions).mean()
    learn.fit(1, 0.1, wd=1.0)
    assert all(p.mean() < 0.9 for p in learn.model.parameters())


def test_frozen_parameters(make):
    learn = make()
    learn.model.user_factors.requires_grad_(False)
    before = learn.model.user_factors.clone()
    learn.fit(1, 0.1)
    assert torch.equal(before, learn.model.user_factors)
    learn.unfreeze()
    learn.fit(1, 0.1, native=True)
    assert not torch.equal(before, learn.model.user_factors)


def test_summary(make, capsys):
    learn = make(cbs=Callback())
    learn.model.user_bias.requires_grad_(False)
    learn.summary()
    users, items = learn.dls.sizes
    printed = capsys.readouterr().out
    rows = {line.split()[0]: line.split()[1:] for line in printed.splitlines()}
    assert rows["user_factors"] == [str(users), "x", "2", str(2 * users), "True"]
    assert rows["user_bias"] == [str(users), str(users), "False"]
    assert f"parameters: {3 * (users + items)}, of which {2 * users + 3 * items} are" in printed
    assert "optimiser: Adam; loss: MSELossFlat\ncallbacks: Callback" in printed


REFUSED = {
    "Learner has no argument lrr: see its documentation": lambda make: make(lrr=1),
    "nothing to freeze": lambda make: make().freeze(),
    "it must have an end": lambda make: make().fit(1, slice(1e-3, None)),
    "pct_start is 1; it must be above 0 and below 1": (
        lambda make: make().fit_one_cycle(1, pct_start=1)
    ),
    "div is 0; it must be above 0$": lambda make: make().fit_one_cycle(1, div=0),
    r"moms is \(0.9, 0.8\)": lambda make: make().fit_one_cycle(1, moms=(0.9, 0.8)),
    "moms is 0.9": lambda make: make().fit_one_cycle(1, moms=0.9),
    "opt_func is 'Adam'": lambda make: make(opt_func="Adam"),
    "opt_func returned a float": lambda make: make(opt_func=lambda params, lr: lr).fit(1),
    "the optimiser must be Adam; use native=False": (
        lambda make: make(opt_func=SGD).fit(1, native=True)
    ),
}


@pytest.mark.parametrize(("reason", "use"), REFUSED.items(), ids=REFUSED)
def test_refused_before_training(make, reason, use):
    with pytest.raises(palate.SettingError, match=reason):
        use(make)


def test_without_momentum_sgd_stays_so(make):
    """As in fastai, where it is the default."""
    seen = []
    learn = make(opt_func=lambda params, lr: seen.append(SGD(params, lr)) or seen[0])
    learn.fit_one_cycle(1, 0.1)
    assert seen[0].param_groups[0]["momentum"] == 0


def test_settings_of_adam(make):
    """Parameters move by the rate times mean / (root of the mean square + eps)."""
    learn = make(opt_func=functools.partial(Adam, eps=1e3), native=False)
    before = tables(learn)
    learn.fit(1, 0.1, 0.0)
    assert all((a - b).abs().max() < 1e-2 for a, b in zip(before, tables(learn), strict=True))
    groups = Adam([torch.zeros(1, requires_grad=True)], 0.1, 0.5, 0.75, 0.25).param_groups
    assert (groups[0]["betas"], groups[0]["eps"]) == ((0.5, 0.75), 0.25)


def test_settings_in_the_order_of_fastai(make):
    fits = []
    for fit in (
        lambda learn: learn.fit_one_cycle(2, 0.1, 10, 100, 0.5, 0.3, (0.9, 0.5, 0.8)),
        lambda learn: learn.fit_one_cycle(
            2, lr_max=0.1, div=10, div_final=100, pct_start=0.5, wd=0.3, moms=(0.9, 0.5, 0.8)
        ),
    ):
        learn = make()
        torch.manual_seed(1)
        fit(learn)
        learn.fit(1, 0.1, 0.3)
        fits.append(tables(learn))
    assert all(map(torch.equal, *fits))


def test_without_a_decay_it_is_one_hundredth(make):
    assert make(wd=None).wd == make().wd == 0.01
