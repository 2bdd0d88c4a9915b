"""Cal.com's slot reservations: what is sent to make one, and how the answer is read.

A reservation keeps a slot off the lists, from whoever made it too, until it runs out. It stops nobody from booking the
slot (recorded), so nothing relies on it.
"""

import json
from typing import Final

from einmal.adapters.calcom.answers import health
from einmal.adapters.calcom.transport import WireAnswer
from einmal.adapters.calcom.wire import Unreadable, json_object, uid_or_none
from einmal.ports import Blind

RESERVATIONS: Final = "/v2/slots/reservations"


def reservation_body(event_type_id: int, start: str, minutes: int | None) -> bytes:
    """`minutes`: None where no key is sent, because only a host may say how long (recorded); then it is five."""
    body: dict[str, object] = {"eventTypeId": event_type_id, "slotStart": start}
    if minutes is not None:
        body["reservationDuration"] = minutes
    return json.dumps(body).encode()


def read_reservation(answer: WireAnswer) -> str | Blind:
    """The reservation's uid; Blind where there is none that is known, because the slot is gone or whatever else."""
    if answer.status not in {200, 201}:
        return Blind(f"http_{answer.status}", health(answer.status, answer.body))
    try:
        data = json_object(answer.body).get("data")
    except Unreadable as odd:
        return Blind(f"unreadable_{odd.args[0]}")
    uid = uid_or_none(data.get("reservationUid")) if isinstance(data, dict) else None
    return Blind("unreadable_uid") if uid is None else uid


def read_release(answer: WireAnswer) -> Blind | None:
    """None where it is gone, as it is after a second time too (recorded)."""
    if answer.status in {200, 204, 404}:
        return None
    return Blind(f"http_{answer.status}", health(answer.status, answer.body))
