"""A learner's readings of its module: validation, predictions and results."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from palate.errors import DataError, SettingError
from palate.torch._data import CollabDataLoaders, Loader
from palate.torch._objective import Metric, Objective
from palate.torch._refusals import refuses_others

# Rows (user, item), and their ratings if there are any.
Batches = Iterable[tuple[Tensor, ...]]


class Predictions:
    """The methods of `Learner` that use the module as it is."""

    dls: CollabDataLoaders
    metrics: dict[str, Metric]

    @property
    def _objective(self) -> Objective:
        raise NotImplementedError

    @refuses_others
    def validate(self, ds_idx: int = 1, dl: Batches | None = None) -> list[float]:
        """Return the loss on the held-out ratings, then the metrics.

        Parameters
        ----------
        ds_idx, dl
            Other ratings; see `get_preds`.

        Raises
        ------
        DataError
            If no ratings are held out, or `dl` has none.
        """
        return self._measure(*_with_ratings(self._rows(ds_idx, dl)))

    def _rows(self, ds_idx: int, dl: Batches | None) -> tuple[Tensor, Tensor | None]:
        """Return the rows (user, item) of a loader or of batches, and their ratings if any."""
        if dl is None:
            dl = self.dls.valid if ds_idx else self.dls.train
        batches = [(dl.x, dl.y)] if isinstance(dl, Loader) else list(dl)
        if not sum(len(batch[0]) for batch in batches):
            raise DataError("there are no ratings; were any held out (valid_pct=0.2)?")
        x = torch.cat([batch[0] for batch in batches])
        return x, torch.cat([batch[1] for batch in batches]) if len(batches[0]) > 1 else None

    def _measure(self, x: Tensor, y: Tensor) -> list[float]:
        """Return the loss and the metrics on rows (user, item) and their ratings.

        Metrics take both flattened if there is one prediction for each rating.
        """
        objective = self._objective
        predictions = objective.outputs(x)
        with torch.no_grad():
            loss = objective.loss(predictions, y)
            if predictions.numel() == y.numel():
                predictions = predictions.reshape(-1)
            values: list[Tensor | float] = [loss]
            values += [metric(predictions, y.reshape(-1)) for metric in self.metrics.values()]
        return [float(value) for value in values]

    def _rehearse(self) -> None:
        """Compute the loss and the metrics on a few rows, so that a fit need not end in an error.

        The lowest and the highest rating are among them.
        """
        train = self.dls.train
        flat = train.y.reshape(-1)
        rows = torch.stack([flat.argmin(), flat.argmax()])
        try:
            self._measure(train.x[rows], train.y[rows])
        except SettingError:
            raise
        except (IndexError, RuntimeError, TypeError, ValueError) as error:
            shape = tuple(self._objective.outputs(train.x[rows]).shape)
            raise SettingError(
                f"the loss function or a metric failed on predictions of shape {shape} and "
                f"{len(rows)} ratings: {error}"
            ) from error

    def outputs(self, x: Tensor) -> Tensor:
        """Return the module's output for rows (user, item), in evaluation mode."""
        return self._objective.outputs(x)

    @refuses_others
    def get_preds(
        self,
        ds_idx: int = 1,
        dl: Batches | None = None,
        with_input: bool = False,
        with_decoded: bool = False,
        *,
        act: Callable[[Tensor], Tensor] | None = None,
    ) -> tuple[Any, ...]:
        """Return predictions and ratings, on the CPU.

        Parameters
        ----------
        ds_idx
            0 for the training ratings, 1 for those held out, each in their order.
        dl
            Batches (x, y) or (x,) instead, such as ``dls.test_dl(table)``, or all ratings of a
            loader in their order, as ``dls.train``.
        with_input
            Whether to return the rows (user, item) first.
        with_decoded
            Whether to return the decoded predictions last: for a loss on classes the most
            probable, else the predictions.
        act
            The function of the module's output that gives predictions; by default the loss
            function's ``activation``, if it has one.

        Returns
        -------
        tuple of torch.Tensor
            Predictions of the shape (n,), or as the module returns them, and ratings of the shape
            (n, 1), or None without ratings.

        Raises
        ------
        DataError
            If there are no rows.
        """
        x, y = self._rows(ds_idx, dl)
        loss, outputs = self._objective.loss_func, self.outputs(x)
        act = getattr(loss, "activation", None) if act is None else act
        predictions = (outputs if act is None else act(outputs)).cpu()
        decode = getattr(loss, "decodes", None)
        decoded = [predictions if decode is None else decode(predictions)] * with_decoded
        ratings = None if y is None else y.cpu()
        return *[x.cpu()] * with_input, predictions, ratings, *decoded

    @refuses_others
    def predict(self, users: Any, items: Sequence[Any] | None = None) -> Any:
        """Return the prediction for one row, or for each pair of a user and an item.

        Parameters
        ----------
        users, items
            Ids of the pairs (for items, titles too); two lists of the same length. Or one row of
            the table alone, as ``table.iloc[0]`` or a dictionary.

        Returns
        -------
        numpy.ndarray or tuple
            The predictions; shape (n,). For a row as in fastai: a table of the row with its
            prediction, the decoded prediction and the prediction (see `get_preds`).

        Raises
        ------
        UnknownIdError
            If a user or an item is not in the vocabulary.
        SettingError
            If the lengths differ, or the module does not return one number for each pair.
        """
        if items is None and isinstance(users, pd.Series | Mapping):
            frame = pd.DataFrame([dict(users)])
            preds, _, decoded = self.get_preds(dl=self.dls.test_dl(frame), with_decoded=True)
            shown = frame[list(self.dls.names)].assign(rating=decoded.reshape(-1).tolist())
            return shown, decoded[0], preds[0]
        return self._predict_pairs(users, items)

    def _predict_pairs(self, users: Any, items: Any) -> NDArray[np.float32]:
        both = users, items
        lists = all(hasattr(some, "__len__") and not isinstance(some, str) for some in both)
        if not lists or len(users) != len(items):
            raise SettingError(
                "users and items must be two lists of the same length, or pass one row of the table"
            )
        outputs = self.outputs(self.dls.positions(users, items))
        if outputs.numel() != len(users):
            raise SettingError(
                f"{type(self._objective.model).__name__} returned a tensor of shape "
                f"{tuple(outputs.shape)} for {len(users)} pairs; a rating is one number for each"
            )
        values: NDArray[np.float32] = outputs.reshape(-1).float().cpu().numpy()
        return values

    @refuses_others
    def show_results(
        self,
        ds_idx: int = 1,
        dl: Batches | None = None,
        max_n: int = 9,
        shuffle: bool = True,
    ) -> None:
        """Print some rows with their ratings and predictions.

        Parameters
        ----------
        ds_idx, dl
            As of `get_preds`.
        max_n
            How many rows.
        shuffle
            Whether to draw them; False for the first.

        Raises
        ------
        DataError
            If there are no rows, or `dl` has no ratings.
        """
        x, y = _with_ratings(self._rows(ds_idx, dl))
        shown = (torch.randperm(len(x)) if shuffle else torch.arange(len(x)))[:max_n].to(x.device)
        batch = [(x[shown], y[shown])]
        x, _, y, decoded = self.get_preds(dl=batch, with_input=True, with_decoded=True)
        columns = self.dls.shown(x) | {
            "rating": y.reshape(-1).tolist(),
            "rating_pred": decoded.reshape(len(x), -1).squeeze(1).tolist(),
        }
        print(pd.DataFrame(columns).to_string())


def _with_ratings(rows: tuple[Tensor, Tensor | None]) -> tuple[Tensor, Tensor]:
    x, y = rows
    if y is None:
        raise DataError("the batches have no ratings; pass pairs (x, y)")
    return x, y
