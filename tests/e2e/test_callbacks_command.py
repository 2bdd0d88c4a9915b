"""`einmal callbacks`: whom to call, what about, and that it is done. On real ledgers."""

import asyncio
import json
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from einmal.adapters.sql.ledger import SqliteLedger
from einmal.adapters.system import SystemIds
from einmal.domain.callback import Callback
from einmal.entrypoints.cli.main import main
from support.evidence import CALL, NOW
from support.ledger_file import new_ledger

IDS = SystemIds()


@dataclass
class Desk:
    """A ledger, and somebody who looks into it."""

    path: Path
    output: pytest.CaptureFixture[str]

    def told(self, *words: str) -> tuple[int, str, str]:
        code = main(["callbacks", *words])
        output = self.output.readouterr()
        return code, output.out, output.err

    def note(self, *callbacks: Callback) -> None:
        ledger = SqliteLedger(self.path, IDS)

        async def noted() -> None:
            for one in callbacks:
                await ledger.ensure_tenant(one.tenant_id, one.tenant_id, (), NOW)
                await ledger.callbacks.note(one)

        ledger.open()
        asyncio.run(noted())
        ledger.close()


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Desk:
    path = tmp_path / "ledger.sqlite3"
    monkeypatch.setenv("EINMAL_DATABASE_URL", f"sqlite:///{path}")
    monkeypatch.setenv("COLUMNS", "80")
    new_ledger(path)
    return Desk(path, capsys)


def wanted(number: int, **parts: Any) -> Callback:
    told = {"tenant_id": "default", "conversation_id": CALL, "name": "Jürgen Groß", "note": None, "wanted": None}
    born = {"callback_id": f"01callback{number}", "phone": f"+493090182{number}"}
    return Callback(**told | born | {"created_at": NOW + timedelta(minutes=number)} | parts)


def test_where_nobody_waits_it_says_where_they_would_come_from(desk: Desk) -> None:
    code, out, err = desk.told("list")
    assert (code, err) == (0, "")
    assert out.startswith("Nobody waits for a call-back.")
    assert "einmal tools retell" in out
    assert desk.told("list", "--json")[:2] == (0, "[]\n")


def test_whoever_waits_is_shown_with_all_that_is_needed(desk: Desk) -> None:
    """Longest first; local time of the house; what was not said is left out."""
    told = wanted(1, note="Termin [bold]verschieben[/bold] :smile:", wanted="morgen ab 17 Uhr")
    desk.note(wanted(2, name=None), told)
    code, out, err = desk.told("list")
    assert (code, err) == (1, "")
    assert [line.rstrip() for line in out.splitlines()] == [
        "call-back  01callback1",
        "since      2026-11-23 10:01",
        "name       Jürgen Groß",
        "phone      +4930901821",
        "wanted     morgen ab 17 Uhr",
        "about      Termin [bold]verschieben[/bold] :smile:",
        "",
        "call-back  01callback2",
        "since      2026-11-23 10:02",
        "name       -",
        "phone      +4930901822",
        "",
        "When somebody has called: einmal callbacks done ID",
    ]


def test_for_a_script_there_is_json(desk: Desk) -> None:
    desk.note(wanted(1, note="Färben"))
    code, out, _ = desk.told("list", "--json")
    assert code == 1
    assert json.loads(out) == [
        {
            "callback": "01callback1",
            "tenant": "default",
            "call_id": CALL,
            "name": "Jürgen Groß",
            "phone": "+4930901821",
            "wanted": None,
            "note": "Färben",
            "created_at": "2026-11-23T09:01:00+00:00",
        }
    ]
    assert "Färben" in out


def test_what_is_done_is_not_shown_again(desk: Desk) -> None:
    """And whoever does it twice, or mistypes the id, is told so."""
    desk.note(wanted(1))
    assert desk.told("done", "01callback1") == (0, "Done.\n", "")
    code, out, err = desk.told("done", "01callback1")
    assert (code, out) == (2, "")
    assert "no call-back 01callback1 is open" in err
    assert desk.told("list")[0] == 0


def test_of_several_houses_each_or_one(desk: Desk) -> None:
    """Also of a house that is not configured here: its callers wait all the same."""
    desk.note(wanted(1), wanted(2, tenant_id="gone"))
    code, out, _ = desk.told("list")
    assert code == 1
    assert [line.split()[1] for line in out.splitlines() if line.startswith("tenant")] == ["default", "gone"]
    code, out, _ = desk.told("list", "--tenant", "gone", "--json")
    assert [one["callback"] for one in json.loads(out)] == ["01callback2"]
    code, out, err = desk.told("list", "--tenant", "nobody")
    assert (code, out) == (2, "")
    assert "there are default, gone" in err


def test_more_than_are_shown_are_counted(desk: Desk) -> None:
    """Nobody waits unseen behind the last line."""
    desk.note(*map(wanted, range(3)), wanted(3, tenant_id="other"))
    code, out, err = desk.told("list", "--limit", "2", "--json")
    assert code == 1
    assert [one["callback"] for one in json.loads(out)] == ["01callback0", "01callback1"]
    assert err == "einmal: 2 more; see --limit\n"
    assert desk.told("list", "--limit", "0")[0] == 2


@pytest.mark.parametrize("words", [("list",), ("list", "--json"), ("done", "01callback1")])
def test_without_a_ledger_it_cannot_look(desk: Desk, words: tuple[str, ...]) -> None:
    """And says so, instead of "nobody waits"."""
    desk.path.unlink()
    code, out, err = desk.told(*words)
    assert (code, out) == (4, "")
    assert "there is no ledger" in err
    assert not desk.path.exists()
