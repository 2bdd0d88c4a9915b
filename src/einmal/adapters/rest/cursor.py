"""Where a page ended, as an opaque word: sealed with the tenant's key, so that a made-up one is noticed."""

import base64
import binascii
import hashlib
import hmac
from datetime import datetime
from typing import Final

from einmal.ports.listing import Position

_SEAL_BYTES: Final = 9


def cursor_of(position: Position, secret: bytes) -> str:
    text = f"{position.start.isoformat()}|{position.intent_id}".encode()
    return base64.urlsafe_b64encode(_seal(text, secret) + text).decode().rstrip("=")


def position_of(cursor: str, secret: bytes) -> Position | None:
    """The position that was named so; None for anything that we did not name."""
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        seal, text = raw[:_SEAL_BYTES], raw[_SEAL_BYTES:]
        if not hmac.compare_digest(seal, _seal(text, secret)):
            return None
        start, _, intent_id = text.decode().partition("|")
        return Position(datetime.fromisoformat(start), intent_id)
    except (binascii.Error, UnicodeError, ValueError):
        return None


def _seal(text: bytes, secret: bytes) -> bytes:
    return hashlib.blake2b(text, key=secret, person=b"einmal-cursor", digest_size=_SEAL_BYTES).digest()
