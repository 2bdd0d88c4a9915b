"""A house whose colouring is three bookings of two people, and how to look at what stands of it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from einmal.simulator.records import EventType, Host, Scheduling
from support.world import World

ANNA, BEN = (
    Host(1, "Anna", "anna@host.test", "anna", "Europe/Berlin"),
    Host(2, "Ben", "ben@host.test", "ben", "Europe/Berlin"),
)


def _type(event_type_id: int, title: str, minutes: int, host: Host) -> EventType:
    return EventType(
        id=event_type_id,
        slug=title.lower(),
        title=title,
        length_minutes=minutes,
        hosts=(host,),
        scheduling=Scheduling.ROUND_ROBIN,
        opens=(8, 18),
        time_zone="Europe/Berlin",
    )


TYPES = (_type(201, "Farbe", 30, ANNA), _type(202, "Schnitt", 45, BEN), _type(203, "Styling", 30, ANNA))

CONFIG = """
[[staff]]
id = "anna"
name = "Anna"

[[staff]]
id = "ben"
name = "Ben"

[[services]]
id = "schnitt"
name = "Haarschnitt"
event_type_id = 202
duration_minutes = 45
staff = ["ben"]

[[services]]
id = "faerben"
name = "Färben"

[[services.segments]]
event_type_id = 201
duration_minutes = 30
staff = ["anna"]

[[services.segments]]
gap_minutes = 30
event_type_id = 202
duration_minutes = 45
staff = ["ben"]

[[services.segments]]
gap_minutes = 15
event_type_id = 203
duration_minutes = 30
staff = ["anna"]
"""
"""At ten o'clock: colour 10:00 to 10:30, cut 11:00 to 11:45, styling 12:00 to 12:30."""

CALL = {"call_id": "call_7d4d0c", "from_number": "+491701234567"}
LATER = {"call_id": "call_2nd", "from_number": "+491701234567"}
OTHER = {"call_id": "call_else", "from_number": "+4930901820"}
WISH = {"datum": "2026-12-01", "uhrzeit": "10:00", "name": "Jürgen Groß", "dienstleistung": "Färben"}


def configured(folder: Path) -> dict[str, str]:
    """The environment of a gateway that reads the file."""
    path = folder / "einmal.toml"
    path.write_text(CONFIG, "utf-8")
    return {"EINMAL_CONFIG": str(path)}


TEN = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)
"""Ten o'clock in Berlin."""


async def colour(salon: World, call: dict[str, Any] = CALL, **more: Any) -> dict[str, Any]:
    return await salon.ask("book_appointment", call, **(WISH | more))


def live(salon: World) -> list[tuple[datetime, int]]:
    standing = (one for one in salon.calendar.bookings if one.status.value in {"accepted", "pending"})
    return sorted((one.start, one.event_type.id) for one in standing)


def whole(at: datetime = TEN) -> list[tuple[datetime, int]]:
    return [(at, 201), (at + timedelta(minutes=60), 202), (at + timedelta(minutes=120), 203)]


def composites(salon: World) -> list[str]:
    return [row[0] for row in salon.rows("SELECT state FROM composites ORDER BY composite_id")]


async def taken(salon: World, uhrzeit: str = "11:00") -> None:
    """Somebody else has their hair cut then."""
    cut = {"uhrzeit": uhrzeit, "name": "Mia Weiß", "dienstleistung": "Haarschnitt"}
    assert (await salon.ask("book_appointment", OTHER, **(WISH | cut)))["status"] == "booked"


async def work(salon: World, seconds: float, turns: int = 12) -> None:
    """The worker of this gateway, for so long."""
    for _ in range(turns):
        salon.clock.pass_time(timedelta(seconds=seconds / turns))
        for _ in range(4):
            await salon.gateway.worker.turn()
