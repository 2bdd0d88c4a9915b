"""The control of demo and lab: the gateway that people write. It trusts a 2xx, and it is all one needs to fail."""

import json
from dataclasses import dataclass, field
from typing import Final

from einmal.adapters.calcom.transport import MaybeSent, NeverSent, Transport, WireRequest
from einmal.ports import Clock

POST_SECONDS: Final = 10.0


@dataclass
class UnguardedGateway:
    """Sends whatever it is asked for, and takes every success for its own."""

    transport: Transport
    clock: Clock
    rows: list[tuple[str, str]] = field(default_factory=list)
    """(name, booking uid): its table of appointments, without a unique index."""

    async def book(self, name: str, email: str, call_id: str, event_type_id: int, start: str) -> str | None:
        """The uid of what it takes for the caller's booking; None where it says that it failed."""
        attendee = {"name": name, "email": email, "timeZone": "Europe/Berlin"}
        body = {"start": start, "eventTypeId": event_type_id, "attendee": attendee, "metadata": {"call_id": call_id}}
        headers = {"cal-api-version": "2024-08-13", "content-type": "application/json"}
        deadline = self.clock.monotonic() + POST_SECONDS
        request = WireRequest("POST", "/v2/bookings", headers, json.dumps(body).encode(), deadline, deadline)
        try:
            answer = await self.transport.send(request)
        except (MaybeSent, NeverSent):
            return None
        if answer.status not in {200, 201}:
            return None
        uid: str = json.loads(answer.body)["data"]["uid"]
        self.rows.append((name, uid))
        return uid
