"""Secrets at rest: values sealed by a key that lies elsewhere, so that whoever has the file or a dump has no secret.

AES-256-GCM, with the place that a value is for as associated data: carried to another tenant or another name it does
not open. A sealed text says which version it is and which key opens it, so that a lost or a wrong key is told apart
from a broken text. The first key seals; a second one, during a rotation, only opens.
"""

import base64
import binascii
import hashlib
import re
import secrets
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from einmal.secret import Secret

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

PREFIX: Final = "sealed:v1:"
"""Another way of sealing gets another number; this one stays readable."""

KEY_BYTES: Final = 32
KEYS_MAX: Final = 2
KEY_VARIABLE: Final = "EINMAL_SECRETS_KEY"

_NONCE_BYTES: Final = 12
_TAG_BYTES: Final = 16
_SEALED = re.compile(r"sealed:v1:([0-9a-f]{8}):([A-Za-z0-9_-]+)")


class SealedAt(NamedTuple):
    """A sealed value as it was found, and the place that it is for."""

    place: str
    text: str


class CannotOpen(Exception):
    """Why a sealed value stays shut, in words for the operator. Quotes neither value nor key."""


class Keyring:
    """The keys that seal and open. Without any, nothing is sealed and nothing opens."""

    __slots__ = ("_keys",)

    def __init__(self, keys: Sequence[Secret] = ()) -> None:
        self._keys = {key_id(key): _bytes_of(key) for key in keys}

    def __bool__(self) -> bool:
        return bool(self._keys)

    def __repr__(self) -> str:
        return f"Keyring({', '.join(self._keys)})"

    @property
    def first(self) -> str:
        """The name of the key that seals. It tells nothing of the key."""
        return next(iter(self._keys))

    def seal(self, value: bytes, place: str) -> str:
        """The value as it may lie about. Raises LookupError without a key."""
        if not self._keys:
            raise LookupError(f"{KEY_VARIABLE} is not set")
        name, key = next(iter(self._keys.items()))
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return f"{PREFIX}{name}:{_text(nonce + _cipher(key).encrypt(nonce, value, _bound(place)))}"

    def open(self, sealed: str, place: str) -> bytes:
        """The value that was sealed for this place. Raises CannotOpen."""
        found = _SEALED.fullmatch(sealed)
        if found is None:
            raise CannotOpen("it is no sealed value that this version can read; part of it may be missing")
        name, content = found[1], _bytes(found[2])
        if name not in self._keys:
            has = f"has {' and '.join(self._keys)}" if self._keys else "is not set"
            raise CannotOpen(f"it is sealed with the key {name}, and {KEY_VARIABLE} {has}")
        if content is None or len(content) < _NONCE_BYTES + _TAG_BYTES:
            raise CannotOpen("it is not whole; part of it is missing")
        opened = _opened(self._keys[name], content, place)
        if opened is None:
            raise CannotOpen("it was changed, or sealed for another place: another tenant, or another name")
        return opened

    def is_newest(self, sealed: str) -> bool:
        """Whether the key that seals now has sealed it."""
        return bool(self._keys) and sealed.startswith(f"{PREFIX}{self.first}:")


def looks_sealed(text: str) -> bool:
    return text.strip().startswith("sealed:")


def new_key() -> str:
    return _text(secrets.token_bytes(KEY_BYTES))


def key_id(key: Secret) -> str:
    """What a key is called in what it sealed: short, and no way back to it."""
    return hashlib.sha256(b"einmal secrets key\0" + _bytes_of(key)).hexdigest()[:8]


def read_keys(text: str) -> tuple[Secret, ...]:
    """The keys of a setting, the one that seals first. Raises ValueError, which quotes nothing."""
    keys = tuple(Secret(part.strip()) for part in text.split(",") if part.strip())
    if not 0 < len(keys) <= KEYS_MAX or any(len(_bytes_of(key)) != KEY_BYTES for key in keys):
        raise ValueError(
            "must be one key, or two with a comma during a rotation, the new one first; "
            "make one with: einmal secrets key"
        )
    if len({key_id(key) for key in keys}) != len(keys):
        raise ValueError("holds one key twice")
    return keys


def _opened(key: bytes, content: bytes, place: str) -> bytes | None:
    from cryptography.exceptions import InvalidTag  # noqa: PLC0415 - only who has sealed values waits for it

    try:
        return _cipher(key).decrypt(content[:_NONCE_BYTES], content[_NONCE_BYTES:], _bound(place))
    except InvalidTag:
        return None


def _cipher(key: bytes) -> "AESGCM":
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415 - as above

    return AESGCM(key)


def _bound(place: str) -> bytes:
    return f"einmal\0{PREFIX}\0{place}".encode()


def _text(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")


def _bytes(text: str) -> bytes | None:
    """Both alphabets, padded or not: `openssl rand -base64 32` makes a key as well."""
    plain = text.rstrip("=").replace("+", "-").replace("/", "_")
    if re.fullmatch(r"[A-Za-z0-9_-]*", plain) is None:
        return None
    try:
        return base64.urlsafe_b64decode(plain + "=" * (-len(plain) % 4))
    except (binascii.Error, ValueError):
        return None


def _bytes_of(key: Secret) -> bytes:
    return _bytes(key.reveal()) or b""
