"""Types of what the service returns about a model and its items; OpenAPI is derived from them."""

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


class OnAxis(BaseModel):
    """A position on an axis of taste, and the names of the axis and its ends."""

    axis: int
    name: str | None
    low: Annotated[str, Field(description="Name of the low end of the axis.")]
    high: Annotated[str, Field(description="Name of the high end of the axis.")]
    position: float


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
    unknown: Annotated[
        list[str],
        Field(description="What was asked for by id and is no item, or the title of several."),
    ] = []


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


class Neighbours(BaseModel):
    """The neighbours of an item."""

    neighbours: Annotated[list[Neighbour], Field(description="Items liked by the same people.")]
    also_picked: Annotated[
        list[AlsoPicked], Field(description="Items picked by the same people, the likeliest first.")
    ]


class Place(OnAxis):
    """The position of an item on an axis, with its 90% interval."""

    lower: float | None
    upper: float | None


class ItemPage(Item):
    """All that the model knows about one item, but for its neighbours.

    mean = mu + bias + raters_bias + raters_interaction + residual.
    """

    mu: Annotated[float | None, Field(description="The overall mean.")]
    raters_bias: Annotated[float | None, Field(description="Mean bias of those who rated it.")]
    raters_interaction: Annotated[
        float | None, Field(description="Mean interaction of those who rated it with the item.")
    ]
    residual: float | None
    axes: list[Place]


class RatingCount(BaseModel):
    """How often one step of the scale was given."""

    rating: float
    observed: int
    expected: Annotated[float, Field(description="How often the model expects it.")]


class RatingCounts(BaseModel):
    """How often each step of the scale was given to an item, or by a user."""

    steps: list[RatingCount]


class Contrasted(ItemName):
    """An item that is picked more often, or more rarely, than others that are liked as well."""

    ratings: Annotated[int, Field(description="Number of training ratings.")]
    beyond_taste: Annotated[
        float, Field(description="How many times as often as those others it is picked.")
    ]
    beyond_taste_lower: Annotated[
        float | None, Field(description="Lower end of its 90% interval; null in a point estimate.")
    ]
    beyond_taste_upper: Annotated[float | None, Field(description="Upper end of it.")]
    bias: float


class Popularity(BaseModel):
    """Popularity beyond taste: the most extreme items of both kinds.

    In a model with intervals these are the items for which it is certain.
    """

    min_ratings: Annotated[
        int, Field(description="Only items with as many training ratings are compared.")
    ]
    often: Annotated[list[Contrasted], Field(description="Items picked often but liked little.")]
    rarely: Annotated[list[Contrasted], Field(description="Items picked rarely but well liked.")]


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
    noise_sd: Annotated[
        float | None,
        Field(
            description="How far a rating typically lies from the expected one, over all people."
        ),
    ]
    sure: Annotated[
        bool, Field(description="Whether the model has intervals; a point estimate has none.")
    ]
    history: list[dict[str, Any]]
    axes: list[Axis]
    columns: list[Column]
    coordinates: Annotated[list[str], Field(description="The coordinates that the map offers.")]
    palate: Annotated[str, Field(description="The version of Palate.")]
    compared: Annotated[
        list[str] | None,
        Field(description="The names of this model and of another beside it, if there is one."),
    ] = None


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
    """The solver of this model beside baselines; scores are null until it has been evaluated."""

    scores: list[Score] | None = None
    split: str | None = None
    running: Annotated[bool, Field(description="Whether it is being evaluated.")] = False
    sentence: Annotated[str | None, Field(description="What is best, and by how much.")] = None
    why_not: Annotated[str | None, Field(description="Why it can't be evaluated.")] = None


class Problem(BaseModel):
    """An error, as problem details (RFC 9457)."""

    type: str = "about:blank"
    title: str
    status: int
    detail: Annotated[str, Field(description="A sentence that says what was wrong.")]
