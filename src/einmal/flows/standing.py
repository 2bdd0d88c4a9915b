"""How an appointment stands: the calendar is asked, and what others did there to it is taken up in the ledger.

Whatever is to be changed or told of is read first. A booking that does not carry our operation id is neither.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from einmal.domain.change import Ended, MovedTo, Standing, Stands, Unseen, standing
from einmal.domain.intent import Intent
from einmal.domain.keys import intent_key
from einmal.domain.model import Booking, Service, Wish
from einmal.ports import (
    Blind,
    BookingUidTaken,
    Budgets,
    Calendar,
    CallContact,
    Candidate,
    Clock,
    Ids,
    StoredReply,
    Tenant,
)
from einmal.ports.changes import ChangeBooks, StaleChange

HOPS_MAX: Final = 5
"""Moved more often than that since we last looked, it is for a person to follow."""


@dataclass(frozen=True, slots=True)
class Standings:
    tenant: Tenant
    books: ChangeBooks
    calendar: Calendar
    clock: Clock
    ids: Ids
    budgets: Budgets

    async def look(self, intent: Intent, first: Booking | None = None) -> Standing:
        """One read, and one more for each time that it was moved. Writes nothing.

        `first`: its own booking, where that has just been read.
        """
        deadline = self.clock.monotonic() + self.budgets.look_up_seconds
        chain: list[Booking] = [] if first is None else [first]
        uid = intent.booking_uid if first is None else first.moved_to
        while uid is not None and len(chain) <= HOPS_MAX:
            look = await self.calendar.read(uid, deadline)
            if isinstance(look, Blind):
                return Unseen(look.why)
            if not look.bookings:
                break
            chain.append(look.bookings[0])
            uid = chain[-1].moved_to
        return standing(intent, chain)

    async def follow(self, intent: Intent, found: Standing) -> StoredReply | None:
        """Take up in the ledger what was found; the appointment after that, None where there is nothing to take up.

        Raises LedgerUnavailable or CommitUnknown. Of two who do the same one is too late, and nothing is lost.
        """
        now = self.clock.now()
        try:
            match found:
                case Stands(booking) | MovedTo(booking) if booking.uid == intent.booking_uid:
                    return await self.books.follow(intent, booking.status, now)
                case Ended(status):
                    return await self.books.follow(intent, status, now)
                case MovedTo(booking):
                    successor = self.candidate(intent, booking)
                    return await self.books.follow(intent, booking.status, now, (successor, booking))
                case _:
                    return None
        except (StaleChange, BookingUidTaken):
            return None

    def candidate(self, intent: Intent, booking: Booking) -> Candidate:
        """The intent that an appointment has become which others moved: still of the call that booked it."""
        now = self.clock.now()
        wish = replace(intent.wish, start=booking.start, service=self.service(intent, booking.event_type_id))
        return self.successor(intent, wish, now)

    def successor(
        self, intent: Intent, wish: Wish, send_deadline: datetime, call: CallContact | None = None
    ) -> Candidate:
        """Of what the appointment is to become. Its operation id is its own: its booking goes on with the first one."""
        # Whose name is forgotten is known by the hashes that stay: the appointment goes on being theirs.
        person = None if intent.wish.person.name else intent.key.person
        key = intent_key(wish, self.tenant.hash_key, person)
        ids = (self.ids.time_ordered(), self.ids.operation_id())
        return Candidate(wish, call, key, *ids, intent.attendee_email, self.clock.now(), send_deadline)

    def service(self, intent: Intent, event_type_id: int) -> Service:
        """As the house has it now, else as it was booked."""
        same_type = (one for one in self.tenant.services if one.event_type_id == event_type_id)
        known = (one for one in same_type if not one.segments)
        was = intent.wish.service
        return next(known, was if was.event_type_id == event_type_id else replace(was, event_type_id=event_type_id))
