"""Reservations, where the recordings are silent: other event types, teams, running out, what is not known."""

import json
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest

from einmal.simulator.calendar import Attendee, Created, Refusal, Refused, SimulatedCalendar
from einmal.simulator.catalogue import recorded_event_types
from einmal.simulator.records import Reservation
from einmal.simulator.wire import SimulatedCalcom, WireAnswer

NOW = datetime(2026, 11, 21, 2, 31, tzinfo=UTC)
SLOT = datetime(2026, 11, 28, 12, 30, tzinfo=UTC)
HOUR, FIVE_MINUTES = timedelta(hours=1), timedelta(minutes=5)
PLAIN, CONFIRM, SEATS, LIMIT1, RR2, PHONE = 1, 3, 6, 7, 9, 14
ANN = Attendee("Ann", "ann@guest.example.test")


class World:
    """A calendar with its clock, and the calls on its reservations."""

    def __init__(self) -> None:
        self.time, numbers = NOW, count(1)
        self.calendar = SimulatedCalendar(
            recorded_event_types(), now=lambda: self.time, new_uid=lambda: f"uid-{next(numbers)}"
        )
        self.calcom = SimulatedCalcom(self.calendar, api_keys=None, now=lambda: self.time)

    def ask(self, method: str, uid: str = "", body: Any = None, version: str = "2024-09-04") -> WireAnswer:
        headers = {"cal-api-version": version}
        target = f"/v2/slots/reservations/{uid}".rstrip("/")
        return self.calcom.handle(method, target, headers, b"" if body is None else json.dumps(body).encode())

    def reserve(self, event_type_id: int, start: datetime = SLOT) -> Reservation | Refused:
        event_type = self.calendar.event_type(event_type_id)
        assert event_type is not None
        return self.calendar.reservations.reserve(event_type, start, FIVE_MINUTES)

    def listed(self, event_type_id: int) -> bool:
        event_type = self.calendar.event_type(event_type_id)
        assert event_type is not None
        return SLOT in self.calendar.slots(event_type, SLOT, SLOT + HOUR)


@pytest.fixture
def world() -> World:
    return World()


def uid_of(outcome: Reservation | Refused) -> str:
    assert isinstance(outcome, Reservation)
    return outcome.uid


def test_a_reservation_hides_the_host_and_not_the_event_type_alone(world: World) -> None:
    """Another event type of the same host goes without that slot too, though it can still be reserved there."""
    uid_of(world.reserve(PHONE))
    assert (world.listed(PHONE), world.listed(LIMIT1), world.listed(PLAIN)) == (False, False, True)
    uid_of(world.reserve(LIMIT1))


def test_one_reservation_takes_a_teams_slot_off_the_list(world: World) -> None:
    """Although a host is free, and the slot can be reserved and booked."""
    uid_of(world.reserve(RR2))
    assert not world.listed(RR2)
    uid_of(world.reserve(RR2))
    assert world.reserve(RR2) == Refused(Refusal.NO_HOST_TO_RESERVE)
    assert isinstance(world.calendar.create(RR2, SLOT, ANN), Created)


def test_a_pending_booking_can_not_be_reserved_over(world: World) -> None:
    """Although it keeps nobody from booking."""
    world.calendar.create(CONFIRM, SLOT, ANN)
    assert world.reserve(CONFIRM) == Refused(Refusal.BOOKED)
    world.calendar.cancel("uid-1", "x")
    uid_of(world.reserve(CONFIRM))


def test_what_has_run_out_is_there_until_slots_are_listed(world: World) -> None:
    """As recorded (31g) it can still be read; the next list of its event type's slots sweeps it away."""
    uid = uid_of(world.reserve(PLAIN))
    world.time += FIVE_MINUTES + timedelta(milliseconds=1)
    assert world.calendar.reservations.get(uid) is not None
    world.listed(CONFIRM)
    assert world.calendar.reservations.get(uid) is not None
    assert world.listed(PLAIN)
    assert world.calendar.reservations.get(uid) is None


def test_reset_forgets_reservations(world: World) -> None:
    """An empty calendar has none."""
    uid = uid_of(world.reserve(PLAIN))
    world.calcom.reset()
    assert world.calendar.reservations.get(uid) is None


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"eventTypeId": SEATS, "slotStart": "2026-11-28T12:30:00Z"}, 501),
        ({"eventTypeId": "1", "slotStart": "2026-11-28T12:30:00Z"}, 501),
        ({"eventTypeId": PLAIN}, 501),
        ({"eventTypeId": PLAIN, "slotStart": "soon"}, 501),
        ({"eventTypeId": PLAIN, "slotStart": "2026-11-28T12:30:00Z", "reservationDuration": "5"}, 501),
        ({"eventTypeId": PLAIN, "slotStart": "2026-11-28T12:30:00Z", "attendee": {}}, 501),
        ({"eventTypeId": PLAIN, "slotStart": "2026-11-28T12:30:00Z"}, 201),
    ],
)
def test_what_was_not_recorded_is_not_made_up(world: World, body: dict[str, Any], status: int) -> None:
    """Seats, and bodies that Cal.com would refuse in words that nobody has seen."""
    assert world.ask("POST", body=body).status == status


def test_a_reservation_can_move_to_another_event_type(world: World) -> None:
    """As read in the source; an unknown one, or one of a wrong body, is refused."""
    uid = uid_of(world.reserve(PLAIN))
    body = {"eventTypeId": CONFIRM, "slotStart": "2026-11-28T12:30:00Z"}
    assert world.ask("PATCH", uid, body).status == 200
    assert world.ask("PATCH", uid, body | {"eventTypeId": 999}).status == 404
    assert world.ask("PATCH", uid, body | {"slotDuration": 60}).status == 400
    assert world.ask("PATCH", uid, {}).status == 501
    assert json.loads(world.ask("GET", uid).body)["data"]["eventTypeId"] == CONFIRM


@pytest.mark.parametrize(("method", "uid"), [("GET", ""), ("PUT", "x"), ("POST", "x"), ("DELETE", "x/y")])
def test_there_is_nothing_else_under_reservations(world: World, method: str, uid: str) -> None:
    """And nothing at all in the version of bookings."""
    assert world.ask(method, uid).status == 404
    assert world.ask("GET", "x", version="2024-08-13").status == 404
