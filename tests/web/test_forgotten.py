"""Pages, table, terminal, invariants and report over a ledger that has forgotten whose its appointments were."""

import asyncio
import csv
import io
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import aiohttp
import pytest

from einmal.domain.week import Week
from einmal.entrypoints.cli.main import main
from einmal.flows.inspect import Inspection
from einmal.flows.report import Reports
from einmal.ports.forgetting import Whom
from support.browser import site
from support.changes import LATER, TEN, booked
from support.world import World, world

TOKEN = "an-operators-token-for-tests"
PHONE = "+491701234567"
AFTER = TEN + timedelta(days=32)


@dataclass(frozen=True)
class Known:
    """Ids of what happened: booked, cancelled, called back."""

    calls: tuple[str, ...]
    intents: tuple[str, ...]


async def lived(salon: World) -> Known:
    """Booked in one call, cancelled in the next, and a call-back that was done; then more than a month goes by."""
    await booked(salon, email="juergen@gast.test")
    await salon.ask("request_callback", LATER, name="Jürgen Groß", telefon=PHONE, anliegen="Bitte klingeln")
    await booked(salon, LATER, uhrzeit="15:00", zusaetzlich=True)
    for (callback_id,) in salon.rows("SELECT callback_id FROM callbacks"):
        await salon.gateway._parts.ledger.callbacks.done(callback_id, salon.clock.now())  # noqa: SLF001
    await salon.gateway.journal.turn()
    await salon.gateway.worker.deliveries.turn()
    calls = tuple(call for (call,) in salon.rows("SELECT DISTINCT conversation_id FROM intents ORDER BY 1"))
    intents = tuple(one for (one,) in salon.rows("SELECT intent_id FROM intents ORDER BY 1"))
    assert intents
    salon.clock.pass_time(AFTER - salon.clock.now())
    return Known(calls, intents)


async def by_itself(salon: World) -> None:
    for _ in range(3):
        await salon.gateway.worker.turn()


async def on_request(salon: World) -> None:
    [(phone_hash,)] = salon.rows("SELECT DISTINCT phone_hash FROM intents")
    books = salon.gateway._parts.ledger.forgetting  # noqa: SLF001 - as the command has it
    held = await books.erase("default", Whom(PHONE, phone_hash), salon.clock.now())
    assert held.stands == ()


Forgets = Callable[[World], Awaitable[None]]


@pytest.mark.parametrize("forgets", [by_itself, on_request])
async def test_each_page_is_there_and_names_nobody(tmp_path: Path, forgets: Forgets) -> None:
    """The desk, the calls, each call and intent, masked and revealed, and the table for a spreadsheet."""
    async with world(tmp_path, EINMAL_ADMIN_TOKEN=TOKEN) as salon:
        known = await lived(salon)
        await forgets(salon)
        assert salon.rows("SELECT person_name FROM intents WHERE person_name IS NOT NULL") == []
        paths = ["/", "/desk/figures", "/desk/calls", "/calls", *(f"/calls/{one}" for one in known.calls)]
        paths += [f"/intents/{one}" for one in known.intents]
        paths += [f"{one}?reveal=1" for one in paths[4:]]
        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with site(salon) as url, aiohttp.ClientSession(url, headers=headers) as client:
            for path in paths:
                async with client.get(path) as response:
                    text = await response.text()
                    assert response.status == 200, path
                    assert not any(word in text for word in ("Groß", "1701234567", "juergen@", "klingeln")), path
            days = {"from": "2026-12-01", "to": "2026-12-01"}
            async with client.get("/export/appointments.csv", params=days) as response:
                head, *rows = csv.reader(io.StringIO((await response.read()).decode("utf-8-sig"), newline=""))
        read = [dict(zip(head, row, strict=True)) for row in rows]
        assert [(one["service"], one["name"], one["phone"], one["email"]) for one in read] == [
            ("Beratung", "", "", "")
        ] * 2


@pytest.mark.parametrize("forgets", [by_itself, on_request])
async def test_every_promise_is_still_seen_to_be_kept(tmp_path: Path, forgets: Forgets) -> None:
    """The invariants find nothing, the report counts the same bookings as before."""
    async with world(tmp_path) as salon:
        await lived(salon)
        reports = Reports(salon.gateway._parts.ledger.report, "Europe/Berlin")  # noqa: SLF001
        week = Week.of(salon.clock.now().astimezone(ZoneInfo("Europe/Berlin")).date())
        before = await reports.made(week, salon.clock.now(), None)
        await forgets(salon)
        gateway = salon.gateway
        calendar = gateway.tenancies.sole.behind.doubts.calendar
        inspection = Inspection("default", gateway._parts.ledger.history, gateway.ledger, calendar, salon.clock, True)  # noqa: SLF001
        seen = await inspection.run(TEN - timedelta(days=30))
        assert (seen.violations, seen.unread_intents, seen.intents) == ((), 0, 2)
        assert await reports.made(week, salon.clock.now(), None) == before


@pytest.mark.parametrize("forgets", [by_itself, on_request])
async def test_the_terminal_explains_it(
    tmp_path: Path, forgets: Forgets, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was asked, answered and decided, and nobody's name, revealed or not."""
    async with world(tmp_path) as salon:
        known = await lived(salon)
        await forgets(salon)
        monkeypatch.setenv("EINMAL_DATABASE_URL", f"sqlite:///{salon.path}")
        for words in ([], ["--reveal"], ["--json", "--reveal"]):
            for one in (*known.calls, *known.intents):
                assert await asyncio.to_thread(main, ["explain", one, *words]) == 0
                told = capsys.readouterr().out
                assert "Beratung" in told
                assert not any(word in told for word in ("Groß", "1701234567", "juergen@", "klingeln"))
