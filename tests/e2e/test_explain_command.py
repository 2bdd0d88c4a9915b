"""`einmal explain`: the evidence in a terminal, on a real ledger."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from einmal.adapters.sql.sqlite import connect
from einmal.entrypoints.cli.main import main
from support import stories
from support.world import world


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A ledger in which the incident has happened, and somebody must rule."""

    async def play() -> None:
        async with world(tmp_path) as here:
            await stories.incident(here)
            await stories.escalated(here)

    asyncio.run(play())
    path = tmp_path / "ledger.sqlite3"
    monkeypatch.setenv("EINMAL_DATABASE_URL", f"sqlite:///{path}")
    return path


def rows(path: Path, statement: str) -> list[tuple[Any, ...]]:
    connection = connect(path, read_only=True)
    try:
        return connection.execute(statement).fetchall()
    finally:
        connection.close()


def test_the_incident_in_a_terminal(told: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The layer and its reason, what differs by a word, whose it is, what can be done; and nobody's name."""
    assert main(["explain", stories.SECOND]) == 0
    out = capsys.readouterr().out
    assert "Layer 1 (freshness): the booking was 35 min 8 s older than our question" in out
    for field in ("Name", "Call ", "Operation id", "Asked / created"):
        [line] = [line for line in out.splitlines() if line.strip().startswith(field)]
        assert line.rstrip().endswith("≠ differs"), line
    [whose] = [line for line in out.splitlines() if line.strip().startswith("Whose it is")]
    assert stories.FIRST in whose
    assert "Dieser Termin wurde bereits gebucht" in out
    assert "--rejection-wrong" in out
    assert not {"Brandt", "Winter"} & set(out.replace("•", " ").split())


def test_names_are_shown_to_whoever_asks_and_that_is_written_down(
    told: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["explain", stories.SECOND]) == 0
    assert rows(told, "SELECT count(*) FROM system_audit_log") == [(0,)]
    assert main(["explain", stories.SECOND, "--reveal", "--language", "de"]) == 0
    out = capsys.readouterr().out
    assert "Paul Brandt" in out
    assert "Clara Winter" in out
    [(what, data)] = rows(told, "SELECT event_type, data FROM system_audit_log")
    assert (what, json.loads(data)) == ("personal_data_shown", {"role": "terminal", "id": stories.SECOND})


def test_as_json_it_is_the_same_story(told: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", stories.SECOND, "--json"]) == 0
    [story] = json.loads(capsys.readouterr().out)
    assert (story["tenant"], story["masked"], len(story["intents"])) == ("default", True, 1)
    [judged] = [moment for moment in story["timeline"] if moment["kind"] == "verdict"]
    differing = {line["field"] for line in judged["compared"] if line["differs"]}
    assert {"name", "call_id", "operation_id", "created_at"} <= differing
    assert judged["whose_call"] == stories.FIRST


def test_an_intent_is_explained_by_any_of_its_ids(told: Path, capsys: pytest.CaptureFixture[str]) -> None:
    [(intent_id, operation_id)] = rows(told, "SELECT intent_id, operation_id FROM intents WHERE state = 'escalated'")
    for one in (intent_id, operation_id):
        assert main(["explain", one]) == 0
        out = capsys.readouterr().out
        assert "A person must decide: our booking stands at another time than was wished." in out
        assert f"einmal intents rule {intent_id} --booked UID" in out


def test_an_id_that_nobody_knows(told: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It says what ids there are; and asking to see names of nobody is not written down."""
    assert main(["explain", "unknown", "--reveal"]) == 2
    told_err = capsys.readouterr().err
    assert "knows no call, intent, appointment, operation or booking 'unknown'" in told_err
    assert rows(told, "SELECT count(*) FROM system_audit_log") == [(0,)]


def test_a_call_of_two_tenants_is_told_twice(told: Path, capsys: pytest.CaptureFixture[str]) -> None:
    connection = connect(told)
    with connection:
        connection.execute(
            "INSERT INTO tenants (tenant_id, name, hash_key, created_at)"
            " VALUES ('other', 'Other', x'00', '2026-01-01T00:00:00.000Z')"
        )
        connection.execute(
            "INSERT INTO function_calls VALUES ('01s', 'other', ?, '2026-11-23T09:00:00.000Z', 'retell', 'book',"
            " 'booked', 'Gebucht.', 5, NULL)",
            (stories.SECOND,),
        )
    connection.close()
    assert main(["explain", stories.SECOND]) == 0
    out = capsys.readouterr().out
    assert f"call {stories.SECOND}, tenant default" in out
    assert f"call {stories.SECOND}, tenant other" in out


def test_without_a_ledger_it_could_not_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("EINMAL_DATABASE_URL", f"sqlite:///{tmp_path}/none.sqlite3")
    assert main(["explain", "call_1"]) == 4
    assert "there is no ledger" in capsys.readouterr().err


def test_the_demo_leaves_a_ledger_to_look_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the incident in it; what is there already is not written over."""
    path = tmp_path / "incident.sqlite3"
    assert main(["demo", "--ledger", str(path)]) == 0
    call_id = capsys.readouterr().out.split("einmal explain ")[1].split()[0]
    monkeypatch.setenv("EINMAL_DATABASE_URL", f"sqlite:///{path}")
    assert main(["explain", call_id]) == 0
    assert "so it answers somebody else's" in capsys.readouterr().out
    assert main(["demo", "--ledger", str(path)]) == 2
    assert "is there already" in capsys.readouterr().err
