"""The signed webhook, against a real server on loopback: what arrives, how it is signed, and what a failure says.

The receiver verifies by the specification (standard-webhooks.md, version 1.0.0, "Verifying webhook authenticity"),
written out here and checked against signatures that others have published; it shares no line with the sender.
"""

import asyncio
import base64
import hashlib
import hmac
import json
import logging
import re
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from einmal.adapters.notify import webhook
from einmal.adapters.notify.key import webhook_key
from einmal.adapters.notify.webhook import WebhookCourier
from einmal.domain.callback import Callback
from einmal.domain.intent import Intent, State
from einmal.domain.model import Offer
from einmal.domain.promise import MessageKind
from einmal.domain.reply import BookedSlot, Outcome, Reply, Why
from einmal.ports import Message, StoredReply
from einmal.simulator.clock import SteppedClock
from einmal.speech.said import Language
from einmal.speech.sentences import Voice
from support.evidence import CALL, NOW, intent, wish

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
OTHER_SECRET = "whsec_" + base64.b64encode(bytes(range(1, 33))).decode()
HOOK = "/hooks/s3cr3t-path-of-the-receiver"
BERLIN = Voice(Language.GERMAN, ZoneInfo("Europe/Berlin"))
START = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)
SLOT = BookedSlot("01ref", START, START + timedelta(minutes=30), "Beratung", "Mia Müller")
CANARIES = ("Kanarienvogel", "+4930987654", "canary@person.test", "Mia Müller", "s3cr3t-path")
TAKEN = Reply(Outcome.SLOT_TAKEN, asked_start=START, alternatives=(Offer(START + timedelta(hours=1), "101"),))


def a_message(
    kind: MessageKind = MessageKind.RESOLVED,
    state: State = State.CONFIRMED,
    booking: BookedSlot | None = SLOT,
    reply: Reply | None = None,
    of: Intent | None = None,
) -> Message:
    """A kept promise; all that could be told of anybody is a canary."""
    person = wish(name="Jürgen Kanarienvogel", phone="+4930987654", email="canary@person.test")
    the_intent = of or intent(state, person, promised_at=NOW)
    message_id = f"{the_intent.intent_id}.{the_intent.state}"
    return Message(message_id, "webhook", kind, NOW, 0, StoredReply(the_intent, booking, reply))


def a_call_back(**parts: Any) -> Message:
    """Somebody wants to be called back."""
    told = {
        "callback_id": "01callback",
        "tenant_id": "default",
        "conversation_id": CALL,
        "name": "Jürgen Kanarienvogel",
        "phone": "+4930987654",
        "note": "Der Kanarienvogel: «verschieben»",
        "wanted": "morgen ab 17 Uhr",
        "created_at": NOW,
    }
    return Message("01callback.requested", "webhook", MessageKind.CALLBACK, NOW, 0, Callback(**told | parts))


OF_BOOKINGS = [kind for kind in MessageKind if kind is not MessageKind.CALLBACK]


# The receiver ----------------------------------------------------------------------------------------------------


class NotAuthentic(Exception):
    """The receiver does not believe this request."""


def verified(secret: str, headers: Mapping[str, str], payload: bytes, now: int) -> Any:
    """The payload, if it is authentic by the Standard Webhooks specification."""
    try:
        message_id, stamp = headers["webhook-id"], headers["webhook-timestamp"]
        listed = headers["webhook-signature"].split(" ")
    except KeyError as missing:
        raise NotAuthentic(f"no {missing}") from None
    if re.fullmatch(r"\d+", stamp) is None or abs(now - int(stamp)) > 300:
        raise NotAuthentic("integer seconds, not older than five minutes")
    key = base64.b64decode(secret[len("whsec_") :])
    signed = b".".join([message_id.encode(), stamp.encode(), payload])
    ours = base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
    theirs = [signature for version, _, signature in (each.partition(",") for each in listed) if version == "v1"]
    if not any(hmac.compare_digest(ours, signature) for signature in theirs):
        raise NotAuthentic("no signature matches")
    return json.loads(payload)


@pytest.mark.parametrize(
    ("secret", "message_id", "stamp", "payload", "signature"),
    [
        (
            "whsec_plJ3nmyCDGBKInavdOK15jsl",
            "msg_loFOjxBNrRLzqYUf",
            1731705121,
            b'{"event_type":"ping","data":{"success":true}}',
            "v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0=",
        ),
        (
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1614265330,
            b'{"test": 2432232314}',
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        ),
    ],
)
def test_control_the_receiver_believes_what_others_have_signed_and_nothing_altered(
    secret: str, message_id: str, stamp: int, payload: bytes, signature: str
) -> None:
    """Control: published signatures verify; with another body, id, time, key or no signature they do not."""
    headers = {"webhook-id": message_id, "webhook-timestamp": str(stamp), "webhook-signature": signature}
    assert verified(secret, headers, payload, stamp) == json.loads(payload)
    altered = [
        (secret, headers, payload + b" ", stamp),
        (secret, headers | {"webhook-id": "msg_other"}, payload, stamp),
        (secret, headers | {"webhook-timestamp": str(stamp + 1)}, payload, stamp),
        (secret, headers, payload, stamp + 301),
        (OTHER_SECRET, headers, payload, stamp),
        (secret, headers | {"webhook-signature": "v1a," + signature[3:]}, payload, stamp),
        (secret, {"webhook-id": message_id, "webhook-timestamp": str(stamp)}, payload, stamp),
    ]
    for each in altered:
        with pytest.raises(NotAuthentic):
            verified(*each)


@dataclass
class Delivery:
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


Reaction = Callable[[web.Request], Awaitable[web.StreamResponse]]


async def takes_it(_: web.Request) -> web.StreamResponse:
    return web.Response(status=204)


def says(status: int, **headers: str) -> Reaction:
    async def react(_: web.Request) -> web.StreamResponse:
        return web.Response(status=status, headers=headers, text="Kanarienvogel" if status not in {204, 304} else None)

    return react


@dataclass
class Receiver:
    """Somebody's own system: keeps what arrives, and reacts as it is told."""

    react: Reaction = takes_it
    deliveries: list[Delivery] = field(default_factory=list)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    let_go: asyncio.Event = field(default_factory=asyncio.Event)
    port: int = 0

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        self.deliveries.append(Delivery(request.method, request.path_qs, dict(request.headers), body))
        self.arrived.set()
        return await self.react(request)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}{HOOK}?tenant=1"

    @property
    def one(self) -> Delivery:
        (delivery,) = self.deliveries
        return delivery

    def lower(self, number: int = -1) -> dict[str, str]:
        return {name.lower(): value for name, value in self.deliveries[number].headers.items()}


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    made = Receiver()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", made.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    made.port = runner.addresses[0][1]
    yield made
    made.let_go.set()
    await runner.cleanup()


@pytest.fixture
def clock() -> SteppedClock:
    return SteppedClock(NOW)


@pytest.fixture
async def couriers(clock: SteppedClock) -> AsyncIterator[Callable[..., WebhookCourier]]:
    """Makes couriers, and closes them."""
    made: list[WebhookCourier] = []

    def make(url: str, secret: str = SECRET, voice: Voice = BERLIN) -> WebhookCourier:
        made.append(WebhookCourier(url, webhook_key(secret), lambda _tenant: voice, clock))
        return made[-1]

    yield make
    for courier in made:
        await courier.close()


@pytest.fixture
def courier(couriers: Callable[..., WebhookCourier], receiver: Receiver) -> WebhookCourier:
    return couriers(receiver.url)


# Signed ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("message", [*map(a_message, OF_BOOKINGS), a_call_back()], ids=lambda message: message.kind)
async def test_what_arrives_is_authentic_by_the_specification(
    courier: WebhookCourier, receiver: Receiver, message: Message
) -> None:
    """One POST of JSON to the address that was set, with the three headers; and with another key it is not believed."""
    assert await courier.send(message) is None
    headers, now = receiver.lower(), int(NOW.timestamp())
    assert verified(SECRET, headers, receiver.one.body, now) == json.loads(receiver.one.body)
    assert (receiver.one.method, receiver.one.path) == ("POST", f"{HOOK}?tenant=1")
    assert headers["content-type"] == "application/json"
    assert headers["content-length"] == str(len(receiver.one.body))
    assert (headers["webhook-id"], headers["webhook-timestamp"]) == (message.message_id, str(now))
    with pytest.raises(NotAuthentic):
        verified(OTHER_SECRET, headers, receiver.one.body, now)


async def test_a_repeat_has_the_same_id_and_its_own_time(
    courier: WebhookCourier, receiver: Receiver, clock: SteppedClock
) -> None:
    """The receiver can tell a repeat, and believes it although the first try is an hour old."""
    receiver.react = says(503)
    for _ in range(3):
        assert await courier.send(a_message()) == "http_503"
        clock.pass_time(timedelta(hours=1))
    seen = [receiver.lower(number) for number in range(3)]
    assert {headers["webhook-id"] for headers in seen} == {"01intent.confirmed"}
    stamps = [int(headers["webhook-timestamp"]) for headers in seen]
    assert stamps == [int(NOW.timestamp()) + 3600 * hour for hour in range(3)]
    for headers, delivery, stamp in zip(seen, receiver.deliveries, stamps, strict=True):
        verified(SECRET, headers, delivery.body, stamp)
        with pytest.raises(NotAuthentic):
            verified(SECRET, headers, delivery.body, stamp + 3600)


async def test_the_bodys_time_is_when_it_happened_in_every_try(
    courier: WebhookCourier, receiver: Receiver, clock: SteppedClock
) -> None:
    """By the specification: "the timestamp of the attempt is updated, while that of the original event remains"."""
    for _ in range(2):
        await courier.send(a_message())
        clock.pass_time(timedelta(hours=1))
    times = [json.loads(delivery.body)["timestamp"] for delivery in receiver.deliveries]
    assert [datetime.fromisoformat(time) for time in times] == [a_message().created_at] * 2


async def test_two_messages_of_one_intent_have_two_ids(courier: WebhookCourier, receiver: Receiver) -> None:
    await courier.send(a_message(MessageKind.NEEDS_PERSON, State.ESCALATED, None))
    await courier.send(a_message(MessageKind.RESOLVED, State.CONFIRMED))
    assert [receiver.lower(n)["webhook-id"] for n in range(2)] == ["01intent.escalated", "01intent.confirmed"]


# What it says ----------------------------------------------------------------------------------------------------

WHO = {"name": "Jürgen Kanarienvogel", "phone": "+4930987654", "email": "canary@person.test"}
BOOKED = {
    "ref": "01ref",
    "start": "2026-12-01T10:00:00+01:00",
    "end": "2026-12-01T10:30:00+01:00",
    "staff": "Mia Müller",
}
WHEN = "am Dienstag, dem 1. Dezember, um 10 Uhr"
TAKEN_SAID = "Dieser Termin wurde bereits gebucht. Ich hätte 11 Uhr."
LOOKING_SAID = "Ich habe Ihre Anfrage aufgenommen und prüfe sie noch; Sie bekommen gleich Bescheid."
UNREACHABLE_SAID = (
    "Entschuldigung, der Kalender ist gerade nicht erreichbar, und es wurde nichts gebucht. "
    "Bitte rufen Sie später noch einmal an."
)
RESOLVED, NEEDS_PERSON, TAKEN_BACK, CONFIRMED = OF_BOOKINGS


@pytest.mark.parametrize(
    ("message", "event_type", "booked", "said"),
    [
        (a_message(), "booking.confirmed", BOOKED, f"Ihr Termin für Beratung {WHEN} ist gebucht."),
        (
            a_message(state=State.PENDING),
            "booking.requested",
            BOOKED,
            f"Ihr Termin für Beratung {WHEN} ist angefragt und muss noch bestätigt werden.",
        ),
        (a_message(state=State.REJECTED, booking=None, reply=TAKEN), "booking.not_booked", None, TAKEN_SAID),
        (
            a_message(state=State.REJECTED, booking=None, reply=Reply(Outcome.ERROR, Why.UNREACHABLE)),
            "booking.not_booked",
            None,
            UNREACHABLE_SAID,
        ),
        (
            a_message(state=State.REJECTED, booking=None, reply=Reply(Outcome.ALREADY_BOOKED, booking=SLOT)),
            "booking.confirmed",
            None,
            f"Sie haben diesen Termin bereits: Beratung {WHEN}.",
        ),
        (a_message(NEEDS_PERSON, State.ESCALATED, None), "booking.needs_person", None, None),
        (a_message(TAKEN_BACK, State.COMPENSATED, None, TAKEN), "booking.taken_back", None, None),
        (
            a_message(CONFIRMED, State.CANCELLED),
            "booking.cancelled",
            BOOKED,
            f"Ihr Termin für Beratung {WHEN} ist storniert.",
        ),
    ],
    ids=["booked", "requested", "taken", "unreachable", "already", "person", "back", "cancelled_since"],
)
async def test_the_body_tells_what_stands_and_whom_to_call(
    courier: WebhookCourier,
    receiver: Receiver,
    message: Message,
    event_type: str,
    booked: dict[str, str] | None,
    said: str | None,
) -> None:
    """Type, time, and all that somebody needs who is to call back; local times carry their offset."""
    assert await courier.send(message) is None
    content = json.loads(receiver.one.body)
    assert datetime.fromisoformat(content.pop("timestamp")) == NOW
    assert content == {
        "type": event_type,
        "data": {
            "intent_id": "01intent",
            "tenant": "default",
            "call_id": CALL,
            "service": "Beratung",
            "asked_start": "2026-12-01T10:00:00+01:00",
            "customer": WHO,
            "booking": booked,
            "message": said,
        },
    }


@pytest.mark.parametrize(
    ("parts", "told"),
    [
        ({}, {}),
        ({"conversation_id": None}, {"call_id": None}),
        (
            {"name": None, "note": None, "wanted": None},
            {"customer": {"name": None, "phone": "+4930987654"}, "note": None, "wanted": None},
        ),
        ({"done_at": NOW + timedelta(hours=2)}, {"done_at": "2026-11-23T12:00:00+01:00"}),
    ],
    ids=["all", "no-call", "a-number-alone", "done-meanwhile"],
)
async def test_a_call_back_tells_whom_to_call_and_what_about(
    courier: WebhookCourier, receiver: Receiver, parts: dict[str, Any], told: dict[str, Any]
) -> None:
    """All that was said, times of the house; what somebody has done before it arrived says so."""
    assert await courier.send(a_call_back(**parts)) is None
    content = json.loads(receiver.one.body)
    assert content == {
        "type": "callback.requested",
        "timestamp": NOW.isoformat(),
        "data": {
            "callback_id": "01callback",
            "tenant": "default",
            "call_id": CALL,
            "customer": {"name": "Jürgen Kanarienvogel", "phone": "+4930987654"},
            "note": "Der Kanarienvogel: «verschieben»",
            "wanted": "morgen ab 17 Uhr",
            "created_at": "2026-11-23T10:00:00+01:00",
            "done_at": None,
        }
        | told,
    }


async def test_event_types_are_lists_of_plain_words(courier: WebhookCourier, receiver: Receiver) -> None:
    """As the specification recommends: delimited by full stops, of letters, digits and underscores."""
    await courier.send(a_call_back())
    for kind in OF_BOOKINGS:
        for outcome in Outcome:
            stored = Reply(outcome, booking=SLOT)
            if outcome is not Outcome.NEEDS_INPUT:
                await courier.send(a_message(kind, State.REJECTED, None, stored))
    types = {json.loads(delivery.body)["type"] for delivery in receiver.deliveries}
    assert all(re.fullmatch(r"\w+(\.\w+)+", each, re.ASCII) for each in types)
    assert {each.removeprefix("booking.") for each in types} == {
        *("confirmed", "requested", "cancelled", "not_booked", "needs_person", "taken_back", "callback.requested")
    }


async def test_umlauts_and_signs_arrive_as_they_are(courier: WebhookCourier, receiver: Receiver) -> None:
    """UTF-8 and not escapes; quotes, line ends and signs beyond the usual planes included."""
    name = 'Øyvind "Ödön" Groß\n李小龍 \U0001f484 </script>'
    await courier.send(a_message(of=intent(State.CONFIRMED, wish(name=name))))
    assert json.loads(receiver.one.body)["data"]["customer"] == {"name": name, "phone": None, "email": None}
    for part in ("Øyvind", "Ödön", "Groß", "李小龍", "\U0001f484", "für Beratung"):
        assert part.encode() in receiver.one.body
    verified(SECRET, receiver.lower(), receiver.one.body, int(NOW.timestamp()))


async def test_times_are_the_houses_in_summer_and_in_winter(courier: WebhookCourier, receiver: Receiver) -> None:
    for month in (1, 7):
        start = datetime(2027, month, 5, 9, 0, tzinfo=UTC)
        slot = BookedSlot("01ref", start, start + timedelta(minutes=30), "Beratung", None)
        await courier.send(a_message(booking=slot, of=intent(State.CONFIRMED, wish(start=start))))
    told = [json.loads(delivery.body)["data"] for delivery in receiver.deliveries]
    assert [each["asked_start"] for each in told] == ["2027-01-05T10:00:00+01:00", "2027-07-05T11:00:00+02:00"]
    assert [each["booking"]["start"] for each in told] == [each["asked_start"] for each in told]
    assert [each["booking"]["staff"] for each in told] == [None, None]


async def test_the_house_chooses_language_and_zone(couriers: Callable[..., WebhookCourier], receiver: Receiver) -> None:
    voice = Voice(Language.ENGLISH, ZoneInfo("America/New_York"))
    await couriers(receiver.url, voice=voice).send(a_message())
    data = json.loads(receiver.one.body)["data"]
    assert data["message"] == "Your appointment for Beratung on Tuesday, December 1, at 4:00 am is booked."
    assert data["asked_start"] == "2026-12-01T04:00:00-05:00"


async def test_an_appointment_moved_since_tells_its_own_time(courier: WebhookCourier, receiver: Receiver) -> None:
    """What was asked for and what stands are two times, and each is told as what it is."""
    later = START + timedelta(hours=3)
    await courier.send(a_message(booking=BookedSlot("01ref", later, later + timedelta(minutes=45), "Beratung", "Mia")))
    data = json.loads(receiver.one.body)["data"]
    assert data["asked_start"] == "2026-12-01T10:00:00+01:00"
    assert (data["booking"]["start"], data["booking"]["end"]) == (
        *("2026-12-01T13:00:00+01:00", "2026-12-01T13:45:00+01:00"),
    )
    assert "um 13 Uhr" in data["message"]


@given(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=40),
    st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=80),
    st.sampled_from(OF_BOOKINGS),
    st.sampled_from([State.CONFIRMED, State.PENDING, State.REJECTED, State.ESCALATED, State.COMPENSATED]),
)
def test_any_name_makes_a_body_that_reads_back(name: str, call: str | None, kind: MessageKind, state: State) -> None:
    """Whatever was heard as a name: JSON in UTF-8, and the name is the same."""
    courier = WebhookCourier("http://127.0.0.1:9", bytes(24), lambda _tenant: BERLIN, SteppedClock(NOW))
    message = a_message(kind, of=intent(state, wish(name=name, conversation_id=call)))
    data = json.loads(courier.body(message, NOW).decode())["data"]
    assert (data["customer"]["name"], data["call_id"]) == (name.replace("\0", ""), call)


# Arrived or not --------------------------------------------------------------------------------------------------


def is_a_short_word(why: str | None) -> bool:
    """Ours, and nobody's: no address, no path, no name, no text of the remote's."""
    quiet = why is not None and not [canary for canary in (*CANARIES, "127.0.0.1", "localhost") if canary in why]
    return quiet and re.fullmatch(r"[A-Za-z0-9_]{3,40}", why or "") is not None


@pytest.mark.parametrize("status", [200, 201, 202, 204, 226, 299])
async def test_any_2xx_is_arrival(courier: WebhookCourier, receiver: Receiver, status: int) -> None:
    receiver.react = says(status)
    assert await courier.send(a_message()) is None


@pytest.mark.parametrize("status", [300, 304, 400, 401, 403, 404, 408, 409, 410, 418, 422, 429, 500, 502, 503, 504])
async def test_any_other_status_is_a_short_word(courier: WebhookCourier, receiver: Receiver, status: int) -> None:
    """The status and no more, whatever the receiver wrote beside it; and it is one POST, not several."""
    receiver.react = says(status)
    why = await courier.send(a_message())
    assert why == f"http_{status}"
    assert len(receiver.deliveries) == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed(courier: WebhookCourier, receiver: Receiver, status: int) -> None:
    """A person's name and phone go where the operator has set it, and nowhere that somebody else says."""
    receiver.react = says(status, Location=f"http://127.0.0.1:{receiver.port}/elsewhere")
    assert await courier.send(a_message()) == f"http_{status}"
    assert [delivery.path for delivery in receiver.deliveries] == [f"{HOOK}?tenant=1"]


async def test_a_refused_connection_is_a_short_word(couriers: Callable[..., WebhookCourier]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: nobody else gets it, and nobody answers
        why = await couriers(f"http://127.0.0.1:{taken.getsockname()[1]}{HOOK}").send(a_message())
    assert is_a_short_word(why)


@pytest.mark.parametrize(
    "url", ["http://", "http://127.0.0.1:0", "http://[::1", "ftp://127.0.0.1/", "nonsense", "http://127.0.0.1:99999/"]
)
async def test_an_address_that_is_none_is_a_short_word(couriers: Callable[..., WebhookCourier], url: str) -> None:
    """A slip in the settings fails like an outage, and loses no message."""
    assert is_a_short_word(await couriers(url).send(a_message()))


async def test_tls_that_is_none_is_a_short_word(couriers: Callable[..., WebhookCourier], receiver: Receiver) -> None:
    url = receiver.url.replace("http:", "https:")
    assert is_a_short_word(await couriers(url).send(a_message()))
    assert receiver.deliveries == [], "nothing is sent in the clear instead"


async def test_a_connection_that_dies_is_a_short_word(courier: WebhookCourier, receiver: Receiver) -> None:
    """It may have arrived; the same id tells the receiver so when it comes again."""

    async def hangs_up(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    receiver.react = hangs_up
    assert is_a_short_word(await courier.send(a_message()))
    receiver.react = takes_it
    assert await courier.send(a_message()) is None
    assert {delivery.headers["webhook-id"] for delivery in receiver.deliveries} == {"01intent.confirmed"}


async def test_what_is_no_http_is_a_short_word(couriers: Callable[..., WebhookCourier]) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"220 mail.kanarienvogel.test ESMTP\r\n")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}{HOOK}"
        assert is_a_short_word(await couriers(url).send(a_message()))
    finally:
        server.close()


async def test_a_receiver_that_says_nothing_is_left_after_its_time(
    courier: WebhookCourier, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A short word, no exception; the next message is not held up by it."""
    monkeypatch.setattr(webhook, "SEND_SECONDS", 0.2)

    async def is_silent(_: web.Request) -> web.StreamResponse:
        await receiver.let_go.wait()
        return web.Response()

    receiver.react = is_silent
    assert is_a_short_word(await courier.send(a_message()))
    assert len(receiver.deliveries) == 1
    receiver.react = takes_it
    assert await courier.send(a_message()) is None


async def test_an_answers_body_is_not_waited_for(courier: WebhookCourier, receiver: Receiver) -> None:
    """Its head says that it arrived; a receiver that goes on talking holds nobody up."""

    async def talks_on(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"x" * 1000)
        await receiver.let_go.wait()
        return response

    receiver.react = talks_on
    assert await courier.send(a_message()) is None
    assert not receiver.let_go.is_set()


async def test_many_at_once_are_each_signed_for_themselves(courier: WebhookCourier, receiver: Receiver) -> None:
    """One session, twenty messages: no id goes with another's body."""
    messages = [
        a_message(of=intent(State.CONFIRMED, wish(name=f"Gast {number}"), intent_id=f"01intent{number:02d}"))
        for number in range(20)
    ]
    assert await asyncio.gather(*(courier.send(message) for message in messages)) == [None] * 20
    for number, delivery in enumerate(receiver.deliveries):
        content = verified(SECRET, receiver.lower(number), delivery.body, int(NOW.timestamp()))
        assert receiver.lower(number)["webhook-id"] == content["data"]["intent_id"] + ".confirmed"
        assert content["data"]["customer"]["name"] == f"Gast {int(content['data']['intent_id'][-2:])}"


async def test_a_closed_courier_can_be_closed_again_and_opens_anew(courier: WebhookCourier, receiver: Receiver) -> None:
    await courier.close()
    assert await courier.send(a_message()) is None
    await courier.close()
    await courier.close()
    assert await courier.send(a_message()) is None


# Nothing leaks ---------------------------------------------------------------------------------------------------


@pytest.fixture
def records() -> Iterator[list[logging.LogRecord]]:
    """Whatever any logger says, down to DEBUG; our own does not hand its lines up when it is set up."""
    heard: list[logging.LogRecord] = []
    handler = logging.Handler(0)
    handler.emit = heard.append  # type: ignore[method-assign]
    loggers = [logging.getLogger(name) for name in ("", "einmal", "aiohttp", "asyncio")]
    before = [(log, log.level) for log in loggers]
    for log in loggers:
        log.addHandler(handler)
        log.setLevel(logging.DEBUG)
    yield heard
    for log, level in before:
        log.removeHandler(handler)
        log.setLevel(level)


async def test_nothing_is_logged_whether_it_arrives_or_not(
    couriers: Callable[..., WebhookCourier], receiver: Receiver, records: list[logging.LogRecord]
) -> None:
    """Who is to be called back stands in the body, and nowhere else; nor does the address or the key."""
    courier = couriers(receiver.url)
    for status in (200, 404, 500):
        receiver.react = says(status)
        await courier.send(a_message())
    await couriers("http://127.0.0.1:1" + HOOK).send(a_message())
    await couriers("nonsense").send(a_message())
    assert [record for record in records if record.name.startswith("einmal")] == []
    text = "\n".join(record.getMessage() + str(record.exc_info) for record in records)
    assert not [canary for canary in (*CANARIES, SECRET, SECRET[6:]) if canary in text]


async def test_the_courier_does_not_show_its_key(courier: WebhookCourier) -> None:
    assert not [part for part in (SECRET[6:], str(bytes(range(32)))) if part in repr(courier) + str(courier)]


async def test_no_cookie_is_kept(couriers: Callable[..., WebhookCourier], receiver: Receiver) -> None:
    """One customer's message carries nothing over to the next. By name: no client keeps a bare address's cookies."""
    courier = couriers(receiver.url.replace("127.0.0.1", "localhost"))
    receiver.react = says(200, **{"Set-Cookie": "session=kanarienvogel; Path=/"})
    assert [await courier.send(a_message()) for _ in range(2)] == [None, None]
    assert "cookie" not in receiver.lower()


async def test_the_environments_proxy_is_not_used(
    courier: WebhookCourier, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is sent to the operator's system passes through nobody who was not asked."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    assert await courier.send(a_message()) is None
    assert len(receiver.deliveries) == 1


# The secret ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [24, 32, 64])
def test_a_secret_is_its_prefix_and_base64_of_its_bytes(size: int) -> None:
    key = bytes(range(size))
    assert webhook_key("whsec_" + base64.b64encode(key).decode()) == key


@pytest.mark.parametrize(
    "secret",
    [
        "",
        "whsec_",
        "whsec_" + base64.b64encode(bytes(23)).decode(),
        base64.b64encode(bytes(32)).decode(),
        "WHSEC_" + base64.b64encode(bytes(32)).decode(),
        "whsec_" + base64.b64encode(bytes(32)).decode() + "\n",
        "whsec_" + base64.b64encode(bytes(32)).decode().rstrip("="),
        "whsec_" + base64.urlsafe_b64encode(b"\xff" * 32).decode(),
        "whsec_" + "geheim und lang genug, aber kein base64!",
        "whsec_" + "ä" * 40,
        "whsk_" + base64.b64encode(bytes(32)).decode(),
    ],
)
def test_anything_else_is_refused_without_repeating_it(secret: str) -> None:
    """Too short, another alphabet, another prefix: a message for whoever set it, without what was set."""
    with pytest.raises(ValueError, match=r".") as refusal:
        webhook_key(secret)
    rest = secret.removeprefix("whsec_").strip()
    assert not rest or rest not in str(refusal.value)
