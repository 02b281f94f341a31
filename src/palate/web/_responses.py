"""Types of what the service returns; the OpenAPI document is derived from them."""

from typing import Annotated, Any

from pydantic import BaseModel, Field

from palate.data._ratings import Kind
from palate.inference._lists import By

# Integers that JavaScript represents exactly are sent as numbers, all other ids as text.
Id = int | str


class ItemName(BaseModel):
    """An item by its id and title."""

    id: Id
    item: Annotated[str, Field(description="The title, or the id as text if there is none.")]


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


class Recommendations(BaseModel):
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


class Explanation(ItemName):
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


class Questions(BaseModel):
    """Items to ask about, the most informative first."""

    questions: list[Question]


class _OnAxis(BaseModel):
    axis: int
    name: str | None
    low: Annotated[str, Field(description="Name of the low end of the axis.")]
    high: Annotated[str, Field(description="Name of the high end of the axis.")]
    position: float


class Standing(_OnAxis):
    """A person's position on an axis, in standard deviations of users."""

    lower: float
    upper: float
    percentile: float


class Surprise(ItemName):
    """A rating that differs from the expected one."""

    rating: float
    expected: float
    surprise: float


class Portrait(BaseModel):
    """A person in comparison with all users."""

    axes: list[Standing]
    generosity: Annotated[
        dict[str, float], Field(description="bias, lower, upper and percentile, in ratings.")
    ]
    predictability: dict[str, float] | None
    surprises: list[Surprise]
    sentence: str


class Item(ItemName):
    """An item as listed; what needs ratings is null in a model that has none."""

    ratings: Annotated[
        int, Field(description="Number of training ratings, or of people who picked it.")
    ]
    mean: float | None
    bias: float | None
    lower: Annotated[float | None, Field(description="Lower end of the bias's 90% interval.")]
    upper: Annotated[float | None, Field(description="Upper end of the same interval.")]
    rank_by_mean: int | None
    rank_by_bias: int | None
    gap: Annotated[int | None, Field(description="Rank by mean minus rank by bias.")]
    reason: str | None
    more: Annotated[dict[str, Any], Field(description="The other columns of the item's row.")]


class Items(BaseModel):
    """A page of a list of items."""

    total: Annotated[int, Field(description="Number of items on all pages.")]
    page: int
    size: int
    items: list[Item]


class Neighbour(ItemName):
    """An item whose factors point in a similar direction."""

    similarity: Annotated[float, Field(description="Cosine of the angle between the factors.")]
    lower: float | None
    upper: float | None
    sure: bool | None
    ratings: int


class AlsoPicked(ItemName):
    """An item that is picked by those who pick another."""

    score: Annotated[float, Field(description="The choice score, given that item alone.")]
    ratings: int


class Place(_OnAxis):
    """The position of an item on an axis, with its 90% interval."""

    lower: float | None
    upper: float | None


class ItemPage(Item):
    """All that the model knows about one item.

    mean = mu + bias + raters_bias + raters_interaction + residual.
    """

    mu: Annotated[float | None, Field(description="The overall mean.")]
    raters_bias: Annotated[float | None, Field(description="Mean bias of those who rated it.")]
    raters_interaction: Annotated[
        float | None, Field(description="Mean interaction of those who rated it with the item.")
    ]
    residual: float | None
    axes: list[Place]
    neighbours: Annotated[list[Neighbour], Field(description="Items liked by the same people.")]
    also_picked: Annotated[
        list[AlsoPicked], Field(description="Items picked by the same people, the likeliest first.")
    ]


class User(BaseModel):
    """A known user."""

    user: Id
    ratings: Annotated[int, Field(description="Number of training ratings, or of items picked.")]
    mean: float | None


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


class Point(ItemName):
    """An item on the map, with 90% intervals of its coordinates."""

    x: float
    x_lower: float | None
    x_upper: float | None
    y: float
    y_lower: float | None
    y_upper: float | None
    ratings: int


class Map(BaseModel):
    """Items in a plane, those with the most ratings first."""

    x: Annotated[str, Field(description="The horizontal coordinate.")]
    y: Annotated[str, Field(description="The vertical coordinate.")]
    points: list[Point]


class Column(BaseModel):
    """A column of the table of items: categories, or numbers within a range."""

    name: str
    values: Annotated[list[str], Field(description="Its categories, the most frequent first.")]
    lowest: float | None
    highest: float | None


class Exemplar(ItemName):
    """An item near one end of an axis."""

    position: float


class Axis(BaseModel):
    """An axis of taste."""

    axis: int
    share: Annotated[
        float, Field(description="Its share of the rating variance that all axes explain.")
    ]
    name: str | None
    low_end: Annotated[str, Field(description="Name of the low end.")]
    high_end: Annotated[str, Field(description="Name of the high end.")]
    low: Annotated[list[Exemplar], Field(description="Exemplars of the low end.")]
    high: Annotated[list[Exemplar], Field(description="Exemplars of the high end.")]


class Summary(BaseModel):
    """What a model was fitted on, how the fit went, and its axes."""

    items: int
    users: int | None
    ratings: int | None
    source: str
    kind: Annotated[Kind, Field(description="What the history of a person consists of.")]
    lists_by: Annotated[
        list[By], Field(description="What items can be ranked by, the default first.")
    ]
    solver: str
    settings: dict[str, Any]
    choice_settings: Annotated[
        dict[str, float] | None, Field(description="What the fit of the choice model has chosen.")
    ]
    lowest: Annotated[float | None, Field(description="The lowest possible expected rating.")]
    highest: Annotated[float | None, Field(description="The highest possible expected rating.")]
    scale: Annotated[
        list[float],
        Field(description="The ratings to choose from, lowest first; none of events and counts."),
    ]
    noise_sd: float | None
    sure: Annotated[
        bool, Field(description="Whether the model has intervals; a point estimate has none.")
    ]
    history: list[dict[str, Any]]
    axes: list[Axis]
    columns: list[Column]
    coordinates: Annotated[list[str], Field(description="The coordinates that the map offers.")]
    palate: Annotated[str, Field(description="The version of Palate.")]


class Score(BaseModel):
    """Metrics of a solver or a baseline on held-out ratings."""

    name: str
    rmse: float | None
    mae: float | None
    ndcg: float | None
    ours: Annotated[bool, Field(description="Whether it is the solver of this model.")]
    part: Annotated[
        By | None,
        Field(description="What the lists of this model are ranked by; null for a baseline."),
    ] = None


class Evaluation(BaseModel):
    """The solver of this model beside baselines; scores are null while it is being evaluated."""

    scores: list[Score] | None
    split: str | None
    sentence: Annotated[str | None, Field(description="What is best, and by how much.")] = None
    why_not: Annotated[str | None, Field(description="Why it can't be evaluated.")] = None


class Problem(BaseModel):
    """An error, as problem details (RFC 9457)."""

    type: str = "about:blank"
    title: str
    status: int
    detail: Annotated[str, Field(description="A sentence that says what was wrong.")]
