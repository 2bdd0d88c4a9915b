"""The dashboards: a page for each concern, each panel with what it asks Prometheus.

As with the alerts, `{ns}` is the namespace; counters are summed, the ledger's gauges taken by `max`. What is left in
`$...` is Grafana's: `$__range` is what the page shows, `$__rate_interval` a window that fits it.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Shape(StrEnum):
    GAUGE = "gauge"
    PIE = "pie"
    HEAT_MAP = "heat map"
    LINES = "lines"
    NUMBER = "number"


class Unit(StrEnum):
    PERCENT = "percent"
    RATIO = "percentunit"
    SECONDS = "s"
    COUNT = "short"


@dataclass(frozen=True, slots=True)
class Query:
    """`legend` in Grafana's words: `{{layer}}` is a label."""

    expression: str
    legend: str = ""

    def promql(self, namespace: str) -> str:
        return self.expression.replace("{ns}", namespace)


@dataclass(frozen=True, slots=True)
class Panel:
    """`steps`: from which value on it is which colour; green before the first."""

    title: str
    shape: Shape
    unit: Unit
    queries: tuple[Query, ...]
    steps: tuple[tuple[float, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Page:
    name: str
    title: str
    panels: tuple[Panel, ...]


def _grown(metric: str, by: str, window: str = "$__rate_interval") -> Query:
    """What a counter grew by, for each value of its labels."""
    legend = " ".join(f"{{{{{label.strip()}}}}}" for label in by.split(","))
    return Query(f"sum by ({by}) (increase({{ns}}_{metric}[{window}]))", legend)


def _quantile(metric: str, by: str, quantile: str = "0.95") -> Query:
    rate = f"sum by (le, {by}) (rate({{ns}}_{metric}_bucket[$__rate_interval]))"
    return Query(f"histogram_quantile({quantile}, {rate})", f"{{{{{by}}}}}")


def _heat(metric: str) -> Query:
    return Query(f"sum by (le) (increase({{ns}}_{metric}_bucket[$__rate_interval]))", "{{le}}")


_SOME: Final = ((1.0, "red"),)

GUARD: Final = Page(
    "guard",
    "Einmal: duplicates kept out",
    (
        Panel(
            "Prevention rate, 24 h",
            Shape.GAUGE,
            Unit.PERCENT,
            (Query("max({ns}_duplicate_prevention_rate)"),),
            ((5.0, "yellow"), (10.0, "red")),
        ),
        Panel(
            "Rejections by layer",
            Shape.PIE,
            Unit.COUNT,
            (_grown("duplicate_booking_rejections_total", "layer", "$__range"),),
        ),
        Panel("Booking age", Shape.HEAT_MAP, Unit.SECONDS, (_heat("booking_age_seconds"),)),
        Panel(
            "Rejections over time", Shape.LINES, Unit.COUNT, (_grown("duplicate_booking_rejections_total", "reason"),)
        ),
        Panel(
            "Appointments",
            Shape.NUMBER,
            Unit.COUNT,
            (Query("sum(increase({ns}_appointments_created_total[$__range]))", "booked"),),
        ),
        Panel(
            "Layers switched off",
            Shape.NUMBER,
            Unit.COUNT,
            (Query("sum(max by (layer) ({ns}_guard_layer_off))", "off"),),
            _SOME,
        ),
        Panel("What the guard takes, p95", Shape.LINES, Unit.SECONDS, (_quantile("layer_seconds", "layer"),)),
    ),
)

CALENDAR: Final = Page(
    "calendar",
    "Einmal: the calendar",
    (
        Panel(
            "Breakers open",
            Shape.NUMBER,
            Unit.COUNT,
            (Query("max({ns}_calendar_breakers_open)", "open"),),
            _SOME,
        ),
        Panel(
            "Request budget left, least of all",
            Shape.LINES,
            Unit.RATIO,
            (Query("min({ns}_calendar_budget_left_ratio)", "left"),),
        ),
        Panel("Requests", Shape.LINES, Unit.COUNT, (_grown("calendar_requests_total", "operation, code"),)),
        Panel("Its answers, p95", Shape.LINES, Unit.SECONDS, (_quantile("calendar_seconds", "operation"),)),
        Panel("Answers to bookings", Shape.LINES, Unit.COUNT, (_grown("calendar_answers_total", "kind"),)),
        Panel("Webhooks", Shape.LINES, Unit.COUNT, (_grown("webhooks_total", "source, outcome"),)),
    ),
)

WORKER: Final = Page(
    "worker",
    "Einmal: what is not over yet",
    (
        Panel(
            "Bookings without an end",
            Shape.LINES,
            Unit.COUNT,
            (Query("max by (state) ({ns}_intents_unresolved)", "{{state}}"),),
        ),
        Panel(
            "How long the oldest has waited",
            Shape.LINES,
            Unit.SECONDS,
            (
                Query("max({ns}_oldest_doubt_seconds)", "doubt"),
                Query("max({ns}_oldest_escalated_seconds)", "ruling"),
                Query("max({ns}_oldest_message_seconds)", "news"),
                Query("max({ns}_oldest_notice_seconds)", "webhook"),
            ),
        ),
        Panel(
            "Waiting",
            Shape.LINES,
            Unit.COUNT,
            (
                Query("max({ns}_messages_waiting)", "news"),
                Query("max({ns}_notices_waiting)", "webhooks"),
                Query("max({ns}_callbacks_open)", "call-backs"),
            ),
        ),
        Panel("Ledger readable", Shape.NUMBER, Unit.COUNT, (Query("min({ns}_ledger_readable)", "1 is yes"),), ()),
        Panel(
            "Differences for a person",
            Shape.LINES,
            Unit.COUNT,
            (Query("max by (kind) ({ns}_drifts_open)", "{{kind}}"),),
        ),
        Panel("Differences found", Shape.LINES, Unit.COUNT, (_grown("drifts_total", "kind, mended"),)),
        Panel(
            "Doubts", Shape.LINES, Unit.COUNT, (Query("sum(increase({ns}_doubts_total[$__rate_interval]))", "doubts"),)
        ),
        Panel("Doubts, by how they ended", Shape.LINES, Unit.COUNT, (_grown("doubts_settled_total", "way"),)),
        Panel("Bookings after their no, taken back", Shape.LINES, Unit.COUNT, (_grown("compensations_total", "step"),)),
        Panel("Cancels and moves", Shape.LINES, Unit.COUNT, (_grown("changes_total", "kind, event"),)),
        Panel("Alarms in the log", Shape.LINES, Unit.COUNT, (_grown("alarms_total", "what"),)),
    ),
)

FUNCTIONS: Final = Page(
    "functions",
    "Einmal: function calls",
    (
        Panel("Calls", Shape.LINES, Unit.COUNT, (_grown("function_seconds_count", "function"),)),
        Panel("How they end", Shape.LINES, Unit.COUNT, (_grown("function_seconds_count", "outcome"),)),
        Panel("How long they take, p95", Shape.LINES, Unit.SECONDS, (_quantile("function_seconds", "function"),)),
        Panel(
            "Nearest to its budget, p99",
            Shape.LINES,
            Unit.RATIO,
            (
                Query(
                    "histogram_quantile(0.99, sum by (le, function) "
                    "(rate({ns}_function_seconds_bucket[$__rate_interval]))) "
                    "/ on (function) max by (function) ({ns}_function_budget_seconds)",
                    "{{function}}",
                ),
            ),
        ),
        Panel("Repeats, joined and replayed", Shape.LINES, Unit.COUNT, (_grown("wishes_not_started_total", "why"),)),
        Panel(
            "Refused at the door", Shape.LINES, Unit.COUNT, (_grown("function_calls_refused_total", "adapter, error"),)
        ),
        Panel("Durations", Shape.HEAT_MAP, Unit.SECONDS, (_heat("function_seconds"),)),
    ),
)

PAGES: Final = (GUARD, CALENDAR, WORKER, FUNCTIONS)
