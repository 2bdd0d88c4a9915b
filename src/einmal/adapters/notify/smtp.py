"""How a mail is handed to a server: by the standard library's client, in a thread that is let go of in time."""

import asyncio
import contextlib
import smtplib
import socket
import ssl
import threading
from collections.abc import Sequence
from email.message import EmailMessage
from typing import Any, Final

from einmal.adapters.notify.addresses import Safety, Smtp

SEND_SECONDS: Final = 10.0
"""For all of it: a server that answers each word late is given up as well."""

STEP_SECONDS: Final = 5.0


async def handed_over(smtp: Smtp, sender: str, to: Sequence[str], message: EmailMessage) -> str | None:
    """None once the server has taken it for one of them at least, else a short word why not, which quotes nobody.

    Tried again for the sake of one address that is no more, it would come to all others each time.
    """
    line = _Line()
    thread = asyncio.create_task(asyncio.to_thread(_handed_over, smtp, sender, to, message, line))
    try:
        async with asyncio.timeout(SEND_SECONDS):
            return await asyncio.shield(thread)
    except TimeoutError:
        return "TimeoutError"
    finally:
        if not thread.done():
            thread.add_done_callback(lambda done: done.cancelled() or done.exception())
            line.cut()


class _Line:
    """A thread cannot be ended, but what it waits for can."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._client: smtplib.SMTP | None = None
        self._is_cut = False

    def opened(self, client: smtplib.SMTP) -> None:
        with self._lock:
            self._client = client
            if self._is_cut:
                _hang_up(client)

    def cut(self) -> None:
        with self._lock:
            self._is_cut = True
            if self._client is not None:
                _hang_up(self._client)


def _handed_over(smtp: Smtp, sender: str, to: Sequence[str], message: EmailMessage, line: _Line) -> str | None:
    # Whom it trusts takes a while to read, and is nobody's business in the clear.
    trust = smtp.trust or (None if smtp.safety is Safety.CLEAR else ssl.create_default_context())
    try:
        with _client(smtp, trust, line) as client:
            if smtp.safety is Safety.STARTTLS:
                client.starttls(context=trust)
            if smtp.user is not None and smtp.password is not None:
                client.login(smtp.user, smtp.password.reveal())
            client.send_message(message, sender, list(to))
            return None
    except smtplib.SMTPResponseException as answer:
        return f"smtp_{answer.smtp_code}"
    except smtplib.SMTPRecipientsRefused as refused_all:
        codes = {code for code, _ in refused_all.recipients.values()}
        return f"smtp_{min(codes)}"
    except (smtplib.SMTPException, OSError) as error:
        return type(error).__name__


class _OnLine(smtplib.SMTP):
    """Can be cut from the server's first word on: that may come letter by letter, or never end."""

    def __init__(self, line: _Line, *args: Any, **named: Any) -> None:
        self._line = line
        super().__init__(*args, **named)

    def getreply(self) -> tuple[int, bytes]:
        self._line.opened(self)
        return super().getreply()


class _OnTls(_OnLine, smtplib.SMTP_SSL):
    pass


def _client(smtp: Smtp, trust: ssl.SSLContext | None, line: _Line) -> smtplib.SMTP:
    # Its own name is told to nobody: the machine's may be anything.
    where, name = (smtp.host, smtp.port), "einmal"
    if smtp.safety is Safety.TLS:
        return _OnTls(line, *where, local_hostname=name, timeout=STEP_SECONDS, context=trust)
    return _OnLine(line, *where, local_hostname=name, timeout=STEP_SECONDS)


def _hang_up(client: smtplib.SMTP) -> None:
    if client.sock is not None:
        with contextlib.suppress(OSError):
            client.sock.shutdown(socket.SHUT_RDWR)
