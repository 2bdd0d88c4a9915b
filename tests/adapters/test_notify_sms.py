"""SMS by Twilio's interface, against a real server on loopback: to whom, what, and what counts as done."""

import base64
import json
import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import pytest

from einmal.adapters.notify.sms import LETTERS_MAX, SmsCourier
from einmal.domain.intent import State
from einmal.domain.promise import MessageKind
from einmal.ports import Message
from einmal.secret import Secret
from einmal.simulator.clock import SteppedClock
from einmal.speech.said import Language
from support.evidence import NOW
from support.messages import CANARIES, HOSTILE, SALON, SPOKEN_TO, a_call_back, a_message
from support.receivers import Receiver, receiving, says

ACCOUNT = "AC" + "0123456789abcdef" * 2
TOKEN = "t0k3n-of-twilio"
SENDER = "+493023125000"
CONFIRMED, RESOLVED = MessageKind.CONFIRMED, MessageKind.RESOLVED
WHEN = "Beratung am Dienstag, dem 1. Dezember, um 10 Uhr"


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as made:
        yield made


Couriers = Callable[..., SmsCourier]


@pytest.fixture
async def couriers(receiver: Receiver) -> AsyncIterator[Couriers]:
    made: list[SmsCourier] = []

    def make(sender: str = SENDER, language: Language = Language.GERMAN) -> SmsCourier:
        head = SPOKEN_TO[language]
        one = SmsCourier(ACCOUNT, Secret(TOKEN), sender, lambda _: head, SteppedClock(NOW), receiver.url)
        made.append(one)
        return one

    yield make
    for one in made:
        await one.close()


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (a_message(CONFIRMED), f"Salon Größe: Ihr Termin ist bestätigt: {WHEN}."),
        (a_message(RESOLVED), f"Salon Größe: Ihr Termin ist bestätigt: {WHEN}."),
        (a_message(RESOLVED, State.PENDING), "Salon Größe: Ihr Termin ist angefragt und muss noch bestätigt werden: "),
        (a_message(RESOLVED, State.CANCELLED), f"Salon Größe: Ihr Termin ist abgesagt: {WHEN}."),
        (a_message(RESOLVED, State.REJECTED), "Salon Größe: Ihr Termin konnte leider nicht gebucht werden: "),
    ],
    ids=["confirmed", "booked", "requested", "cancelled", "not booked"],
)
async def test_what_the_caller_reads(couriers: Couriers, receiver: Receiver, message: Message, said: str) -> None:
    """One form to Twilio's address of messages, with the account's token: who it is, what, and when."""
    assert await couriers().send(message) is None
    arrived = receiver.one
    assert (arrived.method, arrived.path) == ("POST", f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json")
    assert arrived.headers["content-type"] == "application/x-www-form-urlencoded"
    account = base64.b64decode(arrived.headers["authorization"].removeprefix("Basic ")).decode()
    assert account == f"{ACCOUNT}:{TOKEN}"
    assert arrived.form | {"Body": ""} == {"To": "+4930987654", "From": SENDER, "Body": ""}
    assert arrived.form["Body"].startswith(said)
    assert len(arrived.form["Body"]) <= LETTERS_MAX


async def test_in_english(couriers: Couriers, receiver: Receiver) -> None:
    """The house's language, not the installation's."""
    await couriers(language=Language.ENGLISH).send(a_message(CONFIRMED))
    said = "Salon Größe: Your appointment is confirmed: Beratung on Tuesday, December 1, at 10:00 am."
    assert receiver.one.form["Body"] == said


async def test_a_messaging_service_is_named_as_such(couriers: Couriers, receiver: Receiver) -> None:
    """MG… is no sender's number."""
    service = "MG" + "0" * 32
    await couriers(service).send(a_message(CONFIRMED))
    assert receiver.one.form["MessagingServiceSid"] == service
    assert "From" not in receiver.one.form


@pytest.mark.parametrize(
    "message",
    [
        a_message(CONFIRMED, phone=None),
        a_message(CONFIRMED, phone="030 987654"),
        a_message(CONFIRMED, phone="+49 30 987654"),
        a_message(CONFIRMED, phone="+0301234567"),
        a_message(CONFIRMED, phone="+٤٩٣٠٩٨٧٦٥٤"),
        a_message(MessageKind.NEEDS_PERSON, State.ESCALATED),
        a_message(MessageKind.TAKEN_BACK, State.COMPENSATED),
        a_call_back(),
        a_message(CONFIRMED, State.CANCELLED),
        a_message(CONFIRMED, State.PENDING),
        a_message(RESOLVED, State.MOVED),
        a_message(RESOLVED, State.DOUBT),
    ],
)
async def test_who_has_no_number_or_nothing_to_hear_gets_none(
    couriers: Couriers, receiver: Receiver, message: Message
) -> None:
    """Done without a request: no number in E.164, news for the house, or nothing that stands."""
    assert await couriers().send(message) is None
    assert receiver.arrived == []


async def test_while_a_change_is_in_doubt_nothing_is_confirmed(couriers: Couriers, receiver: Receiver) -> None:
    """Nobody can tell whether it stands."""
    message = a_message(CONFIRMED)
    assert await couriers().send(replace(message, about=replace(message.about, changing=True))) is None
    assert receiver.arrived == []


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
async def test_what_was_said_is_not_sent_on(couriers: Couriers, receiver: Receiver, text: str) -> None:
    """A number may be a stranger's: an SMS has no word of the caller's in it, and stays one short line."""
    await couriers().send(a_message(CONFIRMED, name=text, service=text))
    body = receiver.one.form["Body"]
    assert "Kanarienvogel" not in body
    assert len(body) <= LETTERS_MAX
    assert not set(body) & set("\r\n\0\u202e\u202c\u2066\u200f")


@pytest.mark.parametrize("code", [21211, 21610, 21614])
async def test_a_number_that_takes_no_sms_is_left_alone(couriers: Couriers, receiver: Receiver, code: int) -> None:
    """Trying for three days would change nothing, and alarm for each landline."""
    receiver.react = says(400, json.dumps({"code": code, "message": "The number +4930987654 ...", "status": 400}))
    assert await couriers().send(a_message(CONFIRMED)) is None


@pytest.mark.parametrize("code", [21211, 21610, 21614])
async def test_who_was_promised_to_hear_and_takes_no_sms_is_not_forgotten(
    couriers: Couriers, receiver: Receiver, code: int
) -> None:
    """A landline that was told "you will hear from us": it did not arrive, so a person hears of it and calls."""
    receiver.react = says(400, json.dumps({"code": code, "message": "The number +4930987654 ...", "status": 400}))
    assert await couriers().send(a_message(RESOLVED)) == f"http_400_{code}"


@pytest.mark.parametrize(
    ("status", "body", "why"),
    [
        (400, '{"code": 21606, "message": "+4930987654"}', "http_400_21606"),
        (400, '{"code": "+4930987654"}', "http_400_unknown"),
        (400, "+4930987654", "http_400_unknown"),
        (400, "[1]", "http_400_unknown"),
        (401, '{"code": 20003}', "http_401"),
        (429, "", "http_429"),
        (302, "", "http_302"),
        (500, '{"code": 21614}', "http_500"),
    ],
)
async def test_what_did_not_go_is_tried_again_and_names_nobody(
    couriers: Couriers, receiver: Receiver, status: int, body: str, why: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Twilio's words quote the number; its code does not."""
    receiver.react = says(status, body)
    with caplog.at_level(logging.DEBUG):
        assert await couriers().send(a_message(CONFIRMED)) == why
    assert [word for word in (*CANARIES, TOKEN) if word in caplog.text + why] == []
    assert len(receiver.arrived) == 1


async def test_a_house_without_a_name_is_not_called_by_its_id(receiver: Receiver) -> None:
    """ "default" says nothing to anybody."""
    head = replace(SALON, name=None)
    courier = SmsCourier(ACCOUNT, Secret(TOKEN), SENDER, lambda _: head, SteppedClock(NOW), receiver.url)
    await courier.send(a_message(CONFIRMED))
    await courier.close()
    assert receiver.one.form["Body"] == f"Ihr Termin ist bestätigt: {WHEN}."
