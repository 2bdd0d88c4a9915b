"""Who looks at a page, kept in a signed cookie: no row, no memory, the same in every process.

The signing key is made of the credentials themselves, so that a new token or password signs everybody out. Where nobody
has a credential it is made of what all processes on one ledger share: guests book by the form through any of them.
"""

import base64
import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

COOKIE: Final = "__Host-einmal"
LASTS: Final = timedelta(hours=12)

_FORM_ID_DIGITS: Final = 20
"""Of its chance and of its seal: 80 bits each."""


class Role(StrEnum):
    READER = "reader"
    """Sees everything but personal data, and changes nothing."""
    OPERATOR = "operator"
    GUEST = "guest"
    """Books by the form, and sees nothing else."""


@dataclass(frozen=True, slots=True)
class Session:
    """`nonce` makes its form token its own."""

    role: Role
    until: datetime
    nonce: str


class Sessions:
    def __init__(self, credentials: tuple[str, ...], shared: bytes = b"") -> None:
        """`shared`: a secret of the ledger's, which stands in where there are no credentials."""
        material = "\0".join(credentials).encode() if credentials else b"\0" + shared
        if not credentials and not shared:
            material = secrets.token_bytes(32)
        # Slow on purpose: a guest has a cookie signed with it, to guess a weak token against.
        self._key = hashlib.scrypt(material, salt=b"einmal session", n=2**14, r=8, p=1)

    def begin(self, role: Role, now: datetime) -> Session:
        return Session(role, now + LASTS, secrets.token_urlsafe(18))

    def cookie(self, session: Session) -> str:
        """What the browser keeps."""
        data = {"role": session.role.value, "until": int(session.until.timestamp()), "nonce": session.nonce}
        body = base64.urlsafe_b64encode(json.dumps(data, separators=(",", ":")).encode()).decode()
        return f"{body}.{self._sign('cookie', body)}"

    def read(self, cookie: str | None, now: datetime) -> Session | None:
        """The session of a cookie that we made and that is not over; None for anything else."""
        body, _, signature = (cookie or "").partition(".")
        if not hmac.compare_digest(signature.encode(), self._sign("cookie", body).encode()):
            return None
        data = json.loads(base64.urlsafe_b64decode(body))
        until = datetime.fromtimestamp(data["until"], tz=now.tzinfo)
        return Session(Role(data["role"]), until, data["nonce"]) if now < until else None

    def browser(self) -> str:
        """What a browser keeps in which somebody has signed in. It opens nothing; it tells them from who guesses."""
        name = secrets.token_urlsafe(18)
        return f"{name}.{self._sign('browser', name)}"

    def browser_of(self, cookie: str | None) -> str | None:
        """Which of those browsers; None for what we did not make."""
        name, _, seal = (cookie or "").partition(".")
        known = hmac.compare_digest(seal.encode(), self._sign("browser", name).encode())
        return name if name and known else None

    def form_token(self, session: Session) -> str:
        """What each form of this session carries: another site cannot know it."""
        return self._sign("form", session.nonce)

    def is_form_token(self, session: Session, given: str) -> bool:
        return hmac.compare_digest(self.form_token(session).encode(), given.encode())

    def form_id(self, session: Session, about: str) -> str:
        """A new name for one form of this session's, `about` what it is for. It is in addresses, and opens nothing to
        whoever reads one there: without the session's cookie it is nobody's."""
        name = secrets.token_hex(_FORM_ID_DIGITS // 2)
        return f"form_{name}{self._form_seal(session, about, name)}"

    def is_form_id(self, session: Session, about: str, given: str) -> bool:
        name = given.removeprefix("form_")[:_FORM_ID_DIGITS]
        sealed = f"form_{name}{self._form_seal(session, about, name)}"
        return hmac.compare_digest(sealed.encode(), given.encode())

    def _form_seal(self, session: Session, about: str, name: str) -> str:
        return self._sign("form id", f"{session.nonce}\0{about}\0{name}")[:_FORM_ID_DIGITS]

    def _sign(self, what: str, text: str) -> str:
        return hmac.new(self._key, f"{what}\0{text}".encode(), hashlib.sha256).hexdigest()
