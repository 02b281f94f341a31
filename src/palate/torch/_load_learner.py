"""A learner from a file."""

from pathlib import Path

import torch
from torch import nn

from palate.torch._learner import Learner
from palate.torch._learner_file import read_learner
from palate.torch._objective import Loss
from palate.torch._refusals import refuses_others
from palate.torch._validation import require_module


@refuses_others
def load_learner(
    fname: str | Path,
    model: nn.Module | None = None,
    loss_func: Loss | None = None,
    device: torch.device | str | None = None,
) -> Learner:
    """Read a learner written by `Learner.export`. No code in the file is executed.

    Parameters
    ----------
    fname
        The file.
    model
        For a custom module: an instance created with the same arguments. The weights are loaded
        into it.
    loss_func
        The loss, if it was not `MSELossFlat()`.
    device
        As of `CollabDataLoaders.from_ratings`.

    Returns
    -------
    Learner
        With its ratings and history, but without metrics, callbacks, `opt_func` and `wd_bn_bias`,
        which are not saved.

    Raises
    ------
    ModelFileError
        If the file does not exist, is damaged or was not written by `Learner.export`.
    SettingError
        If `model` or `loss_func` is required and missing, `model` is not a module, or the weights
        do not fit it.
    """
    if model is not None:
        require_module(model)
    saved = read_learner(Path(fname), model, loss_func, device)
    objective = saved.objective
    learn = Learner(
        objective.dls,
        objective.model,
        objective.loss_func,
        lr=saved.lr,
        wd=saved.wd,
        mixed_precision=objective.mixed_precision,
        native=saved.native,
    )
    learn.history = saved.history
    return learn
