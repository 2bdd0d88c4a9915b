"""No way of writing a request books, cancels or moves past the guard: it is guarded, refused, or something else."""

import asyncio
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from einmal.entrypoints.http.guarded_path import Book, Change, Refused, asked
from support.calcom_client import ASKED, Client, client

GUARDED = {
    "/v2/bookings": Book(),
    "/v2/bookings/": Book(),
    "/v2/BOOKINGS": Book(),
    "/v2/booking\u017f": Book(),
    "/v2/bookings/uid_1-A/cancel": Change("uid_1-A", "cancel"),
    "/v2/bookings/uid/Cancel/": Change("uid", "cancel"),
    "/v2/bookings/uid/RESCHEDULE": Change("uid", "reschedule"),
}

REFUSED = [
    # Of several at once.
    *("/v2/bookings/recurring", "/v2/bookings/instant", "/v2/bookings/Recurring/", "/v2/bookings/%72ecurring"),
    # What a server on the way may straighten.
    *("/v2//bookings", "/v2/bookings//uid/cancel", "/v2/./bookings", "/v2/x/../bookings", "/v2/bookings/.."),
    *("/v2\\bookings", "/v2/x/..\\bookings", "/v2/..;/v2/bookings", "/v2/.;/bookings"),
    # Decoded once more.
    *("/v2/%62ookings", "/v2/%2562ookings", "/v2%2fbookings", "/v2/x%2f%2e%2e%2fbookings", "/v2/bookings/uid%2fcancel"),
    *("/v2/bookings%2f", "/v2/%252e/bookings"),
    # Parameters, queries, fragments, what nobody sees.
    *("/v2/bookings;a=b", "/v2;a/bookings", "/v2/bookings;/uid;x/cancel;y", "/v2/bookings?x", "/v2/bookings#x"),
    *("/v2/bookings%3fx", "/v2/bookings ", "/v2/bookings\t", "/v2/bookings\n", "/v2/bookings\0", "/v2/ bookings"),
    *("/v2/bookings\u00a0", "/v2/bookings\u2028"),
    # Letters that are others' in another form.
    *("/v2/\uff42ookings", "/v2/bookings/uid/\uff43ancel"),
    # Uids that are none.
    *(
        "/v2/bookings/a.b/cancel",
        "/v2/bookings/a b/cancel",
        f"/v2/bookings/{'u' * 256}/cancel",
        "/v2/bookings/\u00fc/cancel",
    ),
]

PASSES = [
    *("/v2/me", "/v2/bookings/uid", "/v2/bookings/uid/confirm", "/v2/bookings/uid/cancel/x", "/v2/slots/reservations"),
    *("/v2/event-types/1/bookings", "/v2/bookings-of-others", "/v2/x%2Fy;z", "/v2/webhooks;x", "/v2/my/bookings"),
]


@pytest.mark.parametrize("path", GUARDED)
def test_it_is_guarded(path: str) -> None:
    assert asked("POST", path, set()) == GUARDED[path]
    assert asked("GET", path, set()) is None


@pytest.mark.parametrize("path", REFUSED)
def test_it_is_refused(path: str) -> None:
    assert isinstance(asked("POST", path, set()), Refused)


@pytest.mark.parametrize("path", PASSES)
def test_it_passes(path: str) -> None:
    assert asked("POST", path, set()) is None


@pytest.mark.parametrize(("times", "passes"), [(3, True), (20, False), (20_000, False)])
def test_a_path_that_is_written_in_percent_signs_over_and_over_is_read_so_often_only(times: int, passes: bool) -> None:
    """Read to its end a long one would keep everybody waiting; nobody's client writes so."""
    assert (asked("POST", f"/v2/%{'25' * times}41", frozenset()) is None) is passes


@pytest.mark.parametrize(
    "name", ["x-http-method-override", "x-http-method", "x-method-override", "x-original-url", "x-rewrite-url"]
)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
def test_a_request_that_says_it_is_another_is_refused(method: str, name: str) -> None:
    assert isinstance(asked(method, "/v2/me", {b"accept", name.encode()}), Refused)


def _dressed(draw: st.DrawFn) -> str:
    """/v2/bookings, written in as many other ways as there are."""
    word = "".join(draw(st.sampled_from([c, c.upper(), f"%{ord(c):02x}", f"%25{ord(c):02x}"])) for c in "bookings")
    between = st.sampled_from(["/", "//", "/./", "/%2e/", "%2f", "%252F", "\\", "%5c", ";x/", "%20/", "/ "])
    after = st.sampled_from(["/", "%2f", "/.", " ", "\t", "%00", "%2500", ";x", "%3bx", "?x", "%3f", "#x", "%23"])
    return "/v2" + draw(between) + word + "".join(draw(st.lists(after, max_size=3)))


@given(st.composite(_dressed)())
def test_however_a_booking_is_dressed_up_it_is_never_passed_unread(path: str) -> None:
    assert asked("POST", path, set()) is not None


@pytest.mark.parametrize("http", ["httptools", "h11"])
@pytest.mark.parametrize(
    ("line", "status"),
    [
        ("POST /v2/bookings HTTP/1.1", 201),
        ("POST /v2/bookings?x=1 HTTP/1.1", 201),
        ("POST /v2/book%69ngs HTTP/1.1", 201),
        ("POST /v2/bookings HTTP/1.0", 201),
        ("POST /v2/%2562ookings HTTP/1.1", 400),
        ("POST /v2/bookings;x HTTP/1.1", 400),
        ("POST /v2/bookings%00 HTTP/1.1", 400),
        ("POST /v2/bookings%3Fx HTTP/1.1", 400),
        ("POST /v2/bookings/recurring HTTP/1.1", 400),
        ("POST /v2/x/%2e%2e/bookings HTTP/1.1", 400),
        ("POST //v2/bookings HTTP/1.1", 404),
        ("POST /v2%2Fbookings HTTP/1.1", 201),
        ("PoST /v2/bookings HTTP/1.1", 405),
        ("CONNECT /v2/bookings HTTP/1.1", 405),
    ],
)
async def test_over_the_wire_it_is_guarded_or_refused(tmp_path: Path, http: str, line: str, status: int) -> None:
    """Whichever parser reads the request line: one booking that the ledger knows, or none."""
    async with client(tmp_path, http=http) as one:
        got = await _raw(one, line)
        # What one parser lets through to be refused, the other refuses itself.
        assert got == status if status == 201 else 400 <= got < 500
        assert one.live == (status == 201)
        assert one.here.states() == ["confirmed"] * one.live


@pytest.mark.parametrize("http", ["httptools", "h11"])
@pytest.mark.parametrize(
    "framing",
    [
        "Transfer-Encoding: chunked\r\nContent-Length: {length}",
        "Content-Length: {length}\r\nContent-Length: 0",
        "Transfer-Encoding: chunked, identity",
        "Transfer-Encoding: xchunked",
        "Content-Length: +{length}",
        "Content-Length: {length}, {length}",
    ],
)
async def test_a_body_of_two_lengths_is_no_second_request(tmp_path: Path, http: str, framing: str) -> None:
    """What one server takes for the rest of a body another takes for the next request. Nothing of it is booked past
    the ledger."""
    async with client(tmp_path, http=http) as one:
        body = json.dumps(ASKED)
        inner = f"Host: x\r\ncal-api-version: 2024-08-13\r\nContent-Length: {len(body)}\r\n\r\n{body}"
        smuggled = f"POST /v2/bookings HTTP/1.1\r\n{inner}"
        told = framing.format(length=len(smuggled))
        await _sent(one, f"POST /v2/webhooks HTTP/1.1\r\n{told}", f"0\r\n\r\n{smuggled}")
        rows = one.here.rows("SELECT count(*) FROM intents")
        assert rows == [(one.live,)]


async def _raw(one: Client, line: str, *more: str) -> int:
    body = json.dumps(ASKED)
    return await _sent(one, f"{line}\r\nContent-Length: {len(body.encode())}", body, *more)


async def _sent(one: Client, head: str, body: str, *more: str) -> int:
    """The status of the first answer, 400 where there is none."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(one.url.rpartition(":")[2]))
    common = "Host: 127.0.0.1\r\nAuthorization: Bearer cal_test\r\ncal-api-version: 2024-08-13\r\nConnection: close\r\n"
    try:
        writer.write((head + "\r\n" + common + "".join(f"{one}\r\n" for one in more) + "\r\n" + body).encode())
        answer = await asyncio.wait_for(reader.read(), 20)
    except ConnectionError:
        return 400
    finally:
        writer.close()
    return int(answer.split()[1]) if answer else 400
