"""What a fit leaves behind for figures: losses and settings of each step, and rows of epochs."""

from array import array
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from palate.errors import DataError
from palate.solvers._one_cycle import RunningLoss
from palate.torch._pyplot import axes_of
from palate.torch._refusals import refuses_others


class Recorder:
    """The course of the last fit.

    Attributes
    ----------
    iters
        The number of completed steps at the end of each epoch.
    metric_names
        The names of the columns: epoch, train_loss, valid_loss, the metrics and time.
    values
        For each epoch the train_loss, the valid_loss and the metrics.
    """

    def __init__(self) -> None:
        self.start(np.zeros(0), np.zeros(0), [])

    def start(
        self, lrs: NDArray[np.float64], moms: NDArray[np.float64], metrics: list[str]
    ) -> None:
        """Forget the last fit."""
        self._lrs, self._moms = lrs, moms
        self._running, self._losses = RunningLoss(), array("d")
        self.iters: list[int] = []
        self.values: list[list[float]] = []
        self.metric_names = ["epoch", "train_loss", "valid_loss", *metrics, "time"]

    def add(self, losses: list[float]) -> None:
        """Add the losses of the next steps."""
        self._running.add(losses)
        self._losses.extend(losses)

    def end_epoch(self, row: dict[str, Any]) -> None:
        """Add the row of an epoch in the history."""
        self.iters.append(len(self._losses))
        self.values.append([row[name] for name in self.metric_names[1:-1] if name in row])

    @property
    def losses(self) -> list[float]:
        """The running mean of the training loss after each step."""
        return running_means(self._losses)

    @property
    def train_loss(self) -> float:
        """The running mean of the training loss."""
        return self._running.mean

    @property
    def lrs(self) -> NDArray[np.float64]:
        """The learning rates of the steps that were taken."""
        return self._lrs[: len(self._losses)]

    @property
    def moms(self) -> NDArray[np.float64]:
        """The betas of the steps that were taken."""
        return self._moms[: len(self._losses)]

    def plot_loss(
        self,
        skip_start: int = 5,
        with_valid: bool = True,
        log: bool = False,
        show_epochs: bool = False,
        ax: Any = None,
    ) -> Any:
        """Draw the training loss by steps and the held-out loss by epochs.

        Parameters
        ----------
        skip_start
            How many of the first steps to leave out.
        with_valid
            Whether to draw the held-out loss, if ratings are held out.
        log
            Whether both axes are logarithmic.
        show_epochs
            Whether to mark the ends of epochs.
        ax
            The matplotlib axes; by default the current ones.

        Returns
        -------
        matplotlib.axes.Axes
            The axes.

        Raises
        ------
        DataError
            If there was no fit.
        """
        self._require_steps()
        ax = axes_of(ax)
        draw = ax.loglog if log else ax.plot
        losses = self.losses[skip_start:]
        draw(range(skip_start, skip_start + len(losses)), losses, label="train")
        for step in self.iters if show_epochs else []:
            ax.axvline(step, color="grey", ls=":")
        ax.set(xlabel="steps", ylabel="loss", title="learning curve")
        shown = [
            (step, row[1])
            for step, row in zip(self.iters, self.values, strict=True)
            if step >= skip_start and row[1] is not None
        ]
        if with_valid and shown:
            draw(*zip(*shown, strict=True), label="valid")
            ax.legend()
        return ax

    @refuses_others
    def plot_sched(self, ax: Any = None) -> Any:
        """Draw the learning rate of each step; `ax`, the value and errors as of `plot_loss`."""
        self._require_steps()
        ax = axes_of(ax)
        ax.plot(self.lrs)
        ax.set(xlabel="steps", ylabel="learning rate")
        return ax

    def _require_steps(self) -> None:
        if not self._losses:
            raise DataError("nothing was recorded; fit the learner first")


def running_means(losses: Iterable[float]) -> list[float]:
    """Return the running mean after each of some losses."""
    running, means = RunningLoss(), []
    for loss in losses:
        running.add([loss])
        means.append(running.mean)
    return means
