"""`modify`: changing the model in a folder, without losing what another process changes."""

from collections.abc import Callable
from pathlib import Path

from palate.errors import SettingError
from palate.learned._learned import Learned
from palate.learned._locked_change import modify_learned
from palate.model._model import Model


def modify(
    path: str | Path,
    change: Callable[[Model], Model],
    *,
    waiting: Callable[[], object] | None = None,
) -> Model:
    """Load the model in the folder `path`, change it and save it, as one step for all others.

    Of two processes that modify or save a model in the same folder, the second one waits, so that
    neither loses what the other has done. Nobody who loads the model has to wait, and a failure
    leaves the old one. Where there are no locks (on Windows and some network file systems), a
    change that comes too late is refused.

    Parameters
    ----------
    path
        The folder.
    change
        A function from the model to the one that replaces it. If it returns the model itself,
        nothing is written. It must not save or modify in this folder: that would wait for itself.
    waiting
        Called once if another process has to finish first.

    Returns
    -------
    Model
        The model that is now in the folder.

    Raises
    ------
    ModelFileError
        If there is no model, it is damaged, or the folder can't be written to.
    SettingError
        If `change` returns something other than a model.

    Examples
    --------
    >>> palate.modify("model", lambda model: model.forget([196]))
    """

    def changed(learned: Learned) -> Learned:
        new = change(Model(learned))
        if not isinstance(new, Model):
            raise SettingError(
                f"change returned something of the type {type(new).__name__}, not a model; let it "
                "return one, such as model.forget([196]) or model.update(ratings).model"
            )
        return new.learned

    return Model(modify_learned(Path(path), changed, waiting))
