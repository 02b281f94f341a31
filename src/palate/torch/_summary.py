"""The parameters of a module in words."""

from collections.abc import Iterable

from torch import nn


def summary(
    model: nn.Module, opt_func: object, loss_func: object, callbacks: Iterable[object]
) -> str:
    """Return a table of the parameters, and the names of what trains them.

    Parameters
    ----------
    model, opt_func, loss_func, callbacks
        As of `Learner`.
    """
    rows = [("parameter", "shape", "number", "trained")]
    rows += [
        (name, " x ".join(map(str, p.shape)), f"{p.numel():,}", str(p.requires_grad))
        for name, p in model.named_parameters()
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    table = [
        f"{name:{widths[0]}}  {shape:>{widths[1]}}  {number:>{widths[2]}}  {trained}"
        for name, shape, number, trained in rows
    ]
    sizes = {p: p.numel() for p in model.parameters()}
    trained = sum(n for p, n in sizes.items() if p.requires_grad)
    names = [_name(callback) for callback in callbacks]
    return "\n".join(
        [
            type(model).__name__,
            *table,
            f"parameters: {sum(sizes.values()):,}, of which {trained:,} are trained",
            f"optimiser: {_name(opt_func)}; loss: {_name(loss_func)}",
            f"callbacks: {', '.join(names) or 'none'}",
        ]
    )


def _name(value: object) -> str:
    function = getattr(value, "func", value)  # of functools.partial
    return getattr(function, "__name__", type(function).__name__)
