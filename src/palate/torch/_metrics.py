"""Metrics and losses with fastai's names: functions of predictions and ratings."""

import torch
from torch import Tensor, nn

from palate.errors import SettingError
from palate.torch._refusals import refuses_others


def mse(inp: Tensor, targ: Tensor) -> Tensor:
    """Return the mean squared error."""
    return nn.functional.mse_loss(*_flat(inp, targ))


def rmse(preds: Tensor, targs: Tensor) -> Tensor:
    """Return the root mean squared error."""
    return torch.sqrt(mse(preds, targs))


def mae(inp: Tensor, targ: Tensor) -> Tensor:
    """Return the mean absolute error."""
    return nn.functional.l1_loss(*_flat(inp, targ))


def accuracy(inp: Tensor, targ: Tensor, axis: int = -1) -> Tensor:
    """Return the fraction of rows whose class is that with the highest prediction.

    Parameters
    ----------
    inp
        A prediction for each class; shape (n, classes).
    targ
        The classes, which are whole numbers; shape (n,) or (n, 1).
    axis
        The axis of the classes.
    """
    classes, expected = _flat(inp.argmax(dim=axis), targ)
    return (classes == expected).float().mean()


def error_rate(inp: Tensor, targ: Tensor, axis: int = -1) -> Tensor:
    """Return 1 - `accuracy`."""
    return 1 - accuracy(inp, targ, axis)


class CrossEntropyLossFlat(nn.CrossEntropyLoss):
    """The cross entropy of classes, both arguments flattened but for the axis of the classes.

    The class of a rating is its value, a whole number from 0.

    Parameters
    ----------
    axis
        The axis of the classes in the predictions.
    weight, ignore_index, reduction, label_smoothing
        As of `torch.nn.CrossEntropyLoss`.
    """

    @refuses_others
    def __init__(
        self,
        axis: int = -1,
        weight: Tensor | None = None,
        ignore_index: int = -100,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__(
            weight,
            ignore_index=ignore_index,
            reduction=reduction,
            label_smoothing=label_smoothing,
        )
        self.axis = axis

    def forward(self, input: Tensor, target: Tensor) -> Tensor:  # noqa: A002  (torch's name)
        """Return the cross entropy.

        Raises
        ------
        SettingError
            If a rating is not the number of a class.
        """
        rows = input.movedim(self.axis, -1)
        rows, classes = rows.reshape(-1, rows.shape[-1]), target.reshape(-1)
        if len(rows) != len(classes):
            raise SettingError(
                f"the predictions have the shape {tuple(input.shape)} for {len(classes)} ratings; "
                "CrossEntropyLossFlat needs one for each class, as in (n, 5), or use MSELossFlat()"
            )
        low, high = float(classes.min()), float(classes.max())
        if low < 0 or high >= rows.shape[1] or bool((classes != classes.round()).any()):
            raise SettingError(
                f"the ratings go from {low:g} to {high:g}, but the class of a rating is a whole "
                f"number from 0 to {rows.shape[1] - 1} for predictions of shape "
                f"{tuple(input.shape)}; subtract the lowest rating, or predict more classes"
            )
        return super().forward(rows, classes.long())

    def activation(self, x: Tensor) -> Tensor:
        """Return probabilities of the classes from a module's output."""
        return torch.softmax(x, dim=self.axis)

    def decodes(self, x: Tensor) -> Tensor:
        """Return the most probable class."""
        return x.argmax(dim=self.axis)


def _flat(inp: Tensor, targ: Tensor) -> tuple[Tensor, Tensor]:
    if inp.numel() != targ.numel():
        raise SettingError(
            f"the predictions have the shape {tuple(inp.shape)}, but there are {targ.numel()} "
            "ratings; this metric needs one number for each"
        )
    return inp.reshape(-1), targ.reshape(-1)
