"""Writes the figures of a run into docs/PROOF.md, between its two marks, and keeps them beside it."""

from pathlib import Path

import msgspec

from tests.prove.figures import Proof, rows

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE, KEPT = DOCS / "PROOF.md", DOCS / "proof.json"
BEGIN, END = "<!-- figures of docs/proof.json -->", "<!-- end of figures -->"


def figures_of(proof: Proof) -> str:
    """What stands between the marks."""
    machine = f"Python {proof.python} on {proof.cores} cores"
    lines = [
        "",
        f"Measured on {proof.measured_at[:10]} with {machine}, in {proof.took_s} s.",
        "",
        "| part | what | figure |",
        "|---|---|---|",
        *(f"| {part} | {what} | {figure} |" for part, what, figure in rows(proof)),
        "",
    ]
    return "\n".join(lines)


def rendered(page: str, proof: Proof) -> str:
    """The page with these figures."""
    before, _, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    assert end, f"docs/PROOF.md lacks {BEGIN} or {END}"
    return f"{before}{BEGIN}\n{figures_of(proof)}\n{END}{after}"


def write(figures: Path) -> None:
    """Take the figures of that file over."""
    proof = _short(msgspec.json.decode(figures.read_bytes(), type=Proof))
    PAGE.write_text(rendered(PAGE.read_text(encoding="utf-8"), proof), encoding="utf-8")
    KEPT.write_bytes(msgspec.json.format(msgspec.json.encode(proof), indent=2) + b"\n")


def _short(proof: Proof) -> Proof:
    """Without the single times of recoveries, of which the page shows the median and the longest."""
    if proof.torture is None:
        return proof
    recoveries = {kind: msgspec.structs.replace(took, times_s=[]) for kind, took in proof.torture.recoveries.items()}
    return msgspec.structs.replace(proof, torture=msgspec.structs.replace(proof.torture, recoveries=recoveries))
