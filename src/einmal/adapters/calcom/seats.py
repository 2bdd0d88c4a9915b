"""A seat in a booking that several share: found where it stands, and told as Cal.com told it when it was taken.

The booking has no mark of ours, for it is nobody's alone. The seat has: what a client sends as metadata is kept with
its attendee. Other people's seats are left out of what is told.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from einmal.adapters.calcom.wire import Unreadable, booking_of, json_object
from einmal.domain.keys import is_operation_id
from einmal.domain.model import MetadataKey


@dataclass(frozen=True, slots=True)
class FoundSeat:
    """`body` is what Cal.com answers to whoever takes this seat."""

    operation_id: str
    body: bytes


def seats_target(event_type_id: int, email: str, start: datetime) -> str:
    """What to ask for: bookings from that start on in which this e-mail has a part."""
    after = start.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    wanted = {"eventTypeId": event_type_id, "attendeeEmail": email, "afterStart": after, "sortStart": "asc"}
    return f"/v2/bookings?{urlencode(wanted)}"


def seats_found(body: bytes, event_type_id: int, email: str, start: datetime) -> Sequence[FoundSeat]:
    """The seats of this e-mail at that very start that carry an operation id, in live bookings."""
    try:
        rows = json_object(body).get("data")
    except Unreadable:
        return ()
    return [
        FoundSeat(operation, _told(row, seat))
        for row in (rows if isinstance(rows, list) else ())
        if _is_live(row, event_type_id, start)
        for seat in row.get("attendees") or ()
        if (operation := _operation_of(seat, email)) is not None
    ]


def holds_seat(rows: Sequence[object], operation_id: str) -> bool:
    """Whether one of these bookings has a seat that carries this operation id."""
    seats = (seat for row in rows if isinstance(row, dict) for seat in _list(row.get("attendees")))
    return any(isinstance(seat, dict) and _carried(seat) == operation_id for seat in seats)


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _is_live(row: Any, event_type_id: int, start: datetime) -> bool:
    try:
        booking = booking_of(row)
    except Unreadable:
        return False
    return booking.status.live and booking.start == start and booking.event_type_id == event_type_id


def _operation_of(seat: Any, email: str) -> str | None:
    if not isinstance(seat, dict) or seat.get("email") != email:
        return None
    return _carried(seat)


def _carried(seat: dict[str, Any]) -> str | None:
    if not isinstance(seat.get("seatUid"), str):
        return None
    metadata = seat.get("metadata")
    operation = metadata.get(MetadataKey.OPERATION_ID.value) if isinstance(metadata, dict) else None
    return operation if isinstance(operation, str) and is_operation_id(operation) else None


def _told(row: dict[str, Any], seat: dict[str, Any]) -> bytes:
    data = {**row, "attendees": [seat], "seatUid": seat["seatUid"]}
    return json.dumps({"status": "success", "data": data}, ensure_ascii=False, separators=(",", ":")).encode()
