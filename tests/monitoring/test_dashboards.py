"""The dashboards ask for what exists. That each query is answered is shown in test_alarm, by a Prometheus with data."""

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from einmal.adapters.telemetry.metrics import Metrics

MONITORING = Path(__file__).parents[2] / "monitoring"
sys.path.insert(0, str(MONITORING))

from dashboards import PAGES, Page  # noqa: E402
from grafana_json import page_json  # noqa: E402

SUFFIXES = {"counter": ("_total",), "gauge": ("",), "histogram": ("_bucket", "_sum", "_count")}


def panels(page: Page) -> dict[str, dict[str, Any]]:
    """By title, as Grafana reads them."""
    read = json.loads((MONITORING / "grafana" / f"{page.name}.json").read_text("utf-8"))
    return {panel["title"]: panel for panel in read["panels"]}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_metric_that_a_panel_asks_for_exists(page: Page) -> None:
    kinds = list(Metrics("einmal", [], {}).registry.collect())
    known = {kind.name + suffix for kind in kinds for suffix in SUFFIXES[kind.type]}
    for title, panel in panels(page).items():
        asked = [target["expr"] for target in panel["targets"]]
        assert asked, title
        for expression in asked:
            named = set(re.findall(r"\beinmal_\w+", expression))
            assert named, title
            assert named <= known, title


def test_the_pages_show_every_metric() -> None:
    """What is worth measuring is worth a look."""
    shown = " ".join(query.promql("einmal") for page in PAGES for panel in page.panels for query in panel.queries)
    kinds = [kind.name for kind in Metrics("einmal", [], {}).registry.collect()]
    assert [name for name in kinds if name not in shown] == []


def test_the_four_panels_of_old() -> None:
    """Gauge with its colours, pie, heat map, lines."""
    found = panels(PAGES[0])
    steps = found["Prevention rate, 24 h"]["fieldConfig"]["defaults"]["thresholds"]["steps"]
    assert [(step["value"], step["color"]) for step in steps] == [(None, "green"), (5, "yellow"), (10, "red")]
    assert {title: found[title]["type"] for title in list(found)[:4]} == {
        "Prevention rate, 24 h": "gauge",
        "Rejections by layer": "piechart",
        "Booking age": "heatmap",
        "Rejections over time": "timeseries",
    }


def test_panels_lie_beside_each_other() -> None:
    for page in PAGES:
        places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels(page).values()]
        assert len(set(places)) == len(page.panels), page.name
        assert all(x + 8 <= 24 for x, _ in places)


def test_another_namespace_asks_for_its_own_names() -> None:
    made = page_json(PAGES[0], "api_gateway")
    assert "api_gateway_duplicate_prevention_rate" in made
    assert "einmal_" not in made
    assert json.loads(made)["uid"] == "api-gateway-guard"
