"""The directive ``picture``: one of the figures of figures.py, in light and in dark.

The caption is the content of the directive; ``:alt:`` says what is in the picture.
"""

from typing import Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective


class Picture(SphinxDirective):
    """A figure with two images, of which the theme shows one."""

    required_arguments = 1
    has_content = True
    option_spec: ClassVar[Any] = {"alt": directives.unchanged_required}

    def run(self) -> list[nodes.Node]:
        """Return the figure."""
        figure = nodes.figure()
        self.set_source_info(figure)
        for scheme in ("light", "dark"):
            file = f"/_static/figures/{self.arguments[0]}-{scheme}.svg"
            relative, absolute = self.env.relfn2path(file)
            self.env.note_dependency(absolute)
            figure += nodes.image(
                uri=f"/{relative}", alt=self.options["alt"], classes=[f"only-{scheme}"]
            )
        caption = nodes.caption("", "", *self.parse_inline(" ".join(self.content))[0])
        figure += caption
        return [figure]


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive."""
    app.add_directive("picture", Picture)
    return {"parallel_read_safe": True}
