"""Types of what clients send; FastAPI validates against them and derives the OpenAPI document."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt, StrictStr, model_validator

from palate.inference._lists import By
from palate.learned._lookup import Unknown

_MAX_RATINGS, _MAX_CANDIDATES, MAX_RESULTS, _MAX_QUESTIONS = 1000, 1000, 100, 20
_MAX_FEATURES, _MAX_CONDITIONS, _MAX_GROUP = 100, 10, 20_000
_Text = Annotated[StrictStr, Field(max_length=1000)]
_Value = StrictBool | StrictInt | Annotated[float, Field(allow_inf_nan=False)] | _Text
ItemReference = Annotated[
    StrictInt | _Text,
    Field(description="The id of an item, or its title.", examples=["Fargo (1996)"]),
]


Conditions = Annotated[
    list[str],
    Field(
        max_length=_MAX_CONDITIONS,
        description="Conditions COLUMN=VALUE, such as genres=Comedy or year=1990..1999. An item is "
        "listed if it meets all of them.",
    ),
]
Coordinate = Annotated[
    str,
    Field(
        max_length=100,
        description="axis 1, axis 2, ...; component 1, ... (principal components of the factors); "
        "bias; mean; ratings; or a numeric column of the items.",
    ),
]


class Body(BaseModel):
    """A JSON body. Unknown fields are refused, so that a misspelt one is not silently ignored."""

    model_config = ConfigDict(extra="forbid")


class Rating(Body):
    """A rating of one item."""

    item: ItemReference
    rating: Annotated[
        float,
        Field(
            allow_inf_nan=False,
            description="On the scale of the ratings; in a model of counts, how often.",
            examples=[5],
        ),
    ]


class Person(Body):
    """A known user, or any person described by ratings or by the items that they picked."""

    user: Annotated[StrictInt | _Text | None, Field(description="The id of a known user.")] = None
    ratings: Annotated[
        list[Rating] | None,
        Field(
            max_length=_MAX_RATINGS,
            description="The ratings of any person. They are used for this answer and not stored.",
        ),
    ] = None
    items: Annotated[
        list[ItemReference] | None,
        Field(
            max_length=_MAX_RATINGS,
            description="Instead of ratings, in a model without expected ratings: the items that "
            "any person picked. They are used for this answer and not stored.",
        ),
    ] = None

    features: Annotated[
        dict[_Text, StrictInt | float | _Text | list[_Text]] | None,
        Field(
            max_length=_MAX_FEATURES,
            description="With ratings: what is known of the person, as values of columns of the "
            "users table that the model was fitted with.",
            examples=[{"age": 24}],
        ),
    ] = None
    unknown: Annotated[
        Unknown | None,
        Field(
            description='What to do with items that the model does not know: an "error", or '
            '"skip" them; they are then listed in `skipped`. Default: items to exclude are '
            "skipped, and all others are an error."
        ),
    ] = None

    @model_validator(mode="after")
    def _require_exactly_one(self) -> "Person":
        if sum(given is not None for given in (self.user, self.ratings, self.items)) != 1:
            raise ValueError("give either a known user or ratings or items, and only one of them")
        if self.features is not None and self.ratings is None:
            raise ValueError("give features of a person with ratings, which may be an empty list")
        return self


class RecommendationsRequest(Person):
    """For whom to recommend, how many items, and from which."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"ratings": [{"item": "Fargo (1996)", "rating": 5}], "n": 10}]
        }
    )

    n: Annotated[int, Field(ge=1, le=MAX_RESULTS, description="Number of items.")] = 10
    candidates: Annotated[
        list[ItemReference] | None,
        Field(max_length=_MAX_CANDIDATES, description="Items to choose from. Default: all items."),
    ] = None
    exclude: Annotated[
        list[ItemReference],
        Field(description="Items to leave out: as many as the body may hold."),
    ] = []
    where: Annotated[
        dict[_Text, _Value | list[_Value]] | None,
        Field(
            max_length=_MAX_CONDITIONS,
            description="Conditions on columns of the items, all of which must be met: a value, a "
            "range of numbers, or a list of values, any of which may match.",
            examples=[{"genres": "Comedy", "year": "1990..1999"}],
        ),
    ] = None
    by: Annotated[
        By | None,
        Field(
            description='What the items are ranked by: "choice", what this person would pick; '
            '"rating", how they would like it; or "both". Default: both, where the model knows '
            "both."
        ),
    ] = None
    balance: Annotated[
        float | None,
        Field(
            ge=0,
            le=1,
            description="Instead of by: between what this person would pick (0) and how they would "
            "like it (1); halfway both count as the fit has found best.",
        ),
    ] = None
    cautious: Annotated[
        float | None,
        Field(
            gt=0,
            le=0.5,
            description="If given, rank by this quantile of the expected rating instead of its "
            "mean: 0.1 ranks by the value that it exceeds with probability 0.9. It implies by "
            '"rating".',
        ),
    ] = None
    diversity: Annotated[
        float,
        Field(
            ge=0,
            le=1,
            description="How much items of different people are preferred to the best ones.",
        ),
    ] = 0.0
    calibrate: Annotated[
        str | None,
        Field(
            description="A column of lists in the items table, such as genres: prefer its "
            "proportions in the history."
        ),
    ] = None
    reasons: Annotated[
        bool, Field(description="Whether to add short reasons to each recommendation.")
    ] = False


class ExplanationRequest(Person):
    """For whom to explain an item, and which item."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"ratings": [{"item": "Fargo (1996)", "rating": 5}], "item": "Heat (1995)"}
            ]
        }
    )

    item: ItemReference
    n: Annotated[
        int,
        Field(ge=1, le=MAX_RESULTS, description="Number of contributions to list individually."),
    ] = 5


class ComparedListsRequest(Person):
    """For whom two models recommend, and how many items."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"ratings": [{"item": "Fargo (1996)", "rating": 5}]}]}
    )

    n: Annotated[int, Field(ge=1, le=MAX_RESULTS, description="Number of items.")] = 10
    by: Annotated[
        By | None,
        Field(description="What the items are ranked by; by default the first that both can."),
    ] = None

    def person(self) -> Person:
        """Return whom it is about; items that a model does not know are skipped by default."""
        return _only_person(self)


class ComparedExplanationRequest(ExplanationRequest):
    """For whom to explain which item, and by which of two models."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "model": "second",
                    "ratings": [{"item": "Fargo (1996)", "rating": 5}],
                    "item": "Heat (1995)",
                }
            ]
        }
    )

    model: Annotated[Literal["first", "second"], Field(description="Which of the two models.")]

    def person(self) -> Person:
        """Return whom it is about; items that a model does not know are skipped by default."""
        return _only_person(self)


def _only_person(request: Person) -> Person:
    given = request.model_dump(include=set(Person.model_fields), exclude_unset=True)
    return Person.model_validate({"unknown": "skip"} | given)


class QuestionsRequest(Person):
    """Whom to ask, how many questions, and which items not to ask about."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"ratings": [], "n": 3}]})

    n: Annotated[int, Field(ge=1, le=_MAX_QUESTIONS, description="Number of questions.")] = 3
    exclude: Annotated[
        list[ItemReference],
        Field(
            description="Items to leave out, such as those that the person does not know: as many "
            "as the body may hold.",
        ),
    ] = []


class PortraitRequest(Person):
    """Whom to describe."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"ratings": [{"item": "Fargo (1996)", "rating": 5}]}]}
    )


class PredictionsRequest(Person):
    """Whose ratings to predict."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"ratings": [{"item": "Fargo (1996)", "rating": 5}]}]}
    )


class GroupRequest(Body):
    """Which items to compare with all."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"items": ["Fargo (1996)", "Heat (1995)"]}]}
    )

    items: Annotated[list[ItemReference], Field(max_length=_MAX_GROUP)]
    unknown: Annotated[
        Unknown, Field(description='Whether an unknown item is an "error" or to "skip".')
    ] = "error"


Search = Annotated[
    str,
    Field(
        max_length=200,
        description="Words of the title, in any order, where accents, case, punctuation and blanks "
        "make no difference and, if no title has them, one typing error in each word of four "
        "letters or more.",
    ),
]


class Paging(BaseModel):
    """One page of a list."""

    page: Annotated[int, Field(ge=1, le=1_000_000, description="Page number, from 1.")] = 1
    size: Annotated[int, Field(ge=1, le=200, description="Number of entries on a page.")] = 50

    @property
    def rows(self) -> slice:
        """The rows of the whole list that are on the page."""
        return slice((self.page - 1) * self.size, self.page * self.size)


class PageQuery(Paging):
    """One page of a list that can be searched."""

    search: Annotated[str, Field(max_length=200, description="Text to search for.")] = ""


class ItemsFilter(BaseModel):
    """Which items to list, and in what order."""

    search: Search = ""
    sort: Annotated[
        Literal["item", "ratings", "mean", "bias", "lower", "upper", "gap"] | None,
        Field(
            description="The column to sort by. lower and upper are the ends of the bias's 90% "
            "interval; gap is rank by mean minus rank by bias. Default: in a search how well the "
            "title matches; else bias, or ratings in a model without expected ratings, which has "
            "only this and item."
        ),
    ] = None
    descending: Annotated[bool, Field(description="Whether the largest values come first.")] = True
    where: Conditions = []
    id: Annotated[
        list[Annotated[str, Field(max_length=1000)]],
        Field(
            max_length=_MAX_RATINGS,
            description="Only these items: ids or titles, each by a parameter of its own. Without "
            "`sort` they are listed in this order and on one page, whatever else is asked, and "
            "those that are not known are in `unknown`.",
        ),
    ] = []
    min_ratings: Annotated[
        int,
        Field(ge=1, le=1_000_000_000, description="Minimum number of training ratings of an item."),
    ] = 1


class ItemsQuery(Paging, ItemsFilter):
    """Which items to list, in what order, and which page of the list."""


class MapQuery(BaseModel):
    """Which two coordinates, and of which items."""

    x: Coordinate = "axis 1"
    y: Coordinate = "axis 2"
    search: Search = ""
    where: Conditions = []
