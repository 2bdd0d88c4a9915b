"""Webhooks over a real socket, as Cal.com's direct mode sends them, and what the control API tells of them."""

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import web

from einmal.simulator.app import simulator_app
from einmal.simulator.asgi import request
from einmal.simulator.calendar import SimulatedCalendar
from einmal.simulator.catalogue import random_uid, recorded_event_types
from einmal.simulator.faults import FaultPlan
from einmal.simulator.faulty import FaultyCalcom
from einmal.simulator.webhook_sending import SENT_MAX, WebhookSender
from einmal.simulator.webhooks import Delivery, Trigger
from einmal.simulator.wire import SimulatedCalcom

HEADERS = {"cal-api-version": "2024-08-13", "content-type": "application/json"}
BODY = {
    "start": "2050-11-28T00:30:00Z",
    "eventTypeId": 1,
    "attendee": {"name": "Jürgen Groß", "email": "juergen@guest.example.test", "timeZone": "UTC"},
}
SECRET = "whsec-local-0123456789"


@dataclass
class Sink:
    """A receiver on a free port. What it has heard, and what it looks up while it is being told."""

    url: str = ""
    status: int = 200
    heard: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    seen: list[Any] = field(default_factory=list)
    look: Any = None
    hold: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.hold.set()

    async def take(self, asked: web.Request) -> web.Response:
        self.heard.append((asked.path, dict(asked.headers), await asked.read()))
        if self.look is not None:
            self.seen.append(await self.look())
        await self.hold.wait()
        headers = {"Location": f"{self.url}/elsewhere"} if self.status == 307 else {}
        return web.Response(status=self.status, headers=headers)


@asynccontextmanager
async def a_sink() -> AsyncIterator[Sink]:
    sink = Sink()
    app = web.Application()
    app.router.add_post("/{rest:.*}", sink.take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    sink.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield sink
    finally:
        sink.hold.set()
        await runner.cleanup()


class Asked:
    """The simulator's application, asked without a socket; its webhooks take real ones."""

    def __init__(self, plan: str = "") -> None:
        calendar = SimulatedCalendar(recorded_event_types(), now=lambda: datetime.now(UTC), new_uid=random_uid)
        calcom = SimulatedCalcom(calendar, api_keys=None, now=lambda: datetime.now(UTC))
        self.calcom = FaultyCalcom(calcom, FaultPlan.from_toml(plan))
        self.app = simulator_app(self.calcom)

    async def ask(self, method: str, path: str, body: object = None) -> Any:
        sent = b"" if body is None else json.dumps(body).encode()
        answer = await request(self.app, method, path, sent, HEADERS)
        return answer.status, answer.json

    async def book(self) -> str:
        status, answer = await self.ask("POST", "/v2/bookings", BODY)
        assert status == 201
        uid: str = answer["data"]["uid"]
        return uid

    async def told(self) -> list[tuple[str, int | None, str | None]]:
        webhooks = (await self.ask("GET", "/control/webhooks"))[1]["webhooks"]
        return [(one["trigger"], one["status"], one["error"]) for one in webhooks]


async def test_a_webhook_arrives_before_the_answer() -> None:
    """Signed over the bytes as they are, with node's headers; while it is under way the booking can be read."""
    asked = Asked()
    async with a_sink() as sink:
        sink.look = lambda: asked.ask("GET", "/control/bookings")
        asked.calcom.subscribe(f"{sink.url}/hook", SECRET)
        await asked.book()
        ((path, headers, body),) = sink.heard
        assert path == "/hook"
        assert headers["X-Cal-Signature-256"] == hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
        assert (headers["Content-Type"], headers["User-Agent"]) == ("application/json", "node")
        assert json.loads(body)["payload"]["attendees"][0]["name"] == "Jürgen Groß"
        assert len(sink.seen[0][1]["bookings"]) == 1


async def test_the_call_waits_for_the_receiver() -> None:
    """A slow one slows the booking; the row is there meanwhile."""
    asked = Asked()
    async with a_sink() as sink:
        sink.hold.clear()
        asked.calcom.subscribe(sink.url, SECRET)
        booking = asyncio.create_task(asked.book())
        while not sink.heard:  # noqa: ASYNC110 - a socket has no event for it
            await asyncio.sleep(0.005)
        assert not booking.done()
        assert len(asked.calcom.calendar.bookings) == 1
        sink.hold.set()
        await booking


async def test_while_it_tells_of_a_cancel_the_booking_reads_as_before() -> None:
    """As recorded: it is written when the receiver has answered."""
    asked = Asked()
    async with a_sink() as sink:
        uid = await asked.book()
        sink.look = lambda: asked.ask("GET", f"/v2/bookings/{uid}")
        asked.calcom.subscribe(sink.url, SECRET)
        status, answer = await asked.ask("POST", f"/v2/bookings/{uid}/cancel", {"cancellationReason": "Krank"})
        assert (status, answer["data"]["status"]) == (200, "cancelled")
        assert sink.seen[0][1]["data"]["status"] == "accepted"
        assert (await sink.look())[1]["data"]["status"] == "cancelled"


@pytest.mark.parametrize("status", [500, 401, 307])
async def test_what_the_receiver_answers_does_not_matter(status: int) -> None:
    """One try, no redirect followed, and the booking is made."""
    asked = Asked()
    async with a_sink() as sink:
        sink.status = status
        asked.calcom.subscribe(sink.url, SECRET)
        await asked.book()
        assert len(sink.heard) == 1
        assert await asked.told() == [("BOOKING_CREATED", status, None)]


async def test_a_receiver_that_is_not_there_does_not_matter() -> None:
    """Nor an address that is none."""
    asked = Asked()
    async with a_sink() as sink:
        gone = sink.url
    asked.calcom.subscribe(gone, SECRET)
    asked.calcom.subscribe("no address", SECRET)
    await asked.book()
    (first, second) = await asked.told()
    assert (first[:2], second[:2]) == (("BOOKING_CREATED", None), ("BOOKING_CREATED", None))
    assert {first[2], second[2]} == {"ClientConnectorError", "InvalidUrlClientError"}


async def test_waiting_has_an_end() -> None:
    """A receiver that never answers is given up."""
    asked = Asked()
    async with a_sink() as sink:
        sink.hold.clear()
        sender = WebhookSender(asked.calcom.calendar, time_out_seconds=0.05)
        await sender.send([Delivery(sink.url, {}, b"{}", Trigger.CREATED, "uid-1")])
        assert [(one.status, one.error) for one in sender.sent] == [(None, "timeout")]


async def test_a_persons_hand_is_told_too() -> None:
    """The buttons of the control API cause what a person's hand causes."""
    asked = Asked()
    async with a_sink() as sink:
        uid = await asked.book()
        asked.calcom.subscribe(sink.url, SECRET)
        assert (await asked.ask("POST", f"/control/cancel/{uid}"))[0] == 200
        assert [json.loads(body)["triggerEvent"] for _, _, body in sink.heard] == ["BOOKING_CANCELLED"]


async def test_a_late_commit_is_told_when_it_is_done() -> None:
    """Nobody asks then; the application looks by itself."""
    asked = Asked('[[rule]]\nfault = "late_commit"\nstatus = 502\nnth = 1\ncommit_after_seconds = 0.01')
    async with a_sink() as sink:
        asked.calcom.subscribe(sink.url, SECRET)
        assert (await request(asked.app, "POST", "/v2/bookings", json.dumps(BODY).encode(), HEADERS)).status == 502
        async with asyncio.timeout(5):
            while not sink.heard:  # noqa: ASYNC110 - a socket has no event for it
                await asyncio.sleep(0.005)


async def test_a_late_webhook_does_not_hold_the_call_up() -> None:
    """It comes by itself, behind the answer."""
    asked = Asked('[[rule]]\nfault = "late_webhook"\noperation = "webhook"\ndelay_seconds = 0.05')
    async with a_sink() as sink:
        asked.calcom.subscribe(sink.url, SECRET)
        await asked.book()
        assert sink.heard == []
        async with asyncio.timeout(5):
            while not sink.heard:  # noqa: ASYNC110 - a socket has no event for it
                await asyncio.sleep(0.005)


async def test_what_was_sent_is_remembered_up_to_a_number() -> None:
    """Newest last."""
    asked = Asked()
    async with a_sink() as sink:
        sender = WebhookSender(asked.calcom.calendar)
        many = [Delivery(sink.url, {}, b"{}", Trigger.CREATED, f"uid-{number}") for number in range(SENT_MAX + 5)]
        await sender.send(many[:5])
        await sender.send(many[5:])
        assert len(sender.sent) == SENT_MAX
        assert "uid-0" not in {one.uid for one in sender.sent}


# Subscribing by the control API


async def test_a_subscription_as_made_by_hand() -> None:
    """For everything, a team's event types included; Cal.com's own API does not show it."""
    asked = Asked()
    async with a_sink() as sink:
        status, made = await asked.ask("POST", "/control/webhooks", {"url": sink.url, "secret": SECRET})
        assert (status, made["url"], "BOOKING_PAID" in made["triggers"]) == (201, sink.url, True)
        status, _ = await asked.ask("POST", "/v2/bookings", BODY | {"eventTypeId": 9})
        assert (status, len(sink.heard)) == (201, 1)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ([], "the body is no JSON object such as"),
        ({"url": "x"}, "url is no address; it is http://... or https://..."),
        ({"uri": "x"}, "unknown: uri; known are url, secret, triggers, event_type_id"),
        ({"url": "http://x", "secret": 1}, "secret is a text, or left out"),
        ({"url": "http://x", "triggers": ["NOPE"]}, "triggers is a list of: BOOKING_CREATED"),
        ({"url": "http://x", "triggers": []}, "triggers is a list of"),
        ({"url": "http://x", "event_type_id": "1"}, "event_type_id is a whole number"),
        ({"url": "http://x", "event_type_id": 77}, "there is no event type 77; there are: 1, 3"),
    ],
)
async def test_a_wrong_subscription_hears_what_is_allowed(body: object, says: str) -> None:
    """And none is made."""
    asked = Asked()
    status, refused = await asked.ask("POST", "/control/webhooks", body)
    assert status == 400
    assert says in refused["error"]
    assert asked.calcom.calendar.webhooks.subscriptions == {}
