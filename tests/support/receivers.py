"""Servers on loopback that messages go to: one for HTTP, and one that takes mail."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any, cast
from urllib.parse import parse_qs

from aiohttp import web
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword

PASSWORD = "pass@:/1"
"""What a mail server here lets in."""

Reaction = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True)
class Arrived:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def form(self) -> dict[str, str]:
        return {name: value for name, (value,) in parse_qs(self.body.decode(), strict_parsing=True).items()}


async def takes_it(_: web.Request) -> web.StreamResponse:
    return web.Response(status=201, text='{"sid": "SM1"}')


def says(status: int, body: str = "", **headers: str) -> Reaction:
    async def react(_: web.Request) -> web.StreamResponse:
        return web.Response(status=status, text=body, headers=headers)

    return react


@dataclass
class Receiver:
    """Keeps what arrives, and reacts as it is told."""

    react: Reaction = takes_it
    arrived: list[Arrived] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def one(self) -> Arrived:
        (arrived,) = self.arrived
        return arrived

    async def handle(self, request: web.Request) -> web.StreamResponse:
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.arrived.append(Arrived(request.method, request.path_qs, headers, await request.read()))
        return await self.react(request)


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    made = Receiver()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", made.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.port = runner.addresses[0][1]
    try:
        yield made
    finally:
        await runner.cleanup()


@dataclass
class Mailbox:
    """What a mail server has taken. `refuses`: addresses, with what it says to them."""

    envelopes: list[Envelope] = field(default_factory=list)
    refuses: dict[str, str] = field(default_factory=dict)
    logins: list[tuple[bytes, bytes]] = field(default_factory=list)
    over_tls: list[bool] = field(default_factory=list)
    says: str = "250 OK"
    port: int = 0

    @property
    def mails(self) -> list[EmailMessage]:
        return [
            cast("EmailMessage", message_from_bytes(bytes(one.content or b""), policy=policy.default))
            for one in self.envelopes
        ]

    @property
    def one(self) -> EmailMessage:
        (mail,) = self.mails
        return mail


@dataclass(frozen=True)
class _Desk:
    """What the server asks; it looks at each name that this has, so there are no others."""

    mailbox: Mailbox

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Envelope, address: str, _options: Any) -> str:
        if address in self.mailbox.refuses:
            return self.mailbox.refuses[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, session: Any, envelope: Envelope) -> str:
        self.mailbox.over_tls.append(session.ssl is not None)
        if self.mailbox.says.startswith("2"):
            self.mailbox.envelopes.append(envelope)
        return self.mailbox.says

    def logs_in(self, _server: Any, _session: Any, _envelope: Any, _how: str, data: LoginPassword) -> AuthResult:
        self.mailbox.logins.append((data.login, data.password))
        return AuthResult(success=data.password == PASSWORD.encode(), handled=False)


@asynccontextmanager
async def taking_mail(
    starttls: ssl.SSLContext | None = None, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Mailbox]:
    """A real mail server: in the clear, with STARTTLS, or with TLS from the first byte."""
    made = Mailbox()
    desk = _Desk(made)
    loop = asyncio.get_running_loop()

    def protocol() -> SMTP:
        return SMTP(
            desk,
            hostname="mail.test",
            tls_context=starttls,
            require_starttls=starttls is not None,
            authenticator=desk.logs_in,
            auth_require_tls=starttls is not None,
            loop=loop,
        )

    server = await loop.create_server(protocol, "127.0.0.1", 0, ssl=tls)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
        await server.wait_closed()
