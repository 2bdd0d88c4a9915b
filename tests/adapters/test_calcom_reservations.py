"""Reservations at Cal.com: what is asked, and what each answer means. By recorded shapes, the simulator and rubbish."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from einmal.adapters.calcom.calendar import Account, CalcomCalendar
from einmal.adapters.calcom.reservations import read_release, read_reservation
from einmal.adapters.calcom.transport import MaybeSent, NeverSent, WireAnswer, WireRequest
from einmal.domain.gate import Heard
from einmal.domain.model import Service
from einmal.ports import Blind
from einmal.simulator.calendar import SimulatedCalendar
from einmal.simulator.catalogue import random_uid, recorded_event_types
from einmal.simulator.clock import SteppedClock
from einmal.simulator.transport import InProcessTransport
from einmal.simulator.wire import SimulatedCalcom

NOW = datetime(2026, 11, 21, 2, 31, tzinfo=UTC)
START = datetime(2027, 1, 15, 9, 0, tzinfo=UTC)
FAR = 1e12
"""A deadline that no test comes near."""

PLAIN = Service("plain", "plain", 1, 30)
UID = "a7f479fb-9c5e-49a4-92cb-7dff5507a026"
RECORDED = {
    "status": "success",
    "data": {
        "eventTypeId": 1,
        "slotStart": "2027-01-10T12:30:00.000Z",
        "slotEnd": "2027-01-10T13:00:00.000Z",
        "slotDuration": 30,
        "reservationUid": UID,
        "reservationDuration": 5,
        "reservationUntil": "2026-11-21T03:03:36.692Z",
    },
}


class Wire:
    """The simulator where the network would be, or one answer to whatever is asked."""

    def __init__(self, answer: WireAnswer | Exception | None = None, key: str | None = "cal_key") -> None:
        self.clock = SteppedClock(NOW)
        self.truth = SimulatedCalendar(recorded_event_types(), now=self.clock.now, new_uid=random_uid)
        self.simulated = InProcessTransport(SimulatedCalcom(self.truth, api_keys=None, now=self.clock.now))
        self.answer = answer
        self.sent: list[WireRequest] = []
        self.calendar = CalcomCalendar(self, Account(key, "2024-08-13", "Europe/Berlin", "de"), self.clock)

    async def send(self, request: WireRequest) -> WireAnswer:
        self.sent.append(request)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer or await self.simulated.send(request)

    async def close(self) -> None:
        return

    def listed(self) -> bool:
        event_type = self.truth.event_type(1)
        assert event_type is not None
        return START in self.truth.slots(event_type, START, START.replace(minute=1))


def answered(status: int, body: Any = None) -> WireAnswer:
    return WireAnswer(status, {}, json.dumps(body).encode(), 0.1)


@pytest.mark.parametrize("key", ["cal_key", None])
async def test_a_reservation_is_one_post_under_the_version_of_slots(key: str | None) -> None:
    """For how long is said only with a key: without one Cal.com refuses the wish for it, and takes five minutes."""
    wire = Wire(answered(201, RECORDED), key)
    assert await wire.calendar.reserve(PLAIN, START, 7, 42.5) == UID
    (sent,) = wire.sent
    assert (sent.method, sent.target) == ("POST", "/v2/slots/reservations")
    assert sent.headers["cal-api-version"] == "2024-09-04"
    assert (sent.deadline, sent.write_deadline) == (42.5, 42.5)
    minutes = {} if key is None else {"reservationDuration": 7}
    assert json.loads(sent.body) == {"eventTypeId": 1, "slotStart": "2027-01-15T09:00:00Z"} | minutes


@pytest.mark.parametrize("key", ["cal_key", None])
async def test_reserved_it_is_off_the_list_and_released_it_is_back(key: str | None) -> None:
    """As recorded; releasing it twice is no mistake."""
    wire = Wire(key=key)
    uid = await wire.calendar.reserve(PLAIN, START, 5, FAR)
    assert isinstance(uid, str)
    assert not wire.listed()
    for _ in range(2):
        assert await wire.calendar.release(uid, FAR) is None
    assert wire.listed()


async def test_a_slot_that_is_reserved_already_cannot_be() -> None:
    """An answer, so the calendar is well; and no uid, so there is nothing to release."""
    wire = Wire()
    await wire.calendar.reserve(PLAIN, START, 5, FAR)
    assert await wire.calendar.reserve(PLAIN, START, 5, FAR) == Blind("http_422", Heard.WELL)


async def test_a_uid_is_no_path() -> None:
    """Whatever it holds, it is one segment."""
    wire = Wire(answered(200, {"status": "success"}))
    await wire.calendar.release("../bookings/x?y", FAR)
    assert wire.sent[0].method == "DELETE"
    assert wire.sent[0].target == "/v2/slots/reservations/..%2Fbookings%2Fx%3Fy"


@pytest.mark.parametrize(
    ("failure", "blind"),
    [
        (MaybeSent("timeout"), Blind("timeout", Heard.FAILED)),
        (NeverSent("connect"), Blind("connect", Heard.FAILED)),
        (NeverSent("deadline"), Blind("deadline", None)),
        (answered(503), Blind("http_503", Heard.FAILED)),
        (answered(403, {"error": {"code": "ForbiddenException"}}), Blind("http_403", Heard.WELL)),
        (answered(429, {"error": {"code": "ThrottlerException"}}), Blind("http_429", Heard.THROTTLED)),
    ],
)
async def test_what_fails_is_blindness(failure: WireAnswer | Exception, blind: Blind) -> None:
    """With what it says of the calendar's health; nothing is raised."""
    assert await Wire(failure).calendar.reserve(PLAIN, START, 5, FAR) == blind
    assert await Wire(failure).calendar.release(UID, FAR) == blind


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"[]", b"null", b"{}", b'{"data": null}', b'{"data": []}', b'{"data": {"reservationUid": 7}}'),
        *(b'{"data": {"reservationUid": ""}}', b'{"data": {"reservationUid": "a\\nb"}}'),
    ],
)
def test_a_success_without_a_uid_is_blindness(body: bytes) -> None:
    """It runs out by itself."""
    assert isinstance(read_reservation(WireAnswer(201, {}, body, 0.1)), Blind)


def test_one_that_is_gone_is_released() -> None:
    """By whomever."""
    assert read_release(answered(404)) is None


@given(st.integers(100, 599), st.binary(max_size=60))
def test_whatever_comes_is_read(status: int, body: bytes) -> None:
    read = read_reservation(WireAnswer(status, {}, body, 0.1))
    assert isinstance(read, Blind | str)
    assert isinstance(read_release(WireAnswer(status, {}, body, 0.1)), Blind | None)
