"""What a fit calls on its way."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from palate.torch._learner import Learner


class StopFit(Exception):  # noqa: N818  (it tells of no error)
    """Raised by a callback to end the fit; what was learned so far stays."""


class Callback:
    """What to do at the turns of a fit: override the methods that you need.

    Each is given the learner. Its attributes tell where the fit is: ``epoch`` from 0, ``step``
    (how many are done), ``steps`` (in all), ``last_loss`` (of the last batch, a number) and
    ``history`` (a row for each epoch that is done). Raise `StopFit` to end the fit.

    A fit with a callback for every batch is done by autograd, for the native kernel takes many
    steps at a time.
    """

    def before_fit(self, learn: "Learner") -> None:
        """Before the first step."""

    def before_epoch(self, learn: "Learner") -> None:
        """Before the first step of an epoch."""

    def after_backward(self, learn: "Learner") -> None:
        """With a batch's gradients there, and before the step: to clip them, say."""

    def after_batch(self, learn: "Learner") -> None:
        """After a step."""

    def after_epoch(self, learn: "Learner") -> None:
        """With the epoch's row in ``learn.history``."""

    def after_fit(self, learn: "Learner") -> None:
        """After the last step, however the fit has ended."""


def wants_batches(callback: Callback) -> bool:
    """Return whether a callback is to be called at every batch."""
    return any(
        getattr(type(callback), name) is not getattr(Callback, name)
        for name in ("after_backward", "after_batch")
    )
