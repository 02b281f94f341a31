"""The factors and biases of a bilinear module."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from palate.errors import SettingError
from palate.torch._modules import Range, check_range

_NAMES = (
    ("user_factors", "user_bias", "movie_factors", "movie_bias"),
    ("user_factors", "user_bias", "item_factors", "item_bias"),
    ("u_weight", "u_bias", "i_weight", "i_bias"),
)


@dataclass(frozen=True)
class Tables:
    """The terms of the score p_u . q_i + b_u + b_i; the first row of each is that of ``#na#``.

    Attributes
    ----------
    user_factors, item_factors
        Shapes (users + 1, k) and (items + 1, k).
    user_bias, item_bias
        Shapes (users + 1,) and (items + 1,), or with a second axis of length 1.
    y_range
        The range to which the sigmoid of a score is scaled; None if the score is the prediction.
    """

    user_factors: Tensor
    user_bias: Tensor
    item_factors: Tensor
    item_bias: Tensor
    y_range: Range

    def arrays(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return copies of the factors and biases, in one table of users and one of items.

        Shapes (users + 1, k + 1) and (items + 1, k + 1).
        """
        return _concatenate(self.user_factors, self.user_bias), _concatenate(
            self.item_factors, self.item_bias
        )

    def set(self, users: NDArray[np.float32], items: NDArray[np.float32]) -> None:
        """Replace the factors and biases, which are laid out as in `arrays`."""
        sides = (
            (users, self.user_factors, self.user_bias),
            (items, self.item_factors, self.item_bias),
        )
        with torch.no_grad():
            for rows, factors, bias in sides:
                values = torch.from_numpy(rows)
                factors.copy_(values[:, :-1])
                bias.copy_(values[:, -1].reshape(bias.shape))


def tables(model: nn.Module) -> Tables:
    """Return the tables of a module.

    They are what its method ``tables()`` returns: the factors and the biases of users, then those
    of items. Without this method they are found by the names in the chapter's code; the biases
    may then be missing.

    Raises
    ------
    SettingError
        If the module has neither, or the shapes do not match.
    """
    own = getattr(model, "tables", None)
    found = own() if callable(own) else _by_name(model)
    y_range = getattr(model, "y_range", None)
    if y_range is not None:  # a custom module may have a tensor
        y_range = check_range(tuple(float(end) for end in y_range))
    values = [_weight(table) for table in found] if isinstance(found, Iterable) else []
    if len(values) == len(_NAMES[0]) and all(isinstance(value, Tensor) for value in values):
        users, user_bias, items, item_bias = values
        matching = user_bias.numel() == len(users) and item_bias.numel() == len(items)
        if matching and users.ndim == items.ndim == 2 and users.shape[1] == items.shape[1]:
            return Tables(users, user_bias, items, item_bias, y_range)
    raise SettingError(
        f"{type(model).__name__} has no recognised tables of factors and biases; define a method "
        "tables() that returns the factors and the biases of users, then those of items, with one "
        "row for each and the row of #na# first"
    )


def _by_name(model: nn.Module) -> list[Any] | None:
    for names in _NAMES:
        found = [getattr(model, name, None) for name in names]
        users, user_bias, items, item_bias = found
        if not isinstance(_weight(users), Tensor) or not isinstance(_weight(items), Tensor):
            continue
        if user_bias is None and item_bias is None:
            return [users, _no_bias(users), items, _no_bias(items)]
        if user_bias is not None and item_bias is not None:
            return found
    return None


def _weight(table: Any) -> Any:
    return table.weight if isinstance(table, nn.Embedding) else table


def _no_bias(factors: Any) -> Any:
    return _weight(factors).new_zeros(len(_weight(factors)))


def _concatenate(factors: Tensor, bias: Tensor) -> NDArray[np.float32]:
    rows = torch.cat([factors, bias.reshape(-1, 1)], dim=1)
    joined: NDArray[np.float32] = rows.detach().float().cpu().numpy()
    return joined
