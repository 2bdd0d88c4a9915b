"""Lists as a reader follows them: in the order of change, from a moment on, page by page."""

import json
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from urllib.parse import urlencode

import pytest

from einmal.simulator.calendar import Attendee, Changed, Created, ListedStatus, SimulatedCalendar
from einmal.simulator.catalogue import recorded_event_types
from einmal.simulator.wire import SimulatedCalcom

NOW = datetime(2026, 11, 21, 2, 31, 0, 500_000, tzinfo=UTC)
SLOT = datetime(2026, 11, 28, 12, 30, tzinfo=UTC)
PLAIN, CONFIRM, SEATS, LIMIT1 = 1, 3, 6, 7
ANN = Attendee("Ann", "ann@guest.example.test")
MS = timedelta(milliseconds=1)


class World:
    """A calendar on a clock that stands until it is moved, and a key to list it with."""

    def __init__(self) -> None:
        self.time, numbers = NOW, count(1)
        self.calendar = SimulatedCalendar(
            recorded_event_types(), now=lambda: self.time, new_uid=lambda: f"uid-{next(numbers)}"
        )
        self.calcom = SimulatedCalcom(self.calendar, api_keys=None, now=lambda: self.time)

    def book(self, hours: int = 0, event_type_id: int = PLAIN) -> str:
        outcome = self.calendar.create(event_type_id, SLOT + timedelta(hours=hours), ANN)
        assert isinstance(outcome, Created)
        return outcome.booking.uid

    def list(self, **query: Any) -> tuple[list[str], int]:
        """The uids of one page, and how many the counters claim in all."""
        shown = {name: text(value) if isinstance(value, datetime) else value for name, value in query.items()}
        headers = {"cal-api-version": "2024-08-13", "authorization": "Bearer k"}
        answer = self.calcom.handle("GET", f"/v2/bookings?{urlencode(shown)}", headers, b"")
        body = json.loads(answer.body)
        assert answer.status == 200, body
        return [booking["uid"] for booking in body["data"]], body["pagination"]["totalItems"]

    def stamp(self, uid: str) -> datetime:
        booking = self.calendar.get(uid)
        assert booking is not None
        return booking.updated_at


def text(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


@pytest.fixture
def world() -> World:
    return World()


@pytest.mark.parametrize("seconds", [0, 60])
@pytest.mark.parametrize("change", ["cancel", "accept", "decline", "reschedule"])
def test_every_change_stamps_the_booking_anew(world: World, change: str, seconds: int) -> None:
    """Later than before, even by a clock that stands; what was created when stays."""
    uid = world.book(event_type_id=CONFIRM)
    before = world.stamp(uid)
    world.time += timedelta(seconds=seconds)
    if change == "reschedule":
        outcome = world.calendar.reschedule(uid, SLOT + timedelta(hours=1), by_owner=True)
        assert isinstance(outcome, Created)
        assert outcome.booking.updated_at == outcome.booking.created_at == world.time
    else:
        assert isinstance(getattr(world.calendar, change)(uid), Changed)
    assert world.stamp(uid) == max(world.time, before + MS)
    booking = world.calendar.get(uid)
    assert booking is not None
    assert booking.created_at == NOW


def test_a_seat_more_or_less_stamps_the_shared_booking(world: World) -> None:
    """Whoever follows changes hears of it."""
    uid = world.book(event_type_id=SEATS)
    stamps = [world.stamp(uid)]
    joined = world.calendar.create(SEATS, SLOT, Attendee("Bob", "bob@guest.example.test"))
    assert isinstance(joined, Created)
    stamps.append(world.stamp(uid))
    world.calendar.leave(uid, joined.seat_uid or "")
    stamps.append(world.stamp(uid))
    assert stamps == sorted(set(stamps))


def test_a_refused_change_stamps_nothing(world: World) -> None:
    """What did not happen is no change."""
    uid = world.book()
    world.calendar.cancel(uid, "x")
    before = world.stamp(uid)
    world.time += timedelta(seconds=1)
    world.calendar.cancel(uid, "x")
    world.calendar.reschedule(uid, SLOT + timedelta(hours=1), by_owner=False)
    assert world.stamp(uid) == before


def test_a_list_follows_the_order_of_change(world: World) -> None:
    """The one that was changed last is last, whenever it begins and was made."""
    first, second, third = (world.book(hours) for hours in (2, 1, 0))
    for uid in (second, first):
        world.time += timedelta(seconds=1)
        world.calendar.cancel(uid, "x")
    assert world.list(sortUpdatedAt="asc")[0] == [third, second, first]
    assert world.list(sortUpdatedAt="desc")[0] == [first, second, third]


def test_a_list_follows_the_order_of_making(world: World) -> None:
    """Whatever was changed since."""
    uids = []
    for hours in (2, 0, 1):
        uids.append(world.book(hours))
        world.time += timedelta(seconds=1)
    world.calendar.cancel(uids[0], "x")
    assert world.list(sortCreated="asc")[0] == uids
    assert world.list(sortCreated="desc", take=2)[0] == [uids[2], uids[1]]
    assert world.list(sortCreated="desc", take=2, skip=2) == ([uids[0]], 3)


@pytest.mark.parametrize(
    ("name", "off", "found"),
    [
        ("afterCreatedAt", 0, True),
        ("afterCreatedAt", 1, False),
        ("beforeCreatedAt", 0, True),
        ("beforeCreatedAt", -1, False),
    ],
)
def test_the_bounds_of_making_are_inclusive_to_the_millisecond(world: World, name: str, off: int, found: bool) -> None:
    """And the counters do not know them: they count one booking on an empty page."""
    uid = world.book()
    world.time += timedelta(seconds=5)
    world.calendar.cancel(uid, "x")
    assert world.list(**{name: NOW + off * MS}) == ([uid] if found else [], 1)


@pytest.mark.parametrize(
    ("name", "off", "found"),
    [
        ("afterUpdatedAt", 0, True),
        ("afterUpdatedAt", 1, False),
        ("beforeUpdatedAt", 0, True),
        ("beforeUpdatedAt", -1, False),
    ],
)
def test_the_bounds_of_change_are_inclusive_to_the_millisecond(world: World, name: str, off: int, found: bool) -> None:
    """They go by the last change and not by the making."""
    uid = world.book()
    world.time += timedelta(seconds=5)
    world.calendar.cancel(uid, "x")
    assert world.list(**{name: world.time + off * MS}) == ([uid] if found else [], 1)


def test_bounds_of_change_and_pages_go_together(world: World) -> None:
    """Page by page through what changed from a moment on, in its order; the counters count everything."""
    uids = [world.book(hours) for hours in range(5)]
    world.time += timedelta(seconds=10)
    since = world.time
    for uid in (uids[3], uids[1], uids[4]):
        world.calendar.cancel(uid, "x")
        world.time += timedelta(seconds=1)
    pages = [world.list(afterUpdatedAt=since, sortUpdatedAt="asc", take=2, skip=skip) for skip in (0, 2, 4)]
    assert pages == [([uids[3], uids[1]], 5), ([uids[4]], 5), ([], 5)]
    assert world.list(afterUpdatedAt=since, beforeUpdatedAt=since + timedelta(seconds=1))[0] == [uids[1], uids[3]]


@pytest.mark.parametrize("name", ["afterUpdatedAt", "beforeUpdatedAt", "afterCreatedAt", "beforeCreatedAt"])
@pytest.mark.parametrize("value", ["soon", "2026-13-01"])
def test_a_bound_that_is_no_moment_is_refused(world: World, name: str, value: str) -> None:
    """Not ignored: a follower must not take everything for news."""
    headers = {"cal-api-version": "2024-08-13", "authorization": "Bearer k"}
    answer = world.calcom.handle("GET", f"/v2/bookings?{name}={value}", headers, b"")
    assert answer.status == 400
    assert json.loads(answer.body)["error"]["details"]["errors"][0]["property"] == name


def test_what_is_over_is_listed_latest_first(world: World) -> None:
    """As recorded for cancelled ones (73), and only if nothing else is asked for and no order is."""
    uids = [world.book(hours) for hours in range(3)]
    for uid in uids:
        world.calendar.cancel(uid, "x")
    over = ListedStatus.CANCELLED.value
    assert world.list(status=over)[0] == uids[::-1]
    assert world.list(status=over, sortStart="asc")[0] == uids
    assert world.list(status=f"{over},upcoming")[0] == uids


def test_whoever_has_an_account_lists_what_he_has_booked_himself(world: World) -> None:
    """As recorded (73): with somebody else's event type, but never by another's address."""
    world.book()
    world.calendar.create(CONFIRM, SLOT, Attendee("Host", "u-limit1@host.example.test"))
    calcom = SimulatedCalcom(world.calendar, api_keys={"k": "u-limit1"}, now=lambda: world.time)
    headers = {"cal-api-version": "2024-08-13", "authorization": "Bearer k"}
    body = json.loads(calcom.handle("GET", "/v2/bookings", headers, b"").body)
    assert [booking["eventTypeId"] for booking in body["data"]] == [CONFIRM]
