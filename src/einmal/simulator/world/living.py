"""Callers who live: they check and hold, book, ask how it stands, cancel and move, hang up and call again.

Each step may be repeated as the platform repeats it. The platform's word of a call's begin and end comes doubled,
late, out of order or never. And some things are wished in a call that is over already.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from einmal.domain.reply import Outcome
from einmal.simulator.world.line import Asked, Heard, Line, Phone, day_said
from einmal.simulator.world.people import SERVICE, Caller, name_in_other_words, with_retries

SLOTS_A_DAY: Final = 14
"""From ten to five."""


def starts(count: int, opening: datetime) -> list[datetime]:
    """So many slots, on as many days as they need."""
    first = opening + timedelta(days=2)
    return [first + timedelta(days=at // SLOTS_A_DAY, minutes=30 * (at % SLOTS_A_DAY)) for at in range(max(3, count))]


async def life(caller: Caller, phone: Phone, chance: random.Random) -> None:
    """One call, from ringing to hanging up, and what the same person does about it in later ones."""
    await asyncio.sleep(chance.random() * 600)
    person = _Person(caller, phone, chance)
    await person.call(caller.call_id, person.books)
    for number in range(chance.choice((0, 1, 1, 2)) if person.standing or chance.random() < 0.2 else 0):
        await asyncio.sleep(chance.random() * chance.choice((20, 300)))
        await person.call(f"{caller.call_id}-{number + 2}", person.thinks_again)


@dataclass(slots=True)
class _Person:
    caller: Caller
    phone: Phone
    chance: random.Random
    line: Line = field(default_factory=lambda: Line(""))
    standing: datetime | None = None
    """Where they believe that their appointment is."""
    late: "set[asyncio.Task[None]]" = field(default_factory=set)

    async def call(self, call_id: str, talks: Callable[[], Awaitable[None]]) -> None:
        known = self.chance.random() < 0.7
        self.line = Line(call_id, self.caller.person.phone if known else None)
        self._tell("call_started", 0.75)
        await talks()
        ended = self.line
        self._tell("call_ended", 0.8)
        if self.chance.random() < 0.12:
            # The agent goes on for a moment after its caller has gone.
            await asyncio.sleep(self.chance.random() * 8)
            if self.line is ended:
                await self._ask("book_appointment", self._wish(self.caller.slots[1]))
        if self.late:
            await asyncio.wait(self.late)

    async def books(self) -> None:
        slots = self.caller.slots
        if self.chance.random() < 0.4:
            held = await self._ask("reserve_slot", self._wish(slots[0]), slots[0])
            await asyncio.sleep(self.chance.random() * self.chance.choice((5, 60, 400)))
            if held is not None and held.outcome is not Outcome.RESERVED and self.chance.random() < 0.5:
                slots = (slots[1], slots[0])
        await self._book(slots)
        for _ in range(self.chance.choice((0, 0, 1, 2))):
            await asyncio.sleep(self.chance.random() * 30)
            await self._second_thought()

    async def thinks_again(self) -> None:
        for _ in range(self.chance.choice((1, 1, 2))):
            await self._second_thought()
            await asyncio.sleep(self.chance.random() * 30)

    async def _book(self, slots: tuple[datetime, ...]) -> None:
        wanted, heard = slots[0], await self._ask("collect_appointment", self._wish(slots[0]))
        for _ in range(3):
            if heard is not None and heard.success:
                return
            if self.chance.random() > self.caller.patience:
                return
            await asyncio.sleep(1 + self.chance.random() * self.chance.choice((5, 90)))
            heard = await self._asks_again(heard, wanted, slots)
            if heard is None or not heard.success:
                wanted = slots[1] if self.chance.random() < 0.3 else wanted

    async def _asks_again(self, heard: Heard | None, wanted: datetime, slots: tuple[datetime, ...]) -> Heard | None:
        chance = self.chance
        if heard is not None and heard.outcome is Outcome.IN_DOUBT and chance.random() < 0.5:
            return await self._ask("booking_status", {})
        if heard is not None and "decision" in heard.missing:
            # They have something that day: keep it beside this one, or move it here.
            if chance.random() < 0.5:
                return await self._ask("collect_appointment", self._wish(wanted) | {"zusaetzlich": "ja"})
            return await self._ask("reschedule_appointment", self._named(None) | _new(wanted))
        if heard is not None and heard.outcome is Outcome.SLOT_TAKEN and chance.random() < 0.6:
            wanted = slots[1]
        words = self._wish(wanted) | {"name": name_in_other_words(self.caller.person.name, chance)}
        return await self._ask("collect_appointment", words)

    async def _second_thought(self) -> None:
        if self.standing is None and self.chance.random() < 0.8:
            return
        match self.chance.randrange(9):
            case 0:
                await self._ask("booking_status", {})
            case 1:
                await self._ask("get_customer_appointments", self._named(self.standing))
            case 2 | 3 | 4:
                await self._cancel()
            case 5 | 6 | 7:
                await self._move()
            case _:
                await self._ask("collect_appointment", self._wish(self.caller.slots[1]) | {"zusaetzlich": "ja"})

    async def _cancel(self) -> None:
        named = self._named(self.standing)
        heard = await self._ask("cancel_appointment", named, self.standing)
        if self.chance.random() < 0.3:
            # Is it really cancelled?
            heard = await self._ask("cancel_appointment", named, self.standing)
        if heard is not None and heard.outcome is Outcome.CANCELLED and self.chance.random() < 0.3:
            # And then they want it after all.
            await self._book(self.caller.slots)

    async def _move(self) -> None:
        wanted = self.chance.choice(self.caller.slots)
        if wanted == self.standing:
            wanted = next((one for one in self.caller.slots if one != wanted), wanted)
        named = self._named(self.standing) | _new(wanted)
        heard = await self._ask("reschedule_appointment", named, self.standing)
        if (heard is None or heard.outcome is not Outcome.RESCHEDULED) and self.chance.random() < 0.3:
            heard = await self._ask("reschedule_appointment", named, self.standing)
        if heard is not None and heard.outcome is Outcome.IN_DOUBT:
            await asyncio.sleep(self.chance.random() * 60)
            await self._ask("booking_status", {})

    def _wish(self, start: datetime) -> dict[str, str]:
        person = self.caller.person
        args = {"name": person.name, "dienstleistung": SERVICE.name} | day_said(start)
        args |= {} if person.phone is None else {"telefon": person.phone}
        return args | ({} if person.email is None else {"email": person.email})

    def _named(self, start: datetime | None) -> dict[str, str]:
        """From a line that tells nothing one says it all; otherwise as much as comes to mind."""
        name = {"name": self.caller.person.name}
        if self.chance.random() < 0.1:
            # Misremembered, or misheard.
            start = self.chance.choice(self.caller.slots)
        if start is None:
            return name if self.line.number is None else {}
        said = day_said(start, "old_date", "old_time")
        if self.line.number is None:
            return said | name
        return self.chance.choice((said, said, {}, said | name))

    async def _ask(self, function: str, args: Mapping[str, str], start: datetime | None = None) -> Heard | None:
        asked = Asked(function, self.line, self.caller.person, args, start)
        heard = await with_retries(lambda: self.phone.ask(asked), self.chance)
        if heard is not None and heard.success and heard.start is not None:
            self.standing = None if heard.outcome is Outcome.CANCELLED else heard.start
        return heard

    def _tell(self, event: str, share: float) -> None:
        """The platform's word goes its own way: once, twice, late, or not at all."""
        line, at = self.line, self.phone.now()
        times = 0 if self.chance.random() > share else self.chance.choice((1, 1, 1, 2))
        for _ in range(times):
            delay = self.chance.random() * self.chance.choice((0.5, 0.5, 5, 60))
            task = asyncio.ensure_future(_later(self.phone, event, line, at, delay))
            self.late.add(task)
            task.add_done_callback(self.late.discard)


async def _later(phone: Phone, event: str, line: Line, at: datetime, delay: float) -> None:
    await asyncio.sleep(delay)
    await phone.tell(event, line, at)


def _new(start: datetime) -> dict[str, str]:
    return day_said(start, "new_date", "new_time")
