"""Optimisers with fastai's names, and the groups of parameters that they take."""

from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

from palate.errors import SettingError
from palate.torch._refusals import refuses_others

# Takes groups of parameters, each with its weight decay, and lr.
OptFunc = Callable[..., Optimizer]
_BETA2, _EPSILON = 0.99, 1e-5
# Layers that subtract a mean: their scale and shift do not decay.
_NORMALISATIONS = (nn.modules.batchnorm._NormBase, nn.LayerNorm, nn.GroupNorm)


@refuses_others
def Adam(  # noqa: N802  (fastai's name)
    params: Any,
    lr: float,
    mom: float = 0.9,
    sqr_mom: float = _BETA2,
    eps: float = _EPSILON,
) -> Optimizer:
    """Return Adam with decoupled weight decay, as `palate.OneCycle` has it.

    Parameters
    ----------
    params
        Parameters or groups of them.
    lr
        The learning rate.
    mom, sqr_mom
        The betas of the gradient and of its square; `Learner.fit_one_cycle` changes the first at
        every step.
    eps
        What is added to the root of the mean square.
    """
    return torch.optim.AdamW(params, lr=lr, betas=(mom, sqr_mom), eps=eps, fused=True)


@refuses_others
def SGD(  # noqa: N802  (fastai's name)
    params: Any, lr: float, mom: float = 0.0
) -> Optimizer:
    """Return stochastic gradient descent, with momentum unless it is 0.

    Parameters
    ----------
    params
        Parameters or groups of them.
    lr
        The learning rate.
    mom
        The momentum; `Learner.fit_one_cycle` changes it at every step, unless it is 0.
    """
    return torch.optim.SGD(params, lr=lr, momentum=mom)


def create_optimiser(
    opt_func: OptFunc, model: nn.Module, *, lr: float, wd: float, wd_bn_bias: bool
) -> Optimizer:
    """Return the optimiser of a module's parameters, with and without weight decay.

    Raises
    ------
    SettingError
        If there is nothing to train, or `opt_func` does not return an optimiser of PyTorch.
    """
    optimiser = opt_func(_parameter_groups(model, wd, wd_bn_bias), lr=lr)
    if not isinstance(optimiser, Optimizer):
        raise SettingError(
            f"opt_func returned a {type(optimiser).__name__}; it must take groups of parameters "
            "and lr and return an optimiser, as palate.torch's Adam or torch.optim.SGD"
        )
    return optimiser


def set_step(optimiser: Optimizer, lr: float, beta: float) -> None:
    """Set the learning rate and the momentum of the next step."""
    for group in optimiser.param_groups:
        group["lr"] = lr
        if "betas" in group:
            group["betas"] = beta, *group["betas"][1:]
        elif group.get("momentum"):  # one without momentum stays so
            group["momentum"] = beta


def _parameter_groups(model: nn.Module, wd: float, wd_bn_bias: bool) -> list[dict[str, Any]]:
    """Return the parameters of `model` with and without weight decay, as the optimiser takes them.

    A parameter that has two names is in one group, once.
    """
    groups: dict[float, dict[nn.Parameter, None]] = {wd: {}, 0.0: {}}
    seen: set[nn.Parameter] = set()
    for module in model.modules():
        for name, parameter in module.named_parameters(recurse=False):
            exempt = not wd_bn_bias and (name == "bias" or isinstance(module, _NORMALISATIONS))
            if parameter.requires_grad and parameter not in seen:
                groups[0.0 if exempt else wd][parameter] = None
                seen.add(parameter)
    if not seen:
        raise SettingError(f"{type(model).__name__} has no parameters to train")
    return [
        {"params": list(parameters), "weight_decay": decay}
        for decay, parameters in groups.items()
        if parameters
    ]
