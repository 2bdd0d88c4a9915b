"""What a client calls its request, and what tells whether it asked the same again. Both are hashes: a key may hold
anything, and what was asked holds a name."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class RequestKey:
    """`fingerprint` is of the operation and its payload: the same key with another one is a mistake of the client's."""

    tenant_id: str
    hash: str
    fingerprint: str


def request_key(secret: bytes, tenant_id: str, client: str, key: str, operation: str, payload: Any) -> RequestKey:
    """The key of one client's request; another client's key of the same letters is another.

    `payload` is JSON as it was parsed: in which order its fields stood, or how it was spaced, makes no difference.
    """
    canonical = json.dumps(payload, sort_keys=True, separators=(",", ":"))
    return RequestKey(
        tenant_id, _hashed(secret, "request", client, key), _hashed(secret, "asked", operation, canonical)
    )


def _hashed(secret: bytes, *parts: str) -> str:
    text = "".join(f"{len(part)}:{part}" for part in parts)
    return hashlib.blake2b(text.encode(), key=secret, person=b"einmal-request", digest_size=16).hexdigest()
