"""Two tenants that share slot, phone, name and call id, through every flow of a call, on both databases (I14).

On PostgreSQL the gateway has the role that it is meant to have, on tables with row-level security.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from einmal.adapters.sql.roles import RoleNames
from einmal.simulator.catalogue import demo_event_types
from einmal.simulator.records import Host
from support.sql import BASES, SqlBase, as_role
from support.world import World, world

SALON = {"agent_id": "agent_salon", "to_number": "+493011111111"}
PRAXIS = {"agent_id": "agent_praxis", "to_number": "+493022222222"}
WISH = {"datum": "2026-12-01", "uhrzeit": "10:00", "name": "Jürgen Groß", "dienstleistung": "Beratung"}

HOUSE = """
[[tenants]]
id = "{0}"
name = "{0}"
agents = ["agent_{0}"]
house_email = "termin@{0}.test"
calcom_api_key = {{ env = "{1}_CALCOM" }}

[[tenants.services]]
id = "beratung"
name = "Beratung"
event_type_id = {2}
duration_minutes = 30
"""
FILE = HOUSE.format("salon", "SALON", 101) + HOUSE.format("praxis", "PRAXIS", 201)

APPOINTMENTS = "get_customer_appointments"


def event_types() -> Any:
    """The salon's, and the same again at the other house, with a host of its own."""
    salon = demo_event_types()
    host = Host(200, "Praxis Nord", "praxis@host.example.test", "praxis-nord", "Europe/Berlin")
    return (*salon, *(replace(one, id=one.id + 100, slug=f"{one.slug}-2", hosts=(host,)) for one in salon))


def call(whose: dict[str, str]) -> dict[str, str]:
    return {"call_id": "call_shared1", "from_number": "+491701234567", **whose}


def url_of(base: SqlBase) -> str:
    return f"sqlite:///{base.where}" if isinstance(base.where, Path) else as_role(base.where, RoleNames().app)


async def status(both: World, whose: dict[str, str], function: str, **args: Any) -> str:
    return str((await both.ask(function, call(whose), **args))["status"])


@pytest.mark.parametrize("database", BASES)
async def test_what_one_does_in_each_flow_the_other_knows_nothing_of(tmp_path: Path, database: str) -> None:
    """Held, booked, asked for, moved, cancelled and called back by both in one call id: each has its own."""
    file = tmp_path / "einmal.toml"
    file.write_text(FILE, "utf-8")
    more = {"SALON_CALCOM": "cal_a", "PRAXIS_CALCOM": "cal_b", "EINMAL_CONFIG": str(file)}
    folder = tmp_path / "base"
    folder.mkdir()
    with BASES[database](folder) as base:
        async with world(tmp_path, event_types=event_types(), EINMAL_DATABASE_URL=url_of(base), **more) as both:
            houses = (SALON, PRAXIS)
            held = {key: WISH[key] for key in ("datum", "uhrzeit", "dienstleistung")}
            assert [await status(both, one, "reserve_slot", **held) for one in houses] == ["reserved"] * 2
            assert [await status(both, one, "book_appointment", **WISH) for one in houses] == ["booked"] * 2
            assert [await status(both, one, "request_callback", grund="Farbe") for one in houses] == ["noted"] * 2
            moved = await status(both, SALON, "reschedule_appointment", neues_datum="2026-12-01", neue_uhrzeit="14:00")
            assert moved == "rescheduled"
            assert "10" in (await both.ask(APPOINTMENTS, call(PRAXIS)))["message"]
            assert await status(both, PRAXIS, "cancel_appointment") == "cancelled"
            standing = [await both.ask(APPOINTMENTS, call(one)) for one in houses]
            assert "14" in standing[0]["message"]
            assert "14" not in standing[1]["message"]
            live = [one for one in both.calendar.bookings if one.status.value == "accepted"]
            assert [(one.event_type.id, one.start.hour) for one in live] == [(101, 13)]
        for table in ("intents", "appointments", "callbacks", "changes", "calls", "customers"):
            owners = {row[0] for row in base.rows(table, "tenant_id")}
            assert owners == {"salon", "praxis"}, table
        crossed = """
            SELECT count(*) FROM appointments a JOIN intents i ON i.intent_id = a.intent_id
            JOIN customers c ON c.customer_id = a.customer_id
            WHERE a.tenant_id <> i.tenant_id OR a.tenant_id <> c.tenant_id"""
        assert base.run(crossed) == [(0,)]
