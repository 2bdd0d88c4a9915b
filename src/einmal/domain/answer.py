"""What the calendar answered, or did not: a closed set of values, never an exception.

The one question that matters after a POST is whether it may have landed. NO may be tried again, YES is
judged, MAYBE is looked up; "unknown" is always MAYBE.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from einmal.domain.model import Booking


class Landed(StrEnum):
    NO = "no"
    MAYBE = "maybe"
    YES = "yes"


class AnswerKind(StrEnum):
    BOOKING = "booking"
    """2xx with a booking that can be read. Whose it is, is for judge() to say."""
    CONFLICT = "conflict"
    """The slot is occupied, perhaps by ourselves."""
    REFUSED = "refused"
    """Certainly not processed, and asking again would not help: validation, 404."""
    UNAUTHORISED = "unauthorised"
    """401 or 403: as REFUSED, and the operator must hear of it."""
    THROTTLED = "throttled"
    """429 with the throttle's own body: certainly not processed."""
    NOT_SENT = "not_sent"
    """Failed before the first byte left."""
    LOST = "lost"
    """Time-out, reset, broken body, 5xx, a redirect, anything unknown: it may have landed."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one POST.

    `http_status` is None where none came. `detail` is a short word of ours for log and evidence, never the
    remote's text. `elapsed` runs from just before the write to the end of the answer, by a monotonic clock;
    `calendar_date` is the answer's Date header, in whole seconds, by the calendar's own clock.
    """

    kind: AnswerKind
    booking: Booking | None = None
    http_status: int | None = None
    detail: str = ""
    elapsed: timedelta = timedelta(0)
    calendar_date: datetime | None = None

    @property
    def landed(self) -> Landed:
        match self.kind:
            case AnswerKind.BOOKING:
                return Landed.YES
            case AnswerKind.CONFLICT | AnswerKind.LOST:
                return Landed.MAYBE
            case AnswerKind.REFUSED | AnswerKind.UNAUTHORISED | AnswerKind.THROTTLED | AnswerKind.NOT_SENT:
                return Landed.NO

    def asked_at(self, sent_at: datetime) -> datetime:
        """When the POST was sent, by the calendar's clock if its Date is known, else by ours (`sent_at`)."""
        return sent_at if self.calendar_date is None else self.calendar_date - self.elapsed
