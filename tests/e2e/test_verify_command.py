"""`einmal verify` as an operator runs it: on nothing, against a Cal.com that behaves, and against some that do not."""

import json
import logging
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from e2e.test_commands import against, clean_environment, command, free_port, running
from e2e.test_reconcile_command import control
from einmal.adapters.calcom.transport import Transport, WireAnswer, WireRequest
from einmal.entrypoints.cli.verify import Asked, run_verify
from einmal.settings import Settings, read_settings
from einmal.simulator.calendar import SimulatedCalendar
from einmal.simulator.catalogue import demo_event_types, random_uid
from einmal.simulator.faults import Fault, FaultPlan, FaultRule, Operation
from einmal.simulator.faulty import FaultyCalcom
from einmal.simulator.transport import InProcessTransport
from einmal.simulator.wire import SimulatedCalcom

BOOKED = ("three_requests_calcom", "version", "sees_own_bookings", "metadata", "created_at", "tidied_up")
Twist = Callable[[WireRequest, WireAnswer], WireAnswer]


@pytest.fixture(autouse=True)
def _logs_as_they_were() -> Iterator[None]:
    """The command sets the process's log up; other tests want theirs."""
    kept = [(one, one.handlers[:], one.level, one.propagate) for one in map(logging.getLogger, ("einmal", "uvicorn"))]
    yield
    for one, handlers, level, propagate in kept:
        one.handlers[:], one.propagate = handlers, propagate
        one.setLevel(level)


@dataclass
class Twisted:
    """A way to the simulator on which answers are changed."""

    inner: Transport
    twist: Twist

    async def send(self, request: WireRequest) -> WireAnswer:
        return self.twist(request, await self.inner.send(request))

    async def close(self) -> None:
        return


@dataclass
class Place:
    """A simulated Cal.com, and the command run against it. Event type 102 is marked as one for tests."""

    capsys: pytest.CaptureFixture[str]
    calendar: SimulatedCalendar
    settings: Settings
    plan: FaultPlan | None = None
    twist: Twist = lambda _request, answer: answer
    keys: Any = None

    def way(self, _: object) -> Twisted:
        calcom = SimulatedCalcom(self.calendar, api_keys=self.keys, now=lambda: datetime.now(UTC))
        return Twisted(InProcessTransport(FaultyCalcom(calcom, self.plan)), self.twist)

    def verify(self, **asked: Any) -> tuple[int, dict[str, dict[str, str]], str]:
        """Exit code, the rows by their check, and what was said on standard error."""
        code = run_verify(self.settings, Asked(**asked), as_json=True, way=self.way)
        told = self.capsys.readouterr()
        rows = json.loads(told.out)["rows"] if told.out else []
        return code, {row["check"]: row for row in rows}, told.err

    def books(self, **asked: Any) -> tuple[int, dict[str, str], dict[str, dict[str, str]]]:
        """Of the booking part alone: the verdicts by check."""
        code, rows, _ = self.verify(event_type=102, sure=True, probe_only=True, **asked)
        return code, {check: row["verdict"] for check, row in rows.items()}, rows

    @property
    def live(self) -> list[str]:
        return [one.uid for one in self.calendar.bookings if one.status.value == "accepted"]


@pytest.fixture
def place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Place:
    types = tuple(replace(one, slug="test-haarschnitt") if one.id == 102 else one for one in demo_event_types())
    calendar = SimulatedCalendar(types, now=lambda: datetime.now(UTC), new_uid=random_uid)
    own = {"EINMAL_CALCOM_API_KEY": "cal_hush", "EINMAL_ATTENDEE_FALLBACK_EMAIL": "termin@salon.test"}
    return Place(capsys, calendar, read_settings(own | {"EINMAL_DATABASE_URL": f"sqlite:///{tmp_path}/here.sqlite3"}))


def fails(fault: Fault, operation: Operation, probability: float = 1.0, **parameters: float) -> FaultPlan:
    return FaultPlan((FaultRule(fault, frozenset({operation}), probability, parameters=parameters),), seed=1)


def changed(body: dict[str, Any], answer: WireAnswer) -> WireAnswer:
    return replace(answer, body=json.dumps(body).encode())


def test_without_arguments_nothing_of_anybodys_is_touched(tmp_path: Path) -> None:
    """On a machine where nothing is set: it passes, leaves nothing behind and makes no ledger."""
    done = command("verify", folder=tmp_path)
    assert (done.returncode, "FAIL" in done.stdout) == (0, False), done.stdout + done.stderr
    assert "nothing of this installation is touched" in done.stdout
    assert done.stderr == ""
    assert list(tmp_path.iterdir()) == []


def test_it_books_once_at_a_real_server_and_cancels_it(tmp_path: Path) -> None:
    """Over HTTP, on an event type that is named: three calls, one booking, and at the end none that stands."""
    simulator = free_port()
    environment = against(simulator, free_port(), EINMAL_DATABASE_URL=f"sqlite:///{tmp_path}/ledger.sqlite3")
    sure = ("--event-type", "101", "--yes-this-is-a-test-event-type")
    with running("simulator", "--port", str(simulator), folder=tmp_path, until="Simulated"):
        done = command("verify", *sure, "--yes", "--json", folder=tmp_path, **environment)
        assert done.returncode == 0, done.stdout + done.stderr
        rows = {row["check"]: row for row in json.loads(done.stdout)["rows"] if row["of"] == "calcom_booking"}
        assert tuple(rows) == BOOKED
        assert {row["verdict"] for row in rows.values()} == {"pass"}
        [booking] = control(simulator, "bookings")["bookings"]
        assert (booking["status"], booking["attendees"][0]["name"]) == ("cancelled", "Einmal Verify")
        assert booking["attendees"][0]["email"].startswith("termin+")
        assert "cal_test_key" not in done.stdout + done.stderr
        assert not (tmp_path / "ledger.sqlite3").exists()


def test_stopped_while_it_books_it_cancels_all_the_same(tmp_path: Path) -> None:
    """The answer is on its way when it is stopped, and it is told to stop twice, in both ways."""
    simulator = free_port()
    environment = against(simulator, free_port(), EINMAL_DATABASE_URL=f"sqlite:///{tmp_path}/ledger.sqlite3")
    with running("simulator", "--port", str(simulator), "--latency", "0.25", folder=tmp_path, until="Simulated"):
        words = ("verify", "--probe", "--event-type", "101", "--yes-this-is-a-test-event-type", "--yes", "--json")
        process = subprocess.Popen(
            [sys.executable, "-m", "einmal", *words],
            cwd=tmp_path,
            env=clean_environment() | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        until = time.monotonic() + 30
        while not control(simulator, "bookings")["bookings"] and time.monotonic() < until:
            time.sleep(0.02)
        for number in (signal.SIGINT, signal.SIGTERM):
            process.send_signal(number)
            time.sleep(0.1)
        out, err = process.communicate(timeout=30)
        [booking] = control(simulator, "bookings")["bookings"]
        assert booking["status"] == "cancelled", err
    rows = {row["check"]: row["verdict"] for row in json.loads(out)["rows"]}
    assert (process.returncode, rows["tidied_up"], rows["stopped"]) == (4, "pass", "could_not_look")


def test_it_says_what_it_will_do_and_asks(place: Place) -> None:
    """Where nobody can be asked, nothing is booked."""
    code, rows, said = place.verify(event_type=102)
    assert (code, rows, "say --yes" in said) == (2, {}, True)
    assert "one booking is made for" in said
    assert "Cal.com mails that" in said
    assert place.calendar.bookings == ()


def test_an_event_type_that_is_not_for_tests_is_not_booked(place: Place) -> None:
    """Unless it is said to be one; and what is not there is named with what is."""
    code, rows, said = place.verify(event_type=101, sure=True)
    assert (code, rows, "not marked as one for tests" in said) == (2, {}, True)
    code, rows, said = place.verify(event_type=7, sure=True)
    assert (code, rows, "101 (Beratung)" in said) == (2, {}, True)
    code, rows, said = place.verify(service="Massage", sure=True)
    assert (code, rows, "there is no service 'Massage'" in said) == (2, {}, True)
    assert place.calendar.bookings == ()
    assert place.verify(service="test-haarschnitt", sure=True, probe_only=True)[0] == 0
    assert place.verify(event_type=101, sure=True, probe_only=True, marked=True)[0] == 0
    assert (len(place.calendar.bookings), place.live) == (2, [])


def test_the_probe_alone_reads_and_says_what_it_did_not_ask(place: Place) -> None:
    code, rows, _ = place.verify(probe_only=True)
    verdicts = {check: row["verdict"] for check, row in rows.items()}
    assert (code, verdicts["key"], verdicts["clock_skew"]) == (0, "pass", "pass")
    unasked = {"version", "sees_own_bookings", "metadata", "created_at"}
    assert {check for check, verdict in verdicts.items() if verdict == "not_asked"} == unasked
    assert place.calendar.bookings == ()


def test_a_key_that_is_refused_and_a_calcom_that_is_silent(place: Place) -> None:
    place.keys = frozenset({"another"})
    code, rows, said = place.verify(probe_only=True)
    assert (code, rows["key"]["verdict"]) == (1, "FAIL")
    assert "cal_hush" not in json.dumps(rows) + said
    code, rows, said = place.verify(event_type=102, sure=True)
    assert (code, rows, "refuses the API key" in said) == (4, {}, True)
    silent = replace(place.settings, calcom_base_url=f"http://127.0.0.1:{free_port()}")
    assert run_verify(silent, Asked(probe_only=True), as_json=True) == 4
    assert "cannot be reached (connect)" in place.capsys.readouterr().out


def test_a_key_that_does_not_see_its_own_bookings_is_told(place: Place) -> None:
    """Another user's key is answered with 200 and nothing (recorded): a false absence at each doubt."""
    place.twist = lambda request, answer: (
        changed({"status": "success", "data": []}, answer)
        if request.method == "GET" and request.target.startswith("/v2/bookings?")
        else answer
    )
    code, verdicts, rows = place.books()
    assert (code, verdicts["sees_own_bookings"]) == (1, "FAIL")
    assert "is not listed" in rows["sees_own_bookings"]["seen"]
    # What is not listed was answered with its uid, and that is enough to cancel it.
    assert (verdicts["tidied_up"], place.live) == ("pass", [])


def test_metadata_that_do_not_come_back_are_told(place: Place) -> None:
    place.plan = fails(Fault.MISSING_METADATA, Operation.CREATE)
    code, verdicts, rows = place.books()
    assert (code, verdicts["metadata"], verdicts["tidied_up"]) == (1, "FAIL", "pass")
    assert "einmal_op in the answer" in rows["metadata"]["seen"]
    assert place.live == []


@pytest.mark.parametrize(
    ("field", "value", "check", "told"),
    [
        ("createdAt", None, "created_at", "no createdAt"),
        ("createdAt", "2020-01-01T00:00:00.000Z", "created_at", "apart"),
        ("status", "ACCEPTED", "version", "status"),
        ("start", "2026-12-01T09:00:00+01:00", "version", "start"),
    ],
)
def test_another_shape_than_the_pinned_version_is_told(
    place: Place, field: str, value: str | None, check: str, told: str
) -> None:
    def twist(request: WireRequest, answer: WireAnswer) -> WireAnswer:
        body = json.loads(answer.body)
        if request.method == "POST" and request.target == "/v2/bookings" and answer.status == 201:
            # Only how it is written differs where it is the start.
            body["data"][field] = value if field != "start" else body["data"]["start"].replace(".000Z", "+00:00")
        return changed(body, answer)

    place.twist = twist
    code, verdicts, rows = place.books()
    assert (code, verdicts[check], told in rows[check]["seen"]) == (1, "FAIL", True)
    assert (verdicts["tidied_up"], place.live) == ("pass", [])


def test_a_clock_that_is_off_is_told(place: Place) -> None:
    """It warns; where ownership does not decide, what is more than half a minute off fails."""
    place.twist = lambda _request, answer: replace(
        answer, headers={**answer.headers, "date": _http(datetime.now(UTC) + timedelta(seconds=90))}
    )
    code, rows, _ = place.verify(probe_only=True)
    assert (code, rows["clock_skew"]["verdict"]) == (0, "warn")
    place.settings = replace(place.settings, guard_ownership=False)
    code, rows, _ = place.verify(probe_only=True)
    assert (code, rows["clock_skew"]["verdict"]) == (1, "FAIL")
    assert "ahead of ours" in rows["clock_skew"]["seen"]


def _http(at: datetime) -> str:
    return at.strftime("%a, %d %b %Y %H:%M:%S GMT")


def test_what_cannot_be_cancelled_is_named(place: Place) -> None:
    """Exit code 1, and the uid of what still stands."""
    place.plan = fails(Fault.THROTTLED, Operation.CANCEL)
    code, verdicts, rows = place.books()
    assert (code, verdicts["tidied_up"]) == (1, "FAIL")
    [uid] = place.live
    assert uid in rows["tidied_up"]["seen"]


def test_a_lost_answer_leaves_nothing_behind(place: Place) -> None:
    place.plan = fails(Fault.LOST_ANSWER, Operation.CREATE)
    code, verdicts, _ = place.books()
    assert (verdicts["booking_calcom"], verdicts["tidied_up"], place.live) == ("pass", "pass", [])
    assert (code, verdicts["metadata"]) == (4, "could_not_look"), "the answer was lost, and it is what shows them"


def test_somebody_elses_booking_is_never_cancelled(place: Place) -> None:
    """Cal.com answers with another's: it is not ours by its id, so it is left alone, and that is said."""
    body = {
        "start": (datetime.now(UTC) + timedelta(days=9)).strftime("%Y-%m-%dT10:00:00Z"),
        "eventTypeId": 102,
        "attendee": {"name": "Anna Weiß", "email": "anna@kundin.test", "timeZone": "Europe/Berlin"},
    }
    calcom = SimulatedCalcom(place.calendar, api_keys=None, now=lambda: datetime.now(UTC))
    headers = {"cal-api-version": "2024-08-13", "content-type": "application/json"}
    assert calcom.handle("POST", "/v2/bookings", headers, json.dumps(body).encode()).status == 201
    [theirs] = place.live
    place.plan = fails(Fault.FOREIGN_BOOKING, Operation.CREATE)
    code, verdicts, rows = place.books()
    assert (code, verdicts["booking_calcom"], verdicts["tidied_up"]) == (1, "FAIL", "FAIL")
    assert f"{theirs} (left alone" in rows["tidied_up"]["seen"]
    assert verdicts["sees_own_bookings"] == verdicts["metadata"] == "could_not_look"
    assert place.live == [theirs]
    assert "Weiß" not in json.dumps(rows, ensure_ascii=False)


def test_what_is_asked_for_without_a_key_or_a_name_is_refused(place: Place) -> None:
    keyless = replace(place, settings=read_settings({}))
    for asked, told in (
        ({"probe_only": True}, "EINMAL_CALCOM_API_KEY is not set"),
        ({"event_type": 101}, "EINMAL_CALCOM_API_KEY is not set"),
        ({"tenant": "nobody"}, "there is no tenant 'nobody'"),
    ):
        code, rows, said = keyless.verify(**asked)
        assert (code, rows, told in said) == (2, {}, True)


def test_of_several_houses_each_account_is_asked_and_one_is_named_to_book(place: Place, tmp_path: Path) -> None:
    """Two tenants of one account are one account; a booking wants to know whose."""
    houses = tmp_path / "houses.toml"
    keys = {"north": "KEY_A", "south": "KEY_B", "annex": "KEY_B"}
    houses.write_text("".join(HOUSE.format(id=name, key=key) for name, key in keys.items()))
    environment = {"EINMAL_CONFIG": str(houses), "KEY_A": "cal_a", "KEY_B": "cal_b"}
    place.settings = read_settings(environment | {"EINMAL_DATABASE_URL": f"sqlite:///{tmp_path}/none.sqlite3"})
    assert run_verify(place.settings, Asked(probe_only=True), as_json=True, way=place.way) == 0
    told = [row["of"] for row in json.loads(place.capsys.readouterr().out)["rows"] if row["check"] == "key"]
    assert told == ["calcom of north", "calcom of south"]
    code, _, said = place.verify(event_type=102, sure=True)
    assert (code, "say with --tenant" in said) == (2, True)
    assert place.verify(event_type=102, sure=True, probe_only=True, tenant="annex")[0] == 0
    assert (len(place.calendar.bookings), place.live) == (1, [])


HOUSE = """
[[tenants]]
id = "{id}"
name = "{id}"
house_email = "termin@salon.test"
calcom_api_key = {{ env = "{key}" }}
agents = ["agent_{id}"]

[[tenants.services]]
id = "haarschnitt"
name = "Haarschnitt"
event_type_id = 102
duration_minutes = 45
"""
