"""What a remote may send to break the reader: it reads, or says that it could not; it never raises."""

import asyncio
import json
from typing import Any

import pytest

from einmal.adapters.calcom.answers import read_answer
from einmal.adapters.calcom.transport import AiohttpTransport, NeverSent, WireAnswer, WireRequest
from einmal.adapters.calcom.wire import Unreadable, booking_of, http_date
from einmal.domain.answer import AnswerKind
from support.world import World

BOOKING: dict[str, Any] = {
    "uid": "u1",
    "status": "accepted",
    "start": "2026-12-01T09:00:00.000Z",
    "end": "2026-12-01T09:30:00.000Z",
    "eventTypeId": 101,
}


def test_instants_at_the_edge_of_time_are_read_or_refused() -> None:
    assert booking_of(BOOKING | {"createdAt": "0001-01-01T00:00:00+01:00"}).created_at is None
    with pytest.raises(Unreadable, match="start"):
        booking_of(BOOKING | {"start": "9999-12-31T23:59:59-01:00"})


@pytest.mark.parametrize(
    "text",
    [
        "Fri, 31 Dec 9999 23:30:00 -0100",
        "Mon, 01 Jan 99999999999999999999 00:00:00 GMT",
        "Mon, 01 Jan 2026 99999999999999999:00:00 GMT",
        "yesterday",
        "",
    ],
)
def test_odd_dates_are_none(text: str) -> None:
    assert http_date(text) is None


def test_letters_that_cannot_be_written_down_are_not_believed() -> None:
    with pytest.raises(Unreadable, match="uid"):
        booking_of(BOOKING | {"uid": "a\ud800"})
    odd = booking_of(BOOKING | {"metadata": {"call_id": "\ud800", "k": "v"}, "hosts": [{"name": "An\u202ena"}]})
    assert odd.metadata == {"k": "v"}
    assert odd.host_name == "An na", "what nobody sees is a space"


def test_what_is_too_long_for_a_name_names_nobody() -> None:
    """An agent is given it, and may speak it."""
    assert booking_of(BOOKING | {"hosts": [{"name": "An\u202ena\n" + "x" * 500}]}).host_name is None


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("metadata.n - Expected string, received number, ", AnswerKind.REFUSED),
        ("Invalid `prisma.booking.update()` invocation: data.metadata.videoCallUrl", AnswerKind.LOST),
        ("attendee property is wrong,attendee should not be null", AnswerKind.REFUSED),
        ("the update failed because some property is wrong", AnswerKind.LOST),
    ],
)
def test_a_refusal_is_known_by_its_beginning(message: str, kind: AnswerKind) -> None:
    """An update after the insert may fail with a message that quotes the same words: that has landed."""
    body = json.dumps({"error": {"message": message}}).encode()
    assert read_answer(WireAnswer(400, {}, body, 0.0))[0] is kind


async def test_what_a_strangers_booking_calls_its_call_is_not_logged_unless_an_id(salon: World) -> None:
    async def foreign(_: WireRequest) -> WireAnswer:
        data = BOOKING | {"metadata": {"call_id": "Frau Meier, 030 901820"}, "createdAt": "2026-11-23T09:00:00.000Z"}
        return WireAnswer(201, {}, json.dumps({"data": data}).encode(), 0.0)

    salon.tap.on_post = foreign
    assert (await salon.call())["status"] == "slot_taken"
    assert "Meier" not in repr(salon.observer.facts)
    assert "Meier" not in str(salon.rows("SELECT data FROM facts"))


async def test_a_connection_that_came_too_late_is_closed() -> None:
    left, connected = asyncio.Event(), asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connected.set()
        assert await reader.read() == b"", "nothing may be written"
        writer.close()
        left.set()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    transport = AiohttpTransport(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    loop_time = asyncio.get_running_loop().time
    request = WireRequest("POST", "/v2/bookings", {}, b"{}", loop_time() + 30, loop_time() - 1)
    with pytest.raises(NeverSent, match="deadline"):
        await transport.send(request)
    await asyncio.wait_for(left.wait(), 10)
    assert connected.is_set()
    await transport.close()
    server.close()
    await server.wait_closed()
