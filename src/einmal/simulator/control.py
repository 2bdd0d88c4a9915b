"""The simulator's own buttons, under /control: look at the truth, press what a host would press, change the faults.

None of this is Cal.com's. It answers to this machine only, since whoever can press here can do everything, and
it asks for no key. The fault plan does not touch it.
"""

import json
from collections.abc import Callable, Mapping
from functools import partial
from ipaddress import ip_address
from urllib.parse import unquote

from einmal.simulator.faults import FaultPlan, PlanMistake
from einmal.simulator.faulty import FaultyCalcom
from einmal.simulator.outcomes import Changed, Refusal, Refused
from einmal.simulator.rendering import booking_data
from einmal.simulator.wire import WireAnswer

_PREFIX = "/control"


def is_control(path: str) -> bool:
    """Whether a request is for here and not for Cal.com."""
    return path == _PREFIX or path.startswith(f"{_PREFIX}/")


def control(calcom: FaultyCalcom, method: str, path: str, body: bytes, client: str | None) -> WireAnswer:
    """Answer one request; `client` is the address it came from."""
    if not _is_here(client):
        return _answer(403, {"error": "the control API answers to this machine only"})
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
