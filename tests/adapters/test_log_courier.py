"""The channel that is always there: one line for each kept promise, ids and outcome, and nobody's name or phone."""

import io
import json
import logging
from collections.abc import Iterator
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from einmal.adapters.telemetry.logs import LogCourier, configure_logs
from einmal.domain.callback import Callback
from einmal.domain.intent import State
from einmal.domain.model import Service
from einmal.domain.promise import MessageKind
from einmal.domain.reply import BookedSlot, Outcome, Reply, Why
from einmal.ports import Message, StoredReply
from einmal.simulator.clock import SteppedClock
from support.evidence import CALL, NOW, intent, wish

CANARIES = ("Kanarienvogel", "+4930987654", "canary@person.test", "canary@house.test", "Kanarienstaff", "Kanarienkur")
START = wish().start
SLOT = BookedSlot("01ref", START, START + timedelta(minutes=30), "Kanarienkur", "Kanarienstaff")
REFUSAL = Reply(Outcome.SLOT_TAKEN, asked_start=START)


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """All channels into memory; the logging of this process is put back as it was."""
    root = logging.getLogger("einmal")
    server = logging.getLogger("uvicorn")
    before = [(log, list(log.handlers), log.level, log.propagate) for log in (root, server)]
    stream = io.StringIO()
    configure_logs(stream)
    yield stream
    for log, handlers, level, propagate in before:
        log.handlers[:], log.propagate = handlers, propagate
        log.setLevel(level)


@pytest.fixture
def courier() -> LogCourier:
    return LogCourier(SteppedClock(NOW))


def a_message(
    kind: MessageKind, state: State, booking: BookedSlot | None = None, reply: Reply | None = None
) -> Message:
    """All that could be told of anybody is a canary."""
    service = Service("101", "Kanarienkur", 101, 30)
    the_wish = wish(
        name="Canary Kanarienvogel",
        phone="+4930987654",
        email="canary@person.test",
        service=service,
        staff="Kanarienstaff",
    )
    of = intent(state, the_wish, attendee_email="canary@house.test", promised_at=NOW)
    return Message(f"01intent.{state}", "log", kind, NOW, 0, StoredReply(of, booking, reply))


CASES = [
    (MessageKind.RESOLVED, State.CONFIRMED, SLOT, None, Outcome.BOOKED),
    (MessageKind.RESOLVED, State.PENDING, SLOT, None, Outcome.REQUESTED),
    (MessageKind.RESOLVED, State.REJECTED, None, REFUSAL, Outcome.SLOT_TAKEN),
    (MessageKind.RESOLVED, State.REJECTED, None, Reply(Outcome.ERROR, Why.UNREACHABLE), Outcome.ERROR),
    (MessageKind.RESOLVED, State.CONFIRMED, None, None, Outcome.IN_DOUBT),
    (MessageKind.NEEDS_PERSON, State.ESCALATED, None, None, Outcome.IN_DOUBT),
    (MessageKind.TAKEN_BACK, State.COMPENSATED, None, REFUSAL, Outcome.SLOT_TAKEN),
]


@pytest.mark.parametrize(("kind", "state", "booking", "reply", "outcome"), CASES)
async def test_a_line_tells_ids_kind_and_outcome_and_nothing_else(
    courier: LogCourier,
    lines: io.StringIO,
    kind: MessageKind,
    state: State,
    booking: BookedSlot | None,
    reply: Reply | None,
    outcome: Outcome,
) -> None:
    """It always arrives; whoever reads logs finds the intent, and learns nothing of the person."""
    message = a_message(kind, state, booking, reply)
    assert await courier.send(message) is None
    line = json.loads(lines.getvalue())
    del line["timestamp"]
    assert line == {
        "level": "INFO",
        "channel": "guard",
        "message": "promise kept",
        "message_id": f"01intent.{state}",
        "intent_id": "01intent",
        "call_id": CALL,
        "kind": kind,
        "outcome": outcome,
    }
    assert not [canary for canary in CANARIES if canary in lines.getvalue()]


async def test_a_call_that_nobody_vouched_for_is_null(courier: LogCourier, lines: io.StringIO) -> None:
    of = intent(State.ESCALATED, wish(conversation_id=None))
    message = Message("01intent.escalated", "log", MessageKind.NEEDS_PERSON, NOW, 0, StoredReply(of, None, None))
    await courier.send(message)
    assert json.loads(lines.getvalue())["call_id"] is None


@pytest.mark.parametrize("call_id", [CALL, None])
async def test_a_call_back_is_a_line_of_ids(courier: LogCourier, lines: io.StringIO, call_id: str | None) -> None:
    """That somebody wants to be called, and where to read whom: no name, number or note."""
    words = ("Canary Kanarienvogel", "+4930987654", "Kanarienkur misslungen", "wenn der Kanarienvogel schläft")
    about = Callback("01callback", "default", call_id, *words, NOW)
    assert await courier.send(Message("01callback.requested", "log", MessageKind.CALLBACK, NOW, 0, about)) is None
    line = json.loads(lines.getvalue())
    del line["timestamp"]
    assert line == {
        "level": "INFO",
        "channel": "guard",
        "message": "somebody wants to be called back",
        "message_id": "01callback.requested",
        "callback_id": "01callback",
        "tenant": "default",
        "call_id": call_id,
        "kind": "callback",
    }


async def test_each_message_is_a_line_of_its_own(courier: LogCourier, lines: io.StringIO) -> None:
    for kind, state, booking, reply, _ in CASES:
        await courier.send(a_message(kind, state, booking, reply))
    assert [json.loads(line)["kind"] for line in lines.getvalue().splitlines()] == [case[0] for case in CASES]


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30).map(lambda text: f"<<{text}>>")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=TEXTS, email=TEXTS, staff=TEXTS, host=TEXTS)
async def test_whatever_people_are_called_it_is_not_in_the_line(
    courier: LogCourier, lines: io.StringIO, name: str, email: str, staff: str, host: str
) -> None:
    """Nor does any name break the line in two."""
    lines.seek(0)
    lines.truncate()
    of = intent(State.CONFIRMED, wish(name=name, email=email, staff=staff), attendee_email=email)
    slot = BookedSlot("01ref", START, START + timedelta(minutes=30), "Beratung", host)
    message = Message("01intent.confirmed", "log", MessageKind.RESOLVED, NOW, 0, StoredReply(of, slot, None))
    assert await courier.send(message) is None
    (line,) = lines.getvalue().splitlines()
    assert "<<" not in line
    assert json.loads(line)["outcome"] == Outcome.BOOKED
