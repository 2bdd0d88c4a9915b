"""Sabotage: bugs that people write, put in through the ports. A proof that cannot catch them proves nothing.

Each changes one thing of a gateway's parts and leaves the flows as they are. The list is run against the same
worlds as the sound gateway, and each must be caught by some invariant or by the auditor.
"""

from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

from einmal.domain.admission import AdmissionPolicy
from einmal.domain.answer import Answer, AnswerKind
from einmal.domain.gate import GatePolicy, Passed
from einmal.domain.intent import BOOKED, State
from einmal.domain.keys import IntentKey
from einmal.domain.model import Booking, BookingStatus, MetadataKey
from einmal.domain.reply import BookedSlot
from einmal.domain.settle import SettlePolicy
from einmal.domain.verdict import GuardPolicy
from einmal.ports import (
    Blind,
    ChangeAnswer,
    ChangeKind,
    CommitUnknown,
    LedgerUnavailable,
    Seen,
    StaleIntent,
    StoredReply,
)
from einmal.simulator.virtual import run_virtual
from einmal.simulator.world.bent import Bent, Saboteur, calendar, ledger, parts_with, turned, with_booking
from einmal.simulator.world.episode import Episode, Setting
from einmal.simulator.world.parts import Parts
from einmal.simulator.world.weather import Fate


def _ours(intent: Any, booking: Booking) -> Booking:
    return replace(booking, metadata={MetadataKey.OPERATION_ID.value: intent.operation_id})


async def _resend(inner: Any, request: Any) -> Answer:
    answer: Answer = await inner.create(request)
    return await inner.create(request) if answer.kind is AnswerKind.LOST else answer


async def _without_metadata(inner: Any, request: Any) -> Any:
    return await inner.create(replace(request, intent=replace(request.intent, operation_id="x" * 32)))


async def _half_an_hour_late(inner: Any, request: Any) -> Any:
    wish = request.intent.wish
    moved = replace(wish, start=wish.start + timedelta(minutes=30))
    return await inner.create(replace(request, intent=replace(request.intent, wish=moved)))


async def _blind_is_empty(inner: Any, intent: Any, deadline: float) -> Any:
    look = await inner.find(intent, deadline)
    return Seen(()) if isinstance(look, Blind) else look


async def _always_complete(inner: Any, intent: Any, deadline: float) -> Any:
    look = await inner.find(intent, deadline)
    return look if isinstance(look, Blind) else replace(look, complete=True)


async def _never_looks(inner: Any, intent: Any, deadline: float) -> Any:  # noqa: ARG001
    return Seen(())


async def _anything_is_ours(inner: Any, intent: Any, deadline: float) -> Any:
    look = await inner.find(intent, deadline)
    if isinstance(look, Blind):
        return look
    return replace(look, bookings=tuple(_ours(intent, booking) for booking in look.bookings[:1]))


async def _cancels_nothing(inner: Any, uid: str, reason: str, deadline: float) -> ChangeAnswer:  # noqa: ARG001
    return ChangeAnswer(ChangeKind.DONE)


async def _reads_ended(inner: Any, uid: str, deadline: float) -> Any:
    look = await inner.read(uid, deadline)
    if isinstance(look, Blind):
        return look
    return replace(look, bookings=tuple(replace(one, status=BookingStatus.CANCELLED) for one in look.bookings))


def _takes_back_strangers(parts: Parts, episode: Episode) -> None:
    """The id is not verified: whatever stands at a tombstone's start is taken for the late arrival."""

    async def changes(inner: Any, page: int, deadline: float) -> Any:
        look = await inner.changes(page, deadline)
        if isinstance(look, Blind):
            return look
        return replace(look, bookings=tuple(_of_a_tombstone(booking) for booking in look.bookings))

    async def read(inner: Any, uid: str, deadline: float) -> Any:
        look = await inner.read(uid, deadline)
        if isinstance(look, Blind):
            return look
        return replace(look, bookings=tuple(_of_a_tombstone(booking) for booking in look.bookings))

    def _of_a_tombstone(booking: Booking) -> Booking:
        for intent in episode.books.intents.rows.values():
            tombstone = intent.state in {State.REJECTED, State.COMPENSATING} and intent.doubted_at is not None
            if tombstone and intent.wish.start == booking.start:
                return _ours(intent, booking)
        return booking

    parts.calendar = Bent(parts.calendar, changes=changes, read=read)


async def _nothing_written(inner: Any, candidate: Any, policy: Any, toll: Any) -> Any:
    """The intent is made up in memory; the row is written when the answer is there."""
    admitted = await inner.admit(candidate, policy, toll)
    if admitted.started is not None:
        table = inner.books.intents
        intent = table.rows[admitted.started.intent_id]
        table.rows[intent.intent_id] = replace(intent, state=State.INTENT)
    return admitted


async def _no_swap(inner: Any, transition: Any) -> Any:
    """The guarded update without its guard: whatever the row says now, the move is made."""
    try:
        return await inner.apply(transition)
    except StaleIntent:
        table = inner.books.intents
        now = table.rows[transition.before.intent_id]
        table.rows[now.intent_id] = replace(now, state=transition.before.state, epoch=transition.before.epoch)
        return await inner.apply(transition)


async def _says_before_commit(inner: Any, transition: Any) -> Any:
    try:
        return await inner.apply(transition)
    except (CommitUnknown, LedgerUnavailable):
        if transition.booking is None:
            raise
        after = transition.before
        for event in transition.events:
            after = after.advance(event, transition.at, transition.send_deadline)
        booking, service = transition.booking, after.wish.service
        slot = BookedSlot(f"draft-{after.intent_id}", booking.start, booking.start + service.duration, service.name)
        return StoredReply(after, slot, None)


async def _wrong_uid(inner: Any, transition: Any) -> Any:
    if transition.booking is None:
        return await inner.apply(transition)
    return await inner.apply(replace(transition, booking=replace(transition.booking, uid=f"x{transition.booking.uid}")))


async def _forgets(inner: Any, transition: Any) -> Any:
    """Acknowledged, and gone: a ledger without fsync that lost its power."""
    stands = await inner.apply(transition)
    if stands.intent.state in BOOKED:
        inner.books.appointments.by_intent.pop(stands.intent.intent_id, None)
    return stands


async def _unwritten_promise(inner: Any, intent_id: str, at: Any) -> Any:  # noqa: ARG001
    return await inner.stored(intent_id)


async def _claims_nothing(*_: Any) -> tuple[()]:
    return ()


async def _sweeps_nothing(*_: Any) -> None:
    return None


async def _leases_nothing(inner: Any, now: Any, lease_until: Any, limit: int) -> Any:  # noqa: ARG001
    return await inner.claim_due(now, now, limit)


async def _looks_at_once(inner: Any, intent: Any, look_at: Any, *, more: int = 1) -> Any:  # noqa: ARG001
    return await inner.looked(intent, intent.look_at or intent.created_at, more=more)


def _raw_key(parts: Parts, episode: Episode) -> None:
    """The key of the request's bytes: a retry's transcript differs, and it is another wish."""

    async def admit(inner: Any, candidate: Any, policy: Any, toll: Any) -> Any:
        key: IntentKey = candidate.key
        raw = f"{key.value}:{episode.chance.getrandbits(32)}"
        nobody = replace(key.person, hash=raw, name_hash=raw, phone_hash=None, email_hash=None)
        return await inner.admit(replace(candidate, key=replace(key, value=raw, person=nobody)), policy, toll)

    parts.ledger = Bent(parts.ledger, admit=admit)


def _cached_replies(parts: Parts, _: Episode) -> None:
    seen: dict[str, Any] = {}

    async def stored(inner: Any, intent_id: str) -> Any:
        if intent_id not in seen:
            seen[intent_id] = await inner.stored(intent_id)
        return seen[intent_id]

    async def promise(inner: Any, intent_id: str, at: Any) -> Any:
        await inner.promise(intent_id, at)
        return await stored(inner, intent_id)

    parts.ledger = Bent(parts.ledger, stored=stored, promise=promise)


def _few_ids(parts: Parts, episode: Episode) -> None:
    class FewIds:
        jitter = staticmethod(parts.ids.jitter)
        time_ordered = staticmethod(parts.ids.time_ordered)

        @staticmethod
        def operation_id() -> str:
            return f"{episode.chance.randrange(3):a>32}".replace("0", "b").replace("1", "c")

    parts.ids = FewIds()


async def _always_open(*_: Any) -> Passed:
    return Passed()


async def _no_toll(inner: Any, candidate: Any, policy: Any, toll: Any) -> Any:  # noqa: ARG001
    return await inner.admit(candidate, policy)


def _no_gate(parts: Parts, _: Episode) -> None:
    parts.gates = Bent(parts.gates, enter=_always_open)
    parts.ledger = Bent(parts.ledger, admit=_no_toll)


async def _loses_news(inner: Any, now: Any, lease_until: Any, limit: int) -> tuple[()]:
    for message in await inner.claim_messages(now, lease_until, limit):
        await inner.sent(message, now)
    return ()


def _unsent(parts: Parts, _: Episode) -> None:
    parts.outbox = Bent(parts.outbox, claim_messages=_loses_news)


_LOST: Final = {AnswerKind.LOST}
_CLEAR: Final = Setting(lags=False, favour=(Fate.TWICE, Fate.NO_METADATA))
_BUSY: Final = Setting(callers=40, per_minute=30, crashes=0.0)

SABOTEURS: Final = (
    Saboteur("trusts any 2xx", "takes every booking that comes with success for its own", with_booking(_ours)),
    Saboteur("resends", "sends the POST again after a lost answer", calendar(create=_resend)),
    Saboteur("lost is no", "takes a lost answer for a refusal", turned(_LOST, AnswerKind.REFUSED)),
    Saboteur("lost is not sent", "takes a lost answer for never sent", turned(_LOST, AnswerKind.NOT_SENT)),
    Saboteur("lost is throttled", "takes a 5xx for a 429", turned(_LOST, AnswerKind.THROTTLED)),
    Saboteur("conflict is no", "says taken without looking", turned({AnswerKind.CONFLICT}, AnswerKind.REFUSED), _CLEAR),
    Saboteur(
        "pending is booked",
        "says booked of what its host must accept",
        with_booking(lambda _, booking: replace(booking, status=BookingStatus.ACCEPTED)),
    ),
    Saboteur(
        "start from elsewhere",
        "reads the start an hour off",
        with_booking(lambda _, booking: replace(booking, start=booking.start + timedelta(hours=1))),
    ),
    Saboteur("no metadata", "sends an operation id that is not the intent's", calendar(create=_without_metadata)),
    Saboteur("time zone", "asks for half an hour later than was wished", calendar(create=_half_an_hour_late)),
    Saboteur("blind is empty", "takes a failed look-up for an empty one", calendar(find=_blind_is_empty), _CLEAR),
    Saboteur("page is all", "takes a full page for everything", calendar(find=_always_complete), _CLEAR),
    Saboteur("never looks", "settles without looking", calendar(find=_never_looks), _CLEAR),
    Saboteur("finds anybody's", "takes what stands at the start for its own", calendar(find=_anything_is_ours)),
    Saboteur("cancels nothing", "compensates without cancelling", calendar(cancel=_cancels_nothing)),
    Saboteur("reads ended", "takes a live booking for a cancelled one", calendar(read=_reads_ended)),
    Saboteur("takes back strangers'", "cancels without verifying the id", _takes_back_strangers),
    Saboteur("no intent", "sends before the intent is written as sent", ledger(admit=_nothing_written)),
    Saboteur("no compare-and-swap", "writes its conclusion whatever the row says", ledger(apply=_no_swap)),
    Saboteur("says before commit", "says booked although the commit failed", ledger(apply=_says_before_commit)),
    Saboteur("wrong uid", "writes another uid than was booked", ledger(apply=_wrong_uid)),
    Saboteur("forgets", "loses an acknowledged appointment", ledger(apply=_forgets)),
    Saboteur("unwritten promise", "promises news without writing it down", ledger(promise=_unwritten_promise)),
    Saboteur("no recovery", "never looks at what was left", ledger(claim_due=_claims_nothing)),
    Saboteur("no sweeper", "never looks after a no", ledger(claim_sweep=_sweeps_nothing)),
    Saboteur("no lease", "claims without a lease", ledger(claim_due=_leases_nothing)),
    Saboteur("no back-off", "looks again at once", ledger(looked=_looks_at_once)),
    Saboteur("raw key", "makes the key of the request's bytes", _raw_key),
    Saboteur("cached replies", "tells an answer that it has read before", _cached_replies),
    Saboteur("few ids", "draws operation ids that repeat", _few_ids),
    Saboteur("no gate", "knows no budget of requests", _no_gate, _BUSY),
    Saboteur(
        "generous gate",
        "believes in twice the budget",
        parts_with(gate_policy=GatePolicy(per_minute=60)),
        _BUSY,
    ),
    Saboteur("news is lost", "stamps a message before it is sent", _unsent),
    Saboteur(
        "no settle window", "says no at the first empty look", parts_with(settle=SettlePolicy(window=timedelta(0)))
    ),
    Saboteur(
        "gives up at once",
        "hands every doubt to a person after a minute",
        parts_with(settle=SettlePolicy(give_up_after=timedelta(minutes=1))),
    ),
    Saboteur("no guard", "every layer off", parts_with(guard=GuardPolicy(enabled=False))),
    Saboteur(
        "no replay",
        "forgets a no at once",
        parts_with(admission=AdmissionPolicy(replay_no_for=timedelta(seconds=-1))),
    ),
)


def caught_by(saboteur: Saboteur, seed: int, episodes: int) -> tuple[int, str] | None:
    """The first seed from this one on that catches it, and which invariant did; None if none of so many does."""
    for one in range(seed, seed + episodes):
        found = _lived(saboteur, one)
        if found is not None:
            return one, found
    return None


def _lived(saboteur: Saboteur, seed: int) -> str | None:
    async def story() -> str | None:
        result = await Episode(seed, saboteur.setting, sabotage=saboteur.bend).run()
        return result.violations[0].invariant if result.violations else None

    return run_virtual(story())
