"""The control of the demo: the gateway that people write. It trusts a 2xx, and it is all one needs to fail."""

import json
from dataclasses import dataclass, field

from einmal.simulator.wire import SimulatedCalcom


@dataclass
class UnguardedGateway:
    """Books under the house address for everyone, and says "booked" to every success."""

    calcom: SimulatedCalcom
    house_email: str
    rows: list[tuple[str, str]] = field(default_factory=list)
    """(name, booking uid): its table of appointments, without a unique index."""

    def book(self, name: str, call_id: str, event_type_id: int, start: str) -> str:
        attendee = {"name": name, "email": self.house_email, "timeZone": "Europe/Berlin"}
        body = {"start": start, "eventTypeId": event_type_id, "attendee": attendee, "metadata": {"call_id": call_id}}
        headers = {"cal-api-version": "2024-08-13", "content-type": "application/json"}
        answer = self.calcom.handle("POST", "/v2/bookings", headers, json.dumps(body).encode())
        if answer.status in {200, 201}:
            self.rows.append((name, json.loads(answer.body)["data"]["uid"]))
            return "Ihr Termin ist gebucht."
        return "Das hat leider nicht geklappt."
