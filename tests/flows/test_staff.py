"""A wish for somebody: kept where it can be, and otherwise asked about. Nobody is put in another's place silently."""

from pathlib import Path
from typing import Any

import pytest

from einmal.adapters.functions.call import FunctionCall
from einmal.adapters.functions.wish import Understood, understand
from einmal.domain.house import House, StaffMember
from einmal.domain.model import Service
from einmal.domain.reply import Missing, Reply
from einmal.ports import Tenant
from support.world import BERLIN_MORNING, World, world

CONFIG = """
[[staff]]
id = "anna"
name = "Anna"
aliases = ["Frau Weiß"]

[[staff]]
id = "ben"
name = "Ben Groß"
aliases = ["Ben"]

[[services]]
id = "beratung"
name = "Beratung"
event_type_id = 101
duration_minutes = 30

[[services]]
id = "schnitt-anna"
name = "Haarschnitt"
event_type_id = 102
duration_minutes = 45
staff = ["anna"]

[[services]]
id = "schnitt-ben"
name = "Herrenschnitt"
event_type_id = 103
duration_minutes = 135
staff = ["ben"]
"""
CALL = {"call_id": "call_7d4d0c", "from_number": "+491701234567"}
ELEVEN = {"datum": "2026-12-01", "uhrzeit": "11:00"}
"""Where the lists of both lengths have a slot."""
FUNCTIONS = ["book_appointment", "check_availability", "reserve_slot", "collect_appointment"]
SEARCHES = ["get_alternatives", "find_next_available"]
GOOD = {"booked", "available", "reserved"}


@pytest.fixture
async def salon(tmp_path: Path) -> Any:
    path = tmp_path / "einmal.toml"
    path.write_text(CONFIG, "utf-8")
    async with world(tmp_path, EINMAL_CONFIG=str(path)) as made:
        yield made


async def asked(salon: World, name: str, staff: str | None, service: str = "Haarschnitt") -> dict[str, Any]:
    said = {} if staff is None else {"mitarbeiter": staff}
    return await salon.ask(name, CALL, dienstleistung=service, name="Jürgen Groß", **ELEVEN, **said)


def event_types(salon: World) -> list[int]:
    return [booking.event_type.id for booking in salon.calendar.bookings]


@pytest.mark.parametrize(
    "said",
    [
        *("Anna", "anna", "bei Anna", "Bei  ANNA", "mit Anna", "with Anna", "bei der Anna", "Frau Anna"),
        *("bei Frau Anna", "Frau Weiß", "bei Frau Weiss", "Weiß"),
    ],
)
@pytest.mark.parametrize("name", FUNCTIONS)
async def test_somebody_who_does_it_alone_is_kept_to(salon: World, name: str, said: str) -> None:
    """However she is called."""
    answer = await asked(salon, name, said)
    assert answer["status"] in GOOD
    if answer["status"] == "booked":
        assert event_types(salon) == [102]


async def test_the_wish_is_written_down_as_the_house_has_it(salon: World) -> None:
    """Whatever was said for the name."""
    assert (await asked(salon, "book_appointment", "bei Ben", "Herrenschnitt"))["status"] == "booked"
    assert salon.rows("SELECT staff, service_id FROM intents") == [("Ben Groß", "schnitt-ben")]


@pytest.mark.parametrize("name", FUNCTIONS + SEARCHES)
async def test_an_unknown_name_is_asked_about(salon: World, name: str) -> None:
    """With those who do it; nothing is booked or held for anybody else."""
    answer = await asked(salon, name, "bei Carla", "Beratung")
    assert (answer["success"], answer["status"], answer["missing"]) == (False, "needs_input", ["staff"])
    assert "Bei uns arbeiten Anna und Ben Groß." in answer["message"]
    assert salon.calendar.bookings == ()
    assert salon.rows("SELECT * FROM holds") == []


@pytest.mark.parametrize("name", FUNCTIONS)
async def test_who_does_not_do_it_is_asked_about_with_those_who_do(salon: World, name: str) -> None:
    answer = await salon.ask(name, CALL, dienstleistung="schnitt-ben", name="Jürgen Groß", mitarbeiter="Anna", **ELEVEN)
    assert (answer["status"], answer["missing"]) == ("needs_input", ["staff"])
    assert "Bei uns arbeitet Ben Groß." in answer["message"]


@pytest.mark.parametrize("name", FUNCTIONS + SEARCHES)
async def test_of_several_who_do_it_nobody_can_be_promised(salon: World, name: str) -> None:
    """Cal.com chooses among them: so it is asked whether it matters, and never done silently."""
    answer = await asked(salon, name, "bei Anna", "Beratung")
    assert (answer["status"], answer["missing"]) == ("needs_input", ["staff"])
    assert "kann ich nicht festlegen" in answer["message"]
    assert salon.calendar.bookings == ()


@pytest.mark.parametrize(
    "said",
    [
        *("egal", "Egal bei wem", "ist mir egal", "any", "anyone", "no preference", "keine Präferenz"),
        *("it doesn't matter", "spielt keine Rolle", "Anna, ist aber egal", "beliebig", "kein Wunsch", "keine"),
    ],
)
@pytest.mark.parametrize("name", FUNCTIONS)
async def test_who_does_not_mind_is_not_asked(salon: World, name: str, said: str) -> None:
    """It is no wish for anybody."""
    assert (await asked(salon, name, said, "Beratung"))["status"] in GOOD


@pytest.mark.parametrize(
    "said",
    [
        *("nicht egal", "Hauptsache bei Anna, alle anderen nicht", "not just anyone, Anna"),
        *("Anna, egal wann", "jede Woche Anna"),
    ],
)
@pytest.mark.parametrize("name", FUNCTIONS)
async def test_who_does_mind_is_heard(salon: World, name: str, said: str) -> None:
    """ "Nicht egal" is the opposite, and what else does not matter is not who. Nobody is booked to another silently."""
    answer = await asked(salon, name, said, "Beratung")
    assert (answer["status"], answer["missing"]) == ("needs_input", ["staff"])
    assert salon.calendar.bookings == ()


ANNA, BEN = StaffMember("anna", "Anna"), StaffMember("ben", "Ben Groß", ("Ben",))
HERS = Service("schnitt-anna", "Haarschnitt", 102, 45, staff=("anna",))
HIS = Service("schnitt-ben", "Haarschnitt", 103, 45, staff=("ben",))
ALSO_HIS = Service("lang-ben", "Haarschnitt", 104, 45, staff=("ben",))


@pytest.mark.parametrize(
    ("said", "services", "meant"),
    [
        ("bei Anna", (HERS, HIS), HERS),
        ("Ben", (HERS, HIS), HIS),
        ("Ben", (HERS, HIS, ALSO_HIS), None),
        ("Anna", (HERS, HIS, ALSO_HIS), HERS),
        ("egal", (HERS, HIS), None),
        ("bei Carla", (HERS, HIS), None),
        (None, (HERS, HIS), None),
    ],
)
def test_of_services_of_one_name_that_of_the_wished_person_is_meant(
    said: str | None, services: tuple[Service, ...], meant: Service | None
) -> None:
    """If it is one only. Otherwise the service is asked about first: they are not the same."""
    house = House(staff=(ANNA, BEN))
    tenant = Tenant("default", "Salon", "Europe/Berlin", "de", "termin@salon.test", services, b"k" * 32, house)
    args = {"dienstleistung": "Haarschnitt", "mitarbeiter": said, "name": "Jürgen Groß", **ELEVEN}
    understood = understand(FunctionCall("book_appointment", args), tenant, BERLIN_MORNING, books=True)
    if meant is None:
        assert isinstance(understood, Reply)
        assert understood.missing[0] is Missing.SERVICE
    else:
        assert isinstance(understood, Understood)
        assert understood.wish.service == meant


async def test_where_the_house_names_nobody_it_is_told_with_whom(tmp_path: Path) -> None:
    """As long as nobody can be told apart nothing is promised, and the answer says who it is."""
    async with world(tmp_path) as salon:
        answer = await asked(salon, "book_appointment", "bei Anna", "Beratung")
        assert answer["status"] == "booked"
        assert "bei Salon Beispiel" in answer["message"]
