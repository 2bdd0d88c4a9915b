"""Book a composite: all its segments or none, and one answer.

    the composite's row, with the ids that its segments' intents will have              commit
    each segment in turn, as an ordinary wish: its own intent, POST and look-up         commits
    all stand: booked                                                                   commit
    one is refused: undoing, from then on no segment begins; what stands is cancelled   commits

It runs in a task of its own and outlives its caller, but begins no segment once the time for the reply is over, nor
after the call has ended. Whatever is left then is looked at by a worker (flows/composite_undo).
"""

import asyncio
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Final

from einmal.domain.composite import (
    Composite,
    CompositeEvent,
    CompositeState,
    Part,
    Planned,
    parts_of,
)
from einmal.domain.facts import Alarm
from einmal.domain.intent import BOOKED, State
from einmal.domain.keys import composite_key
from einmal.domain.model import Wish
from einmal.domain.reply import Outcome, Reply, Why
from einmal.flows.book import PROMISE_SECONDS, Bookings
from einmal.flows.composite_reply import told, whole
from einmal.flows.composite_undo import CompositeSteps
from einmal.flows.offer import Offers
from einmal.flows.shield import Shield
from einmal.ports import CallContact, CommitUnknown, LedgerUnavailable, StoredReply, Tenant
from einmal.ports.composites import CompositeBooks

POLL_SECONDS: Final = 0.1

TAKEN: Final = frozenset({Outcome.SLOT_TAKEN, Outcome.UNAVAILABLE})
ASIDE: Final = frozenset({*TAKEN, Outcome.REJECTED, Outcome.ERROR, Outcome.NEEDS_INPUT})
"""With these a segment is not begun, or surely refused."""


@dataclass(frozen=True, slots=True)
class Composites:
    """Books composite services of one tenant."""

    bookings: Bookings
    steps: CompositeSteps
    offers: Offers
    _shield: Shield = field(init=False)
    _running: "dict[str, asyncio.Task[Any]]" = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_shield", Shield(self.bookings.clock, "composite"))

    @property
    def tenant(self) -> Tenant:
        return self.bookings.tenant

    @property
    def books(self) -> CompositeBooks:
        return self.steps.books

    @property
    def under_way(self) -> Shield:
        return self._shield

    async def book(
        self,
        wish: Wish,
        call: CallContact | None,
        *,
        one_more: bool = True,
        line_known: bool = False,
        begins: bool = True,
    ) -> Reply:
        """Book all segments of the wish once, however often and however concurrently it is asked; say what is true.

        The flags as of any booking; whoever has something is asked before the first segment.
        """
        clock = self.bookings.clock
        reply_by = clock.monotonic() + self.bookings.budgets.reply_seconds
        began: list[Composite] = []

        async def work() -> Reply:
            try:
                if not begins and await self._is_new(wish):
                    return Reply(Outcome.REJECTED, Why.TOO_MANY, asked_start=wish.start)
                return await self._booked(wish, call, began, reply_by, (one_more, line_known))
            except (LedgerUnavailable, CommitUnknown) as failure:
                alarm = Alarm(clock.now(), "ledger_unavailable", None, type(failure).__name__)
                self.bookings.observer.observe((alarm,))
                if began:
                    return Reply(Outcome.IN_DOUBT, asked_start=wish.start)
                error_id = self.bookings.ids.time_ordered()
                return Reply(Outcome.ERROR, Why.NOTHING_NEW, asked_start=wish.start, error_id=error_id)

        reply = await self._shield.within(work(), reply_by)
        reply = reply or Reply(Outcome.IN_DOUBT, asked_start=wish.start)
        return await self._promised(reply, began, wish) if reply.outcome is Outcome.IN_DOUBT else reply

    async def cancel(self, composite: Composite, conversation_id: str | None) -> Reply:
        """Call the whole off. Raises LedgerUnavailable or CommitUnknown."""
        slot = whole(composite, await self.steps.stored(composite))
        if composite.state in {CompositeState.BOOKED, CompositeState.BOOKING}:
            composite = await self.steps.move(composite, CompositeEvent.CALLED_OFF)
        composite = await self.steps.step(composite, conversation_id)
        self.offers.drop()
        if composite.state is CompositeState.UNDONE:
            return Reply(Outcome.CANCELLED, booking=slot)
        return Reply(Outcome.IN_DOUBT, Why.CHANGING_UNPROMISED, asked_start=composite.start)

    async def told(self, composite: Composite, conversation_id: str | None) -> Reply:
        """What may be said of it as it stands. Raises LedgerUnavailable or CommitUnknown."""
        return told(composite, await self.steps.stored(composite), conversation_id)

    async def _booked(
        self, wish: Wish, call: CallContact | None, began: list[Composite], reply_by: float, asks: tuple[bool, bool]
    ) -> Reply:
        now = self.bookings.clock.now()
        offered = self.tenant.offers(wish.service, wish.start, now)
        since = now - self.bookings.house_rules.admission.replay_no_for
        composite = self._composite(wish)
        found = await self.books.begin(composite, offered=offered, replay_since=since)
        if found is None:
            no = Reply(Outcome.REJECTED, Why.NOT_OFFERED, asked_start=wish.start)
            return replace(no, alternatives=await self.offers.alternatives(wish))
        stands, is_new = found
        if is_new:
            began.append(stands)
            return await self._each(wish, call, stands, asks)
        return await self._again(stands, wish, call, began, reply_by, asks)

    async def _is_new(self, wish: Wish) -> bool:
        since = self.bookings.clock.now() - self.bookings.house_rules.admission.replay_no_for
        return await self.books.begin(self._composite(wish), offered=False, replay_since=since) is None

    async def _again(
        self,
        composite: Composite,
        wish: Wish,
        call: CallContact | None,
        began: list[Composite],
        reply_by: float,
        asks: tuple[bool, bool],
    ) -> Reply:
        """It was wished before: wait for its answer as long as the caller can, and say it."""
        composite = await self._waited(composite, reply_by)
        if composite.state is CompositeState.BOOKED and await self._is_gone(composite):
            # Others have cancelled all of it since: it may be wished again.
            composite = await self.steps.step(await self.steps.move(composite, CompositeEvent.CALLED_OFF))
            if composite.state is CompositeState.UNDONE:
                return await self._booked(wish, call, began, reply_by, asks)
        reply = await self.told(composite, wish.conversation_id)
        if composite.state is CompositeState.BOOKING and reply.outcome is Outcome.IN_DOUBT:
            began.append(composite)
            return Reply(Outcome.IN_DOUBT, asked_start=wish.start)
        return replace(reply, alternatives=await self.offers.alternatives(wish)) if reply.outcome in TAKEN else reply

    async def _waited(self, composite: Composite, reply_by: float) -> Composite:
        """As it stands once whoever books it has an answer; after `book_until` nobody on the phone gets one."""
        clock = self.bookings.clock
        while composite.state is CompositeState.BOOKING and clock.now() < composite.book_until:
            left = reply_by - clock.monotonic()
            if left <= 0:
                break
            task = self._running.get(composite.composite_id)
            if task is not None:
                await asyncio.wait({task}, timeout=left)
            else:
                await clock.sleep(min(POLL_SECONDS, left))
            composite = await self.books.composite(composite.composite_id) or composite
            if task is not None:
                break  # what is not booked now is in doubt, or its host has to accept it
        return composite

    async def _is_gone(self, composite: Composite) -> bool:
        return not any(one is not None and one.intent.state in BOOKED for one in await self.steps.stored(composite))

    async def _each(self, wish: Wish, call: CallContact | None, composite: Composite, asks: tuple[bool, bool]) -> Reply:
        """Each segment in turn; then what follows."""
        here = asyncio.current_task()
        if here is None:
            raise AssertionError("runs in a task")
        self._running[composite.composite_id] = here
        try:
            for planned, (after, service) in zip(composite.segments, parts_of(wish.service), strict=True):
                one_more, line_known = asks if after == timedelta(0) else (True, False)
                reply = await self.bookings.book(
                    replace(wish, service=service, start=wish.start + after),
                    call,
                    one_more=one_more,
                    line_known=line_known,
                    part=Part(composite.composite_id, planned.intent_id),
                )
                stored = await self.bookings.ledger.stored(planned.intent_id)
                if stored is None or stored.intent.state not in BOOKED:
                    return await self._broken(wish, composite, reply, stored)
            # Called off meanwhile from another call, it is not told as booked.
            return await self.told(await self.steps.step(composite), wish.conversation_id)
        finally:
            del self._running[composite.composite_id]

    async def _broken(self, wish: Wish, composite: Composite, reply: Reply, stored: StoredReply | None) -> Reply:
        """A segment does not stand: refused, never begun, or nobody can tell yet."""
        if stored is not None and stored.intent.state_at(self.bookings.clock.now()) in {
            *(State.INTENT, State.SENT, State.DOUBT, State.ESCALATED),
        }:
            is_last = stored.intent.intent_id == composite.intent_ids[-1]
            if not is_last:
                # Nothing further is begun: it will not be booked, but what is in doubt may stand until it is undone.
                await self.steps.move(composite, CompositeEvent.BROKEN)
            return Reply(Outcome.IN_DOUBT, reply.why, asked_start=wish.start)
        before = None if stored is not None else await self._had_before(reply, composite)
        no = self._no(wish, reply)
        said = no if before is None and _is_final(no) else None
        await self.steps.step(await self.steps.move(composite, CompositeEvent.BROKEN, said))
        self.offers.drop()
        if before is not None:
            return await self.told(before, wish.conversation_id)
        if no.outcome in TAKEN or no.why is Why.NOT_OFFERED:
            return replace(no, alternatives=await self.offers.alternatives(wish))
        return no

    async def _had_before(self, reply: Reply, composite: Composite) -> Composite | None:
        """The whole that this person has, where it was told of its first segment."""
        if reply.booking is None or reply.outcome in ASIDE:
            return None
        found = await self.books.of_appointment(reply.booking.ref)
        same = found is not None and (found.service_id, found.start) == (composite.service_id, composite.start)
        return found if same else None

    def _no(self, wish: Wish, reply: Reply) -> Reply:
        if reply.outcome in ASIDE or reply.outcome is Outcome.IN_DOUBT:
            return replace(reply, asked_start=wish.start, alternatives=())
        # This person has something of their own where a segment was to be, and it is not this composite's.
        return Reply(Outcome.SLOT_TAKEN, asked_start=wish.start)

    async def _promised(self, reply: Reply, began: list[Composite], wish: Wish) -> Reply:
        """ "You will hear from us" is said once it is written down, and only where somebody can be reached."""
        unpromised = replace(reply, why=Why.UNPROMISED) if reply.why is Why.PLAIN else reply
        if not began or reply.why is not Why.PLAIN or not self.bookings.reaches(wish.person):
            return unpromised
        noted = self.books.promise(began[0].composite_id, self.bookings.clock.now())
        try:
            stands = await self._shield.within(noted, self.bookings.clock.monotonic() + PROMISE_SECONDS)
        except (LedgerUnavailable, CommitUnknown):
            return unpromised
        # Ended in this very moment, it puts no news into the outbox any more.
        return reply if stands is not None and stands.resolved_at is None else unpromised

    def _composite(self, wish: Wish) -> Composite:
        bookings, now = self.bookings, self.bookings.clock.now()
        budgets = bookings.budgets
        book_until = now + timedelta(seconds=budgets.reply_seconds)
        segments = tuple(
            Planned(bookings.ids.time_ordered(), one.event_type_id, wish.start + after, one.duration_minutes)
            for after, one in parts_of(wish.service)
        )
        return Composite(
            composite_id=bookings.ids.time_ordered(),
            tenant_id=wish.tenant_id,
            key=composite_key(wish, self.tenant.hash_key),
            service_id=wish.service.service_id,
            service_name=wish.service.name,
            state=CompositeState.BOOKING,
            created_at=now,
            book_until=book_until,
            segments=segments,
            conversation_id=wish.conversation_id,
            # The last POST that may have begun by then has its answer, or its row is past its own deadline.
            look_at=book_until + timedelta(seconds=budgets.post_seconds) + budgets.lease_margin,
        )


def _is_final(reply: Reply) -> bool:
    """Whether it is the answer to this wish when it is wished again, and not a question or our own trouble."""
    return reply.outcome not in {Outcome.IN_DOUBT, Outcome.NEEDS_INPUT} and reply.why is not Why.NOTHING_NEW
