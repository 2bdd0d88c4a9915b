"""The scenarios of `einmal verify` that need no calendar of anybody's: the real gateway, and the simulator for Cal.com.

Minutes pass at once here, on a clock that is set; how long things take is this machine's own.
"""

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any, Final

from prometheus_client.parser import text_string_to_metric_families

from einmal.adapters.calcom.transport import WireAnswer, WireRequest
from einmal.domain import proof
from einmal.domain.model import MetadataKey
from einmal.domain.proof import Given, Heard, Made, Row
from einmal.domain.verdict import Layer, Reason
from einmal.entrypoints.cli.verify_trial import Trial, days_on, status_of, trial
from einmal.ports import CommitUnknown, LedgerUnavailable
from einmal.settings import Settings
from einmal.simulator.asgi import HttpAnswer
from einmal.simulator.calendar import SimulatedCalendar
from einmal.simulator.catalogue import demo_event_types, random_uid
from einmal.simulator.clock import SteppedClock
from einmal.simulator.transport import InProcessTransport
from einmal.simulator.wire import SimulatedCalcom

CUSTOMERS: Final = (
    *("Anton", "Berta", "Cäsar", "Dora", "Emil", "Friedrich", "Gustav", "Heinrich", "Ida", "Julius"),
    *("Kaufmann", "Ludwig", "Martha", "Nordpol", "Otto", "Paula", "Richard", "Samuel", "Theodor", "Ulrich"),
)
"""As many as a day has slots."""

NAME: Final = "Einmal Verify"
"""The attendee of whatever is booked at a real calendar: who reads it there sees what it is."""

SLOT: Final = timedelta(minutes=30)
OLD: Final = timedelta(minutes=2)


async def scenarios(settings: Settings, where: Path | str, tell: Callable[[str], None]) -> list[Row]:
    """The rows, on an empty scratch ledger; it is left filled. `tell` hears what is being done."""
    clock = SteppedClock(datetime.now(UTC).replace(hour=10, minute=0, second=0, microsecond=0))
    calendar = SimulatedCalendar(demo_event_types(), now=clock.now, new_uid=random_uid)
    transport = InProcessTransport(SimulatedCalcom(calendar, api_keys=None, now=clock.now))
    async with trial(settings, where, transport, clock) as one:
        tell("booking for different customers")
        rows = await _many_customers(one)
        tell("replaying a signed request")
        rows += await _replayed(one, clock)
        tell("asking three times at once")
        rows.append(await three_calls(one, "three_requests", _at(one, 10), _live_at(calendar)))
        tell("giving bookings that are somebody else's")
        rows += await _given(one, clock)
        tell("reading the metrics")
        rows.append(await _dashboard(one))
    return rows


async def three_calls(
    one: Trial, check: str, start: datetime, live_at: Callable[[datetime], Awaitable[int | None]]
) -> Row:
    """The same name and slot and no phone, from three calls at the same moment."""
    calls = [one.call(f"call_verify_{number}_{one.drawn}", NAME, start) for number in range(proof.THRICE)]
    statuses = await asyncio.gather(*(one.status(call) for call in calls))
    return proof.thrice(check, statuses, await one.appointments(NAME), await live_at(start))


async def _many_customers(one: Trial) -> list[Row]:
    statuses, own_ms = [], []
    first = _at(one, 7)
    for number, surname in enumerate(CUSTOMERS):
        call = one.call(f"call_customer_{number}", f"Einmal {surname}", first + number * SLOT)
        outside, began = one.wire.seconds, one.clock.monotonic()
        statuses.append(await one.status(call))
        own_ms.append((one.clock.monotonic() - began - (one.wire.seconds - outside)) * 1000)
    return [proof.false_positives(statuses), proof.overhead(own_ms)]


async def _replayed(one: Trial, clock: SteppedClock) -> list[Row]:
    name, before = "Einmal Wiederholt", len(one.wire.posts)
    recorded = one.call("call_recorded", name, _at(one, 8))
    first = _heard(await one.send(recorded))
    clock.pass_time(OLD)
    again = _heard(await one.send(recorded))
    posts = len(one.wire.posts) - before
    row = proof.replayed(first, again, posts, await one.appointments(name))
    clock.pass_time(timedelta(minutes=4))
    late = await one.send(recorded)
    return [row, proof.expired(_heard(late), _error(late), len(one.wire.posts) - before)]


async def _given(one: Trial, clock: SteppedClock) -> list[Row]:
    """Three bookings that are not the caller's, each such that one layer alone is asked first."""
    known = next((fact.booking_uid for fact in one.facts.booked), "")
    stale = {"createdAt": _z(clock.now() - OLD), "metadata": {MetadataKey.CALL_ID.value: "call_somebody_else"}}
    foreign = {"metadata": {MetadataKey.CALL_ID.value: "call_somebody_else"}}
    crafted: tuple[tuple[str, str, Layer, Reason, dict[str, Any]], ...] = (
        ("stale_rejected", "Einmal Veraltet", Layer.FRESHNESS, Reason.STALE_BOOKING, stale),
        ("call_id_mismatch", "Einmal Fremd", Layer.IDENTITY, Reason.CALL_ID_MISMATCH, foreign),
        ("database_check", "Einmal Doppelt", Layer.LEDGER, Reason.DATABASE_DUPLICATE, {"uid": known}),
    )
    rows = []
    for number, (check, name, layer, reason, changes) in enumerate(crafted):
        one.wire.given = _instead(clock.now(), changes)
        told = len(one.facts.told)
        status = await one.status(one.call(f"call_given_{number}", name, _at(one, 9) + number * SLOT))
        given = Given(status, one.refused_since(told), await one.appointments(name))
        rows.append(proof.refusal(check, given, layer, reason))
    return rows


def _instead(now: datetime, changes: dict[str, Any]) -> Callable[[WireRequest], WireAnswer]:
    """Answers a request to book with a booking of the wished slot that is fresh and nobody's, but for the changes."""

    def answer(request: WireRequest) -> WireAnswer:
        asked = json.loads(request.body)
        booking = {
            "id": 7_311_402,
            "uid": random_uid(),
            "status": "accepted",
            "start": asked["start"].replace("Z", ".000Z"),
            "eventTypeId": asked["eventTypeId"],
            "createdAt": _z(now),
            "metadata": {},
            "attendees": [],
        }
        body = json.dumps({"status": "success", "data": booking | changes}).encode()
        return WireAnswer(201, {"date": format_datetime(now, usegmt=True)}, body, 0.0)

    return answer


async def _dashboard(one: Trial) -> Row:
    """The metrics beside what an observer of its own was told, and what was answered."""
    refusals = Counter((fact.layer.value, fact.reason.value) for fact in one.facts.rejections)
    # Each answer that was a booking was accepted or refused, and had its age.
    ages = {"accepted": len(one.facts.booked), "rejected": len(one.facts.rejections)}
    made = Made(refusals, len(one.facts.booked), ages)
    try:
        scraped = await one.scrape()
    except (LedgerUnavailable, CommitUnknown):
        return proof.dashboard(made, None)
    namespace = one.gateway.settings.metrics_namespace
    return proof.dashboard(made, shown_by(scraped.body.decode(), namespace) if scraped.status == 200 else None)


def shown_by(text: str, namespace: str) -> Made:
    """What a scrape tells of refusals, appointments and ages."""
    refusals: dict[tuple[str, str], int] = {}
    ages: dict[str, int] = {}
    appointments = 0
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            match sample.name.removeprefix(f"{namespace}_"):
                case "duplicate_booking_rejections_total":
                    refusals[sample.labels["layer"], sample.labels["reason"]] = int(sample.value)
                case "appointments_created_total":
                    appointments = int(sample.value)
                case "booking_age_seconds_count":
                    ages[sample.labels["status"]] = int(sample.value)
                case _:
                    continue
    return Made(refusals, appointments, ages)


def _live_at(calendar: SimulatedCalendar) -> Callable[[datetime], Awaitable[int | None]]:
    async def live_at(start: datetime) -> int | None:
        return sum(one.start == start and one.status.value == "accepted" for one in calendar.bookings)

    return live_at


def _at(one: Trial, days: int) -> datetime:
    """Eight o'clock, when the simulator's salon opens."""
    return days_on(one.clock.now(), days, 8, one.zone).astimezone(UTC)


def _heard(answer: HttpAnswer) -> Heard:
    return Heard(answer.status, answer.body)


def _error(answer: HttpAnswer) -> str | None:
    try:
        return str(answer.json["error"])
    except (ValueError, KeyError, TypeError):
        return status_of(answer)


def _z(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
