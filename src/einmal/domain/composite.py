"""A composite: one appointment to the caller, several bookings in the calendar, all of them or none.

    wished -> booking -> booked
                 \\-> undoing -> undone | escalated -> undone
    booked, and the caller calls it off -> undoing

Each segment is an intent of its own, with every guarantee that an intent has. The composite's row is written before the
first of them and names them all, so that whoever finds it knows what may stand. Once it says `undoing` no segment of it
begins any more, and what stands or turns up of it is cancelled. Whatever is not in COMPOSITE_MOVES changes nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from einmal.domain.intent import State
from einmal.domain.model import Service
from einmal.domain.reply import Reply


class CompositeState(StrEnum):
    BOOKING = "booking"
    BOOKED = "booked"
    UNDOING = "undoing"
    UNDONE = "undone"
    ESCALATED = "escalated"


UNDER_WAY: Final = frozenset({CompositeState.BOOKING, CompositeState.UNDOING, CompositeState.ESCALATED})
"""These somebody looks at until they end."""

BEING_UNDONE: Final = frozenset({CompositeState.UNDOING, CompositeState.ESCALATED})


class CompositeEvent(StrEnum):
    STOOD = "stood"
    """Every segment stands."""
    BROKEN = "broken"
    """A segment is refused, or will never be begun."""
    CALLED_OFF = "called_off"
    GONE = "gone"
    """No segment stands, and none can turn up that is not watched for."""
    STUCK = "stuck"
    """What stands cannot be cancelled by rule."""


COMPOSITE_MOVES: Final[dict[CompositeState, dict[CompositeEvent, CompositeState]]] = {
    CompositeState.BOOKING: {
        CompositeEvent.STOOD: CompositeState.BOOKED,
        CompositeEvent.BROKEN: CompositeState.UNDOING,
        CompositeEvent.CALLED_OFF: CompositeState.UNDOING,
    },
    CompositeState.BOOKED: {CompositeEvent.CALLED_OFF: CompositeState.UNDOING},
    CompositeState.UNDOING: {
        CompositeEvent.GONE: CompositeState.UNDONE,
        CompositeEvent.STUCK: CompositeState.ESCALATED,
    },
    # A person acts at the calendar, and a look shows what they did.
    CompositeState.ESCALATED: {CompositeEvent.GONE: CompositeState.UNDONE},
    CompositeState.UNDONE: {},
}


class IllegalCompositeMove(Exception):
    """Not in the table: a bug. Nothing was changed."""

    def __init__(self, state: CompositeState, event: CompositeEvent) -> None:
        allowed = ", ".join(COMPOSITE_MOVES[state]) or "nothing: it is final"
        super().__init__(f"{state} does not take {event}; it takes {allowed}")


@dataclass(frozen=True, slots=True)
class Part:
    """Which segment of which composite a wish is: the id that its intent will have was written down beforehand."""

    composite_id: str
    intent_id: str


@dataclass(frozen=True, slots=True)
class Planned:
    """A segment of a composite, as it was meant when the row was written. There need be no such intent yet."""

    intent_id: str
    event_type_id: int
    start: datetime
    duration_minutes: int

    @property
    def end(self) -> datetime:
        return self.start + timedelta(minutes=self.duration_minutes)


@dataclass(frozen=True, slots=True)
class Composite:
    """`book_until`: no segment begins after that. `reply` is what was said of one that is undone; None where the caller
    called it off, or nobody has said anything."""

    composite_id: str
    tenant_id: str
    key: str
    service_id: str
    service_name: str
    state: CompositeState
    created_at: datetime
    book_until: datetime
    segments: tuple[Planned, ...]
    conversation_id: str | None = None
    looks: int = 0
    look_at: datetime | None = None
    promised_at: datetime | None = None
    resolved_at: datetime | None = None
    reply: Reply | None = None

    @property
    def start(self) -> datetime:
        return self.segments[0].start

    @property
    def intent_ids(self) -> tuple[str, ...]:
        return tuple(one.intent_id for one in self.segments)

    def advance(
        self, event: CompositeEvent, at: datetime, look_at: datetime | None = None, reply: Reply | None = None
    ) -> "Composite":
        """The composite after the event. Raises IllegalCompositeMove for what the table does not hold."""
        try:
            state = COMPOSITE_MOVES[self.state][event]
        except KeyError:
            raise IllegalCompositeMove(self.state, event) from None
        if state in UNDER_WAY:
            return replace(self, state=state, looks=0, look_at=look_at, resolved_at=None, reply=reply or self.reply)
        return replace(self, state=state, look_at=None, resolved_at=at)


class Piece(StrEnum):
    """How a segment stands, as far as its composite is concerned."""

    UNBEGUN = "unbegun"
    OPEN = "open"
    ASKED = "asked"
    """Its host has to accept it."""
    STANDS = "stands"
    GONE = "gone"
    """Refused, or cancelled; what arrives of it even then is taken back as of any refused intent."""


_PIECES: Final[dict[State, Piece]] = {
    **dict.fromkeys(State, Piece.GONE),
    **dict.fromkeys((State.INTENT, State.SENT, State.DOUBT, State.ESCALATED), Piece.OPEN),
    State.PENDING: Piece.ASKED,
    State.CONFIRMED: Piece.STANDS,
}

STANDING: Final = frozenset({Piece.ASKED, Piece.STANDS})


def piece(state: State | None) -> Piece:
    """None is an intent that was never written."""
    return Piece.UNBEGUN if state is None else _PIECES[state]


def follows(state: CompositeState, pieces: Sequence[Piece], *, may_begin: bool) -> CompositeEvent | None:
    """What is true of the composite now, if it says something else. `may_begin`: segments may still be begun."""
    if state in BEING_UNDONE:
        # Of what was not begun nothing can be any more: admission asks for a composite that is being booked.
        return CompositeEvent.GONE if set(pieces) <= {Piece.UNBEGUN, Piece.GONE} else None
    if state is not CompositeState.BOOKING:
        return None
    if Piece.GONE in pieces or (Piece.UNBEGUN in pieces and not may_begin):
        return CompositeEvent.BROKEN
    return CompositeEvent.STOOD if set(pieces) == {Piece.STANDS} else None


def parts_of(service: Service) -> tuple[tuple[timedelta, Service], ...]:
    """What is booked of a composite service, each so long after its start. When it may be wished is settled for the
    whole: its parts have no notice of their own."""
    after, parts = timedelta(0), list[tuple[timedelta, Service]]()
    for number, segment in enumerate(service.segments, start=1):
        after += timedelta(minutes=segment.gap_minutes)
        part = Service(
            f"{service.service_id}.{number}",
            service.name,
            segment.event_type_id,
            segment.duration_minutes,
            staff=segment.staff,
        )
        parts.append((after, part))
        after += part.duration
    return tuple(parts)
