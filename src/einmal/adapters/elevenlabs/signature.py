"""The signature of post-call webhooks: `t=<seconds>,v0=<hex>`, HMAC-SHA256 of `t.body` with the webhook's secret.

Checked over the bytes as they came. The header is matched strictly, so that two spellings of one signature cannot pass
for two requests.
"""

import hashlib
import hmac
import re
from collections.abc import Sequence
from typing import Final

PAST_SECONDS_MAX: Final = 30 * 60
"""The vendor's own tolerance."""

FUTURE_SECONDS_MAX: Final = 60
"""The vendor has no limit here; a clock that far ahead only lengthens a captured request's life."""

_HEADER: Final = re.compile(r"t=([1-9][0-9]{9}),v0=([0-9a-f]{64})", re.ASCII)


class BadSignature(Exception):
    """`args` are a short word for figures, and a sentence that says what was wrong."""


def sign(body: bytes, secret: str, at: int) -> str:
    """The header's value for a body. `at`: Unix time in seconds."""
    digest = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v0={digest}"


def signer(header: str | None, body: bytes, secrets: Sequence[str], now: int) -> str:
    """The secret that signed this body about now. Raises BadSignature."""
    if header is None:
        raise BadSignature("missing", "the header ElevenLabs-Signature is missing")
    found = _HEADER.fullmatch(header)
    if found is None:
        raise BadSignature("malformed", "ElevenLabs-Signature must be t=<seconds>,v0=<64 hex digits>")
    at = int(found[1])
    # Every secret is compared, whatever the first says: the time taken tells nothing.
    signed = [secret for secret in secrets if hmac.compare_digest(header, sign(body, secret, at))]
    if not signed:
        told = "the signature does not fit the body; check the webhook's secret (EINMAL_ELEVENLABS_WEBHOOK_SECRET)"
        raise BadSignature("wrong", told)
    if not -FUTURE_SECONDS_MAX <= now - at <= PAST_SECONDS_MAX:
        raise BadSignature("expired", "the signature's time is too far from now; check both clocks")
    return signed[0]
