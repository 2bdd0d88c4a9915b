"""Log lines: the texts operators search for, one JSON object a line, and no room for personal data."""

import io
import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from einmal.adapters.telemetry.logs import CHANNELS, TEXTS, LogObserver, channel, configure_logs
from einmal.domain.answer import Answer, AnswerKind
from einmal.domain.facts import Alarm, Answered, Booked, Doubted, Fact, Rejected, answered, booked, rejected
from einmal.domain.intent import Intent, State
from einmal.domain.keys import intent_key
from einmal.domain.model import Booking, BookingStatus, Person, Service, Wish
from einmal.domain.verdict import Asked, GuardPolicy, Judgement, KnownBooking, Layer, Reason, judge, with_constraint

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
START = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)
CANARIES = ("Canary Kanarienvogel", "+4930987654", "canary@person.test", "anonymous-canary@house.test")

REJECTED = Rejected(
    at=NOW,
    intent_id="int-1",
    call_id="call_7d4d0c",
    layer=Layer.FRESHNESS,
    reason=Reason.STALE_BOOKING,
    expected="expected-evidence",
    received="received-evidence",
    booking_uid="uid-1",
    booking_call_id="call_old",
    booking_created_at=NOW - timedelta(seconds=40),
    age_seconds=40.5,
    freshness_limit_seconds=30.0,
    known_appointment_id="app-9",
    known_call_id="call_known",
)


class Lines:
    """What was logged, read back line by line."""

    def __init__(self) -> None:
        self.stream = io.StringIO()

    @property
    def text(self) -> str:
        return self.stream.getvalue()

    def all(self) -> list[dict[str, Any]]:
        assert not self.text or self.text.endswith("\n")
        return [json.loads(line) for line in self.text.split("\n")[:-1]]

    def one(self) -> dict[str, Any]:
        (line,) = self.all()
        assert isinstance(line, dict)
        return line


@pytest.fixture
def lines() -> Iterator[Lines]:
    """All channels into memory; the logging of this process is put back as it was."""
    root = logging.getLogger("einmal")
    before = (list(root.handlers), root.level, root.propagate)
    made = Lines()
    configure_logs(made.stream)
    yield made
    root.handlers[:], root.propagate = before[0], before[2]
    root.setLevel(before[1])


def fields(line: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in line.items() if key not in {"timestamp", "level", "channel", "message"}}


GUARD = [
    pytest.param(
        Layer.FRESHNESS,
        Reason.STALE_BOOKING,
        "DUPLICATE BOOKING PREVENTION: Stale booking detected",
        {
            "booking_id": "uid-1",
            "created_at": "2026-11-23 08:59:20+00:00",
            "age_seconds": 40.5,
            "freshness_threshold_seconds": 30.0,
            "current_call_id": "call_7d4d0c",
            "booking_metadata_call_id": "call_old",
        },
        id="stale",
    ),
    pytest.param(
        Layer.IDENTITY,
        Reason.CALL_ID_MISMATCH,
        "DUPLICATE BOOKING PREVENTION: Call ID mismatch",
        {"expected_call_id": "call_7d4d0c", "received_call_id": "call_old", "booking_id": "uid-1"},
        id="call-id",
    ),
    pytest.param(
        Layer.IDENTITY,
        Reason.IDENTITY_MISMATCH,
        "DUPLICATE BOOKING PREVENTION: Identity mismatch",
        {
            "expected": "expected-evidence",
            "received": "received-evidence",
            "call_id": "call_7d4d0c",
            "booking_id": "uid-1",
        },
        id="identity",
    ),
    pytest.param(
        Layer.LEDGER,
        Reason.DATABASE_DUPLICATE,
        "DUPLICATE BOOKING PREVENTION: Appointment already exists",
        {
            "existing_appointment_id": "app-9",
            "existing_call_id": "call_known",
            "current_call_id": "call_7d4d0c",
            "calcom_booking_id": "uid-1",
        },
        id="ledger",
    ),
    pytest.param(
        Layer.CONSTRAINT,
        Reason.CONSTRAINT_VIOLATION,
        "DUPLICATE BOOKING PREVENTION: Constraint violation",
        {
            "existing_appointment_id": "app-9",
            "existing_call_id": "call_known",
            "current_call_id": "call_7d4d0c",
            "calcom_booking_id": "uid-1",
        },
        id="constraint",
    ),
]


@pytest.mark.parametrize(("layer", "reason", "message", "said"), GUARD)
def test_each_rejection_is_the_line_operators_know(
    lines: Lines, layer: Layer, reason: Reason, message: str, said: dict[str, Any]
) -> None:
    """Channel guard, level ERROR, the seed's text to the letter and its fields by name, with layer and reason."""
    LogObserver().observe((replace(REJECTED, layer=layer, reason=reason),))
    line = lines.one()
    assert (line["channel"], line["level"], line["message"]) == ("guard", "ERROR", message)
    assert fields(line) == said | {"layer": layer.value, "reason": reason.value, "intent_id": "int-1"}


def test_every_reason_has_its_text() -> None:
    """No rejection is without a line, and no two share one."""
    assert set(TEXTS) == set(Reason)
    assert len(set(TEXTS.values())) == len(Reason)
    assert {param.values[1] for param in GUARD} == set(Reason)


BOOKED = Booked(NOW, "int-1", "call_7d4d0c", "uid-1", START, State.CONFIRMED, 0.4, skewed=False)


def test_a_booking_is_the_line_operators_know(lines: Lines) -> None:
    """INFO on the guard's channel, the seed's text and its fields."""
    LogObserver().observe((BOOKED,))
    line = lines.one()
    assert (line["channel"], line["level"]) == ("guard", "INFO")
    assert line["message"] == "booking successful and validated"
    assert fields(line) == {
        "booking_id": "uid-1",
        "time": "2026-12-01 09:00:00+00:00",
        "freshness_validated": True,
        "call_id_validated": True,
        "call_id": "call_7d4d0c",
        "intent_id": "int-1",
        "state": "confirmed",
        "clock_skew": False,
        "overruled": [],
    }


@pytest.mark.parametrize(
    ("change", "freshness", "call_id"),
    [
        pytest.param({"overruled": (Reason.STALE_BOOKING,)}, False, True, id="freshness-overruled"),
        pytest.param({"overruled": (Reason.CALL_ID_MISMATCH,)}, True, False, id="call-id-overruled"),
        pytest.param({"overruled": (Reason.IDENTITY_MISMATCH,)}, True, True, id="another-overruled"),
        pytest.param({"age_seconds": None}, False, True, id="no-created-at"),
    ],
)
def test_validated_is_said_only_of_what_was_validated(
    lines: Lines, change: dict[str, Any], freshness: bool, call_id: bool
) -> None:
    """A layer that was overruled or had nothing to look at is not reported as having said yes."""
    LogObserver().observe((replace(BOOKED, **change),))
    line = lines.one()
    assert (line["freshness_validated"], line["call_id_validated"]) == (freshness, call_id)
    assert line["overruled"] == [reason.value for reason in change.get("overruled", ())]


def test_an_answer_is_told_by_its_shape_and_timing(lines: Lines) -> None:
    """Channel calcom: kind, status, durations and the age of the booking, no body."""
    fact = Answered(NOW, "int-1", 2, AnswerKind.BOOKING, 201, "", 0.25, 0.4, True, Judgement.OURS_ACCEPTED)
    LogObserver().observe((fact,))
    line = lines.one()
    assert (line["channel"], line["level"], line["message"]) == ("calcom", "INFO", "answer")
    assert fields(line) == {
        "intent_id": "int-1",
        "epoch": 2,
        "kind": "booking",
        "status": 201,
        "detail": "",
        "elapsed_seconds": 0.25,
        "age_seconds": 0.4,
        "is_fresh": True,
        "judgement": "ours_accepted",
    }


@pytest.mark.parametrize(
    ("fact", "name", "level", "message", "said"),
    [
        pytest.param(
            Doubted(NOW, "int-1", "call_7d4d0c", "timeout"),
            *("guard", "WARNING", "booking in doubt"),
            {"intent_id": "int-1", "call_id": "call_7d4d0c", "why": "timeout"},
            id="doubt",
        ),
        pytest.param(
            Alarm(NOW, "wrong_time", "int-1", "detail"),
            *("alerts", "ERROR", "wrong_time"),
            {"intent_id": "int-1", "detail": "detail"},
            id="alarm",
        ),
    ],
)
def test_doubts_and_alarms_have_their_lines(
    lines: Lines, fact: Fact, name: str, level: str, message: str, said: dict[str, Any]
) -> None:
    """Doubt warns on the guard's channel; an alarm is an error on its own."""
    LogObserver().observe((fact,))
    line = lines.one()
    assert (line["channel"], line["level"], line["message"]) == (name, level, message)
    assert fields(line) == said


def test_each_fact_is_one_line_in_its_order(lines: Lines) -> None:
    """Several facts, several lines; nothing is merged and nothing is turned round."""
    LogObserver().observe((Doubted(NOW, "int-1", None, "a"), BOOKED, Alarm(NOW, "b", None)))
    assert [line["message"] for line in lines.all()] == ["booking in doubt", "booking successful and validated", "b"]


@pytest.mark.parametrize("name", CHANNELS)
def test_every_channel_writes_under_its_name(lines: Lines, name: str) -> None:
    """A line says its channel, its level and when, in UTC."""
    channel(name).warning("plain %s", "text")
    line = lines.one()
    assert (line["channel"], line["level"], line["message"]) == (name, "WARNING", "plain text")
    assert datetime.fromisoformat(line["timestamp"]).utcoffset() == timedelta(0)


@pytest.mark.parametrize("text", ["a\nb", "a\r\nb", 'a"b', "a\\b", "a\x00b", "Gänse 🎉"])
def test_no_text_breaks_the_line(lines: Lines, text: str) -> None:
    """Line breaks and quotes inside a value stay inside it: one object, one line."""
    LogObserver().observe((replace(REJECTED, booking_call_id=text),))
    assert lines.one()["booking_metadata_call_id"] == text


def test_a_level_that_is_off_writes_nothing(lines: Lines) -> None:
    """At ERROR the informative lines are gone and the rejections are not."""
    configure_logs(lines.stream, logging.ERROR)
    LogObserver().observe((BOOKED, REJECTED))
    assert lines.one()["level"] == "ERROR"


def test_configuring_twice_writes_once(lines: Lines) -> None:
    """Handlers are replaced, not added, and nothing goes up to the root logger."""
    configure_logs(lines.stream)
    channel("guard").error("once")
    assert lines.one()["message"] == "once"
    assert logging.getLogger("einmal").propagate is False


def test_an_exception_is_told_without_its_message(lines: Lines) -> None:
    """Its type and its place; the message, and that of its cause, may quote what a caller said."""

    def inner() -> None:
        try:
            {}[CANARIES[0]]
        except KeyError as cause:
            raise ValueError(CANARIES[1]) from cause

    try:
        inner()
    except ValueError:
        channel("http").exception("function call failed", extra={"fields": {"error_id": "err-1"}})
    line = lines.one()
    assert (line["message"], line["exception"], line["error_id"]) == ("function call failed", "ValueError", "err-1")
    assert line["at"].startswith("inner:")
    assert not any(canary in lines.text for canary in CANARIES)
    assert "Traceback" not in lines.text


# Facts made of an intent and a booking that are full of personal data

SERVICE = Service("beratung", "Beratung", 7, 30)
POLICY = GuardPolicy(ownership=False)


def personal() -> Intent:
    wish = Wish("salon", "call_7d4d0c", SERVICE, START, Person(*CANARIES[:3]))
    return Intent(
        intent_id="int-1",
        operation_id="o" * 32,
        key=intent_key(wish, b"key"),
        generation=1,
        wish=wish,
        attendee_email=CANARIES[3],
        state=State.SENT,
        epoch=0,
        created_at=NOW,
        sent_at=NOW,
        send_deadline=NOW + timedelta(seconds=10),
    )


def theirs(**change: Any) -> Booking:
    booking = Booking(
        uid="uid-1",
        status=BookingStatus.ACCEPTED,
        start=START,
        end=START + timedelta(minutes=30),
        event_type_id=7,
        created_at=NOW,
        metadata={"einmal_op": "o" * 32},
        attendee_emails=(CANARIES[3],),
        attendee_name=CANARIES[0],
        host_name=CANARIES[0],
    )
    return replace(booking, **change)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        pytest.param({"created_at": NOW - timedelta(hours=1)}, Reason.STALE_BOOKING, id="stale"),
        pytest.param({"metadata": {"call_id": "call_old"}}, Reason.CALL_ID_MISMATCH, id="call-id"),
        pytest.param({"start": START + timedelta(hours=1)}, Reason.IDENTITY_MISMATCH, id="another-start"),
        pytest.param({"attendee_emails": (CANARIES[2],)}, Reason.IDENTITY_MISMATCH, id="another-attendee"),
        pytest.param({"event_type_id": 8}, Reason.IDENTITY_MISMATCH, id="another-event-type"),
        pytest.param({}, Reason.DATABASE_DUPLICATE, id="known"),
    ],
)
def test_no_rejection_tells_who_it_was_about(lines: Lines, change: dict[str, Any], reason: Reason) -> None:
    """Name, phone and addresses of caller, booking and house are in none of the guard's lines."""
    intent, booking = personal(), theirs(**change)
    known = KnownBooking("app-9", "int-0", "call_known", True, True, START, START) if not change else None
    verdict = judge(intent, booking, Asked(NOW), known, POLICY)
    LogObserver().observe((rejected(intent, booking, verdict, NOW, POLICY),))
    assert lines.one()["reason"] == reason.value
    assert not any(canary in lines.text for canary in CANARIES)


def test_no_other_line_tells_who_it_was_about(lines: Lines) -> None:
    """Nor in the lines of a booking, an answer and the schema's veto."""
    intent, booking = personal(), theirs()
    verdict = judge(intent, booking, Asked(NOW), None, POLICY)
    answer = Answer(AnswerKind.BOOKING, booking, 201, "", timedelta(milliseconds=250))
    facts = (
        booked(intent, booking, verdict, State.CONFIRMED, NOW),
        answered(intent, answer, verdict, NOW, POLICY),
        rejected(intent, booking, with_constraint(verdict, None), NOW, POLICY),
    )
    LogObserver().observe(facts)
    assert len(lines.all()) == 3
    assert not any(canary in lines.text for canary in CANARIES)


@pytest.mark.parametrize("kind", [Rejected, Booked, Answered, Doubted, Alarm])
def test_facts_have_nowhere_to_put_a_person(kind: type) -> None:
    """No fact has a field for a name, a phone, an address or a body: there is nothing to leak."""
    words = {word for name in kind.__dataclass_fields__ for word in name.split("_")}  # type: ignore[attr-defined]
    assert words.isdisjoint({"name", "phone", "email", "address", "person", "attendee", "host", "body", "wish", "args"})
