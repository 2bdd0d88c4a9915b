"""Who may see a page, and who may do something there.

On loopback, where no credential is set, whoever sits at the machine is the operator. Everywhere else one signs in, with
a token or a password. Nothing is changed by a GET; what changes something carries the session's form token and comes
from a page of ours.
"""

import asyncio
import contextlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import parse_qs, urlsplit

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from starlette.datastructures import MutableHeaders
from starlette.requests import Request

from einmal.edge.guesses import Guesses
from einmal.entrypoints.http.door import from_this_machine, header, read_body, refuse_guessers, visitor_of
from einmal.entrypoints.web.session import COOKIE, LASTS, Role, Session, Sessions
from einmal.ports import Clock
from einmal.secret import Secret
from einmal.settings import Settings

FORM_BYTES_MAX: Final = 64 * 1024

KNOWN_FOR: Final = timedelta(days=90)
CHECKS_AT_ONCE: Final = 2
"""A password takes 64 MiB and a tenth of a second to check, as it should."""


class SignInNeeded(Exception):
    """Nobody is signed in. `possible`: whether there is a credential to sign in with."""

    def __init__(self, *, possible: bool) -> None:
        super().__init__("sign in first")
        self.possible = possible


class NotAllowed(Exception):
    """Says in a word of ours why: `role`, `form` or `too_large`."""


class TooManyTries(Exception):
    """Wait before the next. `seconds`: how long."""

    def __init__(self, seconds: float) -> None:
        super().__init__("wait before the next try")
        self.seconds = seconds


@dataclass(frozen=True, slots=True)
class Visitor:
    """`fresh`: the session has just begun, and its cookie is still to be set."""

    session: Session
    form_token: str
    at_the_machine: bool
    fresh: bool

    @property
    def operates(self) -> bool:
        return self.session.role is Role.OPERATOR


class Entrance:
    def __init__(self, settings: Settings, clock: Clock, guesses: Guesses, shared: bytes = b"") -> None:
        """`guesses`: those of the whole process. `shared`: see Sessions."""
        self._loopback = settings.loopback
        self._tokens = _present({Role.OPERATOR: settings.admin_token, Role.READER: settings.reader_token})
        self._passwords = _present({Role.OPERATOR: settings.operator_password, Role.READER: settings.reader_password})
        every = (*self._tokens.values(), *self._passwords.values())
        self._sessions = Sessions(tuple(secret.reveal() for secret in every), shared)
        self._hasher = PasswordHasher()
        self._clock = clock
        self._guesses = guesses
        self._checks = asyncio.Semaphore(CHECKS_AT_ONCE)

    @property
    def possible(self) -> bool:
        """Whether one can sign in at all."""
        return bool(self._tokens or self._passwords)

    def visitor(self, request: Request, now: datetime) -> Visitor:
        """Who asks. Raises SignInNeeded."""
        at_the_machine = not self.possible and self._loopback and from_this_machine(request.scope)
        session = self._sessions.read(request.cookies.get(COOKIE), now)
        known = session is not None and session.role is not Role.GUEST
        if known and session is not None and (self.possible or at_the_machine):
            return Visitor(session, self._sessions.form_token(session), at_the_machine, fresh=False)
        role = Role.OPERATOR if at_the_machine else self._bearer(request)
        if role is None:
            raise SignInNeeded(possible=self.possible)
        session = self._sessions.begin(role, now)
        return Visitor(session, self._sessions.form_token(session), at_the_machine, fresh=True)

    def stranger(self, request: Request, now: datetime) -> Visitor:
        """Somebody who need not sign in, with a session for their forms: it opens nothing else."""
        try:
            return self.visitor(request, now)
        except SignInNeeded:
            session = self._sessions.read(request.cookies.get(GUEST), now)
            if session is None or session.role is not Role.GUEST:
                session = self._sessions.begin(Role.GUEST, now)
                return Visitor(session, self._sessions.form_token(session), at_the_machine=False, fresh=True)
            return Visitor(session, self._sessions.form_token(session), at_the_machine=False, fresh=False)

    def form_id(self, visitor: Visitor, about: str) -> str:
        """A new name for one form of this visitor's; `about` is what it is for."""
        return self._sessions.form_id(visitor.session, about)

    def is_form_id(self, visitor: Visitor, about: str, given: str) -> bool:
        """Whether this visitor was given that name, for that."""
        return self._sessions.is_form_id(visitor.session, about, given)

    async def form(self, request: Request, visitor: Visitor, *, needs: Role | None = Role.OPERATOR) -> dict[str, str]:
        """The fields of a form that this visitor was shown. `needs`: None for any role. Raises NotAllowed."""
        fields = await read_form(request)
        theirs = self._sessions.is_form_token(visitor.session, fields.pop("token", ""))
        if not theirs or not from_our_page(request):
            raise NotAllowed("form")
        if needs is Role.OPERATOR and not visitor.operates:
            raise NotAllowed("role")
        return fields

    async def sign_in(self, request: Request, secret: str, now: datetime) -> Session | None:
        """The session of whoever knows a token or a password; None for nobody's. Raises TooManyTries.

        Counted for each address and for all together. A browser in which somebody has signed in before counts by
        itself, so that no stranger's tries lock out whoever works here.
        """
        browser, began = self._sessions.browser_of(request.cookies.get(BROWSER)), self._clock.monotonic()
        who = visitor_of(request.scope) if browser is None else f"browser {browser}"
        wait = self._guesses.wait_seconds(who, began, trusted=browser is not None)
        if wait > 0:
            raise TooManyTries(wait)
        # Counted before it is known to be wrong: a password takes a while to check, and others come meanwhile.
        self._guesses.begin(who, began)
        role = self._of_token(secret) or await self._of_password_in_turn(secret)
        if role is None:
            return None
        self._guesses.was_right(who, began, self._clock.monotonic())
        return self._sessions.begin(role, now)

    def know(self, request: Request, headers: MutableHeaders) -> None:
        """Have the browser keep that somebody has signed in there."""
        if self._sessions.browser_of(request.cookies.get(BROWSER)) is None:
            headers.append("set-cookie", _cookie(BROWSER, self._sessions.browser(), KNOWN_FOR))

    def keep(self, headers: MutableHeaders, session: Session) -> None:
        """Have the browser keep the session, a guest's apart from those that open something."""
        name = GUEST if session.role is Role.GUEST else COOKIE
        headers.append("set-cookie", _cookie(name, self._sessions.cookie(session), LASTS))

    def forget(self, headers: MutableHeaders) -> None:
        headers.append("set-cookie", _cookie(COOKIE, "", timedelta(0)))

    def _bearer(self, request: Request) -> Role | None:
        """Raises Refusal for who has guessed too often."""
        given = (header(request.scope, b"authorization") or "").partition("Bearer ")[2]
        if not given:
            return None
        who, now = visitor_of(request.scope), self._clock.monotonic()
        refuse_guessers(self._guesses, who, now)
        role = self._of_token(given)
        if role is None:
            self._guesses.begin(who, now)
        else:
            self._guesses.right(who, now)
        return role

    def _of_token(self, given: str) -> Role | None:
        # Each is compared, in whatever order: how long it takes tells nothing.
        fits = [role for role, token in self._tokens.items() if _same(given, token)]
        return fits[0] if fits else None

    async def _of_password_in_turn(self, given: str) -> Role | None:
        if not self._passwords:
            return None
        async with self._checks:
            return await asyncio.to_thread(self._of_password, given)

    def _of_password(self, given: str) -> Role | None:
        for role, known in self._passwords.items():
            try:
                if self._hasher.verify(known.reveal(), given):
                    return role
            except (VerificationError, InvalidHashError):
                continue
        return None


GUEST: Final = "__Host-einmal-guest"
"""Of whoever books by the form without signing in."""

BROWSER: Final = "__Host-einmal-browser"


async def read_form(request: Request) -> dict[str, str]:
    """The fields of an url-encoded form, the first of each name. Raises NotAllowed for what is larger than any form."""
    body = await read_body(request.scope, request.receive)
    if len(body) > FORM_BYTES_MAX:
        raise NotAllowed("too_large")
    try:
        fields = parse_qs(body.decode(), keep_blank_values=True, max_num_fields=100)
    except ValueError:
        raise NotAllowed("form") from None
    return {name: values[0] for name, values in fields.items()}


def from_our_page(request: Request) -> bool:
    """Browsers say where a form was sent from; what says nothing is none, or an old one, and has the token or has not.

    Our pages want no referrer, so their own forms have the origin `null`.
    """
    site, origin = header(request.scope, b"sec-fetch-site"), header(request.scope, b"origin")
    if site is not None:
        return site == "same-origin"
    if origin is None or origin == "null":
        return True
    with contextlib.suppress(ValueError):
        return urlsplit(origin).netloc == header(request.scope, b"host")
    return False


def _same(given: str, token: Secret) -> bool:
    return hmac.compare_digest(given.encode(), token.reveal().encode())


def _present(secrets: dict[Role, Secret | None]) -> dict[Role, Secret]:
    return {role: secret for role, secret in secrets.items() if secret is not None}


def _cookie(name: str, value: str, lasts: timedelta) -> str:
    # `__Host-` wants all of this: no other host, no plain HTTP but loopback's, the whole site.
    seconds = int(lasts.total_seconds())
    return f"{name}={value}; Path=/; Max-Age={seconds}; Secure; HttpOnly; SameSite=Strict"
