"""The report for programs."""

from typing import Any

from einmal.domain.report import Kpi, Report, Told
from einmal.domain.week_figures import DoubtEnd, Figures


def as_data(report: Report) -> dict[str, Any]:
    """Numbers as they are: per cent, seconds; null for what is not known."""
    return {
        "week": str(report.week),
        "from": report.week.monday.isoformat(),
        "to": report.week.sunday.isoformat(),
        "time_zone": report.zone,
        "at": report.at.isoformat(),
        "running": report.running,
        "tenant": report.tenant,
        "empty": report.this.is_empty,
        "goals": [_kpi(one) for one in report.kpis],
        "days_to_look_into": {day.isoformat(): count for day, count in report.days_to_look_into.items()},
        "this_week": _told(report.this),
        "week_before": None if report.before is None else _told(report.before),
        "tenants": {
            name: {"appointments": one.appointments, "rejections": one.rejected, "doubts": len(one.doubts)}
            for name, one in report.tenants.items()
        },
    }


def _kpi(kpi: Kpi) -> dict[str, Any]:
    return {"goal": kpi.goal.value, "value": kpi.value, "before": kpi.before, "standing": kpi.standing.value}


def _told(told: Told) -> dict[str, Any]:
    return _figures(told.figures) | {
        "wishes": told.wishes,
        "repeats": told.repeats,
        "repeats_percent": told.repeats_percent,
        "look_up_seconds": told.look_up_seconds,
        "look_ups_of_10_ms_or_more": told.slow_look_ups,
        "overhead_seconds": told.overhead_seconds,
        "tallies": None
        if told.tallies is None
        else {word: {"count": one.count, "seconds": one.seconds} for word, one in sorted(told.tallies.items())},
    }


def _figures(figures: Figures) -> dict[str, Any]:
    lasted = figures.doubt_seconds
    return {
        "begun": figures.begun,
        "appointments": figures.appointments,
        "rejections": figures.rejected,
        "rejections_by_layer": [
            {"layer": layer.value, "reason": reason.value, "count": count}
            for (layer, reason), count in figures.by_layer.items()
        ],
        "rejections_by_day": {day.isoformat(): count for day, count in figures.by_day.items()},
        "prevention_rate_percent": figures.prevention_rate,
        "false_positives": figures.false_positives,
        "rulings": [
            {"intent": one.intent_id, "layer": one.layer.value, "reason": one.reason.value, "wrong": one.wrong}
            for one in figures.rulings
        ],
        "doubts": {"all": len(figures.doubts)} | {end.value: figures.doubts_ended(end) for end in DoubtEnd},
        "doubt_seconds_median": None if lasted is None else lasted[0],
        "doubt_seconds_longest": None if lasted is None else lasted[1],
        "taken_back": figures.taken_back,
        "being_taken_back": figures.being_taken_back,
        "drift": {kind: {"seen": one.seen, "over": one.over, "open": one.open} for kind, one in figures.drifts.items()},
        "callbacks": figures.callbacks,
        "callbacks_open": figures.callbacks_open,
    }
