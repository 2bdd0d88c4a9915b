"""What a request below /v2 asks for, by its method and its path: a booking, a change of one, or what passes.

A path is looked at once, here, and then goes to Cal.com as its client wrote it. On the way stand servers that may make
another path of it, and Cal.com's own router has a mind of its own about case and a slash at the end. So what *could*
be read as a booking or as a change, and is not plainly written, is refused: it is neither guarded nor passed.
"""

import re
import unicodedata
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

from einmal.adapters.calcom.relay import WITH_BODY


@dataclass(frozen=True, slots=True)
class Book:
    """A booking."""


@dataclass(frozen=True, slots=True)
class Change:
    """A cancellation or a move of the booking with this uid."""

    uid: str
    what: str


@dataclass(frozen=True, slots=True)
class Refused:
    """Why it is not served, in a sentence that says what is allowed."""

    why: str


# Cal.com's router does not look at case here, whatever its server makes of a uid's.
_BOOKINGS: Final = re.compile(r"/v2/bookings", re.IGNORECASE)
_OF_A_BOOKING: Final = re.compile(r"/v2/bookings/([A-Za-z0-9_-]{1,255})/(cancel|reschedule)", re.IGNORECASE)
_SEVERAL: Final = re.compile(r"/v2/bookings/(recurring|instant)", re.IGNORECASE)
_READ_AS_ONE: Final = re.compile(r"/v2/bookings(/[^/]*/(cancel|reschedule)|/recurring|/instant)?", re.IGNORECASE)
_CROOKED: Final = re.compile(r"//|\\|/\.{1,2}(/|$)")
_NOT_OF_A_NAME: Final = re.compile(r"^[\s\x00-\x20\x7f]+|[\s\x00-\x20\x7f]+$")

_OVERRIDES: Final = frozenset(
    {b"x-http-method-override", b"x-http-method", b"x-method-override", b"x-original-url", b"x-rewrite-url"}
)
"""By which some servers take another method or another path than the request line's."""

_DECODED_MAX: Final = 8
"""How often a path may be written in percent signs over percent signs. No client does that twice; a very long one that
does it thousands of times would keep everybody waiting while it is read."""

_PLAIN: Final = "the path must be a plain one: no empty part, no dots alone, no backslash"
_PLAINER: Final = (
    "this could be read as a booking or as a change of one, and is not guarded as it is written: write the path "
    "plainly, as /v2/bookings or /v2/bookings/{uid}/cancel"
)
_ONE_BY_ONE: Final = "this is not guarded: one request, one booking; ask for each by itself at /v2/bookings"
_HTTP_ONE: Final = (
    "nothing but HTTP/1.1 is spoken here: send what has a body without an Upgrade header (Java's HttpClient: "
    "version(HTTP_1_1))"
)
_OVERRIDDEN: Final = "a header names another method or another path; send the request as what it is"


def asked(method: str, path: str, header_names: AbstractSet[bytes]) -> Book | Change | Refused | None:
    """What a request asks for; None for what passes. `path` is decoded once, as servers do; header names are in
    lower case."""
    if header_names & _OVERRIDES:
        return Refused(_OVERRIDDEN)
    if b"upgrade" in header_names and header_names & set(WITH_BODY):
        # A server that looks for another protocol does not read the body, so it would be passed on without it.
        return Refused(_HTTP_ONE)
    path = path.rstrip("/")
    if _CROOKED.search(path):
        return Refused(_PLAIN)
    return _posted(path) if method == "POST" else None


def _posted(path: str) -> Book | Change | Refused | None:
    if _BOOKINGS.fullmatch(path):
        return Book()
    if (change := _OF_A_BOOKING.fullmatch(path)) is not None:
        return Change(change[1], change[2].lower())
    if _SEVERAL.fullmatch(path):
        return Refused(_ONE_BY_ONE)
    read = _read_by_others(path)
    return Refused(_PLAINER) if read is None or _READ_AS_ONE.fullmatch(read) else None


def _read_by_others(path: str) -> str | None:
    """The path as the most obliging of servers would read it: decoded to the end, without parameters and what is
    invisible, in plain letters, with nothing left to resolve. None where there is no end to it."""
    for _ in range(_DECODED_MAX):
        decoded = unquote(path)
        if decoded == path:
            break
        path = decoded
    else:
        return None
    path = unicodedata.normalize("NFKC", path).replace("\\", "/")
    path = re.split(r"[?#]", path, maxsplit=1)[0]
    parts = list[str]()
    for part in path.split("/"):
        name = _NOT_OF_A_NAME.sub("", part.partition(";")[0])
        if name == "..":
            parts[-1:] = []
        elif name not in {"", "."}:
            parts.append(name)
    return "".join(f"/{part}" for part in parts)
