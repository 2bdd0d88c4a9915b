"""Cal.com's webhook subscriptions: those of an account and those of an event type, read, made and mended.

Shapes as recorded. One account has one subscription for one address; a second is refused with 409, so a request whose
answer was lost can be found again by reading. A list tells each secret in clear: it never leaves this module but as
a `Secret`, and what Cal.com answers is never quoted where a secret stands in it.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from einmal.adapters.calcom.calendar import Account
from einmal.adapters.calcom.services import EVENT_TYPES_VERSION
from einmal.adapters.calcom.transport import MaybeSent, NeverSent, Transport, WireAnswer, WireRequest
from einmal.adapters.calcom.wire import Unreadable, json_object
from einmal.ports import Clock
from einmal.secret import Secret

WEBHOOKS_VERSION: Final = "2024-08-13"
TRIGGERS: Final = (
    "BOOKING_CREATED",
    "BOOKING_REQUESTED",
    "BOOKING_RESCHEDULED",
    "BOOKING_CANCELLED",
    "BOOKING_REJECTED",
    "BOOKING_PAID",
)
"""What may change a booking. Others may be subscribed to beside them; they are acknowledged and no more."""

ANSWER_SECONDS: Final = 15.0
_PAGE: Final = 250
_PAGES_MAX: Final = 20
_TOLD_MAX: Final = 200
_PROPERTY: Final = re.compile(r"[A-Za-z]{1,40}", re.ASCII)


class CouldNotAsk(Exception):
    """Cal.com was not reached, or would not. `args[0]` says why in words for the operator."""


class AnswerLost(CouldNotAsk):
    """And it may have been done all the same."""


class Flaw(StrEnum):
    """What is wrong with a subscription."""

    INACTIVE = "inactive"
    TRIGGERS = "triggers"
    UNSIGNED = "unsigned"
    SIGNED_OTHERWISE = "signed_otherwise"
    TEMPLATE = "template"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What should stand."""

    url: str
    secret: Secret


@dataclass(frozen=True, slots=True)
class Standing:
    """What does. `shows_secret`: whether Cal.com told whether there is one."""

    id: str
    url: str
    triggers: tuple[str, ...]
    active: bool
    secret: Secret | None
    shows_secret: bool
    has_template: bool

    @property
    def lacking(self) -> tuple[str, ...]:
        return tuple(name for name in TRIGGERS if name not in self.triggers)

    def flaws(self, wanted: Wanted) -> tuple[Flaw, ...]:
        """All that keeps it from telling us what it should. A secret that is not shown is no flaw."""
        found = {
            Flaw.INACTIVE: not self.active,
            Flaw.TRIGGERS: bool(self.lacking),
            Flaw.UNSIGNED: self.shows_secret and self.secret is None,
            Flaw.SIGNED_OTHERWISE: self.secret is not None and self.secret != wanted.secret,
            # It takes the place of the body, and the booking's uid may not be in it.
            Flaw.TEMPLATE: self.has_template,
        }
        return tuple(flaw for flaw, is_so in found.items() if is_so)


@dataclass(frozen=True, slots=True)
class EventType:
    """`of_team`: it says that a team owns it, whose webhooks are not the account's."""

    id: int
    title: str
    of_team: bool


class Refused(StrEnum):
    """Why the subscriptions of an event type are not shown."""

    NOT_THE_OWNER = "not_the_owner"
    UNKNOWN_EVENT_TYPE = "unknown_event_type"


class Subscriptions:
    """Those that one API key may see. `close` it."""

    def __init__(self, transport: Transport, account: Account, clock: Clock) -> None:
        self._transport = transport
        self._account = account
        self._clock = clock

    async def event_types(self) -> tuple[EventType, ...]:
        """Those that Cal.com lists for the account. Raises CouldNotAsk."""
        answer = await self._asked("GET", "/v2/event-types", version=EVENT_TYPES_VERSION)
        if answer.status == 404:  # what it says where there are none
            return ()
        rows = _list(_data(answer))
        return tuple(read for row in rows if (read := _event_type(row)) is not None)

    async def of_account(self) -> tuple[Standing, ...]:
        """Raises CouldNotAsk."""
        found = await self._listed("/v2/webhooks")
        if isinstance(found, Refused):
            raise CouldNotAsk("Cal.com does not let this API key see webhooks")
        return found

    async def of_event_type(self, event_type_id: int) -> "tuple[Standing, ...] | Refused":
        """Raises CouldNotAsk."""
        return await self._listed(f"/v2/event-types/{event_type_id}/webhooks")

    async def make(self, wanted: Wanted, event_type_id: int | None = None) -> None:
        """One POST, of which no answer proves anything: read again. Raises CouldNotAsk, or AnswerLost."""
        answer = await self._asked("POST", _path(event_type_id), _body(wanted, TRIGGERS))
        if answer.status != 409:  # then it stands already
            _done(answer, wanted.secret)

    async def mend(self, standing: Standing, wanted: Wanted, event_type_id: int | None = None) -> None:
        """What else it is subscribed to stays. Raises CouldNotAsk, or AnswerLost."""
        body = _body(wanted, (*standing.triggers, *standing.lacking)) | {"payloadTemplate": None}
        answer = await self._asked("PATCH", f"{_path(event_type_id)}/{standing.id}", body)
        _done(answer, wanted.secret)

    async def close(self) -> None:
        await self._transport.close()

    async def _listed(self, path: str) -> "tuple[Standing, ...] | Refused":
        found: list[Standing] = []
        for page in range(_PAGES_MAX):
            answer = await self._asked("GET", f"{path}?take={_PAGE}&skip={page * _PAGE}")
            if answer.status == 403:
                return Refused.NOT_THE_OWNER
            if answer.status == 404:
                return Refused.UNKNOWN_EVENT_TYPE
            rows = _list(_data(answer))
            found += [read for row in rows if (read := _standing(row)) is not None]
            if len(rows) < _PAGE:
                return tuple(found)
        raise CouldNotAsk(f"Cal.com lists more than {_PAGE * _PAGES_MAX} webhooks")

    async def _asked(
        self, method: str, target: str, body: Mapping[str, object] | None = None, version: str = WEBHOOKS_VERSION
    ) -> WireAnswer:
        headers = {"cal-api-version": version, "Accept": "application/json"}
        if self._account.api_key is not None:
            headers["Authorization"] = f"Bearer {self._account.api_key}"
        sent = b""
        if body is not None:
            headers["Content-Type"] = "application/json"
            sent = json.dumps(body).encode()
        deadline = self._clock.monotonic() + ANSWER_SECONDS
        try:
            answer = await self._transport.send(WireRequest(method, target, headers, sent, deadline, deadline))
        except NeverSent as failure:
            raise CouldNotAsk(f"Cal.com cannot be reached ({failure.args[0]})") from failure
        except MaybeSent as failure:
            raise AnswerLost(f"Cal.com's answer was lost ({failure.args[0]})") from failure
        if answer.status == 401:
            raise CouldNotAsk(
                "Cal.com refuses the API key; check EINMAL_CALCOM_API_KEY, or the tenant's calcom_api_key"
            )
        if answer.status == 429:
            raise CouldNotAsk("Cal.com allows this API key no more requests just now; try again in a minute")
        if answer.status >= 500:
            raise AnswerLost(f"Cal.com answered {answer.status}")
        return answer


def _path(event_type_id: int | None) -> str:
    return "/v2/webhooks" if event_type_id is None else f"/v2/event-types/{event_type_id}/webhooks"


def _body(wanted: Wanted, triggers: tuple[str, ...]) -> dict[str, object]:
    return {
        "active": True,
        "subscriberUrl": wanted.url,
        "triggers": list(triggers),
        "secret": wanted.secret.reveal(),
    }


def _done(answer: WireAnswer, secret: Secret) -> None:
    if answer.status not in {200, 201}:
        raise CouldNotAsk(f"Cal.com will not have it ({answer.status}{_why(answer, secret)})")


def _why(answer: WireAnswer, secret: Secret) -> str:
    """Cal.com's own words, where there are some; and which fields it means. What was sent stands in them too."""
    try:
        error = json_object(answer.body).get("error")
    except Unreadable:
        return ""
    error = error if isinstance(error, dict) else {}
    message, details = error.get("message"), error.get("details")
    errors = _list(details.get("errors")) if isinstance(details, dict) else []
    named = [one.get("property") for one in errors if isinstance(one, dict)]
    fields = [name for name in named if isinstance(name, str) and _PROPERTY.fullmatch(name)]
    told = message if isinstance(message, str) and message.isprintable() and secret.reveal() not in message else ""
    words = [told[:_TOLD_MAX], *fields]
    return "".join(f"; {word}" for word in words if word)


def _data(answer: WireAnswer) -> object:
    if answer.status != 200:
        raise CouldNotAsk(f"Cal.com answered {answer.status}")
    try:
        return json_object(answer.body).get("data")
    except Unreadable:
        raise CouldNotAsk("Cal.com's answer cannot be read; does EINMAL_CALCOM_BASE_URL lead to its API?") from None


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _event_type(row: object) -> EventType | None:
    if not isinstance(row, dict):
        return None
    number, title = row.get("id"), row.get("title")
    if not isinstance(number, int) or isinstance(number, bool):
        return None
    of_team = isinstance(row.get("teamId"), int) or isinstance(row.get("schedulingType"), str)
    return EventType(number, title if isinstance(title, str) and title.isprintable() else "", of_team)


def _standing(row: object) -> Standing | None:
    if not isinstance(row, dict):
        return None
    webhook_id, url, secret = row.get("id"), row.get("subscriberUrl"), row.get("secret")
    if not isinstance(webhook_id, str) or re.fullmatch(r"[\w-]{1,100}", webhook_id) is None or not isinstance(url, str):
        return None
    return Standing(
        id=webhook_id,
        url=url,
        triggers=tuple(one for one in _list(row.get("triggers")) if isinstance(one, str)),
        active=row.get("active") is True,
        secret=Secret(secret) if isinstance(secret, str) and secret else None,
        shows_secret="secret" in row,
        has_template=bool(row.get("payloadTemplate")),
    )
