"""How the database below the calendar behaves during one request.

Cal.com's worst answers do not come from its rules but from what its rules are shown: a replica that is behind,
a check that runs before the other request's row is there, an insert that fails. So a fault plan does not forge
those answers. It sets the conditions, and the ordinary code then says what Cal.com would say.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from einmal.simulator.outcomes import Refusal
from einmal.simulator.records import Attendee, EventType, SimulatedBooking

StandIn = Callable[[EventType, datetime, Attendee], SimulatedBooking | None]


@dataclass(frozen=True)
class Conditions:
    """The defaults are a healthy database, one request at a time."""

    replica_lag: timedelta = timedelta(0)
    """Reads show the rows as they were this long ago."""

    unseen: timedelta = timedelta(0)
    """The checks before a row is written do not see what was written within this: its writer is still at it.
    The unique key does see it, as a database's keys do."""

    insert_fails: bool = False
    """The unique key refuses the insert, whether or not anybody can see a rival."""

    lost_race: Refusal = Refusal.LOST_RACE
    """What a refusal by the unique key comes to."""

    stand_in: StandIn | None = None
    """Somebody else's booking to take for the same wish, if there is one."""

    at: datetime | None = None
    """The moment at which it happens, if that is not now: work that finishes while nobody looks."""


HEALTHY = Conditions()
