"""The simulated Cal.com as an ASGI application, for a real server or a transport inside the process.

A raw application, without a framework: one route table is enough, and that is in `wire`.

ASGI knows no way to drop a connection: an application that raises or returns without an answer gets a 500 sent
in its name, and a truncated body comes after a status that a lost answer must not show. So the application
reaches through `send` for uvicorn's transport and aborts it; the client sees a reset. On a server where that
is not found it stays silent until the client goes away, which is how connections die most often anyway.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any
from urllib.parse import quote

from starlette.types import ASGIApp, Receive, Scope, Send

from einmal.simulator.control import control, is_control
from einmal.simulator.faults import FaultPlan, Faults
from einmal.simulator.faulty import Delivered, FaultyCalcom, LostAnswer, LostRequest, NotConnected, Outcome
from einmal.simulator.webhook_sending import WebhookSender
from einmal.simulator.webhooks import Delivery
from einmal.simulator.wire import SimulatedCalcom, WireAnswer

# Far above any honest booking; it bounds what one careless client can make this process hold.
_BODY_BYTES_MAX = 1024 * 1024

_TOO_LARGE = WireAnswer(
    413,
    {"Content-Type": "application/json; charset=utf-8", "Connection": "close"},
    b'{"statusCode":413,"message":"request entity too large"}',
)


def simulator_app(
    calcom: SimulatedCalcom | FaultyCalcom,
    *,
    latency_seconds: float = 0.0,
    faults: Faults | FaultPlan | None = None,
) -> ASGIApp:
    """An ASGI application in front of `calcom`, with the faults acted out and the control API beside it.

    The latency comes after the work: as with the real one, a client that gives up waiting has booked all the
    same. Webhooks go out in between, and what caused them waits until they have arrived. Raises PlanMistake for
    a fault that cannot be acted out from here.
    """
    if isinstance(calcom, SimulatedCalcom):
        faulty = FaultyCalcom(calcom, faults)
    elif faults is None:
        faulty = calcom
    else:
        raise ValueError("this FaultyCalcom has its faults already")
    faulty.plan.refuse_what_never_arrives()
    background, sender = _Background(), WebhookSender(faulty.calendar)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _live(receive, send)
        if scope["type"] != "http":
            return
        body = await _read(receive)
        if body is None:
            return  # the client went away before it had asked for anything
        outcome = Delivered(_TOO_LARGE) if len(body) > _BODY_BYTES_MAX else _outcome(faulty, scope, body, sender)
        if (due_in_seconds := faulty.next_commit_in_seconds) is not None:
            background.start(_commit_late(faulty, due_in_seconds, sender, background))
        await _send_webhooks(faulty, sender, background)
        await _act_out(outcome, latency_seconds, receive, send)

    return app


class _Background:
    """Keeps hold of what runs beside the requests; asyncio itself does not."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _commit_late(
    calcom: FaultyCalcom, due_in_seconds: float, sender: WebhookSender, background: _Background
) -> None:
    await asyncio.sleep(due_in_seconds)
    calcom.tick()
    await _send_webhooks(calcom, sender, background)


async def _send_webhooks(calcom: FaultyCalcom, sender: WebhookSender, background: _Background) -> None:
    """What waits, until it has arrived; what the plan makes late goes out by itself."""
    deliveries = calcom.take_deliveries()
    for late in deliveries:
        if late.delay_seconds > 0:
            background.start(_send_late(late, sender))
    prompt = [delivery for delivery in deliveries if delivery.delay_seconds <= 0]
    if prompt:
        await sender.send(prompt)


async def _send_late(delivery: Delivery, sender: WebhookSender) -> None:
    await asyncio.sleep(delivery.delay_seconds)
    await sender.send_afterwards(delivery)


def _outcome(calcom: FaultyCalcom, scope: Scope, body: bytes, sender: WebhookSender) -> Outcome:
    path = (scope.get("raw_path") or quote(scope["path"]).encode("latin-1")).decode("latin-1")
    if is_control(path):
        client = scope.get("client")
        here = client[0] if client else None
        return Delivered(control(calcom, scope["method"], path, body, here, [one.plain for one in sender.sent]))
    query = scope.get("query_string", b"").decode("latin-1")
    target = f"{path}?{query}" if query else path
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
    return calcom.handle(scope["method"], target, headers, body)


async def _act_out(outcome: Outcome, latency_seconds: float, receive: Receive, send: Send) -> None:
    wait_seconds = latency_seconds + outcome.delay_seconds
    if wait_seconds > 0:
        await asyncio.sleep(wait_seconds)
    match outcome:
        case Delivered(answer, body_delay_seconds=body_delay_seconds):
            await _send(answer, body_delay_seconds, send)
        case LostRequest() | LostAnswer() | NotConnected():
            # A plan with the last of them is refused; one that was slipped in later comes as near as this.
            await _drop(receive, send)


async def _send(answer: WireAnswer, body_delay_seconds: float, send: Send) -> None:
    headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers.items()]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    if body_delay_seconds > 0:
        # Half of it now: a server may hold back the head until there is a body.
        half = len(answer.body) // 2
        await send({"type": "http.response.body", "body": answer.body[:half], "more_body": True})
        await asyncio.sleep(body_delay_seconds)
        await send({"type": "http.response.body", "body": answer.body[half:]})
        return
    await send({"type": "http.response.body", "body": answer.body})


async def _drop(receive: Receive, send: Send) -> None:
    """End the connection without an answer, and wait until the server has noticed: before, it would send a 500."""
    # By name and not by type: uvloop's transports are no subclasses of asyncio's.
    abort = getattr(getattr(getattr(send, "__self__", None), "transport", None), "abort", None)
    if callable(abort):
        abort()
    while (await receive())["type"] != "http.disconnect":
        pass


async def _read(receive: Receive) -> bytes | None:
    """The whole body, or a little more than is allowed of it."""
    body = bytearray()
    while len(body) <= _BODY_BYTES_MAX:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")
        if not message.get("more_body", False):
            break
    return bytes(body)


async def _live(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
