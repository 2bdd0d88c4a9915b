"""docs/reference/metrics.md: each metric as a scrape of a fresh gateway tells it, and the alerts that look at it."""
# ruff: noqa: SLF001 - labels that have no series yet are told by the registry's own collectors alone

import sys
from pathlib import Path
from typing import Any, Final

from reference_parts import cell, code, described, page, table

from einmal.adapters.telemetry.metrics import Metrics

MONITORING: Final = Path(__file__).parent.parent / "monitoring"
sys.path.append(str(MONITORING))

from alerts import ALERTS  # noqa: E402

OTHERS: Final = 8
"""So many values of a label are named; of more, such as every function, only that they are many."""


def metrics_page() -> str:
    families = sorted(_families(), key=lambda one: one["name"])
    rows = (
        (
            f"{code(one['name'])}<br>{one['kind']}",
            "<br>".join((cell(described(one["text"], one["name"])), *_alerts(one))),
            "<br>".join(_label(name, one["values"][name]) for name in one["labels"]),
        )
        for one in families
    )
    return page(
        "Metrics",
        "`GET /metrics`, in Prometheus's text format; `einmal` is the prefix unless `EINMAL_METRICS_NAMESPACE` says "
        "another. Counters and histograms are of one process: sum them. Gauges of the ledger are the same in each "
        "process: take `max`. Every label is of a closed set, and none is an id, a name or a number. "
        "[Operating](../operating.md#scraping) tells how to scrape.",
        table(("metric", "what it is, and which alerts look at it", "labels, with what is there from the start"), rows),
        "A histogram has `_bucket` (with `le`), `_sum` and `_count`. All alerts, and what to do: "
        "[operating](../operating.md#alerts).",
    )


def _families() -> list[dict[str, Any]]:
    found = []
    for one in Metrics("einmal", [], {}).registry.collect():
        collector: Any = one
        counted = collector.type == "counter"
        full = collector.name + ("_total" if counted else "")
        labels = _labels_of(collector.name)
        told = one.samples
        values = {name: sorted({each.labels[name] for each in told if name in each.labels}) for name in labels}
        kind, text = collector.type, collector.documentation
        found.append({"name": full, "kind": kind, "text": text, "labels": labels, "values": values})
    return found


def _labels_of(name: str) -> tuple[str, ...]:
    registry: Any = Metrics("einmal", [], {}).registry
    return tuple(next(one for one in registry._collector_to_names if one._name == name)._labelnames)


def _label(name: str, values: list[str]) -> str:
    return code(name) + (": " + ", ".join(values) if 0 < len(values) <= OTHERS else "")


def _alerts(one: dict[str, Any]) -> list[str]:
    return [f"[{alert.name}](../operating.md#{alert.name.lower()})" for alert in ALERTS if _uses(alert, one)]


def _uses(alert: Any, one: dict[str, Any]) -> bool:
    name = one["name"].removeprefix("einmal")
    return any(alert.expression.partition(f"{{ns}}{name}{end}")[1] for end in ("{", "[", ")", " ", "_count", "_bucket"))
