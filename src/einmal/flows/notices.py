"""What the outside told, handled: a webhook is a hint, and what is applied is what a read of the booking shows.

So order, doubling and loss do not matter, and neither does what a webhook says of the booking. All that is due about
one booking is handled by one read. What a read does not show yet is read again, a few times.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import groupby
from typing import Final

from einmal.domain.drift import MENDED
from einmal.domain.facts import Alarm, Noticed
from einmal.domain.hint import PAUSES, next_read, shows
from einmal.domain.intent import State
from einmal.flows.behind import Behind
from einmal.flows.calls import PhoneCalls, news_of
from einmal.flows.due import UNKNOWN_TENANT
from einmal.flows.observe import Gone, Observation, Observed
from einmal.ports import Blind, Clock, CommitUnknown, Entry, Inbox, LedgerUnavailable, Observer, Source
from einmal.ports.verifying import Verifying

A_TURN: Final = 20
TURN_SECONDS: Final = 2.0
UNREAD_FOR: Final = timedelta(days=1)
LEASE: Final = timedelta(minutes=1)
HELD_BACK: Final = timedelta(seconds=5)
"""When to try again where the gate was shut."""

KEPT_FOR: Final = timedelta(days=30)
PRUNED_EVERY_SECONDS: Final = 60.0
PRUNED_A_TIME: Final = 1_000


_UNDER_WAY: Final = frozenset({State.INTENT, State.SENT})


@dataclass(slots=True)
class Notices:
    """`backs` are those of the tenants served here, by tenant id."""

    inbox: Inbox
    backs: Mapping[str, Behind]
    calls: PhoneCalls
    verifying: Verifying
    clock: Clock
    observer: Observer
    _prune_at: float = field(default=0.0, init=False)

    async def turn(self) -> int:
        """Handle some of what is due, and forget what is long handled; how many were due."""
        now = self.clock.now()
        due = await self.inbox.claim_due(now, now + LEASE, A_TURN, tuple(self.backs))
        end_by = self.clock.monotonic() + TURN_SECONDS
        for entries in _by_subject(due):
            if self.clock.monotonic() >= end_by:
                # A calendar that is slow must not keep doubts waiting, which have their turn after this.
                await self._again(entries, timedelta(0))
                continue
            try:
                await self._some(entries)
            except (LedgerUnavailable, CommitUnknown):
                raise
            except Exception as bug:  # noqa: BLE001 - one odd notice must not keep the others waiting
                self.observer.observe((Alarm(self.clock.now(), "notice_failed", None, type(bug).__name__),))
                await self._later(entries)
        if self.clock.monotonic() >= self._prune_at:
            self._prune_at = self.clock.monotonic() + PRUNED_EVERY_SECONDS
            await self.inbox.prune(now - KEPT_FOR, PRUNED_A_TIME)
        return len(due)

    async def _some(self, entries: Sequence[Entry]) -> None:
        """All that are due about one booking, or one call."""
        back = self.backs.get(entries[0].tenant_id)
        if back is None or back.observation is None or back.holder is None:
            await self._again(entries, UNKNOWN_TENANT)
        elif entries[0].source is not Source.CALCOM:
            for entry in entries:
                await self.calls.told(entry.tenant_id, news_of(entry.data), back.holder)
                await self._done(entry, "told")
        else:
            await self._of_booking(entries, back.observation)

    async def _of_booking(self, entries: Sequence[Entry], observation: Observation) -> None:
        uid = entries[0].subject
        if uid is None:
            return await self._all_done(entries, "no_booking_named")
        match await observation.look(uid):
            case Blind(heard=None):
                await self._again(entries, HELD_BACK)
            case Blind():
                await self._unread(entries)
            case Gone():
                # A replica lags: what a move has become may not be there yet, under its new uid.
                await self._later(entries)
            case Observed(row=None):
                await self._all_done(entries, "unknown_booking")
            case Observed() as observed:
                await self._applied(entries, observed)
        return None

    async def _applied(self, entries: Sequence[Entry], observed: Observed) -> None:
        """The ledger has what the read showed. What it did not show yet, or is not written yet, may still come."""
        booking, row = observed.booking, observed.row
        if row is not None and (row.changing or row.intent.state in _UNDER_WAY):
            # Whoever is at it concludes it by their own answer, mostly soon; then there is something to note this
            # beside. A change that waits for a person may take days: that many reads nobody makes.
            return await self._later(entries)
        if row is not None and not observed.drifts:
            await self.verifying.verified(row.intent.intent_id)
        is_mended = all(drift.mended for drift in observed.drifts if drift.kind in MENDED)
        outcome = "mended" if any(drift.mended for drift in observed.drifts) else "as_known"
        for entry in entries:
            if is_mended and shows(entry.event, booking):
                await self.inbox.noted(booking.uid, entry, self.clock.now())
                await self._done(entry, outcome)
            else:
                await self._later((entry,))
        return None

    async def _again(self, entries: Sequence[Entry], pause: timedelta) -> None:
        """Nothing was asked, or nothing can be said yet: no try is counted."""
        for entry in entries:
            await self.inbox.put_off(entry, self.clock.now() + pause, more=0)

    async def _unread(self, entries: Sequence[Entry]) -> None:
        """A calendar that is down is asked for a day; what it does not show, a few times."""
        for entry in entries:
            if self.clock.now() - entry.received_at > UNREAD_FOR:
                await self._done(entry, "not_read")
            else:
                await self.inbox.put_off(entry, self.clock.now() + (next_read(entry.tries) or PAUSES[-1]))

    async def _later(self, entries: Sequence[Entry]) -> None:
        for entry in entries:
            pause = next_read(entry.tries)
            if pause is None:
                await self._done(entry, "not_seen")
            else:
                await self.inbox.put_off(entry, self.clock.now() + pause)

    async def _all_done(self, entries: Sequence[Entry], outcome: str) -> None:
        for entry in entries:
            await self._done(entry, outcome)

    async def _done(self, entry: Entry, outcome: str) -> None:
        now = self.clock.now()
        await self.inbox.handled(entry.inbox_id, outcome, now)
        uid = entry.subject if entry.source is Source.CALCOM else None
        self.observer.observe((Noticed(now, entry.source, entry.event, outcome, uid),))


def _by_subject(entries: Sequence[Entry]) -> Iterator[Sequence[Entry]]:
    def subject(entry: Entry) -> tuple[str, str, str]:
        return entry.tenant_id, entry.source, entry.subject or ""

    for _, some in groupby(sorted(entries, key=subject), subject):
        yield tuple(some)
