"""The gateway as a library: a program of one's own, the real ledger, and a served Cal.com."""

import asyncio
import importlib
import inspect
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import FrozenInstanceError, fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

import einmal
import einmal.library as library_module
import einmal.library.gateway as gateway_module
from einmal.adapters.sql.migrate import upgrade
from einmal.adapters.sql.sqlite import connect
from einmal.settings import read_settings
from einmal.simulator.app import simulator_app
from einmal.simulator.calendar import SimulatedCalendar
from einmal.simulator.catalogue import demo_calendar
from einmal.simulator.faults import FaultPlan
from einmal.simulator.wire import SimulatedCalcom
from support.serving import served

DOCUMENT = Path(__file__).parents[2] / "docs" / "library.md"
JUERGEN = einmal.Customer("Jürgen Groß", phone="+4930901820")
BERLIN = ZoneInfo("Europe/Berlin")


def weekday_ahead(hour: int = 10) -> datetime:
    """The Tuesday after next: never a day that the simulator's houses are closed."""
    now = datetime.now(BERLIN)
    day = now + timedelta(days=(1 - now.weekday()) % 7 + 7)
    return day.replace(hour=hour, minute=0, second=0, microsecond=0)


@asynccontextmanager
async def calcom(faults: str = "") -> AsyncIterator[tuple[str, SimulatedCalendar]]:
    calendar = demo_calendar()
    wire = SimulatedCalcom(calendar, api_keys=None, now=lambda: datetime.now(UTC))
    async with served(simulator_app(wire, faults=FaultPlan.from_toml(faults) if faults else None)) as url:
        yield url, calendar


def values(folder: Path, url: str) -> dict[str, Any]:
    return {
        "database_url": f"sqlite:///{folder}/ledger.sqlite3",
        "calcom_api_key": "cal_test",
        "attendee_fallback_email": "termin@salon.test",
        "calcom_base_url": url,
    }


def live(calendar: SimulatedCalendar) -> int:
    return sum(booking.status.value in {"accepted", "pending"} for booking in calendar.bookings)


async def test_booked_once_moved_once_cancelled_once(tmp_path: Path) -> None:
    start, later = weekday_ahead(), weekday_ahead(14)
    async with calcom() as (url, calendar), einmal.Gateway.open(**values(tmp_path, url)) as gateway:
        first, again = [await gateway.book("Beratung", start, JUERGEN, conversation_id="chat-17") for _ in range(2)]
        assert first.status is again.status is einmal.Outcome.BOOKED
        assert first == again
        assert first.booking is not None
        assert first.booking.start == start
        assert live(calendar) == 1
        moved = await gateway.move(JUERGEN, later.astimezone(UTC))
        assert moved.booking is not None
        assert (moved.status, moved.booking.start) == ("rescheduled", later)
        assert (await gateway.status(JUERGEN, later)).booking == moved.booking
        assert [(await gateway.cancel(JUERGEN)).status for _ in range(2)] == ["cancelled", "cancelled"]
        assert live(calendar) == 0


async def test_what_is_offered_can_be_booked_by_its_slot(tmp_path: Path) -> None:
    start = weekday_ahead()
    async with calcom() as (url, _), einmal.Gateway.open(**values(tmp_path, url)) as gateway:
        assert "Beratung" in [service.name for service in gateway.services]
        free = await gateway.check("Beratung", f"am {start.day}.{start.month}.{start.year}")
        offered = free.alternatives[0]
        result = await gateway.book(None, None, JUERGEN, slot=offered.slot)
        assert result.booking is not None
        assert result.booking.start == offered.start


async def test_a_hold_is_kept_from_others_until_it_is_let_go(tmp_path: Path) -> None:
    start = weekday_ahead()
    async with calcom() as (url, _), einmal.Gateway.open(**values(tmp_path, url)) as gateway:
        assert (await gateway.hold("Beratung", start, conversation_id="chat-17")).status == "reserved"
        assert (await gateway.check("Beratung", start)).status == "unavailable"
        assert (await gateway.release(conversation_id="chat-17")).status == "released"
        assert (await gateway.check("Beratung", start)).status == "available"


async def test_a_lost_answer_is_looked_up_and_never_booked_again(tmp_path: Path) -> None:
    """Cal.com books, its answer is lost, and it cannot be read for a while: in doubt, and recovered behind."""
    blind = '[[rule]]\nfault = "lost_answer"\noperation = "create"\n[[rule]]\nfault = "lost_request"\n'
    blind += 'operation = ["list", "get"]\nnth = [1, 2, 3, 4, 5]\n'
    own = {"EINMAL_REPLY_SECONDS": "1", "EINMAL_VERIFY_SECONDS": "0", "EINMAL_RECONCILE_SECONDS": "0"}
    async with calcom(blind) as (url, calendar):
        named = {f"EINMAL_{name.upper()}": value for name, value in values(tmp_path, url).items()}
        async with einmal.Gateway.open(settings=read_settings(named | own)) as gateway:
            doubted = await gateway.book("Beratung", weekday_ahead(), JUERGEN, conversation_id="chat-17")
            assert (doubted.status, doubted.success, doubted.do_not_rebook) == ("in_doubt", False, True)
            result = doubted
            while result.status is einmal.Outcome.IN_DOUBT:
                await asyncio.sleep(0.1)
                result = await gateway.book("Beratung", weekday_ahead(), JUERGEN, conversation_id="chat-17")
            assert result.status is einmal.Outcome.BOOKED
            assert live(calendar) == 1


async def test_two_programs_on_one_ledger_book_once(tmp_path: Path) -> None:
    async with calcom() as (url, calendar):
        given = values(tmp_path, url)
        async with einmal.Gateway.open(**given) as one, einmal.Gateway.open(**given) as other:
            start = weekday_ahead()
            results = await asyncio.gather(
                *(gateway.book("Beratung", start, JUERGEN, conversation_id="chat-17") for gateway in (one, other) * 4)
            )
        assert {result.status for result in results} == {"booked"}
        assert live(calendar) == 1


async def test_services_of_ones_own_are_offered_and_no_others(tmp_path: Path) -> None:
    only = einmal.Service("Erstgespräch", event_type_id=101, duration_minutes=30, aliases=("Kennenlernen",))
    async with calcom() as (url, _), einmal.Gateway.open(**values(tmp_path, url), services=[only]) as gateway:
        assert gateway.services == (only,)
        assert (await gateway.book("Kennenlernen", weekday_ahead(), JUERGEN)).status == "booked"
        assert (await gateway.book("Haarschnitt", weekday_ahead(14), JUERGEN)).missing == ("service",)


async def test_a_mistake_of_the_program_is_raised_and_nothing_is_begun(tmp_path: Path) -> None:
    async with calcom() as (url, calendar):
        async with einmal.Gateway.open(**values(tmp_path, url)) as gateway:
            naive = weekday_ahead().replace(tzinfo=None)
            with pytest.raises(einmal.BadArgument, match="start must be an aware datetime"):
                await gateway.book("Beratung", naive, JUERGEN)
            with pytest.raises(einmal.BadArgument, match="new_start must be an aware datetime"):
                await gateway.move(JUERGEN, naive)
            with pytest.raises(einmal.BadArgument, match="conversation_id must be 1 to 200"):
                await gateway.book("Beratung", weekday_ahead(), JUERGEN, conversation_id="of Jürgen")
        with pytest.raises(einmal.NotOpen, match="closed"):
            await gateway.check("Beratung", weekday_ahead())
        assert live(calendar) == 0


async def test_a_start_that_no_calendar_has_is_a_mistake(tmp_path: Path) -> None:
    """`datetime.now() + timedelta(days=1)` is no whole minute; the caller would be asked which day they mean."""
    async with calcom() as (url, calendar), einmal.Gateway.open(**values(tmp_path, url)) as gateway:
        for odd in (weekday_ahead().replace(second=7), weekday_ahead().replace(microsecond=500_000)):
            with pytest.raises(einmal.BadArgument, match="start must be a whole minute"):
                await gateway.book("Beratung", odd, JUERGEN)
            with pytest.raises(einmal.BadArgument, match="new_start must be a whole minute"):
                await gateway.move(JUERGEN, odd)
        assert live(calendar) == 0


async def test_a_phone_that_is_none_is_a_mistake_and_not_left_out(tmp_path: Path) -> None:
    """Booked without it, the appointment would not be found by it again. A withheld one is as good as none."""
    async with calcom() as (url, calendar), einmal.Gateway.open(**values(tmp_path, url)) as gateway:
        odd = einmal.Customer("Jürgen Groß", phone="030 AB")
        for call in (gateway.book("Beratung", weekday_ahead(), odd), gateway.cancel(odd), gateway.status(odd)):
            with pytest.raises(einmal.BadArgument, match="phone must be a number, such as") as told:
                await call
            assert "030" not in str(told.value).replace("+4930901820", "")
        assert live(calendar) == 0
        withheld = einmal.Customer("Jürgen Groß", phone="anonymous")
        assert (await gateway.book("Beratung", weekday_ahead(), withheld)).status == "booked"


SLOW = '[[rule]]\nfault = "slow_answer"\noperation = "create"\ndelay_seconds = 0.5\n'


async def test_who_is_cancelled_while_it_books_loses_nothing(tmp_path: Path) -> None:
    """`asyncio.wait_for` gives up, the booking does not; the same call again is answered with it."""
    async with calcom(SLOW) as (url, calendar), einmal.Gateway.open(**values(tmp_path, url)) as gateway:
        start = weekday_ahead()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(gateway.book("Beratung", start, JUERGEN, conversation_id="chat-17"), 0.1)
        again = await gateway.book("Beratung", start, JUERGEN, conversation_id="chat-17")
        assert again.status == "booked"
        assert live(calendar) == 1


async def test_closed_while_it_books_it_waits_for_that(tmp_path: Path) -> None:
    async with calcom(SLOW) as (url, calendar):
        async with einmal.Gateway.open(**values(tmp_path, url)) as gateway:
            booking = asyncio.create_task(gateway.book("Beratung", weekday_ahead(), JUERGEN))
            for _ in range(500):
                if calendar.bookings:
                    break
                await asyncio.sleep(0.01)
        assert (await booking).status == "booked"
        assert live(calendar) == 1


async def test_in_another_event_loop_it_is_not_open(tmp_path: Path) -> None:
    """What waits in one loop is never woken by another: the booking would be left in doubt."""
    async with calcom() as (url, calendar), einmal.Gateway.open(**values(tmp_path, url)) as gateway:

        def elsewhere() -> None:
            asyncio.run(gateway.book("Beratung", weekday_ahead(), JUERGEN))

        with pytest.raises(einmal.NotOpen, match="another event loop"):
            await asyncio.to_thread(elsewhere)
        assert live(calendar) == 0
        assert (await gateway.book("Beratung", weekday_ahead(), JUERGEN)).status == "booked"


@pytest.mark.parametrize(
    ("services", "says"),
    [
        ([einmal.Service("", 101, 30)], "must have a name"),
        ([einmal.Service("Beratung", 0, 30)], "event_type_id must be positive"),
        ([einmal.Service("Beratung", 101, 0)], "duration_minutes must be positive"),
        ([einmal.Service("Beratung", 101, 30), einmal.Service("Gespräch", 101, 30)], "event type 101 twice"),
        ([einmal.Service("Beratung", 101, 30), einmal.Service("beratung ", 102, 30)], "two services called beratung"),
    ],
)
async def test_services_that_nobody_could_book_are_a_mistake(
    tmp_path: Path, services: list[einmal.Service], says: str
) -> None:
    with pytest.raises(einmal.BadArgument, match=says):
        await opens(**values(tmp_path, "http://127.0.0.1:9"), services=services)


async def opens(**given: Any) -> None:
    async with einmal.Gateway.open(**given):
        pytest.fail("it opened")


async def test_what_keeps_it_from_opening_is_told_in_words(tmp_path: Path) -> None:
    """Each without a key in its text."""
    given = values(tmp_path, "http://127.0.0.1:9")
    with pytest.raises(einmal.CannotOpen, match="calcom_api_key is missing"):
        await opens()
    with pytest.raises(einmal.CannotOpen, match="EINMAL_ATTENDEE_FALLBACK_EMAIL: needed"):
        await opens(calcom_api_key="cal_secret_1")
    with pytest.raises(einmal.CannotOpen) as without_calendar:
        await opens(**given | {"calcom_api_key": "cal_secret_1"})
    assert "cal_secret_1" not in str(without_calendar.value)
    with pytest.raises(einmal.BadArgument, match="not both"):
        await opens(settings=read_settings({}), **given)
    with pytest.raises(einmal.BadArgument, match="no such tenant; there are default"):
        await opens(**given, tenant_id="praxis")
    upgrade(tmp_path / "ledger.sqlite3")
    connection = connect(tmp_path / "ledger.sqlite3")
    connection.execute("UPDATE alembic_version SET version_num = '0003'")
    connection.close()
    with pytest.raises(einmal.CannotOpen, match="run `einmal db upgrade`"):
        await opens(**given)


def test_what_it_hands_out_cannot_be_changed_and_shows_nobody() -> None:
    assert "Groß" not in repr(JUERGEN)
    assert "+49" not in repr(JUERGEN)
    with pytest.raises(FrozenInstanceError):
        JUERGEN.name = "Anna Weiß"  # type: ignore[misc]


def test_importing_it_loads_nothing() -> None:
    """What the command line and every worker process wait for."""
    program = "import sys, einmal; print(len([m for m in sys.modules if m.startswith('einmal.')])); einmal.Gateway"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout == "0\n"
    assert set(einmal.__all__) <= set(dir(einmal))
    with pytest.raises(AttributeError, match="no attribute 'Gate'"):
        einmal.Gate  # noqa: B018


def test_all_that_can_come_back_is_documented() -> None:
    """Each outcome that a method may have, each field of what is handed out, each exception and each public name."""
    said = set(re.findall(r"`([a-z_.A-Z]+)", DOCUMENT.read_text("utf-8")))
    outcomes = {one.value for one in einmal.Outcome if one is not einmal.Outcome.NOTED}  # that is the phone's alone
    assert outcomes <= said
    parts = {field.name for kind in (einmal.Result, einmal.Booking, einmal.Alternative) for field in fields(kind)}
    assert parts <= said
    assert {"CannotOpen", "BadArgument", "NotOpen"} <= said
    methods = {name for name in vars(einmal.Gateway) if not name.startswith("_")}
    assert methods - {"open"} <= said | {"release"}


def test_the_names_that_its_documents_name_exist() -> None:
    texts = (DOCUMENT.read_text("utf-8"), inspect.getsource(gateway_module), inspect.getsource(library_module))
    named = {name for text in texts for name in re.findall(r"`(einmal(?:\.\w+)+)[(`]", text)}
    assert "einmal.settings.read_settings" in named
    for name in named:
        module, _, last = name.rpartition(".")
        assert hasattr(importlib.import_module(module), last), name


async def test_the_example_of_the_document_runs(tmp_path: Path) -> None:
    """As it stands there, but for the calendar."""
    source = DOCUMENT.read_text("utf-8").partition("```python\n")[2].partition("```")[0]
    async with calcom() as (url, calendar):
        key = 'calcom_api_key="cal_live_put-yours-here",'
        assert key in source
        program = source.replace(key, f"{key} calcom_base_url={url!r},").replace("days=1)", f"days={days_ahead()})")
        ran = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", program),
            cwd=tmp_path,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        printed, complaints = await ran.communicate()
        assert ran.returncode == 0, complaints.decode()
        assert printed.decode().startswith("booked Ihr Termin für Beratung")
        assert "storniert" in printed.decode()
        assert [booking.status.value for booking in calendar.bookings] == ["cancelled"]


def days_ahead() -> int:
    return (weekday_ahead().date() - datetime.now(BERLIN).date()).days
