"""Retell's webhooks: `{event, call}` at each turn of a call, and `{event, call_inbound}` while it still rings.

Doubled, late and out of order, so each tells only what it knows for itself: who tells of the analysis tells of the end
as well. Instants are the platform's own where it names them; then their order does not matter.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

from einmal.adapters.functions.call import FunctionCall, contact_of
from einmal.adapters.retell.envelope import call_of
from einmal.adapters.strict_json import BadEnvelope, json_object
from einmal.ports import CallNews


class Event(StrEnum):
    STARTED = "call_started"
    ENDED = "call_ended"
    ANALYZED = "call_analyzed"
    INBOUND = "call_inbound"


@dataclass(frozen=True, slots=True)
class Webhook:
    """`call` says which call, and whose, as in a function call. `news` is None where the call has no id yet."""

    event: Event
    call: FunctionCall
    news: CallNews | None


def read_webhook(body: bytes, now: datetime) -> Webhook | None:
    """The event in `body`; None for one that is not known here. Raises BadEnvelope."""
    data = json_object(body)
    named = data.get("event")
    if not isinstance(named, str):
        raise BadEnvelope("event must be the name of an event")
    if named not in set(Event):
        return None
    event = Event(named)
    told = data.get("call_inbound" if event is Event.INBOUND else "call")
    if not isinstance(told, dict):
        raise BadEnvelope("call, or call_inbound, must be a JSON object")
    if event is Event.INBOUND:
        told = told | {"direction": "inbound"}
    call = call_of(told, None, {})
    contact = contact_of(call)
    if event is Event.INBOUND:
        return Webhook(event, call, None if contact is None else CallNews(contact, call.direction))
    if contact is None:
        raise BadEnvelope("call.call_id must be the call's id")
    return Webhook(event, call, _news(event, told, CallNews(contact, call.direction), now))


def _news(event: Event, told: Mapping[str, Any], contact: CallNews, now: datetime) -> CallNews:
    started_at = _instant(told.get("start_timestamp"))
    if event is Event.STARTED:
        return replace(contact, started_at=started_at or now)
    return replace(
        contact,
        started_at=started_at,
        ended_at=_instant(told.get("end_timestamp")) or now,
        disconnection_reason=_reason(told.get("disconnection_reason")),
        analyzed_at=now if event is Event.ANALYZED else None,
    )


_BEYOND_MS: Final = 4_102_444_800_000
"""The year 2100, in milliseconds: no call is there."""


def _instant(value: object) -> datetime | None:
    """Unix milliseconds. What cannot be that was not told."""
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < _BEYOND_MS:
        return None
    return datetime.fromtimestamp(value / 1000, UTC)


REASON_MAX: Final = 64

_REASON = re.compile(r"[a-z]+(?:_[a-z]+)*")


def _reason(value: object) -> str | None:
    """One of the platform's words. New ones come by themselves; a number or a name looks like none of them."""
    if not isinstance(value, str) or len(value) > REASON_MAX or _REASON.fullmatch(value) is None:
        return None
    return value
