"""The simulated Cal.com with a fault plan in front of it.

`FaultyCalcom.handle` tells the truth about what happened to one request, as a value: whether it was answered,
and when, or whether the connection died, and on which side of the work. Acting it out is left to whoever has
the connection: the ASGI application drops a socket, a transport in the process raises. What was really booked
is always in `calendar.bookings`; no fault touches that view.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.client import responses
from typing import TypeAlias

from einmal.simulator.calendar import SimulatedCalendar
from einmal.simulator.conditions import HEALTHY, Conditions
from einmal.simulator.faults import Fault, FaultPlan, FaultRule, Faults, Operation
from einmal.simulator.outcomes import Refusal
from einmal.simulator.records import Attendee, BookingStatus, EventType, SimulatedBooking
from einmal.simulator.webhooks import TRIGGERS, Delivery, Subscription
from einmal.simulator.wire import SimulatedCalcom, WireAnswer, with_payload

_OPERATIONS = {
    ("POST", "v2", "bookings"): Operation.CREATE,
    ("GET", "v2", "bookings"): Operation.LIST,
    ("GET", "v2", "slots"): Operation.SLOTS,
    ("POST", "v2", "slots", "reservations"): Operation.RESERVE,
}


@dataclass(frozen=True)
class Delivered:
    """The answer arrives: its head after one delay, its body after another."""

    answer: WireAnswer
    delay_seconds: float = 0.0
    body_delay_seconds: float = 0.0
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True)
class LostRequest:
    """Cal.com has done nothing with it up to now; the connection dies. After a late commit, it will."""

    delay_seconds: float = 0.0
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True)
class LostAnswer:
    """Cal.com has done it and answered; the connection dies before a byte of `answer` arrives."""

    answer: WireAnswer
    delay_seconds: float = 0.0
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True)
class NotConnected:
    """There was no connection to send it by; the client knows that nothing has left it."""

    delay_seconds: float = 0.0
    faults: tuple[Fault, ...] = ()


Outcome: TypeAlias = Delivered | LostRequest | LostAnswer | NotConnected


@dataclass(frozen=True)
class _Request:
    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, order=True)
class _Late:
    due: datetime
    request: _Request = field(compare=False)


class FaultyCalcom:
    """A `SimulatedCalcom` to which a plan's faults happen. Without a plan it is the same thing."""

    def __init__(self, calcom: SimulatedCalcom, faults: Faults | FaultPlan | None = None) -> None:
        """A plan is followed from its beginning, `Faults` from where they are."""
        self._calcom = calcom
        self._faults = faults if isinstance(faults, Faults) else Faults(faults or FaultPlan())
        self._given = self._faults.plan
        self._late: list[_Late] = []

    @property
    def calendar(self) -> SimulatedCalendar:
        """What is really booked."""
        return self._calcom.calendar

    @property
    def plan(self) -> FaultPlan:
        """The plan in force."""
        return self._faults.plan

    @property
    def next_commit_in_seconds(self) -> float | None:
        """How long until the next late commit is due; None if there is none."""
        if not self._late:
            return None
        return max(0.0, (min(self._late).due - self._calcom.now()).total_seconds())

    def follow(self, plan: FaultPlan) -> None:
        """Another plan from now on. Late commits that are under way stay under way."""
        self._faults = Faults(plan)

    def reset(self) -> None:
        """As at the start: no bookings, nothing under way, the first plan from its beginning."""
        self._calcom.reset()
        self._late.clear()
        self._faults = Faults(self._given)

    def tick(self) -> int:
        """Do what is due by now of the work that was left for later; gives how many requests that were.

        Each is done as of the moment it was due, so that a clock that leaps does not make it later.
        """
        now, done = self._calcom.now(), 0
        while self._late and (late := min(self._late)).due <= now:
            self._late.remove(late)
            with self.calendar.under(Conditions(at=late.due)):
                self._do(late.request)
            done += 1
        return done

    def subscribe(
        self, url: str, secret: str | None, triggers: Iterable[str] = TRIGGERS, event_type_id: int | None = None
    ) -> Subscription:
        """As of `SimulatedCalcom`."""
        return self._calcom.subscribe(url, secret, triggers, event_type_id)

    def take_deliveries(self) -> tuple[Delivery, ...]:
        """As of `SimulatedCalcom`, and what the plan makes of them: none, two, or one that is late."""
        waiting = self._calcom.take_deliveries()
        return tuple(carried for delivery in waiting for carried in self._carried(delivery)) if waiting else ()

    def _carried(self, delivery: Delivery) -> tuple[Delivery, ...]:
        rules = {rule.fault: rule for rule in reversed(self._faults.next(Operation.WEBHOOK))}
        if Fault.LOST_WEBHOOK in rules:
            return ()
        late = rules.get(Fault.LATE_WEBHOOK)
        if late is not None:
            delivery = replace(delivery, delay_seconds=late.parameter("delay_seconds"))
        return (delivery, delivery) if Fault.DOUBLED_WEBHOOK in rules else (delivery,)

    def handle(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Outcome:
        """What happens to one request."""
        self.tick()
        rules = self._faults.next(operation_of(method, target))
        request = _Request(method, target, headers, body)
        outcome = self._kept_away(request, rules)
        return outcome if outcome is not None else self._reached(request, rules)

    def _do(self, request: _Request) -> WireAnswer:
        return self._calcom.handle(request.method, request.target, request.headers, request.body)

    def _kept_away(self, request: _Request, rules: tuple[FaultRule, ...]) -> Outcome | None:
        """What keeps the request from Cal.com's rules for now; of several, the first rule's."""
        for rule in rules:
            delay_seconds, faults = rule.parameter("delay_seconds"), (rule.fault,)
            match rule.fault:
                case Fault.LOST_REQUEST:
                    return LostRequest(delay_seconds, faults)
                case Fault.REFUSED_CONNECTION:
                    return NotConnected(delay_seconds, faults)
                case Fault.THROTTLED:
                    answer = self._calcom.throttled(request.target, round(rule.parameter("reset_seconds")))
                    return Delivered(answer, faults=faults)
                case Fault.ERROR_BEFORE_COMMIT:
                    answer = _gateway_error(rule, self._calcom.now())
                    return Delivered(answer, delay_seconds, faults=faults)
                case Fault.LATE_COMMIT:
                    return self._put_off(request, rule)
                case _:
                    continue
        return None

    def _put_off(self, request: _Request, rule: FaultRule) -> Outcome:
        now, delay_seconds, faults = self._calcom.now(), rule.parameter("delay_seconds"), (rule.fault,)
        self._late.append(_Late(now + timedelta(seconds=rule.parameter("commit_after_seconds")), request))
        if not rule.parameter("status"):
            return LostRequest(delay_seconds, faults)
        return Delivered(_gateway_error(rule, now), delay_seconds, faults=faults)

    def _reached(self, request: _Request, rules: tuple[FaultRule, ...]) -> Outcome:
        conditions = HEALTHY
        for rule in rules:
            conditions = self._worsened(conditions, rule)
        with self.calendar.under(conditions):
            answer = self._do(request)
        outcome = Delivered(answer, faults=tuple(rule.fault for rule in rules))
        for rule in rules:
            told = _told(outcome, rule, self._calcom.now())
            if isinstance(told, LostAnswer):
                return told
            outcome = told
        return outcome

    def _worsened(self, conditions: Conditions, rule: FaultRule) -> Conditions:
        match rule.fault:
            case Fault.REPLICA_LAG:
                return replace(conditions, replica_lag=timedelta(seconds=rule.parameter("lag_seconds")))
            case Fault.CONFLICT_409:
                return replace(conditions, insert_fails=True, lost_race=Refusal.LOST_RACE)
            case Fault.CONFLICT_400:
                return replace(conditions, insert_fails=True, lost_race=Refusal.LOST_RACE_REDACTED)
            case Fault.CONCURRENT_DUPLICATE | Fault.CONCURRENT_CHANGE:
                return replace(conditions, unseen=timedelta(seconds=rule.parameter("window_seconds")))
            case Fault.FOREIGN_BOOKING:
                return replace(conditions, stand_in=self._foreign)
            case _:
                return conditions

    def _foreign(self, event_type: EventType, start: datetime, attendee: Attendee) -> SimulatedBooking | None:
        """A live booking of another person, best one with the same start: nothing but its owner is wrong then."""
        live = [
            booking
            for booking in self.calendar.bookings
            if booking.event_type == event_type
            and booking.status in {BookingStatus.ACCEPTED, BookingStatus.PENDING}
            and booking.attendee.email != attendee.email
        ]
        candidates = [booking for booking in live if booking.start == start] or live
        return candidates[self._faults.choose(len(candidates))] if candidates else None


def operation_of(method: str, target: str) -> Operation | None:
    """Which operation a request is, if it is one that can be disturbed."""
    match method, *target.partition("?")[0].strip("/").split("/"):
        case "GET", "v2", "bookings", _:
            return Operation.GET
        case "POST", "v2", "bookings", _, ("cancel" | "reschedule" | "confirm" | "decline") as change:
            return Operation(change)
        case whole:
            return _OPERATIONS.get(tuple(whole))


def _told(outcome: Delivered, rule: FaultRule, now: datetime) -> Delivered | LostAnswer:
    """What becomes of an answer on its way."""
    told = replace(
        outcome,
        answer=_altered(outcome.answer, rule, now),
        delay_seconds=max(outcome.delay_seconds, rule.parameter("delay_seconds")),
        body_delay_seconds=max(outcome.body_delay_seconds, rule.parameter("body_delay_seconds")),
    )
    if rule.fault is Fault.LOST_ANSWER:
        return LostAnswer(told.answer, told.delay_seconds, told.faults)
    return told


def _altered(answer: WireAnswer, rule: FaultRule, now: datetime) -> WireAnswer:
    match rule.fault:
        case Fault.ERROR_AFTER_COMMIT:
            status = round(rule.parameter("status"))
            return with_payload(answer, {"statusCode": status, "message": "Internal server error"}, status)
        case Fault.MISSING_METADATA:
            return _without_metadata(answer)
        case Fault.SKEWED_DATE:
            told = now + timedelta(seconds=rule.parameter("skew_seconds"))
            date = {"Date": format_datetime(told.astimezone(UTC), usegmt=True)}
            return replace(answer, headers=answer.headers | date)
        case Fault.MISSING_DATE:
            return replace(answer, headers={name: text for name, text in answer.headers.items() if name != "Date"})
        case _:
            return answer


def _without_metadata(answer: WireAnswer) -> WireAnswer:
    payload = json.loads(answer.body)
    data = payload.get("data")
    if not isinstance(data, dict) or "metadata" not in data:
        return answer
    del data["metadata"]
    return with_payload(answer, payload)


def _gateway_error(rule: FaultRule, now: datetime) -> WireAnswer:
    """What a proxy in front of Cal.com says: not JSON, and none of Cal.com's headers."""
    status = round(rule.parameter("status"))
    phrase = responses.get(status, "Server Error")
    body = f"<html><body><h1>{status} {phrase}</h1></body></html>".encode()
    headers = {
        "Content-Type": "text/html",
        "Content-Length": str(len(body)),
        "Date": format_datetime(now.astimezone(UTC), usegmt=True),
    }
    return WireAnswer(status, headers, body)
