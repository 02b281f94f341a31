"""Types of what the service returns about people; the OpenAPI document is derived from them."""

from typing import Annotated

from pydantic import BaseModel, Field

from palate.web._responses import Id, ItemName, OnAxis


class Answer(BaseModel):
    """What is answered about a person, and what it does not take into account."""

    skipped: Annotated[
        list[int | str],
        Field(description="Items of the request that the model does not know, each once."),
    ] = []


class Recommendation(ItemName):
    """A recommended item."""

    rank: int
    score: Annotated[float, Field(description="What the items are ranked by.")]
    chance: Annotated[
        float | None,
        Field(
            description="The probability that this is the next item the person picks; null in "
            "lists by rating and where it is not known."
        ),
    ] = None
    prediction: Annotated[
        float | None,
        Field(description="The expected rating; null if the model knows only what people pick."),
    ] = None
    sd: Annotated[
        float | None,
        Field(
            description="Standard deviation of a rating around the expected one; null for a "
            "point estimate."
        ),
    ] = None
    lower: Annotated[
        float | None,
        Field(description="Lower end of the 90% interval of a rating, clipped to the scale."),
    ] = None
    upper: Annotated[float | None, Field(description="Upper end of the same interval.")] = None
    at_least: Annotated[
        float | None,
        Field(description="The quantile of the expected rating that `cautious` ranks by."),
    ] = None
    ratings: Annotated[
        int,
        Field(description="Number of training ratings, or of people who picked it."),
    ]
    status: Annotated[
        str,
        Field(
            description="known, rarely rated, features only or prior-only; or rarely picked, never "
            "picked."
        ),
    ]
    reason: Annotated[
        str | None, Field(description="Why it is in the list, by what the list is ranked by.")
    ] = None
    rating_reason: Annotated[
        str | None,
        Field(description="In lists by choice and by both: the reasons for the expected rating."),
    ] = None


class Recommendations(Answer):
    """Recommended items, the best first."""

    recommendations: list[Recommendation]


class Contribution(BaseModel):
    """What one term contributes to a score."""

    name: str
    contribution: float


class Counterfactual(BaseModel):
    """The prediction if one of the ratings had been different."""

    item: Annotated[str, Field(description="The item whose rating is changed.")]
    rating: Annotated[float, Field(description="The rating as given.")]
    changed_to: Annotated[float, Field(description="The rating in its place.")]
    score: float
    prediction: float


class ChoiceExplanation(BaseModel):
    """Why a person would pick an item: the contributions of their history sum to the score."""

    score: float
    history: Annotated[
        list[Contribution], Field(description="Contributions of the items of the history.")
    ]
    sentence: str


class Explanation(ItemName, Answer):
    """Why a person's expected rating of an item is what it is; both tables sum to the score.

    `choice` explains why they would pick it. In a model that knows only what people pick, all but
    that and its sentence are null.
    """

    prediction: Annotated[float | None, Field(description="The expected rating.")] = None
    score: float | None = None
    unit: Annotated[str | None, Field(description="The unit of the score: rating or score.")] = None
    parts: Annotated[
        list[Contribution] | None, Field(description="Contributions of the biases and the axes.")
    ] = None
    ratings: Annotated[
        list[Contribution] | None, Field(description="Contributions of the person's ratings.")
    ] = None
    counterfactual: Counterfactual | None = None
    choice: Annotated[
        ChoiceExplanation | None, Field(description="Null if the model knows only ratings.")
    ] = None
    sentence: str


class Question(ItemName):
    """An item that a person could be asked to rate."""

    gain: Annotated[
        float,
        Field(
            description="Reduction of the variance of an expected rating, averaged over the items, "
            "in squared units of the ratings."
        ),
    ]
    ratings: int


class Questions(Answer):
    """Items to ask about, the most informative first."""

    questions: list[Question]
    explained: Annotated[
        float,
        Field(
            description="The share of the prior variance of an expected rating, averaged over the "
            "items, that the history explains."
        ),
    ]
    more: Annotated[
        int,
        Field(
            description="After how many further ratings of the most informative items half of it "
            "will be explained, and the tastes count as clear; at most 20."
        ),
    ]


class Standing(OnAxis):
    """A person's position on an axis, in standard deviations of users."""

    lower: float
    upper: float
    percentile: float


class Surprise(ItemName):
    """A rating that differs from the expected one."""

    rating: float
    expected: float
    surprise: float


class Portrait(Answer):
    """A person in comparison with all users."""

    axes: list[Standing]
    generosity: Annotated[
        dict[str, float], Field(description="bias, lower, upper and percentile, in ratings.")
    ]
    predictability: dict[str, float] | None
    surprises: list[Surprise]
    sentence: str


class User(BaseModel):
    """A known user."""

    user: Id
    ratings: Annotated[int, Field(description="Number of training ratings, or of items picked.")]
    mean: float | None
    bias: Annotated[
        float | None,
        Field(description="How much higher than the average person they rate, in ratings."),
    ]
    spread: Annotated[
        float | None,
        Field(
            description="How far their ratings typically lie from the expected ones; null where "
            "the model does not tell people apart in this."
        ),
    ]


class Users(BaseModel):
    """A page of the known users."""

    total: Annotated[int, Field(description="Number of users on all pages.")]
    page: int
    size: int
    users: list[User]


class RatedItem(ItemName):
    """An item with a user's rating of it, or how often they picked it."""

    rating: float


class UserPage(User):
    """All that the model knows about one known user."""

    portrait: Annotated[Portrait | None, Field(description="Null in a model without ratings.")]
    favourites: Annotated[
        list[RatedItem],
        Field(
            description="Items of the history: those with the highest ratings or counts, or the "
            "latest events."
        ),
    ]


class HistoryEntry(ItemName):
    """An item of a user's history; all but the rating and the time is null without ratings."""

    rating: Annotated[float, Field(description="The rating; 1 for an event, or a count.")]
    expected: Annotated[
        float | None,
        Field(
            description="The expected rating given the other ratings of this user; a first-order "
            "approximation."
        ),
    ]
    residual: Annotated[float | None, Field(description="The rating minus the expected one.")]
    surprise: Annotated[
        float | None,
        Field(description="The difference divided by its standard deviation, before clipping."),
    ]
    leverage: Annotated[
        float | None,
        Field(
            description="The change of its own expectation with the rating, from 0 to 1: how much "
            "it tells of the person that the other ratings do not."
        ),
    ]
    time: Annotated[str | None, Field(description="A date, or the time as it was read.")]


class History(BaseModel):
    """A page of the history of a known user."""

    user: Id
    total: Annotated[int, Field(description="Number of entries on all pages.")]
    page: int
    size: int
    entries: list[HistoryEntry]


class SimilarUser(BaseModel):
    """A user whose tastes are like those of another."""

    user: Id
    similarity: Annotated[
        float,
        Field(
            description="The expected correlation of both tastes; nearer to zero the less is known "
            "of either."
        ),
    ]
    ratings: int
    common: Annotated[int, Field(description="Number of items that both have rated.")]


class SimilarUsers(BaseModel):
    """The users with the most similar tastes, the most similar first."""

    users: list[SimilarUser]
