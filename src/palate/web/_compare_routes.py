"""The routes of comparisons: of two models, two items, or two people."""

from typing import Annotated

from fastapi import FastAPI, Query

from palate.errors import SettingError
from palate.web import _compare_responses as res
from palate.web import _person_responses as people
from palate.web import _requests as req
from palate.web._compare import ComparedModels, ModelComparison
from palate.web._compare_pairs import item_pair, user_pair
from palate.web._model_holder import ModelHolder

_Item = Annotated[str, Query(max_length=1000, description="The id of an item, or its title.")]
_User = Annotated[str, Query(max_length=1000, description="The id of a user.")]


def add_compare_routes(app: FastAPI, holder: ModelHolder, models: ComparedModels | None) -> None:
    """Add the routes; those of two models say so where `models` is None."""

    def compared() -> ModelComparison:
        if models is None:
            raise SettingError(
                "there is one model here; start palate explore with the folders of two to compare "
                "them"
            )
        return models.current

    @app.get("/api/compare")
    def compare() -> res.Compared:
        """Return what two models have in common, if the explorer was started with two."""
        return compared().summary

    @app.post("/api/compare/lists")
    def compare_lists(request: req.ComparedListsRequest) -> res.ComparedLists:
        """Recommend items to one person by both models; items of either history are left out."""
        return compared().lists(request)

    @app.post("/api/compare/explanations")
    def compare_explanations(request: req.ComparedExplanationRequest) -> people.Explanation:
        """Explain an item to a person by one of the two models."""
        return compared().explanation(request)

    @app.get("/api/compare/overlap")
    def compare_overlap() -> res.Overlap:
        """Return how alike the lists of both models are, over the people whom both know."""
        return compared().overlap

    @app.get("/api/compare/biases")
    def compare_biases() -> res.ComparedBiases:
        """Return the items that one of the models finds better liked than the other does."""
        return compared().biases

    @app.post("/api/compare/accuracy")
    def compare_accuracy() -> res.Accuracy:
        """Measure both solvers, unless that is running or done; scores are null until then."""
        return compared().accuracy()

    _add_pair_routes(app, holder)


def _add_pair_routes(app: FastAPI, holder: ModelHolder) -> None:
    @app.get("/api/compare/items")
    def compare_items(a: _Item, b: _Item) -> res.ItemPair:
        """Return two items beside each other: biases, axes, and who likes both."""
        return item_pair(holder.explorer, a, b)

    @app.get("/api/compare/people")
    def compare_people(a: _User, b: _User) -> res.UserPair:
        """Return two known users beside each other: tastes, agreement, and what to pass on."""
        return user_pair(holder.explorer, a, b)
