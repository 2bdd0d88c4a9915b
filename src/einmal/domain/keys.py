"""From a wish to its name: the intent key, the fingerprint, and by what a person is told from others.

The key is made of normalised values of the wish, never of the request's bytes: a retry carries another
transcript, and the model asks again in other words. Two calls with the same key want the same effect.

Keys hold no personal data that could be read back: phone, e-mail and name go through a keyed hash whose
key belongs to the tenant. They begin with the slot's start so that an index on them grows at its end
(random keys make SQLite's checkpoints slow once the table is large).
"""

import base64
import hashlib
import re
import unicodedata
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from typing import Final, assert_never

from einmal.domain.model import Person, PersonKind, Wish, instant

OPERATION_ID_BITS = 160
"""Wide enough that nobody guesses one; 32 letters of base32, which fit into a plus-address (64 letters)."""

_OPERATION_ID = re.compile(r"[a-z2-7]{32}")


def operation_id(random_bits: bytes) -> str:
    """The operation id for 20 random bytes. Derived from nothing else. Raises ValueError for other sizes."""
    if len(random_bits) * 8 != OPERATION_ID_BITS:
        raise ValueError(f"an operation id takes {OPERATION_ID_BITS // 8} random bytes, got {len(random_bits)}")
    return base64.b32encode(random_bits).decode().lower()


def is_operation_id(text: str) -> bool:
    return _OPERATION_ID.fullmatch(text) is not None


_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "ı": "i"})
"""As they are written where there are none; the dotless i is the I of whoever writes in capitals."""


@lru_cache(maxsize=1024)
def normal_name(name: str) -> str:
    """A name as compared: case, umlauts, accents, punctuation and spacing do not tell people apart.

    Speech recognition writes Jürgen Groß, Juergen Gross and jürgen gross for one voice.
    """
    text = name.casefold()
    if not text.isascii():
        text = unicodedata.normalize("NFC", name).casefold().translate(_UMLAUTS)
        # NFKD brings capitals back (a mathematical A becomes a plain one), so the case is folded once more.
        text = unicodedata.normalize("NFKD", text).casefold()
        text = "".join(c for c in text if not unicodedata.combining(c))
    letters = "".join([c if c.isalnum() else " " for c in text])
    words = letters.split()
    while len(words) > 1 and words[0] in _TITLES:
        words = words[1:]
    return " ".join(words)


_TITLES = frozenset({"herr", "herrn", "frau", "dr", "prof", "mr", "mrs", "ms", "familie"})
"""Said or left out, they tell nobody apart."""


@dataclass(frozen=True, slots=True)
class PersonKey:
    """By what this person is told from others, hashed. `name_hash` is always there, for doubtful cases."""

    kind: PersonKind
    hash: str
    name_hash: str
    phone_hash: str | None = None
    email_hash: str | None = None

    def is_same(self, other: "PersonKey") -> bool:
        """The same phone or the same e-mail, whatever else was said."""
        by_phone = self.phone_hash is not None and self.phone_hash == other.phone_hash
        return by_phone or (self.email_hash is not None and self.email_hash == other.email_hash)

    def may_be(self, other: "PersonKey") -> bool:
        """Nothing that identifies tells them apart; their names may be one name heard twice."""
        phones = {self.phone_hash, other.phone_hash} - {None}
        emails = {self.email_hash, other.email_hash} - {None}
        return len(phones) < 2 and len(emails) < 2


@dataclass(frozen=True, slots=True)
class IntentKey:
    """Names one wish of one person. `fingerprint` tells whether the same key was used for another wish."""

    value: str
    fingerprint: str
    person: PersonKey


def _keyed_hash(secret: bytes, *parts: str) -> str:
    # Lengths are part of what is hashed: ("ab", "c") and ("a", "bc") are different wishes.
    text = "".join([f"{len(part)}:{part}" for part in parts])
    return hashlib.blake2b(text.encode(), key=secret, digest_size=16).hexdigest()


def person_key(person: Person, conversation_id: str | None, secret: bytes) -> PersonKey:
    """The phone if known, else the e-mail, else the name within its conversation."""
    name = normal_name(person.name)
    of_name = _keyed_hash(secret, "name", name)
    phone = None if person.phone is None else phone_hash(person.phone, secret)
    email = None if person.email is None else _keyed_hash(secret, "email", person.email)
    if phone is not None:
        return PersonKey(PersonKind.PHONE, phone, of_name, phone, email)
    if email is not None:
        return PersonKey(PersonKind.EMAIL, email, of_name, phone, email)
    return PersonKey(PersonKind.NAME, _keyed_hash(secret, "name-in", conversation_id or "", name), of_name)


def phone_hash(phone: str, secret: bytes) -> str:
    """As in the keys of all who gave this phone (E.164)."""
    return _keyed_hash(secret, "phone", phone)


def name_hash(name: str, secret: bytes) -> str:
    """As in the keys of all who go by this name."""
    return _keyed_hash(secret, "name", normal_name(name))


def _stamp(start: datetime) -> str:
    return instant(start).isoformat(timespec="seconds").removesuffix("+00:00").replace("-", "").replace(":", "") + "Z"


def intent_key(wish: Wish, secret: bytes, known: PersonKey | None = None) -> IntentKey:
    """The key of a wish: tenant, conversation, event type, start, person.

    The event type and not the service's id: under another id or name of the operator's it is still the same service.
    `known`: whose wish it is, where the wish itself does not name them any more.
    """
    person = known or person_key(wish.person, wish.conversation_id, secret)
    start = _stamp(wish.start)
    what = (str(wish.service.event_type_id), start, person.kind.value, person.hash)
    digest = _keyed_hash(secret, "wish", wish.tenant_id, wish.conversation_id or "", *what)
    return IntentKey(f"{start}-{digest}", _keyed_hash(secret, "what", *what), person)


NAMED: Final = "named-"
"""Begins the key of a wish that its client named. It is made of that name, and of nothing about a person."""


def named_key(wish: Wish, secret: bytes) -> IntentKey:
    """The key of a wish that its client has a name for, kept as its conversation: that name alone.

    Sent with another wish the name finds the first one's row, whose fingerprint differs. Without a name as any other.
    """
    key = intent_key(wish, secret)
    if wish.conversation_id is None:
        return key
    return replace(key, value=f"{NAMED}{_keyed_hash(secret, 'named', wish.tenant_id, wish.conversation_id)}")


def composite_key(wish: Wish, secret: bytes) -> str:
    """The key of a wish for a composite service: the same from every call of one person.

    By the service and not by its event types: two composites may begin with the same one.
    """
    person, start = person_key(wish.person, wish.conversation_id, secret), _stamp(wish.start)
    what = (wish.tenant_id, wish.service.service_id, start, person.kind.value, person.hash)
    return f"{start}-{_keyed_hash(secret, 'composite', *what)}"


def unique_attendee_email(house_email: str, operation: str) -> str:
    """`house+<operation id>@domain`: one address per intent for callers who gave none.

    Cal.com takes two people under one address for one person (the incident). With an address of its own
    the same rule turns into our idempotency. Raises ValueError where the house address cannot carry it.
    """
    local, at, domain = house_email.rpartition("@")
    address = f"{local}+{operation}@{domain}"
    if not at or not local or not domain or len(local) + 1 + len(operation) > MAX_LOCAL_PART:
        raise ValueError(
            f"the house address must be local@domain with a local part of at most "
            f"{MAX_LOCAL_PART - 1 - len(operation)} letters, so that '+<operation id>' fits"
        )
    return address


def is_house_address(address: str, house_email: str) -> bool:
    """Whether it is the house's own, also with something after a plus. Taking it for a caller's was the incident."""
    local, _, domain = address.lower().rpartition("@")
    house_local, _, house_domain = house_email.lower().rpartition("@")
    return domain == house_domain and local.partition("+")[0] == house_local.partition("+")[0]


MAX_LOCAL_PART = 64
"""RFC 5321 section 4.5.3.1.1."""


class IdempotencyStrategy(StrEnum):
    """How the outgoing Idempotency-Key is derived. The guard never relies on it."""

    CALL = "call"
    PAYLOAD = "payload"


def outgoing_idempotency_key(strategy: IdempotencyStrategy, operation: str, wish: Wish, attendee_email: str) -> str:
    """The header sent with the POST: two calls differ, an identical request agrees."""
    event_type = str(wish.service.event_type_id)
    parts: tuple[str, ...]
    match strategy:
        case IdempotencyStrategy.CALL:
            parts = (wish.conversation_id or "", event_type, operation)
        case IdempotencyStrategy.PAYLOAD:
            person = wish.person
            parts = (event_type, _stamp(wish.start), person.name, attendee_email, person.phone or "", operation)
        case _ as unreachable:
            assert_never(unreachable)
    return _keyed_hash(b"idempotency-key", strategy.value, *parts)
