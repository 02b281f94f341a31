"""What the service takes and gives, as types; the OpenAPI document is made of them."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictInt, StrictStr, model_validator

# Whole numbers that JavaScript can hold are sent as they are, and all other ids as text.
Id = int | str
MOST_RATINGS, MOST_ITEMS, MOST, MOST_QUESTIONS = 1000, 1000, 100, 20
_Text = Annotated[StrictStr, Field(max_length=1000)]
Name = Annotated[
    StrictInt | _Text, Field(description="An id or a title.", examples=["Fargo (1996)"])
]


class Given(BaseModel):
    """What comes in: unknown fields are refused, so that no misspelt one is passed over."""

    model_config = ConfigDict(extra="forbid")


class Rating(Given):
    """A rating of one item."""

    item: Name
    rating: Annotated[
        float, Field(allow_inf_nan=False, description="In units of the ratings.", examples=[5])
    ]


class Person(Given):
    """A known user, or anybody by their ratings."""

    user: Annotated[StrictInt | _Text | None, Field(description="The id of a known user.")] = None
    ratings: Annotated[
        list[Rating] | None,
        Field(max_length=MOST_RATINGS, description="Ratings of anybody; none are kept."),
    ] = None

    @model_validator(mode="after")
    def _one_of_both(self) -> "Person":
        if (self.user is None) == (self.ratings is None):
            raise ValueError("say for whom: a known user, or ratings; one of both")
        return self


class RecommendationsRequest(Person):
    """For whom, how many, and of what."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"ratings": [{"item": "Fargo (1996)", "rating": 5}], "n": 10}]
        }
    )

    n: Annotated[int, Field(ge=1, le=MOST, description="How many.")] = 10
    candidates: Annotated[
        list[Name] | None,
        Field(max_length=MOST_ITEMS, description="Choose from these only; by default from all."),
    ] = None
    exclude: Annotated[
        list[Name], Field(max_length=MOST_ITEMS, description="Leave these out.")
    ] = []
    cautious: Annotated[
        float | None,
        Field(
            gt=0,
            le=0.5,
            description="Rank by the rating that the expected one surpasses with all but this "
            "probability.",
        ),
    ] = None
    reasons: Annotated[bool, Field(description="Whether to give the reason of each.")] = False


class ExplanationRequest(Person):
    """For whom, and of which item."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"ratings": [{"item": "Fargo (1996)", "rating": 5}], "item": "Heat (1995)"}
            ]
        }
    )

    item: Name
    n: Annotated[int, Field(ge=1, le=MOST, description="How many parts to name.")] = 5


class QuestionsRequest(Person):
    """Whom to ask, and what not."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"ratings": [], "n": 3}]})

    n: Annotated[int, Field(ge=1, le=MOST_QUESTIONS, description="How many.")] = 3
    exclude: Annotated[
        list[Name],
        Field(max_length=MOST_ITEMS, description="Leave these out: items that are not known."),
    ] = []


class PortraitRequest(Person):
    """Whom to describe."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"ratings": [{"item": "Fargo (1996)", "rating": 5}]}]}
    )


class Page(BaseModel):
    """Which part of a long list."""

    search: Annotated[str, Field(max_length=200, description="Text to look for.")] = ""
    page: Annotated[int, Field(ge=1, le=1_000_000, description="Which page, from 1.")] = 1
    size: Annotated[int, Field(ge=1, le=200, description="How many on a page.")] = 50


class ItemsQuery(Page):
    """Which items, and in what order."""

    sort: Literal["item", "ratings", "mean", "bias", "lower", "upper", "gap"] = "bias"
    descending: bool = True
    where: Annotated[
        list[str],
        Field(
            max_length=10,
            description="COLUMN=VALUE, such as genres=Comedy or year=1990..1999; all must hold.",
        ),
    ] = []
    min_ratings: Annotated[int, Field(ge=1, le=1_000_000_000)] = 1


class ItemName(BaseModel):
    """An item by its id and title."""

    id: Id
    item: Annotated[str, Field(description="The title, else the id as text.")]


class Recommendation(ItemName):
    """An item that somebody may like."""

    prediction: Annotated[float, Field(description="The expected rating.")]
    sd: Annotated[float | None, Field(description="Of a rating about it; null if not known.")]
    lower: Annotated[float | None, Field(description="The 90% interval of a rating, cut off.")]
    upper: float | None
    at_least: Annotated[float | None, Field(description="What `cautious` ranks by.")] = None
    ratings: Annotated[int, Field(description="How many the item has.")]
    status: Annotated[str, Field(description="known, rarely rated or prior-only.")]
    reason: str | None = None


class Recommendations(BaseModel):
    """The best first."""

    recommendations: list[Recommendation]


class Contribution(BaseModel):
    """What one part adds to a score."""

    name: str
    contribution: float


class Counterfactual(BaseModel):
    """What another rating would have changed."""

    item: str
    rating: float
    changed_to: float
    score: float
    prediction: float


class Explanation(ItemName):
    """Why somebody is expected to rate an item as they are; both tables sum to the score."""

    prediction: float
    score: float
    unit: Annotated[str, Field(description="Of the score: rating or score.")]
    parts: list[Contribution]
    ratings: list[Contribution]
    counterfactual: Counterfactual | None
    sentence: str


class Question(ItemName):
    """An item to ask about."""

    gain: Annotated[float, Field(description="How much variance an answer is expected to take.")]
    ratings: int


class Questions(BaseModel):
    """The most telling first."""

    questions: list[Question]


class Standing(BaseModel):
    """Where somebody stands on an axis, in standard deviations of users."""

    axis: int
    name: str | None
    low: Annotated[str, Field(description="What lies at its low end.")]
    high: str
    position: float
    lower: float
    upper: float
    percentile: float


class Surprise(ItemName):
    """A rating that was not expected."""

    rating: float
    expected: float
    surprise: float


class Portrait(BaseModel):
    """One person among all."""

    axes: list[Standing]
    generosity: Annotated[
        dict[str, float], Field(description="bias, lower, upper and percentile, in ratings.")
    ]
    predictability: dict[str, float] | None
    surprises: list[Surprise]
    sentence: str


class Item(ItemName):
    """An item as it stands in a list."""

    ratings: int
    mean: float
    bias: float
    lower: float | None
    upper: float | None
    rank_by_mean: int
    rank_by_bias: int
    gap: int
    reason: str | None
    more: Annotated[dict[str, Any], Field(description="Whatever else is known of it.")]


class Items(BaseModel):
    """A page of a list of items."""

    total: Annotated[int, Field(description="How many there are in all.")]
    page: int
    size: int
    items: list[Item]


class Neighbour(ItemName):
    """An item that lies in the same direction."""

    similarity: float
    lower: float | None
    upper: float | None
    sure: bool | None
    ratings: int


class Place(BaseModel):
    """Where an item lies on an axis."""

    axis: int
    name: str | None
    low: str
    high: str
    position: float
    lower: float | None
    upper: float | None


class ItemPage(Item):
    """Everything about one item."""

    mu: Annotated[float, Field(description="The mean of all.")]
    raters_bias: float | None
    raters_interaction: float | None
    residual: float | None
    axes: list[Place]
    neighbours: list[Neighbour]


class User(BaseModel):
    """A known user."""

    user: Id
    ratings: int
    mean: float


class Users(BaseModel):
    """A page of the known users."""

    total: int
    page: int
    size: int
    users: list[User]


class Rated(ItemName):
    """What somebody gave an item."""

    rating: float


class UserPage(User):
    """Everything about one known user."""

    portrait: Portrait
    favourites: list[Rated]


class Point(ItemName):
    """An item on the map."""

    x: float
    x_lower: float | None
    x_upper: float | None
    y: float
    y_lower: float | None
    y_upper: float | None
    ratings: int


class Map(BaseModel):
    """The items on a plane, those with most ratings first."""

    x: Annotated[str, Field(description="What is across.")]
    y: Annotated[str, Field(description="What is up.")]
    points: list[Point]


class Column(BaseModel):
    """Something that is known of items."""

    name: str
    values: Annotated[list[str], Field(description="Its categories, the most frequent first.")]
    lowest: float | None
    highest: float | None


class Exemplar(ItemName):
    """An item near the end of an axis."""

    position: float


class Axis(BaseModel):
    """An axis of taste."""

    axis: int
    share: Annotated[float, Field(description="Of what all axes explain.")]
    name: str | None
    low_end: str
    high_end: str
    low: list[Exemplar]
    high: list[Exemplar]


class Summary(BaseModel):
    """What a model is of."""

    items: int
    users: int | None
    ratings: int | None
    source: str
    solver: str
    settings: dict[str, Any]
    lowest: Annotated[float, Field(description="The lowest expected rating that there can be.")]
    highest: float
    scale: Annotated[list[float], Field(description="The ratings to choose from, lowest first.")]
    noise_sd: float
    sure: Annotated[bool, Field(description="Whether the model knows how sure it is.")]
    history: list[dict[str, Any]]
    axes: list[Axis]
    columns: list[Column]
    coordinates: Annotated[list[str], Field(description="What a map can show.")]
    palate: Annotated[str, Field(description="The version of Palate.")]


class Score(BaseModel):
    """How well a model, or a baseline, does on ratings held back."""

    name: str
    rmse: float | None
    mae: float | None
    ndcg: float | None
    ours: Annotated[bool, Field(description="Whether it is the solver of this model.")]


class Evaluation(BaseModel):
    """The solver of this model beside baselines; null while it is being measured."""

    scores: list[Score] | None
    split: str | None
    why_not: Annotated[str | None, Field(description="Why it can't be measured.")] = None


class Problem(BaseModel):
    """What was wrong (RFC 9457)."""

    type: str = "about:blank"
    title: str
    status: int
    detail: Annotated[str, Field(description="A sentence that says what was wrong.")]
