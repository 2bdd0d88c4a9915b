"""What a repeat through the proxy may say: only what stands, and only to whoever it was booked for."""

import asyncio
import json
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from einmal.adapters.calcom.transport import MaybeSent, WireAnswer, WireRequest
from support.calcom_client import ASKED, Client, client

TEN = {"start": "2026-12-01T10:00:00Z"}


def _of(**attendee: str) -> dict[str, Any]:
    return {**ASKED, "attendee": {**ASKED["attendee"], **attendee}}


async def _booked(one: Client, **headers: str) -> str:
    status, told = await one.book(**headers)
    assert status == 201
    uid: str = told["data"]["uid"]
    return uid


@pytest.mark.parametrize(
    "attendee",
    [
        {"name": "Anna Weiß"},
        {"name": "Anna Weiß", "phoneNumber": "+4930901820"},
        {"name": "Anna Weiß", "email": "Juergen@Kunde.test"},
    ],
)
async def test_under_one_e_mail_another_name_is_another_person(tmp_path: Path, attendee: dict[str, str]) -> None:
    """The incident as a client makes it: one address for everybody. What stands is not handed to the next one."""
    async with client(tmp_path) as one:
        await _booked(one)
        status, told = await one.book(_of(**attendee))
        assert status == 400
        assert "Groß" not in str(told)
        assert one.live == 1


async def test_one_name_with_two_phones_is_two_people(tmp_path: Path) -> None:
    async with client(tmp_path) as one:
        assert (await one.book(_of(phoneNumber="+4930901820")))[0] == 201
        assert (await one.book(_of(phoneNumber="+4930901821")))[0] == 400
        assert (await one.book(_of(phoneNumber="030 901820")))[0] == 201


async def test_of_two_people_at_once_under_one_e_mail_each_is_told_of_their_own(tmp_path: Path) -> None:
    """Whoever is admitted has their own body sent, whichever request came first."""
    for round_number in range(4):
        folder = tmp_path / str(round_number)
        folder.mkdir()
        async with client(folder) as one:
            names = ["Anna Weiß", "Jürgen Groß"] * 3
            answers = await asyncio.gather(*(one.book(_of(name=name)) for name in names))
            told = [
                (name, answer["data"]["attendees"][0]["name"])
                for name, (status, answer) in zip(names, answers, strict=True)
                if status == 201
            ]
            assert told
            assert all(asked == booked for asked, booked in told)
            assert {status for status, _ in answers} == {201, 400}
            assert one.live == 1
            rows = one.here.rows("SELECT person_name FROM intents WHERE state = 'confirmed'")
            assert rows == [(told[0][0],)]


async def test_what_staff_cancelled_is_not_told_as_standing(tmp_path: Path) -> None:
    """Read before it is told: the same request is a new wish then, and the ledger has the end of the old one."""
    async with client(tmp_path) as one:
        uid = await _booked(one)
        one.here.calendar.cancel(uid, "krank")
        status, told = await one.book()
        assert (status, told["data"]["status"]) == (201, "accepted")
        assert told["data"]["uid"] != uid
        assert one.here.states() == ["cancelled", "confirmed"]


@pytest.mark.parametrize("by_staff", [True, False])
async def test_a_key_books_once_for_all_time(tmp_path: Path, by_staff: bool) -> None:
    """A request that comes late, after its booking was cancelled, must not book anew: for that there is a new key."""
    async with client(tmp_path) as one:
        uid = await _booked(one, idempotency_key="k1")
        if by_staff:
            one.here.calendar.cancel(uid, "krank")
        else:
            await one.ask("POST", f"/v2/bookings/{uid}/cancel", {"cancellationReason": "krank"})
        status, told = await one.book(idempotency_key="k1")
        assert status == 422
        assert "cancelled or moved" in told["error"]["message"]
        assert one.live == 0
        assert (await one.book(idempotency_key="k2"))[0] == 201


@pytest.mark.parametrize("other", [{**ASKED, **TEN}, _of(name="Anna Weiß", email="anna@kunde.test")])
async def test_one_key_with_two_wishes_at_once_is_one_wishs(tmp_path: Path, other: dict[str, Any]) -> None:
    """Admission decides it, in the transaction that writes the row; and it is that wish's own body that is sent."""
    async with client(tmp_path) as one:
        asked = [ASKED, other, ASKED, other]
        answers = await asyncio.gather(*(one.book(body, idempotency_key="k1") for body in asked))
        assert sorted({status for status, _ in answers}) == [201, 422]
        (booking,) = one.here.calendar.bookings
        for body, (status, told) in zip(asked, answers, strict=True):
            is_its = booking.start == datetime.fromisoformat(body["start"])
            is_its &= booking.attendee.email == body["attendee"]["email"]
            assert status == (201 if is_its else 422), told


async def test_what_was_moved_and_cancelled_is_not_told_as_moved(tmp_path: Path) -> None:
    async with client(tmp_path) as one:
        path = f"/v2/bookings/{await _booked(one)}/reschedule"
        _, moved, _ = await one.ask("POST", path, TEN)
        await one.ask("POST", f"/v2/bookings/{moved['data']['uid']}/cancel", {"cancellationReason": "krank"})
        assert (await one.ask("POST", path, TEN))[0] == 400
        assert one.live == 0


@pytest.mark.parametrize("more", [{"seatUid": "seat1"}, {"cancelSubsequentBookings": True}])
async def test_a_change_of_a_part_is_cal_coms_alone(tmp_path: Path, more: dict[str, Any]) -> None:
    """It arrives as it was written. Under the guard it would be taken for a cancellation of the whole."""
    async with client(tmp_path) as one:
        path = f"/v2/bookings/{await _booked(one)}/cancel"
        await one.ask("POST", path, {"cancellationReason": "krank", **more})
        assert not [request for request in one.here.tap.requests if request.target == path]
        assert one.here.rows("SELECT count(*) FROM changes") == [(0,)]


async def test_a_change_is_the_clients_own_request(tmp_path: Path) -> None:
    """Its key, its words, its fields: the house's key can do what a customer's client may not."""
    async with client(tmp_path) as one:
        path = f"/v2/bookings/{await _booked(one)}/reschedule"
        asked = {**TEN, "rescheduledBy": "juergen@kunde.test"}
        _, told, _ = await one.ask("POST", path, asked, User_Agent="theirs/1")
        assert told["data"]["rescheduledByEmail"] == "juergen@kunde.test"
        (sent,) = [request for request in one.here.tap.requests if request.target == path]
        assert sent.headers["user-agent"] == "theirs/1"


async def test_what_cal_com_refuses_is_refused_in_its_words(tmp_path: Path) -> None:
    async with client(tmp_path) as one:
        uid, straight = await _booked(one), one.here.tap.inner.send
        body = b'{"status":"error","error":{"code":"BadRequestException","message":"This event type stays"}}'

        async def refuses(request: WireRequest) -> WireAnswer:
            if request.target.endswith("/cancel"):
                return WireAnswer(400, {"content-type": "application/json", "retry-after": "7"}, body, 0.1)
            return await straight(request)

        one.here.tap.inner.send = refuses  # type: ignore[method-assign]
        status, told, headers = await one.ask("POST", f"/v2/bookings/{uid}/cancel", {"cancellationReason": "krank"})
        assert (status, told["error"]["message"], headers["retry-after"]) == (400, "This event type stays", "7")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"attendee": {"name": "J\ud800", "email": "a@kunde.test"}}, "UTF-8"),
        ({"bookingFieldsResponses": {"notes": float("nan")}}, "UTF-8"),
        ({"bookingFieldsResponses": {"notes": "a\0"}}, "U+0000"),
        ({"eventTypeId": 2**70}, "eventTypeId must be from 1"),
        ({"start": "0001-01-01T00:00:00+10:00"}, "between the years"),
        ({"start": "9999-12-31T23:59:59Z"}, "between the years"),
        ({"eventTypeId": None, "eventTypeSlug": "beratung", "teamSlug": "salon"}, "team's event type"),
    ],
)
async def test_what_could_not_be_sent_is_found_out_before_anything_is_written(
    tmp_path: Path, change: dict[str, Any], said: str
) -> None:
    """Each of these would be a doubt of ten minutes, or a 500, and nothing of it was ever unsure."""
    async with client(tmp_path) as one:
        status, told = await one.book({**ASKED, **change})
        assert status == 400
        assert said in told["error"]["message"]
        assert one.here.states() == []


async def test_an_event_type_that_is_not_told_is_not_an_event_type_that_is_not_there(tmp_path: Path) -> None:
    async with client(tmp_path) as one:

        async def silent(_: WireRequest) -> WireAnswer:
            raise MaybeSent("timeout")

        by_slug = {**ASKED, "eventTypeSlug": "beratung", "username": "salon-beispiel"}
        del by_slug["eventTypeId"]
        one.here.tap.on_types = silent
        assert (await one.book(by_slug))[0] == 503
        one.here.tap.on_types = None
        assert (await one.book(by_slug))[0] == 201
        assert (await one.book({**by_slug, "eventTypeSlug": "nichts"}))[0] == 404


@pytest.mark.parametrize("path", ["/v2//bookings", "/v2/x/../bookings", "/v2/x%2f..%2fbookings", "/v2/./bookings"])
async def test_a_crooked_path_is_refused(tmp_path: Path, path: str) -> None:
    """A server before Cal.com's may make the guarded path of it."""
    async with client(tmp_path) as one:
        assert await _raw(one, path) == 400
        assert one.live == 0


@pytest.mark.parametrize("path", ["/v2/Bookings", "/v2/book%69ngs", "/v2/bookings/"])
async def test_what_cal_com_takes_for_the_same_path_is_guarded(tmp_path: Path, path: str) -> None:
    async with client(tmp_path) as one:
        assert await _raw(one, path) == 201
        assert one.here.states() == ["confirmed"]


async def test_two_keys_are_none(tmp_path: Path) -> None:
    async with client(tmp_path) as one:
        assert await _raw(one, "/v2/bookings", "Authorization: Bearer cal_other\r\n") == 401
        assert one.here.tap.posts == []


@pytest.mark.parametrize("twice", ["cal-api-version: 2024-04-15", "x-cal-client-id: a\r\nx-cal-client-id: b"])
async def test_a_header_that_decides_comes_once(tmp_path: Path, twice: str) -> None:
    """The one that was looked at here may not be the one that Cal.com reads."""
    async with client(tmp_path) as one:
        assert await _raw(one, "/v2/bookings", f"{twice}\r\n") == 400
        assert one.here.tap.posts == []


async def test_without_a_key_nobody_books_where_platforms_have_theirs(tmp_path: Path) -> None:
    """Behind a reverse proxy that names nobody the world looks like this machine."""
    async with client(tmp_path, EINMAL_RETELL_API_KEY="key_test_123") as one:
        asked = {"json": ASKED, "headers": {"cal-api-version": "2024-08-13"}}
        async with one.session.post(one.url + "/v2/bookings", **asked) as answer:
            assert answer.status == 401
        one.here.gateway.settings = replace(one.here.gateway.settings, proxy=True)
        async with one.session.post(one.url + "/v2/bookings", **asked) as answer:
            assert answer.status == 201


async def _raw(one: Client, path: str, *more: str) -> int:
    """The status of a booking whose path nobody has tidied up on the way."""

    body = json.dumps(ASKED).encode()
    reader, writer = await asyncio.open_connection("127.0.0.1", int(one.url.rpartition(":")[2]))
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer cal_test\r\n{''.join(more)}"
        f"cal-api-version: 2024-08-13\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    try:
        writer.write(head.encode() + body)
        answer = await reader.read()
    finally:
        writer.close()
        await writer.wait_closed()
    return int(answer.split()[1])
