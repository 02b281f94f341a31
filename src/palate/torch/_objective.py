"""The objective of a fit: the loss of a module's predictions on ratings."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from palate.errors import SettingError, first_line
from palate.torch._data import CollabDataLoaders

Loss = Callable[[Tensor, Tensor], Tensor]
Metric = Callable[[Tensor, Tensor], Tensor | float]
# Maximum number of rows in one forward pass outside of training.
_MAX_ROWS = 1 << 16


@dataclass(frozen=True, eq=False)
class Objective:
    """A module, the ratings that it is fitted to, and the loss to minimise.

    Attributes
    ----------
    model
        Takes rows (user, item) of positions; int64, shape (n, 2).
    dls
        The ratings.
    loss_func
        A function of predictions and ratings.
    mixed_precision
        Whether the forward pass runs under `torch.autocast` in bfloat16.
    """

    model: nn.Module
    dls: CollabDataLoaders
    loss_func: Loss
    mixed_precision: bool

    def predictions(self, x: Tensor) -> Tensor:
        """Return the module's output for rows (user, item); the first axis has length n.

        Raises
        ------
        SettingError
            If the module fails on these positions, or does not return a row for each.
        """
        try:
            if self.mixed_precision:
                with torch.autocast(x.device.type, torch.bfloat16):
                    predictions = self.model(x).float()
            else:
                predictions = self.model(x)
        except IndexError as error:
            n_users, n_items = self.dls.sizes
            raise SettingError(
                f"{type(self.model).__name__} failed on positions of {n_users:,} users and "
                f"{n_items:,} items ({first_line(error)}); create it with these sizes, which "
                "include #na#"
            ) from error
        if not isinstance(predictions, Tensor) or predictions.shape[:1] != x.shape[:1]:
            raise SettingError(
                f"{type(self.model).__name__} returned {_describe(predictions)} for {len(x)} rows; "
                "it must return a tensor with one row for each"
            )
        return predictions

    def loss(self, predictions: Tensor, y: Tensor) -> Tensor:
        """Return the loss of predictions, a tensor with one element.

        Ratings take the shape of the predictions where both have the same number of elements.

        Raises
        ------
        SettingError
            If the loss function returns anything else.
        """
        # The shapes (n, 1) and (n,) would broadcast to (n, n).
        if predictions.numel() == y.numel():
            y = y.reshape(predictions.shape)
        loss = self.loss_func(predictions, y)
        if not isinstance(loss, Tensor) or loss.numel() != 1:
            raise SettingError(
                f"the loss function returned {_describe(loss)} for a batch; it must return a "
                "tensor with one element, such as the mean"
            )
        return loss

    def batch_loss(self, x: Tensor, y: Tensor) -> Tensor:
        """Return the loss on a batch of rows (user, item) and their ratings."""
        return self.loss(self.predictions(x), y)

    def outputs(self, x: Tensor) -> Tensor:
        """Return the module's output for rows (user, item), in evaluation mode."""
        training = self.model.training
        self.model.eval()
        try:
            with torch.no_grad():
                parts = [self.predictions(rows) for rows in torch.split(x, _MAX_ROWS)]
        finally:
            self.model.train(training)
        return torch.cat(parts)


def _describe(value: object) -> str:
    if isinstance(value, Tensor):
        return f"a tensor of shape {tuple(value.shape)}"
    return f"a {type(value).__name__}"
