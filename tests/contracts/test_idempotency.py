"""The contract of the IdempotencyKeys port: of all that come with one key one is to carry the request out."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from einmal.adapters.sql.idempotency import SqlIdempotencyKeys
from einmal.adapters.system import SystemIds
from einmal.domain.request_key import RequestKey, request_key
from einmal.ports.idempotency import KEPT_FOR, Begun, Claimed, Kept, KeyOfAnother, Running
from support.evidence import NOW, SECRET
from support.sql import BASES, SqlBase

IDS = SystemIds()
LEASE = timedelta(seconds=15)
UNTIL = NOW + LEASE
KEPT = Kept(201, '{"ref":"ü"}')
ASKED = {"customer": {"name": "Jürgen Groß"}, "start": "2026-12-01T10:00:00+01:00"}


@pytest.fixture(params=BASES)
def base(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlBase]:
    with BASES[request.param](tmp_path) as made:
        made.add_tenant("default")
        made.add_tenant("another")
        yield made


def key(name: str = "k1", tenant: str = "default", client: str = "website", asked: object = ASKED) -> RequestKey:
    return request_key(SECRET, tenant, client, name, "book", asked)


def keys(base: SqlBase) -> SqlIdempotencyKeys:
    return base.ledger(IDS).idempotency_keys


async def test_one_claim_at_a_time_and_then_the_answer(base: SqlBase) -> None:
    books = keys(base)
    claim = await books.claim(key(), NOW, UNTIL)
    assert claim == Claimed(UNTIL)
    assert await books.claim(key(), NOW, UNTIL) == Running(UNTIL)
    assert await books.keep(key(), claim, KEPT)
    assert await books.claim(key(), NOW + LEASE, UNTIL + LEASE) == KEPT


async def test_with_another_request_it_is_a_mistake(base: SqlBase) -> None:
    """While it runs, once it is answered, and when it was let go; in another order of its fields it is the same one."""
    books, other = keys(base), key(asked=ASKED | {"start": "2026-12-02T10:00:00+01:00"})
    claim = await books.claim(key(), NOW, UNTIL)
    assert isinstance(claim, Claimed)
    assert await books.claim(other, NOW, UNTIL) == KeyOfAnother()
    await books.let_go(key(), claim)
    assert await books.claim(other, NOW, UNTIL) == KeyOfAnother()
    again = await books.claim(key(asked=dict(reversed(ASKED.items()))), NOW, UNTIL)
    assert again == Claimed(UNTIL, NOW)
    await books.keep(key(), again, KEPT)
    assert await books.claim(other, NOW, UNTIL) == KeyOfAnother()


async def test_another_house_or_program_has_keys_of_its_own(base: SqlBase) -> None:
    books = keys(base)
    for one in (key(), key(tenant="another"), key(client="crm"), key("k2")):
        assert await books.claim(one, NOW, UNTIL) == Claimed(UNTIL)


async def test_who_dies_with_it_loses_nothing(base: SqlBase) -> None:
    """After the lease somebody else takes it up; whoever comes back late keeps no answer over theirs."""
    books = keys(base)
    late = await books.claim(key(), NOW, UNTIL)
    assert isinstance(late, Claimed)
    assert isinstance(await books.claim(key(), UNTIL - timedelta(milliseconds=1), UNTIL + LEASE), Running)
    claim = await books.claim(key(), UNTIL, UNTIL + LEASE)
    assert claim == Claimed(UNTIL + LEASE, NOW)
    assert not await books.keep(key(), late, Kept(409, "{}"))
    await books.let_go(key(), late)
    assert isinstance(await books.claim(key(), UNTIL, UNTIL + LEASE), Running)
    assert await books.keep(key(), claim, KEPT)


async def test_what_has_no_final_answer_is_carried_out_again(base: SqlBase) -> None:
    books = keys(base)
    claim = await books.claim(key(), NOW, UNTIL)
    assert isinstance(claim, Claimed)
    await books.let_go(key(), claim)
    assert await books.claim(key(), NOW, UNTIL) == Claimed(UNTIL, NOW)


async def test_a_clock_that_was_set_back_blocks_no_key(base: SqlBase) -> None:
    books = keys(base)
    await books.claim(key(), NOW + timedelta(days=1), UNTIL + timedelta(days=1))
    assert await books.claim(key(), NOW, UNTIL) == Claimed(UNTIL, NOW + timedelta(days=1))


async def test_after_a_day_the_key_names_a_new_request(base: SqlBase) -> None:
    books, other = keys(base), key(asked={})
    claim = await books.claim(key(), NOW, UNTIL)
    assert isinstance(claim, Claimed)
    await books.keep(key(), claim, KEPT)
    later = NOW + KEPT_FOR
    assert await books.claim(other, later - timedelta(seconds=1), later + LEASE) == KeyOfAnother()
    assert await books.claim(other, later, later + LEASE) == Claimed(later + LEASE)
    assert await books.claim(key(), later, later + LEASE) == KeyOfAnother()


async def test_what_stands_of_a_key_is_read_without_claiming_it(base: SqlBase) -> None:
    books = keys(base)
    assert await books.standing(key(), NOW) is None
    claim = await books.claim(key(), NOW, UNTIL)
    assert isinstance(claim, Claimed)
    assert await books.standing(key(), NOW) == Running(UNTIL)
    assert await books.standing(key(asked={}), NOW) == KeyOfAnother()
    assert await books.standing(key(), UNTIL) == Begun(NOW)
    await books.let_go(key(), claim)
    assert await books.standing(key(), NOW) == Begun(NOW)
    again = await books.claim(key(), NOW, UNTIL)
    assert isinstance(again, Claimed)
    await books.keep(key(), again, KEPT)
    assert await books.standing(key(), NOW) == KEPT
    assert await books.standing(key(), NOW + KEPT_FOR) is None


async def test_an_answer_that_is_true_for_a_while_is_repeated_so_long(base: SqlBase) -> None:
    """After that the key names a new request."""
    books = keys(base)
    claim = await books.claim(key(), NOW, UNTIL)
    assert isinstance(claim, Claimed)
    until = NOW + timedelta(minutes=5)
    assert await books.keep(key(), claim, replace(KEPT, until=until))
    assert await books.claim(key(), until - timedelta(seconds=1), until + LEASE) == KEPT
    assert await books.claim(key(), until, until + LEASE) == Claimed(until + LEASE)


async def test_what_has_expired_is_forgotten_a_little_at_a_time(base: SqlBase) -> None:
    books = keys(base)
    for number in range(3):
        await books.claim(key(f"k{number}"), NOW + number * LEASE, UNTIL)
    later = NOW + KEPT_FOR + LEASE
    assert [await books.prune(later, limit) for limit in (1, 9, 9)] == [1, 1, 0]
    assert base.rows("idempotency_keys", "key_hash") == [(key("k2").hash,)]


async def test_an_answer_that_was_erased_is_asked_for_again(base: SqlBase) -> None:
    books = keys(base)
    claim = await books.claim(key(), NOW, UNTIL)
    assert isinstance(claim, Claimed)
    await books.keep(key(), claim, KEPT)
    base.run("UPDATE idempotency_keys SET answer = NULL RETURNING key_hash")
    assert await books.claim(key(), NOW, UNTIL) == Claimed(UNTIL, NOW)


async def test_the_row_holds_no_word_of_what_was_asked(base: SqlBase) -> None:
    await keys(base).claim(key("Jürgen Groß k1"), NOW, UNTIL)
    assert "Gro" not in str(base.rows("idempotency_keys", "key_hash", "fingerprint", "answer"))


@pytest.mark.parametrize("guarded", [True, False])
async def test_of_many_at_once_one_has_it(base: SqlBase, guarded: bool) -> None:
    """Through two ledgers. The control looks first and writes then, in two transactions: several have it."""
    one, other = keys(base), keys(base)
    won = 0
    for number in range(12):
        what = key(f"k{number}")
        if guarded:
            claims = await asyncio.gather(*(books.claim(what, NOW, UNTIL) for books in (one, other) * 4))
            won += sum(isinstance(claim, Claimed) for claim in claims)
        else:
            won += sum(await asyncio.gather(*(_unguarded(base, books, what) for books in (one, other) * 4)))
    assert (won == 12) is guarded
    assert won >= 12


async def _unguarded(base: SqlBase, books: SqlIdempotencyKeys, what: RequestKey) -> bool:
    is_there = (what.hash,) in base.rows("idempotency_keys", "key_hash")
    await asyncio.sleep(0)
    if not is_there:
        await books.claim(what, NOW, UNTIL)
    return not is_there


def test_the_same_letters_split_otherwise_are_another_key() -> None:
    assert request_key(SECRET, "t", "ab", "c", "book", {}) != request_key(SECRET, "t", "a", "bc", "book", {})
    assert replace(key(), fingerprint="") == replace(key(asked={}), fingerprint="")
