"""Sabotage of changes, holds and the end of calls: bugs that people write, in the whole application.

As in `sabotage`, each is put in through a port of a gateway that is otherwise sound, and must be caught.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final

from starlette.types import ASGIApp

from einmal.adapters.sql.steps import only
from einmal.domain.answer import Answer, AnswerKind
from einmal.domain.change import Ended, MovedTo, Stands
from einmal.domain.model import BookingStatus
from einmal.domain.whose import Named
from einmal.flows.change_doubt import ChangeDoubts
from einmal.ports import ChangeAnswer, StoredReply
from einmal.ports import ChangeKind as How
from einmal.ports.changes import UnderWay
from einmal.simulator.virtual import run_virtual
from einmal.simulator.world.app import AppEpisode, Bend
from einmal.simulator.world.bent import Bent
from einmal.simulator.world.episode import Setting
from einmal.simulator.world.homes import Home
from einmal.wiring import Gateway

SETTING: Final = Setting(ledger="sqlite", callers=14, storage=0.0, crashes=0.0, share=0.6, rest_hours=2, webhooks=False)


@dataclass(frozen=True, slots=True)
class Saboteur:
    name: str
    does: str
    bend: Bend = lambda _: None
    seed: int = 1
    """Of a world that catches it."""
    setting: Setting = SETTING
    door: Callable[[ASGIApp], ASGIApp] = lambda app: app
    """What stands in front of each gateway."""


def _put(owner: Any, name: str, value: Any) -> None:
    object.__setattr__(owner, name, value)


def _doubts(gateway: Gateway) -> tuple[ChangeDoubts, ...]:
    """While callers wait, and behind them."""
    tenancy = gateway.tenancies.sole
    behind = tenancy.behind.changes
    return (tenancy.changes.doubts, *(() if behind is None else (behind,)))


def _calendar(**methods: Callable[..., Any]) -> Bend:
    def bend(gateway: Gateway) -> None:
        for doubts in _doubts(gateway):
            _put(doubts, "calendar", Bent(doubts.calendar, **methods))

    return bend


def _books(**methods: Callable[..., Any]) -> Bend:
    """The books of changes, wherever they are used."""

    def bend(gateway: Gateway) -> None:
        recovery = gateway.worker.changes
        for one in (*_doubts(gateway), *(() if recovery is None else (recovery,))):
            _put(one, "books", Bent(one.books, **methods))

    return bend


def _believes(gateway: Gateway) -> None:
    """What the answer to a move says is taken for what was read."""
    for doubts in _doubts(gateway):
        answers: dict[str, Answer] = {}

        async def move(inner: Any, uid: str, start: Any, *more: Any, answers: dict[str, Answer] = answers) -> Any:
            answer = await inner.move(uid, start, *more)
            if answer.booking is not None:
                answers[uid] = replace(answer, booking=replace(answer.booking, start=start))
            return answer

        async def look(inner: Any, intent: Any, answers: dict[str, Answer] = answers) -> Any:
            answer = answers.get(intent.booking_uid)
            if answer is not None and answer.booking is not None:
                return MovedTo(answer.booking)
            return await inner.look(intent)

        _put(doubts, "calendar", Bent(doubts.calendar, move=move))
        _put(doubts, "standings", Bent(doubts.standings, look=look))


async def _moves_again(inner: Any, *about: Any) -> Any:
    answer = await inner.move(*about)
    return await inner.move(*about) if answer.kind is AnswerKind.LOST else answer


async def _lost_move_is_no(inner: Any, *about: Any) -> Any:
    answer = await inner.move(*about)
    return replace(answer, kind=AnswerKind.REFUSED) if answer.kind is AnswerKind.LOST else answer


async def _lost_cancel_is_no(inner: Any, *about: Any) -> Any:
    answer = await inner.cancel(*about)
    return ChangeAnswer(How.REFUSED) if answer.kind is How.MAYBE else answer


def _says_cancelled_unread(gateway: Gateway) -> None:
    """A cancel that was asked for is a cancel."""
    for doubts in _doubts(gateway):
        asked: set[str] = set()

        async def cancel(inner: Any, uid: str, *more: Any, asked: set[str] = asked) -> Any:
            asked.add(uid)
            return await inner.cancel(uid, *more)

        async def look(inner: Any, intent: Any, asked: set[str] = asked) -> Any:
            return Ended(BookingStatus.CANCELLED) if intent.booking_uid in asked else await inner.look(intent)

        _put(doubts, "calendar", Bent(doubts.calendar, cancel=cancel))
        _put(doubts, "standings", Bent(doubts.standings, look=look))


def _cancels_anybodys(gateway: Gateway) -> None:
    """Whatever stands at the time that was said is the caller's: whose booking it is, is not read."""
    changes = gateway.tenancies.sole.changes

    async def the_one(inner: Any, caller: Any, named: Named) -> Any:
        found = await inner.the_one(caller, named)
        if isinstance(found, StoredReply) or named.start is None:
            return found
        at_that_time = await inner.appointments.at(inner.tenant.tenant_id, named.start)
        standing = [one for one in at_that_time if one.booking is not None and one.intent.state.value == "confirmed"]
        return standing[0] if standing else found

    _put(changes.replies, "own", Bent(changes.replies.own, the_one=the_one))


def _two_at_once(gateway: Gateway) -> None:
    """The change that is under way is given up for a second one of the same booking."""

    async def begin(inner: Any, change: Any, *more: Any) -> Any:
        went = await inner.begin(change, *more)
        if not isinstance(went, UnderWay):
            return went
        given_up = only(
            "UPDATE changes SET state = 'refused', look_at = NULL WHERE change_id = ?", went.change.change_id
        )
        await inner._store.write(given_up)  # noqa: SLF001 - no port would do that
        return await inner.begin(change, *more)

    _books(begin=begin)(gateway)


async def _claims_nothing(*_: Any) -> tuple[()]:
    return ()


def _holds_for_a_day(gateway: Gateway) -> None:
    async def take(inner: Any, hold: Any) -> Any:
        return await inner.take(replace(hold, expires_at=hold.expires_at + timedelta(days=1)))

    holding = gateway.tenancies.sole.holding
    _put(holding, "holds", Bent(holding.holds, take=take))


def _holds_nothing(gateway: Gateway) -> None:
    async def take(_: Any, hold: Any) -> Any:
        return hold

    holding = gateway.tenancies.sole.holding
    _put(holding, "holds", Bent(holding.holds, take=take))


def _deaf(gateway: Gateway) -> None:
    async def told(inner: Any, tenant_id: str, news: Any, at: Any) -> Any:
        return await inner.told(tenant_id, replace(news, ended_at=None), at)

    gateway.calls.calls = Bent(gateway.calls.calls, told=told)


async def _stands_always(inner: Any, intent: Any) -> Any:
    found = await inner.look(intent)
    return Stands(found.booking) if isinstance(found, MovedTo) else found


def _misses_moves(gateway: Gateway) -> None:
    for doubts in _doubts(gateway):
        _put(doubts, "standings", Bent(doubts.standings, look=_stands_always))


_BRIEF: Final = replace(SETTING, gateways=1, rest_hours=0)

SABOTEURS: Final = (
    Saboteur("believes a 201", "takes what answers a move for what became of it", _believes, seed=73),
    Saboteur("moves again", "sends a move again after a lost answer", _calendar(move=_moves_again), seed=3),
    Saboteur("cancels anybody's", "cancels and moves without asking whose it is", _cancels_anybodys, seed=14),
    Saboteur("a lost move is no", "says unchanged after a lost answer", _calendar(move=_lost_move_is_no), seed=18),
    Saboteur(
        "a lost cancel is no", "says unchanged after a lost answer", _calendar(cancel=_lost_cancel_is_no), seed=17
    ),
    Saboteur("cancelled unread", "says cancelled because it was asked for", _says_cancelled_unread, seed=6),
    Saboteur("two at once", "lets a second change of a booking begin beside the first", _two_at_once, seed=27),
    Saboteur("misses moves", "does not follow a booking to what it became", _misses_moves, seed=3),
    Saboteur("never looks again", "leaves changes in doubt", _books(claim_due=_claims_nothing), 3, _BRIEF),
    Saboteur("holds for a day", "lets nobody have what was held once", _holds_for_a_day, seed=10),
    Saboteur("holds nothing", "says held and keeps it from nobody", _holds_nothing, seed=15),
    Saboteur("deaf to hanging up", "goes on for a call that is over", _deaf),
)


def caught_by(saboteur: Saboteur, home: Home, seed: int, episodes: int) -> tuple[int, str] | None:
    """The first seed from this one on that catches it, and which invariant did; None if none of so many does."""
    for one in range(seed, seed + episodes):
        home.empty()
        found = run_virtual(
            AppEpisode(one, saboteur.setting, home, bend=saboteur.bend, door=saboteur.door).run()
        ).violations
        if found:
            return one, found[0].invariant
    return None
