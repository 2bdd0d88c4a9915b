"""Sabotage of what is made of webhooks, and of reconciliation: bugs that people write, in the whole application.

As in `sabotage`, each is put in through a port of a gateway that is otherwise sound, and must be caught.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import count
from typing import Any, Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from einmal.adapters.calcom.webhooks import sign
from einmal.adapters.sql.steps import only
from einmal.domain.change import Ended
from einmal.domain.hint import Trigger
from einmal.domain.model import BookingStatus
from einmal.flows.notices import Notices
from einmal.flows.observe import Gone, Observation
from einmal.flows.reconcile import Reconciliation
from einmal.ports import Entry, Notice, Page, Source
from einmal.ports.reconciling import Phase
from einmal.simulator.world.app import Bend
from einmal.simulator.world.bent import Bent
from einmal.simulator.world.carrier import HEADER, PATH, SECRET
from einmal.simulator.world.sabotage_changes import SETTING as QUIET
from einmal.simulator.world.sabotage_changes import Saboteur
from einmal.wiring import Gateway

SETTING: Final = replace(QUIET, webhooks=True)


def _put(owner: Any, name: str, value: Any) -> None:
    object.__setattr__(owner, name, value)


def _notices(gateway: Gateway) -> Notices:
    notices = gateway.worker.notices
    assert notices is not None  # noqa: S101 - every gateway has them
    return notices


def _observation(gateway: Gateway) -> Observation:
    observation = gateway.tenancies.sole.behind.observation
    assert observation is not None  # noqa: S101 - every tenancy has one
    return observation


def _reconciliation(gateway: Gateway) -> Reconciliation:
    reconciliation = gateway.tenancies.sole.behind.reconciliation
    assert reconciliation is not None  # noqa: S101 - every tenancy has one
    return reconciliation


def _store(gateway: Gateway) -> Any:
    return gateway.ledger._store  # type: ignore[attr-defined]  # noqa: SLF001 - no port would do what they do


def _inbox(**methods: Callable[..., Any]) -> Bend:
    """The worker's view of it."""

    def bend(gateway: Gateway) -> None:
        notices = _notices(gateway)
        _put(notices, "inbox", Bent(notices.inbox, **methods))

    return bend


_ENDS: Final = frozenset({Trigger.CANCELLED.value, Trigger.REJECTED.value})


def _believes(gateway: Gateway) -> None:
    """What it says has happened, has happened."""
    observation = _observation(gateway)

    async def claim_due(inner: Any, now: Any, *more: Any) -> Sequence[Entry]:
        due: Sequence[Entry] = await inner.claim_due(now, *more)
        for entry in due:
            if entry.event in _ENDS and entry.source is Source.CALCOM and entry.subject is not None:
                for row in await observation.books.of_uids(entry.tenant_id, (entry.subject,)):
                    await observation.standings.follow(row.intent, Ended(BookingStatus.CANCELLED))
        return due

    _inbox(claim_due=claim_due)(gateway)


async def _once_only(inner: Any, entry: Entry, due_at: Any, *, more: int = 1) -> None:
    """A second look is for those who have time."""
    if more:
        await inner.handled(entry.inbox_id, "as_known", due_at)
    else:
        await inner.put_off(entry, due_at, more=more)


_AS_TOLD: Final = {
    Trigger.CREATED.value: "confirmed",
    Trigger.REQUESTED.value: "pending",
    Trigger.RESCHEDULED.value: "confirmed",
    Trigger.CANCELLED.value: "cancelled",
    Trigger.REJECTED.value: "declined",
}


def _last_word_counts(gateway: Gateway) -> None:
    """Whichever comes last is how it is: each is of the booking as it was when it was made."""
    store = _store(gateway)

    async def claim_due(inner: Any, now: Any, *more: Any) -> Sequence[Entry]:
        due: Sequence[Entry] = await inner.claim_due(now, *more)
        for entry in due:
            state = _AS_TOLD.get(entry.event)
            if entry.source is Source.CALCOM and state is not None and entry.subject is not None:
                await store.write(only(_SET_INTENT, state, entry.subject))
                await store.write(only(_SET_APPOINTMENT, state, entry.subject))
                await inner.handled(entry.inbox_id, "believed", now)
        return [entry for entry in due if entry.event not in _AS_TOLD]

    _inbox(claim_due=claim_due)(gateway)


_SET_INTENT: Final = "UPDATE intents SET state = ? WHERE booking_uid = ? AND state <> 'moved'"
_SET_APPOINTMENT: Final = "UPDATE appointments SET status = ? WHERE calcom_v2_booking_id = ? AND status <> 'moved'"


def _signs_all(app: ASGIApp) -> ASGIApp:
    """Whoever reaches the door is taken for the calendar, as if nobody looked at the header."""

    async def door(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != PATH:
            return await app(scope, receive, send)
        body = (await receive())["body"]
        others = [pair for pair in scope["headers"] if pair[0] != HEADER.lower().encode()]
        signed = {**scope, "headers": [*others, (HEADER.lower().encode(), sign(body, SECRET).encode())]}

        async def replayed() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        return await app(signed, replayed, send)

    return door


def _each_time_anew(gateway: Gateway) -> None:
    """What is told twice is handled twice, and whoever booked hears of it twice."""
    store, arrivals = _store(gateway), count()

    async def receive(inner: Any, notice: Notice, *when: Any) -> Any:
        return await inner.receive(replace(notice, digest=f"{notice.digest[:50]}{next(arrivals)}"), *when)

    async def noted(inner: Any, uid: str, entry: Entry, at: Any) -> None:
        await inner.noted(uid, entry, at)
        await store.write(only(_ANOTHER, entry.inbox_id, uid))

    gateway.inbox = Bent(gateway.inbox, receive=receive)
    _inbox(noted=noted)(gateway)


_ANOTHER: Final = """
    UPDATE outbox SET message_id = message_id || '.' || ? WHERE message_id LIKE '%.confirmed_there'
    AND intent_id IN (SELECT intent_id FROM appointments WHERE calcom_v2_booking_id = ?)"""


def _reconciles(**methods: Callable[..., Any]) -> Bend:
    """Reconciliation with other pages, books or observation than it should have."""

    def bend(gateway: Gateway) -> None:
        reconciliation = _reconciliation(gateway)
        for port in ("calendar", "books", "observation"):
            setattr(reconciliation, port, Bent(getattr(reconciliation, port), **methods))

    return bend


FIRST: Final = 8
"""So many of a list a saboteur looks at."""


async def _first_page(inner: Any, *where: Any) -> Any:
    page = await inner.listed(*where)
    return replace(page, bookings=page.bookings[:FIRST], last=True) if isinstance(page, Page) else page


async def _first_rows(inner: Any, *where: Any) -> Any:
    return () if where[3] else (await inner.standing(*where))[:FIRST]


async def _never_upcoming(inner: Any, run: Any, *more: Any) -> Any:
    """What has changed is all that there is to it."""
    changed = run.phase is Phase.UPCOMING
    return await inner.step(replace(run, phase=Phase.ENDED, ended_at=more[1]) if changed else run, *more)


def _believes_the_list(gateway: Gateway) -> None:
    """What a list does not show was cancelled."""
    reconciliation = _reconciliation(gateway)
    listed: set[str] = set()

    async def compare(inner: Any, bookings: Any) -> Any:
        listed.update(booking.uid for booking in bookings)
        return await inner.compare(bookings)

    async def look(inner: Any, uid: str, *, mend: bool = True) -> Any:
        if uid in listed:
            return await inner.look(uid, mend=mend)
        for row in await inner.books.of_uids(inner.standings.tenant.tenant_id, (uid,)):
            await inner.standings.follow(row.intent, Ended(BookingStatus.CANCELLED))
        return Gone(())

    _put(reconciliation, "observation", Bent(reconciliation.observation, compare=compare, look=look))


async def _long_seen(inner: Any, *which: Any) -> Any:
    """Since longer ago than any replica lags."""
    known = await inner.open_drifts(*which)
    return tuple(replace(one, first_seen_at=one.first_seen_at - timedelta(hours=1)) for one in known)


LAGGING: Final = replace(SETTING, lagging=0.5, share=0.0)


def _one(name: str, does: str, bend: Bend = lambda _: None, seed: int = 1, **more: Any) -> Saboteur:
    return Saboteur(name, does, bend, seed, **({"setting": SETTING} | more))


_FIRST_PAGE: Final = _reconciles(listed=_first_page, standing=_first_rows)

SABOTEURS: Final = (
    _one("believes a webhook", "ends what a webhook says has ended, without a read", _believes),
    _one("looks once", "drops a webhook that a read does not show yet", _inbox(put_off=_once_only), seed=21),
    _one("the last word counts", "takes webhooks to come in their order", _last_word_counts),
    _one("takes unsigned", "does not look at the signature", door=_signs_all),
    _one("each time anew", "handles a doubled one twice, and tells of it twice", _each_time_anew, seed=3),
    _one("the first page only", "reconciles what one page holds", _FIRST_PAGE, seed=8),
    _one("never upcoming", "reconciles only what has changed", _reconciles(step=_never_upcoming), seed=7),
    _one("believes the list", "ends what a list does not show, unread", _believes_the_list, seed=20, setting=LAGGING),
    _one(
        "lost at first sight",
        "takes for lost what one run did not find",
        _reconciles(open_drifts=_long_seen),
        seed=18,
        setting=LAGGING,
    ),
)
