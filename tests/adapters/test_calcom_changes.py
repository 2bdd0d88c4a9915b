"""Reading what has changed at Cal.com, and calling a booking off: what is asked, and what each answer means.

By recorded answers, by the simulator where the network would be, by scripted failures and by arbitrary rubbish.
"""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from einmal.adapters.calcom.answers import health, read_change
from einmal.adapters.calcom.calendar import Account, CalcomCalendar
from einmal.adapters.calcom.transport import AiohttpTransport, MaybeSent, NeverSent, WireAnswer, WireRequest
from einmal.adapters.system import SystemClock
from einmal.domain.gate import Heard
from einmal.domain.model import BookingStatus, MetadataKey
from einmal.ports import Blind, ChangeAnswer, ChangeKind, Page, Seen
from einmal.simulator.calendar import Attendee, Created, SimulatedBooking, SimulatedCalendar
from einmal.simulator.calendar import BookingStatus as Status
from einmal.simulator.catalogue import recorded_event_types
from einmal.simulator.faults import FaultPlan
from einmal.simulator.faulty import FaultyCalcom
from einmal.simulator.transport import InProcessTransport
from einmal.simulator.wire import SimulatedCalcom
from support.evidence import OURS, SERVICE, intent

FIXTURES = Path(__file__).parents[1] / "simulator" / "fixtures"
NOW = datetime(2026, 11, 21, 2, 31, tzinfo=UTC)
START = datetime(2027, 1, 15, 9, 0, tzinfo=UTC)
ACCOUNT = Account("cal_secret_key", "2024-08-13", "Europe/Berlin", "de")
PLAIN, CONFIRM, SEATS = 1, 3, 6
REASON = "Doppelt angekommene Anfrage, für Sie storniert"
PAGE_SIZE = 50
FAR = 1e12
"""A deadline that no test comes near."""


class StandingClock:
    """Time passes when somebody sleeps, and then at once."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def now(self) -> datetime:
        return NOW + timedelta(seconds=self.seconds - 100)

    def monotonic(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        self.seconds += seconds


@dataclass
class Wire:
    """The transport as a function from request to answer."""

    react: Callable[[WireRequest], WireAnswer]
    requests: list[WireRequest] = field(default_factory=list)

    async def send(self, request: WireRequest) -> WireAnswer:
        self.requests.append(request)
        return self.react(request)

    async def close(self) -> None:
        return

    @property
    def one(self) -> WireRequest:
        (request,) = self.requests
        return request

    @property
    def calendar(self) -> CalcomCalendar:
        return CalcomCalendar(self, ACCOUNT, StandingClock())


def answering(status: int, body: Any = b"") -> Wire:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Wire(lambda _: WireAnswer(status, {}, data, 0.2))


def failing(failure: Exception) -> Wire:
    def react(_: WireRequest) -> WireAnswer:
        raise failure

    return Wire(react)


RECORDED_ROW = json.loads((FIXTURES / "40_cancel_nokey_noreason.json").read_text("utf-8"))["steps"][0]["expect"]["body"]


def a_row(uid: str = "uid-1", **change: Any) -> dict[str, Any]:
    """A row as it was recorded, with what matters filled in."""
    row: dict[str, Any] = RECORDED_ROW["data"] | {
        "id": 4711,
        "uid": uid,
        "createdAt": "2026-11-21T02:31:00.123Z",
        "updatedAt": "2026-11-21T03:00:00.456Z",
        "metadata": {"einmal_op": OURS},
    }
    return {key: value for key, value in (row | change).items() if value is not ...}


def listing(*rows: Any) -> Wire:
    return answering(200, {"status": "success", "data": list(rows), "pagination": {}})


class Simulated:
    """The adapter on the simulated Cal.com of the recordings, with a plan of what goes wrong."""

    def __init__(self, plan: str = "", account: Account = ACCOUNT) -> None:
        self.clock, numbers = StandingClock(), count(1)
        self.truth = SimulatedCalendar(
            recorded_event_types(), now=self.clock.now, new_uid=lambda: f"uid-{next(numbers):03d}"
        )
        calcom = SimulatedCalcom(self.truth, api_keys=None, now=self.clock.now, requests_per_minute=10_000)
        self.transport = InProcessTransport(
            FaultyCalcom(calcom, FaultPlan.from_toml(plan, in_process=True)), clock=self.clock
        )
        self.calendar = CalcomCalendar(self.transport, account, self.clock)

    @property
    def deadline(self) -> float:
        return self.clock.monotonic() + 3

    def book(self, number: int = 0, event_type_id: int = PLAIN) -> SimulatedBooking:
        """A second later than whatever was before it."""
        self.clock.seconds += 1
        attendee = Attendee(f"Guest {number}", f"guest{number}@guest.example.test")
        start = START + timedelta(hours=number)
        made = self.truth.create(event_type_id, start, attendee, metadata={MetadataKey.OPERATION_ID: OURS})
        assert isinstance(made, Created), made
        return made.booking

    def status(self, booking: SimulatedBooking) -> Status:
        found = self.truth.get(booking.uid)
        assert found is not None
        return found.status

    async def page(self, number: int = 0) -> Page:
        page = await self.calendar.changes(number, self.deadline)
        assert isinstance(page, Page), page
        return page

    async def cancel(self, uid: str, reason: str = REASON) -> ChangeAnswer:
        return await self.calendar.cancel(uid, reason, self.deadline)


def rule(fault: str, operation: str, **parameters: float) -> str:
    lines = "".join(f"{name} = {value}\n" for name, value in parameters.items())
    return f'[[rule]]\nfault = "{fault}"\noperation = "{operation}"\nnth = 1\n{lines}'


# Changes: what is asked ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", [0, 1, 7])
async def test_a_page_of_changes_is_one_get_sorted_by_the_last_change(page: int) -> None:
    """The most that Cal.com gives at once, from where the page begins; every status, so none is named."""
    wire = listing()
    await wire.calendar.changes(page, 42.5)
    target = urlsplit(wire.one.target)
    assert (wire.one.method, target.path, wire.one.body) == ("GET", "/v2/bookings", b"")
    assert parse_qs(target.query, strict_parsing=True) == {
        "sortUpdatedAt": ["desc"],
        "take": [str(PAGE_SIZE)],
        "skip": [str(page * PAGE_SIZE)],
    }
    assert (wire.one.deadline, wire.one.write_deadline) == (42.5, 42.5)
    assert wire.one.headers["cal-api-version"] == "2024-08-13"
    assert wire.one.headers["Authorization"] == "Bearer cal_secret_key"


# Changes: what comes back ----------------------------------------------------------------------------------------


async def test_what_changed_last_comes_first_in_any_status() -> None:
    """Made, confirmed, cancelled, pending: by when something last happened to it, and not by its start."""
    world = Simulated()
    cancelled, accepted, untouched, pending = (
        *(world.book(9), world.book(3, CONFIRM), world.book(7), world.book(1, CONFIRM)),
    )
    world.clock.seconds += 1
    world.truth.accept(accepted.uid)
    world.clock.seconds += 1
    world.truth.cancel(cancelled.uid, "x")
    page = await world.page()
    assert [(booking.uid, booking.status) for booking in page.bookings] == [
        (cancelled.uid, BookingStatus.CANCELLED),
        (accepted.uid, BookingStatus.ACCEPTED),
        (pending.uid, BookingStatus.PENDING),
        (untouched.uid, BookingStatus.ACCEPTED),
    ]
    assert (page.unread, page.last) == (0, True)
    assert [booking.updated_at for booking in page.bookings] == [
        NOW + timedelta(seconds=seconds) for seconds in (6, 5, 4, 3)
    ]


async def test_a_changed_booking_is_read_with_its_operation_id_and_both_its_times() -> None:
    """By these the sweep knows whose it is and how far it has read."""
    page = await listing(a_row()).calendar.changes(0, FAR)
    assert isinstance(page, Page)
    (booking,) = page.bookings
    assert booking.metadata == {"einmal_op": OURS}
    assert booking.created_at == datetime(2026, 11, 21, 2, 31, 0, 123_000, tzinfo=UTC)
    assert booking.updated_at == datetime(2026, 11, 21, 3, 0, 0, 456_000, tzinfo=UTC)


@pytest.mark.parametrize("told", [..., None, "yesterday", 1763692260, "", {}])
async def test_a_change_without_a_time_is_a_booking_all_the_same(told: Any) -> None:
    """Nothing about whose it is hangs on when it changed."""
    page = await listing(a_row(updatedAt=told)).calendar.changes(0, FAR)
    assert isinstance(page, Page)
    assert [(booking.uid, booking.updated_at) for booking in page.bookings] == [("uid-1", None)]
    assert page.unread == 0


def many(world: Simulated, number: int) -> list[str]:
    """So many bookings; their uids, last changed first."""
    first = world.book()
    for n in range(1, number):
        at = first.updated_at + timedelta(milliseconds=n)
        world.truth.plant(replace(first, id=first.id + n, uid=f"many-{n:04d}", updated_at=at))
    return [row.uid for row in sorted(world.truth.bookings, key=lambda row: row.updated_at, reverse=True)]


@pytest.mark.parametrize(
    ("number", "sizes"),
    [(1, [1]), (49, [49]), (50, [50, 0]), (51, [50, 1]), (120, [50, 50, 20])],
)
async def test_pages_follow_each_other_without_gap_until_the_last(number: int, sizes: list[int]) -> None:
    """A full page may have another behind it; one that is not full has none."""
    world = Simulated()
    uids = many(world, number)
    pages = [await world.page(n) for n in range(len(sizes))]
    assert [len(page.bookings) for page in pages] == sizes
    assert [page.last for page in pages] == [False] * (len(sizes) - 1) + [True]
    assert [booking.uid for page in pages for booking in page.bookings] == uids


async def test_what_changes_while_pages_are_read_hides_nothing_else() -> None:
    """It moves to the front and pushes the rest back: something is seen twice, and only it not at all."""
    world = Simulated()
    uids = many(world, 120)
    seen = [booking.uid for booking in (await world.page(0)).bookings]
    world.clock.seconds += 10
    world.truth.cancel(uids[100], "x")
    for number in (1, 2):
        seen += [booking.uid for booking in (await world.page(number)).bookings]
    assert set(seen) == set(uids) - {uids[100]}
    assert len(seen) == len(set(seen)) + 1
    assert (await world.page(0)).bookings[0].uid == uids[100], "and it is the first of the next sweep"


ODD_ROWS: list[Any] = [
    None,
    7,
    "uid-1",
    [],
    {},
    a_row(uid=...),
    a_row(uid=""),
    a_row(uid="a\ud800"),
    a_row(status="dreaming"),
    a_row(start=...),
    a_row(start="soon"),
    a_row(eventTypeId=None, eventType=None),
]


@pytest.mark.parametrize("odd", ODD_ROWS, ids=range(len(ODD_ROWS)))
async def test_one_odd_row_is_counted_and_hides_no_other(odd: Any) -> None:
    """Somebody's row that cannot be read is no reason to be blind for ours, before it or behind it."""
    page = await listing(a_row("uid-1"), odd, a_row("uid-2")).calendar.changes(0, FAR)
    assert isinstance(page, Page)
    assert [booking.uid for booking in page.bookings] == ["uid-1", "uid-2"]
    assert page.unread == 1


async def test_a_shared_booking_is_a_row_like_others() -> None:
    """Recorded: of a booking with seats the row has no metadata of its own; it is read, and it is nobody's."""
    world = Simulated()
    world.book(1, SEATS)
    page = await world.page()
    assert [(booking.metadata, page.unread) for booking in page.bookings] == [({}, 0)]


async def test_whether_it_is_the_last_page_is_told_by_its_rows_and_not_by_what_could_be_read() -> None:
    """A full page of which nothing could be understood is a full page."""
    for rows in ([{}] * PAGE_SIZE, [a_row(f"uid-{n}") for n in range(PAGE_SIZE - 1)] + [{}]):
        page = await listing(*rows).calendar.changes(0, FAR)
        assert isinstance(page, Page)
        assert not page.last
        assert len(page.bookings) + page.unread == PAGE_SIZE


SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
RUBBISH = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4), max_leaves=8
)
BENT_ROWS = st.builds(
    lambda key, value: a_row("bent") | {key: value}, st.sampled_from(sorted(a_row())), RUBBISH
)  # one field of a real row is rubbish


@given(st.lists(RUBBISH | BENT_ROWS | st.just("good"), max_size=12))
async def test_over_any_rows_each_is_a_booking_or_counted(rows: list[Any]) -> None:
    """Nothing raises, nothing is lost, and the good ones keep their order."""
    good = (f"good-{number}" for number in count())
    filled = [a_row(next(good)) if row == "good" else row for row in rows]
    page = await listing(*filled).calendar.changes(0, FAR)
    assert isinstance(page, Page)
    assert len(page.bookings) + page.unread == len(rows)
    wanted = [row["uid"] for row in filled if isinstance(row, dict) and str(row.get("uid")).startswith("good-")]
    assert [booking.uid for booking in page.bookings if booking.uid.startswith("good-")] == wanted


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "unreadable_not_json"),
        (b"<html>maintenance</html>", "unreadable_not_json"),
        (b"[" * 100_000, "unreadable_not_json"),
        ([], "unreadable_no_object"),
        ({}, "no_list"),
        ({"data": None}, "no_list"),
        ({"data": {"bookings": []}}, "no_list"),
    ],
)
async def test_a_200_that_is_no_list_is_blindness_and_not_an_empty_page(body: Any, why: str) -> None:
    """An empty page would say that everything has been read."""
    assert await answering(200, body).calendar.changes(0, FAR) == Blind(why, Heard.WELL)


@asynccontextmanager
async def a_server(body: bytes) -> AsyncIterator[tuple[AiohttpTransport, list[str]]]:
    """A real one on loopback, that answers everything with this body; the transport to it, and what was asked."""
    paths: list[str] = []

    async def handle(request: web.Request) -> web.Response:
        paths.append(request.raw_path)
        return web.Response(body=body, content_type="application/json")

    runner = web.ServerRunner(web.Server(handle, access_log=None))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    transport = AiohttpTransport(f"http://127.0.0.1:{runner.addresses[0][1]}")
    try:
        yield transport, paths
    finally:
        await transport.close()
        await runner.cleanup()


async def test_a_full_page_of_well_attended_classes_is_read() -> None:
    """Through the real transport: fifty bookings with twenty recorded seats each are no nonsense and no malice."""
    recorded = json.loads((FIXTURES / "seats" / "06_seats.json").read_text("utf-8"))
    shared = recorded["steps"][0]["expect"]["body"]["data"]
    rows = [a_row(f"uid-{n}", attendees=shared["attendees"] * 20) for n in range(PAGE_SIZE)]
    body = json.dumps({"data": rows}, separators=(",", ":")).encode()
    async with a_server(body) as (transport, _):
        clock = SystemClock()
        page = await CalcomCalendar(transport, ACCOUNT, clock).changes(0, clock.monotonic() + 30)
    assert isinstance(page, Page), page
    assert len(page.bookings) == PAGE_SIZE


# Blind, and what it says of the calendar's health ----------------------------------------------------------------

Read = Callable[[CalcomCalendar], Awaitable[Any]]
READS: dict[str, Read] = {
    "changes": lambda calendar: calendar.changes(0, FAR),
    "find": lambda calendar: calendar.find(intent(), FAR),
    "read": lambda calendar: calendar.read("uid-1", FAR),
    "slots": lambda calendar: calendar.slots(SERVICE, START, START + timedelta(days=1), FAR),
}
every_read = pytest.mark.parametrize("read", READS.values(), ids=READS)

THROTTLED = {"status": "error", "error": {"code": "ThrottlerException", "message": "CustomThrottlerGuard - Too many"}}
ERROR = {"status": "error", "error": {"code": "InternalServerErrorException", "message": "Kanarienvogel"}}


@every_read
@pytest.mark.parametrize(
    ("status", "body", "how"),
    [
        (500, ERROR, Heard.FAILED),
        (501, ERROR, Heard.FAILED),
        (502, b"<html>Bad Gateway</html>", Heard.FAILED),
        (503, b"", Heard.FAILED),
        (504, b"", Heard.FAILED),
        (599, b"", Heard.FAILED),
        (429, THROTTLED, Heard.THROTTLED),
        (429, b"<html>slow down, says a proxy</html>", Heard.WELL),
        (429, b"", Heard.WELL),
        (429, ERROR, Heard.WELL),
        (400, ERROR, Heard.WELL),
        (401, ERROR, Heard.WELL),
        (403, ERROR, Heard.WELL),
        (302, b"", Heard.WELL),
        (204, b"", Heard.WELL),
    ],
)
async def test_an_answer_that_is_no_look_says_how_the_calendar_is(
    read: Read, status: int, body: Any, how: Heard
) -> None:
    """5xx is failure, the throttle's own 429 is the throttle, and a 4xx is an answer."""
    wire = answering(status, body)
    assert await read(wire.calendar) == Blind(f"http_{status}", how)
    assert len(wire.requests) == 1, "asked once; whoever wants more asks again"


async def test_a_list_that_is_not_found_is_blindness() -> None:
    """Of one booking a 404 says that there is none; of the list it says nothing about bookings."""
    assert await answering(404, ERROR).calendar.changes(0, FAR) == Blind("http_404", Heard.WELL)
    assert await answering(404, ERROR).calendar.read("uid-1", FAR) == Seen(())


@every_read
@pytest.mark.parametrize(
    ("failure", "how"),
    [
        (NeverSent("deadline"), None),
        (NeverSent("connect"), Heard.FAILED),
        (NeverSent("dns"), Heard.FAILED),
        (NeverSent("tls"), Heard.FAILED),
        (NeverSent("timeout"), Heard.FAILED),
        (MaybeSent("timeout"), Heard.FAILED),
        (MaybeSent("reset"), Heard.FAILED),
        (MaybeSent("truncated"), Heard.FAILED),
        (MaybeSent("deadline"), Heard.FAILED),
    ],
    ids=lambda value: f"{type(value).__name__}-{value}" if isinstance(value, Exception) else "",
)
async def test_silence_is_failure_unless_nobody_was_asked(read: Read, failure: Exception, how: Heard | None) -> None:
    """Our own deadline, passed before a byte left, says nothing of the calendar."""
    assert await read(failing(failure).calendar) == Blind(str(failure), how)


@pytest.mark.parametrize(
    ("plan", "why", "how"),
    [
        (rule("lost_request", "list"), "reset", Heard.FAILED),
        (rule("lost_answer", "list"), "reset", Heard.FAILED),
        (rule("refused_connection", "list"), "connect", Heard.FAILED),
        (rule("slow_answer", "list", delay_seconds=60), "timeout", Heard.FAILED),
        (rule("slow_body", "list", body_delay_seconds=60), "timeout", Heard.FAILED),
        (rule("error_before_commit", "list"), "http_502", Heard.FAILED),
        (rule("throttled", "list"), "http_429", Heard.THROTTLED),
    ],
    ids=lambda value: value.split('"')[1] if isinstance(value, str) and '"' in value else "",
)
async def test_each_fault_of_the_simulator_is_heard_for_what_it_is_and_the_next_page_is_read(
    plan: str, why: str, how: Heard
) -> None:
    world = Simulated(plan)
    world.book()
    assert await world.calendar.changes(0, world.deadline) == Blind(why, how)
    assert len((await world.page()).bookings) == 1


async def test_past_its_own_deadline_nothing_is_asked() -> None:
    world = Simulated()
    booking = world.book()
    assert await world.calendar.changes(0, world.clock.monotonic()) == Blind("deadline", None)
    answer = await world.calendar.cancel(booking.uid, REASON, world.clock.monotonic() - 1)
    assert answer == ChangeAnswer(ChangeKind.NOT_ASKED, "deadline", None)
    assert world.status(booking) is Status.ACCEPTED


def recorded_throttles() -> list[Any]:
    steps = [
        (path.stem, number, step["expect"])
        for path in sorted((FIXTURES / "limits").glob("*.json"))
        for number, step in enumerate(json.loads(path.read_text("utf-8"))["steps"])
        if step.get("expect", {}).get("status") == 429 and "body" in step["expect"]
    ]
    return [pytest.param(expect["body"], id=f"{stem}-{number}") for stem, number, expect in steps]


@pytest.mark.parametrize("body", recorded_throttles())
def test_every_recorded_throttle_is_the_throttle(body: dict[str, Any]) -> None:
    """By its code: with another one, or under another status, the same body is an ordinary answer."""
    assert health(429, json.dumps(body).encode()) is Heard.THROTTLED
    assert health(400, json.dumps(body).encode()) is Heard.WELL
    other = body | {"error": body["error"] | {"code": "TooManyRequestsException"}}
    assert health(429, json.dumps(other).encode()) is Heard.WELL


def test_the_recorded_throttles_are_there() -> None:
    """Control for the test above."""
    assert len(recorded_throttles()) > 5


@given(st.integers(100, 999), st.binary(max_size=200) | RUBBISH.map(lambda value: json.dumps(value).encode()))
def test_over_any_answer_health_and_change_are_told(status: int, body: bytes) -> None:
    """Nothing raises; only a 5xx is failure; only a 2xx that Cal.com gives is done; rubbish is no throttle."""
    assert (health(status, body) is Heard.FAILED) == (status >= 500)
    kind, word = read_change(WireAnswer(status, {}, body, 0.1))
    assert (kind is ChangeKind.DONE) == (status in {200, 201})
    assert word == "" or word.replace("_", "").isalnum()


# Cancel: what is asked -------------------------------------------------------------------------------------------


async def test_a_cancel_is_one_post_that_always_says_why() -> None:
    """A host's key is refused without a reason (recorded), and the attendee may be mailed it: umlauts stay."""
    wire = answering(200, {"data": a_row(status="cancelled")})
    assert await wire.calendar.cancel("uid-1", REASON, 42.5) == ChangeAnswer(ChangeKind.DONE, "", Heard.WELL)
    assert (wire.one.method, wire.one.target) == ("POST", "/v2/bookings/uid-1/cancel")
    assert json.loads(wire.one.body) == {"cancellationReason": REASON}
    assert "für Sie".encode() in wire.one.body
    assert (wire.one.deadline, wire.one.write_deadline) == (42.5, 42.5)
    assert wire.one.headers["Content-Type"] == "application/json"
    assert wire.one.headers["cal-api-version"] == "2024-08-13"
    assert wire.one.headers["Authorization"] == "Bearer cal_secret_key"


async def test_a_hosts_key_may_cancel_because_the_reason_is_given() -> None:
    """And its control: without one the very same cancel is refused."""
    world = Simulated()
    booking = world.book()
    assert (await world.cancel(booking.uid, "")).kind is ChangeKind.REFUSED
    assert world.status(booking) is Status.ACCEPTED
    assert (await world.cancel(booking.uid)).kind is ChangeKind.DONE
    assert world.status(booking) is Status.CANCELLED
    cancelled = world.truth.get(booking.uid)
    assert cancelled is not None
    assert cancelled.cancellation_reason == REASON


@pytest.mark.parametrize(
    ("uid", "quoted"),
    [
        ("8Gdq2bPmGxR1TzJ4oWn5yV", "8Gdq2bPmGxR1TzJ4oWn5yV"),
        ("a/b", "a%2Fb"),
        ("../../v2/me", "..%2F..%2Fv2%2Fme"),
        ("a?b=c#d", "a%3Fb%3Dc%23d"),
        ("100% ü", "100%25%20%C3%BC"),
        ("a%2Fb", "a%252Fb"),
    ],
)
async def test_a_uid_is_one_segment_of_the_path_whatever_it_holds(uid: str, quoted: str) -> None:
    """Also as the real transport puts it on the wire: no uid leads anywhere else."""
    wire = answering(200)
    await wire.calendar.cancel(uid, REASON, FAR)
    await wire.calendar.read(uid, FAR)
    targets = [f"/v2/bookings/{quoted}/cancel", f"/v2/bookings/{quoted}"]
    assert [request.target for request in wire.requests] == targets
    async with a_server(b"{}") as (transport, paths):
        clock = SystemClock()
        calendar = CalcomCalendar(transport, ACCOUNT, clock)
        await calendar.cancel(uid, REASON, clock.monotonic() + 30)
        await calendar.read(uid, clock.monotonic() + 30)
    segments = [[unquote(segment) for segment in path.split("/")] for path in paths]
    assert segments == [["", "v2", "bookings", uid, "cancel"], ["", "v2", "bookings", uid]]


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=60))
async def test_over_any_uid_there_is_one_segment_that_reads_back(uid: str) -> None:
    wire = answering(200)
    await wire.calendar.cancel(uid, REASON, FAR)
    assert wire.one.target.isascii()
    assert [unquote(part) for part in wire.one.target.split("/")] == ["", "v2", "bookings", uid, "cancel"]
    assert urlsplit(wire.one.target).query == urlsplit(wire.one.target).fragment == ""


async def test_no_other_booking_is_touched() -> None:
    world = Simulated()
    bookings = [world.book(number) for number in range(3)]
    await world.cancel(bookings[1].uid)
    assert [world.status(each) for each in bookings] == [Status.ACCEPTED, Status.CANCELLED, Status.ACCEPTED]


# Cancel: what the answer means -----------------------------------------------------------------------------------

MEANINGS = (
    ("because it has been cancelled already", ChangeKind.ENDED_BEFORE),
    ("Cancellation reason is required when you are the host", ChangeKind.REFUSED),
    ("property is wrong", ChangeKind.REFUSED),
    ("Booking with uid=doesnotexist not found", ChangeKind.UNKNOWN),
    ("Cannot cancel a booking that has already ended", ChangeKind.REFUSED),
    ("User not a host of this event", ChangeKind.REFUSED),
    ("Invalid seatUid: this seat does not exist or has already been cancelled.", ChangeKind.REFUSED),
)
"""What each recorded refusal means, decided by hand and apart from the table under test."""


def recorded_cancels() -> list[Any]:
    """Every answer to a cancel that was recorded under our API version."""
    cases = []
    for path in sorted(FIXTURES.rglob("*.json")):
        for number, step in enumerate(json.loads(path.read_text("utf-8"))["steps"]):
            if str(step.get("target")).endswith("/cancel") and step.get("version") == "2024-08-13":
                expect = step["expect"]
                body = expect.get("body", {"status": "success", "data": expect.get("booking")})
                cases.append(pytest.param(expect["status"], body, id=f"{path.stem}-{number}"))
    return cases


@pytest.mark.parametrize(("status", "body"), recorded_cancels())
async def test_every_recorded_answer_to_a_cancel_means_what_it_meant(status: int, body: dict[str, Any]) -> None:
    """Each answer that Cal.com's own server gave is read as a person reads it, and the calendar is well."""
    message = body.get("error", body).get("message", "")
    (meant,) = {kind for text, kind in MEANINGS if text in message} or {ChangeKind.DONE}
    answer = await answering(status, body).calendar.cancel("uid-1", REASON, FAR)
    assert (answer.kind, answer.heard) == (meant, Heard.WELL)


def test_the_recorded_cancels_are_there() -> None:
    """Control for the test above: it saw many, every meaning among them."""
    cases = recorded_cancels()
    texts = [case.values[1].get("error", case.values[1]).get("message", "") for case in cases]
    assert len(cases) > 30
    assert all(any(text in message for message in texts) for text, _ in MEANINGS)
    assert "" in texts, "and some that were done"


@pytest.mark.parametrize(
    ("status", "body", "answer"),
    [
        (200, b"rubbish", ChangeAnswer(ChangeKind.DONE, "", Heard.WELL)),
        (201, {}, ChangeAnswer(ChangeKind.DONE, "", Heard.WELL)),
        (404, b"", ChangeAnswer(ChangeKind.UNKNOWN, "not_found", Heard.WELL)),
        (400, ERROR, ChangeAnswer(ChangeKind.REFUSED, "http_400", Heard.WELL)),
        (400, b"", ChangeAnswer(ChangeKind.REFUSED, "http_400", Heard.WELL)),
        (401, ERROR, ChangeAnswer(ChangeKind.REFUSED, "http_401", Heard.WELL)),
        (403, ERROR, ChangeAnswer(ChangeKind.REFUSED, "http_403", Heard.WELL)),
        (409, ERROR, ChangeAnswer(ChangeKind.MAYBE, "http_409", Heard.WELL)),
        (302, b"", ChangeAnswer(ChangeKind.MAYBE, "http_302", Heard.WELL)),
        (429, THROTTLED, ChangeAnswer(ChangeKind.MAYBE, "http_429", Heard.THROTTLED)),
        (429, b"", ChangeAnswer(ChangeKind.MAYBE, "http_429", Heard.WELL)),
        (500, ERROR, ChangeAnswer(ChangeKind.MAYBE, "http_500", Heard.FAILED)),
        (502, b"<html/>", ChangeAnswer(ChangeKind.MAYBE, "http_502", Heard.FAILED)),
        (504, b"", ChangeAnswer(ChangeKind.MAYBE, "http_504", Heard.FAILED)),
    ],
    ids=lambda value: str(value) if isinstance(value, int) else "",
)
async def test_each_status_has_its_meaning_and_a_word_of_ours(status: int, body: Any, answer: ChangeAnswer) -> None:
    """What does not say that it was done or refused is a maybe; the remote's text goes no further."""
    wire = answering(status, body)
    assert await wire.calendar.cancel("uid-1", REASON, FAR) == answer
    assert len(wire.requests) == 1, "asked once, whatever came of it"


@pytest.mark.parametrize(
    ("failure", "kind", "how"),
    [
        (NeverSent("deadline"), ChangeKind.NOT_ASKED, None),
        (NeverSent("connect"), ChangeKind.NOT_ASKED, Heard.FAILED),
        (NeverSent("dns"), ChangeKind.NOT_ASKED, Heard.FAILED),
        (NeverSent("timeout"), ChangeKind.NOT_ASKED, Heard.FAILED),
        (MaybeSent("timeout"), ChangeKind.MAYBE, Heard.FAILED),
        (MaybeSent("reset"), ChangeKind.MAYBE, Heard.FAILED),
        (MaybeSent("truncated"), ChangeKind.MAYBE, Heard.FAILED),
    ],
    ids=lambda value: f"{type(value).__name__}-{value}" if isinstance(value, Exception) else "",
)
async def test_silence_is_a_maybe_unless_nothing_left(failure: Exception, kind: ChangeKind, how: Heard | None) -> None:
    wire = failing(failure)
    assert await wire.calendar.cancel("uid-1", REASON, FAR) == ChangeAnswer(kind, str(failure), how)
    assert len(wire.requests) == 1, "a cancel is not idempotent: nothing below repeats it"


@pytest.mark.parametrize(
    ("plan", "answer", "status"),
    [
        (rule("lost_request", "cancel"), (ChangeKind.MAYBE, Heard.FAILED), Status.ACCEPTED),
        (rule("lost_answer", "cancel"), (ChangeKind.MAYBE, Heard.FAILED), Status.CANCELLED),
        (rule("error_before_commit", "cancel"), (ChangeKind.MAYBE, Heard.FAILED), Status.ACCEPTED),
        (rule("error_after_commit", "cancel"), (ChangeKind.MAYBE, Heard.FAILED), Status.CANCELLED),
        (rule("slow_answer", "cancel", delay_seconds=60), (ChangeKind.MAYBE, Heard.FAILED), Status.CANCELLED),
        (rule("late_commit", "cancel"), (ChangeKind.MAYBE, Heard.FAILED), Status.ACCEPTED),
        (rule("throttled", "cancel"), (ChangeKind.MAYBE, Heard.THROTTLED), Status.ACCEPTED),
        (rule("refused_connection", "cancel"), (ChangeKind.NOT_ASKED, Heard.FAILED), Status.ACCEPTED),
    ],
    ids=lambda value: value.split('"')[1] if isinstance(value, str) else "",
)
async def test_whatever_befalls_a_cancel_it_never_claims_more_than_is_known(
    plan: str, answer: tuple[ChangeKind, Heard], status: Status
) -> None:
    """The same maybe stands for done and not done; only a read tells which."""
    world = Simulated(plan)
    booking = world.book()
    told = await world.cancel(booking.uid)
    assert (told.kind, told.heard) == answer
    assert world.status(booking) is status
    look = await world.calendar.read(booking.uid, world.deadline)
    assert isinstance(look, Seen)
    assert [seen.status for seen in look.bookings] == [BookingStatus(status.value)]


async def test_a_second_cancel_hears_that_it_has_ended_before() -> None:
    """Also of one that was moved: there is nothing live under this uid any more."""
    world = Simulated()
    twice, moved = world.book(0), world.book(1)
    assert (await world.cancel(twice.uid)).kind is ChangeKind.DONE
    world.truth.reschedule(moved.uid, START + timedelta(days=3), by_owner=True)
    for uid in (twice.uid, moved.uid):
        assert await world.cancel(uid) == ChangeAnswer(ChangeKind.ENDED_BEFORE, "ended_before", Heard.WELL)


async def test_a_booking_that_nobody_knows_is_unknown() -> None:
    world = Simulated()
    world.book()
    assert await world.cancel("doesnotexist") == ChangeAnswer(ChangeKind.UNKNOWN, "not_found", Heard.WELL)


async def test_a_wrong_key_is_refused_and_changes_nothing() -> None:
    """Recorded: the guard looks at the key before anything else."""
    world = Simulated()
    booking = world.book()
    calcom = SimulatedCalcom(world.truth, api_keys={"another": None}, now=world.clock.now)
    calendar = CalcomCalendar(InProcessTransport(calcom, clock=world.clock), ACCOUNT, world.clock)
    answer = await calendar.cancel(booking.uid, REASON, world.deadline)
    assert answer == ChangeAnswer(ChangeKind.REFUSED, "http_401", Heard.WELL)
    assert world.status(booking) is Status.ACCEPTED
