"""Cal.com API v2 as bytes in and bytes out: routes, keys, versions, headers.

`SimulatedCalcom.handle` is one plain function from a request to an answer, so it can stand behind a socket,
an in-process transport or a test alike. Nothing is awaited in it: a request happens as a whole. Where Cal.com's
own server was recorded, status, message and shape are the recorded ones; where this simulator cannot follow
(old API versions, recurring and instant bookings, teams) it says so instead of making something up.
"""

import base64
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import partial
from urllib.parse import parse_qsl, unquote
from uuid import UUID

from einmal.simulator.booking_calls import BookingCalls, named_by_slug
from einmal.simulator.calendar import SimulatedCalendar
from einmal.simulator.call import Call, JsonProblem, read_json
from einmal.simulator.change_calls import ChangeCalls
from einmal.simulator.old_version import OldVersionCalls, not_known
from einmal.simulator.querying import read_slots_query
from einmal.simulator.rendering import Answer, event_type_data, refused, refused_with, seats_data, slots_data, success
from einmal.simulator.reservation_calls import ReservationCalls
from einmal.simulator.throttle import Throttle
from einmal.simulator.validation import Malformed
from einmal.simulator.webhook_calls import WebhookCalls
from einmal.simulator.webhooks import TRIGGERS, Delivery, Subscription

# The hosted service documents the newer version for the same calls with the same bodies; the recorded server
# was built before it existed.
_BOOKING_VERSIONS = frozenset({"2024-08-13", "2026-02-25"})
_SLOTS_VERSION = "2024-09-04"

_GUARD = "CustomThrottlerGuard"

# The recorded server's setting. A hosted Cal.com lets 120 through; pass that to see the 429s.
_REQUESTS_PER_MINUTE_DEFAULT = 100_000


@dataclass(frozen=True)
class WireAnswer:
    """What goes back over the wire."""

    status: int
    headers: dict[str, str]
    body: bytes


class SimulatedCalcom:
    """One Cal.com: a calendar behind its HTTP surface."""

    def __init__(
        self,
        calendar: SimulatedCalendar,
        *,
        api_keys: frozenset[str] | Mapping[str, str | None] | None,
        now: Callable[[], datetime],
        requests_per_minute: int = _REQUESTS_PER_MINUTE_DEFAULT,
    ) -> None:
        """`api_keys` are the keys that work, all of one account that owns everything, or by key the username
        of its account (None: owns everything). None for all lets every key work."""
        self._calendar = calendar
        self._api_keys = api_keys
        self._now = now
        self._throttle = Throttle(requests_per_minute)
        self._bookings = BookingCalls(calendar)
        self._old = OldVersionCalls(calendar)
        self._reservations = ReservationCalls(calendar)
        self._webhooks = WebhookCalls(calendar)
        changes = ChangeCalls(calendar)
        self._changes = {
            "cancel": changes.cancel,
            "reschedule": changes.reschedule,
            "confirm": changes.confirm,
            "decline": changes.decline,
            "mark-absent": changes.mark_absent,
        }
        self._requests = 0

    @property
    def calendar(self) -> SimulatedCalendar:
        """The calendar behind it."""
        return self._calendar

    def now(self) -> datetime:
        """The moment that it takes for now."""
        return self._now()

    def subscribe(
        self, url: str, secret: str | None, triggers: Iterable[str] = TRIGGERS, event_type_id: int | None = None
    ) -> Subscription:
        """Webhooks of everything, or of one event type, as if a person had made it in Cal.com's pages."""
        everywhere = event_type_id is None
        return self._calendar.webhooks.subscribe(
            url, secret, triggers, event_type_id=event_type_id, everywhere=everywhere
        )

    def take_deliveries(self) -> tuple[Delivery, ...]:
        """The webhooks that wait to be sent, oldest first; whoever has the wire takes them, and each once."""
        return self._calendar.webhooks.take()

    def reset(self) -> None:
        """As if just started: no bookings, nobody counted, nobody who wants to hear of them."""
        self._calendar.clear()
        self._throttle.clear()

    def throttled(self, target: str, reset_seconds: int) -> WireAnswer:
        """The answer to one request too many."""
        now, allowance = self._now(), self._throttle.refusal(reset_seconds)
        self._requests += 1
        return self._sent(_too_many(target, now), allowance.headers, now)

    def handle(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> WireAnswer:
        """Answer one request; header names come in lower case.

        The order is the recorded one: what is no JSON is refused before the request gets its number, what has
        no route before its key is looked at, and neither of them counts towards the rate limit.
        """
        now = self._now()
        self._requests += 1
        read = read_json(headers, body)
        if isinstance(read, JsonProblem):
            return self._sent(refused(400, read.message, target, now), {}, now, request_id="unknown-request-id")
        path, _, query = target.partition("?")
        key = _bearer(headers)
        call = Call(
            method=method,
            target=target,
            query=dict(parse_qsl(query)),
            version=headers.get("cal-api-version"),
            body=read,
            has_key=key is not None,
            now=now,
            account=self._api_keys.get(key or "") if isinstance(self._api_keys, Mapping) else None,
        )
        route = self._route(call, [unquote(segment) for segment in path.strip("/").split("/")])
        if route is None:
            return self._sent(refused(404, f"Cannot {method} {target}", target, now), {}, now)
        if key is not None and self._api_keys is not None and key not in self._api_keys:
            return self._sent(refused(401, f"{_GUARD} - Invalid API Key", target, now), {}, now)
        allowance = self._throttle.admit(key or "", now)
        if not allowance.admitted:
            return self._sent(_too_many(target, now), allowance.headers, now)
        return self._sent(route(), allowance.headers, now)

    def _route(self, call: Call, segments: list[str]) -> Callable[[], Answer] | None:
        match call.method, *segments:
            case _, "v2", "bookings", *rest if call.version in _BOOKING_VERSIONS:
                return self._booking_route(call, rest)
            case _, "v2", "bookings", *rest if call.version != _SLOTS_VERSION:
                return self._old_booking_route(call, rest)
            case _, "v2", "slots", *rest if call.version == _SLOTS_VERSION:
                return self._slots_route(call, rest)
            case _, "v2", "event-types", *rest:
                return self._event_type_route(call, rest)
            case _, "v2", "webhooks", *rest:
                return self._webhooks.route(call, rest)
            case _:
                return None

    def _booking_route(self, call: Call, rest: list[str]) -> Callable[[], Answer] | None:
        match call.method, *rest:
            case ["POST"]:
                return partial(self._bookings.create, call)
            case ["GET"]:
                return partial(self._bookings.list, call)
            case ["GET", uid]:
                return partial(self._bookings.read, call, uid)
            case ["POST", uid, change] if change in self._changes:
                return partial(self._changes[change], call, uid)
            case _:
                return None

    def _old_booking_route(self, call: Call, rest: list[str]) -> Callable[[], Answer]:
        """Cal.com falls back to its version of 2024-04-15 without a word: other bodies, other answers."""
        if call.method == "POST" and not rest:
            return partial(self._old.create, call)
        return partial(not_known, call)

    def _slots_route(self, call: Call, rest: list[str]) -> Callable[[], Answer] | None:
        match call.method, *rest:
            case ["GET"]:
                return partial(self._slots, call)
            case ["POST", "reservations"]:
                return partial(self._reservations.reserve, call)
            case ["PATCH", "reservations", uid]:
                return partial(self._reservations.move, call, uid)
            case ["GET", "reservations", uid]:
                return partial(self._reservations.read, uid)
            case ["DELETE", "reservations", uid]:
                return partial(self._reservations.release, uid)
            case _:
                return None

    def _event_type_route(self, call: Call, rest: list[str]) -> Callable[[], Answer] | None:
        match call.method, *rest:
            case ["GET"]:
                return self._event_types
            case ["GET", event_type_id]:
                return partial(self._event_type, call, event_type_id)
            case [_, event_type_id, "webhooks", *webhook]:
                return self._webhooks.route(call, webhook, event_type_id)
            case _:
                return None

    def _event_types(self) -> Answer:
        return success(200, [event_type_data(each) for each in self._calendar.event_types])

    def _event_type(self, call: Call, event_type_id: str) -> Answer:
        found = [each for each in self._calendar.event_types if str(each.id) == event_type_id]
        if not found or not call.owns(found[0]):
            return refused(404, f"Event type with id {event_type_id} not found", call.target, call.now)
        return success(200, event_type_data(found[0]))

    def _slots(self, call: Call) -> Answer:
        wanted = read_slots_query(call.query)
        if isinstance(wanted, Malformed):
            return refused(400, wanted.message, call.target, call.now)
        if wanted.event_type_id is not None:
            event_type = self._calendar.event_type(wanted.event_type_id)
        else:
            event_type = named_by_slug(self._calendar, wanted.event_type_slug, wanted.username)
        if event_type is None:
            return refused(404, "Event Type not found", call.target, call.now)
        slots = self._calendar.slots(event_type, wanted.start, wanted.end, wanted.duration_minutes)
        length = timedelta(minutes=wanted.duration_minutes or event_type.length_minutes)

        def seats(slot: datetime) -> Mapping[str, object]:
            return seats_data(event_type.seats, self._calendar.shared_booking(event_type, slot))

        return slots_data(slots, length, wanted.time_zone, as_range=wanted.as_range, seats=seats)

    def _sent(
        self, answer: Answer, limits: Mapping[str, str], now: datetime, request_id: str | None = None
    ) -> WireAnswer:
        body = _encoded(answer.payload)
        headers = {
            "Access-Control-Allow-Origin": "*",
            **limits,
            # Numbered instead of drawn, so that one simulated run is like the next.
            "X-Request-Id": request_id or str(UUID(int=self._requests, version=4)),
            "Content-Type": "application/json; charset=utf-8",
            **_body_headers(body),
            "Date": format_datetime(now.astimezone(UTC), usegmt=True),
        }
        return WireAnswer(answer.status, headers, body)


def with_payload(answer: WireAnswer, payload: object, status: int | None = None) -> WireAnswer:
    """The same answer with another body, and the headers that follow from it."""
    body = _encoded(payload)
    return WireAnswer(status or answer.status, answer.headers | _body_headers(body), body)


def _encoded(payload: object) -> bytes:
    return json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def _body_headers(body: bytes) -> dict[str, str]:
    digest = base64.b64encode(hashlib.sha1(body, usedforsecurity=False).digest()).decode()
    return {"Content-Length": str(len(body)), "ETag": f'W/"{len(body):x}-{digest[:27]}"'}


def _too_many(target: str, now: datetime) -> Answer:
    message = f"{_GUARD} - Too many requests. Please try again later."
    return refused_with(429, {"code": "ThrottlerException", "message": message, "details": message}, target, now)


def _bearer(headers: Mapping[str, str]) -> str | None:
    """The key, good or not; without the word "Bearer" Cal.com takes the header as it stands."""
    return headers.get("authorization", "").removeprefix("Bearer ").strip() or None
