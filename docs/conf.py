"""Sphinx's settings for the site. `make docs` builds it; every warning is an error."""

import sys
from pathlib import Path

import cyrelu

DOCS = Path(__file__).parent
sys.path.insert(0, str(DOCS.parent / "examples"))  # the tutorial's plots are drawn by digits.py

project = "cyrelu"
author = "The cyrelu developers"
copyright = "The cyrelu developers"
release = version = cyrelu.__version__

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "matplotlib.sphinxext.plot_directive",
]
exclude_patterns = ["other_libraries_table.md", "semantics_table.md"]  # parts of pages
nitpicky = True
autodoc_typehints = "none"  # the docstrings say the types, without the names inside NumPy
nitpick_ignore = [("py:obj", "numpy.show_config")]

myst_heading_anchors = 3

autosummary_generate = True
numpydoc_show_class_members = False
numpydoc_xref_param_type = False

plot_include_source = False
plot_html_show_source_link = False
plot_html_show_formats = False
plot_formats = [("png", 150)]
plot_rcparams = {"savefig.bbox": None}

html_theme = "pydata_sphinx_theme"
html_title = "cyrelu"
html_show_sourcelink = False
html_copy_source = False
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_theme_options = {
    "navbar_align": "left",
    "show_toc_level": 2,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
}
