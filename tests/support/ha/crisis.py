"""A cluster of three under gateways that book, and a hand that takes nodes from it: one run in one mode.

Everything but the cluster is the storm's (tests/support/kill): real gateways, a worker, a simulated calendar, callers
without pause, and at the end all that was heard is held against the ledger's rows and the calendar's records.

Before some of the blows the standbys are cut off from the leader for a while. That is done alike in both modes, or the
control would show nothing: a leader that waits for its standby acknowledges nothing in that time, and one that does
not wait acknowledges what only it has.
"""

import asyncio
import itertools
import statistics
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import aiohttp
from ha.cluster import Cluster
from ha.member import Member

from einmal.domain.invariants import Violation
from support.ha.cable import Cable
from support.ha.ear import Answer, Ear
from support.ha.probe import Probe
from support.kill.callers import BERLIN, Caller, Platform, callers
from support.kill.processes import EINMAL, Place, migrate
from support.kill.storm import Setting, Storm
from support.kill.wire import Wire

STEADY_SECONDS: Final = 6.0
"""Of bookings before a blow, so that there is something to lose."""

LAG_SECONDS: Final = 4.0
CYCLE_SECONDS: Final = 75.0
"""What a blow and its repair take at most, as a rule: none is begun with less time left."""

GAP_SECONDS: Final = 1.0
"""A span without an acknowledged row that is no chance."""

KILLED: Final = "leader killed"
SILENT: Final = "leader silent"
STANDBY: Final = "standby killed"
BLOWS: Final = ((KILLED, True), (KILLED, False), (SILENT, False), (STANDBY, False), (KILLED, False), (SILENT, True))
"""In this order, again and again: what is done to which node, and whether the standbys were cut off before."""


@dataclass(slots=True)
class Blow:
    """Seconds after the blow, and what was heard from it until bookings were acknowledged again.

    `gap`: the longest time between two acknowledged rows, `gap_bookings` the same of bookings, by what callers heard.
    Where the standbys were cut off first the time of that is in it: `lag`.
    """

    what: str
    node: str
    lag: float
    leader_after: float | None = None
    gap: float = 0.0
    gap_bookings: float = 0.0
    whole_after: float = 0.0
    heard: dict[str, int] = field(default_factory=dict)
    answer_seconds_median: float = 0.0
    answer_seconds_max: float = 0.0


@dataclass(slots=True)
class Outcome:
    """What came of a run. `lost`: bookings that a caller was told of and that no row knows of."""

    mode: str
    seconds: float = 0.0
    acknowledged: int = 0
    lost: int = 0
    rows_acknowledged: int = 0
    rows_lost: int = 0
    in_calendar: int = 0
    without_row: int = 0
    doubled: int = 0
    heard: dict[str, int] = field(default_factory=dict)
    blows: list[Blow] = field(default_factory=list)
    violations: list[Violation] = field(default_factory=list)


class Crisis(Storm):
    """`tell` is given a line now and then."""

    def __init__(
        self, setting: Setting, folder: Path, cluster: Cluster, cables: Sequence[Cable], tell: Callable[[str], None]
    ) -> None:
        super().__init__(setting, folder)
        self.outcome = Outcome(cluster.mode)
        self._cluster = cluster
        self._cables = {member.name: cable for member, cable in zip(cluster.members, cables, strict=True)}
        self._tell = tell
        self._probe = Probe(setting.url.rpartition("/")[0] + "/probe")
        self._ear = Ear(self.ports, self.chance)
        self._over = asyncio.Event()

    async def _place(self, number: int) -> Place:
        """As a gateway is run: with its own time-outs."""

        async def stored(_: str) -> bool:
            return True  # nobody could look while nobody leads; the rows at the end are what counts

        wire = Wire(self.simulator, stored)
        await wire.open()
        self.wires.append(wire)
        serves = number < self.setting.gateways
        environment = {
            "EINMAL_DATABASE_URL": self.setting.url,
            "EINMAL_CALCOM_API_KEY": "cal_test_key",
            "EINMAL_CALCOM_BASE_URL": f"http://127.0.0.1:{wire.port}",
            "EINMAL_ATTENDEE_FALLBACK_EMAIL": "termin@salon.test",
            "EINMAL_RETELL_API_KEY": "key_of_the_platform",
            "EINMAL_CALCOM_RATE_PER_MINUTE": "0",
            "EINMAL_HOUSE_RATE_PER_MINUTE": "0",
            "EINMAL_CALL_RATE_PER_MINUTE": "0",
            "EINMAL_NUMBER_RATE_PER_MINUTE": "0",
            "EINMAL_BOOKINGS_PER_CALL": "0",
            "EINMAL_SETTLE_SECONDS": str(self.setting.settle_seconds),
        }
        if serves:
            environment["EINMAL_PORT"] = str(self.ports[number])
        words = (*self.setting.command, "serve" if serves else "work")
        return Place(f"gateway-{number}" if serves else "worker", words, self.folder, environment, wire)

    async def _calls(self, _: Platform) -> None:
        tomorrow = datetime.now(BERLIN) + timedelta(days=1)
        people = callers(self.chance, tomorrow.replace(second=0, microsecond=0))
        async with asyncio.TaskGroup() as talking:
            while not self._over.is_set():
                caller = next(people)
                self.called.append(caller)
                talking.create_task(self._ear.phone_call(caller))
                await asyncio.sleep(self.chance.expovariate(self.setting.callers_per_second))
        self.round.seen += self._ear.seen
        await self._ear.close()

    async def _server_kills(self) -> None:
        """Blow after blow until the time is over; each begins on a cluster that is whole."""
        await self._probe.prepare()
        probing = asyncio.create_task(self._probe.run())
        until = time.monotonic() + self.setting.seconds
        try:
            number = 0
            while not number or until - time.monotonic() > CYCLE_SECONDS:
                await asyncio.sleep(STEADY_SECONDS)
                await self._blow(*BLOWS[number % len(BLOWS)])
                number += 1
            await asyncio.sleep(STEADY_SECONDS)
        finally:
            self._over.set()
            probing.cancel()

    async def _blow(self, what: str, cut_off: bool) -> None:
        leader = await asyncio.to_thread(self._cluster.leader)
        assert leader is not None
        victim = leader if what != STANDBY else await asyncio.to_thread(self._follower)
        blow = Blow(what, victim.name, LAG_SECONDS if cut_off else 0.0)
        if cut_off:
            self._cables[leader.name].hold()
            await asyncio.sleep(LAG_SECONDS)
        at = time.monotonic()
        await asyncio.to_thread(victim.silence if what == SILENT else victim.lose)
        self._cables[leader.name].cut()
        if what != STANDBY:
            await asyncio.to_thread(self._cluster.wait_leader, victim)
            blow.leader_after = time.monotonic() - at
        await self._acknowledged_again(at)
        if what == SILENT:
            await asyncio.to_thread(victim.lose)
        await asyncio.to_thread(self._cluster.start)
        await asyncio.to_thread(self._cluster.wait_whole, 180.0)
        end = time.monotonic()
        blow.whole_after = end - at
        _, blow.gap = _longest(list(self._probe.acknowledged.values()), at - blow.lag, end)
        ended, blow.gap_bookings = _longest(self._ear.booked_at(), at - blow.lag, end)
        within = [one for one in self._ear.answers if at - blow.lag <= one.begun and one.ended <= ended]
        self._listen(blow, within)
        self.outcome.blows.append(blow)
        self._tell(told(blow))

    def _follower(self) -> Member:
        """The standby that commits wait for; without one, any."""
        view = sorted(self._cluster.view(), key=lambda one: (one["role"] == "sync_standby", one["role"] != "leader"))
        return next(one for one in self._cluster.members if one.name == view[-1]["name"])

    async def _acknowledged_again(self, since: float, seconds: float = 120.0) -> None:
        """Wait until rows and bookings are, a while after whoever leads now began to lead."""
        began = time.monotonic()
        while time.monotonic() < began + seconds:
            last = max(self._probe.acknowledged.values(), default=0.0)
            booked = self._ear.booked_at()
            if min(last, booked[-1] if booked else 0.0) > max(since + 3 * GAP_SECONDS, began):
                return
            await asyncio.sleep(0.1)
        raise TimeoutError(f"nothing was booked within {seconds:.0f} s of a blow")

    def _listen(self, blow: Blow, answers: Sequence[Answer]) -> None:
        blow.heard = dict(Counter(f"{one.status}: {one.sentence}" if one.sentence else one.status for one in answers))
        waits = [one.ended - one.begun for one in answers]
        if waits:
            blow.answer_seconds_median, blow.answer_seconds_max = statistics.median(waits), max(waits)

    async def _judge(self, control: aiohttp.ClientSession, calendar: Place) -> None:
        await super()._judge(control, calendar)
        outcome = self.outcome
        held = {row.ref for row in await asyncio.to_thread(self.books.rows) if row.ref is not None}
        told_of = {ref for caller in self.called for ref in _told_of(caller)}
        outcome.acknowledged, outcome.lost = len(told_of), len(told_of - held)
        outcome.rows_acknowledged, outcome.rows_lost = len(self._probe.acknowledged), await self._probe.lost()
        outcome.in_calendar, outcome.violations = self.round.bookings, self.round.violations
        outcome.without_row = sum(one.text.endswith("has no row") for one in outcome.violations)
        outcome.doubled = sum(one.invariant in {"I1", "wish"} for one in outcome.violations)
        outcome.heard = dict(self.round.seen)


def told(blow: Blow) -> str:
    led = "" if blow.leader_after is None else f"another leads after {blow.leader_after:.1f} s, "
    lag = f" after {blow.lag:.0f} s without standbys" if blow.lag else ""
    return (
        f"{blow.what}{lag} ({blow.node}): {led}no row acknowledged for {blow.gap:.1f} s, "
        f"no booking for {blow.gap_bookings:.1f} s, whole after {blow.whole_after:.0f} s"
    )


def _told_of(caller: Caller) -> set[str]:
    return {
        one.ref for one in caller.heard if one.ref is not None and one.outcome.value in {"booked", "already_booked"}
    }


def _longest(moments: Sequence[float], since: float, until: float) -> tuple[float, float]:
    """The longest time between two of these, and when it ended."""
    before = max((one for one in moments if one <= since), default=since)
    ordered = [before, *(one for one in moments if since < one <= until)]
    pairs = [(later - earlier, later) for earlier, later in itertools.pairwise(ordered)]
    longest, ended = max(pairs, default=(until - before, until))
    return ended, longest


async def live_through(folder: Path, mode: str, seconds: float, rate: float, tell: Callable[[str], None]) -> Outcome:
    """Build the cluster, run, judge, and take all of it down."""
    cables = [Cable() for _ in range(3)]
    for cable in cables:
        await cable.open()
    began = time.monotonic()
    cluster = await asyncio.to_thread(Cluster.made, folder / "cluster", mode, [cable.port for cable in cables])
    for member, cable in zip(cluster.members, cables, strict=True):
        cable.upstream = member.ports.postgres
    try:
        await asyncio.to_thread(cluster.up)
        tell(f"built in {time.monotonic() - began:.0f} s; {cluster.leader().name} leads")  # type: ignore[union-attr]
        await asyncio.to_thread(cluster.asked, "CREATE DATABASE probe OWNER einmal")
        await asyncio.to_thread(migrate, cluster.url)
        setting = Setting(
            cluster.url,
            seed=int(began),
            seconds=seconds - (time.monotonic() - began),
            kills=0,
            callers_per_second=rate,
            latency_seconds=0.2,
            settle_seconds=10.0,
            rest_seconds=120.0,
            faults=False,
            command=EINMAL,
        )
        crisis = Crisis(setting, folder, cluster, cables, tell)
        await crisis.run()
        crisis.outcome.seconds = time.monotonic() - began
        return crisis.outcome
    finally:
        await asyncio.to_thread(cluster.down)
        for cable in cables:
            await cable.close()
