"""The caller's own appointments: found by line, by call, or by what only who booked it would say together."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from einmal.domain.composite import BEING_UNDONE, Composite, CompositeState
from einmal.domain.intent import BOOKED, UNRESOLVED, State
from einmal.domain.keys import phone_hash
from einmal.domain.reply import Missing, Outcome, Reply, Why
from einmal.domain.whose import Caller, Named, is_named, of_that_name
from einmal.ports import Clock, StoredReply, Tenant
from einmal.ports.appointments import Appointments
from einmal.ports.composites import CompositeBooks

LOOKED_AT_MAX: Final = 20
ASKED_MAX: Final = 3
"""As many as a listener keeps in mind."""

MISSES_MAX: Final = 3
"""Nobody forgets their own appointment so often: who goes on is guessing."""

CALLS_REMEMBERED: Final = 4096

JUST_BEGUN: Final = timedelta(hours=1)
"""Whoever calls because they are late still speaks of that appointment."""


@dataclass(frozen=True, slots=True)
class OwnAppointments:
    """All raise LedgerUnavailable or CommitUnknown."""

    tenant: Tenant
    appointments: Appointments
    clock: Clock
    composites: CompositeBooks | None = None
    """None where no composites are booked."""
    _misses: "dict[str | None, int]" = field(default_factory=dict, init=False)
    """How often a call has named what there is not."""

    async def live(self, caller: Caller) -> tuple[StoredReply, ...]:
        """What stands, as far as the ledger knows, earliest first."""
        since = self.clock.now() - JUST_BEGUN
        found = [*await self._of_line(caller, since), *await self.of_call(caller)]
        standing = {one.intent.intent_id: one for one in found if _stands(one) and one.intent.wish.start > since}
        ordered = sorted(standing.values(), key=lambda one: one.intent.wish.start)
        return tuple(one for one in await self.as_wholes(ordered) if _stands(one))

    async def of_call(self, caller: Caller) -> tuple[StoredReply, ...]:
        """What this call has booked or asked for, in any state, newest first."""
        if caller.call_id is None:
            return ()
        found = await self.appointments.of_conversation(self.tenant.tenant_id, caller.call_id, LOOKED_AT_MAX)
        return await self.as_wholes(found)

    async def composite_of(self, stored: StoredReply) -> Composite | None:
        """The whole that this is a segment of, if it is one."""
        if self.composites is None:
            return None
        return (await self.composites.of_intents((stored.intent.intent_id,))).get(stored.intent.intent_id)

    async def as_wholes(self, found: Sequence[StoredReply]) -> tuple[StoredReply, ...]:
        """Of the segments of one composite the first stands for all, with the time of all; of one that is being undone
        nothing is an appointment any more."""
        if self.composites is None or not found:
            return tuple(found)
        of = await self.composites.of_intents([one.intent.intent_id for one in found])
        if not of:
            return tuple(found)
        every: dict[str, list[StoredReply]] = {}
        for one in found:
            composite = of.get(one.intent.intent_id)
            every.setdefault(one.intent.intent_id if composite is None else composite.composite_id, []).append(one)
        return tuple(_merged(some, of.get(some[0].intent.intent_id)) for some in every.values())

    async def the_one(self, caller: Caller, named: Named) -> StoredReply | Reply:
        """The appointment that is meant, or what to ask or say instead."""
        own = await self.live(caller)
        fitting = [one for one in own if _named(one, named)]
        same_name = self._same_name(fitting, named)
        in_doubt = await self.in_doubt(caller, named)
        if len(same_name) == 1 and (named.exact or not in_doubt):
            return same_name[0]
        if in_doubt:
            return Reply(Outcome.IN_DOUBT, Why.OTHER_IN_DOUBT)
        if same_name:
            return which_one(same_name)
        proved = await self._proved(caller, named)
        if isinstance(proved, StoredReply):
            return proved
        if len(fitting) == 1 and named.exact:
            # Under another name, from their own line, at that very time: the name was misheard.
            return fitting[0]
        # None fits: they are the caller's own, so they may be read back.
        return which_one(fitting or own) if own else proved

    def _same_name(self, found: Sequence[StoredReply], named: Named) -> list[StoredReply]:
        return of_that_name([(one.intent, one) for one in found], named.name, self._secret)

    async def changed(self, caller: Caller) -> tuple[StoredReply, ...]:
        """What this call has cancelled or moved, or tried to, whichever call booked it; newest change first."""
        if caller.call_id is None:
            return ()
        return await self.appointments.changed_in(self.tenant.tenant_id, caller.call_id, LOOKED_AT_MAX)

    async def ended(self, caller: Caller, named: Named, state: State) -> tuple[StoredReply, ...]:
        """The caller's own that fit and have ended so, newest first."""
        found, tenant_id = list(await self.of_call(caller)), self.tenant.tenant_id
        # Who has proved that it is theirs need not do so again when they say the same once more.
        found += await self.changed(caller)
        if caller.line is not None:
            since = self.clock.now() - JUST_BEGUN
            found += await self.appointments.ended_of_line(tenant_id, caller.line, since, LOOKED_AT_MAX)
        fitting = [one for one in found if one.intent.state is state and _named(one, named)]
        every = {one.intent.intent_id: one for one in self._same_name(fitting, named)}
        newest_first = sorted(every.values(), key=lambda one: one.intent.intent_id, reverse=True)
        return await self.as_wholes(newest_first)

    async def in_doubt(self, caller: Caller, named: Named) -> bool:
        """Whether what is meant may be something of theirs that nobody can answer yet."""
        asked = [*await self.of_call(caller), *await self._of_line(caller, self.clock.now())]
        # What an appointment is being moved to is no other one: its change says how it stands.
        return any(
            one.intent.state in UNRESOLVED and one.intent.moved_from is None and _named(one, named) for one in asked
        )

    async def _of_line(self, caller: Caller, since: datetime) -> tuple[StoredReply, ...]:
        if caller.line is None:
            return ()
        known_by = phone_hash(caller.line, self._secret)
        return await self.appointments.of_line(self.tenant.tenant_id, known_by, since, LOOKED_AT_MAX)

    async def _proved(self, caller: Caller, named: Named) -> StoredReply | Reply:
        """From a line that nothing is booked under. What does not fit together is as good as unknown."""
        if named.start is None or named.name is None:
            asked = [Missing.APPOINTMENT] * (named.start is None) + [Missing.NAME_ON] * (named.name is None)
            return Reply(Outcome.NEEDS_INPUT, missing=tuple(asked))
        unknown = Reply(Outcome.REJECTED, Why.NOT_FOUND, asked_start=named.start)
        if self._misses.get(caller.call_id, 0) >= MISSES_MAX:
            return unknown
        at_that_time = await self.appointments.at(self.tenant.tenant_id, named.start)
        fitting = [one for one in at_that_time if _stands(one) and _named(one, named)]
        same = self._same_name(fitting, named)
        if len(same) != 1:
            self._missed(caller)
            return unknown
        return same[0]

    def _missed(self, caller: Caller) -> None:
        """In this process, for as long as it is remembered: who guesses is on the phone."""
        if caller.call_id is not None:
            self._misses[caller.call_id] = self._misses.pop(caller.call_id, 0) + 1
            while len(self._misses) > CALLS_REMEMBERED:
                del self._misses[next(iter(self._misses))]

    @property
    def _secret(self) -> bytes:
        return self.tenant.hash_key


def _merged(segments: Sequence[StoredReply], composite: Composite | None) -> StoredReply:
    if composite is None:
        return segments[0]
    ordered = sorted(segments, key=lambda one: one.intent.wish.start)
    slots = [one.booking for one in ordered if one.booking is not None and _stands(one)]
    unfinished = composite.state is CompositeState.BOOKING and len(slots) < len(composite.segments)
    slots = slots or [one.booking for one in ordered if one.booking is not None]
    if unfinished or composite.state in BEING_UNDONE or not slots:
        # Of a part nothing is told; what is in doubt of it is what the whole is.
        one = next((one for one in ordered if one.intent.state in UNRESOLVED), ordered[0])
        wish = replace(one.intent.wish, start=composite.start)
        return replace(one, intent=replace(one.intent, wish=wish), booking=None)
    return replace(ordered[0], booking=replace(slots[0], end=slots[-1].end, service=composite.service_name, staff=None))


def which_one(found: Sequence[StoredReply]) -> Reply:
    """Which of these the caller means."""
    starts = _starts(found)
    readings = starts if len(starts) <= ASKED_MAX else ()
    return Reply(Outcome.NEEDS_INPUT, missing=(Missing.APPOINTMENT,), readings=readings)


def _starts(found: Iterable[StoredReply]) -> tuple[datetime, ...]:
    return tuple(dict.fromkeys(one.intent.wish.start for one in found))


def _stands(stored: StoredReply) -> bool:
    return stored.intent.state in BOOKED and stored.booking is not None


def _named(stored: StoredReply, named: Named) -> bool:
    return is_named(stored.intent, None if stored.booking is None else stored.booking.ref, named)
