"""Floor 4, an optional wing: a model in the browser and over HTTP (the extra ``web``)."""

from palate.errors import MissingExtraError

try:
    from palate.web._serve import Settings, explore, serve
except ModuleNotFoundError as error:
    needed = ("fastapi", "plotly", "prometheus_client", "pydantic", "starlette", "uvicorn")
    if (error.name or "").split(".")[0] not in needed:
        raise
    message = "the explorer needs an extra: pip install 'palate[web]'"
    raise MissingExtraError(message) from error

__all__ = ["Settings", "explore", "serve"]
