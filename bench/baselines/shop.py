"""What every baseline does the same way: read the function call, ask the calendar, say it to the caller."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

BERLIN: Final = ZoneInfo("Europe/Berlin")
EVENT_TYPE: Final = 101
HEADERS: Final = {"cal-api-version": "2024-08-13", "Authorization": "Bearer cal_test_key"}
SAID: Final = {"success": True, "status": "booked", "message": "Ihr Termin ist gebucht."}


def start_of(args: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(f"{args['datum']}T{args['uhrzeit']}").replace(tzinfo=BERLIN)


def booking_request(args: Mapping[str, Any], start: datetime, metadata: Mapping[str, str]) -> dict[str, Any]:
    """The body of `POST /v2/bookings`."""
    return {
        "start": start.astimezone(ZoneInfo("UTC")).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "eventTypeId": EVENT_TYPE,
        "attendee": {
            "name": args["name"],
            "email": "termin@salon.test",
            "timeZone": "Europe/Berlin",
            "language": "de",
            "phoneNumber": args["telefon"],
        },
        "metadata": dict(metadata),
    }
