"""The section on how the model was fitted."""

from palate.model._model import Model
from palate.plots._history import history
from palate.plots._report._html import figure, note, paragraph
from palate.solvers._registry import solver_description
from palate.solvers.choice._settings_text import chosen_settings
from palate.solvers.choice._solver import Choice

_CONVERGED = (
    "Lower values mean predictions closer to the ratings. Where a line has levelled off, a longer "
    "fit would have changed little."
)
_TRIED = "Each step tried other settings; those with the highest value were chosen."


def fit_section(model: Model) -> str:
    """Return the section as HTML."""
    html = paragraph(solver_description(model.fit.solver)) + _choice(model)
    if model.fit.interrupted:
        html += note("The fit was interrupted; this is what the model had learned until then.")
    if model.history.is_empty():
        return html + note("This model has no history of its fit.")
    seconds = float(model.history["seconds"].sum()) if "seconds" in model.history.columns else 0
    duration = f"The fit took {seconds:.1f} seconds. " if seconds else ""
    tried = model.fit.solver == Choice.name
    return html + figure(
        lambda width: history(model, width=width), duration + (_TRIED if tried else _CONVERGED)
    )


def _choice(model: Model) -> str:
    """Return how the choice model was fitted, and the settings that its fit has chosen."""
    choice = model.learned.choice
    if choice is None:
        return ""
    html = ""
    if model.fit.solver != Choice.name:
        html = paragraph(f"Beside it, a choice model was fitted. {Choice.description}")
    chosen = chosen_settings(choice, has_ratings=model.learned.has_ratings)
    return html + paragraph(f"The settings that were chosen: {chosen}.")
