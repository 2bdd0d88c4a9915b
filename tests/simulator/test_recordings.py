"""Replays what was recorded from Cal.com's own server and compares every answer.

A fixture is one recorded sequence. `$uid1` names a booking by order of appearance: the same name must be the
same booking every time, and two names two bookings. `<moment>`, `<number>` and `<text>` stand for what differs
from run to run. The first booking of a fixture is written out in full; later ones only by what may differ.
"""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from einmal.simulator.calendar import Changed, SimulatedCalendar
from einmal.simulator.catalogue import recorded_event_types
from einmal.simulator.wire import SimulatedCalcom, WireAnswer

FIXTURES = sorted((Path(__file__).parent / "fixtures").rglob("*.json"), key=lambda path: path.stem)
RECORDED_AT = datetime(2026, 11, 21, 2, 31, tzinfo=UTC)
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
KEYS = {
    "cal_test_key": None,
    "cal_local_test_key_user_1": "u-plain",
    "cal_local_test_key_user_3": "u-confirm",
    "cal_local_test_key_user_6": "u-seats",
    "cal_local_test_key_user_7": "u-limit",  # has nothing to do with any booking here
    "cal_local_test_key_user_9": "rr2-h0",
    "cal_local_test_key_user_10": "rr2-h1",
    "cal_local_test_key_user_14": "rr2_confirm-h0",
    "cal_local_test_key_user_15": "rr2_confirm-h1",
}
HEADERS = {
    "Access-Control-Allow-Origin",
    "X-RateLimit-Limit-Default",
    "X-RateLimit-Remaining-Default",
    "X-RateLimit-Reset-Default",
    "X-Request-Id",
    "Content-Type",
    "Content-Length",
    "ETag",
    "Date",
}


class World:
    """A simulated Cal.com at the time of the recording, and the names given to its bookings so far."""

    def __init__(self) -> None:
        self.seconds = 0
        self.uids = 0
        self.calendar = SimulatedCalendar(recorded_event_types(), now=self.now, new_uid=self.new_uid)
        self.calcom = SimulatedCalcom(self.calendar, api_keys=KEYS, now=self.now)
        self.names: dict[str, str] = {}

    def now(self) -> datetime:
        return RECORDED_AT + timedelta(seconds=self.seconds)

    def new_uid(self) -> str:
        self.uids += 1
        return f"uid-{self.uids:018d}"

    def ask(self, step: dict[str, Any]) -> WireAnswer:
        self.seconds += 1
        headers = {"content-type": "application/json", **step.get("headers", {})}
        if step["version"] is not None:
            headers["cal-api-version"] = step["version"]
        if "authorization" in step:
            headers["authorization"] = step["authorization"]
        body = self.named(json.dumps(step["body"])).encode() if "body" in step else b""
        return self.calcom.handle(step["method"], self.named(step["target"]), headers, body)

    def named(self, text: str) -> str:
        """The text with the names of bookings replaced by their uids."""
        return re.sub(r"\$uid\d+", lambda name: self.names[name[0]], text)

    def meet(self, name: str, uid: str, where: str) -> None:
        """The same name is the same booking every time, and another name another one."""
        assert name in self.names or uid not in self.names.values(), f"{where}: an old booking"
        assert self.names.setdefault(name, uid) == uid, f"{where}: another booking"

    def compare(self, expected: Any, actual: Any, where: str = "body") -> None:
        """Equal in everything, the order of keys included, except where a marker stands."""
        match expected:
            case "<moment>":
                assert MOMENT.fullmatch(actual), where
            case "<number>":
                assert type(actual) is int, where
            case "<text>":
                assert type(actual) is str, where
            case str() if name := re.fullmatch(r"(\$uid\d+)(@Cal\.com)?", expected):
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


def briefly(booking: dict[str, Any]) -> dict[str, Any]:
    kept = {key: booking[key] for key in ("uid", "status", "start", "cancellationReason", "metadata")}
    return kept | {"attendees": [attendee["name"] for attendee in booking["attendees"]]}


@pytest.mark.parametrize("fixture", FIXTURES, ids=lambda path: path.stem)
def test_answers_as_recorded(fixture: Path) -> None:
    """Every recorded request gets the recorded status, body and booking."""
    world = World()
    full_keys: list[str] = []
    for step in json.loads(fixture.read_text(encoding="utf-8"))["steps"]:
        if "host" in step:
            assert isinstance(getattr(world.calendar, step["host"])(world.named(step["booking"])), Changed)
            continue
        answer, expected = world.ask(step), step["expect"]
        assert answer.status == expected["status"], answer.body
        free = "uncounted" in expected or "unnumbered" in expected
        assert set(answer.headers) == {name for name in HEADERS if not (free and name.startswith("X-Rate"))}
        assert (answer.headers["X-Request-Id"] == "unknown-request-id") == ("unnumbered" in expected)
        body = json.loads(answer.body)
        if "body" in expected:
            world.compare(expected["body"], body)
            full_keys = list(body["data"]) if "uid" in body.get("data", {}) else full_keys
        elif "booking" in expected:
            world.compare(expected["booking"], briefly(body["data"]))
            assert list(body["data"]) == full_keys
        else:
            world.compare(expected["list"], [booking["uid"] for booking in body["data"]])
            world.compare(expected["pagination"], body["pagination"])


def test_the_fixtures_are_there() -> None:
    """The replay is not empty by accident."""
    assert len(FIXTURES) >= 96
