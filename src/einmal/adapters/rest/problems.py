"""What can be wrong, as RFC 9457 tells it. Each kind of problem has a page of its own, which is its type."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final

from einmal.adapters.rest.declared import FieldProblem

MEDIA_TYPE: Final = "application/problem+json"
TYPES_AT: Final = "/v1/problems/"


class Kind(Enum):
    """Name, status, title, and what to do about it."""

    NO_KEY = "no-key", 401, "No API key", "Send your key as 'Authorization: Bearer KEY'."
    WRONG_KEY = "wrong-key", 401, "Not one of our keys", "Send a key that this gateway is configured with."
    SCOPE = "scope", 403, "Your key does not allow this", "Use a key that has the scope that is named."
    TOO_MANY = "too-many-requests", 429, "Too many requests", "Wait as long as Retry-After says."
    NOT_FOUND = "not-found", 404, "There is no such thing", "Check the address; see /v1/openapi.json."
    NOT_ALLOWED = "method-not-allowed", 405, "This takes another method", "See the Allow header."
    NOT_JSON = "not-json", 400, "Not the JSON that is wanted", "Send one JSON object in UTF-8, without duplicate keys."
    MEDIA = "media-type", 415, "Not JSON by its Content-Type", "Send Content-Type: application/json."
    TOO_LARGE = "too-large", 413, "Too large", "Send less."
    FIELDS = "fields", 422, "Some fields are wrong", "See errors; nothing was done."
    KEY_MISSING = "idempotency-key-missing", 400, "Idempotency-Key is missing", "Send one of your own making."
    KEY_ODD = "idempotency-key-odd", 400, "This is no Idempotency-Key", "Send 1 to 200 visible letters, such as a UUID."
    KEY_RUNNING = "idempotency-key-running", 409, "This request is still running", "Send the same again a little later."
    KEY_REUSED = "idempotency-key-reused", 422, "This key was used for another request", "Use a new key."
    SLOT_TAKEN = "slot-taken", 409, "This time is not free", "Take one of the alternatives, with a new key."
    OTHER_IN_DOUBT = (
        "other-in-doubt",
        409,
        "Something else is being checked",
        "Another wish of this customer, or another change of this booking, has no answer yet. Nothing was begun.",
    )
    NOT_STANDING = (
        "not-standing",
        409,
        "This booking does not stand",
        "Read it: it is over. Who wants it anew asks with a new key.",
    )
    NEEDS_PERSON = "needs-a-person", 422, "Only a person can say", "See missing and message; then ask with a new key."
    REJECTED = "rejected", 422, "The house does not allow this", "See message."
    NOT_HELD = "not-held", 422, "This cannot be held", "Book it at once; what has several parts is not held."
    UNAVAILABLE = "unavailable", 503, "Not now", "Nothing was booked or changed by this try. Send the same again."
    BROKEN = (
        "internal",
        500,
        "A bug of ours",
        "Whether anything was done is not known here. Send the same again, with the same key: it is done once.",
    )

    def __init__(self, name: str, status: int, title: str, advice: str) -> None:
        self.slug = name
        self.status = status
        self.title = title
        self.advice = advice

    @property
    def page(self) -> dict[str, Any]:
        return {"type": TYPES_AT + self.slug, "title": self.title, "status": self.status, "detail": self.advice}


BY_SLUG: Final = {kind.slug: kind for kind in Kind}


@dataclass(eq=False)
class Problem(Exception):
    """An answer that is no success. `detail` says what was wrong here and what is allowed."""

    kind: Kind
    detail: str | None = None
    errors: Sequence[FieldProblem] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    more: Mapping[str, Any] = field(default_factory=dict)

    @property
    def body(self) -> dict[str, Any]:
        told = self.kind.page | ({} if self.detail is None else {"detail": self.detail}) | dict(self.more)
        if self.errors:
            told["errors"] = [_error(one) for one in self.errors]
        return told


def encoded(body: Mapping[str, Any]) -> str:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))


def _error(one: FieldProblem) -> dict[str, str]:
    where = {"parameter": one.pointer} if one.in_query else {"pointer": f"#{one.pointer}"}
    return where | {"detail": one.detail}
