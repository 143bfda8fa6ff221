"""The dashboard and the alert rules name metrics that `/metrics` has, with labels that they have."""

import json
import re
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from tests.whole.made_once import running_on_a_copy

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "monitoring.md").read_text(encoding="utf-8")
DASHBOARD = json.loads((ROOT / "docs" / "deploy" / "grafana-dashboard.json").read_text(encoding="utf-8"))
RULES = yaml.safe_load((ROOT / "docs" / "deploy" / "prometheus-alerts.yml").read_text(encoding="utf-8"))
ALERTS = [rule for group in RULES["groups"] for rule in group["rules"]]
ANY_VALUE = {"job": "", "instance": ""}  # labels that Prometheus adds
SELECTOR = re.compile(r"\b((?:exchange|process|python)_[a-z_]+|up)\b(?:\{([^}]*)\})?")
MATCHER = re.compile(r'(\w+)(=|!=)"([^"]*)"')

Samples = dict[str, list[dict[str, str]]]


@pytest.fixture(scope="module")
def samples() -> Samples:
    """The labels of every sample that a scrape has, by its name."""
    with running_on_a_copy() as exchange, urllib.request.urlopen(f"{exchange.url}/metrics") as reply:
        text = reply.read().decode()
    found: Samples = {"up": [{}]}  # which Prometheus makes
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found.setdefault(sample.name, []).append(sample.labels)
    return found


def panels() -> Iterator[dict[str, Any]]:
    yield from (panel for panel in DASHBOARD["panels"] if panel["type"] != "row")


def expressions() -> Iterator[tuple[str, str]]:
    """Each expression, with the name of what has it."""
    for panel in panels():
        for target in panel["targets"]:
            yield panel["title"], target["expr"]
    for alert in ALERTS:
        yield alert["alert"], alert["expr"]


def unknown(expression: str, samples: Samples) -> Iterator[str]:
    """The selectors of an expression that no sample could match."""
    for name, matchers in SELECTOR.findall(expression):
        for label, operator, value in MATCHER.findall(matchers):
            labels = [sample | ANY_VALUE for sample in samples.get(name, [])]
            if not any(label in sample and (label in ANY_VALUE or sample[label] == value) for sample in labels):
                yield f"{name}{{{label}{operator}{value}}}"
        if name not in samples:
            yield name


def test_each_metric_of_the_dashboard_and_of_the_alerts_exists(samples: Samples) -> None:
    found = list(expressions())
    assert len(found) > 50
    wrong = {name: missing for name, expression in found if (missing := list(unknown(expression, samples)))}
    assert wrong == {}


def test_the_dashboard_shows_every_metric_that_an_alert_looks_at() -> None:
    shown = {name for panel in panels() for target in panel["targets"] for name, _ in SELECTOR.findall(target["expr"])}
    watched = {name for alert in ALERTS for name, _ in SELECTOR.findall(alert["expr"])}
    assert watched - shown <= {"up", "process_max_fds"}


def test_a_metric_or_a_label_that_is_not_there_is_found(samples: Samples) -> None:
    assert list(unknown('rate(exchange_order_total[5m]) + exchange_refusals_total{code="NONE"}', samples)) == [
        "exchange_order_total",
        "exchange_refusals_total{code=NONE}",
    ]


def test_the_page_explains_every_alert() -> None:
    explained = dict(re.findall(r"^\| `(Exchange\w+)` \| (\w+) \|", PAGE, re.MULTILINE))
    assert explained == {alert["alert"]: alert["labels"]["severity"] for alert in ALERTS}


def test_the_page_speaks_of_metrics_that_there_are(samples: Samples) -> None:
    metrics = {name.removesuffix("_count") for name in samples} | samples.keys()
    named = set(re.findall(r"`((?:exchange|process)_[a-z_]+)`", PAGE))
    assert len(named) > 10
    assert {name for name in named if name not in metrics} == set()


def test_panels_do_not_lie_upon_each_other() -> None:
    taken: dict[tuple[int, int], str] = {}
    for panel in DASHBOARD["panels"]:
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= 24, panel["title"]
        for x in range(at["x"], at["x"] + at["w"]):
            for y in range(at["y"], at["y"] + at["h"]):
                assert taken.setdefault((x, y), panel["title"]) == panel["title"]
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(ids) == len(set(ids))
