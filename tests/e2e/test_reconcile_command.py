"""`einmal reconcile` as an operator runs it: beside a gateway, after people changed the calendar, and on nothing."""

import json
import urllib.request
from pathlib import Path
from typing import Any

from e2e.test_commands import BODY, against, ask, command, free_port, running

NEVER = {"EINMAL_RECONCILE_SECONDS": "0", "EINMAL_VERIFY_SECONDS": "0"}


def control(port: int, path: str, method: str = "GET") -> Any:
    asked = urllib.request.Request(f"http://127.0.0.1:{port}/control/{path}", method=method)
    with urllib.request.urlopen(asked, timeout=10) as answer:  # noqa: S310 - loopback
        return json.load(answer)


def test_it_tells_and_mends_what_people_changed(tmp_path: Path) -> None:
    """Exit code 1 where something is left, 0 where it was mended or nothing was; 4 when the calendar is gone."""
    simulator, port = free_port(), free_port()
    environment = against(simulator, port) | NEVER
    url = f"http://127.0.0.1:{port}/api/retell/collect-appointment"
    with running("simulator", "--port", str(simulator), folder=tmp_path, until="Simulated"):
        with running("serve", folder=tmp_path, until="Services", **environment):
            assert ask(url, BODY)["status"] == "booked"
            same = command("reconcile", folder=tmp_path, **environment)
            assert (same.returncode, "of one mind" in same.stdout) == (0, True), same.stderr
        uid = control(simulator, "bookings")["bookings"][0]["uid"]
        control(simulator, f"cancel/{uid}", "POST")
        told = command("reconcile", "--dry-run", folder=tmp_path, **environment)
        assert told.returncode == 1
        assert "1 x status" in told.stdout
        assert "Nothing was changed" in told.stdout
        mended = command("reconcile", "--json", folder=tmp_path, **environment)
        assert mended.returncode == 0, mended.stderr
        seen = json.loads(mended.stdout)
        assert (seen["counts"]["found"], seen["counts"]["mended"]) == ({"status": 1}, 1)
        assert [one["booking"] for one in seen["differences"]] == [uid]
        again = command("reconcile", folder=tmp_path, **environment)
        assert (again.returncode, "of one mind" in again.stdout) == (0, True)
        for words in (told, mended):
            assert "Groß" not in words.stdout + words.stderr
    gone = command("reconcile", folder=tmp_path, **environment)
    assert (gone.returncode, "cannot be read (connect)" in gone.stderr) == (4, True)


def test_what_cannot_be_compared_is_said(tmp_path: Path) -> None:
    environment = against(free_port(), free_port(), EINMAL_DATABASE_URL=f"sqlite:///{tmp_path}/ledger.sqlite3")
    missing = command("reconcile", folder=tmp_path, **environment)
    assert (missing.returncode, "there is no ledger" in missing.stderr) == (4, True)
    assert command("db", "upgrade", folder=tmp_path, **environment).returncode == 0
    for arguments, words in ((["--since", "soon"], "say 30d"), (["--tenant", "nobody"], "there are default")):
        wrong = command("reconcile", *arguments, folder=tmp_path, **environment)
        assert (wrong.returncode, words in wrong.stderr) == (2, True)
    keyless = {"EINMAL_DATABASE_URL": environment["EINMAL_DATABASE_URL"]}
    without = command("reconcile", folder=tmp_path, **keyless)
    assert (without.returncode, "EINMAL_CALCOM_API_KEY is not set" in without.stderr) == (2, True)
