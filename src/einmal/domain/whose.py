"""Whose appointment is meant, and who may hear of it or change it.

A caller's own are those booked under the line they call from, and those that this very call has booked. Whoever calls
from elsewhere names the appointment: by name, day and time together, so that knowing one of them is not enough.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from einmal.domain.intent import Intent
from einmal.domain.keys import name_hash
from einmal.domain.model import Service


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is on the phone, as the platform vouches for it: its call, and the line, E.164, if it is not withheld."""

    call_id: str | None = None
    line: str | None = None

    def __repr__(self) -> str:
        return f"Caller({self.call_id!r})"  # never the number


@dataclass(frozen=True, slots=True)
class Named:
    """What was said of an appointment. `within` is a day or a part of it; `ref` the id that we gave it."""

    start: datetime | None = None
    within: tuple[datetime, datetime] | None = None
    service: Service | None = None
    ref: str | None = None
    name: str | None = None

    def __repr__(self) -> str:
        return f"Named({self.start!r}, {self.within!r})"  # never the name

    @property
    def exact(self) -> bool:
        """Whether this can name one of the caller's only."""
        return self.start is not None or self.ref is not None

    @property
    def second_fact(self) -> bool:
        """Whether this is enough from somebody whom no line vouches for."""
        return self.start is not None and self.name is not None


def is_named(intent: Intent, ref: str | None, named: Named) -> bool:
    """Whether nothing that was said speaks against its being this one; `ref` is its own. Names are not looked at."""
    start = intent.wish.start
    if named.ref is not None and named.ref != ref:
        return False
    if named.start is not None and start != named.start:
        return False
    if named.within is not None and not named.within[0] <= start < named.within[1]:
        return False
    return named.service is None or named.service.event_type_id == intent.wish.service.event_type_id


T = TypeVar("T")


def of_that_name(found: Sequence[tuple[Intent, T]], name: str | None, secret: bytes) -> list[T]:
    """Those under the name that was said; all where none was."""
    if name is None:
        return [one for _, one in found]
    wanted = name_hash(name, secret)
    return [one for intent, one in found if intent.key.person.name_hash == wanted]
