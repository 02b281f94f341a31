"""The section on how the model was fitted."""

from palate.model._model import Model
from palate.plots._history import history
from palate.plots._report._html import figure, note, paragraph
from palate.solvers._registry import solver_description


def fit_section(model: Model) -> str:
    """Return the section as HTML."""
    html = paragraph(solver_description(model.fit.solver))
    if model.fit.interrupted:
        html += note("The fit was interrupted; this is what the model had learned until then.")
    if model.history.is_empty():
        return html + note("This model has no history of its fit.")
    seconds = float(model.history["seconds"].sum()) if "seconds" in model.history.columns else 0
    duration = f"The fit took {seconds:.1f} seconds. " if seconds else ""
    return html + figure(
        lambda width: history(model, width=width),
        f"{duration}Lower values mean predictions closer to the ratings. Where a line has levelled "
        "off, a longer fit would have changed little.",
    )
