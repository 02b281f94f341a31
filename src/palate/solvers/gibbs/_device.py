"""Rows drawn by PyTorch on a device such as a GPU, instead of by the native kernel."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from palate._native import Cancelled, CancelToken, normals
from palate._words import counted
from palate.errors import MissingExtraError, SettingError

try:
    import torch
except ModuleNotFoundError as error:
    if (error.name or "").split(".")[0] != "torch":
        raise
    message = "Gibbs(device=...) needs an extra: pip install 'palate[torch]'"
    raise MissingExtraError(message) from error
from torch import Tensor

# The most numbers in a tensor of a batch: 128 MiB in single precision.
_BATCH = 1 << 25
# In a batch the longest row has at most so many times the ratings of the shortest, since shorter
# ones are padded. Rows with few ratings may be together in any case.
_RATIO, _FEW = 2, 32
# The kernel's rows have places in the stream of random numbers at multiples of this.
_LANES = 16
# A thread makes the random numbers of so many rows at a time.
_ROWS = 1 << 12


class DeviceSampler:
    """Draws the rows of a side on a device, as the kernel `sample_rows` does.

    The model and the normal numbers are the kernel's, so that both draw the same rows up to
    rounding. Sums and factors are in single precision, squared errors in double precision. The
    ratings are copied to the device once.

    Parameters
    ----------
    name
        The device as PyTorch names it, such as ``"cuda:1"``.
    batch
        The most numbers in a tensor of a batch.

    Raises
    ------
    SettingError
        If there is no such device.
    """

    def __init__(self, name: str, batch: int = _BATCH) -> None:
        self._device, self._batch = _device(name), batch
        self._sides: dict[int, _Side] = {}

    def __call__(  # noqa: PLR0917  (the kernel's order)
        self,
        starts: NDArray[np.int64],
        partner: NDArray[np.int32],
        rating: NDArray[np.float32],
        partner_weight: NDArray[np.float32],
        row_weight: NDArray[np.float32],
        order: NDArray[np.int32],
        partners: NDArray[np.float32],
        precision: NDArray[np.float64],
        shift: NDArray[np.float32],
        spread: NDArray[np.float32],
        alpha: float,
        mu: float,
        seed: int,
        stream: int,
        threads: int,
        /,
        *,
        cancel: CancelToken | None = None,
        first_row: int = 0,
    ) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
        """Return the rows, and their sums of squared errors; see `SampleRows`.

        Raises
        ------
        Cancelled
            If it was cancelled.
        MemoryError
            If the memory of the device is not enough.
        """
        n, lengths = len(starts) - 1, np.diff(starts)[order]
        try:
            conditional = _Conditional(
                side=self._side(starts, partner, rating),
                partner_weight=self._put(partner_weight),
                row_weight=self._put(row_weight if len(row_weight) else np.ones(n, np.float32)),
                table=_with_ones(self._put(partners)),
                precision=self._put(precision.astype(np.float32)),
                shift=self._put(shift),
                alpha=alpha,
                mu=mu,
                numbers=self._batch,
            )
            numbers = self._normals(seed, stream, first_row, shift.shape, threads)
            if len(spread):
                numbers *= self._put(spread)[:, None]
            places = self._put(order.astype(np.int64))
            rows, squares = torch.empty_like(numbers), numbers.new_empty(n, dtype=torch.float64)
            with _full_precision():
                for batch in _batches(lengths, shift.shape[1], self._batch):
                    if cancel is not None and cancel.cancelled:
                        raise Cancelled
                    own = places[batch]
                    posterior = conditional.of(own, int(lengths[batch.start]))
                    rows[own] = drawn = posterior.draw(numbers[own])
                    squares[own] = posterior.squares(drawn)
            return rows.cpu().numpy(), squares.cpu().numpy()
        except torch.cuda.OutOfMemoryError as error:
            raise MemoryError(f"on {self._device}") from error

    def _side(
        self,
        starts: NDArray[np.int64],
        partner: NDArray[np.int32],
        rating: NDArray[np.float32],
    ) -> "_Side":
        """Return the ratings of a side on the device, where they stay."""
        # Each holds its array, so that no other one has the same identity.
        if id(rating) not in self._sides:
            arrays = self._put(starts), self._put(partner), self._put(rating)
            self._sides[id(rating)] = _Side(rating, *arrays)
        return self._sides[id(rating)]

    def _normals(
        self, seed: int, stream: int, first_row: int, shape: tuple[int, ...], threads: int
    ) -> Tensor:
        """Return the kernel's standard normal numbers of rows, copied as threads make them."""
        rows, columns = shape
        stride = -(-columns // _LANES) * _LANES

        def of(part: range) -> NDArray[np.float32]:
            numbers = normals(seed, stream, len(part) * stride, (first_row + part.start) * stride)
            return numbers.reshape(-1, stride)

        table = torch.empty((rows, stride), device=self._device)
        parts = [range(rows)[first : first + _ROWS] for first in range(0, rows, _ROWS)]
        with ThreadPoolExecutor(threads) as pool:
            for part, numbers in zip(parts, pool.map(of, parts), strict=True):
                table[part.start : part.stop] = torch.from_numpy(numbers)
        return table[:, :columns]

    def _put(self, array: NDArray[np.generic]) -> Tensor:
        """Return a copy of an array on the device."""
        return torch.tensor(array, device=self._device)


class _Side(NamedTuple):
    """The ratings of a side, grouped by row, and the array that they come from."""

    source: NDArray[np.float32]
    starts: Tensor
    partner: Tensor
    rating: Tensor


@dataclass(frozen=True, eq=False)
class _Conditional:
    """What the rows of a side are drawn from; see ``native/include/palate/row_posterior.hpp``.

    Attributes
    ----------
    side
        The ratings.
    partner_weight, row_weight
        The weight of a rating is that of its partner times that of its row.
    table
        [q, 1, -b] of each partner; shape (partners, d + 1).
    precision, shift
        Of the prior: the precision, shape (d, d), and for each row its product with the mean.
    alpha, mu
        The precision of a rating, and the mean of all.
    numbers
        The most numbers in a tensor.
    """

    side: _Side
    partner_weight: Tensor
    row_weight: Tensor
    table: Tensor
    precision: Tensor
    shift: Tensor
    alpha: float
    mu: float
    numbers: int

    def of(self, rows: Tensor, longest: int) -> "_Posterior":
        """Return the posterior of some rows, of which none has more than `longest` ratings."""
        columns = self.table.shape[1]
        sums = self.table.new_zeros(len(rows), columns, columns)
        for gathered, _, weight in self.segments(rows, longest):
            z = gathered * weight.sqrt()[..., None]
            sums.baddbmm_(z.mT, z)
        sums *= self.alpha
        precision = self.precision + sums[:, :-1, :-1]
        right = self.shift[rows] + sums[:, :-1, -1]
        # The kernel's factor M of A = M'M is a lower triangle: Cholesky's of A read backwards.
        factor, failed = torch.linalg.cholesky_ex(precision.flip(1, 2))
        # As in the kernel, where A is not positive definite in single precision.
        factor = factor.masked_fill(failed[:, None, None] > 0, torch.nan)
        return _Posterior(self, rows, longest, factor, right)

    def segments(self, rows: Tensor, longest: int) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """Yield [z, t] for some ratings of each row, t in double precision, and their weights.

        Here z = [q, 1] and t = r - mu - b. The weight is 0 where a row has fewer ratings.
        """
        starts, partner, rating = self.side.starts, self.side.partner, self.side.rating
        step = max(1, self.numbers // (len(rows) * self.table.shape[1]))
        for first in range(0, longest, step):
            steps = torch.arange(first, min(first + step, longest), device=rows.device)
            places = starts[rows, None] + steps
            present = places < starts[rows + 1, None]
            places = places.clamp(max=len(partner) - 1)
            partners = partner[places].long()
            z = self.table[partners]
            target = rating[places].double() - self.mu + z[..., -1]
            z[..., -1] = target
            weight = self.partner_weight[partners] * self.row_weight[rows, None]
            yield z, target, weight * present


class _Posterior(NamedTuple):
    """The posteriors N(A^-1 c, A^-1) of some rows.

    Attributes
    ----------
    conditional, rows, longest
        As of `_Conditional.of`.
    factor
        The lower triangle L of A = LL', where A has its rows and columns in reverse order.
    right
        c.
    """

    conditional: _Conditional
    rows: Tensor
    longest: int
    factor: Tensor
    right: Tensor

    def draw(self, noise: Tensor) -> Tensor:
        """Return a draw of each row, from standard normal numbers; shape (rows, d)."""
        right, numbers = (part.flip(1)[..., None] for part in (self.right, noise))
        y = torch.linalg.solve_triangular(self.factor, right, upper=False) + numbers
        x: Tensor = torch.linalg.solve_triangular(self.factor.mT, y, upper=True)[..., 0]
        return x.flip(1)

    def squares(self, drawn: Tensor) -> Tensor:
        """Return sum_j w_j (t_j - z_j'x)^2 for the drawn x of each row; shape (rows,)."""
        x = drawn.double()[..., None]
        sums = x.new_zeros(len(drawn))
        for z, target, weight in self.conditional.segments(self.rows, self.longest):
            errors = target - (z[..., :-1].double() @ x)[..., 0]
            sums += (weight * errors**2).sum(1)
        return sums


def _device(name: str) -> torch.device:
    """Return a device that exists."""
    device, found = torch.device(name), torch.cuda.device_count()
    if device.type == "cuda" and (device.index or 0) >= found:
        raise SettingError(
            f"device is {name!r}, and PyTorch finds {counted(found, 'CUDA device')} here; "
            "by default, fits use the processor"
        )
    return device


def _with_ones(rows: Tensor) -> Tensor:
    """Return [q, 1, -b] for rows [q, b]."""
    factors, bias = rows[:, :-1], rows[:, -1:]
    return torch.cat([factors, torch.ones_like(bias), -bias], dim=1)


def _batches(lengths: NDArray[np.int64], columns: int, numbers: int) -> Iterator[slice]:
    """Yield the rows of each batch, given the number of ratings of each row in falling order."""
    first = 0
    while first < len(lengths):
        longest = int(lengths[first])
        least = longest // _RATIO if longest > _FEW else 0
        alike = int(np.searchsorted(-lengths, -least, side="right")) - first
        matrices = numbers // (columns + 1) ** 2
        ratings = numbers // (max(longest, 1) * (columns + 1))
        last = first + max(1, min(alike, matrices, ratings))
        yield slice(first, last)
        first = last


@contextmanager
def _full_precision() -> Iterator[None]:
    """Multiply in single precision, and not in TF32, whatever was chosen for the process."""
    chosen = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(chosen)
