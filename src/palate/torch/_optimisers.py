"""Optimisers with fastai's names, and the groups of parameters that they take."""

from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

from palate.errors import SettingError

# Takes groups of parameters, each with its weight decay, and lr.
OptFunc = Callable[..., Optimizer]
_BETA2, _EPSILON = 0.99, 1e-5
# Layers that subtract a mean: their scale and shift do not decay.
_NORMALISATIONS = (nn.modules.batchnorm._NormBase, nn.LayerNorm, nn.GroupNorm)


def Adam(params: Any, lr: float, **settings: Any) -> Optimizer:  # noqa: N802  (fastai's name)
    """Return Adam with decoupled weight decay, as `palate.OneCycle` has it.

    Parameters
    ----------
    params
        Parameters or groups of them.
    lr
        The learning rate.
    settings
        As of `torch.optim.AdamW`.
    """
    defaults: dict[str, Any] = {"betas": (0.9, _BETA2), "eps": _EPSILON, "fused": True}
    return torch.optim.AdamW(params, lr=lr, **defaults | settings)


def SGD(  # noqa: N802  (fastai's name)
    params: Any, lr: float, mom: float = 0.9, **settings: Any
) -> Optimizer:
    """Return stochastic gradient descent with momentum.

    Parameters
    ----------
    params
        Parameters or groups of them.
    lr
        The learning rate.
    mom
        The momentum; `Learner.fit_one_cycle` changes it at every step. 0 to have none.
    settings
        As of `torch.optim.SGD`.
    """
    return torch.optim.SGD(params, lr=lr, momentum=mom, **settings)


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
