"""Retell's signature: HMAC-SHA256 with the API key over the raw body followed by the time in milliseconds.

Checked over the bytes as they came, before anything is parsed: re-serialised JSON fails on umlauts. The
header is matched strictly, so that two spellings of one signature cannot pass for two requests.
"""

import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

PAST_MS_MAX: Final = 5 * 60 * 1000
"""The vendor's own tolerance."""

FUTURE_MS_MAX: Final = 60 * 1000
"""The vendor takes five minutes here as well; a clock that far ahead only lengthens a captured request's life."""

_HEADER: Final = re.compile(r"v=([1-9][0-9]{12}),d=([0-9a-f]{64})", re.ASCII)


class SignatureCheck(StrEnum):
    VALID = "valid"
    MISSING = "missing"
    MALFORMED = "malformed"
    EXPIRED = "expired"
    WRONG = "wrong"


def sign(body: bytes, key: str, at_ms: int) -> str:
    """The header's value for a body. `at_ms`: Unix time in milliseconds."""
    digest = hmac.new(key.encode(), body + str(at_ms).encode(), hashlib.sha256).hexdigest()
    return f"v={at_ms},d={digest}"


def identity(header: str | None) -> tuple[int, str] | None:
    """What was signed when, whatever the header's text: the time as a number, and the digest."""
    found = None if header is None else _HEADER.fullmatch(header)
    return None if found is None else (int(found[1]), found[2])


@dataclass(frozen=True, slots=True)
class Signed:
    """`key` is the one that signed, where the check is VALID."""

    check: SignatureCheck
    key: str | None = None


def check_signature(header: str | None, body: bytes, keys: Sequence[str], now_ms: int) -> Signed:
    """Whether `body` was signed with one of `keys` (several tenants', two during a rotation) about now."""
    if header is None:
        return Signed(SignatureCheck.MISSING)
    found = _HEADER.fullmatch(header)
    if found is None:
        return Signed(SignatureCheck.MALFORMED)
    at_ms = int(found[1])
    in_time = -FUTURE_MS_MAX <= now_ms - at_ms <= PAST_MS_MAX
    wanted = [sign(body, key, at_ms) for key in keys]
    # Every key is compared, whatever the first says: the time taken tells nothing.
    matches = [hmac.compare_digest(header.encode(), text.encode()) for text in wanted]
    if not any(matches):
        return Signed(SignatureCheck.WRONG)
    if not in_time:
        return Signed(SignatureCheck.EXPIRED)
    return Signed(SignatureCheck.VALID, keys[matches.index(True)])
