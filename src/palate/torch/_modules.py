"""The chapter's modules, and what it builds them from."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from palate import _arguments
from palate.errors import SettingError

Range = tuple[float, float] | None
_SD_AT_START = 0.01


class Module(nn.Module):
    """A `torch.nn.Module` whose subclasses need not call ``super().__init__()``."""

    def __new__(cls, *args: Any, **kwargs: Any) -> "Module":
        """Make the module ready to take parameters."""
        module = super().__new__(cls)
        nn.Module.__init__(module)
        return module

    def __init__(self) -> None:
        """Leave what `__new__` has made ready, and what a subclass has set, as it is."""


class Ranged(Module):
    """A module of ours, which has a `y_range`."""

    y_range: Range


class Embedding(nn.Embedding):
    """A table of `n` rows of `width` numbers, at N(0, 0.01) to begin with."""

    def __init__(self, n: int, width: int) -> None:
        super().__init__(n, width)
        nn.init.normal_(self.weight, 0, _SD_AT_START)


class MSELossFlat(nn.MSELoss):
    """The mean squared error, whatever the shapes of the two."""

    def forward(self, input: Tensor, target: Tensor) -> Tensor:  # noqa: A002  (torch's name)
        """Return the error of predictions against ratings, as many of one as of the other.

        Raises
        ------
        SettingError
            If there are not as many.
        """
        if input.numel() != target.numel():
            raise SettingError(
                f"there are predictions of the shape {tuple(input.shape)} for {target.numel()} "
                "ratings; a module must make one number of each row"
            )
        return super().forward(input.reshape(-1), target.reshape(-1))


def is_usual(loss: Any) -> bool:
    """Return whether a loss is `MSELossFlat()` as it comes, and none of another make."""
    return type(loss) is MSELossFlat and loss.reduction == "mean"


def sigmoid_range(x: Tensor, low: float, high: float) -> Tensor:
    """Return the sigmoid of `x`, stretched to go from `low` to `high`."""
    return torch.sigmoid(x) * (high - low) + low


def one_hot(x: Any, n: int) -> Tensor:
    """Return `n` zeros but for a one at `x`; shape (n,)."""
    return torch.nn.functional.one_hot(torch.tensor(int(x)), n)


class DotProduct(Ranged):
    """The product of user and movie factors, within `y_range` if there is one."""

    def __init__(self, n_users: int, n_movies: int, n_factors: int, y_range: Range = None) -> None:
        self.user_factors = Embedding(n_users, n_factors)
        self.movie_factors = Embedding(n_movies, n_factors)
        self.y_range = checked(y_range)

    def forward(self, x: Tensor) -> Tensor:
        """Return the prediction for each row (user, movie) of `x`; shape (n,)."""
        users, movies = self.user_factors(x[:, 0]), self.movie_factors(x[:, 1])
        return within((users * movies).sum(dim=1), self.y_range)

    def arguments(self) -> dict[str, Any]:
        """Return what it was made with."""
        return _sizes(self.user_factors.weight, self.movie_factors.weight, self.y_range)


class DotProductBias(Ranged):
    """The product of user and movie factors, plus a bias of each, within `y_range`.

    Its tables are plain parameters: `user_factors` and `movie_factors` of the shapes
    (n_users, n_factors) and (n_movies, n_factors), `user_bias` and `movie_bias` of (n_users,) and
    (n_movies,). With ``y_range=None`` the sum is the prediction.
    """

    def __init__(
        self, n_users: int, n_movies: int, n_factors: int, y_range: Range = (0, 5.5)
    ) -> None:
        self.user_factors = _table(n_users, n_factors)
        self.user_bias = _table(n_users)
        self.movie_factors = _table(n_movies, n_factors)
        self.movie_bias = _table(n_movies)
        self.y_range = checked(y_range)

    def forward(self, x: Tensor) -> Tensor:
        """Return the prediction for each row (user, movie) of `x`; shape (n,)."""
        user, movie = x[:, 0], x[:, 1]
        score = (self.user_factors[user] * self.movie_factors[movie]).sum(dim=1)
        return within(score + self.user_bias[user] + self.movie_bias[movie], self.y_range)

    def arguments(self) -> dict[str, Any]:
        """Return what it was made with."""
        return _sizes(self.user_factors, self.movie_factors, self.y_range)


class EmbeddingDotBias(Ranged):
    """As `DotProductBias`, of embeddings: `u_weight`, `i_weight`, `u_bias` and `i_bias`."""

    def __init__(
        self, n_users: int, n_movies: int, n_factors: int, y_range: Range = (0, 5.5)
    ) -> None:
        self.u_weight, self.i_weight = Embedding(n_users, n_factors), Embedding(n_movies, n_factors)
        self.u_bias, self.i_bias = Embedding(n_users, 1), Embedding(n_movies, 1)
        self.y_range = checked(y_range)

    def forward(self, x: Tensor) -> Tensor:
        """Return the prediction for each row (user, item) of `x`; shape (n,)."""
        user, item = x[:, 0], x[:, 1]
        score = (self.u_weight(user) * self.i_weight(item)).sum(dim=1)
        biases = self.u_bias(user) + self.i_bias(item)
        return within(score + biases.squeeze(1), self.y_range)

    def arguments(self) -> dict[str, Any]:
        """Return what it was made with."""
        return _sizes(self.u_weight.weight, self.i_weight.weight, self.y_range)


class CollabNN(Ranged):
    """A network of one hidden layer on the embeddings of user and item, side by side.

    Parameters
    ----------
    user_sz, item_sz
        How many there are, and how wide their embeddings: what `get_emb_sz` returns.
    y_range
        The range of the predictions; None for any.
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
        self.y_range = checked(y_range)

    def forward(self, x: Tensor) -> Tensor:
        """Return the prediction for each row (user, item) of `x`; shape (n, 1)."""
        both = torch.cat([self.user_factors(x[:, 0]), self.item_factors(x[:, 1])], dim=1)
        return within(self.layers(both), self.y_range)

    def arguments(self) -> dict[str, Any]:
        """Return what it was made with."""
        return {
            "user_sz": tuple(self.user_factors.weight.shape),
            "item_sz": tuple(self.item_factors.weight.shape),
            "y_range": self.y_range,
            "n_act": self.layers[0].out_features,
        }


class EmbeddingNN(Ranged):
    """A deeper one: to each hidden layer belong a ReLU and a batch normalisation.

    Parameters
    ----------
    emb_szs
        What `get_emb_sz` returns.
    layers
        The widths of the hidden layers.
    y_range
        The range of the predictions; None for any.
    """

    def __init__(
        self,
        emb_szs: Sequence[tuple[int, int]],
        layers: Sequence[int],
        y_range: Range = (0, 5.5),
    ) -> None:
        self.embeds = nn.ModuleList([Embedding(*size) for size in emb_szs])
        widths = [sum(width for _, width in emb_szs), *layers]
        hidden: list[nn.Module] = []
        for width, n_act in zip(widths, layers, strict=False):
            hidden += [nn.Linear(width, n_act), nn.ReLU(), nn.BatchNorm1d(n_act)]
        self.layers = nn.Sequential(*hidden, nn.Linear(widths[-1], 1))
        self.y_range = checked(y_range)

    def forward(self, x: Tensor) -> Tensor:
        """Return the prediction for each row (user, item) of `x`; shape (n, 1)."""
        both = [embed(x[:, column]) for column, embed in enumerate(self.embeds)]
        return within(self.layers(torch.cat(both, dim=1)), self.y_range)

    def arguments(self) -> dict[str, Any]:
        """Return what it was made with."""
        linear = [layer for layer in self.layers if isinstance(layer, nn.Linear)]
        return {
            "emb_szs": [tuple(table.shape) for table in self.embeds.parameters()],
            "layers": [layer.out_features for layer in linear[:-1]],
            "y_range": self.y_range,
        }


def _table(*size: int) -> nn.Parameter:
    return nn.Parameter(torch.empty(*size).normal_(0, _SD_AT_START))


def _sizes(users: Tensor, items: Tensor, y_range: Range) -> dict[str, Any]:
    n_users, n_factors = users.shape
    sizes = {"n_users": n_users, "n_movies": len(items), "n_factors": n_factors}
    return sizes | {"y_range": y_range}


def within(x: Tensor, y_range: Range) -> Tensor:
    """Return `x` brought within `y_range`, or as it is where there is none."""
    return x if y_range is None else sigmoid_range(x, *y_range)


def checked(y_range: Any) -> Range:
    """Return a range that has been checked, or None."""
    return None if y_range is None else _arguments.interval("y_range", y_range)
