"""Where messages go out, as an operator writes it down: what is read, what is refused, and that nothing is quoted."""

from collections.abc import Callable
from typing import Any

import pytest

from einmal.adapters.notify.addresses import (
    Safety,
    read_mailbox,
    read_mailboxes,
    read_smtp,
    read_twilio_account,
    read_twilio_sender,
)


@pytest.mark.parametrize(
    ("url", "host", "port", "safety"),
    [
        ("smtps://mail.example.org", "mail.example.org", 465, Safety.TLS),
        ("smtps://mail.example.org:2465/", "mail.example.org", 2465, Safety.TLS),
        ("smtp://mail.example.org", "mail.example.org", 587, Safety.STARTTLS),
        ("smtp://mail.example.org:25", "mail.example.org", 25, Safety.STARTTLS),
        ("smtp://127.0.0.1", "127.0.0.1", 25, Safety.CLEAR),
        ("smtp://[::1]:1025", "::1", 1025, Safety.CLEAR),
        ("smtp://localhost:1025", "localhost", 1025, Safety.CLEAR),
        ("smtps://localhost", "localhost", 465, Safety.TLS),
        ("smtp://10.0.0.1", "10.0.0.1", 587, Safety.STARTTLS),
        ("smtp://localhost.example.org", "localhost.example.org", 587, Safety.STARTTLS),
    ],
)
def test_a_mail_server(url: str, host: str, port: int, safety: Safety) -> None:
    """In the clear only to this machine itself."""
    smtp = read_smtp(url)
    assert (smtp.host, smtp.port, smtp.safety, smtp.user, smtp.password) == (host, port, safety, None, None)


def test_what_is_special_in_a_password_is_decoded_and_not_shown() -> None:
    """As in every URL."""
    smtp = read_smtp("smtps://post%40salon.test:pass%40%3A%2F1@mail.example.org")
    assert smtp.password is not None
    assert (smtp.user, smtp.password.reveal()) == ("post@salon.test", "pass@:/1")
    assert "pass@" not in repr(smtp)
    assert "post@" not in repr(smtp)


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (read_smtp, "mail.example.org"),
        (read_smtp, "https://geheim:geheim@mail.example.org"),
        (read_smtp, "smtp://"),
        (read_smtp, "smtp://geheim@mail.example.org"),
        (read_smtp, "smtp://:geheim@mail.example.org"),
        (read_smtp, "smtp://mail.example.org:0"),
        (read_smtp, "smtp://mail.example.org:geheim"),
        (read_smtp, "smtp://mail.example.org/geheim"),
        (read_smtp, "smtp://mail.example.org?geheim=1"),
        (read_smtp, "smtp://mail.example.org#geheim"),
        (read_smtp, "smtp://a:geheim%0d%0aQUIT@mail.example.org"),
        (read_smtp, "smtp://a:geheim@mail .example.org"),
        (read_smtp, "smtp://a:geheim%C3%A4@mail.example.org"),
        (read_smtp, "smtp://a:geheim%ff@mail.example.org"),
        (read_smtp, "smtp://[geheim"),
        (read_mailbox, "geheim"),
        (read_mailbox, "Salon <geheim@salon.test>"),
        (read_mailbox, "geheim@salon.test\r\nBcc: a@b.de"),
        (read_mailbox, "geheim..a@salon.test"),
        (read_mailbox, "geheim@salön.test"),
        (read_mailboxes, "a@b.de, geheim"),
        (read_mailboxes, ", ,"),
        (read_twilio_account, "geheim"),
        (read_twilio_account, "SK" + "0" * 32),
        (read_twilio_account, "AC" + "0" * 32 + "/geheim"),
        (read_twilio_sender, "0170-geheim"),
        (read_twilio_sender, "01701234567"),
        (read_twilio_sender, "a name that is geheim"),
        (read_twilio_sender, "12345"),
    ],
)
def test_what_cannot_be_is_refused_without_being_quoted(read: Callable[[str], Any], text: str) -> None:
    """The words say what is allowed; what was given may be a password in the wrong place."""
    with pytest.raises(ValueError, match=r"^must be ") as wrong:
        read(text)
    assert "geheim" not in str(wrong.value)
    assert wrong.value.__cause__ is None


def test_who_gets_mail() -> None:
    """Several with a comma."""
    assert read_mailboxes(" a@salon.test,b+c@salon.test ,") == ("a@salon.test", "b+c@salon.test")


@pytest.mark.parametrize("text", ["+493023125000", "SalonAnna", "Salon 1", "MG" + "0" * 32])
def test_whom_sms_are_from(text: str) -> None:
    """A number, a short name, a messaging service."""
    assert read_twilio_sender(f" {text} ") == text
