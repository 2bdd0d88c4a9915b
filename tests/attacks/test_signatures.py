"""Requests that somebody else signed, or that somebody caught and sends again. Beside each stands what is let in."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from einmal.adapters.elevenlabs.signature import sign as elevenlabs_sign
from einmal.adapters.retell.signature import identity, sign
from einmal.edge.replays import BYTES_MAX, KEPT_MAX, KEPT_SECONDS, Replays
from einmal.entrypoints.http.app import create_app
from einmal.simulator.asgi import HttpAnswer, request
from support.world import BERLIN_MORNING, World, world

KEY, NEW_KEY = "key_of_this_house", "key_after_rotation"
NOW = int(BERLIN_MORNING.timestamp() * 1000)
BOOK, DISPATCH = "/api/retell/collect-appointment", "/api/retell/function-call"
WISH = {"datum": "2026-12-01", "uhrzeit": "10:00", "name": "Jürgen Groß", "dienstleistung": "Beratung"}
CALL = {"call_id": "call_7d4d0c", "from_number": "+491701234567"}


def body(function: str = "collect_appointment", /, **args: str) -> bytes:
    return json.dumps({"name": function, "call": CALL, "args": args or WISH}).encode()


async def post(here: World, data: bytes, path: str = BOOK, app: Any = None, **headers: str) -> HttpAnswer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await request(app or create_app(here.gateway), "POST", path, data, named)


@pytest.mark.parametrize("at", [NOW, NOW - 300_000, NOW + 60_000], ids=["now", "five-minutes-old", "a-minute-ahead"])
@pytest.mark.parametrize("key", [KEY, NEW_KEY], ids=["old-key", "new-key"])
async def test_control_what_the_house_signed_books(tmp_path: Path, at: int, key: str) -> None:
    """With either key of a rotation, at either edge of the window."""
    async with world(tmp_path, EINMAL_RETELL_API_KEY=f"{KEY},{NEW_KEY}") as here:
        answer = await post(here, body(), x_retell_signature=sign(body(), key, at))
        assert (answer.status, answer.json["status"]) == (200, "booked")


GOOD = sign(body(), KEY, NOW)
DIGEST = GOOD.partition("d=")[2]
FORGED = {
    "nobody's": (None, "signature_missing"),
    "empty": ("", "signature_malformed"),
    "leading-zero": (f"v=0{NOW},d={DIGEST}", "signature_malformed"),
    "arabic-digits": (
        f"v={NOW},d={DIGEST}".translate(str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")),
        "signature_malformed",
    ),
    "superscript": (GOOD.replace("1", "\u00b9", 1), "signature_malformed"),
    "upper-case": (f"v={NOW},d={DIGEST.upper()}", "signature_malformed"),
    "a-space": (f"v={NOW}, d={DIGEST}", "signature_malformed"),
    "a-sign": (f"v=+{NOW},d={DIGEST}", "signature_malformed"),
    "a-line": (f"{GOOD}\n", "signature_malformed"),
    "two-digests": (f"{GOOD},d={'0' * 64}", "signature_malformed"),
    "another-order": (f"d={DIGEST},v={NOW}", "signature_malformed"),
    "another-time": (f"v={NOW + 1},d={DIGEST}", "signature_wrong"),
    "another-key": (sign(body(), "key_of_another_house", NOW), "signature_wrong"),
    "another-body": (sign(body() + b" ", KEY, NOW), "signature_wrong"),
    "too-old": (sign(body(), KEY, NOW - 300_001), "signature_expired"),
    "too-new": (sign(body(), KEY, NOW + 60_001), "signature_expired"),
}


@pytest.mark.parametrize(("signature", "error"), FORGED.values(), ids=FORGED)
async def test_what_nobody_of_the_house_signed_books_nothing(tmp_path: Path, signature: str | None, error: str) -> None:
    async with world(tmp_path, EINMAL_RETELL_API_KEY=KEY) as here:
        sent = {} if signature is None else {"x_retell_signature": signature.encode().decode("latin-1")}
        answer = await post(here, body(), **sent)
        assert (answer.status, answer.json["error"]) == (401, error)
        assert here.states() == []


async def test_two_signatures_are_none(tmp_path: Path) -> None:
    """Two parties may read different ones of two headers."""
    async with world(tmp_path, EINMAL_RETELL_API_KEY=KEY) as here:
        app, data = create_app(here.gateway), body()

        async def doubled(scope: Any, receive: Any, send: Any) -> None:
            both = [(b"x-retell-signature", GOOD.encode())] * 2
            await app({**scope, "headers": [*scope["headers"], *both]}, receive, send)

        assert (await request(doubled, "POST", BOOK, data)).json["error"] == "signature_missing"


async def test_a_signature_for_one_function_opens_no_other(tmp_path: Path) -> None:
    """The signature covers no URL: sent to another function's address, it is what it was signed for, or nothing."""
    async with world(tmp_path, EINMAL_RETELL_API_KEY=KEY) as here:
        data = body()
        moved = await post(here, data, "/api/retell/cancel-appointment", x_retell_signature=sign(data, KEY, NOW))
        assert moved.json["status"] == "rejected"
        assert here.states() == []
        assert (await post(here, data, DISPATCH, x_retell_signature=sign(data, KEY, NOW + 1))).json[
            "status"
        ] == "booked"


async def shown_after_replay(here: World, app: Any) -> tuple[bytes, bytes]:
    """Somebody asks for their appointments and cancels one; the question was caught, and is sent again."""
    book, listed = body(), body("get_customer_appointments", name="Jürgen Groß")
    cancel = body("cancel_appointment", datum="2026-12-01", uhrzeit="10:00", name="Jürgen Groß")
    caught = {"x_retell_signature": sign(listed, KEY, NOW)}
    await post(here, book, app=app, x_retell_signature=sign(book, KEY, NOW))
    first = await post(here, listed, DISPATCH, app, **caught)
    gone = await post(here, cancel, DISPATCH, app, x_retell_signature=sign(cancel, KEY, NOW))
    assert gone.json["status"] == "cancelled"
    again = await post(here, listed, DISPATCH, app, **caught)
    return first.body, again.body


async def test_a_caught_question_is_told_what_it_was_told_then(tmp_path: Path) -> None:
    """And nothing that came of it since."""
    async with world(tmp_path, EINMAL_RETELL_API_KEY=KEY) as here:
        first, again = await shown_after_replay(here, create_app(here.gateway))
        assert first == again


async def test_control_without_the_memory_it_is_told_the_news(tmp_path: Path) -> None:
    async with world(tmp_path, EINMAL_RETELL_API_KEY=KEY) as here:

        async def forgetful(scope: Any, receive: Any, send: Any) -> None:
            here.gateway.limits.replays = Replays()
            await create_app(here.gateway)(scope, receive, send)

        first, again = await shown_after_replay(here, forgetful)
        assert first != again


def test_a_signature_is_known_by_its_number_and_digest() -> None:
    """Whatever the header's text, which other verifiers read more kindly."""
    assert identity(GOOD) == (NOW, DIGEST)
    assert identity(f"v=0{NOW},d={DIGEST}") is None
    assert identity(None) is None


async def test_sent_twice_at_once_it_is_made_once_and_told_to_both() -> None:
    made, go = [], asyncio.Event()

    async def answer() -> tuple[bytes, bool]:
        made.append(1)
        await go.wait()
        return b"told", True

    replays = Replays()
    both = [asyncio.create_task(replays.once((NOW, DIGEST), 0.0, answer)) for _ in range(2)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    go.set()
    assert await asyncio.gather(*both) == [b"told", b"told"]
    assert len(made) == 1
    assert await replays.once((NOW + 1, DIGEST), 0.0, answer) == b"told"
    assert len(made) == 2
    assert await replays.once((NOW, DIGEST), KEPT_SECONDS + 1, answer) == b"told"
    assert len(made) == 3


async def test_what_is_no_last_word_or_was_called_off_is_made_anew() -> None:
    """A doubt ends, a process recovers: whoever asks again is told how it stands."""
    replays, started = Replays(), asyncio.Event()

    async def doubt() -> tuple[bytes, bool]:
        return b"checking", False

    async def done() -> tuple[bytes, bool]:
        return b"booked", True

    async def never() -> tuple[bytes, bool]:
        started.set()
        await asyncio.Event().wait()
        return b"", True

    assert await replays.once((1, "a"), 0.0, doubt) == b"checking"
    assert await replays.once((1, "a"), 0.0, done) == b"booked"
    first = asyncio.create_task(replays.once((1, "b"), 0.0, never))
    await started.wait()
    second = asyncio.create_task(replays.once((1, "b"), 0.0, done))
    await asyncio.sleep(0)
    first.cancel()
    assert await second == b"booked"


async def test_the_memory_is_bounded() -> None:
    replays = Replays()

    async def answer() -> tuple[bytes, bool]:
        return b"x" * 8192, True

    for number in range(KEPT_MAX + 50):
        await replays.once((number, "d"), 0.0, answer)
    assert len(replays) <= KEPT_MAX
    assert replays.bytes <= BYTES_MAX + 8192


async def test_what_was_forgotten_while_it_was_made_is_no_longer_counted() -> None:
    """Else a flood would fill the memory with answers that it does not hold, and it would keep none any more."""
    replays, go = Replays(), asyncio.Event()

    async def slow() -> tuple[bytes, bool]:
        await go.wait()
        return b"x" * 8192, True

    async def at_once() -> tuple[bytes, bool]:
        return b"", True

    first = asyncio.create_task(replays.once((0, "d"), 0.0, slow))
    await asyncio.sleep(0)
    for number in range(1, KEPT_MAX + 50):
        await replays.once((number, "d"), 0.0, at_once)
    go.set()
    assert len(await first) == 8192
    assert replays.bytes == 0


async def test_elevenlabs_webhook_is_checked_as_strictly(tmp_path: Path) -> None:
    """Another body, another digits, an old one; the same, signed, is taken."""
    path, data, at = "/api/webhooks/elevenlabs", b'{"type":"other"}', NOW // 1000
    good = elevenlabs_sign(data, "hook-secret", at)
    async with world(tmp_path, EINMAL_ELEVENLABS_WEBHOOK_SECRET="hook-secret") as here:
        for bad in (good.replace("t=", "t=0"), good + ",v1=x", good.upper(), elevenlabs_sign(data, "x", at), ""):
            assert (await post(here, data, path, elevenlabs_signature=bad)).status == 401
        assert (await post(here, data + b" ", path, elevenlabs_signature=good)).status == 401
        assert (await post(here, data, path)).status == 401
        assert (await post(here, data, path, elevenlabs_signature=good)).status == 200
