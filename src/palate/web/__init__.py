"""The explorer: a model in the browser and over HTTP (the optional extra ``web``)."""

from palate.errors import MissingExtraError

try:
    from palate.web._serve import Settings, explore, serve
except ModuleNotFoundError as error:
    required = ("fastapi", "prometheus_client", "pydantic", "starlette", "uvicorn")
    if (error.name or "").split(".")[0] not in required:
        raise
    message = "the explorer requires an extra: pip install 'palate[web]'"
    raise MissingExtraError(message) from error

__all__ = ["Settings", "explore", "serve"]
