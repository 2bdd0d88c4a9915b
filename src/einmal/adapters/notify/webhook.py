"""A signed webhook to the operator's own system, by the Standard Webhooks specification.

`webhook-id` is the message's id: the same in every try, so that a receiver can tell a repeat. The signature is
HMAC-SHA256 over `id.timestamp.body`, base64, as `v1,...`. The body tells a person's name and phone, because
whoever receives it is to call back; so it goes over TLS, and nothing of it is logged.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

import aiohttp

from einmal.adapters.connecting import OPERATORS, sockets_within
from einmal.domain.callback import Callback
from einmal.domain.promise import MessageKind
from einmal.domain.reply import Outcome
from einmal.ports import Clock, Message, StoredReply
from einmal.speech.sentences import Voice

SEND_SECONDS: Final = 10.0
_TYPES: Final = {
    Outcome.BOOKED: "booking.confirmed",
    Outcome.ALREADY_BOOKED: "booking.confirmed",
    Outcome.REQUESTED: "booking.requested",
    Outcome.CANCELLED: "booking.cancelled",
}


def sign(key: bytes, message_id: str, timestamp: int, body: bytes) -> str:
    """The value of `webhook-signature`."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


class WebhookCourier:
    """One POST a try; any 2xx is arrival. No redirects, no cookies, no proxies from the environment."""

    def __init__(self, url: str, key: bytes, voice_of: Callable[[str], Voice], clock: Clock) -> None:
        """`voice_of` a tenant id: how that tenant's callers are spoken to."""
        self._url = url
        self._key = key
        self._voice_of = voice_of
        self._clock = clock
        self._session: aiohttp.ClientSession | None = None

    async def send(self, message: Message) -> str | None:
        now = self._clock.now()
        body = self.body(message, now)
        timestamp = int(now.timestamp())
        headers = {
            "content-type": "application/json",
            "user-agent": "einmal",
            "webhook-id": message.message_id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": sign(self._key, message.message_id, timestamp, body),
        }
        try:
            async with self._client().post(self._url, data=body, headers=headers, allow_redirects=False) as answer:
                return None if 200 <= answer.status < 300 else f"http_{answer.status}"
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return type(error).__name__

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    def body(self, message: Message, now: datetime) -> bytes:
        event, data = self._event(message, now)
        content = {"type": event, "timestamp": message.created_at.isoformat(), "data": data}
        return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()

    def _event(self, message: Message, now: datetime) -> tuple[str, dict[str, Any]]:
        match message.about:
            case StoredReply():
                return self._booking(message.about, message.kind, now)
            case Callback():
                return "callback.requested", self._callback(message.about)

    def _booking(self, stored: StoredReply, kind: MessageKind, now: datetime) -> tuple[str, dict[str, Any]]:
        """What has happened, and its details."""
        intent, told, booking = stored.intent, stored.told(now), stored.booking
        wish = intent.wish
        voice = self._voice_of(wish.tenant_id)
        data: dict[str, Any] = {
            "intent_id": intent.intent_id,
            "tenant": wish.tenant_id,
            "call_id": wish.conversation_id,
            "service": wish.service.name,
            "asked_start": wish.start.astimezone(voice.zone).isoformat(),
            "customer": {"name": wish.person.name, "phone": wish.person.phone, "email": wish.person.email},
            "booking": None,
            # What the caller may be told, word for word. The rest is for the house.
            "message": voice.sentence(told, now) if kind in _FOR_THE_CALLER else None,
        }
        if booking is not None:
            start, end = (at.astimezone(voice.zone).isoformat() for at in (booking.start, booking.end))
            data["booking"] = {"ref": booking.ref, "start": start, "end": end, "staff": booking.staff}
        return _type(kind, told.outcome), data

    def _callback(self, callback: Callback) -> dict[str, Any]:
        """Whom to call, about what, and when they want it. `done_at` tells that somebody already has."""
        zone = self._voice_of(callback.tenant_id).zone
        done_at = callback.done_at
        return {
            "callback_id": callback.callback_id,
            "tenant": callback.tenant_id,
            "call_id": callback.conversation_id,
            "customer": {"name": callback.name, "phone": callback.phone},
            "note": callback.note,
            "wanted": callback.wanted,
            "created_at": callback.created_at.astimezone(zone).isoformat(),
            "done_at": None if done_at is None else done_at.astimezone(zone).isoformat(),
        }

    def _client(self) -> aiohttp.ClientSession:
        # Made on first use: aiohttp wants the running loop.
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(socket_factory=sockets_within(OPERATORS)),
                timeout=aiohttp.ClientTimeout(total=SEND_SECONDS),
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=False,
            )
        return self._session


_FOR_THE_CALLER: Final = frozenset({MessageKind.RESOLVED, MessageKind.CONFIRMED})


def _type(kind: MessageKind, outcome: Outcome) -> str:
    match kind:
        case MessageKind.NEEDS_PERSON:
            return "booking.needs_person"
        case MessageKind.TAKEN_BACK:
            return "booking.taken_back"
        case _:
            return _TYPES.get(outcome, "booking.not_booked")
