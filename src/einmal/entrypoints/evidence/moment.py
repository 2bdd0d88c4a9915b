"""One moment of a story: when it was, and what happened, as a key of the words and the values that go into it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum

from einmal.domain.comparison import Compared
from einmal.ports.stories import BookingHeld


class Kind(IntEnum):
    """What happened, in the order in which things of one instant are told: a question comes before its answer."""

    CALL = 0
    ASKED = 1
    ADMITTED = 2
    CHANGE = 3
    SENT = 4
    ANSWER = 5
    VERDICT = 6
    DOUBT = 7
    LOOK = 8
    ALARM = 9
    NOTICE = 10
    ENDED = 11
    RULING = 12
    PROMISE = 13
    MESSAGE = 14
    CALLBACK = 15
    HEARD = 16
    HUNG_UP = 17


class Tone(StrEnum):
    """How it bears on the caller. Shown by a sign and a word, not by a colour alone."""

    PLAIN = "plain"
    GOOD = "good"
    WARN = "warn"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Term:
    """A word of ours that has a name in each language, or is shown as it is where it has none."""

    family: str
    word: str


Value = str | int | datetime | timedelta | Term | None


@dataclass(frozen=True, slots=True)
class Told:
    """A sentence: a key of the words, and what stands in it."""

    key: str
    values: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Evidence:
    """One answer that brought a booking: what we asked and what came back, and what was concluded from it.

    `age`: how long before our question the booking was made. `whose`: the intent that holds it, where the ledger knows
    it; `its_call` is the call that the booking itself names.
    """

    lines: tuple[Compared, ...]
    verdict: Told
    booking_uid: str
    age: timedelta | None
    whose: BookingHeld | None
    its_call: str | None
    host: str | None


@dataclass(frozen=True, slots=True)
class Moment:
    """`heard` is what the caller was told: it may hold personal data. `intent_id`: whose moment it is, if an intent's.
    `call_id`: another call that it is about, to go on from here."""

    at: datetime
    kind: Kind
    told: Told
    tone: Tone = Tone.PLAIN
    intent_id: str | None = None
    evidence: Evidence | None = None
    heard: str | None = None
    details: tuple[tuple[str, Value], ...] = ()
    call_id: str | None = None


def ordered(moments: Iterable[Moment]) -> tuple[Moment, ...]:
    """By time; of one instant in the order of their kinds, and otherwise as they were given."""
    return tuple(sorted(moments, key=lambda moment: (moment.at, moment.kind)))
