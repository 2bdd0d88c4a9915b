"""Book: from a wish to the truth about it.

    T1  admission; the intent is written as `sent`, with its operation id and deadline      commit
        one POST, no transaction open
        judge()
    T2  the guarded move, the appointment, the facts                                        commit
        observers, reply

The work runs in a task of its own. The caller waits for it as long as the function's budget
allows and is then told the truth of that moment ("being checked"); the POST is never cut short by it, nor
by a caller who hangs up. Calls with the same wish wait for the same task.

Whatever goes wrong after T1 leaves a row that says `sent`, and past its deadline that *is* a doubt: there
is one repair path, not one for each way to fail.
"""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Final, TypeVar

from einmal.domain.admission import (
    AdmissionPolicy,
    AlreadyBooked,
    Busy,
    Join,
    KeyReused,
    Refusal,
    Replay,
    Start,
)
from einmal.domain.composite import Part
from einmal.domain.facts import Alarm, NotStarted
from einmal.domain.gate import Shut, ShutWhy
from einmal.domain.intent import BOOKED, UNRESOLVED, Intent, State
from einmal.domain.keys import IntentKey, intent_key, unique_attendee_email
from einmal.domain.model import Person, Wish
from einmal.domain.reply import Outcome, Reply, Why
from einmal.flows.attempt import Attempts
from einmal.flows.house_rules import HouseRules
from einmal.flows.offer import Offers
from einmal.flows.outcome import already_booked
from einmal.flows.refuse import refusal
from einmal.ports import (
    Admitted,
    Budgets,
    CallContact,
    Candidate,
    Clock,
    CommitUnknown,
    Ids,
    Ledger,
    LedgerUnavailable,
    Observer,
    Tenant,
    Toll,
)

T = TypeVar("T")

PROMISE_SECONDS: Final = 0.5
"""A commit, on top of a budget that is already over."""

POLL_SECONDS: Final = 0.1
"""How often a joined call looks for an answer that another process is getting."""


@dataclass(frozen=True, slots=True)
class Bookings:
    """Books wishes of one tenant."""

    tenant: Tenant
    ledger: Ledger
    attempts: Attempts
    offers: Offers
    clock: Clock
    ids: Ids
    observer: Observer
    budgets: Budgets
    toll: Toll
    reaches: Callable[[Person], bool]
    """Whether somebody can be told later."""
    house_rules: HouseRules
    answered: Callable[[Wish, Reply], None] = lambda _wish, _reply: None
    """Told after each POST, and what came of it. Must not block."""
    key_of: Callable[[Wish, bytes], IntentKey] = intent_key
    """What makes two function calls one wish, by the tenant's secret."""
    _running: "dict[str, asyncio.Task[Any]]" = field(default_factory=dict, init=False)
    _begun: "set[asyncio.Task[Any]]" = field(default_factory=set, init=False)

    async def book(
        self,
        wish: Wish,
        call: CallContact | None,
        *,
        one_more: bool = True,
        line_known: bool = False,
        begins: bool = True,
        part: Part | None = None,
    ) -> Reply:
        """Book the wish once, however often and however concurrently it is asked; say what is true.

        `one_more`: whatever else this person has that day is meant to stand beside it; otherwise they are asked.
        `line_known`: the wish's phone is the line that it came from. `begins`: False where what stands is told, and
        nothing is begun anew. `part`: of which composite this is a segment.
        """
        reply_by = self.clock.monotonic() + self.budgets.reply_seconds
        policy = await self.house_rules.policy(wish, one_more=one_more, line_known=line_known)
        policy = policy if begins else replace(policy, too_many=True)
        policy = policy if part is None else replace(policy, part=part)
        reply, intent = await self._book(wish, call, policy, reply_by)
        return reply if reply.outcome is not Outcome.IN_DOUBT else await self._promised(reply, intent, wish)

    async def _promised(self, reply: Reply, intent: Intent | None, wish: Wish) -> Reply:
        """ "You will hear from us" is said once it is written down, and only where somebody can be reached."""
        unpromised = replace(reply, why=Why.UNPROMISED) if reply.why is Why.PLAIN else reply
        # Of another's intent nothing is promised: the news of it goes to that call.
        if intent is None or intent.key.value != self.key_of(wish, self.tenant.hash_key).value:
            return unpromised
        promise = self.ledger.promise(intent.intent_id, self.clock.now())
        try:
            stored = await self._within(promise, self.clock.monotonic() + PROMISE_SECONDS)
        except (LedgerUnavailable, CommitUnknown):
            return unpromised
        if stored is None:
            return unpromised
        told = stored.told(self.clock.now())
        if told.outcome is not Outcome.IN_DOUBT:
            return told  # it has ended in this very moment
        return reply if self.reaches(wish.person) else unpromised

    async def _book(
        self, wish: Wish, call: CallContact | None, policy: AdmissionPolicy, reply_by: float
    ) -> tuple[Reply, Intent | None]:
        """What is true, and of which intent."""
        while True:
            started: list[Intent] = []
            went = await self._within(self._go(wish, call, policy, started), reply_by)
            if went is None:
                # The ledger or the calendar is slower than the caller can wait. It goes on, and a later call hears how.
                return Reply(Outcome.IN_DOUBT, asked_start=wish.start), started[0] if started else None
            if isinstance(went, Reply):
                return went, started[0] if started else None
            in_the_way = went.admission
            if not isinstance(in_the_way, Busy) or not await self._ended(in_the_way.intent, reply_by):
                break
        self.observer.observe((NotStarted(self.clock.now(), type(in_the_way).__name__.lower()),))
        intent = None if isinstance(in_the_way, Start | Refusal) else in_the_way.intent
        try:
            return await self._answer(went, wish, reply_by), intent
        except (LedgerUnavailable, CommitUnknown):
            # There is an answer, and it cannot be read just now: not yes, not no.
            return Reply(Outcome.IN_DOUBT, asked_start=wish.start), None

    async def _go(
        self, wish: Wish, call: CallContact | None, policy: AdmissionPolicy, started: list[Intent]
    ) -> Reply | Admitted:
        """T1, POST and T2 in one task: a caller who leaves in between leaves no row that nobody sends.

        The reply, or what stands in the way of starting. `started` gets the intent once there is one.
        """
        post_by = self.clock.monotonic() + self.budgets.post_seconds
        try:
            admitted = await self._admit(self._candidate(wish, call, policy.part), policy)
        except (LedgerUnavailable, CommitUnknown) as failure:
            # Nothing of ours is on the wire; a row that may say `sent` reads as a doubt later, which is true.
            self.observer.observe((Alarm(self.clock.now(), "ledger_unavailable", None, type(failure).__name__),))
            error_id = self.ids.time_ordered()
            return Reply(Outcome.ERROR, Why.NOTHING_NEW, asked_start=wish.start, error_id=error_id)
        intent, here = admitted.started, asyncio.current_task()
        if intent is None or here is None:
            return admitted
        started.append(intent)
        self._running[intent.intent_id] = here
        try:
            reply = await self.attempts.run(intent, post_by, admitted.shut)
        except Exception as bug:  # noqa: BLE001 - the caller must hear the truth whatever broke
            self.observer.observe((Alarm(self.clock.now(), "attempt_failed", intent.intent_id, type(bug).__name__),))
            reply = Reply(Outcome.IN_DOUBT, asked_start=wish.start)
        finally:
            del self._running[intent.intent_id]
        try:
            self.answered(wish, reply)
        except Exception as bug:  # noqa: BLE001 - what was told beside it changes nothing of what is true
            self.observer.observe((Alarm(self.clock.now(), "attempt_failed", intent.intent_id, type(bug).__name__),))
        return reply

    async def _within(self, work: Coroutine[Any, Any, T], reply_by: float) -> T | None:
        """The work's result, or None when the caller can wait no longer; the work itself goes on."""
        task = asyncio.create_task(work, name="booking")
        self._begun.add(task)
        task.add_done_callback(self._begun.discard)
        done, _ = await asyncio.wait({task}, timeout=max(0.0, reply_by - self.clock.monotonic()))
        return task.result() if done else None

    async def _ended(self, intent: Intent, reply_by: float) -> bool:
        """Wait for another intent that is under way, here or elsewhere; whether it has an answer now."""
        while (left := reply_by - self.clock.monotonic()) > 0:
            task = self._running.get(intent.intent_id)
            if task is not None:
                await asyncio.wait({task}, timeout=left)
                continue
            try:
                stored = await self.ledger.stored(intent.intent_id)
            except (LedgerUnavailable, CommitUnknown):
                return False
            state = None if stored is None else stored.intent.state_at(self.clock.now())
            if state not in {State.INTENT, State.SENT}:
                was_doubted = stored is not None and stored.intent.doubted_at is not None
                return state not in UNRESOLVED and not (state in BOOKED and was_doubted)
            await self.clock.sleep(min(POLL_SECONDS, left))
        return False

    @property
    def under_way(self) -> "tuple[asyncio.Task[Any], ...]":
        """The tasks that outlive their callers."""
        return tuple(self._begun)

    async def drain(self, seconds: float) -> int:
        """Wait for POSTs in flight, at most this long; returns how many are left for recovery."""
        if self._begun:
            await asyncio.wait(self._begun, timeout=seconds)
        return len(self._running)

    def _candidate(self, wish: Wish, call: CallContact | None, part: Part | None) -> Candidate:
        now = self.clock.now()
        operation = self.ids.operation_id()
        email = wish.person.email or unique_attendee_email(self.tenant.house_email, operation)
        lease = timedelta(seconds=self.budgets.post_seconds) + self.budgets.lease_margin
        key = self.key_of(wish, self.tenant.hash_key)
        intent_id = self.ids.time_ordered() if part is None else part.intent_id
        return Candidate(wish, call, key, intent_id, operation, email, now, now + lease)

    async def _admit(self, candidate: Candidate, policy: AdmissionPolicy) -> Admitted:
        try:
            return await self.ledger.admit(candidate, policy, self.toll)
        except CommitUnknown:
            # Nothing is on the wire yet. Ask again: either the row is there and ours, or it is written now.
            again = await self.ledger.admit(candidate, policy, self.toll)
            match again.admission:
                case Join(intent) if intent.intent_id == candidate.intent_id:
                    unarmed = intent.state is State.INTENT
                    shut = Shut(ShutWhy.BUDGET, candidate.now) if unarmed else None
                    return Admitted(Start(intent.generation), intent, shut)
                case _:
                    return again

    async def _await(self, task: "asyncio.Task[Any]", wish: Wish, reply_by: float) -> Reply:
        left = max(0.0, reply_by - self.clock.monotonic())
        done, _ = await asyncio.wait({task}, timeout=left)
        return task.result() if done else Reply(Outcome.IN_DOUBT, asked_start=wish.start)

    async def _answer(self, admitted: Admitted, wish: Wish, reply_by: float) -> Reply:
        match admitted.admission:
            case Join(intent):
                return await self._join(intent, wish, reply_by)
            case Replay(intent):
                # A doubt whose own attempt still looks for it is worth waiting for.
                task = self._running.get(intent.intent_id)
                return await (
                    self._replay(intent.intent_id, wish) if task is None else self._await(task, wish, reply_by)
                )
            case AlreadyBooked(intent):
                stored = await self.ledger.stored(intent.intent_id)
                return already_booked(stored, wish)
            case Busy(intent):
                return await self._busy(intent, wish)
            case KeyReused():
                return Reply(Outcome.REJECTED, Why.KEY_REUSED, asked_start=wish.start)
            case Start():
                raise AssertionError("answered before")
            case refused:
                return await refusal(refused, wish, self.offers, self.ledger)

    async def _busy(self, intent: Intent, wish: Wish) -> Reply:
        """R7: what was in doubt and stands may be what is now wanted elsewhere. Say that it stands; book nothing
        beside it. Who wants both says so again, and is heard."""
        stored = await self.ledger.stored(intent.intent_id)
        if stored is not None and stored.intent.state in BOOKED:
            return already_booked(stored, wish)
        return Reply(Outcome.IN_DOUBT, Why.OTHER_IN_DOUBT, asked_start=wish.start)

    async def _join(self, intent: Intent, wish: Wish, reply_by: float) -> Reply:
        while (left := reply_by - self.clock.monotonic()) > 0:
            task = self._running.get(intent.intent_id)
            if task is not None:
                return await self._await(task, wish, reply_by)
            stored = await self.ledger.stored(intent.intent_id)
            if stored is None or stored.intent.state_at(self.clock.now()) not in {State.INTENT, State.SENT}:
                break
            await self.clock.sleep(min(POLL_SECONDS, left))
        return await self._replay(intent.intent_id, wish)

    async def _replay(self, intent_id: str, wish: Wish) -> Reply:
        stored = await self.ledger.stored(intent_id)
        if stored is None:
            return Reply(Outcome.IN_DOUBT, asked_start=wish.start)
        return stored.told(self.clock.now())
