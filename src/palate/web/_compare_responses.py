"""Types of what the service returns about two models, two items or two people."""

from typing import Annotated

from pydantic import BaseModel, Field

from palate.inference._lists import By
from palate.web import _person_responses as people
from palate.web import _responses as res


class ComparedModel(BaseModel):
    """One of two models."""

    name: Annotated[str, Field(description="The name of its folder.")]
    solver: str
    items: Annotated[int, Field(description="Number of items with training ratings.")]
    users: Annotated[int | None, Field(description="Null if it was saved without users.")]
    ratings: int
    only_items: Annotated[int, Field(description="How many of them have none in the other model.")]
    only: Annotated[
        list[res.ItemName], Field(description="Some of these, those with the most ratings first.")
    ]


class Compared(BaseModel):
    """Two models, and what they have in common."""

    models: Annotated[list[ComparedModel], Field(min_length=2, max_length=2)]
    common_items: Annotated[int, Field(description="Number of items with ratings in both.")]
    common_users: Annotated[
        int | None, Field(description="Null if a model was saved without users.")
    ]
    lists_by: Annotated[
        list[By],
        Field(description="What both can rank lists by, the default first."),
    ]


class ComparedItem(people.Recommendation):
    """An item in the list of one model, and what the other makes of it."""

    other_knows: Annotated[
        bool, Field(description="Whether the item has training ratings in the other model.")
    ]
    other_rank: Annotated[
        int | None,
        Field(description="Its place in the list of the other model; null beyond the 100th."),
    ]
    other_prediction: Annotated[
        float | None, Field(description="The expected rating by the other model.")
    ]


class ComparedList(BaseModel):
    """The list of one model."""

    model: str
    recommendations: list[ComparedItem]
    unknown: Annotated[
        list[int | str], Field(description="What this model alone does not know of the request.")
    ]


class ComparedLists(people.Answer):
    """The lists of two models for the same person; `skipped` is what neither knows."""

    lists: Annotated[list[ComparedList], Field(min_length=2, max_length=2)]
    common: Annotated[int, Field(description="How many items are in both lists.")]
    history: Annotated[
        list[res.ItemName],
        Field(description="The items of the request that a model knows; none of a known user."),
    ]


class Overlap(BaseModel):
    """How alike the lists of two models are, over the people whom both know."""

    n: Annotated[int, Field(description="The length of the lists.")]
    people: Annotated[int, Field(description="Of how many people; a sample of those known.")]
    known: Annotated[int, Field(description="How many people both models know.")]
    mean: Annotated[
        float | None, Field(description="The mean fraction of items that both lists have.")
    ]
    counts: Annotated[
        list[int],
        Field(
            description="How many people have 0, 1, ..., n items in both lists; of shorter lists "
            "in proportion."
        ),
    ]
    why_not: Annotated[str | None, Field(description="Why it is not known.")] = None


class ComparedBias(res.ItemName):
    """An item with its bias in both models."""

    ratings: Annotated[int, Field(description="Number of training ratings of the first model.")]
    other_ratings: int
    bias: float
    other_bias: float
    difference: Annotated[float, Field(description="The first bias minus the second.")]
    lower: Annotated[
        float | None, Field(description="Lower end of its 90% interval; null without intervals.")
    ]
    upper: float | None


class ComparedBiases(BaseModel):
    """The items whose biases differ most, those first about which there is least doubt."""

    higher: Annotated[list[ComparedBias], Field(description="Higher in the first model.")]
    lower: Annotated[list[ComparedBias], Field(description="Lower in the first model.")]
    items: Annotated[int, Field(description="How many items are compared.")]
    sure: Annotated[
        int | None,
        Field(description="For how many of them the interval excludes 0; null without intervals."),
    ]
    why_not: Annotated[str | None, Field(description="Why they can't be compared.")] = None


class ModelScore(BaseModel):
    """Metrics of a model on held-out ratings."""

    name: str
    rmse: float | None
    mae: float | None
    ndcg: float | None
    recall: float | None


class Accuracy(BaseModel):
    """Both solvers on the same held-out ratings; scores are null while they are measured."""

    scores: list[ModelScore] | None
    held_out: Annotated[int, Field(description="Number of held-out ratings.")] = 0
    people: Annotated[int, Field(description="Of how many people.")] = 0
    sentence: Annotated[
        str | None, Field(description="Which is better, and whether by more than chance.")
    ] = None
    why_not: Annotated[str | None, Field(description="Why it can't be measured.")] = None


class Agreement(BaseModel):
    """The correlation of two ratings of the same items, or by the same people."""

    n: int
    correlation: Annotated[
        float | None, Field(description="Null for fewer than 4, or where one side does not vary.")
    ]
    lower: Annotated[float | None, Field(description="Lower end of its 90% interval.")]
    upper: Annotated[float | None, Field(description="Upper end of the same interval.")]


class RaterOfBoth(BaseModel):
    """A user who has two items in their history, with their ratings or counts."""

    user: res.Id
    first: float
    second: float


class ItemPair(BaseModel):
    """Two items beside each other."""

    items: Annotated[list[res.Item], Field(min_length=2, max_length=2)]
    axes: Annotated[
        list[list[res.Place]], Field(description="Of each of the two, its positions on the axes.")
    ]
    both: Annotated[
        int | None,
        Field(description="How many people have both; null in a model without users."),
    ]
    by_chance: Annotated[
        float | None,
        Field(description="How many would, if those who have one were a random sample."),
    ]
    like_both: Annotated[
        int | None,
        Field(description="How many rated neither below the mean of their ratings."),
    ]
    fans: Annotated[list[RaterOfBoth], Field(description="Some of those, the keenest first.")]
    agreement: Annotated[Agreement | None, Field(description="Of the ratings of both.")]
    similarity: Annotated[float | None, Field(description="Cosine between the factors.")]
    first_higher: Annotated[
        float | None, Field(description="The probability that the first has the higher bias.")
    ]


class RatedByBoth(res.ItemName):
    """An item of two histories, with both ratings."""

    first: float
    second: float


class ComparedUser(BaseModel):
    """One of two known users."""

    user: res.Id
    ratings: Annotated[int, Field(description="Number of training ratings, or of items picked.")]
    mean: float | None


class UserPair(BaseModel):
    """Two known users beside each other."""

    users: Annotated[list[ComparedUser], Field(min_length=2, max_length=2)]
    portraits: Annotated[
        list[people.Portrait], Field(description="Of both; none in a model without ratings.")
    ]
    common: Annotated[int, Field(description="How many items are in both histories.")]
    items: Annotated[
        list[RatedByBoth], Field(description="Some of these, the highest rated first.")
    ]
    agreement: Annotated[Agreement | None, Field(description="Of the ratings of both.")]
    similarity: Annotated[
        float | None, Field(description="As in similar-users; null in a model without ratings.")
    ]
    from_first: Annotated[
        list[people.Recommendation],
        Field(description="What the first likes and the second has not had, the best first."),
    ]
    from_second: Annotated[
        list[people.Recommendation],
        Field(description="What the second likes and the first has not had, the best first."),
    ]
