"""One round: gateways, a worker and a calendar as real processes, callers without pause, and a hand that kills.

When the callers have hung up the faults stop and everything comes to rest: no more kills, no row unfinished. Who was
left without a final answer asks once more. Then the calendar's records, the ledger's rows and all that was heard
are held against each other.

The seed decides who calls and what is killed when; what the machine makes of it is not repeatable.
"""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import aiohttp

from einmal.domain.intent import State
from einmal.domain.invariants import Evidence, Violation, violations
from support.kill.books import OTHER_CALL, Books, broken_promises, dossier, lives_of, spoken_by
from support.kill.callers import AGAIN_MAX, BERLIN, FINAL, KEY, Caller, Platform, callers
from support.kill.processes import EINMAL, Place, free_port
from support.kill.wire import Wire
from support.postgres import PostgresServer

SERVER_KILLS: Final = 4
ALL_AT_ONCE: Final = 0.15
"""The part of the blows that hit every process."""

WEATHER: Final = """
[[rule]]
fault = "lost_request"
operation = "create"
probability = 0.02
[[rule]]
fault = "lost_answer"
operation = "create"
probability = 0.03
[[rule]]
fault = "error_before_commit"
operation = ["create", "list"]
probability = 0.02
[[rule]]
fault = "error_after_commit"
operation = "create"
probability = 0.02
[[rule]]
fault = "late_commit"
operation = "create"
probability = 0.02
commit_after_seconds = {late_seconds}
[[rule]]
fault = "conflict_400"
operation = "create"
probability = 0.01
[[rule]]
fault = "foreign_booking"
operation = "create"
probability = 0.02
[[rule]]
fault = "missing_metadata"
operation = "create"
probability = 0.02
[[rule]]
fault = "slow_answer"
operation = "create"
probability = 0.03
delay_seconds = 1.2
"""


@dataclass(frozen=True, slots=True)
class Setting:
    """Seconds, unless it says otherwise. `url`: the ledger's; it is emptied first.

    `late_seconds` beyond `settle_seconds` makes bookings arrive after their "no"; the round then also waits for the
    sweeper, which looks once a minute. `aimed`: the part of the blows that wait for a POST on the wire. `command`:
    what is run as `serve` and `work`; the control runs another.
    """

    url: str
    seed: int
    seconds: float = 20.0
    kills: int = 20
    callers_per_second: float = 8.0
    latency_seconds: float = 0.25
    settle_seconds: float = 4.0
    late_seconds: float = 2.0
    rest_seconds: float = 60.0
    gateways: int = 2
    aimed: float = 0.4
    faults: bool = True
    command: Sequence[str] = EINMAL
    server: PostgresServer | None = None
    """Where the ledger lies, if that may be killed too."""


@dataclass(slots=True)
class Round:
    """What came of it. `on_the_wire`: POSTs without an answer when their process was killed."""

    callers: int = 0
    bookings: int = 0
    posts: int = 0
    kills: int = 0
    on_the_wire: int = 0
    regrets: int = 0
    load_seconds: float = 0.0
    rest_seconds: float = 0.0
    seen: "Counter[str]" = field(default_factory=Counter)
    violations: list[Violation] = field(default_factory=list)
    dossiers: list[str] = field(default_factory=list)
    """Of callers to whom a promise was broken, all that is known."""


class Storm:
    """Everything that runs in a round, in this folder."""

    def __init__(self, setting: Setting, folder: Path) -> None:
        self.setting = setting
        self.round = Round()
        self.chance = random.Random(f"storm:{setting.seed}")  # noqa: S311 - repeatable, not secret
        self.simulator = free_port()
        self.ports = [free_port() for _ in range(setting.gateways)]
        self.books = Books(setting.url)
        self.folder = folder
        self.places, self.wires, self.called = list[Place](), list[Wire](), list[Caller]()

    async def run(self) -> Round:
        self.books.empty()
        async with AsyncExitStack() as stack:
            control = await stack.enter_async_context(aiohttp.ClientSession(f"http://127.0.0.1:{self.simulator}"))
            words = ("simulator", "--port", str(self.simulator), "--latency", str(self.setting.latency_seconds))
            calendar = Place("simulator", (*EINMAL, *words), self.folder, {})
            await calendar.start()
            stack.push_async_callback(calendar.stop)
            await _answers(control, "/control/bookings")
            for number in range(self.setting.gateways + 1):
                self.places.append(await self._place(number))
                stack.push_async_callback(self.wires[-1].close)
                stack.push_async_callback(self.places[-1].stop)
                await self.places[-1].start()
            await self._listening()
            platform = Platform(self.ports, self.chance)
            stack.push_async_callback(platform.close)
            if self.setting.faults:
                plan = f"seed = {self.setting.seed}\n" + WEATHER.format(late_seconds=self.setting.late_seconds)
                async with control.post("/control/faults", data=plan) as answer:
                    answer.raise_for_status()
            began = time.monotonic()
            await asyncio.gather(self._calls(platform), self._kills(), self._server_kills())
            self.round.load_seconds = time.monotonic() - began
            async with control.delete("/control/faults") as answer:
                answer.raise_for_status()
            await self._rest(control)
            self.round.rest_seconds = time.monotonic() - began - self.round.load_seconds
            await self._last_questions(platform)
            self.round.seen += platform.seen
            await self._judge(control, calendar)
        return self.round

    async def _place(self, number: int) -> Place:
        async def stored(operation_id: str) -> bool:
            return await asyncio.to_thread(self.books.holds_as_sent, operation_id)

        wire = Wire(self.simulator, stored)
        await wire.open()
        self.wires.append(wire)
        serves = number < self.setting.gateways
        environment = {
            "EINMAL_DATABASE_URL": self.setting.url,
            "EINMAL_CALCOM_API_KEY": "cal_test_key",
            "EINMAL_CALCOM_BASE_URL": f"http://127.0.0.1:{wire.port}",
            "EINMAL_ATTENDEE_FALLBACK_EMAIL": "termin@salon.test",
            "EINMAL_RETELL_API_KEY": KEY,
            "EINMAL_CALCOM_RATE_PER_MINUTE": "0",
            "EINMAL_HOUSE_RATE_PER_MINUTE": "0",
            "EINMAL_CALL_RATE_PER_MINUTE": "0",
            "EINMAL_NUMBER_RATE_PER_MINUTE": "0",
            "EINMAL_BOOKINGS_PER_CALL": "0",
            "EINMAL_SETTLE_SECONDS": str(self.setting.settle_seconds),
            "EINMAL_POST_SECONDS": "2",
            "EINMAL_REPLY_SECONDS": "3",
        }
        if serves:
            environment["EINMAL_PORT"] = str(self.ports[number])
        words = (*self.setting.command, "serve" if serves else "work")
        return Place(f"gateway-{number}" if serves else "worker", words, self.folder, environment, wire)

    async def _calls(self, platform: Platform) -> None:
        """Steady: a caller does not wait for the one before."""
        tomorrow = datetime.now(BERLIN) + timedelta(days=1)
        people = callers(self.chance, tomorrow.replace(second=0, microsecond=0))
        until = time.monotonic() + self.setting.seconds
        async with asyncio.TaskGroup() as talking:
            while time.monotonic() < until:
                caller = next(people)
                self.called.append(caller)
                talking.create_task(platform.phone_call(caller))
                await asyncio.sleep(self.chance.expovariate(self.setting.callers_per_second))

    async def _kills(self) -> None:
        hand = random.Random(f"hand:{self.setting.seed}")  # noqa: S311
        pause, due = self.setting.seconds / max(1, self.setting.kills), time.monotonic()
        while self.round.kills < self.setting.kills:
            kind = hand.random()
            all_of_them, aimed = kind < ALL_AT_ONCE, kind > 1 - self.setting.aimed
            targets = self.places if all_of_them else [hand.choice(self.places[:-1] if aimed else self.places)]
            due += hand.uniform(0.5, 1.5) * pause * len(targets)
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            if aimed:
                await _posts(targets[0])
            hit = await asyncio.gather(*(place.kill() for place in targets))
            self.round.kills += len(targets)
            self.round.on_the_wire += sum(hit)
            self.round.seen["killed while a POST was on the wire"] += sum(hit) > 0
            self.round.seen["all killed at once"] += all_of_them
            await asyncio.gather(*(place.start() for place in targets))

    async def _server_kills(self) -> None:
        """As by a power cut, four times in a round."""
        server = self.setting.server
        for _ in range(0 if server is None else SERVER_KILLS):
            await asyncio.sleep(self.setting.seconds / (SERVER_KILLS + 1))
            if server is not None:
                await asyncio.to_thread(server.kill)
                await asyncio.to_thread(server.start)
            self.round.seen["server killed"] += 1

    async def _rest(self, control: aiohttp.ClientSession) -> None:
        """Wait until nothing is unfinished and, where bookings arrived after their "no", until they are taken back."""
        await self._listening()
        sweeps = self.setting.late_seconds > self.setting.settle_seconds
        until = time.monotonic() + self.setting.rest_seconds
        while time.monotonic() < until:
            await asyncio.sleep(0.5)
            if await asyncio.to_thread(self.books.unfinished):
                continue
            if not sweeps or not await self._to_be_taken_back(control):
                return

    async def _to_be_taken_back(self, control: aiohttp.ClientSession) -> int:
        rows = {row.intent.operation_id: row.intent.state for row in await asyncio.to_thread(self.books.rows)}
        lives = lives_of(await _bookings(control))
        return sum(life.stands and rows.get(life.operation_id or "") is State.REJECTED for life in lives)

    async def _last_questions(self, platform: Platform) -> None:
        """In good weather everybody gets an answer. Whoever has one keeps it, and whoever must wait asks again."""
        open_ones = [one for one in self.called if not one.heard or one.heard[-1].outcome not in FINAL]
        few = asyncio.Semaphore(8)

        async def ask(caller: Caller) -> None:
            for _ in range(AGAIN_MAX):
                async with few:
                    await platform.function_call(caller, 0)
                if caller.heard and caller.heard[-1].outcome in FINAL:
                    return
                await asyncio.sleep(1.0)

        await asyncio.gather(*map(ask, open_ones))
        self.round.seen["asked once more at the end"] += len(open_ones)

    async def _listening(self) -> None:
        for port in self.ports:
            async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as door:
                await _answers(door, "/readyz")

    async def _judge(self, control: aiohttp.ClientSession, calendar: Place) -> None:
        bookings, rows = await _bookings(control), await asyncio.to_thread(self.books.rows)
        requests = [asked.request for wire in self.wires for asked in wire.asked]
        lives = lives_of(bookings)
        found = violations(Evidence(lives, rows, spoken_by(self.called), requests))
        found += broken_promises(self.called, bookings, rows)
        ended = [said for one in (*self.places, calendar) for said in one.ended_by_itself]
        # Who starts while there is no database says so, and whoever supervises it starts it again.
        excused = "cannot be used" if self.setting.server is not None else "never"
        found += [Violation("process", said) for said in ended if excused not in said]
        self.round.violations = [one for one in found if one.invariant != OTHER_CALL]
        self.round.seen["told no of what the person has from another call"] += len(found) - len(self.round.violations)
        wronged = [one for one in self.called if any(one.call_id in violation.text for violation in found)]
        self.round.dossiers = [line for one in wronged for line in dossier(one, bookings, rows)]
        self.round.callers, self.round.posts = len(self.called), sum(request.kind == "post" for request in requests)
        self.round.bookings = sum(life.stands for life in lives)
        self.round.regrets = sum(row.intent.state is State.COMPENSATED for row in rows)
        for row in rows:
            self.round.seen[f"ends as {row.intent.state.value}"] += 1
        left = await asyncio.to_thread(self.books.left_by_the_dead)
        self.round.seen.update({f"left by the dead, ends as {state.value}": number for state, number in left.items()})


async def _posts(place: Place) -> None:
    """Wait a while until it has a POST on the wire."""
    for _ in range(300):
        if place.wire is not None and place.wire.posts_under_way:
            return
        await asyncio.sleep(0.01)


async def _bookings(control: aiohttp.ClientSession) -> Any:
    async with control.get("/control/bookings") as answer:
        return (await answer.json())["bookings"]


async def _answers(door: aiohttp.ClientSession, path: str, patience_seconds: float = 60.0) -> None:
    """Wait until it answers 200. Raises TimeoutError."""
    until = time.monotonic() + patience_seconds
    while time.monotonic() < until:
        try:
            async with door.get(path) as answer:
                if answer.status == 200:
                    return
        except (aiohttp.ClientError, OSError, TimeoutError):
            pass
        await asyncio.sleep(0.1)
    raise TimeoutError(f"{path} did not answer within {patience_seconds} s")
