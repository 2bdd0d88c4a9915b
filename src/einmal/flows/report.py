"""The weekly report: made of what the ledger tells, and sent once on each channel on the Monday after.

One process sends it, whoever claims it first; the others find it claimed. Sent at least once: a process that dies
between the sending and the note of it lets the report go out again when its lease ends.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from einmal.domain.facts import Alarm
from einmal.domain.report import Report, report_of
from einmal.domain.week import Week
from einmal.ports import Clock, Ids, Observer
from einmal.ports.reporting import ReportBooks, ReportCourier, WeeklyBooks

HOUR: Final = time(7)
"""Of Monday, local time: whoever begins to work finds it."""

GIVE_UP_AFTER: Final = timedelta(days=2)

PAUSES: Final = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60))

ALARM_AT_TRIES: Final = 4

LEASE: Final = timedelta(minutes=3)
SEND_SECONDS: Final = 30.0
"""Well below the lease: who sends still holds it."""

LOOK_SECONDS: Final = 60.0
"""How often each process looks whether one is due."""


@dataclass(frozen=True, slots=True)
class Reports:
    """Makes reports of whole weeks in one time zone."""

    books: ReportBooks
    zone: str

    async def made(self, week: Week, now: datetime, tenant: str | None = None) -> Report:
        """Of that week, beside the one before. Raises LedgerUnavailable or CommitUnknown."""
        zone = ZoneInfo(self.zone)
        days = week.days(zone)
        read, before = await self.books.read(days), await self.books.read(week.before.days(zone))
        return report_of(week, self.zone, now, read, before, running=now < days[-1].end, tenant=tenant)

    def last_week(self, now: datetime) -> Week:
        """The last that is over."""
        return Week.of(now.astimezone(ZoneInfo(self.zone)).date()).before


@dataclass(slots=True)
class WeeklyReports:
    """Sends the report of the week that ended, on each of these channels."""

    reports: Reports
    weekly: WeeklyBooks
    couriers: Mapping[str, ReportCourier]
    clock: Clock
    ids: Ids
    observer: Observer
    _look_at: float = field(default=0.0, init=False)

    async def turn(self) -> None:
        """Once a minute: send what is due. Raises LedgerUnavailable or CommitUnknown."""
        if self.clock.monotonic() < self._look_at:
            return
        self._look_at = self.clock.monotonic() + LOOK_SECONDS
        now = self.clock.now()
        week = self.reports.last_week(now)
        if not self._due_at(week) <= now < self._given_up_at(week) or not await self._was_there(week):
            return
        for channel in self.couriers:
            tries = await self.weekly.claim(week, channel, now, now + LEASE)
            if tries is not None:
                await self._send(week, channel, tries)

    def _due_at(self, week: Week) -> datetime:
        return datetime.combine(week.after.monday, HOUR, ZoneInfo(self.reports.zone))

    def _given_up_at(self, week: Week) -> datetime:
        return self._due_at(week) + GIVE_UP_AFTER

    async def _was_there(self, week: Week) -> bool:
        """Of a week before the installation began there is nothing to tell."""
        began = await self.reports.books.began()
        return began is not None and began < week.days(ZoneInfo(self.reports.zone))[-1].end

    async def _send(self, week: Week, channel: str, tries: int) -> None:
        report = await self.reports.made(week, self.clock.now())
        try:
            async with asyncio.timeout(SEND_SECONDS):
                why = await self.couriers[channel].send(report)
        except TimeoutError:
            why = "timeout"
        except Exception as bug:  # noqa: BLE001 - one odd channel must not keep the others from being sent on
            why = type(bug).__name__
        now = self.clock.now()
        if why is None:
            await self.weekly.sent(week, channel, now)
            return
        due_at = now + PAUSES[min(tries, len(PAUSES) - 1)] * (1 + 0.2 * self.ids.jitter())
        given_up = due_at >= self._given_up_at(week)
        if given_up or tries + 1 == ALARM_AT_TRIES:
            what = "weekly_report_given_up" if given_up else "weekly_report_failing"
            self.observer.observe((Alarm(now, what, None, f"{week} {channel}: {why}"),))
        await self.weekly.not_sent(week, channel, None if given_up else due_at)
