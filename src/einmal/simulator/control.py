"""The simulator's own buttons, under /control: look at the truth, press what a host would press, change the faults.

None of this is Cal.com's. It answers to this machine only, since whoever can press here can do everything, and
it asks for no key. The fault plan does not touch it.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from ipaddress import ip_address
from urllib.parse import unquote

from einmal.simulator.faults import FaultPlan, PlanMistake
from einmal.simulator.faulty import FaultyCalcom
from einmal.simulator.outcomes import Changed, Refusal, Refused
from einmal.simulator.rendering import booking_data
from einmal.simulator.webhook_wanted import read_wanted
from einmal.simulator.wire import WireAnswer

_PREFIX = "/control"


def is_control(path: str) -> bool:
    """Whether a request is for here and not for Cal.com."""
    return path == _PREFIX or path.startswith(f"{_PREFIX}/")


def control(
    calcom: FaultyCalcom,
    method: str,
    path: str,
    body: bytes,
    client: str | None,
    sent: Sequence[Mapping[str, object]] = (),
) -> WireAnswer:
    """Answer one request; `client` is the address it came from, `sent` the webhooks that have gone out."""
    if not _is_here(client):
        return _answer(403, {"error": "the control API answers to this machine only"})
    if (method, path.strip("/").split("/")[1:]) == ("GET", ["webhooks"]):
        return _answer(200, {"webhooks": list(sent)})
    action = _action(calcom, method, path.strip("/").split("/"), body)
    if action is None:
        return _answer(404, {"error": f"no such control: {method} {path}"})
    return action()


def _action(calcom: FaultyCalcom, method: str, segments: list[str], body: bytes) -> Callable[[], WireAnswer] | None:
    match method, *segments[1:]:
        case "GET", "bookings":
            return partial(_bookings, calcom)
        case "POST" | "DELETE", "faults":
            return partial(_follow, calcom, body if method == "POST" else b"")
        case "POST", "webhooks":
            return partial(_subscribe, calcom, body)
        case "POST", "reset":
            return partial(_reset, calcom)
        case "POST", ("accept" | "decline" | "cancel") as button, uid:
            return partial(_pressed, calcom, button, unquote(uid))
        case _:
            return None


def _bookings(calcom: FaultyCalcom) -> WireAnswer:
    return _answer(200, {"bookings": [booking_data(booking) for booking in calcom.calendar.bookings]})


def _follow(calcom: FaultyCalcom, body: bytes) -> WireAnswer:
    try:
        plan = FaultPlan.from_toml(body.decode())
    except UnicodeDecodeError:
        return _answer(400, {"error": "the plan is not UTF-8"})
    except PlanMistake as mistake:
        return _answer(400, {"error": str(mistake)})
    calcom.follow(plan)
    return _answer(200, {"rules": len(plan.rules), "seed": plan.seed})


def _subscribe(calcom: FaultyCalcom, body: bytes) -> WireAnswer:
    """As a person would in the settings of a team: for everything, or for one event type."""
    try:
        wanted = read_wanted(body)
    except ValueError as wrong:
        return _answer(400, {"error": str(wrong)})
    if wanted.event_type_id is not None and calcom.calendar.event_type(wanted.event_type_id) is None:
        known = ", ".join(str(one.id) for one in calcom.calendar.event_types)
        return _answer(400, {"error": f"there is no event type {wanted.event_type_id}; there are: {known}"})
    made = calcom.subscribe(wanted.url, wanted.secret, wanted.triggers, wanted.event_type_id)
    return _answer(201, {"id": made.id, "url": made.url, "triggers": list(made.triggers)})


def _reset(calcom: FaultyCalcom) -> WireAnswer:
    calcom.reset()
    return _answer(200, {"rules": len(calcom.plan.rules), "seed": calcom.plan.seed})


def _pressed(calcom: FaultyCalcom, button: str, uid: str) -> WireAnswer:
    calendar = calcom.calendar
    press = {"accept": calendar.accept, "decline": calendar.decline, "cancel": calendar.cancel}[button]
    match press(uid):
        case Changed(booking):
            return _answer(200, {"booking": booking_data(booking)})
        case Refused(reason):
            return _answer(404 if reason is Refusal.UNKNOWN_BOOKING else 409, {"error": reason.value})


def _is_here(client: str | None) -> bool:
    """A connection without an address is a transport inside this process."""
    try:
        return client is None or ip_address(client).is_loopback
    except ValueError:
        return False


def _answer(status: int, payload: Mapping[str, object]) -> WireAnswer:
    body = json.dumps(payload, ensure_ascii=False).encode("utf-8", "replace")
    headers = {"Content-Type": "application/json; charset=utf-8", "Content-Length": str(len(body))}
    return WireAnswer(status, headers, body)
