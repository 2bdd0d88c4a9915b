"""What we asked and what came back, side by side: the evidence of one attempt, as a person reads it.

It decides nothing. The verdict has been given (domain/verdict); here stands what it was given on, field by field, with
those marked that do not fit together.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from einmal.domain.intent import Intent
from einmal.domain.keys import normal_name


class Field(StrEnum):
    NAME = "name"
    EMAIL = "email"
    START = "start"
    EVENT_TYPE = "event_type"
    CALL_ID = "call_id"
    OPERATION_ID = "operation_id"
    CREATED_AT = "created_at"
    STATUS = "status"


PERSONAL = frozenset({Field.NAME, Field.EMAIL})
"""What is masked unless somebody has a reason to see it."""


@dataclass(frozen=True, slots=True)
class Came:
    """What an answer said of its booking. None: it did not say."""

    name: str | None
    emails: tuple[str, ...]
    start: datetime
    event_type_id: int
    call_id: str | None
    operation_id: str | None
    created_at: datetime | None
    status: str


@dataclass(frozen=True, slots=True)
class Compared:
    """One line: as text where it is text, an instant where it is one. `differs`: they cannot be of one booking."""

    field: Field
    asked: str | datetime | None
    came: str | datetime | None
    differs: bool


def compare(intent: Intent, came: Came, asked_at: datetime, freshness_limit: timedelta) -> tuple[Compared, ...]:
    """The lines in the order in which a person looks. `asked_at`: when the POST was sent, by our clock.

    A name differs as names are compared, in spite of case and accents; a birth differs from the asking where it was
    longer ago than layer 1 allows. What was not told differs from nothing, but for the operation id: a booking without
    it is not ours.
    """
    wish = intent.wish
    email = next((one for one in came.emails if one == intent.attendee_email), None) or next(iter(came.emails), None)
    stale = came.created_at is not None and asked_at - came.created_at > freshness_limit
    lines: tuple[tuple[Field, str | datetime | None, str | datetime | None, bool], ...] = (
        (Field.NAME, wish.person.name or None, came.name, _names_differ(wish.person.name, came.name)),
        (Field.EMAIL, intent.attendee_email, email, email is not None and email != intent.attendee_email),
        (Field.START, wish.start, came.start, came.start != wish.start),
        (
            Field.EVENT_TYPE,
            str(wish.service.event_type_id),
            str(came.event_type_id),
            came.event_type_id != wish.service.event_type_id,
        ),
        (Field.CALL_ID, wish.conversation_id, came.call_id, _ids_differ(wish.conversation_id, came.call_id)),
        (Field.OPERATION_ID, intent.mark, came.operation_id, came.operation_id != intent.mark),
        (Field.CREATED_AT, asked_at, came.created_at, stale),
        (Field.STATUS, None, came.status, False),
    )
    return tuple(Compared(*line) for line in lines)


def _names_differ(ours: str, theirs: str | None) -> bool:
    # Without a name its retention has ended: nobody can tell any more.
    return bool(ours) and theirs is not None and normal_name(ours) != normal_name(theirs)


def _ids_differ(ours: str | None, theirs: str | None) -> bool:
    return bool(ours) and bool(theirs) and ours != theirs
