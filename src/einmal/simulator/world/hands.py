"""Hands: people who cancel and move appointments in the calendar's own pages, while callers do by phone."""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from einmal.domain import facts as fact_of
from einmal.simulator.calendar import Changed, Created, SimulatedCalendar
from einmal.simulator.records import Attendee, BookingStatus, SimulatedBooking
from einmal.simulator.world.parts import Alarms
from einmal.simulator.world.people import SERVICE

LIVE = frozenset({BookingStatus.ACCEPTED, BookingStatus.PENDING})


class Onlooker(Alarms):
    """The Observer port: keeps bugs, and which moves changes made."""

    def __init__(self, seen: set[str]) -> None:
        super().__init__()
        self._seen = seen

    def observe(self, facts: Any) -> None:
        super().observe(facts)
        self._seen.update(f"{fact.kind} {fact.event}" for fact in facts if isinstance(fact, fact_of.Changed))


@dataclass(slots=True)
class Hands:
    calendar: SimulatedCalendar
    chance: random.Random
    seen: set[str]
    starts: Sequence[datetime] = ()
    busy: "list[asyncio.Task[None]]" = field(default_factory=list)
    ended: set[str] = field(default_factory=set)
    """Uids of bookings that were ended by hand."""

    async def work(self) -> None:
        """Now and then, whoever's it is. Something is in the calendar before anybody calls."""
        for _ in range(self.chance.randrange(6)):
            self._books()
        for _ in range(self.chance.randrange(5)):
            await asyncio.sleep(self.chance.random() * 400)
            live = [one for one in self.calendar.bookings if one.status in LIVE]
            if not live or self.chance.random() < 0.4:
                self._books()
            else:
                self.change(self.chance.choice(live))

    def _books(self) -> None:
        """For somebody who came to the counter."""
        guest = Attendee("Greta Gast", f"guest{len(self.calendar.bookings)}@counter.example.test")
        self.calendar.create(SERVICE.event_type_id, self.chance.choice(self.starts), guest)

    async def meddle(self, uid: str) -> None:
        """With this one, which somebody on the phone is about to change."""
        await asyncio.sleep(self.chance.random() * 3)
        booking = self.calendar.get(uid)
        if booking is not None and booking.status in LIVE:
            self.change(booking)

    def change(self, booking: SimulatedBooking) -> None:
        if self.chance.random() < 0.5:
            done = isinstance(self.calendar.cancel(booking.uid, "Krank"), Changed)
            self.seen.add("cancelled by hand")
        else:
            start = self.chance.choice(self.starts)
            if start == booking.start:
                return
            done = isinstance(self.calendar.reschedule(booking.uid, start, by_owner=True), Created)
            self.seen.add("moved by hand")
        if done:
            self.ended.add(booking.uid)
