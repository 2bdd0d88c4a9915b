"""Hands: people who edit the calendar in its own pages, while callers do by phone.

They cancel and move, accept and decline what waits for them, and now and then bring back what was cancelled. They look
at nobody's ledger, and nothing but a webhook, a read or a comparison tells of it.
"""

import asyncio
import random
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from einmal.domain import facts as fact_of
from einmal.domain.drift import DriftKind
from einmal.simulator.calendar import Changed, Created, SimulatedCalendar
from einmal.simulator.records import Attendee, BookingStatus, SimulatedBooking
from einmal.simulator.world.parts import Alarms
from einmal.simulator.world.people import SERVICE

LIVE = frozenset({BookingStatus.ACCEPTED, BookingStatus.PENDING})


class Onlooker(Alarms):
    """The Observer port: keeps bugs, which moves changes made, and what webhooks gave reason to mend."""

    def __init__(self, seen: set[str]) -> None:
        super().__init__()
        self._seen = seen
        self._mended: dict[str, fact_of.Drifted] = {}

    def observe(self, facts: Any) -> None:
        super().observe(facts)
        for fact in facts:
            match fact:
                case fact_of.Changed(kind=kind, event=event):
                    self._seen.add(f"{kind} {event}")
                case fact_of.Drifted(drift=drift) if drift.mended:
                    self._mended[drift.subject] = fact
                case fact_of.Noticed(outcome="mended", booking_uid=uid) if uid in self._mended:
                    self._seen.add(_by_webhook(self._mended.pop(uid)))


def _by_webhook(mended: fact_of.Drifted) -> str:
    drift = mended.drift
    if drift.kind is DriftKind.ARRIVED:
        return "doubt ended by a webhook" if drift.detail.startswith("doubt") else "webhook of what was given up"
    return "webhook of a move by hand" if drift.detail.endswith("moved there") else f"webhook of another {drift.kind}"


@dataclass(frozen=True, slots=True)
class FirstLife:
    """Of what was brought back: when it had ended, whether by hand, and since when it stands again."""

    until: datetime
    by_hand: bool
    again: datetime


@dataclass(slots=True)
class Hands:
    calendar: SimulatedCalendar
    chance: random.Random
    seen: set[str]
    starts: Sequence[datetime] = ()
    busy: "list[asyncio.Task[None]]" = field(default_factory=list)
    ended: set[str] = field(default_factory=set)
    """Uids of bookings that were ended by hand."""
    accepted: dict[str, datetime] = field(default_factory=dict)
    """By uid when its host said yes."""
    revived: dict[str, FirstLife] = field(default_factory=dict)
    vanished: dict[str, SimulatedBooking] = field(default_factory=dict)
    tells: Callable[[], None] = lambda: None
    """Called before each act and after it: what is due comes first, and webhooks may tell of the act."""

    async def work(self) -> None:
        """Now and then, whoever's it is. Something is in the calendar before anybody calls."""
        for _ in range(self.chance.randrange(6)):
            self._books()
        for _ in range(self.chance.randrange(5)):
            await asyncio.sleep(self.chance.random() * 400)
            self.tells()
            live = self._live()
            if not live or self.chance.random() < 0.4:
                self._books()
            else:
                self.change(self.chance.choice(live))

    async def edit(self) -> None:
        """More of it, and what makes webhooks matter."""
        for _ in range(self.chance.randrange(3, 12)):
            await asyncio.sleep(self.chance.random() * 150)
            act = self.chance.random()
            if act < 0.3:
                self._decides()
            elif act < 0.5:
                self._revives()
            else:
                self._changes_one()

    def _changes_one(self) -> None:
        self.tells()
        live = self._live()
        if live:
            self.change(self.chance.choice(live))

    def _live(self) -> list[SimulatedBooking]:
        return [one for one in self.calendar.bookings if one.status in LIVE]

    def _books(self) -> None:
        """For somebody who came to the counter."""
        self.tells()
        guest = Attendee("Greta Gast", f"guest{len(self.calendar.bookings)}@counter.example.test")
        self.calendar.create(SERVICE.event_type_id, self.chance.choice(self.starts), guest)
        self.tells()

    async def meddle(self, uid: str) -> None:
        """With this one, which somebody on the phone is about to change."""
        await asyncio.sleep(self.chance.random() * 3)
        self.tells()
        booking = self.calendar.get(uid)
        if booking is not None and booking.status in LIVE:
            self.change(booking)

    def change(self, booking: SimulatedBooking) -> None:
        if self.chance.random() < 0.5:
            done = isinstance(self.calendar.cancel(booking.uid, "Krank"), Changed)
            self.seen.add("cancelled by hand")
        else:
            start = self.chance.choice(self.starts)
            if any(one.start == start for one in self._live()):
                return
            done = isinstance(self.calendar.reschedule(booking.uid, start, by_owner=True), Created)
            self.seen.add("moved by hand")
        if done:
            self.ended.add(booking.uid)
        self.tells()

    def _decides(self) -> None:
        """What waits for its host."""
        self.tells()
        waiting = [one for one in self._live() if one.status is BookingStatus.PENDING]
        if not waiting:
            return
        one = self.chance.choice(waiting)
        if self.chance.random() < 0.65:
            self.calendar.accept(one.uid)
            self.accepted[one.uid] = self.calendar.now()
            self.seen.add("accepted by hand")
        else:
            self.calendar.decline(one.uid, "Ausgebucht")
            self.ended.add(one.uid)
            self.seen.add("declined by hand")
        self.tells()

    def _revives(self) -> None:
        """Confirming what was cancelled brings it back, whatever has taken its time since. Each once at most."""
        self.tells()
        gone = [one for one in self.calendar.bookings if one.status not in LIVE and one.rescheduled_to is None]
        gone = [one for one in gone if one.uid not in self.revived]
        if not gone:
            return
        one = self.chance.choice(gone)
        if isinstance(self.calendar.accept(one.uid), Changed):
            self.revived[one.uid] = FirstLife(one.updated_at, one.uid in self.ended, self.calendar.now())
            self.ended.discard(one.uid)
            self.seen.add("brought back by hand")
        self.tells()

    def lose(self, but: AbstractSet[str]) -> None:
        """A booking is there no longer, and nothing tells of it. None of these."""
        live = [one for one in self._live() if one.uid not in but]
        if live:
            one = self.chance.choice(live)
            if not one.event_type.requires_confirmation:
                self.accepted[one.uid] = one.created_at
            self.calendar.forget(one.uid)
            self.vanished[one.uid] = replace(one, status=BookingStatus.CANCELLED, updated_at=self.calendar.now())
            self.ended.add(one.uid)
            self.seen.add("gone without a trace")
