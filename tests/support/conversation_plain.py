"""The control: what people write who trust the calendar. A 2xx is "booked", and whatever else is asked again."""

import json
from dataclasses import dataclass
from typing import Any

from starlette.types import Receive, Scope, Send

from einmal.adapters.calcom.transport import MaybeSent, NeverSent, WireRequest
from einmal.entrypoints.http.door import read_body, send_json
from support.conversation import local
from support.conversation_world import Stage

SECONDS = 5.0


@dataclass
class PlainClient:
    """Knows one function: to book. It keeps nothing and looks nothing up."""

    stage: Stage
    asked: int = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        args: dict[str, Any] = json.loads(await read_body(scope, receive))["args"]
        try:
            booked = await self._booked(args)
        except (MaybeSent, NeverSent):
            booked = False
        status, said = ("booked", "gebucht") if booked else ("error", "Bitte versuchen Sie es noch einmal.")
        body = {"success": booked, "status": status, "message": said, "bestaetigung_status": "none"}
        await send_json(send, 200, json.dumps(body).encode())

    async def _booked(self, args: dict[str, Any]) -> bool:
        self.asked += 1
        start = local(f"{args['datum']} {args['uhrzeit']}")
        attendee = {"name": args["name"], "email": f"caller{self.asked}@salon.test", "timeZone": "Europe/Berlin"}
        types = self.stage.calcom.calendar.event_types
        event_type_id = next(one.id for one in types if one.title == args["dienstleistung"])
        body = {"start": f"{start:%Y-%m-%dT%H:%M:%SZ}", "eventTypeId": event_type_id, "attendee": attendee}
        headers = {"cal-api-version": "2024-08-13", "content-type": "application/json"}
        until = self.stage.clock.monotonic() + SECONDS
        sent = WireRequest("POST", "/v2/bookings", headers, json.dumps(body).encode(), until, until)
        return (await self.stage.transport.send(sent)).status < 300
