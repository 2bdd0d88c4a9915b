"""Replays what was recorded from Cal.com's own server and compares every answer.

A fixture is one recorded sequence. `$uid1` names a booking by order of appearance, `$res1` a reservation: the
same name must be the same row every time, and two names two rows. `<moment>`, `<number>` and `<text>` stand for
what differs from run to run. The first booking of a fixture is written out in full; later ones only by what may
differ. `at` is when a step happened, `world` what was booked before, `fault` what befell a request.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from einmal.simulator.calendar import Attendee, BookingStatus, Changed, SimulatedBooking, SimulatedCalendar
from einmal.simulator.catalogue import recorded_event_types
from einmal.simulator.faults import Fault, FaultPlan, FaultRule
from einmal.simulator.faulty import Delivered, FaultyCalcom, Outcome
from einmal.simulator.wire import SimulatedCalcom

FIXTURES = sorted((Path(__file__).parent / "fixtures").rglob("*.json"), key=lambda path: path.stem)
RECORDED_AT = datetime(2026, 11, 21, 2, 31, tzinfo=UTC)
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
LIMITS = ("X-RateLimit-Limit-Default", "X-RateLimit-Remaining-Default", "X-RateLimit-Reset-Default")
KEYS = {
    "cal_test_key": None,
    "cal_local_test_key_user_1": "u-plain",
    "cal_local_test_key_user_3": "u-confirm",
    "cal_local_test_key_user_6": "u-seats",
    "cal_local_test_key_user_7": "u-limit1",
    "cal_local_test_key_user_9": "rr2-h0",
    "cal_local_test_key_user_10": "rr2-h1",
    "cal_local_test_key_user_14": "rr2_confirm-h0",
    "cal_local_test_key_user_15": "rr2_confirm-h1",
}
HEADERS = {
    "Access-Control-Allow-Origin",
    *LIMITS,
    "X-Request-Id",
    "Content-Type",
    "Content-Length",
    "ETag",
    "Date",
}


class World:
    """A simulated Cal.com at the time of the recording, and the names given to its rows so far."""

    def __init__(self, fixture: Mapping[str, Any]) -> None:
        self.time = RECORDED_AT
        self.uids = 0
        changed = fixture.get("event_types", {})
        event_types = [replace(kind, **changed.get(str(kind.id), {})) for kind in recorded_event_types()]
        self.calendar = SimulatedCalendar(event_types, now=lambda: self.time, new_uid=self.new_uid)
        limit = fixture.get("requests_per_minute", 100_000)
        calcom = SimulatedCalcom(self.calendar, api_keys=KEYS, now=lambda: self.time, requests_per_minute=limit)
        self.calcom = FaultyCalcom(calcom)
        self.names: dict[str, str] = {}
        for number, row in enumerate(fixture.get("world", ()), 1):
            self.plant(number, row)

    def new_uid(self) -> str:
        self.uids += 1
        return f"uid-{self.uids:018d}"

    def plant(self, number: int, row: Mapping[str, Any]) -> None:
        """A row as it was before the sequence began."""
        kind = self.calendar.event_type(row["event_type"])
        assert kind is not None
        self.names[row["uid"]] = self.new_uid()
        start = datetime.fromisoformat(row["start"])
        booking = SimulatedBooking(
            id=number,
            uid=self.names[row["uid"]],
            event_type=kind,
            host=next(host for host in kind.hosts if host.username == row["host"]),
            status=BookingStatus(row["status"]),
            start=start,
            end=start + timedelta(minutes=kind.length_minutes),
            created_at=datetime.fromisoformat(row["created"]),
            updated_at=datetime.fromisoformat(row["updated"]),
            attendee=Attendee(row["name"], row["email"]),
            guests=tuple(row.get("guests", ())),
        )
        self.calendar.plant(booking)

    def pass_to(self, step: Mapping[str, Any]) -> None:
        """To when the step happened, or a little later than the one before."""
        self.time = datetime.fromisoformat(step["at"]) if "at" in step else self.time + timedelta(seconds=1)
        self.calcom.tick()

    def ask(self, step: Mapping[str, Any]) -> Outcome:
        headers = {"content-type": "application/json", **step.get("headers", {})}
        if step["version"] is not None:
            headers["cal-api-version"] = step["version"]
        if "authorization" in step:
            headers["authorization"] = step["authorization"]
        body = self.named(json.dumps(step["body"])).encode() if "body" in step else b""
        rules = [FaultRule(Fault(step["fault"]), parameters=step.get("parameters"))] if "fault" in step else []
        self.calcom.follow(FaultPlan(tuple(rules)))
        return self.calcom.handle(step["method"], self.named(step["target"]), headers, body)

    def named(self, text: str) -> str:
        """The text with the names of rows replaced by their uids."""
        return re.sub(r"\$(uid|res)\d+", lambda name: self.names[name[0]], text)

    def meet(self, name: str, uid: str, where: str) -> None:
        """The same name is the same row every time, and another name another one."""
        assert name in self.names or uid not in self.names.values(), f"{where}: an old row"
        assert self.names.setdefault(name, uid) == uid, f"{where}: another row"

    def compare(self, expected: Any, actual: Any, where: str = "body") -> None:
        """Equal in everything, the order of keys included, except where a marker stands."""
        match expected:
            case "<number>":
                assert type(actual) is int, where
            case "<text>":
                assert type(actual) is str, where
            case str() if "<moment>" in expected:
                before, after = self.named(expected).split("<moment>")
                assert re.fullmatch(re.escape(before) + MOMENT.pattern + re.escape(after), actual), where
            case str() if name := re.fullmatch(r"(\$(?:uid|res)\d+)(@Cal\.com)?", expected):
                # A shared booking goes by a name of its own in calendars, so that can come first.
                self.meet(name[1], actual.removesuffix(name[2] or ""), where)
            case str():
                assert actual == self.named(expected), where
            case dict():
                assert list(actual) == list(expected), where
                for key, value in expected.items():
                    self.compare(value, actual[key], f"{where}.{key}")
            case list():
                assert len(actual) == len(expected), where
                for number, value in enumerate(expected):
                    self.compare(value, actual[number], f"{where}[{number}]")
            case _:
                assert actual == expected, where

    def compare_rows(self, expected: list[dict[str, Any]]) -> None:
        """What was found in the database afterwards: these rows and no others."""
        assert len(self.calendar.bookings) == len(expected)
        rows = {row.uid: row for row in self.calendar.bookings}
        for named in expected:
            fresh = [uid for uid in rows if uid not in self.names.values()]
            row = rows[self.names.setdefault(named["uid"], fresh[0] if fresh else "")]
            assert row.status.value == named["status"]
            assert row.created_at == datetime.fromisoformat(named.get("created", row.created_at.isoformat()))
            assert row.rescheduled_from == (self.names[named["from"]] if named.get("from") else None)


def briefly(booking: dict[str, Any]) -> dict[str, Any]:
    kept = {key: booking[key] for key in ("uid", "status", "start", "cancellationReason", "metadata")}
    return kept | {"attendees": [attendee["name"] for attendee in booking["attendees"]]}


def check_answer(world: World, outcome: Outcome, expected: Mapping[str, Any], full_keys: list[str]) -> list[str]:
    """Compare one answer; gives the keys of the last booking that was written out in full."""
    assert isinstance(outcome, Delivered)
    answer = outcome.answer
    assert answer.status == expected["status"], answer.body
    free = "uncounted" in expected or "unnumbered" in expected
    assert set(answer.headers) == {name for name in HEADERS if not (free and name in LIMITS)}
    assert (answer.headers["X-Request-Id"] == "unknown-request-id") == ("unnumbered" in expected)
    if "limits" in expected:
        assert [int(answer.headers[name]) for name in LIMITS] == expected["limits"]
    body = json.loads(answer.body)
    if "body" in expected:
        world.compare(expected["body"], body)
        return list(body["data"]) if "uid" in (body.get("data") or {}) else full_keys
    if "booking" in expected:
        world.compare(expected["booking"], briefly(body["data"]))
        assert list(body["data"]) == full_keys
    elif "list" in expected:
        world.compare(expected["list"], [booking["uid"] for booking in body["data"]])
        world.compare(expected["pagination"], body["pagination"])
    return full_keys


@pytest.mark.parametrize("path", FIXTURES, ids=lambda path: path.stem)
def test_answers_as_recorded(path: Path) -> None:
    """Every recorded request gets the recorded status, body and booking."""
    fixture = json.loads(path.read_text(encoding="utf-8"))
    world, full_keys = World(fixture), list[str]()
    for step in fixture["steps"]:
        world.pass_to(step)
        if "rows" in step:
            world.compare_rows(step["rows"])
        elif "host" in step:
            assert isinstance(getattr(world.calendar, step["host"])(world.named(step["booking"])), Changed)
        elif "lost" in step:
            assert type(world.ask(step)).__name__ == step["lost"]
        else:
            for _ in range(step.get("times", 1)):
                full_keys = check_answer(world, world.ask(step), step["expect"], full_keys)


def test_the_fixtures_are_there() -> None:
    """The replay is not empty by accident."""
    assert len(FIXTURES) >= 125
