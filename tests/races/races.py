"""The races: what several contenders do at the same moment, and what may come of it.

Each round has a minute of its own, so that what one round leaves behind is nothing to the next. `prepare` runs before,
alone and on a sound ledger, and gives each contender what it needs; `act` is what all do at once; `fair` says whether
the outcomes may stand; `damage` finds in the database what must never be there.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from einmal.adapters.system import SystemIds
from einmal.domain.admission import AdmissionPolicy
from einmal.domain.gate import GatePolicy, Passed, Use
from einmal.domain.intent import Event, Intent
from einmal.domain.keys import IntentKey, intent_key, named_key
from einmal.domain.model import Wish
from einmal.ports import Candidate, Toll, Transition
from races.backend import NOW, TENANT, Guard, SqlLedger
from support.evidence import SECRET, booking, wish

IDS: Final = SystemIds()
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
BUDGET: Final = 3
POLICY: Final = GatePolicy(per_minute=9)
"""A bucket of three."""

Prepare = Callable[[SqlLedger, int, int], Awaitable[Sequence[Any]]]
Act = Callable[[SqlLedger, Any], Awaitable[str]]


@dataclass(frozen=True, slots=True)
class Race:
    """`prepare(ledger, round, contenders)`; `damage` is a query whose rows are the damage.

    `guards`: what must be off, all of it, for the race to go wrong. Its control runs without them.
    """

    name: str
    shows: str
    guards: frozenset[Guard]
    prepare: Prepare
    act: Act
    fair: Callable[[Counter[str]], bool]
    damage: str | None = None


def minute_of(number: int) -> datetime:
    return NOW + number * MINUTE


def _wish(number: int, who: int = 0, call: str = "call") -> Wish:
    start = NOW + timedelta(days=3650) + number * MINUTE
    return wish(tenant_id=TENANT, start=start, conversation_id=f"{call}_{number}", phone=f"+49{number:09d}{who}")


def _candidate(of: Wish, now: datetime, key_of: Callable[[Wish, bytes], IntentKey] = intent_key) -> Candidate:
    key, operation = key_of(of, SECRET), IDS.operation_id()
    return Candidate(of, None, key, IDS.time_ordered(), operation, "gast@gast.test", now, now + 15 * SECOND)


def one(winner: str, *others: str) -> Callable[[Counter[str]], bool]:
    """Exactly one has won, and the others heard one of these."""
    return lambda heard: heard[winner] == 1 and not set(heard) - {winner, *others}


# Admission -------------------------------------------------------------------------------------------------------


async def _one_wish(_: SqlLedger, number: int, contenders: int) -> Sequence[Candidate]:
    return [_candidate(_wish(number), minute_of(number)) for _ in range(contenders)]


async def _one_person(_: SqlLedger, number: int, contenders: int) -> Sequence[Candidate]:
    return [_candidate(_wish(number, call=f"call_{who}"), minute_of(number)) for who in range(contenders)]


async def _one_name(_: SqlLedger, number: int, contenders: int) -> Sequence[Candidate]:
    """For each another person and another time, under one name of their client's."""
    wishes = [replace(_wish(number, who), start=_wish(number).start + who * HOUR) for who in range(contenders)]
    return [_candidate(one, minute_of(number), named_key) for one in wishes]


async def _admit(ledger: SqlLedger, candidate: Candidate) -> str:
    return type((await ledger.admit(candidate, AdmissionPolicy())).admission).__name__


# Moves -----------------------------------------------------------------------------------------------------------


async def _sent(ledger: SqlLedger, number: int, who: int = 0) -> Intent:
    admitted = await ledger.admit(_candidate(_wish(number, who, f"call_{who}"), minute_of(number)), AdmissionPolicy())
    assert admitted.started is not None
    return admitted.started


async def _doubt(ledger: SqlLedger, number: int) -> Intent:
    intent, now = await _sent(ledger, number), minute_of(number)
    return (await ledger.apply(Transition(intent, (Event.DOUBTED,), now, look_at=now))).intent


def _found(intent: Intent, at: datetime) -> Transition:
    ours = booking(uid=intent.operation_id, start=intent.wish.start, end=intent.wish.end)
    return Transition(intent, (Event.FOUND_ACCEPTED,), at, booking=ours)


def _absent(intent: Intent, at: datetime) -> Transition:
    return Transition(intent, (Event.SETTLED_ABSENT,), at)


async def _contradictions(ledger: SqlLedger, number: int, contenders: int) -> Sequence[Transition]:
    """One doubt; half of them have found its booking, half hold it for absent."""
    doubt, now = await _doubt(ledger, number), minute_of(number)
    return [(_found, _absent)[who % 2](doubt, now) for who in range(contenders)]


async def _one_uid(ledger: SqlLedger, number: int, contenders: int) -> Sequence[Transition]:
    """An intent for each, and one booking that all of them were given."""
    intents = await asyncio.gather(*(_sent(ledger, number, who) for who in range(contenders)))
    given = booking(uid=f"uid-{number}", start=intents[0].wish.start)
    return [Transition(one, (Event.LANDED_ACCEPTED,), minute_of(number), booking=given) for one in intents]


async def _move(ledger: SqlLedger, transition: Transition) -> str:
    await ledger.apply(transition)
    return "moved"


# Claims ----------------------------------------------------------------------------------------------------------


async def _due(ledger: SqlLedger, number: int, contenders: int) -> Sequence[datetime]:
    await _doubt(ledger, number)
    return [minute_of(number)] * contenders


async def _claim(ledger: SqlLedger, now: datetime) -> str:
    return "claimed" if await ledger.claim_due(now, now + 6 * HOUR, 1) else "nothing"


async def _lapsed(ledger: SqlLedger, number: int, contenders: int) -> Sequence[tuple[Intent | None, datetime]]:
    """The first has claimed the row, and works on it for longer than its lease. The others take it for nobody's."""
    now = minute_of(number)
    doubt = await _doubt(ledger, number)
    return [(doubt, now), *[(None, now + SECOND)] * (contenders - 1)]


async def _conclude(ledger: SqlLedger, what: tuple[Intent | None, datetime]) -> str:
    mine, now = what
    if mine is not None:
        return await _move(ledger, _found(mine, now))
    stolen = await ledger.claim_due(now, now + 6 * HOUR, 1)
    return await _move(ledger, _absent(stolen[0], now)) if stolen else "nothing"


async def _news(ledger: SqlLedger, number: int, contenders: int) -> Sequence[datetime]:
    """One message that is due from this minute on."""
    doubt = await _doubt(ledger, number)
    await ledger.promise(doubt.intent_id, minute_of(number))
    await ledger.apply(_found(doubt, minute_of(number)))
    return [minute_of(number)] * contenders


async def _claim_message(ledger: SqlLedger, now: datetime) -> str:
    return "claimed" if await ledger.outbox.claim_messages(now, now + 6 * HOUR, 1) else "nothing"


async def _tombstone(ledger: SqlLedger, number: int, contenders: int) -> Sequence[datetime]:
    await ledger.apply(_absent(await _doubt(ledger, number), minute_of(number)))
    return [minute_of(number)] * contenders


async def _claim_sweep(ledger: SqlLedger, now: datetime) -> str:
    return "nothing" if await ledger.claim_sweep(TENANT, now, now + 30 * SECOND) is None else "claimed"


# The gate --------------------------------------------------------------------------------------------------------


async def _account(_: SqlLedger, number: int, contenders: int) -> Sequence[tuple[str, datetime]]:
    return [(f"account-{number}", minute_of(number))] * contenders


async def _enter(ledger: SqlLedger, what: tuple[str, datetime]) -> str:
    account, now = what
    return type(await ledger.gates.enter(Toll(account, POLICY), Use.BOOK, now)).__name__


def _budget_kept(heard: Counter[str]) -> bool:
    return heard[Passed.__name__] == min(BUDGET, heard.total()) and set(heard) <= {"Passed", "Shut"}


TWICE_WISHED: Final = "SELECT intent_key FROM intents GROUP BY intent_key HAVING count(*) > 1"
TWICE_THERE: Final = """
    SELECT phone_hash, start_at FROM intents WHERE phone_hash IS NOT NULL
    GROUP BY phone_hash, start_at HAVING count(*) > 1"""
GHOSTS: Final = """
    SELECT i.intent_id FROM intents i JOIN appointments a ON a.intent_id = i.intent_id
    WHERE i.state NOT IN ('confirmed', 'pending')"""
HELD_TWICE: Final = """
    SELECT calcom_v2_booking_id FROM appointments GROUP BY calcom_v2_booking_id HAVING count(*) > 1"""

ROWS: Final = frozenset({Guard.TRANSACTION, Guard.INDEXES})
"""Either keeps a second row from being written."""

INDEXES: Final = frozenset({Guard.INDEXES})
COMPARE: Final = frozenset({Guard.COMPARE})
TRANSACTION: Final = frozenset({Guard.TRANSACTION})

RACES: Final = (
    Race(
        "same key", "one wish, asked at once: one starts", ROWS, _one_wish, _admit, one("Start", "Join"), TWICE_WISHED
    ),
    Race(
        "same slot",
        "one person in many calls: one starts",
        ROWS,
        _one_person,
        _admit,
        one("Start", "Busy"),
        TWICE_THERE,
    ),
    Race(
        "same name",
        "one Idempotency-Key for many wishes: one starts",
        ROWS,
        _one_name,
        _admit,
        one("Start", "KeyReused"),
        TWICE_WISHED,
    ),
    Race(
        "one booking",
        "one uid for many wishes: one has it",
        INDEXES,
        _one_uid,
        _move,
        one("moved", "BookingUidTaken"),
        HELD_TWICE,
    ),
    Race(
        "one move",
        "found and absent: one is written",
        COMPARE,
        _contradictions,
        _move,
        one("moved", "StaleIntent"),
        GHOSTS,
    ),
    Race(
        "lapsed lease",
        "two at work on one row: one concludes",
        COMPARE,
        _lapsed,
        _conclude,
        one("moved", "StaleIntent", "nothing"),
        GHOSTS,
    ),
    Race("due row", "one worker claims it", TRANSACTION, _due, _claim, one("claimed", "nothing")),
    Race("message", "one worker claims it", TRANSACTION, _news, _claim_message, one("claimed", "nothing")),
    Race("sweep", "one worker claims it", COMPARE, _tombstone, _claim_sweep, one("claimed", "nothing")),
    Race("budget", "what passes is never more than it", TRANSACTION, _account, _enter, _budget_kept),
)
