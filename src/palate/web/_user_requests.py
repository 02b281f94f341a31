"""Types of what clients ask about known users."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field, model_validator

from palate.web._requests import MAX_RESULTS, PageQuery, Paging

UserReference = Annotated[str, Field(max_length=1000, description="The id of a known user.")]


class UsersQuery(PageQuery):
    """Which known users to list, and in what order; `search` is the beginning of an id."""

    sort: Annotated[
        Literal["user", "ratings", "mean", "bias", "spread"],
        Field(
            description="The column to sort by. bias: how much higher than most they rate; spread: "
            "how far their ratings lie from the expected ones. Those two and mean need ratings."
        ),
    ] = "user"
    descending: Annotated[bool, Field(description="Whether the largest values come first.")] = False


class HistoryOrder(BaseModel):
    """Whose history, and in what order."""

    user: UserReference
    sort: Annotated[
        Literal["item", "rating", "expected", "residual", "surprise", "leverage", "time"] | None,
        Field(
            description="The column to sort by; surprise by its absolute value. Default: rating; "
            "time for events and counts that have it."
        ),
    ] = None
    descending: Annotated[bool, Field(description="Whether the largest values come first.")] = True


class HistoryQuery(HistoryOrder, Paging):
    """Whose history, in what order, and which page of it."""


class SimilarUsersQuery(BaseModel):
    """To whom others are compared, and how many are returned."""

    user: UserReference
    n: Annotated[int, Field(ge=1, le=MAX_RESULTS, description="Number of users.")] = 10


class RatingCountsQuery(BaseModel):
    """The ratings of which item, or by which user, are counted."""

    item: Annotated[
        str | None, Field(max_length=1000, description="The id of an item, or its title.")
    ] = None
    user: Annotated[str | None, Field(max_length=1000, description="The id of a known user.")] = (
        None
    )

    @model_validator(mode="after")
    def _require_exactly_one(self) -> "RatingCountsQuery":
        if (self.item is None) == (self.user is None):
            raise ValueError("give either an item or a user")
        return self
