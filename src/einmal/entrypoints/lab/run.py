"""One run: a caller who asks five times, before Einmal and before a gateway without it. Trouble and seed make it.

Each side has a calendar, a clock and a ledger of its own, in a folder that goes when the run ends. Nothing of the
gateway that serves the page is touched.
"""

import asyncio
import random
import tempfile
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from einmal.entrypoints.lab.place import EVENT_TYPE, Place, place
from einmal.entrypoints.lab.process import Process
from einmal.entrypoints.lab.seen import BEFORE, Ask, Heard, Listed, Row, Run, Side
from einmal.entrypoints.lab.trouble import Trouble, setting_of
from einmal.entrypoints.lab.unguarded import UnguardedGateway
from einmal.simulator.virtual import MONDAY_MORNING, run_virtual
from einmal.speech.said import Language, weekday_name

BERLIN: Final = ZoneInfo("Europe/Berlin")

AFTER_SECONDS: Final = 150.0
"""From the first request on; by then all that a run can begin has ended."""

_GAPS: Final = ((2.5, 4.0), (5.0, 9.0), (8.0, 14.0), (70.0, 80.0))
"""A platform's own repeat, other words, once more, and a second call: seconds between each and the one before."""

_CALLERS: Final = (
    ("Jürgen Groß", "Juergen Gross", "+4930901820"),
    ("Anna Weiß", "Anna Weiss", "+4930901821"),
    ("Paul Brandt", "paul brandt", "+4930901822"),
    ("Zoë Müller", "Zoe Mueller", "+4930901823"),
)
"""A name, how it may be written next time, and the line that it comes from."""

Book = Callable[[Ask], Awaitable[tuple[str, str]]]


@lru_cache(maxsize=64)
def run(trouble: Trouble, seed: int, language: Language) -> Run:
    """Play it, on both sides. Blocks for less than a second; needs a thread without an event loop."""
    story = _Story(trouble, seed, language)
    return Run(trouble, seed, story.start, story.caller, run_virtual(story.ours()), run_virtual(story.unguarded()))


class _Story:
    def __init__(self, trouble: Trouble, seed: int, language: Language) -> None:
        chance = random.Random(f"lab story:{trouble}:{seed}")  # noqa: S311 - it must be repeatable, not secret
        self._setting = setting_of(trouble, seed)
        self._seed, self._language = seed, language
        day = MONDAY_MORNING.astimezone(BERLIN).date() + timedelta(days=chance.randint(2, 4))
        self.start = datetime.combine(day, time(chance.randint(9, 16)), BERLIN)
        self.caller, self._other_name, self._line = chance.choice(_CALLERS)
        self._calls = tuple(f"call_{chance.getrandbits(48):012x}" for _ in range(2))
        self._asks = self._asked_in(day, [round(chance.uniform(*gap), 1) for gap in _GAPS])

    def _asked_in(self, day: date, gaps: list[float]) -> tuple[Ask, ...]:
        first, second = self._calls
        iso, plain = f"{day}", f"{self.start:%H:%M}"
        spoken = weekday_name(day, self._language)
        hour = (
            f"{self.start.hour} Uhr"
            if self._language is Language.GERMAN
            else f"{self.start:%I} {self.start:%p}".lstrip("0")
        )
        said = (
            (first, self.caller, iso, plain),
            (first, self.caller, iso, plain),
            (first, self._other_name, spoken, hour),
            (first, self.caller, iso, hour),
            (second, self.caller, spoken, hour),
        )
        ats = [round(sum(gaps[:number]), 1) for number in range(len(said))]
        return tuple(Ask(at, *one) for at, one in zip(ats, said, strict=True))

    async def ours(self) -> Side:
        with tempfile.TemporaryDirectory(prefix="einmal-lab-") as folder:
            process = Process(self._place(), Path(folder) / "ledger.sqlite3", self._seed, self._language)
            await process.begin()
            heard = await self._heard(process.place, lambda ask: process.book(ask, self._line), process)
            rows = await process.rows(self._calls)
            await process.end()
        return self._side(process.place, heard, rows, process.rejections)

    async def unguarded(self) -> Side:
        here = self._place()
        gateway = UnguardedGateway(here.wire, here.clock)
        start = f"{self.start.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"

        async def book(ask: Ask) -> tuple[str, str]:
            # An address of its own for each request: one for all of them was the incident.
            email = f"termin+{ask.call_id[5:]}-{round(ask.at * 10)}@salon.test"
            uid = await gateway.book(ask.name, email, ask.call_id, EVENT_TYPE, start)
            return "no" if uid is None else "yes", ""

        heard = await self._heard(here, book, None)
        return self._side(here, heard, tuple(Row(name, "booked", uid) for name, uid in gateway.rows), ())

    def _place(self) -> Place:
        return place(self._setting, self._seed, self.start - MONDAY_MORNING)

    async def _heard(self, here: Place, book: Book, process: Process | None) -> tuple[Heard, ...]:
        """All that the caller does and hears, and the time after it."""
        await asyncio.sleep(BEFORE.total_seconds())
        heard: dict[int, Heard] = {}
        callers = [
            asyncio.create_task(self._one(number, ask, here, book, heard)) for number, ask in enumerate(self._asks)
        ]
        dies_after = self._setting.dies_after
        if dies_after is not None:
            await asyncio.sleep(dies_after)
            # Whoever is on the line then hears nothing; who asks later finds it up again.
            for ask, caller in zip(self._asks, callers, strict=True):
                if ask.at <= dies_after:
                    caller.cancel()
            if process is not None:
                await process.die(callers)
        await asyncio.sleep(AFTER_SECONDS)
        await asyncio.gather(*callers, return_exceptions=True)
        return tuple(heard[number] for number in sorted(heard))

    async def _one(self, number: int, ask: Ask, here: Place, book: Book, heard: dict[int, Heard]) -> None:
        await asyncio.sleep(ask.at)
        said, sentence = "none", ""
        try:
            said, sentence = await book(ask)
        finally:
            heard[number] = Heard(ask, said, sentence, self._stand(here))

    def _stand(self, here: Place) -> int:
        """How many bookings of the caller's stand, under any spelling."""
        return sum(len(here.live(name)) for name in {ask.name for ask in self._asks})

    def _side(self, here: Place, heard: tuple[Heard, ...], rows: tuple[Row, ...], rejections: tuple[str, ...]) -> Side:
        names = {ask.name for ask in self._asks}
        began = MONDAY_MORNING + BEFORE
        calendar = tuple(
            Listed(
                name := one.attendee.name,
                one.host.name,
                one.uid,
                round((one.created_at - began).total_seconds(), 2),
                name in names,
            )
            for one in here.calendar
            if one.status.value == "accepted"
        )
        return Side(heard, tuple(here.wire.sent), calendar, rows, rejections)
