"""`einmal audit` and `einmal dedupe` on our own ledger: what tells of an appointment changes with it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from einmal.adapters.sql.migrate import has_layer_4
from support.sql import BASES, SqlBase
from support.tables import UID, Operator

AT = "2026-10-06T09:0{}:00.000Z"


@pytest.fixture(params=BASES)
def ledger(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SqlBase]:
    """A ledger whose layer 4 is down, with two callers who were given one booking."""
    with BASES[request.param](tmp_path) as base:
        where = f"sqlite:///{base.where}" if isinstance(base.where, Path) else base.where
        monkeypatch.setenv("EINMAL_DATABASE_URL", where)
        base.add_tenant("salon")
        base.drop_layer_4()
        for number, state in enumerate(["confirmed", "confirmed", "pending", "confirmed"]):
            booked(base, number, state, UID if number in {1, 2} else f"own{number}")
        yield base


@pytest.fixture
def einmal(capsys: pytest.CaptureFixture[str]) -> Operator:
    return Operator(capsys)


def booked(base: SqlBase, number: int, state: str, uid: str) -> None:
    at = AT.format(number)
    base.run(
        "INSERT INTO customers (customer_id, tenant_id, name, name_normal, created_at) "  # noqa: S608 - the tests' own
        f"VALUES ('c{number}', 'salon', 'Anna Weiß', 'anna weiss', '{at}')"
    )
    base.run(
        "INSERT INTO intents (intent_id, tenant_id, operation_id, intent_key, generation, fingerprint, person_kind, "  # noqa: S608 - the tests' own
        "person_hash, name_hash, conversation_id, service_id, service_name, event_type_id, duration_minutes, start_at, "
        f"attendee_email, phone_hash, state, epoch, created_at, booking_uid) VALUES ('i{number}', 'salon', "
        f"'op{number}', 'key{number}', 1, '-', 'phone', '-', '-', 'call_{number}', 's', 'S', 1, 30, "
        f"'2026-12-01T09:0{number}:00.000Z', 'a@x.test', 'phone{number}', '{state}', 1, '{at}', '{uid}')"
    )
    base.run(
        "INSERT INTO appointments (appointment_id, tenant_id, intent_id, customer_id, service_id, call_id, starts_at, "  # noqa: S608 - the tests' own
        f"ends_at, status, calcom_v2_booking_id, created_at) VALUES ('a{number}', 'salon', 'i{number}', 'c{number}', "
        f"'s', 'call_{number}', '2026-12-01T09:00:00.000Z', '2026-12-01T09:30:00.000Z', '{state}', '{uid}', '{at}')"
    )


def held(base: SqlBase) -> list[tuple[Any, ...]]:
    """Everything of both tables."""
    tables = ("appointments", "appointment_id"), ("intents", "intent_id")
    return [row for table, order in tables for row in base.run(f"SELECT * FROM {table} ORDER BY {order}")]  # noqa: S608


def test_the_incident_in_our_own_ledger(ledger: SqlBase, einmal: Operator) -> None:
    """Found, planned, repaired with its intent, undone, repaired again; at the end layer 4 stands."""
    before = held(ledger)
    audit = einmal("audit", "--json")
    assert audit.code == 1, audit.err
    [group] = json.loads(audit.out)["duplicates"]
    assert [(row["id"], row["call_id"], row["oldest"]) for row in group["rows"]] == [
        ("a1", "call_1", True),
        ("a2", "call_2", False),
    ]
    assert einmal("dedupe").code == 1
    assert held(ledger) == before

    done = einmal("dedupe", "--apply")
    assert done.code == 0, done.err
    assert "Anna" not in audit.out + done.out
    assert "call call_2  customer_id c2" in done.out
    assert ledger.rows("appointments", "appointment_id", "status", "calcom_v2_booking_id") == [
        ("a0", "confirmed", "own0"),
        ("a1", "confirmed", UID),
        ("a2", "cancelled", None),
        ("a3", "confirmed", "own3"),
    ]
    assert ledger.rows("intents", "intent_id", "state", "booking_uid") == [
        ("i0", "confirmed", "own0"),
        ("i1", "confirmed", UID),
        ("i2", "cancelled", None),
        ("i3", "confirmed", "own3"),
    ]
    assert has_layer_4(ledger.where)
    assert einmal("audit").code == 0
    assert einmal("db", "version").code == 0

    undone = einmal("dedupe", "--undo")
    assert undone.code == 0, undone.err
    assert held(ledger) == before
    assert not has_layer_4(ledger.where)
    assert einmal("dedupe", "--apply").code == 0
    assert has_layer_4(ledger.where)
    log = ledger.rows("system_audit_log", "id", "event_type")
    assert [event.removeprefix("duplicate_booking_bug") for _, event in log] == [
        "",
        "_repaired",
        "_undone",
        "_undone",
        "",
        "_repaired",
    ]


def test_a_booking_that_ended_in_any_way_is_not_kept_in_place_of_one_that_stands(
    ledger: SqlBase, einmal: Operator
) -> None:
    """An appointment that was moved away is no appointment, in our own words."""
    ledger.run("UPDATE appointments SET status = 'moved' WHERE appointment_id = 'a1'")
    done = einmal("dedupe", "--apply", "--json")
    assert (done.code, json.loads(done.out)["contacts"]) == (0, [])
    assert ledger.rows("appointments", "appointment_id", "status", "calcom_v2_booking_id")[1:3] == [
        ("a1", "cancelled", None),
        ("a2", "pending", UID),
    ]
    assert ledger.rows("intents", "intent_id", "state", "booking_uid")[2] == ("i2", "pending", UID)


def test_our_own_ledger_named_by_its_url_is_refused(
    ledger: SqlBase, einmal: Operator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Its intents would go on telling of what was cancelled: said, whatever the settings name for the ledger."""
    before = held(ledger)
    where = f"sqlite:///{ledger.where}" if isinstance(ledger.where, Path) else ledger.where
    named = ("dedupe", "--url", where, "--id-column", "appointment_id")
    ways = ((), ("--apply",), ("--apply", "--delete"), ("--undo",))
    for words in ways:
        told = einmal(*named, *words)
        assert (told.code, "--url names our own ledger" in told.err) == (2, True), told
    monkeypatch.setenv("EINMAL_DATABASE_URL", f"sqlite:///{tmp_path}/other.sqlite3")
    for words in ways:
        told = einmal(*named, *words)
        assert (told.code, "run it without --url" in told.err) == (4, True), told
    assert held(ledger) == before
    assert not has_layer_4(ledger.where)


def test_the_log_holds_nothing_of_an_intent_but_what_changed(ledger: SqlBase, einmal: Operator) -> None:
    """Names and numbers stay where they are."""
    assert einmal("dedupe", "--apply").code == 0
    [data] = [
        row[0] for row in ledger.run("SELECT data FROM system_audit_log WHERE event_type = 'duplicate_booking_bug'")
    ]
    beside = (json.loads(data) if isinstance(data, str) else data)["beside"]
    assert beside["before"] == {"intent_id": "i2", "state": "pending", "epoch": 1, "booking_uid": UID}
    assert beside["after"] == {"intent_id": "i2", "state": "cancelled", "epoch": 1, "booking_uid": None}


def test_an_undo_gives_no_caller_two_appointments(ledger: SqlBase, einmal: Operator) -> None:
    """Whoever has booked anew since keeps that; what was cancelled stays so, and is told."""
    assert einmal("dedupe", "--apply").code == 0
    ledger.run("UPDATE intents SET phone_hash = 'phone2', start_at = '2026-12-01T09:02:00.000Z' WHERE intent_id = 'i3'")
    told = einmal("dedupe", "--undo")
    assert (told.code, told.err.endswith("  a2\n")) == (1, True)
    assert ledger.rows("intents", "intent_id", "state")[2] == ("i2", "cancelled")
    assert ledger.rows("appointments", "appointment_id", "status")[2] == ("a2", "cancelled")


def test_an_undo_leaves_alone_what_its_intent_has_become(ledger: SqlBase, einmal: Operator) -> None:
    """An intent that somebody moved on takes its appointment with it."""
    assert einmal("dedupe", "--apply").code == 0
    ledger.run("UPDATE intents SET state = 'lost' WHERE intent_id = 'i2'")
    told = einmal("dedupe", "--undo")
    assert (told.code, told.err.endswith("  a2\n")) == (1, True)
    assert ledger.rows("appointments", "appointment_id", "status")[2] == ("a2", "cancelled")


def test_an_intent_that_ended_otherwise_keeps_its_end(ledger: SqlBase, einmal: Operator) -> None:
    """Only what tells of a booking is cancelled; that it does not point at one is true of all."""
    ledger.run("UPDATE intents SET state = 'moved' WHERE intent_id = 'i2'")
    assert einmal("dedupe", "--apply").code == 0
    assert ledger.rows("intents", "intent_id", "state", "booking_uid")[2] == ("i2", "moved", None)


def test_what_does_not_go_with_our_own_ledger(ledger: SqlBase, einmal: Operator) -> None:
    """Deleting, and naming another table: usage, with why; nothing is changed."""
    before = held(ledger)
    for words, said in (
        (("dedupe", "--delete"), "an intent tells what a caller was told"),
        (("dedupe", "--apply", "--delete"), "an intent tells what a caller was told"),
        (("audit", "--table", "customers"), "--table goes with --url"),
        (("dedupe", "--note-column", "x"), "--note-column goes with --url"),
        (("audit", "--limit", "-1"), "--limit must be 0 or more"),
    ):
        told = einmal(*words)
        assert (told.code, said in told.err) == (2, True), told
    assert held(ledger) == before
