"""A call-back: somebody wants to be called, and a person of the house does it. Nothing is booked by it."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from einmal.domain.model import Person, instant

NOTE_MAX: Final = 1_000
"""Letters of all that is noted for one call-back: who calls back reads it beforehand, and it goes into messages."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who wants to be called back, as far as they said it. `phone` is E.164, the rest is in their words."""

    conversation_id: str | None
    phone: str
    name: str | None = None
    note: str | None = None
    wanted: str | None = None


@dataclass(frozen=True, slots=True)
class Callback:
    """`note` is what it is about and `wanted` when they want to be called, both in the caller's words.

    `phone` is E.164; it and the name are absent once their retention has ended. Without `done_at` it is open.
    """

    callback_id: str
    tenant_id: str
    conversation_id: str | None
    name: str | None
    phone: str | None
    note: str | None
    wanted: str | None
    created_at: datetime
    done_at: datetime | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "created_at", instant(self.created_at))
        if self.done_at is not None:
            object.__setattr__(self, "done_at", instant(self.done_at))
        for name in ("name", "note", "wanted"):
            text = getattr(self, name)
            if text is not None and "\0" in text:
                # Not every database can hold one. Nothing said is None.
                object.__setattr__(self, name, text.replace("\0", "") or None)

    @property
    def person(self) -> Person:
        """Who wants to be called back, as far as they are known."""
        return Person(self.name or "", self.phone)

    def with_more(self, said: "Callback") -> "Callback":
        """This one, after the same caller asked once more in the same conversation: nothing that was noted is lost, a
        name is the one said last, and what was said before is not written down twice."""
        return replace(
            self,
            name=said.name or self.name,
            note=_both(self.note, said.note),
            wanted=_both(self.wanted, said.wanted),
        )


def _both(before: str | None, more: str | None) -> str | None:
    if before is None or more is None:
        return before or more
    if more in before:
        return before
    joined = f"{before}; {more}"
    return joined if len(joined) <= NOTE_MAX else before
