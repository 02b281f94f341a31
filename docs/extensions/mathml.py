"""Formulas as MathML, which browsers lay out without a script or a network."""

import html
from typing import Any

import latex2mathml.converter
from docutils import nodes
from sphinx.application import Sphinx


def _inline(translator: Any, node: nodes.math) -> None:
    translator.body.append(_mathml(node, "inline"))
    raise nodes.SkipNode


def _block(translator: Any, node: nodes.math_block) -> None:
    translator.body.append(f'<div class="formula" tabindex="0">{_mathml(node, "block")}</div>')
    raise nodes.SkipNode


def _mathml(node: nodes.Node, display: str) -> str:
    source = node.astext().strip()
    written = latex2mathml.converter.convert(source, display=display)
    return written.replace("<math ", f'<math alttext="{html.escape(source)}" ', 1)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the renderer."""
    app.add_html_math_renderer("mathml", (_inline, None), (_block, None))
    return {"parallel_read_safe": True}
