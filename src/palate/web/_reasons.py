"""Recommendations with their reasons, and explanations, as responses."""

from typing import Any

import polars as pl

from palate.analysis._choice_reasons import ChoiceExplanation
from palate.analysis._intervals import Z
from palate.learned._lookup import distinct_names
from palate.model._profile import Profile
from palate.web import _person_responses as people
from palate.web import _requests as req
from palate.web._json import Ids, json_rows, json_value


def recommended(
    profile: Profile, request: req.RecommendationsRequest, ids: Ids
) -> people.Recommendations:
    """Return the best items for a person; with all reasons, if the request asks for any."""
    table = profile.recommend(
        request.n,
        candidates=request.candidates,
        exclude=request.exclude,
        where=request.where,
        unknown=request.unknown,
        by=request.by,
        balance=request.balance,
        cautious=request.cautious,
        diversity=request.diversity,
        calibrate=request.calibrate,
        explain=request.reasons,
    )
    frame: pl.DataFrame = table
    if request.reasons and {"chance", "prediction"} <= set(frame.columns):
        frame = frame.with_columns(_rating_reasons(profile, frame["id"]))
    return people.Recommendations(
        recommendations=[_recommendation(profile, row) for row in json_rows(frame, ids)],
        skipped=list(distinct_names([*profile.skipped, *table.skipped])),
    )


def _rating_reasons(profile: Profile, items: pl.Series) -> pl.Series:
    """Return the reasons for the expected ratings of items that were ranked by something else."""
    if items.is_empty():
        return pl.Series("rating_reason", [], dtype=pl.String)
    by_rating = profile.recommend(
        len(items), candidates=items.to_list(), seen=True, by="rating", explain=True
    )
    reasons = dict(by_rating.select("id", "reason").iter_rows())
    return pl.Series("rating_reason", [reasons[item] for item in items], dtype=pl.String)


def _recommendation(profile: Profile, row: dict[str, Any]) -> people.Recommendation:
    """Return a recommendation with the 90% interval of the rating, clipped to the scale."""
    prediction, sd = row.get("prediction"), row.get("sd")
    if prediction is None or sd is None:
        return people.Recommendation(**row)
    likelihood = profile.learned.likelihood
    lower = max(likelihood.low, prediction - Z * sd)
    upper = min(likelihood.high, prediction + Z * sd)
    return people.Recommendation(**row, lower=lower, upper=upper)


def explained(profile: Profile, request: req.ExplanationRequest, ids: Ids) -> people.Explanation:
    """Return why a person would pick an item and how they would like it, as far as is known."""
    if not profile.learned.has_ratings:
        choice = profile.explain_choice(request.item, request.n)
        return people.Explanation(
            id=ids[choice.id],
            item=choice.item,
            choice=_choice(choice),
            sentence=choice.sentence,
            skipped=list(profile.skipped),
        )
    explanation = profile.explain(request.item, request.n)
    same = ("item", "prediction", "score", "unit", "counterfactual", "sentence")
    return people.Explanation(
        id=ids[explanation.id],
        **{name: json_value(getattr(explanation, name)) for name in same},
        parts=json_value(explanation.parts),
        ratings=json_value(explanation.ratings),
        choice=None if explanation.choice is None else _choice(explanation.choice),
        skipped=list(profile.skipped),
    )


def _choice(explanation: ChoiceExplanation) -> people.ChoiceExplanation:
    return people.ChoiceExplanation(
        score=explanation.score,
        history=json_value(explanation.history),
        sentence=explanation.sentence,
    )
