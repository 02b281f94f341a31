"""The application: routes, their descriptions in the OpenAPI document, and the page's files."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from importlib.resources import files
from typing import Annotated, Any, TypeVar

from anyio.to_thread import current_default_thread_limiter
from fastapi import FastAPI, Path, Query
from fastapi.responses import Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from starlette.middleware.gzip import GZipMiddleware
from starlette.staticfiles import StaticFiles

from palate import _theme
from palate.web import _map as plane
from palate.web import _person_responses as people
from palate.web import _requests as req
from palate.web import _responses as res
from palate.web import _user_requests as of_users
from palate.web._compare import ComparedModels
from palate.web._compare_routes import add_compare_routes
from palate.web._csv import csv_response
from palate.web._middleware import SKIPPED, AccessSettings, ServiceMiddleware
from palate.web._model_header import ModelHeader
from palate.web._model_holder import ModelHolder
from palate.web._problems import register_error_handlers
from palate.web._routes import JsonRoute

# Handlers hold the interpreter lock most of the time: more threads only slow down each other and
# the event loop. Under benchmarks/serve.py two threads halve the 99th percentile of the latency.
_THREADS = 2
# Smaller responses are at most three packets, which are sent together. Higher levels take several
# times longer for some percent.
_COMPRESSED_BYTES, _COMPRESSION_LEVEL = 4000, 4
_STATIC_FOLDER = str(files("palate.web") / "static")
_PROBLEM = {"content": {"application/problem+json": {"schema": res.Problem.model_json_schema()}}}
_PROBLEMS: dict[int | str, dict[str, Any]] = {
    400: _PROBLEM | {"description": "The body can't be parsed."},
    401: _PROBLEM | {"description": "The bearer token is missing or wrong."},
    403: _PROBLEM | {"description": "The request comes from a page of another site."},
    404: _PROBLEM | {"description": "There is no such user or item."},
    408: _PROBLEM | {"description": "The body did not arrive in time."},
    413: _PROBLEM | {"description": "The body is too large."},
    422: _PROBLEM | {"description": "A value is out of range or has the wrong type."},
    503: _PROBLEM | {"description": "The response took too long, or the service is busy."},
}
_CSV: dict[str, Any] = {
    "response_class": Response,
    "responses": {200: {"content": {"text/csv": {"schema": {"type": "string"}}}}},
}
Answer = TypeVar("Answer", bound=people.Answer)
UserId = Annotated[str, Path(max_length=1000, description="The id of a user.")]
ItemReference = Annotated[
    str, Path(max_length=1000, description="The id of an item, or its title.")
]


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    current_default_thread_limiter().total_tokens = _THREADS
    yield


def create_app(
    holder: ModelHolder, access: AccessSettings, compared: ComparedModels | None = None
) -> ServiceMiddleware:
    """Return the ASGI application that serves the model of `holder`, beside another if given."""
    app = FastAPI(
        title="Palate",
        version=version("palate"),
        description="Recommendations, explanations and interpretation of a model of what people "
        "pick and how they like it. Ratings that are sent are used for the response and not "
        "stored. A model of events or counts knows only what people pick; what needs ratings "
        "answers with status 422.",
        responses=_PROBLEMS,
        lifespan=_lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/openapi.json",
    )
    app.router.route_class = JsonRoute
    app.add_middleware(
        GZipMiddleware, minimum_size=_COMPRESSED_BYTES, compresslevel=_COMPRESSION_LEVEL
    )
    register_error_handlers(app)
    _add_model_routes(app, holder, compared)
    _add_user_routes(app, holder)
    _add_person_routes(app, holder)
    add_compare_routes(app, holder, compared)
    _add_other_routes(app)
    app.mount("/", StaticFiles(directory=_STATIC_FOLDER, html=True), name="page")
    holders = [holder] if compared is None else compared.holders
    return ServiceMiddleware(ModelHeader(app, holders), access)


def _add_model_routes(app: FastAPI, holder: ModelHolder, compared: ComparedModels | None) -> None:
    @app.get("/api/model")
    def model() -> res.Summary:
        """Return the summary of the model: its size, settings, fitting history and axes."""
        summary, names = holder.explorer.summary, None if compared is None else compared.names
        return summary.model_copy(update={"compared": names})

    @app.get("/api/evaluation")
    def evaluation() -> res.Evaluation:
        """Return metrics of the solver and of baselines, once somebody has asked for them."""
        return holder.explorer.evaluation.result()

    @app.post("/api/evaluation")
    def start_evaluation() -> res.Evaluation:
        """Start the evaluation, at low priority, unless it is running or has been done."""
        return holder.explorer.evaluation.start()

    @app.get("/api/items")
    def items(query: Annotated[req.ItemsQuery, Query()]) -> res.Items:
        """List items: search, filter, sort and page."""
        return holder.explorer.item_list.page(query)

    @app.get("/api/items/{item:path}")
    def item(item: ItemReference) -> res.ItemPage:
        """Return one item: bias, mean and axes."""
        return holder.explorer.item(item)

    # Not below the path of the item: an id may contain slashes.
    @app.get("/api/neighbours/{item:path}")
    def neighbours(item: ItemReference) -> res.Neighbours:
        """Return the items that the same people like, and those that they pick."""
        return holder.explorer.neighbours(item)

    @app.get("/api/popularity")
    def popularity() -> res.Popularity:
        """Return what is picked often but liked little, and picked rarely but well liked."""
        return holder.explorer.popularity

    @app.get("/api/items.csv", **_CSV)
    def items_csv(query: Annotated[req.ItemsFilter, Query()]) -> Response:
        """Return all items that match, as CSV; text that looks like a formula begins with '."""
        return csv_response(holder.explorer.item_list.export(query), "items.csv")

    @app.get("/api/map")
    def item_map(query: Annotated[req.MapQuery, Query()]) -> plane.Map:
        """Return all items in the plane of two coordinates, in columns."""
        return holder.explorer.map(query)

    @app.post("/api/groups")
    def groups(request: req.GroupRequest) -> plane.Group:
        """Return what items have in common: metadata, bias and positions unlike those of all."""
        return _counted("/api/groups", holder.explorer.group(request))


def _add_user_routes(app: FastAPI, holder: ModelHolder) -> None:
    @app.get("/api/users")
    def users(query: Annotated[of_users.UsersQuery, Query()]) -> people.Users:
        """List the known users whose ids begin with a text."""
        return holder.explorer.known_users.user_list(query)

    @app.get("/api/users/{user:path}")
    def user(user: UserId) -> people.UserPage:
        """Return one known user: portrait, and favourites or history."""
        return holder.explorer.user(user)

    # Not below /api/users/, since the id of a user may have any form.
    @app.get("/api/histories")
    def history(query: Annotated[of_users.HistoryQuery, Query()]) -> people.History:
        """Return the history of one known user, each rating beside the expected one."""
        return holder.explorer.known_users.history(query)

    @app.get("/api/histories.csv", **_CSV)
    def history_csv(query: Annotated[of_users.HistoryOrder, Query()]) -> Response:
        """Return the whole history of a user as CSV; what looks like a formula begins with '."""
        table = holder.explorer.known_users.history_table(query)
        return csv_response(table, "history.csv")

    @app.get("/api/similar-users")
    def similar_users(query: Annotated[of_users.SimilarUsersQuery, Query()]) -> people.SimilarUsers:
        """Return the known users whose tastes are most like those of one."""
        return holder.explorer.known_users.similar(query)

    @app.get("/api/rating-counts")
    def rating_counts(query: Annotated[of_users.RatingCountsQuery, Query()]) -> res.RatingCounts:
        """Return how often each rating was given, to an item or by a user, and expected."""
        explorer = holder.explorer
        return explorer.known_users.rating_counts(query, explorer.summary.scale)


def _add_person_routes(app: FastAPI, holder: ModelHolder) -> None:
    @app.post("/api/recommendations")
    def recommendations(request: req.RecommendationsRequest) -> people.Recommendations:
        """Recommend items to a known user, or to any person described by ratings or picks."""
        return _counted("/api/recommendations", holder.explorer.recommendations(request))

    @app.post("/api/explanations")
    def explanations(request: req.ExplanationRequest) -> people.Explanation:
        """Explain why a person would pick an item, and their expected rating of it."""
        return _counted("/api/explanations", holder.explorer.explanation(request))

    @app.post("/api/next-questions")
    def next_questions(request: req.QuestionsRequest) -> people.Questions:
        """Return the items whose ratings would be most informative about a person's tastes."""
        return _counted("/api/next-questions", holder.explorer.questions(request))

    @app.post("/api/portraits")
    def portraits(request: req.PortraitRequest) -> people.Portrait:
        """Describe a person in comparison with all users."""
        explorer = holder.explorer
        return _counted("/api/portraits", explorer.portrait(explorer.profile(request)))

    @app.post("/api/predictions")
    def predictions(request: req.PredictionsRequest) -> plane.Predictions:
        """Return a person's expected ratings of all items, in columns."""
        return _counted("/api/predictions", holder.explorer.predictions(request))


def _counted(route: str, answer: Answer) -> Answer:
    """Return an answer after counting what it does not take into account."""
    SKIPPED.labels(route).inc(len(answer.skipped))
    return answer


def _add_other_routes(app: FastAPI) -> None:
    @app.get("/theme.css", include_in_schema=False)
    def theme() -> Response:
        return Response(_theme.stylesheet(), media_type="text/css")

    @app.head("/healthz", include_in_schema=False)
    @app.get("/healthz")
    async def healthz() -> dict[str, str]:
        """Report that the service is running."""
        return {"status": "ok"}

    @app.get("/metrics", include_in_schema=False)
    async def metrics() -> Response:
        """Expose Prometheus metrics: numbers of requests and of skipped items, response times."""
        return Response(_metrics(), media_type=CONTENT_TYPE_LATEST)


def _metrics() -> bytes:
    """Return the metrics of this process, or of all workers where there are several."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return generate_latest()
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry)
