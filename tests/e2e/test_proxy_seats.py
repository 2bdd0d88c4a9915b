"""Seats in bookings that several share: each has one, and whoever asks again is told of theirs and of nobody else's."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from einmal.adapters.calcom.seats import seats_found
from einmal.adapters.calcom.transport import MaybeSent, WireAnswer, WireRequest
from einmal.simulator.catalogue import demo_event_types
from einmal.simulator.records import EventType, Scheduling
from support.calcom_client import ANOTHER, ASKED, Client, client

SEATED: Sequence[EventType] = [replace(one, scheduling=Scheduling.INDIVIDUAL, seats=5) for one in demo_event_types()]


def _people(told: Any) -> list[tuple[str, str]]:
    return [(seat["name"], seat["seatUid"]) for seat in told["data"]["attendees"]]


def _loses(one: Client) -> None:
    """The next answer to a booking, after Cal.com has given the seat."""

    async def loses(request: WireRequest) -> WireAnswer:
        one.here.tap.on_post = None
        await one.here.tap.inner.send(request)
        raise MaybeSent("reset")

    one.here.tap.on_post = loses


async def test_a_seat_in_a_shared_booking_is_told_as_cal_com_told_it(tmp_path: Path) -> None:
    """No booking of one's own that could be guarded; "taken" of a seat that one has would send its client on."""
    async with client(tmp_path, event_types=SEATED) as one:
        for body in (ASKED, ANOTHER):
            status, told = await one.book(body)
            assert status == 201
            assert told["data"]["seatUid"]


async def test_of_the_same_request_twice_at_once_both_are_told_of_the_one_seat(tmp_path: Path) -> None:
    async with client(tmp_path, event_types=SEATED) as one:
        answers = await asyncio.gather(*(one.book() for _ in range(4)))
        (seat,) = one.here.calendar.bookings[0].seats
        assert [(status, told["data"]["seatUid"]) for status, told in answers] == [(201, seat.uid)] * 4


async def test_a_repeat_is_told_of_the_seat_that_its_client_has(tmp_path: Path) -> None:
    """Cal.com says 409 to it. Here it is 201 again, with that seat, and without those of others."""
    async with client(tmp_path, event_types=SEATED) as one:
        await one.book(ANOTHER)
        _, first = await one.book()
        one.here.clock.pass_time(timedelta(seconds=1))
        status, again = await one.book()
        assert (status, again["data"]["uid"], again["data"]["seatUid"]) == (
            201,
            first["data"]["uid"],
            first["data"]["seatUid"],
        )
        assert _people(again) == [("Jürgen Groß", first["data"]["seatUid"])]
        assert len(one.here.calendar.bookings[0].seats) == 2


@pytest.mark.parametrize("blind", [False, True])
async def test_after_a_lost_answer_the_seat_is_found(tmp_path: Path, blind: bool) -> None:
    """At once where Cal.com can be read; where it cannot nobody knows, and the same request again does."""
    async with client(tmp_path, event_types=SEATED, EINMAL_REPLY_SECONDS="1") as one:
        _loses(one)
        if blind:

            async def silent(_: WireRequest) -> WireAnswer:
                raise MaybeSent("timeout")

            one.here.tap.on_get = silent
            assert (await one.book())[0] == 504
            one.here.tap.on_get = None
        status, told = await one.book()
        (seat,) = one.here.calendar.bookings[0].seats
        assert (status, told["data"]["seatUid"]) == (201, seat.uid)
        assert len(one.here.tap.posts) == 1


async def test_a_seat_that_nobody_asks_for_again_is_never_told_as_not_booked(tmp_path: Path) -> None:
    """It stands, and is no booking of ours alone: after a day a person is asked, and nobody is lied to."""
    async with client(tmp_path, event_types=SEATED, EINMAL_REPLY_SECONDS="1") as one:
        _loses(one)

        async def silent(_: WireRequest) -> WireAnswer:
            raise MaybeSent("timeout")

        one.here.tap.on_get = silent
        assert (await one.book())[0] == 504
        one.here.tap.on_get = None
        states = set[str]()
        for _ in range(60):
            one.here.clock.pass_time(timedelta(minutes=30))
            await one.here.gateway.worker.recovery.turn()
            states |= {str(state) for (state,) in one.here.rows("SELECT state FROM intents")}
        assert states == {"doubt", "escalated"}
        assert not one.here.rows("SELECT kind FROM outbox WHERE kind = 'resolved'")


async def test_control_without_its_mark_the_seat_is_taken_for_absent(tmp_path: Path) -> None:
    """So it is the mark on the seat that keeps the no from being said."""
    async with client(tmp_path, event_types=SEATED, EINMAL_REPLY_SECONDS="1") as one:
        _loses(one)

        async def silent(_: WireRequest) -> WireAnswer:
            raise MaybeSent("timeout")

        one.here.tap.on_get = silent
        assert (await one.book())[0] == 504
        one.here.tap.on_get = None
        booking = one.here.calendar.bookings[0]
        one.here.calendar.forget(booking.uid)
        one.here.calendar.plant(replace(booking, seats=(replace(booking.seats[0], metadata={}),)))
        for _ in range(4):
            one.here.clock.pass_time(timedelta(minutes=30))
            await one.here.gateway.worker.recovery.turn()
        assert one.here.rows("SELECT state FROM intents") == [("rejected",)]


@pytest.mark.parametrize("name", ["Anna Weiß", "noreply"])
async def test_under_one_e_mail_another_name_has_no_seat_of_anybodys(tmp_path: Path, name: str) -> None:
    """Cal.com's own refusal, and no word of whose seat is in the way."""
    async with client(tmp_path, event_types=SEATED) as one:
        await one.book()
        one.here.clock.pass_time(timedelta(seconds=1))
        status, told = await one.book({**ASKED, "attendee": {**ASKED["attendee"], "name": name}})
        assert status == 409
        assert "Groß" not in str(told)


async def test_a_seat_that_was_not_taken_here_is_not_told_of(tmp_path: Path) -> None:
    """It carries no operation id that the ledger knows, whoever's it is."""
    async with client(tmp_path, event_types=SEATED) as one:
        await one.book()
        booking = one.here.calendar.bookings[0]
        (seat,) = booking.seats
        for metadata in ({}, {"einmal_op": "a" * 32}, {"einmal_op": "no id"}):
            one.here.clock.pass_time(timedelta(seconds=1))
            one.here.calendar.forget(booking.uid)
            one.here.calendar.plant(replace(booking, seats=(replace(seat, metadata=metadata),)))
            assert (await one.book())[0] == 409


@pytest.mark.parametrize("body", [b"", b"[]", b'{"data": 1}', b'{"data": [1, {"attendees": 3}]}'])
def test_what_cannot_be_read_holds_no_seat(body: bytes) -> None:
    assert not seats_found(body, 101, "juergen@kunde.test", datetime.fromisoformat(ASKED["start"]))
