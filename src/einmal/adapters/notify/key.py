"""The secret that signs what is posted: as the Standard Webhooks specification writes it."""

import base64
import binascii
from typing import Final

SECRET_PREFIX: Final = "whsec_"  # noqa: S105 - the specification's prefix
SECRET_BYTES_MIN: Final = 24


def webhook_key(secret: str) -> bytes:
    """The key in a `whsec_` secret. Raises ValueError for anything else."""
    try:
        key = base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except binascii.Error:
        key = b""
    if not secret.startswith(SECRET_PREFIX) or len(key) < SECRET_BYTES_MIN:
        raise ValueError(f"must be {SECRET_PREFIX} and the base64 of at least {SECRET_BYTES_MIN} random bytes")
    return key
