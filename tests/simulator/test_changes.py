"""Changes and sharing, where recordings of requests in turn cannot show it: races, seats, whose key it is."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest

from einmal.simulator.calendar import (
    Attendee,
    BookingFilter,
    BookingStatus,
    Created,
    Existing,
    Refusal,
    Refused,
    SimulatedCalendar,
)
from einmal.simulator.catalogue import recorded_event_types
from einmal.simulator.conditions import Conditions
from einmal.simulator.wire import SimulatedCalcom

NOW = datetime(2026, 11, 21, 2, 31, tzinfo=UTC)
SLOT = datetime(2026, 11, 28, 12, 30, tzinfo=UTC)
PLAIN, CONFIRM, SEATS, LIMIT1, RR2, COLLECTIVE, PHONE = 1, 3, 6, 7, 9, 13, 14
ANN = Attendee("Ann", "ann@guest.example.test")
BOB = Attendee("Bob", "bob@guest.example.test")
AT_ONCE = Conditions(unseen=timedelta(seconds=1))


@pytest.fixture
def calendar() -> SimulatedCalendar:
    numbers = count(1)
    return SimulatedCalendar(recorded_event_types(), now=lambda: NOW, new_uid=lambda: f"uid-{next(numbers)}")


def uid_of(outcome: Created | Existing | Refused) -> str:
    assert isinstance(outcome, Created)
    return outcome.booking.uid


def test_rescheduling_frees_the_old_time_and_takes_the_new(calendar: SimulatedCalendar) -> None:
    """Somebody else can have the old slot and not the new one."""
    uid = uid_of(calendar.create(PLAIN, SLOT, ANN, metadata={"op": "1"}))
    new = calendar.reschedule(uid, SLOT + timedelta(hours=1), by_owner=False)
    assert isinstance(new, Created)
    assert (new.booking.metadata, new.booking.rescheduled_from) == ({"op": "1"}, uid)
    assert calendar.create(PLAIN, SLOT + timedelta(hours=1), BOB) == Refused(Refusal.NO_FREE_HOST)
    assert isinstance(calendar.create(PLAIN, SLOT, BOB), Created)


def test_a_refused_rescheduling_changes_nothing(calendar: SimulatedCalendar) -> None:
    """The old booking is as it was."""
    uid = uid_of(calendar.create(PLAIN, SLOT, ANN))
    calendar.create(PLAIN, SLOT + timedelta(hours=1), BOB)
    before = calendar.bookings
    assert calendar.reschedule(uid, SLOT + timedelta(hours=1), by_owner=False) == Refused(Refusal.NO_FREE_HOST)
    assert calendar.reschedule("nobody", SLOT, by_owner=False) == Refused(Refusal.UNKNOWN_BOOKING)
    assert calendar.bookings == before


def test_a_rescheduling_loses_the_race_for_its_new_time(calendar: SimulatedCalendar) -> None:
    """The unique key stands when the checks saw nobody, and the old booking stays."""
    uid = uid_of(calendar.create(PLAIN, SLOT, ANN))
    calendar.create(PLAIN, SLOT + timedelta(hours=1), BOB)
    with calendar.under(AT_ONCE):
        outcome = calendar.reschedule(uid, SLOT + timedelta(hours=1), by_owner=False)
    assert outcome == Refused(Refusal.LOST_RACE)
    assert [booking.status for booking in calendar.bookings] == [BookingStatus.ACCEPTED] * 2


def test_a_confirmed_booking_has_no_unique_key(calendar: SimulatedCalendar) -> None:
    """So two pending ones of one slot can both be accepted, as recorded."""
    uids = [uid_of(calendar.create(CONFIRM, SLOT, who)) for who in (ANN, BOB)]
    for uid in uids:
        calendar.accept(uid)
    assert [booking.status for booking in calendar.bookings] == [BookingStatus.ACCEPTED] * 2


def test_the_first_two_for_a_shared_booking_at_once(calendar: SimulatedCalendar) -> None:
    """The second is refused although seats are free (recording 93b); a moment later she gets one."""
    uid = uid_of(calendar.create(SEATS, SLOT, ANN))
    with calendar.under(AT_ONCE):
        assert calendar.create(SEATS, SLOT, BOB) == Refused(Refusal.LOST_RACE)
    assert uid_of(calendar.create(SEATS, SLOT, BOB)) == uid
    assert [seat.attendee for seat in calendar.bookings[0].seats] == [ANN, BOB]


def test_a_shared_slot_is_listed_until_it_is_full(calendar: SimulatedCalendar) -> None:
    """And again when a seat is given up; with the last seat the booking ends."""
    event_type = calendar.event_type(SEATS)
    assert event_type is not None
    seats = []
    for number in range(5):
        assert calendar.slots(event_type, SLOT, SLOT + timedelta(minutes=1)) == (SLOT,)
        outcome = calendar.create(SEATS, SLOT, Attendee("Guest", f"seat{number}@guest.example.test"))
        assert isinstance(outcome, Created)
        seats.append(outcome.seat_uid or "")
    uid = calendar.bookings[0].uid
    assert calendar.slots(event_type, SLOT, SLOT + timedelta(minutes=1)) == ()
    assert calendar.leave(uid, "no seat") == Refused(Refusal.UNKNOWN_SEAT)
    for seat_uid in seats:
        calendar.leave(uid, seat_uid)
        assert calendar.slots(event_type, SLOT, SLOT + timedelta(minutes=1)) == (SLOT,)
    assert calendar.bookings[0].status is BookingStatus.CANCELLED
    assert calendar.leave(uid, seats[0]) == Refused(Refusal.ALREADY_CANCELLED)


def test_a_collective_booking_takes_every_host(calendar: SimulatedCalendar) -> None:
    """Whichever of them somebody else would want."""
    calendar.create(COLLECTIVE, SLOT, ANN)
    (booking,) = calendar.bookings
    assert [host.username for host in booking.hosts] == ["coll2-h0", "coll2-h1"]
    assert calendar.create(COLLECTIVE, SLOT + timedelta(minutes=15), BOB) == Refused(Refusal.NO_FREE_HOST)


@pytest.mark.parametrize(
    ("api_keys", "seen"),
    [
        (None, 1),
        (frozenset({"k"}), 1),
        ({"k": None}, 1),
        ({"k": "u-plain"}, 1),
        ({"k": "u-confirm"}, 0),
    ],
)
def test_a_key_lists_what_its_account_owns(calendar: SimulatedCalendar, api_keys: Any, seen: int) -> None:
    """Another account's key gets 200 and an empty list: an absence that proves nothing."""
    calendar.create(PLAIN, SLOT, ANN)
    calcom = SimulatedCalcom(calendar, api_keys=api_keys, now=lambda: NOW)
    headers = {"cal-api-version": "2024-08-13", "authorization": "Bearer k"}
    answer = calcom.handle("GET", "/v2/bookings", headers, b"")
    assert (answer.status, len(json.loads(answer.body)["data"])) == (200, seen)
    unknown = calcom.handle("GET", "/v2/bookings", headers | {"authorization": "Bearer x"}, b"")
    assert unknown.status == (200 if api_keys is None else 401)


@pytest.mark.parametrize(
    ("change", "body", "says"),
    [
        ("reschedule", {}, "start must be a valid ISO 8601 date string"),
        ("reschedule", {"start": SLOT.isoformat(), "rescheduledBy": 1}, "rescheduledBy must be a string"),
        ("decline", {"reason": 1}, "reason must be a string"),
        ("decline", {"why": "x"}, "property why should not exist"),
    ],
)
def test_a_malformed_change_is_refused(
    calendar: SimulatedCalendar, change: str, body: dict[str, Any], says: str
) -> None:
    """Before anything is looked up."""
    calcom = SimulatedCalcom(calendar, api_keys=None, now=lambda: NOW)
    headers = {"cal-api-version": "2024-08-13", "authorization": "Bearer k"}
    answer = calcom.handle("POST", f"/v2/bookings/u/{change}", headers, json.dumps(body).encode())
    assert answer.status == 400
    assert says in json.loads(answer.body)["error"]["message"]


# What was not recorded


def ask(calendar: SimulatedCalendar, method: str, target: str, body: Any, version: str | None = "2024-08-13") -> int:
    calcom = SimulatedCalcom(calendar, api_keys=None, now=lambda: NOW)
    headers = {"authorization": "Bearer k"} | ({} if version is None else {"cal-api-version": version})
    return calcom.handle(method, target, headers, json.dumps(body).encode()).status


def wish(event_type_id: int, **attendee: str) -> dict[str, Any]:
    person = {"name": "Ann", "timeZone": "UTC", **attendee}
    return {"start": SLOT.isoformat(), "eventTypeId": event_type_id, "attendee": person}


def test_a_missing_phone_is_not_made_up(calendar: SimulatedCalendar) -> None:
    """How Cal.com asks for it nobody has seen; an e-mail alone is not enough there."""
    assert ask(calendar, "POST", "/v2/bookings", wish(PHONE, email=ANN.email)) == 501
    assert ask(calendar, "POST", "/v2/bookings", wish(PHONE, phoneNumber="+4930901820")) == 201


def test_an_event_type_by_phone_forgets_the_e_mail(calendar: SimulatedCalendar) -> None:
    """As recorded (91b): it is stored nowhere, so a look by that e-mail finds nothing."""
    ask(calendar, "POST", "/v2/bookings", wish(PHONE, email=ANN.email, phoneNumber="+4930901820"))
    (booking,) = calendar.bookings
    assert booking.attendee.email == "4930901820@sms.cal.com"
    assert calendar.list(BookingFilter(attendee_email=ANN.email)).bookings == ()


def test_the_limit_of_a_booker_counts_what_is_accepted_and_to_come(calendar: SimulatedCalendar) -> None:
    """By e-mail, of one event type; a cancelled booking makes room, and rescheduling under a limit is not known."""
    uid = uid_of(calendar.create(LIMIT1, SLOT, ANN))
    later = SLOT + timedelta(hours=1)
    assert calendar.create(LIMIT1, later, ANN) == Refused(Refusal.TOO_MANY_BOOKINGS)
    uid_of(calendar.create(LIMIT1, later, BOB))
    uid_of(calendar.create(PLAIN, later, ANN))
    assert ask(calendar, "POST", f"/v2/bookings/{uid}/reschedule", {"start": later.isoformat()}) == 501
    calendar.cancel(uid, "x")
    uid_of(calendar.create(LIMIT1, SLOT, ANN))


def test_who_came_is_not_known(calendar: SimulatedCalendar) -> None:
    """Before the start it is refused as recorded; of a started booking there is nothing to tell."""
    uid = uid_of(calendar.create(PLAIN, SLOT, ANN))
    assert ask(calendar, "POST", f"/v2/bookings/{uid}/mark-absent", {"host": True}) == 400
    began = next(row for row in calendar.bookings if row.uid == uid)
    calendar.plant(replace(began, uid="began", start=NOW - timedelta(minutes=5)))
    assert ask(calendar, "POST", "/v2/bookings/began/mark-absent", {"host": True}) == 501
    assert ask(calendar, "POST", "/v2/bookings/nobody/mark-absent", {"host": True}) == 501


def test_what_has_ended_stays(calendar: SimulatedCalendar) -> None:
    """As recorded (94) nobody can cancel it, with a seat or as the host; it can be moved into the future."""
    for event_type_id in (PLAIN, SEATS):
        row = calendar.get(uid_of(calendar.create(event_type_id, SLOT, ANN)))
        assert row is not None
        past = NOW - timedelta(hours=2)
        calendar.plant(replace(row, id=90, uid=f"past-{event_type_id}", start=past, end=past + timedelta(minutes=30)))
        assert calendar.cancel(f"past-{event_type_id}", "x") == Refused(Refusal.ENDED)
    assert calendar.leave(f"past-{SEATS}", "any") == Refused(Refusal.ENDED)
    assert ask(calendar, "POST", f"/v2/bookings/past-{PLAIN}/cancel", {"cancellationReason": "x"}) == 400
    assert isinstance(calendar.reschedule(f"past-{PLAIN}", SLOT + timedelta(hours=1), by_owner=False), Created)


OLD = {"timeZone": "UTC", "language": "en", "responses": {"name": "Ann", "email": ANN.email}}


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({}, 201),
        ({"eventTypeId": CONFIRM}, 501),
        ({"eventTypeId": RR2}, 501),
        ({"eventTypeId": SEATS}, 501),
        ({"eventTypeId": 999}, 501),
        ({"start": "2026-11-20T12:30:00Z"}, 501),
        ({"start": "soon"}, 501),
        ({"timeZone": "Mars"}, 501),
        ({"metadata": {"op": "1"}}, 501),
        ({"responses": {"name": "Ann"}}, 501),
        ({"responses": {"name": "Ann", "email": 1}}, 501),
        ({"attendee": {}}, 501),
    ],
)
@pytest.mark.parametrize("version", [None, "2024-04-15", "banana"])
def test_the_old_version_books_what_was_recorded(
    calendar: SimulatedCalendar, version: str | None, change: dict[str, Any], status: int
) -> None:
    """An ordinary event type, name and e-mail; nothing else of it is made up, and nothing else written."""
    body = {"start": SLOT.isoformat(), "eventTypeId": PLAIN, **OLD, **change}
    assert ask(calendar, "POST", "/v2/bookings", body, version) == status
    assert len(calendar.bookings) == (status == 201)
    assert ask(calendar, "GET", "/v2/bookings/uid-1", {}, version) == 501
