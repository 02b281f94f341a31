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
from plotly.offline import get_plotlyjs
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from starlette.staticfiles import StaticFiles

from palate import _theme
from palate.web import _person_responses as people
from palate.web import _requests as req
from palate.web import _responses as res
from palate.web._middleware import SKIPPED, AccessSettings, ServiceMiddleware
from palate.web._model_header import ModelHeader
from palate.web._model_holder import ModelHolder
from palate.web._problems import register_error_handlers

# Handlers hold the interpreter lock most of the time: more threads only slow down each other and
# the event loop. Under benchmarks/serve.py two threads halve the 99th percentile of the latency.
_THREADS = 2
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
Coordinate = Annotated[
    str,
    Query(
        max_length=100,
        description="axis 1, axis 2, ...; component 1, ... (principal components of the factors); "
        "bias; mean; ratings; or a numeric column of the items.",
    ),
]
Answer = TypeVar("Answer", bound=people.Answer)
UserId = Annotated[str, Path(max_length=1000, description="The id of a user.")]
ItemReference = Annotated[
    str, Path(max_length=1000, description="The id of an item, or its title.")
]


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    current_default_thread_limiter().total_tokens = _THREADS
    yield


def create_app(holder: ModelHolder, access: AccessSettings) -> ServiceMiddleware:
    """Return the ASGI application that serves the model of `holder`."""
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
    register_error_handlers(app)
    _add_model_routes(app, holder)
    _add_person_routes(app, holder)
    _add_other_routes(app)
    app.mount("/", StaticFiles(directory=_STATIC_FOLDER, html=True), name="page")
    return ServiceMiddleware(ModelHeader(app, holder), access)


def _add_model_routes(app: FastAPI, holder: ModelHolder) -> None:
    @app.get("/api/model")
    def model() -> res.Summary:
        """Return the summary of the model: its size, settings, fitting history and axes."""
        return holder.explorer.summary

    @app.get("/api/evaluation")
    def evaluation() -> res.Evaluation:
        """Return metrics of the solver and of baselines; the first call starts the evaluation."""
        return holder.explorer.evaluation()

    @app.get("/api/items")
    def items(query: Annotated[req.ItemsQuery, Query()]) -> res.Items:
        """List items: search, filter, sort and page."""
        return holder.explorer.item_list(query)

    @app.get("/api/items/{item:path}")
    def item(item: ItemReference) -> res.ItemPage:
        """Return one item: bias, mean, axes, neighbours, and what the same people pick."""
        return holder.explorer.item(item)

    @app.get("/api/popularity")
    def popularity() -> res.Popularity:
        """Return what is picked often but liked little, and picked rarely but well liked."""
        return holder.explorer.popularity

    @app.get("/api/users")
    def users(query: Annotated[req.PageQuery, Query()]) -> people.Users:
        """List the known users whose ids begin with a text."""
        return holder.explorer.user_list(query)

    @app.get("/api/users/{user:path}")
    def user(user: UserId) -> people.UserPage:
        """Return one known user: portrait, and favourites or history."""
        return holder.explorer.user(user)

    @app.get("/api/map")
    def item_map(
        x: Coordinate = "axis 1",
        y: Coordinate = "axis 2",
        size: Annotated[int, Query(ge=1, le=20_000, description="Maximum number of items.")] = 5000,
    ) -> res.Map:
        """Return the items with the most ratings in the plane of two coordinates."""
        return holder.explorer.map(x, y, size)


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


def _counted(route: str, answer: Answer) -> Answer:
    """Return an answer after counting what it does not take into account."""
    SKIPPED.labels(route).inc(len(answer.skipped))
    return answer


def _add_other_routes(app: FastAPI) -> None:
    plotly = get_plotlyjs().encode()

    @app.get("/theme.css", include_in_schema=False)
    def theme() -> Response:
        return Response(_theme.stylesheet(), media_type="text/css")

    @app.get("/plotly.js", include_in_schema=False)
    def plotly_script() -> Response:
        headers = {"Cache-Control": "max-age=86400"}
        return Response(plotly, media_type="text/javascript", headers=headers)

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
