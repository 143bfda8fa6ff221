"""The documentation as a site: Sphinx reads the Markdown files of this folder, and those at the top of the repository.

The pages `index`, `contributing`, `security`, `changelog` and `license` include README.md, CONTRIBUTING.md and so on.
A link to one of these files becomes a link to its page.
"""

from sphinx.application import Sphinx

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

PAGES = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
    "CHANGELOG.md": "changelog.md",
    "LICENSE": "license.md",
}


def link_to_pages(_: Sphinx, __: object, ___: str, content: list[str]) -> None:
    """Let an included text link to the pages of the site."""
    for file, page in PAGES.items():
        content[0] = content[0].replace(f"]({file})", f"]({page})").replace(f"](../{file})", f"]({page})")


def setup(app: Sphinx) -> None:
    """Called by Sphinx."""
    app.connect("include-read", link_to_pages)
