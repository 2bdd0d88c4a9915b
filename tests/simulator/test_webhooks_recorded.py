"""Replays what Cal.com's own server told its subscribers, and compares every delivery, header and body.

`$uid1` names a booking by order of appearance. `<moment>`, `<number>`, `<text>` and `<signature>` stand for what
differs from run to run; a signature is checked instead.
"""

import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from einmal.simulator.calendar import SimulatedCalendar
from einmal.simulator.catalogue import recorded_event_types
from einmal.simulator.faults import Fault, FaultPlan, FaultRule
from einmal.simulator.faulty import Delivered, FaultyCalcom
from einmal.simulator.webhooks import Delivery
from einmal.simulator.wire import SimulatedCalcom

FIXTURES = sorted((Path(__file__).parent / "webhooks").glob("*.json"))
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
KEYS = {"cal_local_test_key_user_3": "u-confirm"}
VERSION = {"content-type": "application/json", "cal-api-version": "2024-08-13"}


class Replay:
    """A simulated Cal.com at the time of the recording, those who hear of it, and the names of its bookings."""

    def __init__(self, fixture: Mapping[str, Any]) -> None:
        self.time = datetime(2026, 11, 21, 3, 4, tzinfo=UTC)
        uids = iter(f"uid-{number:018d}" for number in range(1000))
        calendar = SimulatedCalendar(recorded_event_types(), now=lambda: self.time, new_uid=lambda: next(uids))
        self.calcom = FaultyCalcom(SimulatedCalcom(calendar, api_keys=KEYS, now=lambda: self.time))
        self.names: dict[str, str] = {}
        for body in fixture.get("before", ()):
            assert self.ask({"method": "POST", "path": "/v2/bookings", "body": body}) == 201
        self.secrets: dict[str, str | None] = {}
        for wanted in fixture["subscriptions"]:
            self.subscribe(wanted)

    def subscribe(self, wanted: Mapping[str, Any]) -> None:
        url, secret, event_type_id = wanted["url"], wanted["secret"], wanted.get("event_type")
        self.secrets[url] = secret
        if "account" not in wanted:
            self.calcom.subscribe(url, secret, event_type_id=event_type_id)
            return
        webhooks = self.calcom.calendar.webhooks
        made = webhooks.subscribe(url, secret, account=wanted["account"])
        webhooks.subscriptions[made.id] = replace(made, template=wanted.get("template"))

    def ask(self, step: Mapping[str, Any]) -> int:
        """The status of the answer."""
        self.time += timedelta(seconds=1)
        rules = [FaultRule(Fault(step["fault"]), parameters={"window_seconds": 5.0})] if "fault" in step else []
        self.calcom.follow(FaultPlan(tuple(rules)))
        headers = VERSION | ({"authorization": step["key"]} if "key" in step else {})
        body = json.dumps(step["body"]).encode() if "body" in step else b""
        path = re.sub(r"\$uid\d+", lambda name: self.names[name[0]], step["path"])
        outcome = self.calcom.handle(step["method"], path, headers, body)
        assert isinstance(outcome, Delivered)
        return outcome.answer.status

    def compare_delivery(self, expected: Mapping[str, Any], delivery: Delivery) -> None:
        assert delivery.url == expected["url"]
        secret = self.secrets[delivery.url]
        signed = hmac.new((secret or "").encode(), delivery.body, hashlib.sha256).hexdigest()
        wanted = {name: text.replace("<signature>", signed) for name, text in expected["headers"].items()}
        assert delivery.headers == wanted
        self.compare(expected["body"], json.loads(delivery.body))

    def compare(self, expected: Any, actual: Any, where: str = "body") -> None:
        """Equal, except where a marker stands."""
        match expected:
            case "<number>":
                assert type(actual) is int, where
            case "<text>":
                assert type(actual) is str, where
            case "<moment>":
                assert MOMENT.fullmatch(actual), where
            case str() if name := re.fullmatch(r"(\$uid\d+)(@Cal\.com)?", expected):
                uid = actual.removesuffix(name[2] or "")
                assert name[1] in self.names or uid not in self.names.values(), f"{where}: an old booking"
                assert self.names.setdefault(name[1], uid) == uid, f"{where}: another booking"
            case dict():
                assert set(actual) == set(expected), where
                for key, value in expected.items():
                    self.compare(value, actual[key], f"{where}.{key}")
            case list():
                assert len(actual) == len(expected), where
                for number, value in enumerate(expected):
                    self.compare(value, actual[number], f"{where}[{number}]")
            case _:
                assert (type(actual), actual) == (type(expected), expected), where


@pytest.mark.parametrize("path", FIXTURES, ids=lambda path: path.stem)
def test_told_as_recorded(path: Path) -> None:
    """Every recorded request causes the recorded webhooks, in their order, and no other."""
    fixture = json.loads(path.read_text(encoding="utf-8"))
    replay = Replay(fixture)
    for step in fixture["steps"]:
        assert replay.ask(step) == step["status"]
        told = replay.calcom.take_deliveries()
        assert [one.url for one in told] == [one["url"] for one in step["told"]]
        for expected, delivery in zip(step["told"], told, strict=True):
            replay.compare_delivery(expected, delivery)


def test_the_fixtures_are_there() -> None:
    """The replay is not empty by accident."""
    assert sum(len(step["told"]) for path in FIXTURES for step in json.loads(path.read_text())["steps"]) >= 27
