"""The calls that subscribe to webhooks: those of a user, and those of one event type.

Recorded: what a subscription looks like (its secret in clear, in the list too), 409 for the same URL, 400 for a trigger
that there is not, 403 for a team's event type, even to a host of it: its owner is the team, and a team has no key.
Read in Cal.com's source and not recorded: reading, changing and deleting one.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Final

from einmal.simulator.calendar import SimulatedCalendar
from einmal.simulator.call import Call
from einmal.simulator.rendering import Answer, refused, success
from einmal.simulator.webhooks import TRIGGERS, Subscription, is_teams

_NO_KEY: Final = "ApiAuthStrategy - no authentication provided. Provide either an api key, an access token or OAuth."
_ENUM: Final = f"each value in triggers must be one of the following values: {', '.join(TRIGGERS)}"
_TEXTS: Final = ("payloadTemplate", "subscriberUrl", "secret")
_MAY_BE_NULL: Final = frozenset({"payloadTemplate", "secret"})
_LISTED_MAX: Final = 250

_FIELDS: Final = ("active", "subscriberUrl", "triggers", "secret", "payloadTemplate")


class WebhookCalls:
    """The routes under /v2/webhooks and /v2/event-types/{id}/webhooks."""

    def __init__(self, calendar: SimulatedCalendar) -> None:
        """Those who subscribe hear of this calendar."""
        self._calendar = calendar

    def route(self, call: Call, rest: list[str], event_type_id: str | None = None) -> Callable[[], Answer] | None:
        """The call that this is, of the user or, with an id, of an event type."""
        match call.method, *rest:
            case [("GET" | "POST") as method]:
                act: Callable[[Call, int | None], Answer] = self._list if method == "GET" else self._create
                return partial(self._of_whom, call, event_type_id, partial(act, call))
            case [("GET" | "PATCH" | "DELETE"), webhook_id]:
                return partial(self._of_whom, call, event_type_id, partial(self._one, call, webhook_id))
            case _:
                return None

    def _of_whom(self, call: Call, event_type_id: str | None, act: Callable[[int | None], Answer]) -> Answer:
        """The guards before each of them."""
        if not call.has_key:
            return refused(401, _NO_KEY, call.target, call.now)
        if event_type_id is None:
            return act(None)
        if not (event_type_id.isascii() and event_type_id.isdecimal() and len(event_type_id) < 10):
            return refused(400, "Validation failed (numeric string is expected)", call.target, call.now)
        event_type = self._calendar.event_type(int(event_type_id))
        if event_type is None:
            message = f"IsUserEventTypeWebhookGuard - Event type ({event_type_id}) not found"
            return refused(404, message, call.target, call.now)
        if is_teams(event_type) or not call.owns(event_type):
            message = (
                f"IsUserEventTypeWebhookGuard - User ({self._user_id(call.account)}) is not the owner of event type "
                f"({event_type_id})"
            )
            return refused(403, message, call.target, call.now)
        return act(event_type.id)

    def _create(self, call: Call, event_type_id: int | None) -> Answer:
        complaint = _complaint(call, required=("active", "subscriberUrl", "triggers"))
        if complaint is not None:
            return complaint
        url = str(call.body["subscriberUrl"])
        if any(one.url == url for one in self._those_of(call, event_type_id)):
            whose = "user" if event_type_id is None else "event type"
            message = f"Webhook with this subscriber url already exists for this {whose}"
            return refused(409, message, call.target, call.now)
        account = call.account if event_type_id is None else None
        made = self._calendar.webhooks.subscribe(url, None, account=account, event_type_id=event_type_id)
        whole = _changed(made, call.body)
        self._calendar.webhooks.subscriptions[made.id] = whole
        return success(201, self._data(whole))

    def _list(self, call: Call, event_type_id: int | None) -> Answer:
        skip, take = _whole(call.query.get("skip"), 0), _whole(call.query.get("take"), _LISTED_MAX)
        if skip is None or take is None or not 1 <= take <= _LISTED_MAX:
            return refused(400, "Bad Request Exception", call.target, call.now)
        return success(200, [self._data(one) for one in self._those_of(call, event_type_id)[skip : skip + take]])

    def _one(self, call: Call, webhook_id: str, event_type_id: int | None) -> Answer:
        found = self._calendar.webhooks.subscriptions.get(webhook_id)
        if found is None or found.everywhere:
            return refused(404, f"Webhook ({webhook_id}) not found", call.target, call.now)
        if found not in self._those_of(call, event_type_id):
            return refused(403, self._not_yours(call, webhook_id, event_type_id), call.target, call.now)
        if call.method == "DELETE":
            del self._calendar.webhooks.subscriptions[webhook_id]
            return success(200, self._data(found))
        if call.method == "GET":
            return success(200, self._data(found))
        complaint = _complaint(call)
        if complaint is not None:
            return complaint
        changed = _changed(found, call.body)
        self._calendar.webhooks.subscriptions[webhook_id] = changed
        return success(200, self._data(changed))

    def _those_of(self, call: Call, event_type_id: int | None) -> list[Subscription]:
        """The caller's own, or those of the event type."""
        every = [one for one in self._calendar.webhooks.subscriptions.values() if not one.everywhere]
        if event_type_id is not None:
            return [one for one in every if one.event_type_id == event_type_id]
        return [one for one in every if one.event_type_id is None and one.account == call.account]

    def _data(self, one: Subscription) -> dict[str, object]:
        whose = {"userId": self._user_id(one.account)} if one.event_type_id is None else {}
        event_type = {} if one.event_type_id is None else {"eventTypeId": one.event_type_id}
        return {
            "id": one.id,
            "payloadTemplate": one.template,
            "triggers": list(one.triggers),
            "subscriberUrl": one.url,
            "active": one.active,
            "secret": one.secret,
            **whose,
            **event_type,
        }

    def _not_yours(self, call: Call, webhook_id: str, event_type_id: int | None) -> str:
        if event_type_id is not None:
            whose = f"Webhook ({webhook_id}) is not associated with event type ({event_type_id})"
            return f"IsUserEventTypeWebhookGuard - {whose}"
        user = self._user_id(call.account)
        return f"IsUserWebhookGuard - user with id=({user}) is not the owner of webhook with id=({webhook_id})"

    def _user_id(self, account: str | None) -> int:
        """The account's; the key that owns everything is the first host's."""
        hosts = [host for event_type in self._calendar.event_types for host in event_type.hosts]
        return next((host.id for host in hosts if account in {None, host.username}), 0)


def _changed(one: Subscription, body: Mapping[str, object]) -> Subscription:
    """With what was sent, which has been looked at before."""
    active = body.get("active", one.active)
    return replace(
        one,
        active=active is True,
        url=str(body.get("subscriberUrl", one.url)),
        triggers=tuple(str(name) for name in _list_of(body.get("triggers", list(one.triggers)))),
        secret=_text(body.get("secret", one.secret)),
        template=_text(body.get("payloadTemplate", one.template)),
    )


def _complaint(call: Call, required: tuple[str, ...] = ()) -> Answer | None:
    """Cal.com's own details of what is wrong with a body."""
    body = call.body
    target = {name: body[name] for name in _FIELDS if name in body}
    errors = [
        {
            "target": target,
            **({"value": body[name]} if name in body else {}),
            "property": name,
            "children": [],
            "constraints": constraints,
        }
        for name, constraints in _mistakes(body, required)
    ]
    if not errors:
        return None
    return refused(400, "Bad Request Exception", call.target, call.now, details={"errors": errors})


def _mistakes(body: Mapping[str, object], required: tuple[str, ...]) -> list[tuple[str, dict[str, str]]]:
    found: list[tuple[str, dict[str, str]]] = []
    for name in _FIELDS:
        if name not in body and name not in required:
            continue
        value = body.get(name)
        if name == "active" and not isinstance(value, bool):
            found.append((name, {"isBoolean": "active must be a boolean value"}))
        elif name in _TEXTS and not isinstance(value, str) and not (value is None and name in _MAY_BE_NULL):
            found.append((name, {"isString": f"{name} must be a string"}))
        elif name == "triggers" and not isinstance(value, list):
            found.append((name, {"isEnum": _ENUM, "isArray": "triggers must be an array"}))
        elif name == "triggers" and not all(one in TRIGGERS for one in _list_of(value)):
            found.append((name, {"isEnum": _ENUM}))
    return found


def _list_of(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _whole(text: str | None, otherwise: int) -> int | None:
    if text is None:
        return otherwise
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None
