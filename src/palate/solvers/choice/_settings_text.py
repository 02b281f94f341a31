"""What the fit of a choice model has chosen, in words."""

from collections.abc import Iterator

from palate.learned._choice import ChoiceModel


def chosen_settings(choice: ChoiceModel, *, has_ratings: bool) -> str:
    """Return the settings that were chosen; `has_ratings` says if there is a rating model, too."""
    return ", ".join(_parts(choice, has_ratings))


def _parts(choice: ChoiceModel, has_ratings: bool) -> Iterator[str]:
    kind, settings, power = choice.weighting.kind, choice.settings, choice.rating_power
    yield f"ridge {settings['ridge']:g}"
    if kind != "events":
        strength = settings["strength"]
        weighted = f"weighted by {kind} with strength {strength:.2g}"
        yield f"histories {weighted if strength else f'not weighted by {kind}'}"
    exponent = settings["exponent"]
    yield (
        f"popularity discount with exponent {exponent:g}" if exponent else "no popularity discount"
    )
    if has_ratings:
        weighted = f"weighted by the chance of a high rating to the power {power:g}"
        yield f"lists {weighted if power else 'not weighted by expected ratings'}"
