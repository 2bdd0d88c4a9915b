"""The rows of requests that clients gave a key: claimed, answered, forgotten."""

from datetime import datetime, timedelta
from typing import Final

from einmal.adapters.sql.rows import instant_of, instant_text
from einmal.adapters.sql.steps import FOR_UPDATE, SKIP_LOCKED, Row, Statement, Steps, Store, only
from einmal.domain.request_key import RequestKey
from einmal.ports.idempotency import KEPT_FOR, Begun, Claimed, Kept, KeyOfAnother, Running

_BEGIN: Final = """
    INSERT INTO idempotency_keys (tenant_id, key_hash, fingerprint, claimed_until, created_at, expires_at)
    VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (tenant_id, key_hash) DO NOTHING RETURNING key_hash"""

_READ: Final = """
    SELECT fingerprint, claimed_until, status, answer, expires_at, created_at FROM idempotency_keys
    WHERE tenant_id = ? AND key_hash = ?"""

_STANDING: Final = f"{_READ} {FOR_UPDATE}"

_ANEW: Final = """
    UPDATE idempotency_keys SET fingerprint = ?, claimed_until = ?, status = NULL, answer = NULL, created_at = ?,
        expires_at = ?
    WHERE tenant_id = ? AND key_hash = ?"""

_AGAIN: Final = "UPDATE idempotency_keys SET claimed_until = ? WHERE tenant_id = ? AND key_hash = ?"

_KEEP: Final = """
    UPDATE idempotency_keys SET status = ?, answer = ?, claimed_until = NULL
    WHERE tenant_id = ? AND key_hash = ? AND fingerprint = ? AND claimed_until = ? RETURNING key_hash"""

_KEEP_UNTIL: Final = _KEEP.replace("claimed_until = NULL", "claimed_until = NULL, expires_at = ?", 1)

_LET_GO: Final = """
    UPDATE idempotency_keys SET claimed_until = NULL
    WHERE tenant_id = ? AND key_hash = ? AND fingerprint = ? AND claimed_until = ?"""

_EXPIRED: Final = f"""
    SELECT tenant_id, key_hash FROM idempotency_keys WHERE expires_at <= ?
    ORDER BY expires_at, tenant_id, key_hash LIMIT ? {SKIP_LOCKED}"""  # noqa: S608 - constants only

_FORGET: Final = "DELETE FROM idempotency_keys WHERE tenant_id = ? AND key_hash = ?"

_CLOCKS_APART: Final = timedelta(minutes=1)
"""A lease that ends later than any that is begun now was written by a clock that has been set back since."""


class SqlIdempotencyKeys:
    """The IdempotencyKeys port. Shares the ledger's store, and with it the commits."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def claim(self, key: RequestKey, now: datetime, until: datetime) -> Claimed | Running | KeyOfAnother | Kept:
        new = (instant_text(until), instant_text(now), instant_text(now + KEPT_FOR))
        whose = (key.tenant_id, key.hash)

        def work() -> Steps[Claimed | Running | KeyOfAnother | Kept]:
            if (yield Statement(_BEGIN, (*whose, key.fingerprint, *new))):
                return Claimed(until)
            rows = yield Statement(_STANDING, whose)
            if not rows:
                # Forgotten in this very moment. Whoever asks again finds nothing in the way.
                return Running(until)
            if rows[0][4] <= instant_text(now):
                yield Statement(_ANEW, (key.fingerprint, *new, *whose))
                return Claimed(until)
            standing = _standing(rows[0], key, now, until)
            if standing is not None:
                return standing
            yield Statement(_AGAIN, (instant_text(until), *whose))
            return Claimed(until, instant_of(rows[0][5]))

        return await self._store.write(work)

    async def standing(self, key: RequestKey, now: datetime) -> Begun | Running | KeyOfAnother | Kept | None:
        def work() -> Steps[Begun | Running | KeyOfAnother | Kept | None]:
            rows = yield Statement(_READ, (key.tenant_id, key.hash))
            if not rows or rows[0][4] <= instant_text(now):
                return None
            return _standing(rows[0], key, now, now + KEPT_FOR) or Begun(instant_of(rows[0][5]))

        return await self._store.read(work)

    async def keep(self, key: RequestKey, claim: Claimed, kept: Kept) -> bool:
        until = () if kept.until is None else (instant_text(kept.until),)
        statement = _KEEP if kept.until is None else _KEEP_UNTIL
        return bool(await self._store.write(only(statement, kept.status, kept.answer, *until, *_lease(key, claim))))

    async def let_go(self, key: RequestKey, claim: Claimed) -> None:
        await self._store.write(only(_LET_GO, *_lease(key, claim)))

    async def prune(self, now: datetime, limit: int) -> int:
        def work() -> Steps[int]:
            old = yield Statement(_EXPIRED, (instant_text(now), limit))
            for row in old:
                yield Statement(_FORGET, tuple(row))
            return len(old)

        return await self._store.write(work)


def _lease(key: RequestKey, claim: Claimed) -> tuple[str, str, str, str]:
    """What only who has the claim knows: a later one ends later."""
    return (key.tenant_id, key.hash, key.fingerprint, instant_text(claim.until))


def _standing(row: Row, key: RequestKey, now: datetime, until: datetime) -> Running | KeyOfAnother | Kept | None:
    """What is in the way of carrying it out; None where nothing is. An answer that was erased is none."""
    fingerprint, claimed_until, status, answer = row[:4]
    if fingerprint != key.fingerprint:
        return KeyOfAnother()
    if status is not None and answer is not None:
        return Kept(int(status), answer)
    if claimed_until is not None and instant_text(now) < claimed_until <= instant_text(until + _CLOCKS_APART):
        return Running(instant_of(claimed_until))
    return None
