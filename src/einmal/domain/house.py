"""What a house says of itself: who works there, what it allows. Configuration, in domain words; it decides nothing."""

from dataclasses import dataclass, field
from datetime import timedelta

from einmal.domain.opening import OpeningHours


@dataclass(frozen=True, slots=True)
class StaffMember:
    """Somebody who does appointments. `aliases` are other names callers use; `user_id` is Cal.com's."""

    staff_id: str
    name: str
    aliases: tuple[str, ...] = ()
    user_id: int | None = None


@dataclass(frozen=True, slots=True)
class Policies:
    """What callers may do by themselves. None is: no limit.

    `cancel_notice` and `move_notice`: how long before its start an appointment may still be cancelled or moved.
    `appointments_max`: how many upcoming appointments one person may have. `late_fee`: what is said to who is too late.
    """

    cancel_notice: timedelta | None = None
    move_notice: timedelta | None = None
    appointments_max: int | None = None
    late_fee: str | None = None


@dataclass(frozen=True, slots=True)
class House:
    """`hours` is None where nobody configured them: then nothing is settled by them. `state` is a Bundesland."""

    hours: OpeningHours | None = None
    staff: tuple[StaffMember, ...] = ()
    policies: Policies = field(default_factory=Policies)
    state: str | None = None
    address: str | None = None
