"""Webhooks: who wants to hear of which changes, and what is on its way to them. Pure: nothing is sent from here.

Each change of a booking becomes one `Delivery` for each subscription that wants it, in order, and waits until whoever
has the wire takes it (`take`). Without a subscription nothing is built and nothing waits.

As recorded: a subscription of a user does not fire for a team's event types, one of the event type itself does; two
with the same URL both fire, and their envelopes differ by a millisecond; the signature is over the raw body.
"""

import hashlib
import hmac
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from einmal.simulator.records import EventType, Scheduling
from einmal.simulator.rendering import utc_text
from einmal.simulator.webhook_changes import Change, Trigger, trigger_of
from einmal.simulator.webhook_payloads import payload_of

__all__ = ["TRIGGERS", "Delivery", "Subscription", "Trigger", "Webhooks", "is_teams"]

TRIGGERS: Final = tuple(trigger.value for trigger in Trigger)
"""The names that Cal.com knows, in its order. Bookings fire five of them here."""

_MILLISECOND: Final = timedelta(milliseconds=1)
_PLACE: Final = re.compile(r"\{\{\s*([\w.]+)\s*\}\}")


@dataclass(frozen=True, slots=True)
class Subscription:
    """One that wants to hear.

    It is an event type's (`event_type_id`), or an account's (`account`; None: of the one that owns everything), or,
    `everywhere`, as if a person had made it in the settings of user and team alike.
    """

    id: str
    url: str
    triggers: tuple[str, ...]
    secret: str | None = None
    active: bool = True
    template: str | None = None
    account: str | None = None
    event_type_id: int | None = None
    everywhere: bool = False

    def wants(self, trigger: Trigger, event_type: EventType) -> bool:
        if not self.active or trigger.value not in self.triggers:
            return False
        if self.event_type_id is not None:
            return self.event_type_id == event_type.id
        if self.everywhere:
            return True
        return not is_teams(event_type) and (self.account is None or event_type.is_owned_by(self.account))


@dataclass(frozen=True, slots=True)
class Delivery:
    """One POST that Cal.com makes, once. `trigger` and `uid` say what it is about; they are not on the wire.

    `delay_seconds`: how much later than the change a fault lets it arrive.
    """

    url: str
    headers: Mapping[str, str]
    body: bytes
    trigger: Trigger
    uid: str
    delay_seconds: float = 0.0


@dataclass(slots=True)
class Webhooks:
    """The subscriptions of one Cal.com, and what waits to be sent."""

    subscriptions: dict[str, Subscription] = field(default_factory=dict)
    """By id, oldest first."""
    _made: int = 0
    _waiting: list[Delivery] = field(default_factory=list)

    def subscribe(
        self,
        url: str,
        secret: str | None,
        triggers: Iterable[str] = TRIGGERS,
        *,
        account: str | None = None,
        event_type_id: int | None = None,
        everywhere: bool = False,
    ) -> Subscription:
        """A new one. Ids are numbered instead of drawn, so that one simulated run is like the next."""
        self._made += 1
        made = Subscription(
            str(UUID(int=self._made, version=4)),
            url,
            tuple(triggers),
            secret,
            account=account,
            event_type_id=event_type_id,
            everywhere=everywhere,
        )
        self.subscriptions[made.id] = made
        return made

    def tell(self, change: Change) -> None:
        """Something has happened: a delivery for each that wants to hear of it."""
        trigger = trigger_of(change)
        wanting = [one for one in self.subscriptions.values() if one.wants(trigger, change.booking.event_type)]
        if not wanting:
            return
        payload = payload_of(change)
        for number, one in enumerate(wanting):
            told = _envelope(trigger, change.at + number * _MILLISECOND, payload)
            body, content_type = _bodied(one.template, told)
            headers = {"Content-Type": content_type, "X-Cal-Signature-256": _signature(one.secret, body)}
            delivery = Delivery(one.url, headers, body, trigger, change.booking.uid)
            self._waiting.append(delivery)

    def take(self) -> tuple[Delivery, ...]:
        """What waits, in the order in which it happened. It is the taker's now."""
        if not self._waiting:
            return ()
        taken, self._waiting = tuple(self._waiting), []
        return taken


def is_teams(event_type: EventType) -> bool:
    """Whether a team owns it, and no single user: even a team of one."""
    return event_type.scheduling is not Scheduling.INDIVIDUAL


def _signature(secret: str | None, body: bytes) -> str:
    if not secret:
        return "no-secret-provided"
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def _envelope(trigger: Trigger, at: datetime, payload: Mapping[str, object]) -> dict[str, object]:
    """`createdAt` is when the webhook was made, and not its booking."""
    return {"triggerEvent": trigger.value, "createdAt": utc_text(at), "payload": payload}


def _bodied(template: str | None, told: Mapping[str, object]) -> tuple[bytes, str]:
    """The body and its content type. A template takes the whole body's place, envelope and all."""
    if template is None:
        return _encoded(told), "application/json"
    known = {name: told[name] for name in told if name != "payload"} | dict(_mapping(told["payload"]))
    text = _PLACE.sub(lambda place: _shown(known, place[1]), template)
    try:
        return _encoded(json.loads(text)), "application/json"
    except ValueError:
        return text.encode("utf-8", "replace"), "application/x-www-form-urlencoded"


def _shown(known: Mapping[str, object], path: str) -> str:
    """What a template's place stands for; nothing where there is nothing."""
    value: object = known
    for name in path.split("."):
        if isinstance(value, list) and name.isdecimal():
            value = value[int(name)] if int(name) < len(value) else None
        else:
            value = _mapping(value).get(name)
    if value is None:
        return ""
    # Inside the quotes of a JSON template, so escaped as there.
    return json.dumps(value, ensure_ascii=False)[1:-1] if isinstance(value, str) else json.dumps(value)


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}


def _encoded(told: object) -> bytes:
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
