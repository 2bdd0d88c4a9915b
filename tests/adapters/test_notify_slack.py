"""Slack, against a real server on loopback: what a person of the house reads, and what is never in it."""

import json
import logging
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from einmal.adapters.notify.plain import plain
from einmal.adapters.notify.slack import SlackCourier, escaped, post_text
from einmal.domain.intent import State
from einmal.domain.promise import MessageKind
from einmal.ports import Message
from einmal.secret import Secret
from einmal.simulator.clock import SteppedClock
from einmal.speech.said import Language
from support.evidence import NOW
from support.messages import CANARIES, HOSTILE, OF_A_CHANGE, SALON, a_call_back, a_message
from support.receivers import Receiver, receiving, says

PATH = "/services/T000/B000/s3cr3t"
NEEDS_PERSON, TAKEN_BACK, CALLBACK = MessageKind.NEEDS_PERSON, MessageKind.TAKEN_BACK, MessageKind.CALLBACK
ESCALATED = a_message(NEEDS_PERSON, State.ESCALATED)
WHEN = "am Dienstag, dem 1. Dezember, um 10 Uhr"


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as made:
        yield made


@pytest.fixture
async def courier(receiver: Receiver) -> AsyncIterator[SlackCourier]:
    made = a_courier(receiver)
    yield made
    await made.close()


def a_courier(receiver: Receiver, language: Language = Language.GERMAN) -> SlackCourier:
    return SlackCourier(Secret(receiver.url + PATH), lambda _tenant: SALON, language, SteppedClock(NOW))


def text_of(receiver: Receiver) -> str:
    text = json.loads(receiver.one.body)["text"]
    assert isinstance(text, str)
    return text


@pytest.mark.parametrize(
    ("message", "lines"),
    [
        (
            ESCALATED,
            (
                f"Ein Mensch muss entscheiden: Beratung {WHEN} – Salon Größe",
                "Wie es um diesen Termin steht",
                "Nachsehen: einmal intents show 01intent",
                "Entscheiden: einmal intents rule 01intent",
            ),
        ),
        (
            replace(a_message(NEEDS_PERSON), message_id=OF_A_CHANGE),
            (f"Ein Mensch muss entscheiden: Beratung {WHEN}", "Wie es", "Nachsehen: einmal intents show 01intent"),
        ),
        (
            a_message(TAKEN_BACK, State.COMPENSATED),
            (f"Eine späte Buchung wurde zurückgenommen: Beratung {WHEN}", "Der Anrufer hatte gehört", "Nachsehen: "),
        ),
        (
            a_call_back(),
            ("Bitte zurückrufen – Salon Größe", "Jemand möchte", "Wen und weshalb: einmal callbacks list", "Danach: "),
        ),
        (
            a_message(MessageKind.RESOLVED),
            (f"Bitte Bescheid geben: Beratung {WHEN} ist gebucht", "Dem Anrufer wurde versprochen", "Nachsehen: "),
        ),
        (
            a_message(MessageKind.RESOLVED, State.REJECTED),
            (f"Bitte Bescheid geben: Beratung {WHEN} kam nicht zustande", "Dem Anrufer wurde", "Nachsehen: "),
        ),
    ],
    ids=["needs person", "a change needs person", "taken back", "call-back", "booked", "not booked"],
)
async def test_what_a_person_of_the_house_reads(
    courier: SlackCourier, receiver: Receiver, message: Message, lines: tuple[str, ...]
) -> None:
    """What happened, when, what to do and by which command; a change is not ended by a ruling."""
    assert await courier.send(message) is None
    said = text_of(receiver).split("\n")
    assert [line for line, begin in zip(said, lines, strict=True) if not line.startswith(begin)] == []
    assert (receiver.one.method, receiver.one.path) == ("POST", PATH)
    assert receiver.one.headers["content-type"] == "application/json"


async def test_it_speaks_the_language_of_the_installation(receiver: Receiver) -> None:
    """Whatever the callers of that house are spoken to in."""
    courier = a_courier(receiver, Language.ENGLISH)
    await courier.send(ESCALATED)
    await courier.close()
    assert text_of(receiver).startswith("A person must decide: Beratung on Tuesday, December 1, at 10:00 am – Salon")


@pytest.mark.parametrize("message", [ESCALATED, a_message(TAKEN_BACK, State.COMPENSATED), a_call_back(), a_message()])
async def test_nobodys_name_is_told(courier: SlackCourier, receiver: Receiver, message: Message) -> None:
    """No name, number, address or word of a caller leaves for Slack: no retention of ours reaches it there."""
    await courier.send(message)
    assert [canary for canary in CANARIES if canary in receiver.one.body.decode()] == []


@pytest.mark.parametrize(
    "message",
    [
        a_message(MessageKind.CONFIRMED),
        a_message(NEEDS_PERSON, State.CONFIRMED),
        a_message(MessageKind.RESOLVED, State.MOVED),
        a_call_back(done_at=NOW),
    ],
    ids=["for the customer", "ruled meanwhile", "moved meanwhile", "called meanwhile"],
)
async def test_what_nobody_has_to_do_is_not_told(courier: SlackCourier, receiver: Receiver, message: Message) -> None:
    """It counts as done: what stands when it goes is what counts."""
    assert await courier.send(message) is None
    assert receiver.arrived == []


@pytest.mark.parametrize("service", HOSTILE.values(), ids=HOSTILE)
async def test_nothing_calls_everybody_or_turns_the_line(
    courier: SlackCourier, receiver: Receiver, service: str
) -> None:
    """Markup is shown as it was written, a line stays a line, and what is not seen is gone."""
    message = a_message(NEEDS_PERSON, State.ESCALATED, service=service)
    assert await courier.send(message) is None
    text = text_of(receiver)
    assert not set(text) & set("<>\u202e\u202c\u2066\u200f\0\r")
    assert (text.count("\n"), len(text) < 1_000) == (3, True)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<!channel> & <https://evil.test|here>", "&lt;!channel&gt; &amp; &lt;https://evil.test|here&gt;"),
        ("&lt;", "&amp;lt;"),
        ("one\r\ntwo\u2028three", "one\ntwo\nthree"),
    ],
)
def test_markup_is_escaped_as_slack_wants_it(text: str, shown: str) -> None:
    """Only &, < and >: anything else would be shown as it was escaped."""
    assert escaped(text) == shown


async def test_a_text_by_itself(receiver: Receiver) -> None:
    """Whoever writes one message needs no courier."""
    assert await post_text(Secret(receiver.url + PATH), "Der Bericht\nist da") is None
    assert text_of(receiver) == "Der Bericht\nist da"


@pytest.mark.parametrize("status", [302, 403, 404, 429, 500])
async def test_what_did_not_arrive_is_a_short_word(
    courier: SlackCourier, receiver: Receiver, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    """No redirect is followed; neither the address nor what Slack says of it is told."""
    receiver.react = says(status, "invalid_token s3cr3t", Location="https://evil.test/")
    with caplog.at_level(logging.DEBUG):
        assert await courier.send(ESCALATED) == f"http_{status}"
    assert len(receiver.arrived) == 1
    assert "s3cr3t" not in caplog.text.replace(PATH, "") + repr(courier)


async def test_nobody_there_is_a_short_word(receiver: Receiver) -> None:
    """Nothing listens: tried again later."""
    receiver.port = 1
    courier = a_courier(receiver)
    assert await courier.send(ESCALATED) == "ClientConnectorError"
    await courier.close()


def test_a_name_is_one_line_of_what_is_seen() -> None:
    """The bound is of letters, and says so where it cuts."""
    assert plain(" Anna \u202e\r\n\tWeiß\0 ") == "Anna Weiß"
    assert plain("ä" * 9, 5) == "ääää…"
