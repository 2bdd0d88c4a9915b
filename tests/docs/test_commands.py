"""Every command in the documents runs, page by page, in a house that has what the page presupposes.

The house is a simulated Cal.com and a gateway on a ledger of its own; an old gateway's table has what that gateway
booked there, one booking twice. What cannot run here stands in NOT_RUN with its reason, and nothing else is left out.
"""

import contextlib
import json
import os
import re
import shutil
import signal
import sqlite3
import stat
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import pytest

from support.pages import ROOT, Terminal, blocks, terminal
from support.ports import free_port

NOT_RUN: Final[dict[tuple[str, str], str]] = {
    ("docs/operating.md", "einmal verify --event-type 4711"): "books at the real Cal.com, which needs an account",
    ("docs/operating.md", "systemctl stop einmal einmal-work"): "needs an older version installed beside this one",
    ("docs/proofs.md", "make soak LEG=simulate"): "takes twenty minutes; tests/simulation runs the same worlds",
    ("docs/proofs.md", "einmal simulate --ledger postgres"): "needs a server; tests/simulation runs worlds on one",
    ("deploy/README.md", "git clone"): "needs systemd as the first process",
    ("deploy/README.md", "apt-get install postgresql patroni"): "needs three nodes; `make soak LEG=ha` runs them",
    ("deploy/README.md", "python3 -m venv"): "needs a release; tests/packaging/test_installed.py installs one",
    (
        "docs/package.md",
        "pipx run",
    ): "needs a release; tests/packaging/test_installed.py installs one",
    ("docs/package.md", "pip install"): "the same",
    ("docs/security.md", "einmal secrets key"): "asks at a terminal; tests/test_sealed.py and tests/e2e run it",
    ("docs/security.md", "einmal db roles"): "needs PostgreSQL; tests/adapters/test_postgres_roles.py has one",
    ("docs/model/README.md", ".venv/bin/python tests/model/tlc.py"): "takes minutes; tests/model runs every variant",
    ("README.md", "make test"): "is this",
}
"""By page and how the block begins."""

ELSEWHERE: Final = {
    "docs/tutorial.md": "tests/docs/test_tutorial.py",
}
"""Whose commands another test runs."""

PAGES: Final = (
    "README.md",
    "docs/configuration.md",
    "docs/importing.md",
    "docs/migrating.md",
    "docs/operating.md",
    "docs/privacy.md",
    "docs/proofs.md",
    "docs/proxy.md",
    "docs/rest.md",
)

SYSTEMCTL: Final = """#!/bin/sh
# What systemd would do, with the one gateway of this house.
stop() {
  test -e gateway.pid || return
  kill "$(cat gateway.pid)"
  while kill -0 "$(cat gateway.pid)" 2>/dev/null; do sleep 0.05; done
  rm -f gateway.pid
}
start() {
  : >gateway.log
  EINMAL_PORT={port} .venv/bin/einmal serve >>gateway.log 2>&1 </dev/null &
  echo $! >gateway.pid
  until grep -q 'is listening' gateway.log; do
    kill -0 "$(cat gateway.pid)" || { cat gateway.log; exit 1; }
    sleep 0.05
  done
}
case "$1" in start) start ;; stop) stop ;; restart) stop; start ;; esac
"""

SQLITE: Final = """#!/bin/sh
# For a machine without SQLite's own command.
exec .venv/bin/python -c 'import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute(sys.argv[2])' "$@"
"""


@contextlib.contextmanager
def house(folder: Path, *, busy: bool) -> Iterator[Terminal]:
    """A Cal.com, a gateway on a ledger, an old table; where it is `busy` an appointment and a call-back as well."""
    calcom, gateway, beside = free_port(), free_port(), free_port()
    (folder / "backup").mkdir()
    instead = {
        "127.0.0.1:8080": f"127.0.0.1:{gateway}",
        "127.0.0.1:8081": f"127.0.0.1:{beside}",
        "EINMAL_PORT=8081": f"EINMAL_PORT={beside}",
        "/var/lib/einmal/ledger.sqlite3": str(folder / "data" / "einmal.sqlite3"),
        "/backup/": f"{folder / 'backup'}/",
        "postgresql://reader@db/salon": f"sqlite:///{folder / 'old.sqlite3'}",
        "postgresql://owner@db/salon": f"sqlite:///{folder / 'old.sqlite3'}",
        "mysql://me@host/salon": f"sqlite:///{folder / 'old.sqlite3'}",
        "--intents 20000": "--intents 200",
        "2026-12-01T": f"{_ahead(4)}T",
        "cal_…": "cal_any",
    }
    environment = {
        "EINMAL_CALCOM_BASE_URL": f"http://127.0.0.1:{calcom}",
        "EINMAL_CALCOM_API_KEY": "cal_any",
        "EINMAL_CALCOM_WEBHOOK_SECRET": "for-this-house-alone",
        "EINMAL_ATTENDEE_FALLBACK_EMAIL": "termin@salon.test",
        "EINMAL_PORT": str(free_port()),  # of whatever a page starts beside it
    }
    with terminal(folder, instead, **environment) as typed:
        _tool(folder / "tools" / "systemctl", SYSTEMCTL.replace("{port}", str(gateway)))
        if shutil.which("sqlite3") is None:
            _tool(folder / "tools" / "sqlite3", SQLITE)
        typed.keep(f"einmal simulator --port {calcom}", "Simulated Cal.com")
        try:
            typed.run("mkdir data && systemctl start einmal")
            _old_table(folder / "old.sqlite3", calcom)
            typed.instead = instead = instead | {'"eventTypeId":101': f'"eventTypeId":{_beratung(calcom)}'}
            if busy:
                wish = {"name": "Jürgen Groß", "dienstleistung": "Beratung", "datum": "morgen", "uhrzeit": "15 Uhr"}
                _asked(gateway, "book_appointment", wish)
                _asked(gateway, "request_callback", {"name": "Anna Weiß", "grund": "Farbe"})
                typed.instead = instead | {"callbacks done ID": f"callbacks done {_call_back(folder)}"}
            typed.ran.clear()
            yield typed
        finally:
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                os.kill(int((folder / "gateway.pid").read_text()), signal.SIGTERM)


def _ahead(days: int) -> str:
    """A day to come: those on the pages will be over."""
    return (datetime.now(UTC) + timedelta(days=days)).date().isoformat()


def _call_back(folder: Path) -> str:
    """The id of the one who waits: a page can only call it ID."""
    with contextlib.closing(sqlite3.connect(folder / "data" / "einmal.sqlite3")) as ledger:
        (found,) = ledger.execute("SELECT callback_id FROM callbacks").fetchone()
        return str(found)


def _tool(path: Path, script: str) -> None:
    path.write_text(script, "utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def _post(url: str, body: dict[str, object]) -> dict[str, object]:
    headers = {"Content-Type": "application/json", "cal-api-version": "2024-08-13", "Authorization": "Bearer cal_any"}
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)  # noqa: S310 - on loopback
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
        found: dict[str, object] = json.loads(answer.read())
        return found


def _asked(gateway: int, name: str, args: dict[str, str]) -> None:
    body = {"name": name, "call": {"call_id": "call_1", "from_number": "+4930901820"}, "args": args}
    _post(f"http://127.0.0.1:{gateway}/api/retell/function-call", body)


def _old_table(path: Path, calcom: int) -> None:
    """What a gateway without a guard wrote: three bookings at Cal.com and four rows, for one answer was taken twice."""
    people = [("Anna Weiß", "+4930901821"), ("Paul Vogel", "+4930901822"), ("Lena Groß", "+4930901823")]
    day = (datetime.now(UTC) + timedelta(days=3)).date()
    rows = sqlite3.connect(path)
    rows.execute("CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT, phone TEXT, email TEXT)")
    rows.execute(
        "CREATE TABLE appointments (id INTEGER PRIMARY KEY, calcom_v2_booking_id TEXT, service_id INTEGER, "
        "starts_at TEXT, ends_at TEXT, created_at TEXT, call_id TEXT, status TEXT, customer_id INTEGER)"
    )
    for number, (name, phone) in enumerate(people, 1):
        begin = datetime(day.year, day.month, day.day, 8 + number, tzinfo=UTC)
        attendee = {"name": name, "email": f"kunde{number}@kunde.test", "timeZone": "Europe/Berlin"}
        wish = {"start": begin.isoformat(), "eventTypeId": _beratung(calcom), "attendee": attendee}
        booking = _post(f"http://127.0.0.1:{calcom}/v2/bookings", wish)["data"]
        assert isinstance(booking, dict)
        rows.execute("INSERT INTO customers VALUES (?, ?, ?, ?)", (number, name, phone, attendee["email"]))
        for copy in range(2 if number == 1 else 1):
            at = (begin.isoformat(), (begin + timedelta(minutes=30)).isoformat(), datetime.now(UTC).isoformat())
            row = (number + 10 * copy, booking["uid"], 17, *at, f"call_{number}_{copy}", "scheduled", number)
            rows.execute("INSERT INTO appointments VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
    rows.commit()
    rows.close()


def _beratung(calcom: int) -> int:
    headers = {"Authorization": "Bearer cal_any", "cal-api-version": "2024-06-14"}
    request = urllib.request.Request(f"http://127.0.0.1:{calcom}/v2/event-types", None, headers)
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
        return next(int(one["id"]) for one in json.loads(answer.read())["data"] if one["title"] == "Beratung")


def skipped(page: str) -> frozenset[str]:
    return frozenset(begin for of, begin in NOT_RUN if of == page)


@pytest.mark.parametrize("page", PAGES)
def test_the_commands_of_a_page_run(tmp_path: Path, page: str) -> None:
    """Each ends as the page says, and prints what the page shows."""
    with house(tmp_path, busy=page == "docs/operating.md") as typed:
        typed.carry_out(page, skipped(page))
        assert len(typed.ran) == sum(one.commands for one in blocks(page)) - len(skipped(page))


def test_no_command_is_left_out() -> None:
    """A page with commands is run; a block says what it is in; what is not run stands there, with its reason."""
    for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), ROOT / "deploy" / "README.md"):
        page = str(path.relative_to(ROOT))
        of_page = blocks(page)
        text = path.read_text("utf-8")
        assert not [one.text for one in of_page if not one.language], f"{page}: a block without a language"
        assert text.count("\n```") == 2 * len(of_page), f"{page}: a fence that the pattern does not read"
        if any(one.commands and not one.text.startswith(tuple(skipped(page)) or "\0") for one in of_page):
            assert page in {*PAGES, *ELSEWHERE}, f"{page} has commands that nothing runs"
    for (page, begin), reason in NOT_RUN.items():
        assert sum(one.commands and one.text.startswith(begin) for one in blocks(page)) == 1, (page, begin)
        assert all((ROOT / named).exists() for named in re.findall(r"tests/[\w/.]*\w", reason)), reason
        print(f"not run: {page}: {begin}: {reason}")  # noqa: T201 - `pytest -s` tells
    for test in ELSEWHERE.values():
        assert (ROOT / test).exists()
