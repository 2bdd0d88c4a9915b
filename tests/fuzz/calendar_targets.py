"""What Cal.com sends, or whoever answers in its place: answers, bookings, lists, slots, dates, event types."""

import asyncio
import json
import re
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, Final, TypeVar

from einmal.adapters.calcom.answers import health, read_answer, read_change
from einmal.adapters.calcom.calendar import CHANGES_PAGE, PAGE, Account, CalcomCalendar
from einmal.adapters.calcom.services import NoServices, list_services
from einmal.adapters.calcom.transport import WireAnswer, WireRequest
from einmal.adapters.calcom.wire import TEXT_MAX, UID_MAX, Unreadable, booking_of, http_date
from einmal.domain.answer import AnswerKind, Landed
from einmal.domain.gate import Heard
from einmal.domain.model import Booking
from einmal.domain.settle import Absent, settle
from einmal.ports import Blind, BookingRequest, ChangeKind, Page, Seen
from einmal.settings import MINUTES_MAX
from fuzz.mutation import INSTANTS, altered, pumped_text, said, sent
from fuzz.target import Target, holds
from support.evidence import NOW, OURS, SERVICE, intent

FIXTURES: Final = Path(__file__).parents[1] / "simulator" / "fixtures"
BODY_MAX: Final = 256 * 1024
HEADER_MAX: Final = 8000
WORD: Final = re.compile(r"[a-z_0-9]{0,40}")
STATUSES: Final = (
    *(200, 201, 201, 201, 400, 400, 401, 403, 404, 405, 409, 413, 415, 418, 422, 429, 429, 500, 502, 503, 504),
    *(0, 100, 204, 206, 301, 302, 304, 307, 599, 600, 999),
)
FILLED: Final = {"<number>": 4711, "<moment>": "2026-11-23T09:00:00.000Z", "<text>": "text"}


def _filled(value: Any) -> Any:
    """A recorded body with its placeholders filled in."""
    if isinstance(value, dict):
        return {key: _filled(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_filled(item) for item in value]
    return FILLED.get(value, value) if isinstance(value, str) else value


def _recorded() -> list[tuple[int, Any]]:
    """Every recorded answer, each shape once."""
    found: dict[str, tuple[int, Any]] = {}
    for path in sorted(FIXTURES.rglob("*.json")):
        for step in json.loads(path.read_text("utf-8")).get("steps", ()):
            expect = step.get("expect", {})
            if "body" in expect and isinstance(expect.get("status"), int):
                body = _filled(expect["body"])
                shape = re.sub(r"[0-9]+", "0", json.dumps(body, sort_keys=True))
                found.setdefault(shape[:2000], (expect["status"], body))
    return list(found.values())


RECORDED: Final = _recorded()
BOOKED: Final[dict[str, Any]] = {
    "uid": "8Gdq2bPmGxR1TzJ4oWn5yV",
    "status": "accepted",
    "start": "2026-12-01T09:00:00.000Z",
    "end": "2026-12-01T09:30:00.000Z",
    "eventTypeId": 101,
    "createdAt": "2026-11-23T09:00:00.000Z",
    "updatedAt": "2026-11-23T09:00:00.000Z",
    "metadata": {"call_id": "call_1", "einmal_op": OURS},
    "attendees": [{"name": "Jürgen Groß", "email": f"termin+{OURS}@salon.test"}],
    "hosts": [{"name": "Mia"}],
}
BOOKINGS: Final = [
    BOOKED,
    *(body["data"] for _, body in RECORDED if isinstance(body.get("data"), dict) and "uid" in body["data"]),
]
LISTS: Final = [
    {"status": "success", "data": [BOOKED]},
    {"status": "success", "data": [BOOKED | {"uid": f"u{number}"} for number in range(3)]},
    *(body for _, body in RECORDED if isinstance(body.get("data"), list)),
]
SLOTS: Final = [
    {"data": {"2026-12-01": [{"start": "2026-12-01T09:00:00.000Z"}, {"start": "2026-12-01T10:00:00+01:00"}]}},
    *(body for _, body in RECORDED if isinstance(body.get("data"), dict) and "uid" not in body["data"]),
]
EVENT_TYPES: Final = [{"data": [{"id": 101, "title": "Beratung", "lengthInMinutes": 30, "slug": "b"}]}]


def _answer(rng: Random) -> WireAnswer:
    status, body = rng.choice(RECORDED)
    if rng.random() < 0.4:
        status = rng.choice(STATUSES)
    return WireAnswer(status, {"date": _date(rng)}, sent(rng, (body, {"data": BOOKED})), 0.1)


# Answers


def _read_answer(answer: WireAnswer) -> str:
    kind, booking, word = read_answer(answer)
    status = answer.status
    holds((kind is AnswerKind.BOOKING) is (booking is not None), "a booking without one, or one that is not told")
    holds(WORD.fullmatch(word), "the remote's own text in a word of ours")
    if status not in {200, 201}:
        holds(kind is not AnswerKind.BOOKING, "a booking without success")
    if not 400 <= status < 500:
        holds(kind in {AnswerKind.BOOKING, AnswerKind.LOST}, "something certain is said of what nobody can know")
    if booking is not None:
        _sound(booking)
    _other_readings(answer, kind)
    return f"{kind} {word or '-'}"


def _other_readings(answer: WireAnswer, kind: AnswerKind) -> None:
    status = answer.status
    well = health(status, answer.body)
    holds((well is Heard.FAILED) is (status >= 500), "health")
    holds(well is not Heard.THROTTLED or (status == 429 and kind is AnswerKind.THROTTLED), "throttled by another")
    change, word = read_change(answer)
    holds((change is ChangeKind.DONE) is (status in {200, 201}), "done is what was answered so")
    holds(status < 500 or change is ChangeKind.MAYBE, "something certain is said of a change that failed")
    holds(WORD.fullmatch(word), "the remote's own text in a word of ours")


def _sound(booking: Booking) -> None:
    """A booking is made of checked fields only."""
    holds(0 < len(booking.uid) <= UID_MAX and booking.uid.isprintable(), "an odd uid")
    holds(type(booking.event_type_id) is int, "an odd event type")
    holds(booking.start.tzinfo is UTC, "an odd start")
    for moment in (booking.end, booking.created_at, booking.updated_at):
        holds(moment is None or moment.tzinfo is UTC, "an odd moment")
    for name in (booking.attendee_name, booking.host_name):
        holds(name is None or (0 < len(name) <= TEXT_MAX and name.isprintable()), "an odd name")
    told = [*booking.metadata, *booking.metadata.values()]
    holds(all(isinstance(text, str) for text in told), "odd metadata")
    holds(all(value.isprintable() for value in booking.metadata.values()), "odd metadata")
    holds(all(isinstance(mail, str) for mail in booking.attendee_emails), "an odd address")


def _long_answer(rng: Random, size: int) -> WireAnswer:
    status, body = rng.choice(RECORDED)
    text = pumped_text(rng, (json.dumps(body), json.dumps({"error": {"message": "metadata.x - "}})), size)
    return WireAnswer(rng.choice((status, 400)), {}, text.encode("utf-8", "surrogatepass"), 0.1)


def _booking(rng: Random) -> Any:
    return altered(rng, rng.choice(BOOKINGS))


def _booking_of(data: Any) -> str:
    try:
        booking = booking_of(data)
    except Unreadable as odd:
        holds(WORD.fullmatch(str(odd.args[0])), "the remote's own text in a word of ours")
        return f"unreadable {odd.args[0]}"
    _sound(booking)
    holds(booking_of(data) == booking, "read differently")
    told = (booking.created_at, booking.end, booking.host_name, booking.attendee_name)
    return f"{booking.status} {sum(one is not None for one in told)} told"


# Dates


DATES: Final = (
    *("Mon, 23 Nov 2026 09:00:00 GMT", "23 Nov 2026 09:00:00 -0000", "Monday, 23-Nov-26 09:00:00 GMT"),
    *("Mon Nov 23 09:00:00 2026", "Mon, 23 Nov 2026 09:00:00 +0100 (CET)"),
)


def _date(rng: Random) -> str:
    return said(rng, DATES, (*INSTANTS, "GMT", "-0000", "+9999", "99999999999999999999", "(", ")", ",", "0"))


def _http_date(text: str) -> str:
    value = http_date(text)
    holds(value is None or value.tzinfo is UTC, "an instant that is not in UTC")
    return "none" if value is None else "read"


def _long_date(rng: Random, size: int) -> str:
    return pumped_text(rng, DATES, size)


# The calendar, over a transport that answers at once

_T = TypeVar("_T")


class _Says:
    """A transport that has one answer to everything."""

    def __init__(self, answer: WireAnswer) -> None:
        self._answer = answer

    async def send(self, request: WireRequest) -> WireAnswer:
        holds(request.target.isascii() and request.target.isprintable() and " " not in request.target, "an odd target")
        return self._answer

    async def close(self) -> None:
        return


class _Clock:
    def now(self) -> datetime:
        return NOW

    def monotonic(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


ACCOUNT: Final = Account("key", "2024-08-13", "Europe/Berlin", "de")


def done(coroutine: Coroutine[Any, Any, _T]) -> _T:
    """What it returns; nothing in it waits."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        value: _T = end.value
        return value
    raise AssertionError("it waited")


def _calendar(rng: Random) -> tuple[str, WireAnswer]:
    which = rng.choice(("find", "read", "changes", "slots", "create", "cancel"))
    seeds: list[Any] = {"find": LISTS, "changes": LISTS, "slots": SLOTS}.get(which, [{"data": BOOKED}])
    status = 200 if rng.random() < 0.8 else rng.choice(STATUSES)
    return which, WireAnswer(status, {"date": _date(rng)}, sent(rng, seeds), 0.1)


def _ask(given: tuple[str, WireAnswer]) -> str:
    which, answer = given
    calendar = CalcomCalendar(_Says(answer), ACCOUNT, _Clock())
    match which:
        case "find":
            return _look(done(calendar.find(intent(), 9.0)), answer)
        case "read":
            return _look(done(calendar.read("a/b?c ü", 9.0)), answer)
        case "changes":
            return _page(done(calendar.changes(0, 9.0)), answer)
        case "slots":
            return _free(calendar, answer)
        case "create":
            made = done(calendar.create(BookingRequest(intent(), "key", 9.0)))
            holds(made.landed is not Landed.YES or made.booking is not None, "landed, and no booking")
            holds(made.calendar_date is None or made.calendar_date.tzinfo is UTC, "an odd date")
            return f"create {made.kind}"
        case _:
            return f"cancel {done(calendar.cancel('a/b', 'warum', 9.0)).kind}"


def _look(look: Seen | Blind, answer: WireAnswer) -> str:
    if isinstance(look, Blind):
        holds(WORD.fullmatch(look.why), "the remote's own text in a word of ours")
        return f"blind {look.why}"
    holds(answer.status == 200 or (answer.status == 404 and not look.bookings), "seen without success")
    for booking in look.bookings:
        _sound(booking)
    if answer.status == 200:
        settled = settle(intent(), look.bookings, complete=look.complete)
        ours = any(b.metadata.get("einmal_op") == OURS and b.status.live for b in look.bookings)
        holds(not (ours and isinstance(settled, Absent)), "what is there is called absent")
        holds(look.complete or len(look.bookings) >= PAGE, "a short page is a whole one")
    return f"seen {min(2, len(look.bookings))} {look.complete}"


def _page(page: Page | Blind, answer: WireAnswer) -> str:
    if isinstance(page, Blind):
        holds(WORD.fullmatch(page.why), "the remote's own text in a word of ours")
        return f"blind {page.why}"
    holds(answer.status == 200, "seen without success")
    holds(page.last is (len(page.bookings) + page.unread < CHANGES_PAGE), "not all rows were counted")
    for booking in page.bookings:
        _sound(booking)
    return f"page {min(2, len(page.bookings))} {min(2, page.unread)}"


def _free(calendar: CalcomCalendar, answer: WireAnswer) -> str:
    start, end = NOW, NOW + timedelta(days=14)
    offers = done(calendar.slots(SERVICE, start, end, 9.0))
    if isinstance(offers, Blind):
        return f"blind {offers.why}"
    holds(answer.status == 200, "seen without success")
    starts = [offer.start for offer in offers]
    holds(starts == sorted(starts) and all(start <= at < end for at in starts), "slots that were not asked for")
    return f"slots {min(3, len(offers))}"


def _long_ask(rng: Random, size: int) -> tuple[str, WireAnswer]:
    which = rng.choice(("find", "changes", "slots"))
    if rng.random() < 0.5:
        rows = [BOOKED] * (size // 600 + 1)
        return which, WireAnswer(200, {}, json.dumps({"data": {"d": rows} if which == "slots" else rows}).encode(), 0.1)
    text = pumped_text(rng, [json.dumps(seed) for seed in (SLOTS if which == "slots" else LISTS)], size)
    headers = {"date": pumped_text(rng, DATES, HEADER_MAX)}
    return which, WireAnswer(200, headers, text.encode("utf-8", "surrogatepass"), 0.1)


def _event_types(rng: Random) -> WireAnswer:
    return WireAnswer(200 if rng.random() < 0.9 else rng.choice(STATUSES), {}, sent(rng, EVENT_TYPES), 0.1)


def _list_services(answer: WireAnswer) -> str:
    try:
        services = done(list_services(_Says(answer), ACCOUNT, 9.0))
    except NoServices as none:
        return f"none, {str(none)[:20]}"
    holds(answer.status == 200 and services, "services without success")
    for service in services:
        holds(service.service_id == str(service.event_type_id), "an odd service")
        sound = type(service.event_type_id) is int and type(service.duration_minutes) is int
        within = service.event_type_id >= 1 and 1 <= service.duration_minutes <= MINUTES_MAX
        holds(sound and within, "what the file of services may not say is no service here either")
    return f"{min(2, len(services))} services"


TARGETS: Final = (
    Target("answer", _answer, _read_answer, _long_answer, BODY_MAX),
    Target("booking", _booking, _booking_of),
    Target("date header", _date, _http_date, _long_date, HEADER_MAX),
    Target("calendar", _calendar, _ask, _long_ask, BODY_MAX),
    Target("event types", _event_types, _list_services),
)
