"""The data behind a model: all that a fit leaves."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from palate._computed_once import computed_once
from palate._threads import thread_count
from palate.data._features import Feature, features
from palate.data._ratings import Csr, Kind, Ratings
from palate.errors import SettingError, UnknownIdError
from palate.learned._canonical_axes import CanonicalAxes, canonical_axes
from palate.learned._choice import ChoiceModel
from palate.learned._choice_directions import ChoiceDirections
from palate.learned._known_features import KnownFeatures
from palate.learned._likelihood import Likelihood
from palate.learned._lookup import IdIndex, ItemIndex, item_names
from palate.learned._parameters import Parameters


@dataclass(frozen=True)
class FitRecord:
    """How a model was fitted.

    Attributes
    ----------
    solver, settings
        The name of the solver, and all its settings, including the seed.
    source
        Where the ratings came from.
    history
        A row for each epoch or sweep.
    interrupted
        Whether Ctrl-C ended the fit early.
    """

    solver: str
    settings: dict[str, Any]
    source: str
    history: list[dict[str, Any]] = field(default_factory=list)
    interrupted: bool = False

    @property
    def source_name(self) -> str:
        """The name of the source alone, such as "ratings.csv", without columns and folders."""
        name = self.source.partition(": ")[0]
        return name.partition(" from ")[0] if name.startswith("MovieLens ") else name


@dataclass(frozen=True, eq=False)
class Learned:
    """The items, the learned parameters, the training ratings and the users.

    Attributes
    ----------
    items
        The items: the columns ``id``, ``item`` (the title, else the id as text) and item features.
    rating_parameters
        What was learned of how people rate: of the items and of the population of users. None in a
        model of events or counts.
    item_counts, item_means
        The number of training ratings of each item, and their mean (NaN without any); shape
        (items,).
    ratings
        The training ratings; None in a model that was saved without users.
    user_table
        The k factors of each user, then the bias; shape (users, k + 1). None in a model of events
        or counts, and in one that was saved without users.
    fit
        How the model was fitted.
    choice
        What was learned of which items people pick; None if it was not learned.
    added_items
        How many of the last items were added after the fit.
    added_ratings
        How many of the last ratings were added after the fit: the items were learned without them.
        A rating or event of the fit that was given again, and a count that has grown, are not.
    user_variances
        The relative variance of each user's ratings (see `RatingVariances`); shape (users,). None
        if all are 1, and where there is no `user_table`.
    """

    items: pl.DataFrame
    rating_parameters: Parameters | None
    item_counts: NDArray[np.int64]
    item_means: NDArray[np.float32]
    ratings: Ratings | None
    user_table: NDArray[np.float32] | None
    fit: FitRecord
    choice: ChoiceModel | None = None
    user_variances: NDArray[np.float64] | None = None
    added_items: int = 0
    added_ratings: int = 0

    @classmethod
    def of_fit(
        cls,
        ratings: Ratings,
        parameters: Parameters | None,
        user_table: NDArray[np.float32] | None,
        fit: FitRecord,
        choice: ChoiceModel | None = None,
    ) -> "Learned":
        """Return the data of a model fitted to `ratings`."""
        counts, means = ratings.item_means()
        return cls(ratings.items, parameters, counts, means, ratings, user_table, fit, choice)

    def __repr__(self) -> str:
        users = "no users" if self.users is None else f"{self.users.height:,} users"
        factors = f"{self.factors} factors, " if self.has_ratings else ""
        return (
            f"<Model: {self.items.height:,} items, {users}, {factors}by {self.fit.solver}; "
            f"{self.fit.source}>"
        )

    @property
    def has_ratings(self) -> bool:
        """Whether there is a model of how people rate; there is none of events and counts."""
        return self.rating_parameters is not None

    @property
    def kind(self) -> Kind:
        """What the model was fitted to."""
        return "ratings" if self.has_ratings else self.require_choice().weighting.kind

    @property
    def parameters(self) -> Parameters:
        """The parameters of the rating model; see `require_rating_model`."""
        return self.require_rating_model()

    def require_rating_model(self) -> Parameters:
        """Return the parameters of the rating model.

        Raises
        ------
        SettingError
            If the model was fitted to events or counts.
        """
        if self.rating_parameters is None:
            raise SettingError(
                "this needs a model of ratings; this one knows what people pick, not how they like "
                "it"
            )
        return self.rating_parameters

    def require_choice(self) -> ChoiceModel:
        """Return the choice model.

        Raises
        ------
        SettingError
            If there is none.
        """
        if self.choice is None:
            raise SettingError(
                'this model has no choice model: use by="rating", or fit with palate.fit or '
                "palate.Choice()"
            )
        return self.choice

    @property
    def users(self) -> pl.DataFrame | None:
        """The known users: the column ``id``; None in a model that was saved without users."""
        return None if self.ratings is None else self.ratings.users

    @property
    def likelihood(self) -> Likelihood:
        """The distribution of a rating given its score."""
        return self.parameters.likelihood

    @property
    def has_intervals(self) -> bool:
        """Whether the uncertainty of the items is known; it is not in a point estimate."""
        parameters = self.rating_parameters
        return parameters is not None and parameters.item_posterior is not None

    @property
    def factors(self) -> int:
        """The number of factors k."""
        return int(self.item_table.shape[1]) - 1

    @property
    def item_table(self) -> NDArray[np.float32]:
        """The factors and the bias of each item; shape (items, k + 1)."""
        return self.parameters.item_table

    @property
    def item_factors(self) -> NDArray[np.float32]:
        """The factors of each item; shape (items, k)."""
        return self.item_table[:, :-1]

    @property
    def item_biases(self) -> NDArray[np.float32]:
        """The bias of each item, in units of the score; shape (items,)."""
        return self.item_table[:, -1]

    @property
    def rated(self) -> NDArray[np.bool_]:
        """Whether each item has a training rating; shape (items,)."""
        return self.item_counts > 0

    @computed_once
    def canonical_axes(self) -> CanonicalAxes:
        """The positions of items and users on canonical axes."""
        return canonical_axes(self.parameters, self.rated)

    @computed_once
    def choice_directions(self) -> ChoiceDirections:
        """The directions in which the choice scores of people differ most."""
        return ChoiceDirections.of(self.require_choice().weights, thread_count(None))

    @computed_once
    def item_index(self) -> ItemIndex:
        """The index of items by id or title."""
        return ItemIndex(self.items, self.item_counts)

    @computed_once
    def item_features(self) -> list[Feature]:
        """The features in the columns of the items table."""
        return features(self.items)

    @computed_once
    def item_names(self) -> pl.Series:
        """The name by which each item is shown; see `palate.learned._lookup.item_names`."""
        return item_names(self.items["id"], self.items["item"])

    @computed_once
    def spoken_names(self) -> pl.Series:
        """`item_names` as sentences have them: a number that is an id and no title is "item 12"."""
        ids, names = self.items["id"], self.item_names
        if not ids.dtype.is_numeric():
            return names
        number = pl.format("item {}", names)
        is_id = names == ids.cast(pl.String)
        return pl.select(pl.when(is_id).then(number).otherwise(names).alias("item"))["item"]

    @property
    def noun(self) -> str:
        """What sentences call the items: titles, if they have any."""
        ids = self.items["id"].cast(pl.String)
        return "items" if ids.equals(self.items["item"], check_names=False) else "titles"

    @computed_once
    def user_index(self) -> IdIndex:
        """The index of users by id."""
        return IdIndex(self.require_users().users["id"], "user")

    @computed_once
    def known_of_users(self) -> NDArray[np.float32] | None:
        """The known features of each known user, shape (users, m); None if there are none."""
        return self.known_of(self.require_users().users)

    def known_of(self, people: pl.DataFrame) -> NDArray[np.float32] | None:
        """Return the known features of people from a table of them; None if there are none.

        Raises
        ------
        DataError
            If a column holds something else than in the fit.
        """
        return self.known_features.of(people) if len(self.known_features) else None

    @property
    def known_features(self) -> KnownFeatures:
        """The features of people that the model knows from a table; none without a rating model."""
        if self.rating_parameters is None:
            return KnownFeatures()
        return self.parameters.user_prior.known

    @computed_once
    def ratings_by_user(self) -> Csr:
        """The training ratings grouped by user."""
        return self.require_users().by_user()

    @computed_once
    def ratings_by_item(self) -> Csr:
        """The training ratings grouped by item."""
        return self.require_users().by_item()

    def require_users(self) -> Ratings:
        """Return the training ratings of the known users.

        Raises
        ------
        UnknownIdError
            If the model was saved without users.
        """
        if self.ratings is None:
            raise UnknownIdError("this model was saved without its users, so it knows none of them")
        return self.ratings

    def require_user_table(self) -> NDArray[np.float32]:
        """Return the factors and the bias of each known user; shape (users, k + 1).

        Raises
        ------
        UnknownIdError
            If the model was saved without users.
        SettingError
            If the model was fitted to events or counts.
        """
        self.require_users()
        self.require_rating_model()
        assert self.user_table is not None
        return self.user_table

    def require_user_variances(self) -> NDArray[np.float64]:
        """Return the relative variance of each known user's ratings; shape (users,)."""
        if self.user_variances is None:
            return np.ones(len(self.require_user_table()))
        return self.user_variances

    def item_frame(self, rows: NDArray[np.integer[Any]], **columns: Any) -> pl.DataFrame:
        """Return a table of the ids and names of the items at `rows`, and further columns."""
        # `gather` takes twice as long for few rows, which is most of the time of a short list.
        names = {"id": self.items["id"][rows], "item": self.item_names[rows]}
        return pl.DataFrame(names | columns)
