"""E-mail, against a real mail server on loopback: who gets which, what is in it, and what a hostile name does to it."""

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from email.message import EmailMessage, MIMEPart

import pytest
from icalendar import Calendar

from einmal.adapters.notify import smtp as handing
from einmal.adapters.notify.addresses import Safety, Smtp
from einmal.adapters.notify.letterhead import Letterhead
from einmal.adapters.notify.mail import Attachment, MailCourier, send_mail
from einmal.domain.intent import State
from einmal.domain.promise import MessageKind
from einmal.ports import Message
from einmal.secret import Secret
from einmal.simulator.clock import SteppedClock
from einmal.speech.said import Language
from support.certificates import believing_it, serving_tls
from support.evidence import NOW
from support.messages import CANARIES, HOSTILE, OF_A_CHANGE, SALON, SLOT, SPOKEN_TO, UID, a_call_back, a_message
from support.receivers import PASSWORD, Mailbox, taking_mail

FROM = "einmal@salon.test"
HOUSE = ("anna@haus.test", "ben@haus.test")
CUSTOMER = "canary@person.test"
WHEN = "am Dienstag, dem 1. Dezember, um 10 Uhr"
CONFIRMED, RESOLVED, NEEDS_PERSON = MessageKind.CONFIRMED, MessageKind.RESOLVED, MessageKind.NEEDS_PERSON
ESCALATED = a_message(NEEDS_PERSON, State.ESCALATED)


@pytest.fixture
async def mailbox() -> AsyncIterator[Mailbox]:
    async with taking_mail() as made:
        yield made


def on(mailbox: Mailbox, safety: Safety = Safety.CLEAR, trust: ssl.SSLContext | None = None) -> Smtp:
    return Smtp("127.0.0.1", mailbox.port, safety, trust=trust)


def a_courier(mailbox: Mailbox, head: Letterhead = SALON, language: Language = Language.GERMAN) -> MailCourier:
    return MailCourier(on(mailbox), FROM, HOUSE, lambda _tenant: head, language, SteppedClock(NOW))


def body_of(mail: EmailMessage) -> str:
    part = mail.get_body(("plain",))
    assert isinstance(part, MIMEPart)
    text = part.get_content()
    assert isinstance(text, str)
    return text.replace("\r\n", "\n")


def files_of(mail: EmailMessage) -> list[EmailMessage]:
    return [part for part in mail.iter_attachments() if isinstance(part, EmailMessage)]


# To the customer -------------------------------------------------------------------------------------------------


async def test_a_customer_hears_and_gets_the_appointment_as_a_file(mailbox: Mailbox) -> None:
    """To their own address alone, from the house, with a file for their calendar under the booking's own uid."""
    assert await a_courier(mailbox).send(a_message(CONFIRMED)) is None
    mail, (envelope,) = mailbox.one, mailbox.envelopes
    assert (envelope.mail_from, envelope.rcpt_tos) == (FROM, [CUSTOMER])
    assert (mail["From"], mail["To"], mail["Subject"]) == (FROM, CUSTOMER, "Ihr Termin ist bestätigt – Salon Größe")
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Date"] is not None
    assert body_of(mail) == f"Ihr Termin ist bestätigt: Beratung {WHEN}.\n\nSalon Größe\n"
    (file,) = files_of(mail)
    assert (file.get_content_type(), file.get_filename()) == ("text/calendar", "termin.ics")
    assert file.get_param("method") == "PUBLISH"
    (event,) = Calendar.from_ical(file.get_content()).walk("VEVENT")
    assert (str(event["UID"]), event.start, event.end) == (UID, SLOT.start, SLOT.end)
    assert str(event["SUMMARY"]) == "Beratung – Salon Größe"


@pytest.mark.parametrize(
    ("message", "subject"),
    [
        (a_message(RESOLVED, State.PENDING), "Ihr Termin ist angefragt – Salon Größe"),
        (a_message(RESOLVED, State.REJECTED), "Ihr Termin kam nicht zustande – Salon Größe"),
        (
            replace(a_message(RESOLVED, State.CANCELLED), message_id=OF_A_CHANGE),
            "Ihr Termin ist abgesagt – Salon Größe",
        ),
        (replace(a_message(RESOLVED), message_id="01composite.booked"), "Ihr Termin ist bestätigt – Salon Größe"),
    ],
    ids=["requested", "not booked", "cancelled", "several as one"],
)
async def test_a_file_is_only_of_what_stands_as_one_booking(mailbox: Mailbox, message: Message, subject: str) -> None:
    """What is only asked for is no appointment, and of several bookings the first one's end is not the end."""
    assert await a_courier(mailbox).send(message) is None
    assert (mailbox.one["Subject"], files_of(mailbox.one)) == (subject, [])


async def test_in_the_language_of_their_house(mailbox: Mailbox) -> None:
    """Whatever the installation speaks."""
    await a_courier(mailbox, SPOKEN_TO[Language.ENGLISH]).send(a_message(CONFIRMED))
    assert mailbox.one["Subject"] == "Your appointment is confirmed – Salon Größe"
    assert body_of(mailbox.one).startswith(
        "Your appointment is confirmed: Beratung on Tuesday, December 1, at 10:00 am."
    )


@pytest.mark.parametrize(
    "email",
    [
        None,
        "termin@salon.test",
        "termin+2abc@salon.test",
        "TERMIN+2abc@Salon.Test",
        "anna@example.com",
        "anna@haus.invalid",
        "noreply@person.de",
        "anonym@person.de",
    ],
)
async def test_a_placeholder_never_gets_mail(mailbox: Mailbox, email: str | None) -> None:
    """Neither the house's alias nor what a model made up."""
    assert await a_courier(mailbox).send(a_message(CONFIRMED, email=email)) is None
    assert mailbox.envelopes == []


@pytest.mark.parametrize("state", [State.CANCELLED, State.PENDING, State.MOVED, State.LOST])
async def test_what_stands_no_longer_is_not_confirmed(mailbox: Mailbox, state: State) -> None:
    """The message is what stands when it goes."""
    assert await a_courier(mailbox).send(a_message(CONFIRMED, state)) is None
    assert mailbox.envelopes == []


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
async def test_a_customer_reads_nothing_that_was_said(mailbox: Mailbox, text: str) -> None:
    """An address may be a stranger's, and what is mailed there must not be whatever a caller calls himself."""
    await a_courier(mailbox).send(a_message(CONFIRMED, name=text))
    told = bytes(mailbox.envelopes[0].content or b"").decode() + body_of(mailbox.one)
    assert [word for word in ("evil", "onerror", "Klicken", "A" * 40) if word in told] == []


# To the house ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "subject", "lines"),
    [
        (
            ESCALATED,
            f"Ein Mensch muss entscheiden: Beratung {WHEN} – Salon Größe",
            (
                "einmal intents rule 01intent",
                "Name: Jürgen Kanarienvogel",
                "Telefon: +4930987654",
                f"E-Mail: {CUSTOMER}",
            ),
        ),
        (
            a_message(MessageKind.TAKEN_BACK, State.COMPENSATED, email=None),
            f"Eine späte Buchung wurde zurückgenommen: Beratung {WHEN} – Salon Größe",
            ("einmal intents show 01intent", "Name: Jürgen Kanarienvogel", "Telefon: +4930987654"),
        ),
        (
            a_call_back(),
            "Bitte zurückrufen – Salon Größe",
            (
                "einmal callbacks done 01callback",
                "Name: Jürgen Kanarienvogel",
                "Telefon: +4930987654",
                "Worum es geht: Der Kanarienvogel: «verschieben»",
                "Wann: morgen ab 17 Uhr",
            ),
        ),
        (
            a_message(RESOLVED, State.REJECTED, email=None),
            f"Bitte Bescheid geben: Beratung {WHEN} kam nicht zustande – Salon Größe",
            ("kein Kanal führt zu ihm", "Telefon: +4930987654"),
        ),
        (
            a_message(RESOLVED, email="anna@example.com"),
            f"Bitte Bescheid geben: Beratung {WHEN} ist gebucht – Salon Größe",
            ("Telefon: +4930987654",),
        ),
    ],
    ids=["needs person", "taken back", "call-back", "to be told", "to be told instead of a placeholder"],
)
async def test_what_the_house_must_do(mailbox: Mailbox, message: Message, subject: str, lines: tuple[str, ...]) -> None:
    """To all of the house and nobody else: what to do, by which command, and whom to call."""
    assert await a_courier(mailbox).send(message) is None
    (envelope,) = mailbox.envelopes
    assert (envelope.mail_from, envelope.rcpt_tos) == (FROM, list(HOUSE))
    assert mailbox.one["Subject"] == subject
    assert [line for line in lines if line not in body_of(mailbox.one)] == []
    assert files_of(mailbox.one) == []


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
async def test_a_hostile_name_is_one_line_of_text(mailbox: Mailbox, text: str) -> None:
    """No header, no second addressee, no markup, no other order of letters: the mail is plain text, a line each."""
    await a_courier(mailbox).send(a_call_back(name=text, note=text, wanted=text))
    await a_courier(mailbox).send(a_message(NEEDS_PERSON, State.ESCALATED, name=text, service=text))
    assert [envelope.rcpt_tos for envelope in mailbox.envelopes] == [list(HOUSE)] * 2
    for mail in mailbox.mails:
        assert mail["Bcc"] is None
        assert mail.get_content_type() == "text/plain"
        assert not set(str(mail["Subject"]) + body_of(mail)) & set("\u202e\u202c\u2066\u200f\0\r")
    assert [line for line in body_of(mailbox.mails[0]).splitlines() if line.startswith("Bcc")] == []


# Handed over -----------------------------------------------------------------------------------------------------


async def test_a_repeat_has_the_same_id(mailbox: Mailbox) -> None:
    """Who gets it twice can tell."""
    for _ in range(2):
        await a_courier(mailbox).send(ESCALATED)
    assert {mail["Message-ID"] for mail in mailbox.mails} == {"<01intent.escalated@salon.test>"}


async def test_a_mail_of_somebody_elses(mailbox: Mailbox) -> None:
    """Text, HTML and a file, in any letters."""
    file = Attachment("bericht.csv", "csv", "a;ü\r\n")
    text, html = "Grüße\n", "<p>Grüße</p>\n"
    assert await send_mail(on(mailbox), FROM, HOUSE, "Woche 48: 99 %", text, html, (file,)) is None
    mail = mailbox.one
    assert (mail["Subject"], mail["To"], body_of(mail)) == ("Woche 48: 99 %", ", ".join(HOUSE), text)
    shown = mail.get_body(("html",))
    assert isinstance(shown, MIMEPart)
    assert shown.get_content().replace("\r\n", "\n") == html
    assert [one.get_filename() for one in files_of(mail)] == ["bericht.csv"]


Servers = Callable[[], AbstractAsyncContextManager[Mailbox]]


@pytest.mark.parametrize(
    ("server", "safety"),
    [
        (lambda: taking_mail(tls=serving_tls()), Safety.TLS),
        (lambda: taking_mail(starttls=serving_tls()), Safety.STARTTLS),
    ],
    ids=["smtps", "starttls"],
)
async def test_over_tls_and_with_a_password(server: Servers, safety: Safety) -> None:
    """The server's certificate is checked; and where it is nobody's, nothing is said."""
    async with server() as mailbox:
        smtp = replace(on(mailbox, safety, believing_it()), user="post", password=Secret(PASSWORD))
        assert await send_mail(smtp, FROM, HOUSE, "Sicher", "Text") is None
        assert (mailbox.logins, len(mailbox.mails)) == ([(b"post", PASSWORD.encode())], 1)
        stranger = await send_mail(replace(smtp, trust=None), FROM, HOUSE, "Unsicher", "Text")
        assert (stranger, len(mailbox.mails)) == ("SSLCertVerificationError", 1)
        wrong = replace(smtp, password=Secret("falsch"))
        assert await send_mail(wrong, FROM, HOUSE, "Falsch", "Text") == "smtp_535"


async def test_a_server_without_starttls_gets_nothing(mailbox: Mailbox) -> None:
    """Not even the password: it would go in the clear."""
    smtp = replace(on(mailbox, Safety.STARTTLS, believing_it()), user="post", password=Secret(PASSWORD))
    assert await send_mail(smtp, FROM, HOUSE, "Offen", "Text") == "SMTPNotSupportedError"
    assert (mailbox.logins, mailbox.mails) == ([], [])


@pytest.mark.parametrize(
    ("refuses", "says", "why"),
    [
        (dict.fromkeys(HOUSE, "550 no such canary@person.test"), "250 OK", "smtp_550"),
        ({}, "451 canary@person.test is greylisted", "smtp_451"),
        ({}, "554 spam", "smtp_554"),
    ],
)
async def test_what_did_not_arrive_is_a_short_word(
    mailbox: Mailbox, refuses: dict[str, str], says: str, why: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The server's words quote addresses; its code does not. It is tried again."""
    mailbox.refuses, mailbox.says = refuses, says
    with caplog.at_level(logging.DEBUG, "einmal"):
        assert await a_courier(mailbox).send(ESCALATED) == why
    told = why + "".join(one.getMessage() for one in caplog.records if one.name.startswith("einmal"))
    assert [canary for canary in CANARIES if canary in told] == []


async def test_one_dead_address_does_not_flood_the_others(mailbox: Mailbox) -> None:
    """Somebody of the house has it: it is not tried again for the other's sake."""
    mailbox.refuses = {HOUSE[0]: "550 no such anna"}
    assert await a_courier(mailbox).send(ESCALATED) is None
    assert [envelope.rcpt_tos for envelope in mailbox.envelopes] == [[HOUSE[1]]]


async def test_nobody_there_is_a_short_word(mailbox: Mailbox) -> None:
    """Nothing listens: tried again later."""
    assert await send_mail(replace(on(mailbox), port=1), FROM, HOUSE, "x", "y") == "ConnectionRefusedError"


async def test_a_server_that_says_nothing_is_left_after_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """However it drips: all of it has one time, and the thread that waits for it ends."""
    monkeypatch.setattr(handing, "SEND_SECONDS", 0.3)
    hung_up = asyncio.Event()

    async def dripping(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.test\r\n")
        while await reader.read(1_000):
            writer.write(b"250-mail.test\r\n")
        hung_up.set()
        writer.close()

    await _given_up(dripping)
    await asyncio.wait_for(hung_up.wait(), 3)


async def test_a_server_that_never_ends_its_greeting_is_left_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Letter by letter, each in time: without an end to it each try would keep a thread of those that ask for names."""
    monkeypatch.setattr(handing, "SEND_SECONDS", 0.3)
    hung_up = asyncio.Event()

    async def greeting(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        gone = asyncio.ensure_future(reader.read(1))
        while not gone.done():
            writer.write(b"2")
            await asyncio.wait({gone}, timeout=0.05)
        hung_up.set()
        writer.close()

    await _given_up(greeting)
    await asyncio.wait_for(hung_up.wait(), 3)


async def _given_up(server_says: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]) -> None:
    server = await asyncio.start_server(server_says, "127.0.0.1", 0)
    try:
        smtp = Smtp("127.0.0.1", server.sockets[0].getsockname()[1], Safety.CLEAR)
        assert await send_mail(smtp, FROM, HOUSE, "x", "y") == "TimeoutError"
    finally:
        server.close()
