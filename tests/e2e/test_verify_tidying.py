"""`einmal verify` cleans up behind itself also where a run fails, its terminal goes, or an answer tells nothing."""

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from e2e.test_commands import against, clean_environment, free_port, running
from e2e.test_reconcile_command import control
from e2e.test_verify_command import Place, changed, fails
from einmal.adapters.calcom.probe import EventType
from einmal.adapters.calcom.transport import WireAnswer, WireRequest
from einmal.entrypoints.cli import verify_calendar
from einmal.ports import LedgerUnavailable
from einmal.settings import read_settings
from einmal.simulator.calendar import SimulatedCalendar
from einmal.simulator.catalogue import demo_event_types, random_uid
from einmal.simulator.faults import Fault, Operation
from einmal.simulator.wire import SimulatedCalcom


@pytest.fixture
def place(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Place:
    types = tuple(replace(one, slug="test-haarschnitt") if one.id == 102 else one for one in demo_event_types())
    calendar = SimulatedCalendar(types, now=lambda: datetime.now(UTC), new_uid=random_uid)
    own = {"EINMAL_CALCOM_API_KEY": "cal_hush", "EINMAL_ATTENDEE_FALLBACK_EMAIL": "termin@salon.test"}
    return Place(capsys, calendar, read_settings(own | {"EINMAL_DATABASE_URL": f"sqlite:///{tmp_path}/here.sqlite3"}))


def _disk_full(*_: Any) -> Awaitable[Any]:
    raise LedgerUnavailable("disk I/O error")


def _bug(*_: Any) -> Awaitable[Any]:
    raise KeyError("+4930901820")


@pytest.mark.parametrize(("failing", "named"), [(_disk_full, "LedgerUnavailable"), (_bug, "KeyError")])
def test_what_fails_after_the_booking_leaves_no_booking(
    place: Place, monkeypatch: pytest.MonkeyPatch, failing: Callable[..., Any], named: str
) -> None:
    """The failure is a row, without its words, and what was booked before it is cancelled."""
    monkeypatch.setattr(verify_calendar, "by_a_booking", failing)
    code, verdicts, rows = place.books()
    assert (code, verdicts["stopped"], verdicts["tidied_up"], place.live) == (4, "could_not_look", "pass", [])
    assert named in rows["stopped"]["seen"]
    assert "+4930901820" not in json.dumps(rows)


@pytest.mark.parametrize(("status", "body"), [(201, b"<html>hello</html>"), (408, b"")])
def test_an_answer_that_tells_nothing_is_looked_for_as_a_lost_one_is(place: Place, status: int, body: bytes) -> None:
    """Something between us and Cal.com answers in its stead, and the list shows the booking only in its second read."""
    reads: list[str] = []

    def twist(request: WireRequest, answer: WireAnswer) -> WireAnswer:
        if request.method == "POST" and request.target == "/v2/bookings":
            return replace(answer, status=status, body=body)
        if "afterStart=" in request.target and "take=100" in request.target:
            reads.append(request.target)
            return answer if len(reads) > 1 else changed({"status": "success", "data": []}, answer)
        return answer

    place.twist = twist
    _, verdicts, rows = place.books()
    assert (len(reads) > 1, place.live) == (True, [])
    assert (verdicts["tidied_up"], rows["tidied_up"]["seen"].endswith(": 1")) == ("pass", True)


def test_what_surely_never_left_is_not_looked_for(place: Place) -> None:
    """No connection, no booking: nothing is to be cancelled, and no id to be searched in Cal.com."""
    place.plan = fails(Fault.REFUSED_CONNECTION, Operation.CREATE)
    code, verdicts, rows = place.books()
    assert (code, verdicts["booking_calcom"], verdicts["tidied_up"]) == (1, "FAIL", "pass")
    assert "nothing was booked" in rows["tidied_up"]["seen"]


@pytest.mark.parametrize("told", [False, True], ids=["untold", "told"])
def test_a_booking_that_others_share_is_never_cancelled(place: Place, *, told: bool) -> None:
    """An event type with seats is refused; where Cal.com does not tell of them, what others have a seat in stays."""
    types = tuple(replace(one, seats=3) if one.id == 102 else one for one in place.calendar.event_types)
    place.calendar = SimulatedCalendar(types, now=lambda: datetime.now(UTC), new_uid=random_uid)
    calcom = SimulatedCalcom(place.calendar, api_keys=None, now=lambda: datetime.now(UTC))
    headers = {"cal-api-version": "2024-08-13", "content-type": "application/json"}
    attendee = {"name": "Anna Weiß", "email": "anna@kundin.test", "timeZone": "Europe/Berlin"}
    first = verify_slot(place)
    body = json.dumps({"start": first, "eventTypeId": 102, "attendee": attendee})
    assert calcom.handle("POST", "/v2/bookings", headers, body.encode()).status == 201
    [theirs] = place.live

    def twist(request: WireRequest, answer: WireAnswer) -> WireAnswer:
        if told and request.target.startswith("/v2/event-types"):
            rows = json.loads(answer.body)
            rows["data"] = [row | {"seats": {"seatsPerTimeSlot": 3}} for row in rows["data"]]
            return changed(rows, answer)
        return answer

    place.twist = twist
    code, rows, said = place.verify(event_type=102, sure=True, probe_only=True, marked=True)
    assert place.live == [theirs]
    if told:
        assert (code, rows, "has seats" in said) == (2, {}, True)
    else:
        assert (code, rows["tidied_up"]["verdict"]) == (1, "FAIL")
        assert f"{theirs} (left alone: others are in it too)" in rows["tidied_up"]["seen"]


def verify_slot(place: Place) -> str:
    """The slot that the command takes, by its own words."""
    said = place.verify(event_type=102, marked=True)[2]
    local = re.search(r"\d{4}-\d\d-\d\d \d\d:\d\d", said)
    assert local is not None
    start = datetime.fromisoformat(local[0]).replace(tzinfo=ZoneInfo("Europe/Berlin"))
    return start.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.mark.parametrize(
    ("title", "slug", "is_test"),
    [
        ("Test", "x", True),
        ("Haarschnitt (TEST)", "x", True),
        ("Haarschnitt", "einmal-test", True),
        ("Haarschnitt", "test_30", True),
        ("Sehtest", "sehtest", False),
        ("Neueste Farben", "testament", False),
    ],
)
def test_a_word_of_its_own_marks_an_event_type_as_one_for_tests(title: str, slug: str, *, is_test: bool) -> None:
    """At an optician's customers book the Sehtest."""
    assert EventType(1, title, slug, 30).is_test is is_test


@pytest.mark.parametrize("ignored", [False, True], ids=["in a terminal", "nohup"])
def test_a_terminal_that_goes_away_leaves_no_booking(tmp_path: Path, *, ignored: bool) -> None:
    """SIGHUP stops it as Ctrl-C does; where somebody wants it to outlive the terminal, it runs to its end."""
    simulator = free_port()
    environment = against(simulator, free_port(), EINMAL_DATABASE_URL=f"sqlite:///{tmp_path}/ledger.sqlite3")
    with running("simulator", "--port", str(simulator), "--latency", "0.25", folder=tmp_path, until="Simulated"):
        words = ("verify", "--probe", "--event-type", "101", "--yes-this-is-a-test-event-type", "--yes", "--json")
        before = signal.signal(signal.SIGHUP, signal.SIG_IGN if ignored else signal.SIG_DFL)
        try:
            process = subprocess.Popen(
                [sys.executable, "-m", "einmal", *words],
                cwd=tmp_path,
                env=clean_environment() | environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        finally:
            signal.signal(signal.SIGHUP, before)
        until = time.monotonic() + 30
        while not control(simulator, "bookings")["bookings"] and time.monotonic() < until:
            time.sleep(0.02)
        process.send_signal(signal.SIGHUP)
        out, err = process.communicate(timeout=30)
        [booking] = control(simulator, "bookings")["bookings"]
        assert booking["status"] == "cancelled", err
    rows = {row["check"]: row["verdict"] for row in json.loads(out)["rows"]}
    assert (rows["tidied_up"], "stopped" in rows) == ("pass", not ignored)
