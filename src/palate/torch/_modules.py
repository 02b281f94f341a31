"""The modules of the book's chapter, and their parts."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from palate import _arguments
from palate.errors import SettingError
from palate.torch._refusals import refuses_others

Range = tuple[float, float] | None
_INITIAL_SD = 0.01


class Names(Protocol):
    """The users or the items by position; see `CollabDataLoaders`."""

    @property
    def o2i(self) -> Any: ...

    def __len__(self) -> int: ...


class Module(nn.Module):
    """A `torch.nn.Module` whose subclasses need not call ``super().__init__()``."""

    def __new__(cls, *args: Any, **kwargs: Any) -> "Module":
        """Initialise `torch.nn.Module`, so that parameters can be assigned."""
        module = super().__new__(cls)
        nn.Module.__init__(module)
        return module

    def __init__(self) -> None:
        """Do nothing: `__new__` has initialised the module."""


class Ranged(Module):
    """A module of `palate.torch`, with a `y_range`."""

    y_range: Range


class Embedding(nn.Embedding):
    """A table of `ni` rows of `nf` numbers, with initial standard deviation `std`."""

    def __init__(self, ni: int, nf: int, std: float = _INITIAL_SD) -> None:
        super().__init__(ni, nf)
        nn.init.normal_(self.weight, 0, std)


class MSELossFlat(nn.MSELoss):
    """The mean squared error of predictions and ratings, both flattened.

    Parameters
    ----------
    reduction
        As of `torch.nn.MSELoss`.
    """

    @refuses_others
    def __init__(self, *, reduction: str = "mean") -> None:
        super().__init__(reduction=reduction)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:  # noqa: A002  (torch's name)
        """Return the mean squared error.

        Raises
        ------
        SettingError
            If the two differ in their number of elements.
        """
        if input.numel() != target.numel():
            raise SettingError(
                f"the predictions have the shape {tuple(input.shape)}, but there are "
                f"{target.numel()} ratings; the module must return one number for each row"
            )
        return super().forward(input.reshape(-1), target.reshape(-1))


def is_default_loss(loss: Any) -> bool:
    """Return whether a loss is `MSELossFlat()`, not a subclass or with another reduction."""
    return type(loss) is MSELossFlat and loss.reduction == "mean"


def sigmoid_range(x: Tensor, low: float, high: float) -> Tensor:
    """Return the sigmoid of `x`, scaled to the range from `low` to `high`."""
    return torch.sigmoid(x) * (high - low) + low


def one_hot(x: Any, c: int) -> Tensor:
    """Return a vector with a one at `x` and zeros elsewhere; shape (c,)."""
    return torch.nn.functional.one_hot(torch.tensor(int(x)), c)


class DotProduct(Ranged):
    """The dot product of user and movie factors, within `y_range` if given."""

    def __init__(self, n_users: int, n_movies: int, n_factors: int, y_range: Range = None) -> None:
        self.user_factors = Embedding(n_users, n_factors)
        self.movie_factors = Embedding(n_movies, n_factors)
        self.y_range = check_range(y_range)

    def forward(self, x: Tensor) -> Tensor:
        """Return the prediction for each row (user, movie) of `x`; shape (n,)."""
        users, movies = self.user_factors(x[:, 0]), self.movie_factors(x[:, 1])
        return apply_range((users * movies).sum(dim=1), self.y_range)

    def arguments(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return _arguments_of(self.user_factors.weight, self.movie_factors.weight, self.y_range)


class DotProductBias(Ranged):
    """The dot product of user and movie factors, plus their biases, within `y_range`.

    Its tables are plain parameters: `user_factors` and `movie_factors` of the shapes
    (n_users, n_factors) and (n_movies, n_factors), `user_bias` and `movie_bias` of (n_users,) and
    (n_movies,). With ``y_range=None`` the sum is the prediction.
    """

    def __init__(
        self, n_users: int, n_movies: int, n_factors: int, y_range: Range = (0, 5.5)
    ) -> None:
        self.user_factors = _initial_parameter(n_users, n_factors)
        self.user_bias = _initial_parameter(n_users)
        self.movie_factors = _initial_parameter(n_movies, n_factors)
        self.movie_bias = _initial_parameter(n_movies)
        self.y_range = check_range(y_range)

    def forward(self, x: Tensor) -> Tensor:
        """Return the prediction for each row (user, movie) of `x`; shape (n,)."""
        user, movie = x[:, 0], x[:, 1]
        score = (self.user_factors[user] * self.movie_factors[movie]).sum(dim=1)
        return apply_range(score + self.user_bias[user] + self.movie_bias[movie], self.y_range)

    def arguments(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return _arguments_of(self.user_factors, self.movie_factors, self.y_range)


class EmbeddingDotBias(Ranged):
    """As `DotProductBias`, with embeddings: `u_weight`, `i_weight`, `u_bias` and `i_bias`.

    The arguments are in fastai's order, and by default the predictions are unbounded.
    """

    def __init__(self, n_factors: int, n_users: int, n_items: int, y_range: Range = None) -> None:
        self.u_weight, self.i_weight = Embedding(n_users, n_factors), Embedding(n_items, n_factors)
        self.u_bias, self.i_bias = Embedding(n_users, 1), Embedding(n_items, 1)
        self.y_range = check_range(y_range)
        self.names: tuple[Names, Names] | None = None

    @classmethod
    def from_classes(
        cls,
        n_factors: int,
        classes: Mapping[str, Names],
        user: str | None = None,
        item: str | None = None,
        y_range: Range = None,
    ) -> "EmbeddingDotBias":
        """Return a module for these users and items, which `bias` and `weight` take by name.

        Parameters
        ----------
        n_factors
            The number of factors of a user or an item.
        classes
            The vocabularies, as of `CollabDataLoaders`.
        user, item
            The keys of the users and of the items; by default the first and the second.
        y_range
            The range of the predictions; None if unbounded.

        Raises
        ------
        SettingError
            If `classes` has no such key.
        """
        first, second = [*classes, None, None][:2]
        keys = first if user is None else user, second if item is None else item
        for key in keys:
            if key not in classes:
                raise SettingError(f"classes has no {key!r}; it has {', '.join(classes)}")
        users, items = (classes[key] for key in keys if key is not None)
        module = cls(n_factors, len(users), len(items), y_range)
        module.names = users, items
        return module

    def bias(self, arr: Iterable[Any], is_item: bool = True) -> Tensor:
        """Return the biases of the items, or the users, in `arr`; shape (n,), on the CPU.

        Parameters
        ----------
        arr
            Titles or ids.
        is_item
            Whether they are items; False for users.

        Raises
        ------
        UnknownIdError
            If one is not in the vocabulary.
        SettingError
            If `arr` is a single name, or the module was not created by `from_classes`.
        """
        return self._rows(self.i_bias if is_item else self.u_bias, arr, is_item).squeeze(1)

    def weight(self, arr: Iterable[Any], is_item: bool = True) -> Tensor:
        """Return the factors of the items, or the users, in `arr`; shape (n, n_factors).

        The arguments and errors are those of `bias`.
        """
        return self._rows(self.i_weight if is_item else self.u_weight, arr, is_item)

    def _rows(self, table: Embedding, arr: Iterable[Any], is_item: bool) -> Tensor:
        if self.names is None:
            raise SettingError(
                "the module does not know the names of its rows; create it with "
                "EmbeddingDotBias.from_classes(n_factors, dls.classes)"
            )
        if isinstance(arr, str):
            raise SettingError(f"{arr!r} is a single name; pass a list of names")
        positions = self.names[is_item].o2i
        at = torch.tensor([positions[name] for name in arr], dtype=torch.int64)
        return table.weight.detach().cpu()[at]

    def forward(self, x: Tensor) -> Tensor:
        """Return the prediction for each row (user, item) of `x`; shape (n,)."""
        user, item = x[:, 0], x[:, 1]
        score = (self.u_weight(user) * self.i_weight(item)).sum(dim=1)
        biases = self.u_bias(user) + self.i_bias(item)
        return apply_range(score + biases.squeeze(1), self.y_range)

    def arguments(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        n_users, n_factors = self.u_weight.weight.shape
        sizes = {"n_factors": n_factors, "n_users": n_users, "n_items": len(self.i_weight.weight)}
        return sizes | {"y_range": self.y_range}


class CollabNN(Ranged):
    """A network with one hidden layer on the concatenated embeddings of user and item.

    Parameters
    ----------
    user_sz, item_sz
        The number of users or items and the width of their embeddings, from `get_emb_sz`.
    y_range
        The range of the predictions; None if unbounded.
    n_act
        The width of the hidden layer.
    """

    def __init__(
        self,
        user_sz: tuple[int, int],
        item_sz: tuple[int, int],
        y_range: Range = (0, 5.5),
        n_act: int = 100,
    ) -> None:
        self.user_factors, self.item_factors = Embedding(*user_sz), Embedding(*item_sz)
        self.layers = nn.Sequential(
            nn.Linear(user_sz[1] + item_sz[1], n_act), nn.ReLU(), nn.Linear(n_act, 1)
        )
        self.y_range = check_range(y_range)

    def forward(self, x: Tensor) -> Tensor:
        """Return the prediction for each row (user, item) of `x`; shape (n, 1)."""
        both = torch.cat([self.user_factors(x[:, 0]), self.item_factors(x[:, 1])], dim=1)
        return apply_range(self.layers(both), self.y_range)

    def arguments(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {
            "user_sz": tuple(self.user_factors.weight.shape),
            "item_sz": tuple(self.item_factors.weight.shape),
            "y_range": self.y_range,
            "n_act": self.layers[0].out_features,
        }


class EmbeddingNN(Ranged):
    """A network on embeddings whose hidden layers have a ReLU and batch normalisation.

    Parameters
    ----------
    emb_szs
        As `get_emb_sz` returns.
    layers
        The widths of the hidden layers.
    y_range
        The range of the predictions; None if unbounded.
    """

    @refuses_others
    def __init__(
        self,
        emb_szs: Sequence[tuple[int, int]],
        layers: Sequence[int],
        y_range: Range = None,
    ) -> None:
        self.embeds = nn.ModuleList([Embedding(*size) for size in emb_szs])
        widths = [sum(width for _, width in emb_szs), *layers]
        hidden: list[nn.Module] = []
        for width, n_act in zip(widths, layers, strict=False):
            hidden += [nn.Linear(width, n_act), nn.ReLU(), nn.BatchNorm1d(n_act)]
        self.layers = nn.Sequential(*hidden, nn.Linear(widths[-1], 1))
        self.y_range = check_range(y_range)

    def forward(self, x: Tensor) -> Tensor:
        """Return the prediction for each row (user, item) of `x`; shape (n, 1)."""
        both = [embed(x[:, column]) for column, embed in enumerate(self.embeds)]
        return apply_range(self.layers(torch.cat(both, dim=1)), self.y_range)

    def arguments(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        linear = [layer for layer in self.layers if isinstance(layer, nn.Linear)]
        return {
            "emb_szs": [tuple(table.shape) for table in self.embeds.parameters()],
            "layers": [layer.out_features for layer in linear[:-1]],
            "y_range": self.y_range,
        }


def _initial_parameter(*size: int) -> nn.Parameter:
    return nn.Parameter(torch.empty(*size).normal_(0, _INITIAL_SD))


def _arguments_of(users: Tensor, items: Tensor, y_range: Range) -> dict[str, Any]:
    n_users, n_factors = users.shape
    sizes = {"n_users": n_users, "n_movies": len(items), "n_factors": n_factors}
    return sizes | {"y_range": y_range}


def apply_range(x: Tensor, y_range: Range) -> Tensor:
    """Return the sigmoid of `x` scaled to `y_range`, or `x` if that is None."""
    return x if y_range is None else sigmoid_range(x, *y_range)


def check_range(y_range: Any) -> Range:
    """Return a validated range, or None."""
    return None if y_range is None else _arguments.interval("y_range", y_range)
