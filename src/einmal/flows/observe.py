"""Observation: a booking is read, compared with what the ledger has, and what is ours is mended.

One way for all who have reason to look: a webhook, the check some seconds after a booking, reconciliation. So it does
not matter what a webhook says, how often it comes, or when: what is applied is what a read shows.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from einmal.domain.change import Ended, Stands
from einmal.domain.drift import Drift, DriftKind, drifts_of
from einmal.domain.facts import Drifted
from einmal.domain.intent import BOOKED, Intent
from einmal.domain.model import Booking
from einmal.flows.standing import Standings
from einmal.flows.sweep import Sweeper
from einmal.flows.witness import operation
from einmal.ports import Blind, StoredReply
from einmal.ports.reconciling import ReconcilingBooks


@dataclass(frozen=True, slots=True)
class Gone:
    """The calendar knows no such booking. `rows`: who holds it in the ledger."""

    rows: tuple[StoredReply, ...]


@dataclass(frozen=True, slots=True)
class Observed:
    """The booking as it was read, the intent that it is the appointment of or may be, and how the two differ, or did
    until they were mended. Without an intent it is another's."""

    booking: Booking
    row: StoredReply | None
    drifts: tuple[Drift, ...] = ()


_STANDS_TOO: Final = "the one in the ledger stands too"
_TWICE: Final = frozenset({DriftKind.REVIVED, DriftKind.NOT_MARKED})
"""Two readings are never of one moment. What only a person can mend is told if two of them agree."""


@dataclass(frozen=True, slots=True)
class Observation:
    """One tenant's. `neighbours` are other tenants of the same account: their bookings are listed there too."""

    books: ReconcilingBooks
    standings: Standings
    sweeper: Sweeper
    neighbours: tuple[str, ...] = ()

    async def look(self, uid: str, *, mend: bool = True) -> Observed | Gone | Blind:
        """Read it, and mend what differs. Raises LedgerUnavailable or CommitUnknown."""
        compared = await self._read(uid)
        if isinstance(compared, Observed) and {drift.kind for drift in compared.drifts} & _TWICE:
            compared = await self._read(uid)
        if not isinstance(compared, Observed) or compared.row is None:
            return compared
        if not mend:
            row, booking = compared.row, compared.booking
            return replace(compared, drifts=tuple([await self._as_it_is(row, booking, one) for one in compared.drifts]))
        # One after the other: the second is about what the first has left.
        drifts = tuple([await self._mended(compared.row, compared.booking, drift) for drift in compared.drifts])
        self.told(drifts)
        return replace(compared, drifts=drifts)

    def told(self, drifts: Sequence[Drift]) -> None:
        """Tell those who watch."""
        outcomes = self.sweeper.doubts.outcomes
        outcomes.observer.observe(tuple(Drifted(outcomes.clock.now(), drift) for drift in drifts))

    async def _read(self, uid: str) -> Observed | Gone | Blind:
        standings = self.standings
        deadline = standings.clock.monotonic() + standings.budgets.look_up_seconds
        look = await standings.calendar.read(uid, deadline)
        if isinstance(look, Blind):
            return look
        if look.bookings:
            return (await self.compare(look.bookings[:1]))[0]
        rows = await self.books.of_uids(self._tenant_id, (uid,))
        return Gone(tuple(row for row in rows if row.intent.state in BOOKED))

    async def compare(self, bookings: Sequence[Booking]) -> tuple[Observed, ...]:
        """How these differ from what the ledger has, in their order. Nothing is written."""
        marks = sorted({mark for booking in bookings if (mark := operation(booking)) is not None})
        by_uid = {
            one.intent.booking_uid: one
            for one in await self.books.of_uids(self._tenant_id, [booking.uid for booking in bookings])
        }
        by_mark: dict[str, list[StoredReply]] = {}
        for one in await self.books.of_operations(self._tenant_id, marks):
            by_mark.setdefault(one.intent.mark, []).append(one)
        strangers = {mark for mark in marks if mark not in by_mark}
        strangers -= {row.intent.mark for other in self.neighbours for row in await self._of(other, strangers)}
        return tuple(
            _compared(booking, by_uid.get(booking.uid), by_mark.get(operation(booking) or "", ()), strangers)
            for booking in bookings
        )

    async def _of(self, tenant_id: str, marks: set[str]) -> tuple[StoredReply, ...]:
        return await self.books.of_operations(tenant_id, sorted(marks))

    @property
    def _tenant_id(self) -> str:
        return self.standings.tenant.tenant_id

    async def _mended(self, row: StoredReply, booking: Booking, drift: Drift) -> Drift:
        intent = row.intent
        match drift.kind:
            case DriftKind.STATUS:
                own = booking if booking.uid == intent.booking_uid else None
                # By its own booking alone: of what carries no id of ours nobody can say what it has become.
                found = _as_read(booking) if row.imported else await self.standings.look(intent, own)
                if isinstance(found, Stands) and own is None:
                    return replace(drift, kind=DriftKind.DOUBLED, detail=_STANDS_TOO)
                await self.standings.follow(intent, found)
            case DriftKind.TIME | DriftKind.STAFF:
                await self.books.corrected(intent.intent_id, booking)
                return replace(drift, mended=True)
            case DriftKind.ARRIVED:
                await self.sweeper.sighted((booking,))
            case _:
                return drift
        return replace(drift, mended=await self._has_moved(intent))

    async def _as_it_is(self, row: StoredReply, booking: Booking, drift: Drift) -> Drift:
        """The same, or two live bookings of one id: then nothing would be mended."""
        if drift.kind is not DriftKind.STATUS or booking.uid == row.intent.booking_uid:
            return drift
        stands = isinstance(await self.standings.look(row.intent), Stands)
        return replace(drift, kind=DriftKind.DOUBLED, detail=_STANDS_TOO) if stands else drift

    async def _has_moved(self, intent: Intent) -> bool:
        now = await self.sweeper.doubts.outcomes.ledger.stored(intent.intent_id)
        return now is not None and now.intent.state is not intent.state


def _compared(
    booking: Booking, holder: StoredReply | None, of_mark: Sequence[StoredReply], strangers: set[str]
) -> Observed:
    row = holder if holder is not None else _meant(of_mark)
    if row is not None:
        # A cancel or a move of ours that has no end yet explains it, and ends it.
        drifts = () if row.changing else drifts_of(row.intent, row.booking, booking, imported=row.imported)
        return Observed(booking, row, drifts)
    orphan = booking.status.live and operation(booking) in strangers
    return Observed(booking, None, (Drift(DriftKind.ORPHAN, booking.uid),) if orphan else ())


def _as_read(booking: Booking) -> Stands | Ended:
    return Stands(booking) if booking.status.live else Ended(booking.status)


def _meant(rows: Sequence[StoredReply]) -> StoredReply | None:
    """Of a chain of moves the one that stands, else the newest that ever did: what a booking that none of them holds is
    about. A move that was refused never was an appointment."""
    standing = [row for row in rows if row.intent.state in BOOKED]
    stood = [row for row in rows if row.intent.booking_uid is not None]
    return max(standing or stood or rows, key=lambda row: row.intent.intent_id, default=None)
