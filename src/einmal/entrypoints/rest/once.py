"""A request that changes something is carried out once for each of its keys, and answered as often as it is sent.

    claim the key                                                                       commit
    carry it out: the flow has a key of its own for the wish, and writes what it must
    keep the answer if it is final, else let go of the key                              commit

Two layers: this one answers what is sent again, the flow's makes sure of the booking. Where this one has lost its
answer, because its process died or its commit failed, the request goes to the flow again, and that knows the wish.
"""

import json
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Final

from einmal.adapters.rest.problems import Kind, Problem, encoded
from einmal.adapters.rest.shown import BOOKINGS_AT, Shown
from einmal.adapters.telemetry.logs import channel
from einmal.entrypoints.rest.asked import Asked
from einmal.ports import Clock, CommitUnknown, LedgerUnavailable
from einmal.ports.idempotency import Begun, Claimed, IdempotencyKeys, Kept, KeyOfAnother, Running

MARGIN_SECONDS: Final = 5.0
"""So much longer than the request may take its key is nobody else's."""

REPLAYED: Final = "Idempotent-Replayed"

Work = Callable[[datetime | None], Awaitable[Shown]]
"""Carries a request out. Told since when, where it was begun before: what it has booked may be over by now."""


async def once(asked: Asked, work: Work, keys: IdempotencyKeys, clock: Clock, budget_seconds: float) -> Shown:
    """The answer. Raises Problem, LedgerUnavailable or CommitUnknown, and what the work raises."""
    key = asked.key
    if key is None:
        return await work(None)
    now = clock.now()
    claim = await keys.claim(key, now, now + timedelta(seconds=budget_seconds + MARGIN_SECONDS))
    match claim:
        case Kept(status, answer):
            return _replayed(status, answer)
        case Running():
            raise Problem(Kind.KEY_RUNNING, headers={"Retry-After": "1"})
        case KeyOfAnother():
            raise Problem(Kind.KEY_REUSED)
        case Claimed():
            pass
    try:
        shown = await work(claim.begun_at)
    except Exception:
        await _let_go(keys, asked, claim)
        raise
    if shown.final:
        try:
            await keys.keep(key, claim, Kept(shown.status, encoded(shown.body), shown.until))
        except (LedgerUnavailable, CommitUnknown) as failure:
            # It is done, and that is what is said. Sent again, the flow says so too.
            fields = {"why": type(failure).__name__}
            channel("http").warning("an answer was not kept", extra={"fields": fields})
    else:
        await _let_go(keys, asked, claim)
    return shown


async def answered_before(asked: Asked, mistake: Problem, keys: IdempotencyKeys, clock: Clock) -> Shown:
    """What was answered while the request could still be understood: a house changes, and what was done is done.

    Raises the mistake where it was never begun, else what is true; and LedgerUnavailable.
    """
    stands = None if asked.key is None else await keys.standing(asked.key, clock.now())
    match stands:
        case Kept(status, answer):
            return _replayed(status, answer)
        case Running():
            raise Problem(Kind.KEY_RUNNING, headers={"Retry-After": "1"})
        case Begun():
            told = "Nothing was done now, and what came of it before is not known here: look with GET /v1/bookings."
            raise Problem(mistake.kind, told, mistake.errors, mistake.headers, mistake.more)
        case KeyOfAnother() | None:
            raise mistake


async def _let_go(keys: IdempotencyKeys, asked: Asked, claim: Claimed) -> None:
    """What fails of it ends with the lease."""
    if asked.key is not None:
        try:
            await keys.let_go(asked.key, claim)
        except (LedgerUnavailable, CommitUnknown):
            return


def _replayed(status: int, answer: str) -> Shown:
    body = json.loads(answer)
    headers = {REPLAYED: "true"}
    if status < 400 and "ref" in body:
        headers["Location"] = BOOKINGS_AT + body["ref"]
    return Shown(status, body, headers=headers, outcome="replayed")
