"""Changes to play: a salon with its notices, who rings, and answers of the calendar that get lost."""

from datetime import UTC, datetime
from typing import Any, Final

from einmal.adapters.calcom.transport import MaybeSent, WireAnswer, WireRequest
from support.world import World

CONFIG: Final = """
[policies]
cancel_notice_hours = 24
move_notice_hours = 12
late_fee = "Es fallen 20 Euro an."

[[services]]
id = "beratung"
name = "Beratung"
event_type_id = 101
duration_minutes = 30

[[services]]
id = "schnitt"
name = "Haarschnitt"
event_type_id = 102
duration_minutes = 45
"""
LINE: Final = {"call_id": "call_7d4d0c", "from_number": "+491701234567"}
LATER: Final = {"call_id": "call_2nd", "from_number": "+491701234567"}
STRANGER: Final = {"call_id": "call_else", "from_number": "+4930901820"}
ANONYMOUS: Final = {"call_id": "call_anon", "from_number": "anonymous"}
TEN: Final = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)
"""Ten o'clock in Berlin."""
WISH: Final = {"datum": "2026-12-01", "uhrzeit": "10:00", "name": "Jürgen Groß", "dienstleistung": "Beratung"}


async def booked(salon: World, call: dict[str, Any] = LINE, **more: Any) -> dict[str, Any]:
    answer = await salon.ask("book_appointment", call, **(WISH | more))
    assert answer["status"] == "booked", answer
    return answer


def live(salon: World) -> list[datetime]:
    """When the appointments begin that stand in the calendar."""
    return sorted(one.start for one in salon.calendar.bookings if one.status.value in {"accepted", "pending"})


def changes(salon: World) -> list[tuple[str, str]]:
    return [tuple(row) for row in salon.rows("SELECT kind, state FROM changes ORDER BY change_id")]


def changing(salon: World) -> list[WireRequest]:
    """What the calendar was asked to change."""
    return [r for r in salon.tap.requests if r.target.endswith(("/cancel", "/reschedule"))]


class Lost:
    """The answer to a change is lost, after or before it was processed."""

    def __init__(self, salon: World, *, lands: bool, times: int = 1, error: type[Exception] = MaybeSent) -> None:
        self.salon, self.lands, self.left, self.error = salon, lands, times, error
        self.inner = salon.tap.inner

    async def send(self, request: WireRequest) -> WireAnswer:
        if request.target.endswith(("/cancel", "/reschedule")) and self.left:
            self.left -= 1
            if self.lands:
                await self.inner.send(request)
            raise self.error("reset")
        return await self.inner.send(request)

    async def close(self) -> None:
        return


async def unanswered(_: WireRequest) -> WireAnswer:
    """Asked, and nobody knows what became of it."""
    raise MaybeSent("timeout")


def unseen(salon: World) -> None:
    """The next change lands, its answer is lost, and from then on the calendar cannot be read."""
    salon.tap.inner = Lost(salon, lands=True)  # type: ignore[assignment]

    async def blind(request: WireRequest) -> WireAnswer:
        if request.method == "GET" and changing(salon):
            raise MaybeSent("reset")
        return await salon.tap.inner.send(request)

    salon.tap.on_get = blind
