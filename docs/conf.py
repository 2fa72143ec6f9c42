"""How Sphinx builds these pages: python -m sphinx -W --keep-going -b html docs build/docs."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "docs" / "extensions"))

from allocc.version import __version__

project = "allocc"
copyright = "the authors of allocc"
release = version = __version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "alloc_highlighting",
    "mathml",
    "reformulation_pages",
    "repository_links",
]
exclude_patterns = ["figures", "extensions"]
# The pages of errors show what cannot be read.
suppress_warnings = ["misc.highlighting_failure"]

myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 4

autodoc_member_order = "bysource"
autodoc_typehints = "none"
# Docstrings write `name` as Markdown does.
default_role = "code"

html_theme = "alabaster"
html_theme_options = {
    "description": "Decide who gets scarce help, and prove how good the decision is",
    "fixed_sidebar": True,
    "page_width": "1100px",
    "sidebar_width": "240px",
    "show_powered_by": False,
}
html_sidebars = {"**": ["about.html", "searchfield.html", "navigation.html"]}
html_copy_source = False
html_show_sourcelink = False
