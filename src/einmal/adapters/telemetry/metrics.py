"""Metrics, made of facts as they happen and of the ledger as it stands. Every label is of a closed set.

Counters and histograms are this process's own: several processes add up. What is read from the ledger is the same in
each of them: take `max` of it, never `sum`.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Final, assert_never

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from einmal.domain.drift import DriftKind
from einmal.domain.facts import (
    TAKING_BACK,
    WAYS,
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
    Refused,
    Rejected,
    RejectionRuled,
    Served,
    Settled,
    Timed,
)
from einmal.domain.gate import GatePolicy
from einmal.domain.intent import State
from einmal.domain.verdict import Judgement, Layer, Reason
from einmal.ports.overview import Figures

CONTENT_TYPE: Final = CONTENT_TYPE_PLAIN_0_0_4

AGES: Final = (5, 10, 30, 60, 300, 600)
LAYER_SECONDS: Final = (0.000_01, 0.000_1, 0.000_5, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5)
FUNCTION_SECONDS: Final = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 1.5, 2, 3, 4, 6, 8, 10)
CALENDAR_SECONDS: Final = (0.05, 0.1, 0.25, 0.5, 1, 2, 3, 5, 10)

_OURS: Final = frozenset({Judgement.OURS_ACCEPTED, Judgement.OURS_PENDING})
_WAITING: Final = (State.INTENT, State.SENT, State.DOUBT, State.ESCALATED, State.COMPENSATING)
_OTHER: Final = "other"


class Metrics:
    """The Observer port, and what a scrape gets. `budgets`: by function, how many seconds it may take."""

    def __init__(self, namespace: str, layers_off: Sequence[str], budgets: Mapping[str, float]) -> None:
        # When each was born would be a series more for each, and nobody asks.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        self._namespace = namespace
        self.functions = frozenset(budgets)
        self._facts()
        self._ledger()
        self._off = self._gauge("guard_layer_off", "1 where a layer of the guard is switched off", "layer")
        for layer in ("ownership", "freshness", "identity", "ledger", "constraint"):
            self._off.labels(layer).set(layer in layers_off)
        budget = self._gauge("function_budget_seconds", "how long a function may take", "adapter", "function")
        for function, seconds in budgets.items():
            budget.labels("retell", function).set(seconds)

    def constraint_stands(self, *, stands: bool) -> None:
        """Layer 4 is schema: whether it is there is found by looking."""
        self._off.labels("constraint").set(not stands)

    def observe(self, facts: Sequence[Fact]) -> None:
        """Told after the commit. Neither raises nor blocks."""
        for fact in facts:
            self._observed(fact)

    def scraped(self, figures: Figures | None, now: datetime, policy: GatePolicy) -> bytes:
        """What a scrape gets; without figures the ledger could not be read, and its gauges say so."""
        self._readable.set(figures is not None)
        if figures is not None:
            self._stands(figures, now, policy)
        return generate_latest(self.registry)

    def _facts(self) -> None:
        """What happens in this process. What can be listed exists from the start: what never was is 0, not nothing."""
        self._rejections = self._counter("duplicate_booking_rejections", "what the layers refused", "layer", "reason")
        for layer, reason in _REASONS:
            self._rejections.labels(layer.value, reason.value)
        self._age = self._histogram("booking_age_seconds", "from a booking's birth to its answer", AGES, "status")
        self._appointments = self._counter("appointments_created", "appointments that were booked")
        self._layers = self._histogram("layer_seconds", "what the guard takes", LAYER_SECONDS, "layer")
        self._answers = self._counter("calendar_answers", "how POSTs for bookings were answered", "kind")
        self._doubts = self._counter("doubts", "bookings that came into doubt, or stayed there")
        self._settled = self._counter("doubts_settled", "doubts by how they ended, or came before a person", "way")
        for way in WAYS:
            self._settled.labels(way.value)
        self._taken_back = self._counter("compensations", "bookings that came after their no", "step")
        for step in TAKING_BACK:
            self._taken_back.labels(step.value)
        self._changes = self._counter("changes", "steps of cancels and moves", "kind", "event")
        self._notices = self._counter("webhooks", "what the outside told, by what became of it", "source", "outcome")
        for source in ("calcom", "retell"):
            self._notices.labels(source, "received")
            self._notices.labels(source, "signature_wrong")
        self._drifts = self._counter("drifts", "differences between ledger and calendar", "kind", "mended")
        for kind in DriftKind:
            for mended in ("true", "false"):
                self._drifts.labels(kind.value, mended)
        self._asked = self._counter("calendar_requests", "requests to the calendar", "operation", "code")
        self._calendar = self._histogram("calendar_seconds", "the calendar's answers", CALENDAR_SECONDS, "operation")
        self._served = self._histogram(
            "function_seconds", "function calls", FUNCTION_SECONDS, "adapter", "function", "outcome"
        )
        self._refused = self._counter(
            "function_calls_refused", "what was turned away at the door, begun in no part", "adapter", "error"
        )
        self._refused.labels("retell", "signature_wrong")
        self._not_started = self._counter("wishes_not_started", "repeats that joined or were replayed, refusals", "why")
        for why in ("join", "replay"):
            self._not_started.labels(why)
        self._alarms = self._counter("alarms", "what a person should look at", "what")

    def _ledger(self) -> None:
        """What stands in the ledger: the same in every process."""
        self._readable = self._gauge("ledger_readable", "1 where the ledger answered this scrape")
        self._rate = self._gauge("duplicate_prevention_rate", "refused of all that was booked or refused, %, 24 h")
        self._unresolved = self._gauge("intents_unresolved", "bookings without an end", "state")
        self._oldest_doubt = self._gauge("oldest_doubt_seconds", "how long the oldest doubt has lasted; 0 for none")
        self._oldest_escalated = self._gauge("oldest_escalated_seconds", "how long somebody has waited for a ruling")
        self._open_drifts = self._gauge("drifts_open", "differences that a person must look at", "kind")
        self._callbacks = self._gauge("callbacks_open", "people who want to be called back")
        self._messages = self._gauge("messages_waiting", "news that is due and not sent")
        self._oldest_message = self._gauge("oldest_message_seconds", "how long the oldest of it has waited; 0 for none")
        self._waiting = self._gauge("notices_waiting", "webhooks that are not handled yet")
        self._oldest_notice = self._gauge("oldest_notice_seconds", "how long a webhook has waited")
        self._budget = self._gauge("calendar_budget_left_ratio", "of the request budget, of the account with the least")
        self._breakers = self._gauge("calendar_breakers_open", "accounts whose calendar is left alone for a while")

    def _observed(self, fact: Fact) -> None:  # noqa: C901, PLR0912 - as many cases as there are facts
        match fact:
            case Rejected():
                self._rejections.labels(fact.layer.value, fact.reason.value).inc()
            case Booked():
                self._appointments.inc()
            case Answered():
                self._answers.labels(fact.kind.value).inc()
                if fact.booking_age_seconds is not None:
                    status = "accepted" if fact.judgement in _OURS else "rejected"
                    self._age.labels(status).observe(max(0.0, fact.booking_age_seconds))
            case Doubted():
                self._doubts.inc()
            case Settled():
                counter = self._taken_back if fact.event in TAKING_BACK else self._settled
                counter.labels(fact.event.value).inc()
            case Changed():
                self._changes.labels(fact.kind.value, fact.event.value).inc()
            case Noticed():
                self._notices.labels(fact.source, fact.outcome).inc()
            case Drifted(drift=drift):
                self._drifts.labels(drift.kind.value, str(drift.mended).lower()).inc()
            case Timed():
                self._layers.labels(fact.timing.value).observe(fact.seconds)
            case CalendarAsked():
                self._asked.labels(fact.operation.value, _code(fact.code)).inc()
                self._calendar.labels(fact.operation.value).observe(fact.seconds)
            case Served():
                function = fact.function if fact.function in self.functions else _OTHER
                self._served.labels(fact.adapter, function, fact.outcome).observe(fact.seconds)
            case Refused():
                self._refused.labels(fact.adapter, fact.error).inc()
            case NotStarted():
                self._not_started.labels(fact.why).inc()
            case LookedUp() | RejectionRuled():
                pass  # the one is counted as a request; the other is told by a command, which nobody scrapes
            case Alarm():
                self._alarms.labels(fact.what).inc()
            case _:
                assert_never(fact)

    def _stands(self, figures: Figures, now: datetime, policy: GatePolicy) -> None:
        self._rate.set(figures.prevention_rate)
        for state in _WAITING:
            self._unresolved.labels(state.value).set(figures.unresolved.get(state, 0))
        self._oldest_doubt.set(_age(figures.oldest_doubt_at, now))
        self._oldest_escalated.set(_age(figures.oldest_escalated_at, now))
        for kind in DriftKind:
            self._open_drifts.labels(kind.value).set(figures.drifts.get(kind.value, 0))
        self._callbacks.set(figures.callbacks)
        self._messages.set(figures.messages)
        self._oldest_message.set(_age(figures.oldest_message_at, now))
        self._waiting.set(figures.notices)
        self._oldest_notice.set(_age(figures.oldest_notice_at, now))
        left = [gate.left(now, policy) for gate in figures.gates.values()]
        self._budget.set(min(left, default=1.0))
        self._breakers.set(sum(gate.is_open(now, policy) for gate in figures.gates.values()))

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(name, text, labels, namespace=self._namespace, registry=self.registry)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(name, text, labels, namespace=self._namespace, registry=self.registry)

    def _histogram(self, name: str, text: str, buckets: Sequence[float], *labels: str) -> Histogram:
        return Histogram(name, text, labels, namespace=self._namespace, registry=self.registry, buckets=buckets)


_REASONS: Final[tuple[tuple[Layer, Reason], ...]] = (
    (Layer.FRESHNESS, Reason.STALE_BOOKING),
    (Layer.IDENTITY, Reason.CALL_ID_MISMATCH),
    (Layer.IDENTITY, Reason.IDENTITY_MISMATCH),
    (Layer.LEDGER, Reason.DATABASE_DUPLICATE),
    (Layer.CONSTRAINT, Reason.CONSTRAINT_VIOLATION),
)


def _code(code: str) -> str:
    """A status by itself where we act upon it, else its class: a label must not grow with what servers think of."""
    if code in {"200", "201", "400", "401", "403", "404", "409", "422", "429", "none"}:
        return code
    return f"{code[0]}xx" if len(code) == 3 and code.isdigit() else _OTHER


def _age(since: datetime | None, now: datetime) -> float:
    return 0.0 if since is None else max(0.0, (now - since).total_seconds())


class Observers:
    """Several observers as one."""

    def __init__(self, *observers: Callable[[Sequence[Fact]], None]) -> None:
        self._observers = observers

    def observe(self, facts: Sequence[Fact]) -> None:
        for observe in self._observers:
            observe(facts)
