"""`einmal invariants` as an operator runs it: beside a gateway that serves, on books that somebody bent, on none."""

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from e2e.test_commands import BODY, WISH, against, ask, command, free_port, running
from einmal.entrypoints.cli.invariants import since_of

CALL_2 = json.dumps({"call": {"call_id": "call_2"}, "args": WISH | {"name": "Anna Vogel", "telefon": "+4915799912345"}})


def test_it_reads_beside_a_gateway_and_finds_what_was_bent(tmp_path: Path) -> None:
    """Exit code 0, then 1 with the ids of the intents and nobody's name; 4 when the calendar is gone."""
    simulator, port = free_port(), free_port()
    environment = against(simulator, port)
    url = f"http://127.0.0.1:{port}/api/retell/collect-appointment"
    with running("simulator", "--port", str(simulator), folder=tmp_path, until="Simulated"):
        with running("serve", folder=tmp_path, until="Services", **environment):
            empty = command("invariants", folder=tmp_path, **environment)
            assert (empty.returncode, "holds no intents yet" in empty.stdout) == (0, True), empty.stderr
            assert ask(url, BODY)["status"] == "booked"
            assert ask(url, CALL_2)["status"] == "slot_taken"
            good = command("invariants", "--json", folder=tmp_path, **environment)
            assert good.returncode == 0, good.stdout + good.stderr
            seen = json.loads(good.stdout)
            assert (seen["intents"], seen["bookings"], seen["violations"]) == (2, 1, 0)
            assert seen["intents_taken_over_unasked"] == 0
            assert "Taken over" not in empty.stdout
            assert [one["invariant"] for one in seen["invariants"]] == [f"I{number}" for number in range(1, 19)]
            nothing = command("invariants", "--since", "2100-01-01", folder=tmp_path, **environment)
            assert (nothing.returncode, "None in this window" in nothing.stdout) == (0, True)
        with closing(sqlite3.connect(tmp_path / "data" / "einmal.sqlite3")) as ledger, ledger:
            [(intent_id,)] = ledger.execute("SELECT intent_id FROM appointments").fetchall()
            ledger.execute("UPDATE appointments SET starts_at = '2027-12-01T08:00:00.000Z'")
        bent = command("invariants", folder=tmp_path, **environment)
        assert bent.returncode == 1
        assert f"{intent_id}: the ledger holds another start than the calendar" in bent.stdout
        assert "I2  VIOLATED (1)" in bent.stdout
        assert "2 violated" in bent.stdout
        for words in (good, bent):
            assert not any(name in words.stdout + words.stderr for name in ("Groß", "Vogel", "99912345"))
        with closing(sqlite3.connect(tmp_path / "data" / "einmal.sqlite3")) as ledger, ledger:
            ledger.execute("UPDATE appointments SET calcom_v2_booking_id = 'of_another_program'")
            ledger.execute("UPDATE intents SET imported_from = 'appointments#1' WHERE state = 'confirmed'")
        taken = command("invariants", folder=tmp_path, **environment)
        assert "Taken over, and their bookings not listed: 1." in taken.stdout
    gone = command("invariants", folder=tmp_path, **environment)
    assert gone.returncode == 4
    assert "the calendar's page 1 cannot be read (connect)" in gone.stderr
    assert gone.stdout == ""


def test_what_cannot_be_looked_at_is_said(tmp_path: Path) -> None:
    """No ledger, no ledger of ours, another schema: 4. No key, no such time: 2."""
    path = tmp_path / "ledger.sqlite3"
    environment = against(free_port(), free_port(), EINMAL_DATABASE_URL=f"sqlite:///{path}")
    missing = command("invariants", folder=tmp_path, **environment)
    assert (missing.returncode, "there is no ledger" in missing.stderr) == (4, True)
    assert not path.exists(), "looking makes nothing"
    wrong = command("invariants", "--since", "yesterday", folder=tmp_path, **environment)
    assert (wrong.returncode, "say 30d" in wrong.stderr) == (2, True)
    path.write_text("this is no database, but it is long enough to look at")
    odd = command("invariants", folder=tmp_path, **environment)
    assert (odd.returncode, "cannot be read as an SQLite database" in odd.stderr) == (4, True)
    path.unlink()
    assert command("db", "upgrade", folder=tmp_path, **environment).returncode == 0
    keyless = {"EINMAL_DATABASE_URL": f"sqlite:///{path}"}
    without = command("invariants", folder=tmp_path, **keyless)
    assert (without.returncode, "EINMAL_CALCOM_API_KEY is not set" in without.stderr) == (2, True)
    with closing(sqlite3.connect(path)) as ledger, ledger:
        ledger.execute("UPDATE alembic_version SET version_num = '0001'")
    old = command("invariants", folder=tmp_path, **environment)
    assert (old.returncode, "einmal db upgrade" in old.stderr) == (4, True)


NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "since"),
    [
        ("30d", NOW - timedelta(days=30)),
        ("12h", NOW - timedelta(hours=12)),
        ("2026-11-01", datetime(2026, 11, 1, tzinfo=UTC)),
        ("2026-11-01T09:00Z", datetime(2026, 11, 1, 9, tzinfo=UTC)),
        ("2026-11-01T09:00+01:00", datetime(2026, 11, 1, 8, tzinfo=UTC)),
        ("", None),
        ("30", None),
        ("-1d", None),
        ("99999999d", None),
        ("99999d", NOW - timedelta(days=99_999)),
        ("yesterday", None),
        ("0001-01-01T00:00+14:00", None),
    ],
)
def test_since_when(text: str, since: datetime | None) -> None:
    """A date is of UTC; what names no instant is refused."""
    assert since_of(text, NOW) == since
