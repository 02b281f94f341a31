"""The documentation as a site: ``sphinx-build -W --keep-going docs docs/_build``."""

import os
import sys
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as version_of
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "extensions"))
os.environ["COLUMNS"] = "80"

project = "Palate"
author = "the authors of Palate"
html_title = "Palate"
try:
    release = version_of("palate")
except PackageNotFoundError:  # it runs from a folder of sources
    release = "0"

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "numpydoc",
    "mathml",
    "pictures",
    "python_api",
    "programs",
]
exclude_patterns = ["_build", "tests", "extensions"]

# Code that is not run may be in a dialect that the highlighter does not know.
suppress_warnings = ["misc.highlighting_failure"]
# Every link must lead somewhere.
nitpicky = True
myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
myst_links_external_new_tab = False

autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
numpydoc_show_class_members = False
numpydoc_attributes_as_param_list = True
numpydoc_xref_param_type = False

html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False
html_show_copyright = False
maximum_signature_line_length = 60
html_math_renderer = "mathml"
pygments_style = "friendly"
pygments_dark_style = "monokai"
html_theme_options = {
    "light_css_variables": {
        "color-brand-primary": "#0a5f9e",
        "color-brand-content": "#0a5f9e",
        "color-background-primary": "#ffffff",
    },
    "dark_css_variables": {
        "color-brand-primary": "#84bdf0",
        "color-brand-content": "#84bdf0",
    },
}
