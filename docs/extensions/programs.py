"""The reference of the command line and of the service, from the programs themselves."""

import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from starlette.testclient import TestClient

import palate
from palate.web._app import create_app
from palate.web._explorer import Explorer
from palate.web._middleware import AccessSettings
from palate.web._model_holder import ModelHolder

# The examples of a command, in Rich's markup, with an empty line between two.
_EXAMPLES = re.compile(r"\[bold\]Examples\[/bold\]\n((?:\npalate .*\n)+)")


def _as_block(examples: re.Match[str]) -> str:
    commands = examples[1].split("\n\n")
    return "**Examples**:\n\n```text\n" + "\n".join(line.strip() for line in commands) + "\n```\n"


class Commands(SphinxDirective):
    """All commands of `palate`, as Typer's own generator of documentation describes them."""

    def run(self) -> list[nodes.Node]:
        """Return a section for each command."""
        command = [sys.executable, "-m", "typer", "palate.cli", "utils", "docs", "--name", "palate"]
        text = subprocess.run(command, check=True, capture_output=True, encoding="utf-8").stdout
        # What comes before the first command repeats the first words of each.
        sections = text[text.index("\n## ") :].replace("```console\n$ ", "```text\n")
        sections = _EXAMPLES.sub(_as_block, sections)
        return self.parse_text_to_nodes(sections, allow_section_headings=True)


class HttpApi(SphinxDirective):
    """All routes of the service, with their parameters, requests and responses; and their parts."""

    def run(self) -> list[nodes.Node]:
        """Return a section for each route, and one for each kind of object."""
        document = openapi()
        schemas = document["components"]["schemas"]
        lines = [
            line
            for path, operations in document["paths"].items()
            for method, operation in operations.items()
            for line in _route(path, method, operation)
        ]
        lines.append("## Objects\n")
        for name in sorted(schemas, key=str.casefold):
            lines += _object(name, schemas[name])
        return self.parse_text_to_nodes("\n".join(lines), allow_section_headings=True)


def openapi() -> dict[str, Any]:
    """Return the OpenAPI document of the service, which is the same for every model."""
    picks = {"user": [1, 1, 2, 2, 3, 3], "item": [1, 2, 1, 2, 1, 3]}
    model = palate.Choice().fit(palate.read_ratings(picks))
    service = create_app(ModelHolder(Explorer(model)), AccessSettings())
    found: dict[str, Any] = (
        TestClient(service, base_url="http://127.0.0.1").get("/api/openapi.json").json()
    )
    return found


def _route(path: str, method: str, operation: dict[str, Any]) -> Iterator[str]:
    yield f"## {method.upper()} {path}\n"
    yield f"{operation.get('description') or operation['summary']}\n"
    for parameter in operation.get("parameters", []):
        schema = parameter["schema"]
        yield _entry(parameter["name"], schema, parameter.get("description"))
    body = operation.get("requestBody")
    if body:
        yield f"\nRequest: {_type(body['content']['application/json']['schema'])}."
    content = operation["responses"].get("200", {}).get("content", {})
    schema = content.get("application/json", {}).get("schema", {})
    if "$ref" in schema:
        yield f"\nResponse: {_type(schema)}.\n"


def _object(name: str, schema: dict[str, Any]) -> Iterator[str]:
    yield f"\n(http-{name.casefold()})=\n### {name}\n\n{schema.get('description', '')}\n"
    for field, described in schema.get("properties", {}).items():
        yield _entry(field, described, None)


def _entry(name: str, schema: dict[str, Any], text: str | None) -> str:
    parts = [f"- `{name}` ({_type(schema)})", text or schema.get("description", "")]
    if schema.get("default") not in (None, [], {}, ""):
        parts[1] += f" Default: `{schema['default']}`."
    return ": ".join(part.strip() for part in parts if part)


def _type(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[1]
        return f"[{name}](#http-{name.casefold()})"
    for union in ("anyOf", "oneOf"):
        if union in schema:
            return " or ".join(_type(option) for option in schema[union])
    kind = str(schema.get("type", "any"))
    return f"list of {_type(schema['items'])}" if kind == "array" and "items" in schema else kind


def setup(app: Sphinx) -> dict[str, Any]:
    """Register both directives."""
    app.add_directive("palate-commands", Commands)
    app.add_directive("palate-http", HttpApi)
    return {"parallel_read_safe": True}
