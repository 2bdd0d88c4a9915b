"""The opaque name of an offered slot: what the model hands back instead of composing a date.

It holds start and service and is sealed with the tenant's key, so a made-up or altered one is noticed, and
one tenant's is nothing to another. It is no promise: the calendar has the last word at booking.
"""

import base64
import binascii
import hashlib
import hmac
from datetime import UTC, datetime
from typing import Final

from einmal.domain.model import Offer

_SEAL_BYTES: Final = 9


def slot_name(offer: Offer, secret: bytes) -> str:
    text = f"{int(offer.start.timestamp())}|{offer.service_id}".encode()
    return base64.urlsafe_b64encode(_seal(text, secret) + text).decode().rstrip("=")


def offer_of(name: str, secret: bytes) -> Offer | None:
    """The offer that was named so; None for anything that we did not name."""
    try:
        raw = base64.urlsafe_b64decode(name.strip() + "=" * (-len(name.strip()) % 4))
        seal, text = raw[:_SEAL_BYTES], raw[_SEAL_BYTES:]
        if not hmac.compare_digest(seal, _seal(text, secret)):
            return None
        start, _, service_id = text.decode().partition("|")
        return Offer(datetime.fromtimestamp(int(start), UTC), service_id)
    except (binascii.Error, UnicodeError, ValueError):
        return None


def _seal(text: bytes, secret: bytes) -> bytes:
    return hashlib.blake2b(text, key=secret, person=b"einmal-slot", digest_size=_SEAL_BYTES).digest()
