"""The documentation as a site: Sphinx reads the Markdown files of this folder, and the README as its first page."""

from exchange import __version__

project = "exchange"
author = "the exchange authors"
copyright = "2026 the exchange authors"
release = __version__

extensions = ["myst_parser"]
html_theme = "furo"
html_title = f"exchange {__version__}"
html_copy_source = False
html_show_sourcelink = False

myst_heading_anchors = 4  # every heading can be linked to, as in the usual viewers of Markdown
