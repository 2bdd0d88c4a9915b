"""`einmal demo`: the incident, in two acts. Exit code 0 only if what is told is what happened.

Act one: a round-robin event type with one host, and a house address for callers without an e-mail. Two
people call 35 minutes apart and want the same slot. Cal.com takes them for one person, because the address
is one, and answers the second with the first one's booking: 201, unmarked. The control beside Einmal is a
gateway that trusts it.

Act two: that very answer is given to Einmal, whatever it asked for.
"""

import asyncio
import json
import tempfile
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.panel import Panel
from rich.table import Table

from einmal.adapters.calcom.transport import Transport, WireAnswer, WireRequest
from einmal.adapters.sql.migrate import upgrade
from einmal.adapters.sql.sqlite import connect
from einmal.adapters.system import SystemIds
from einmal.assembly import HOUSE_EMAIL_OF_THE_SIMULATOR
from einmal.domain.facts import Fact, Rejected
from einmal.entrypoints.http.retell import FunctionCalls, collect_appointment
from einmal.entrypoints.lab.unguarded import UnguardedGateway
from einmal.settings import Secret, read_settings
from einmal.simulator.calendar import SimulatedCalendar
from einmal.simulator.catalogue import demo_event_types, random_uid
from einmal.simulator.clock import SteppedClock
from einmal.simulator.transport import InProcessTransport
from einmal.simulator.wire import SimulatedCalcom
from einmal.wiring import Gateway, build_gateway

BEGIN: Final = datetime(2026, 10, 5, 9, 4, 54, tzinfo=UTC)
"""A Monday, 11:04:54 in Berlin. The slot is on Friday at 8."""

SLOT: Final = "2026-10-09T06:00:00Z"
BERATUNG: Final = 101
BETWEEN_THE_CALLS: Final = timedelta(minutes=34, seconds=28)
FIRST: Final = ("Clara Winter", "call_5f0d9a6e2b7c41d8a3e6")
SECOND: Final = ("Paul Brandt", "call_b84c1e07f93d4a52c6b1")


@dataclass
class Collected:
    facts: list[Fact] = field(default_factory=list)

    def observe(self, facts: Any) -> None:
        self.facts.extend(facts)


@dataclass(frozen=True)
class ForeignAnswer:
    """Answers every POST with one booking that was made for somebody else."""

    inner: Transport
    booking: dict[str, Any]
    now: datetime

    async def send(self, request: WireRequest) -> WireAnswer:
        if request.method != "POST":
            return await self.inner.send(request)
        date = self.now.strftime("%a, %d %b %Y %H:%M:%S GMT")
        body = json.dumps({"status": "success", "data": self.booking}).encode()
        return WireAnswer(201, {"date": date, "content-type": "application/json"}, body, 0.0)

    async def close(self) -> None:
        await self.inner.close()


def demo() -> int:
    """Play both acts; returns the exit code."""
    console = Console()
    verdicts = asyncio.run(_play(console))
    console.rule("What happened")
    for claim, held in verdicts:
        console.print(f"  [green]✓[/] {claim}" if held else f"  [red]✗ not so:[/] {claim}")
    return 0 if all(held for _, held in verdicts) else 1


async def _play(console: Console) -> list[tuple[str, bool]]:
    with tempfile.TemporaryDirectory(prefix="einmal-demo-") as folder:
        return await _act_one(console, Path(folder)) + await _act_two(console, Path(folder))


async def _act_one(console: Console, folder: Path) -> list[tuple[str, bool]]:
    console.rule("Act one: two callers, one slot, one house address")
    console.print(
        "Cal.com, a round-robin event type with one host. It returns an existing booking, as 201 and unmarked, "
        "when event type, start and attendee e-mail are the same. Neither caller has an e-mail. The unguarded "
        "gateway sends everyone under the house address.\n"
    )
    unguarded_clock, clock = SteppedClock(BEGIN), SteppedClock(BEGIN)
    naive_calendar, naive_calcom = _calcom(unguarded_clock)
    calendar, calcom = _calcom(clock)
    naive = UnguardedGateway(InProcessTransport(naive_calcom), unguarded_clock)
    gateway = await _gateway(folder / "one.sqlite3", InProcessTransport(calcom), clock, Collected())
    ask = collect_appointment(gateway)
    naive_said, said = [], []
    offered = await _ask(ask, FIRST, uhrzeit="10:15", bestaetigung=False)
    console.print(f"[dim]11:04[/] {FIRST[0]} asks for 10:15. Einmal: [italic]{offered['message']}[/]")
    for caller in (FIRST, SECOND):
        uid = await naive.book(caller[0], HOUSE_EMAIL_OF_THE_SIMULATOR, caller[1], BERATUNG, SLOT)
        naive_said.append("Das hat leider nicht geklappt." if uid is None else "Ihr Termin ist gebucht.")
        said.append(await _ask(ask, caller, uhrzeit="08:00"))
        unguarded_clock.pass_time(BETWEEN_THE_CALLS)
        clock.pass_time(BETWEEN_THE_CALLS)
    rows = _rows(folder / "one.sqlite3")
    left = _side("An unguarded gateway", naive_said, naive.rows, _live(naive_calendar), "red")
    right = _side("Einmal", [answer["message"] for answer in said], rows, _live(calendar), "green")
    sides = Table.grid(expand=True)
    sides.add_column(ratio=1)
    sides.add_column(ratio=1)
    sides.add_row(left, right)
    console.print(sides)
    await gateway.close()
    return [
        ("unguarded: one booking in the calendar", len(_live(naive_calendar)) == 1),
        ("unguarded: two rows for it in the table", len(naive.rows) == 2 and len({uid for _, uid in naive.rows}) == 1),
        ("unguarded: the second caller heard 'gebucht', which is false", naive_said[1] == "Ihr Termin ist gebucht."),
        ("Einmal: one booking in the calendar, one row", len(_live(calendar)) == 1 and len(rows) == 1),
        ("Einmal: the first caller is booked", said[0]["status"] == "booked" and rows[0][0] == FIRST[0]),
        ("Einmal: the second caller heard that it is taken", said[1]["status"] == "slot_taken"),
        ("Einmal: and was offered other times", bool(said[1].get("alternatives"))),
    ]


async def _act_two(console: Console, folder: Path) -> list[tuple[str, bool]]:
    console.print()
    console.rule("Act two: the answer of the incident, given to Einmal")
    clock = SteppedClock(BEGIN)
    _, calcom = _calcom(clock)
    born = clock.now() + timedelta(seconds=27)
    clock.pass_time(BETWEEN_THE_CALLS)
    booking = {
        "id": 7311402,
        "uid": random_uid(),
        "status": "accepted",
        "start": SLOT.replace("Z", ".000Z"),
        "eventTypeId": BERATUNG,
        "createdAt": born.strftime("%Y-%m-%dT%H:%M:%S.002Z"),
        "metadata": {"call_id": FIRST[1]},
        "attendees": [{"name": FIRST[0], "email": HOUSE_EMAIL_OF_THE_SIMULATOR}],
    }
    observer = Collected()
    transport = ForeignAnswer(InProcessTransport(calcom), booking, clock.now())
    gateway = await _gateway(folder / "two.sqlite3", transport, clock, observer)
    said = await _ask(collect_appointment(gateway), SECOND, uhrzeit="08:00")
    await gateway.close()
    rows = _rows(folder / "two.sqlite3")
    rejected = [fact for fact in observer.facts if isinstance(fact, Rejected)]
    table = Table("", "asked", "answered: 201", title=f"{SECOND[0]} wants Friday at 8", title_justify="left")
    table.add_row("attendee", SECOND[0], FIRST[0])
    table.add_row("call_id", SECOND[1], FIRST[1])
    table.add_row("created", "now", f"{(clock.now() - born).total_seconds():.0f} s before the request")
    table.add_row("einmal_op", "an id drawn for this wish", "none")
    console.print(table)
    for fact in rejected:
        console.print(
            f"[green]Rejected[/] by {fact.layer}, {fact.reason}: expected {fact.expected}; got {fact.received}."
        )
    console.print(f"{SECOND[0]} hears: [italic]{said['message']}[/]\n")
    return [
        ("the incident's answer is rejected as stale", [fact.reason for fact in rejected] == ["stale_booking"]),
        ("no appointment was written", rows == []),
        ("and nobody heard 'gebucht' for it", said["status"] == "slot_taken" and said["success"] is False),
    ]


def _calcom(clock: SteppedClock) -> tuple[SimulatedCalendar, SimulatedCalcom]:
    """The salon's calendar on a Friday when only the edges of the morning are free."""
    calendar = SimulatedCalendar(demo_event_types(), now=clock.now, new_uid=random_uid)
    calcom = SimulatedCalcom(calendar, api_keys=None, now=clock.now)
    for start, event_type_id in (
        ("2026-10-09T06:30:00Z", 103),
        ("2026-10-09T08:45:00Z", 102),
        ("2026-10-09T10:00:00Z", 102),
    ):
        attendee = {"name": "Stammkundin", "email": "stammkundin@salon.test", "timeZone": "Europe/Berlin"}
        body = json.dumps({"start": start, "eventTypeId": event_type_id, "attendee": attendee}).encode()
        calcom.handle("POST", "/v2/bookings", {"cal-api-version": "2024-08-13"}, body)
    return calendar, calcom


def _live(calendar: SimulatedCalendar) -> list[tuple[str, str]]:
    """Name and uid of the live bookings on the slot."""
    slot = datetime.fromisoformat(SLOT)
    return [
        (booking.attendee.name, booking.uid)
        for booking in calendar.bookings
        if booking.start == slot and booking.status.value == "accepted"
    ]


async def _gateway(path: Path, transport: Transport, clock: SteppedClock, observer: Collected) -> Gateway:
    upgrade(path)
    settings = read_settings({"EINMAL_DATABASE_URL": f"sqlite:///{path}"})
    settings = replace(settings, calcom_api_key=Secret("demo"))
    return await build_gateway(settings, transport, clock, SystemIds(), observer)


async def _ask(endpoint: FunctionCalls, caller: tuple[str, str], **arguments: Any) -> dict[str, Any]:
    name, call_id = caller
    wish = {"datum": "2026-10-09", "name": name, "dienstleistung": "Beratung"} | arguments
    call = {"call_id": call_id, "from_number": "anonymous"}
    body = {"name": "collect_appointment", "call": call, "args": wish}
    answer: dict[str, Any] = json.loads(await endpoint.answer(json.dumps(body).encode()))
    return answer


def _rows(path: Path) -> list[tuple[str, str]]:
    connection = connect(path, read_only=True)
    try:
        return connection.execute(
            "SELECT c.name, a.calcom_v2_booking_id FROM appointments a JOIN customers c USING (customer_id)"
        ).fetchall()
    finally:
        connection.close()


def _side(title: str, said: list[str], rows: list[tuple[str, str]], live: list[tuple[str, str]], colour: str) -> Panel:
    text = [f"[dim]11:04[/] {FIRST[0]} hears:", f"[italic]{said[0]}[/]"]
    text += [f"[dim]11:39[/] {SECOND[0]} hears:", f"[italic]{said[1]}[/]", ""]
    text += ["In the calendar:", *(f"  {name} [dim]{uid[:8]}…[/]" for name, uid in live)]
    text += ["In the ledger:", *(f"  {name} [dim]{uid[:8]}…[/]" for name, uid in rows)]
    return Panel("\n".join(text), title=title, border_style=colour)
