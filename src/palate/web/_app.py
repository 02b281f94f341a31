"""The routes."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from importlib.resources import files
from typing import Annotated, Any

from anyio.to_thread import current_default_thread_limiter
from fastapi import FastAPI, Path, Query
from fastapi.responses import Response
from plotly.offline import get_plotlyjs
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from starlette.staticfiles import StaticFiles

from palate.web import _schemas as s
from palate.web._guard import Guard, Rules
from palate.web._holder import Holder
from palate.web._problems import tell_problems

# Python runs one of them at a time: more of them only keep each other, and what listens, waiting.
_THREADS = 2
_STATIC = str(files("palate.web") / "static")
_PROBLEM = {"content": {"application/problem+json": {"schema": s.Problem.model_json_schema()}}}
_PROBLEMS: dict[int | str, dict[str, Any]] = {
    400: _PROBLEM | {"description": "The body is no JSON."},
    401: _PROBLEM | {"description": "The token is missing or wrong."},
    404: _PROBLEM | {"description": "There is no such user or item."},
    403: _PROBLEM | {"description": "It was asked by a page of another site."},
    408: _PROBLEM | {"description": "The body took too long to come."},
    413: _PROBLEM | {"description": "The body is too large."},
    422: _PROBLEM | {"description": "Something is out of range, or not what it should be."},
    503: _PROBLEM | {"description": "It takes too long, or too much is asked at once."},
}
Coordinate = Annotated[
    str,
    Query(
        max_length=100,
        description="axis 1 and so on, component 1 and so on, bias, mean, ratings, or a column.",
    ),
]
Name = Annotated[str, Path(max_length=1000, description="An id, or an item's title.")]


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    current_default_thread_limiter().total_tokens = _THREADS
    yield


def application(holder: Holder, rules: Rules) -> Guard:
    """Return the service of the model that `holder` has."""
    app = FastAPI(
        title="Palate",
        version=version("palate"),
        description="A model of ratings that people can read. Nothing that is sent is kept.",
        responses=_PROBLEMS,
        lifespan=_lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/openapi.json",
    )
    tell_problems(app)
    _model_routes(app, holder)
    _person_routes(app, holder)
    _other_routes(app)
    app.mount("/", StaticFiles(directory=_STATIC, html=True), name="page")
    return Guard(app, rules)


def _model_routes(app: FastAPI, holder: Holder) -> None:
    @app.get("/api/model")
    def model() -> s.Summary:
        """Tell what the model is of, how the fit went, and its axes."""
        return holder.explorer.summary

    @app.get("/api/evaluation")
    def evaluation() -> s.Evaluation:
        """Tell how good the solver is beside baselines; the first call begins to measure it."""
        return holder.explorer.evaluation()

    @app.get("/api/items")
    def items(asked: Annotated[s.ItemsQuery, Query()]) -> s.Items:
        """List items: searched, filtered, sorted, a page at a time."""
        return holder.explorer.item_list(asked)

    @app.get("/api/items/{item:path}")
    def item(item: Name) -> s.ItemPage:
        """Tell everything about one item."""
        return holder.explorer.item(item)

    @app.get("/api/users")
    def users(asked: Annotated[s.Page, Query()]) -> s.Users:
        """List the known users whose ids begin with a text."""
        return holder.explorer.user_list(asked)

    @app.get("/api/users/{user:path}")
    def user(user: Name) -> s.UserPage:
        """Tell everything about one known user."""
        return holder.explorer.user(user)

    @app.get("/api/map")
    def item_map(
        x: Coordinate = "axis 1",
        y: Coordinate = "axis 2",
        size: Annotated[int, Query(ge=1, le=20_000, description="How many at most.")] = 5000,
    ) -> s.Map:
        """Lay the most rated items out on a plane."""
        return holder.explorer.map(x, y, size)


def _person_routes(app: FastAPI, holder: Holder) -> None:
    @app.post("/api/recommendations")
    def recommendations(asked: s.RecommendationsRequest) -> s.Recommendations:
        """Recommend to a known user, or to anybody with some ratings."""
        return holder.explorer.recommendations(asked)

    @app.post("/api/explanations")
    def explanations(asked: s.ExplanationRequest) -> s.Explanation:
        """Say why somebody is expected to rate an item as they are."""
        return holder.explorer.explanation(asked)

    @app.post("/api/next-questions")
    def next_questions(asked: s.QuestionsRequest) -> s.Questions:
        """Name the items whose ratings would tell most of somebody's tastes."""
        return holder.explorer.questions(asked)

    @app.post("/api/portraits")
    def portraits(asked: s.PortraitRequest) -> s.Portrait:
        """Describe where somebody stands among all."""
        explorer = holder.explorer
        return explorer.portrait(explorer.profile(asked))


def _other_routes(app: FastAPI) -> None:
    plotly = get_plotlyjs().encode()

    @app.get("/plotly.js", include_in_schema=False)
    def plotly_script() -> Response:
        headers = {"Cache-Control": "max-age=86400"}
        return Response(plotly, media_type="text/javascript", headers=headers)

    @app.head("/healthz", include_in_schema=False)
    @app.get("/healthz")
    async def healthz() -> dict[str, str]:
        """Tell that the service is up."""
        return {"status": "ok"}

    @app.get("/metrics", include_in_schema=False)
    async def metrics() -> Response:
        """Count requests and their seconds, for Prometheus."""
        return Response(_metrics(), media_type=CONTENT_TYPE_LATEST)


def _metrics() -> bytes:
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return generate_latest()
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry)
