"""Metrics are made of facts: every fact is counted, every label is of a closed set, and nobody's name is among them."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest
from prometheus_client.parser import text_string_to_metric_families

from einmal.adapters.telemetry.metrics import Metrics, Observers
from einmal.domain.answer import AnswerKind
from einmal.domain.change import ChangeEvent, ChangeKind
from einmal.domain.drift import Drift, DriftKind
from einmal.domain.facts import (
    Alarm,
    Answered,
    Booked,
    CalendarAsked,
    Changed,
    Doubted,
    Drifted,
    Fact,
    LookedUp,
    Noticed,
    NotStarted,
    Operation,
    Refused,
    Rejected,
    RejectionRuled,
    Served,
    Settled,
    Timed,
    Timing,
)
from einmal.domain.gate import Gate, GatePolicy
from einmal.domain.intent import Event, State
from einmal.domain.verdict import Judgement, Layer, Reason
from einmal.ports.overview import Figures

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
POLICY = GatePolicy()
PRIVATE = "Jürgen Groß"

FACTS: tuple[Fact, ...] = (
    Rejected(
        *(NOW, PRIVATE, PRIVATE, Layer.FRESHNESS, Reason.STALE_BOOKING, PRIVATE, PRIVATE, PRIVATE, PRIVATE),
        *(NOW, 2100.0, 30.0),
    ),
    Booked(NOW, PRIVATE, PRIVATE, PRIVATE, NOW, State.CONFIRMED, 1.0, skewed=False),
    Answered(NOW, PRIVATE, 1, AnswerKind.BOOKING, 201, PRIVATE, 0.2, 12.0, fresh=True, judgement=Judgement.FOREIGN),
    Doubted(NOW, PRIVATE, PRIVATE, PRIVATE),
    Settled(NOW, PRIVATE, PRIVATE, Event.SETTLED_ABSENT),
    Changed(NOW, PRIVATE, PRIVATE, PRIVATE, ChangeKind.CANCEL, ChangeEvent.SHOWN),
    Noticed(NOW, "calcom", PRIVATE, "mended", PRIVATE),
    Drifted(NOW, Drift(DriftKind.GHOST, PRIVATE, PRIVATE, PRIVATE)),
    Timed(NOW, Timing.JUDGE, 0.0001),
    CalendarAsked(NOW, Operation.READ, "200", 0.2),
    Served(NOW, "retell", "book", "booked", 0.3, PRIVATE),
    Refused(NOW, "retell", "signature_wrong"),
    NotStarted(NOW, "replay"),
    LookedUp(NOW, PRIVATE, PRIVATE, PRIVATE),
    RejectionRuled(NOW, PRIVATE, wrong=True),
    Alarm(NOW, "breaker_open", PRIVATE, PRIVATE),
)


@pytest.fixture
def metrics() -> Metrics:
    return Metrics("einmal", ["freshness"], {"book": 8.0})


def scraped(metrics: Metrics, figures: Figures | None = None) -> dict[str, float]:
    """Every sample, by its name and labels."""
    text = metrics.scraped(figures or Figures(), NOW, POLICY).decode()
    return {
        f"{sample.name}{{{','.join(f'{k}={v}' for k, v in sorted(sample.labels.items()))}}}": sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_every_fact_is_here() -> None:
    assert {type(fact) for fact in FACTS} == set(get_args(Fact))


def test_each_is_counted_once(metrics: Metrics) -> None:
    before = scraped(metrics)
    metrics.observe(FACTS)
    after = scraped(metrics)
    grown = {name for name, value in after.items() if value != before.get(name, 0.0) and "_created{" not in name}
    expected = {
        "einmal_duplicate_booking_rejections_total{layer=layer1,reason=stale_booking}",
        "einmal_appointments_created_total{}",
        "einmal_booking_age_seconds_count{status=rejected}",
        "einmal_calendar_answers_total{kind=booking}",
        "einmal_doubts_total{}",
        "einmal_doubts_settled_total{way=settled_absent}",
        "einmal_changes_total{event=shown,kind=cancel}",
        "einmal_webhooks_total{outcome=mended,source=calcom}",
        "einmal_drifts_total{kind=ghost,mended=false}",
        "einmal_layer_seconds_count{layer=judge}",
        "einmal_calendar_requests_total{code=200,operation=read}",
        "einmal_calendar_seconds_count{operation=read}",
        "einmal_function_seconds_count{adapter=retell,function=book,outcome=booked}",
        "einmal_function_calls_refused_total{adapter=retell,error=signature_wrong}",
        "einmal_wishes_not_started_total{why=replay}",
        "einmal_alarms_total{what=breaker_open}",
    }
    assert expected <= grown
    assert all(after[name] == before.get(name, 0.0) + 1 for name in expected)


def test_nothing_of_anybody_is_a_label_or_a_value(metrics: Metrics) -> None:
    """Though each fact has a name wherever an id would stand."""
    metrics.observe(FACTS)
    assert PRIVATE.encode() not in metrics.scraped(Figures(), NOW, POLICY)


@pytest.mark.parametrize(
    ("code", "label"),
    [("200", "200"), ("503", "5xx"), ("418", "4xx"), ("none", "none"), ("timeout!", "other"), ("99999", "other")],
)
def test_a_code_is_of_a_closed_set(metrics: Metrics, code: str, label: str) -> None:
    metrics.observe((CalendarAsked(NOW, Operation.FIND, code, 0.1),))
    assert scraped(metrics)[f"einmal_calendar_requests_total{{code={label},operation=find}}"] == 1


def test_a_function_that_nobody_knows_is_another(metrics: Metrics) -> None:
    """Models call what they like."""
    metrics.observe((Served(NOW, "retell", PRIVATE, "rejected", 0.1),))
    name = "einmal_function_seconds_count{adapter=retell,function=other,outcome=rejected}"
    assert scraped(metrics)[name] == 1


def test_what_never_was_is_zero(metrics: Metrics) -> None:
    """So that a rate over it is 0 and not nothing."""
    seen = scraped(metrics)
    layers = {re.sub(r".*layer=(\w+).*", r"\1", name) for name in seen if "rejections_total" in name}
    assert layers == {"layer1", "layer2", "layer3", "layer4"}
    assert seen["einmal_duplicate_prevention_rate{}"] == 0
    assert seen["einmal_webhooks_total{outcome=received,source=calcom}"] == 0
    assert seen["einmal_guard_layer_off{layer=freshness}"] == 1
    assert seen["einmal_guard_layer_off{layer=identity}"] == 0
    assert seen["einmal_function_budget_seconds{adapter=retell,function=book}"] == 8


def test_the_seeds_names_with_its_namespace() -> None:
    seed = Metrics("api_gateway", [], {})
    names = {name.partition("{")[0] for name in scraped(seed)}
    assert "api_gateway_duplicate_booking_rejections_total" in names
    assert {"api_gateway_duplicate_prevention_rate", "api_gateway_appointments_created_total"} <= names


def test_the_age_has_the_seeds_buckets(metrics: Metrics) -> None:
    metrics.observe(FACTS)
    seen = scraped(metrics)
    found = {name: value for name, value in seen.items() if "booking_age_seconds_bucket" in name}
    bounds = [float(re.sub(r".*le=([\d.]+|\+Inf),.*", r"\1", name).replace("+Inf", "inf")) for name in found]
    assert bounds == [5, 10, 30, 60, 300, 600, float("inf")]
    assert list(found.values()) == [0, 0, 1, 1, 1, 1, 1]


def test_the_ledger_as_it_stands(metrics: Metrics) -> None:
    half = Gate(NOW, POLICY.bucket / 2)
    broken = Gate(NOW, POLICY.bucket, open_until=NOW + timedelta(seconds=10))
    figures = Figures(
        unresolved={State.DOUBT: 3},
        oldest_doubt_at=NOW - timedelta(minutes=5),
        appointments=19,
        rejected=1,
        drifts={"ghost": 2},
        callbacks=4,
        messages=5,
        oldest_message_at=NOW - timedelta(seconds=9),
        notices=6,
        oldest_notice_at=NOW - timedelta(seconds=7),
        gates={"a": half, "b": broken},
    )
    seen = scraped(metrics, figures)
    assert seen["einmal_intents_unresolved{state=doubt}"] == 3
    assert seen["einmal_intents_unresolved{state=sent}"] == 0
    assert seen["einmal_oldest_doubt_seconds{}"] == 300
    assert seen["einmal_duplicate_prevention_rate{}"] == 5
    assert seen["einmal_drifts_open{kind=ghost}"] == 2
    assert [seen[f"einmal_{name}{{}}"] for name in ("callbacks_open", "messages_waiting", "notices_waiting")] == [
        4,
        5,
        6,
    ]
    assert (seen["einmal_oldest_notice_seconds{}"], seen["einmal_oldest_message_seconds{}"]) == (7, 9)
    assert seen["einmal_calendar_budget_left_ratio{}"] == 0.5
    assert seen["einmal_calendar_breakers_open{}"] == 1
    assert seen["einmal_ledger_readable{}"] == 1


def test_a_ledger_that_cannot_be_read_says_so(metrics: Metrics) -> None:
    assert b"einmal_ledger_readable 0.0" in metrics.scraped(None, NOW, POLICY)


def test_several_observers_are_one() -> None:
    told: list[str] = []

    def observers() -> Iterator[Observers]:
        yield Observers(lambda facts: told.append(f"a{len(facts)}"), lambda facts: told.append(f"b{len(facts)}"))

    for one in observers():
        one.observe(FACTS)
    assert told == [f"a{len(FACTS)}", f"b{len(FACTS)}"]
