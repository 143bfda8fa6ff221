"""Makes an environment for each client, starts an exchange with a living market, and lets them trade on it.

The results are written to docs/bots_calls.md with `--page`.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

from tests.bots.report import example

ROOT = Path(__file__).resolve().parents[2]
PLACE = ROOT / ".bots"
CALLS_PAGE = ROOT / "docs" / "bots_calls.md"
PATIENCE_S = 120.0
BOTS = {
    "ccxt": ("tests.bots.with_ccxt", ("ccxt==4.5.90",)),
    "ccxt's own tests": ("tests.bots.with_ccxt_suite", ("ccxt==4.5.90",)),
    "ccxt.pro": ("tests.bots.with_ccxt_pro", ("ccxt==4.5.90",)),
    "python-binance": ("tests.bots.with_python_binance", ("python-binance==1.0.37",)),
    "python-binance over sockets": ("tests.bots.with_python_binance_sockets", ("python-binance==1.0.37",)),
    "freqtrade": ("tests.bots.with_freqtrade", ("freqtrade==2026.9",)),
    "binance-connector": ("tests.bots.with_binance_connector", ("binance-connector==3.13.0",)),
    "binance-sdk-spot": ("tests.bots.with_binance_sdk_spot", ("binance-sdk-spot==13.3.0",)),
    "binance-sdk-spot over sockets": ("tests.bots.with_binance_sdk_spot_sockets", ("binance-sdk-spot==13.3.0",)),
}
NODE_BOTS = {
    "@binance/spot": ("with_binance_spot.mjs", ("@binance/spot@32.0.4",)),
    "binance for Node.js": ("with_node_binance.mjs", ("binance@3.6.5",)),
}
GO_BOTS = {"go-binance": ("with_go_binance.go", "github.com/adshao/go-binance/v2@v2.8.7")}
ALL = (*BOTS, *NODE_BOTS, *GO_BOTS)
USUAL = [name for name in ALL if name != "freqtrade"]  # which takes ten minutes and a large installation
HEAD = """# Calls of clients

`make bots` runs each client, unmodified, in an environment of its own against `exchange demo --profile binance`, and
writes this page. *Passed*: the call was made, and its answer was right; a refusal that Binance gives as well is one.
*Explained*: the call is not made, and the note says why Binance itself would refuse it. [bots.md](bots.md) says how
each client is pointed here.
"""


def environment(requirements: tuple[str, ...]) -> Path:
    """The Python of the client's environment, which is made the first time."""
    place = PLACE / requirements[0].partition("==")[0]
    python, wanted = place / "bin" / "python", place / "installed"
    if not wanted.exists() or wanted.read_text(encoding="utf-8") != "\n".join(requirements):
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(place)], check=True)
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, *requirements], check=True)
        wanted.write_text("\n".join(requirements), encoding="utf-8")
    return python


def results(python: Path, module: str, url: str) -> list[dict[str, str]]:
    """What the calls of a client came to."""
    return told([str(python), "-m", module, url])


def told(command: list[str]) -> list[dict[str, str]]:
    """The lines that a client's program prints."""
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    try:
        lines: list[dict[str, str]] = json.loads(ended.stdout)
    except ValueError:
        return [{"call": "all", "result": "failed", "note": ended.stderr[-2000:]}]
    return lines


def node_place(name: str, requirements: tuple[str, ...]) -> Path:
    """Where a client for Node.js is installed, the first time by npm."""
    place = PLACE / re.sub(r"\W+", "-", name).strip("-")
    wanted = place / "installed"
    if not wanted.exists() or wanted.read_text(encoding="utf-8") != "\n".join(requirements):
        place.mkdir(parents=True, exist_ok=True)
        (place / "package.json").write_text("{}", encoding="utf-8")
        subprocess.run(["npm", "install", "--silent", "--ignore-scripts", *requirements], cwd=place, check=True)
        wanted.write_text("\n".join(requirements), encoding="utf-8")
    return place


def node_results(place: Path, name: str, script: str, url: str) -> list[dict[str, str]]:
    """What the calls of a client for Node.js came to."""
    module = place / "client.mjs"
    module.write_text(example(name, url, "js") + "\nexport { client };\n", encoding="utf-8")
    return told(["node", str(ROOT / "tests" / "bots" / script), str(module)])


def go_results(name: str, url: str) -> list[dict[str, str]]:
    """What the calls of a client for Go came to. Its program is built where the client is downloaded."""
    script, requirement = GO_BOTS[name]
    place = PLACE / name
    place.mkdir(parents=True, exist_ok=True)
    (place / "main.go").write_bytes((ROOT / "tests" / "bots" / script).read_bytes())
    lines = example(name, url, "go")
    imported = f'import binance "{requirement.partition("@")[0]}"'
    pointed = f"package main\n\n{imported}\n\nfunc pointed() *binance.Client {{\n{lines}\nreturn client\n}}\n"
    (place / "pointed.go").write_text(pointed, encoding="utf-8")
    if not (place / "go.sum").exists():
        (place / "go.mod").write_text("module bot\n\ngo 1.23\n", encoding="utf-8")
        subprocess.run(["go", "get", requirement], cwd=place, check=True, capture_output=True)
    subprocess.run(["go", "build", "-o", "bot", "."], cwd=place, check=True)
    return told([str(place / "bot")])


def started(place: Path) -> tuple["subprocess.Popen[bytes]", str]:
    """An exchange with a living market, once it is ready, and its address."""
    ready = place / "ready.json"
    arguments = ["--profile", "binance", "--port", "0", "--ws-port", "0", "--ready-file", str(ready)]
    command = [str(Path(sys.executable).with_name("exchange")), "demo", *arguments]
    with (place / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=place, stdout=log, stderr=log)
    until = time.monotonic() + PATIENCE_S
    while not ready.exists():
        if process.poll() is not None or time.monotonic() > until:
            raise SystemExit((place / "log").read_text(encoding="utf-8"))
        time.sleep(0.1)
    url = json.loads(ready.read_text(encoding="utf-8"))["url"]
    while not lives(url):
        if process.poll() is not None or time.monotonic() > until:
            raise SystemExit((place / "log").read_text(encoding="utf-8"))
        time.sleep(0.1)
    return process, url


def lives(url: str) -> bool:
    """Whether each market has buyers and sellers: the participants begin when the exchange is ready."""
    with urllib.request.urlopen(f"{url}/api/v3/ticker/bookTicker", timeout=10) as reply:
        return all(float(row["bidPrice"]) and float(row["askPrice"]) for row in json.load(reply))


def table(name: str, lines: list[dict[str, str]]) -> str:
    """A client's section of the page."""
    rows = "".join(f"| `{line['call']}` | {line['result']} | {line['note']} |\n" for line in lines)
    return f"\n## {name}\n\n| call | result | note |\n|---|---|---|\n{rows}"


def write_page(found: dict[str, list[dict[str, str]]]) -> None:
    """Write the page; clients that were not run keep what it says of them."""
    before = CALLS_PAGE.read_text(encoding="utf-8") if CALLS_PAGE.exists() else ""
    sections = {part.partition("\n")[0]: f"\n## {part.rstrip()}\n" for part in before.split("\n## ")[1:]}
    sections |= {name: table(name, lines) for name, lines in found.items()}
    named = [name for name in ALL if name in sections]
    CALLS_PAGE.write_text(HEAD + "".join(sections[name] for name in named), encoding="utf-8")


def main() -> None:
    """Run the clients that are named, or all."""
    parser = argparse.ArgumentParser(prog="python -m tests.bots")
    parser.add_argument("--page", action="store_true", help=f"write {CALLS_PAGE.name}")
    parser.add_argument("names", nargs="*", metavar="CLIENT", help=", ".join(ALL))
    options = parser.parse_args()
    names = options.names or USUAL
    if unknown := set(names) - set(ALL):
        parser.error(f"there is no client {', '.join(sorted(unknown))}")
    pythons = {name: environment(BOTS[name][1]) for name in names if name in BOTS}
    places = {name: node_place(name, NODE_BOTS[name][1]) for name in names if name in NODE_BOTS}
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="exchange-bots-") as folder:
        Path(folder).chmod(0o755)
        process, url = started(Path(folder))
        try:
            for name, python in pythons.items():
                found[name] = results(python, BOTS[name][0], url)
            for name, place in places.items():
                found[name] = node_results(place, name, NODE_BOTS[name][0], url)
            for name in (name for name in names if name in GO_BOTS):
                found[name] = go_results(name, url)
        finally:
            process.terminate()
            process.wait(PATIENCE_S)
    failed = 0
    for name, lines in found.items():
        counts = {kind: sum(line["result"] == kind for line in lines) for kind in ("passed", "explained", "failed")}
        failed += counts["failed"]
        print(f"{name}: " + ", ".join(f"{count} {kind}" for kind, count in counts.items()))
        for line in lines:
            if line["result"] == "failed":
                print(f"  {line['call']}: {line['note']}")
    if options.page:
        write_page(found)
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
