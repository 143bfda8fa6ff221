"""Writes `docs/conformance.md` from the tables: `python -m tests.conformance`."""

from pathlib import Path

from tests.conformance.differs import rendered

Path("docs/conformance.md").write_text(rendered(), encoding="utf-8")
