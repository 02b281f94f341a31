"""The reference of Python: public names by their docstrings, and a check that none is missing.

In docstrings a name in single backticks becomes a link where it is public.
"""

import importlib
import importlib.util
import inspect
from collections.abc import Iterator
from types import ModuleType
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

import palate

_SUBMODULES = tuple(
    f"palate.{name}" for name in ("splits", "metrics", "plots", "sklearn", "web", "torch")
)
_log = logging.getLogger(__name__)


class PythonApi(SphinxDirective):
    """Public names of a module, each by its docstring and those of its members."""

    required_arguments = 1
    has_content = True

    def run(self) -> list[nodes.Node]:
        """Return the descriptions."""
        module = self.arguments[0]
        if _is_missing(module):
            return self.parse_text_to_nodes("This build of the pages was made without PyTorch.")
        lines = ["```{eval-rst}", f".. py:currentmodule:: {module}", ""]
        for name in self.content:
            value = getattr(_module(module), name)
            kind = "class" if inspect.isclass(value) else "function"
            if kind == "class" and issubclass(value, Exception):
                kind = "exception"
            lines += [f".. auto{kind}:: {module}.{name}", ""]
            lines += [
                f"   .. auto{member}:: {module}.{name}.{of}" for of, member in _members(value)
            ]
            lines.append("")
        return self.parse_text_to_nodes("\n".join([*lines, "```"]))


def public_names(module: str) -> list[str]:
    """Return what a module of Palate makes public, without what it passes on from others."""
    loaded = _module(module)
    names = getattr(loaded, "__all__", None)
    if names is None:  # a module of functions
        own = (name for name in vars(loaded) if not name.startswith("_"))
        names = [name for name in own if _home(loaded, name) == loaded.__name__]
    values = [name for name in names if not isinstance(getattr(loaded, name), ModuleType)]
    return [name for name in values if (_home(loaded, name) or "").startswith("palate")]


def _members(value: Any) -> Iterator[tuple[str, str]]:
    """Yield the name and the kind of the methods and properties of a class, in their order.

    Those of a class of another library that it inherits from are not its own.
    """
    seen = set[str]()
    for owner in reversed(getattr(value, "__mro__", ())):
        for name, member in vars(owner).items() if owner.__module__.startswith("palate") else ():
            if name in seen or name.startswith("_") or not inspect.getdoc(member):
                continue
            seen.add(name)
            if isinstance(member, property):
                yield name, "property"
            elif isinstance(member, classmethod | staticmethod) or inspect.isfunction(member):
                yield name, "method"


def _is_missing(module: str) -> bool:
    return module == "palate.torch" and importlib.util.find_spec("torch") is None


def _module(name: str) -> ModuleType:
    attribute = name.removeprefix("palate.")
    return (
        getattr(palate, attribute) if attribute in palate.__all__ else importlib.import_module(name)
    )


def _home(module: ModuleType, name: str) -> str | None:
    return getattr(getattr(module, name), "__module__", None)


def _check(app: Sphinx, env: BuildEnvironment) -> None:
    described = env.domaindata["py"]["objects"]
    for module in ("palate", *_SUBMODULES):
        if _is_missing(module):
            continue
        for name in public_names(module):
            if f"{module}.{name}" not in described:
                _log.warning("%s.%s is public and not in docs/reference", module, name)


def _link(
    app: Sphinx, env: BuildEnvironment, node: Any, content: nodes.TextElement
) -> nodes.Node | None:
    """Resolve a name of Python: public ones to their place, all others to plain text."""
    if node.get("refdomain") != "py":
        return None
    last = node["reftarget"].rsplit(".", 1)[-1]
    described = env.domaindata["py"]["objects"]
    target = f"palate.{last}" if last in palate.__all__ else node["reftarget"]
    if f"palate.{node['reftarget']}" in described:
        target = f"palate.{node['reftarget']}"
    if target in described:
        there = described[target]
        uri = app.builder.get_relative_uri(node["refdoc"], there.docname)
        reference = nodes.reference("", "", internal=True, refuri=f"{uri}#{there.node_id}")
        reference += content
        return reference
    return content


def _without_addresses(app: Sphinx, doctree: nodes.document) -> None:
    """Undo the links that docutils makes of names such as nDCG@10, which are no addresses."""
    for reference in list(doctree.findall(nodes.reference)):
        if reference.get("refuri", "").startswith("mailto:"):
            reference.replace_self(nodes.Text(reference.astext()))


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive, the check and the links."""
    app.config.default_role = "py:obj"
    app.add_directive("python-api", PythonApi)
    app.connect("env-check-consistency", _check)
    app.connect("missing-reference", _link)
    app.connect("doctree-read", _without_addresses)
    return {"parallel_read_safe": True}
