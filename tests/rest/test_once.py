"""An Idempotency-Key at the door: carried out once, answered as often as it is sent, and nothing is lost with it."""

import asyncio
import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from einmal.adapters.calcom.transport import WireAnswer, WireRequest
from einmal.adapters.rest.shown import Shown
from einmal.domain.request_key import request_key
from einmal.entrypoints.rest.asked import Asked
from einmal.entrypoints.rest.clients import Client
from einmal.entrypoints.rest.once import once
from support.rest import ANOTHER, ASKED, Program, program


async def test_a_repeat_has_the_stored_answer_and_says_so(tmp_path: Path) -> None:
    """Status, body and Location as they were; the ledger's row holds nothing of who it was for."""
    async with program(tmp_path) as one:
        first, again = await one.book(key="k1"), await one.book(key="k1")
        assert (again.status, again.body, again.headers["location"]) == (201, first.body, first.headers["location"])
        assert "idempotent-replayed" not in first.headers
        assert again.headers["idempotent-replayed"] == "true"
        ((status, answer),) = one.here.rows("SELECT status, answer FROM idempotency_keys")
        assert (status, json.loads(answer)) == (201, first.body)
        assert not [word for word in ("Gro", "901820") if word in answer]


async def test_a_refusal_is_repeated_too(tmp_path: Path) -> None:
    """It was this request's answer. Who wants it otherwise asks anew."""
    async with program(tmp_path) as one:
        ref = (await one.book()).body["ref"]
        taken = await one.book(ANOTHER, "k1")
        await one.post(f"/bookings/{ref}/cancel", {})
        again = await one.book(ANOTHER, "k1")
        assert (again.status, again.type, again.body) == (409, "slot-taken", taken.body)
        assert again.headers["content-type"] == "application/problem+json"
        one.here.clock.pass_time(timedelta(minutes=2))
        assert (await one.book(ANOTHER, "k2")).status == 201


async def test_quoted_or_not_it_is_the_same_key(tmp_path: Path) -> None:
    async with program(tmp_path) as one:
        first = await one.book(key="k1")
        assert (await one.book(key='"k1"')).body == first.body
        for odd in ('"k1', 'k1"', "k 1", '""', "ü", "k" * 201, '"k1";a=1'):
            told = await one.book(key=odd)
            assert (told.status, told.type) == (400, "idempotency-key-odd"), odd


async def test_what_changes_something_needs_a_key(tmp_path: Path) -> None:
    async with program(tmp_path) as one:
        for path in ("/bookings", "/bookings/x/cancel", "/bookings/x/move", "/holds"):
            told = await one.ask("POST", path, {})
            assert (told.status, told.type) == (400, "idempotency-key-missing")
        assert one.here.tap.posts == []


async def test_a_key_of_another_request_is_refused(tmp_path: Path) -> None:
    """Another body, or the same body for another booking."""
    async with program(tmp_path) as one:
        ref = (await one.book(key="k1")).body["ref"]
        told = await one.book(ANOTHER, "k1")
        assert (told.status, told.type) == (422, "idempotency-key-reused")
        assert (await one.post(f"/bookings/{ref}/cancel", {}, "k1")).type == "idempotency-key-reused"
        assert one.live == 1


async def test_a_mistake_uses_no_key_up(tmp_path: Path) -> None:
    async with program(tmp_path) as one:
        assert (await one.book(ASKED | {"service": "Massage"}, "k1")).status == 422
        assert (await one.book(key="k1")).status == 201


async def test_while_it_runs_the_same_key_waits(tmp_path: Path) -> None:
    """Of eight at once one is carried out; the others are told that it runs, and later what it came to."""
    async with program(tmp_path, latency=0.2) as one:
        answers = await asyncio.gather(*(one.book(key="k1") for _ in range(8)))
        made = [told for told in answers if told.status == 201]
        others = [told for told in answers if told.status != 201]
        assert [told for told in made if "idempotent-replayed" not in told.headers] == made
        assert len(made) == 1
        assert {(told.status, told.type, told.headers["retry-after"]) for told in others} == {
            (409, "idempotency-key-running", "1")
        }
        assert (await one.book(key="k1")).body == made[0].body
        assert len(one.here.tap.posts) == 1


async def test_without_its_stored_answer_the_wish_is_known_all_the_same(tmp_path: Path) -> None:
    """The second layer: the answer was never kept, or was erased."""
    async with program(tmp_path) as one:
        first = await one.book(key="k1")
        one.here.rows("UPDATE idempotency_keys SET status = NULL, answer = NULL RETURNING key_hash")
        again = await one.book(key="k1")
        assert (again.status, again.body["ref"]) == (201, first.body["ref"])
        assert "idempotent-replayed" not in again.headers
        assert len(one.here.tap.posts) == 1


async def test_a_process_that_dies_with_a_key_loses_nothing(tmp_path: Path) -> None:
    """It has sent the POST and dies. Until its lease is over nobody else begins; then the flow finds what it made."""
    async with program(tmp_path) as one:
        gateway, clock = one.here.gateway, one.here.clock
        sent = asyncio.Event()

        async def never_answers(request: WireRequest) -> WireAnswer:
            await one.here.tap.inner.send(request)
            sent.set()
            await asyncio.Event().wait()
            raise AssertionError

        one.here.tap.on_post = never_answers
        dying = asyncio.create_task(one.book(key="k1"))
        await sent.wait()
        for task in (*gateway.bookings.under_way, dying):
            task.cancel()
        await asyncio.gather(*gateway.bookings.under_way, dying, return_exceptions=True)
        one.here.tap.on_post = None
        # The door's own task is in another connection: it has ended as the booking's did, or ends with its lease.
        clock.pass_time(timedelta(minutes=1))
        await gateway.worker.turn()
        told = await one.book(key="k1")
        assert told.status == 201
        assert one.live == 1
        assert len(one.here.tap.posts) == 1


@pytest.mark.parametrize("guarded", [True, False])
async def test_a_cancelled_request_leaves_its_key_to_the_lease(tmp_path: Path, guarded: bool) -> None:
    """Nobody begins beside it. The control asks under keys of its own, and both are carried out."""
    async with program(tmp_path) as one:
        begun, began = list[datetime | None](), asyncio.Event()

        async def work(begun_at: datetime | None) -> Shown:
            begun.append(begun_at)
            began.set()
            await asyncio.sleep(60)
            raise AssertionError

        def ask(key: str) -> "asyncio.Task[Shown]":
            return asyncio.create_task(
                once(_asked(one, key), work, one.here.gateway.idempotency_keys, one.here.clock, 9.0)
            )

        first = ask("k1")
        await began.wait()
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        second = ask("k1" if guarded else "k2")
        await asyncio.sleep(0.1)
        assert len(begun) == (1 if guarded else 2)
        second.cancel()
        await asyncio.gather(second, return_exceptions=True)
        one.here.clock.pass_time(timedelta(seconds=15))
        third = ask("k1")
        await asyncio.sleep(0.1)
        assert begun[-1] is not None
        third.cancel()
        await asyncio.gather(third, return_exceptions=True)


def _asked(one: Program, name: str) -> Asked:
    sole = one.here.gateway.tenancies.sole
    client = Client(sole, "website", frozenset())
    key = request_key(sole.tenant.hash_key, sole.tenant.tenant_id, "website", name, "book", {})
    return Asked(client, {}, "", one.here.clock.now(), key)


async def test_after_a_day_a_key_is_forgotten(tmp_path: Path) -> None:
    """By the worker, and by whoever uses it again."""
    async with program(tmp_path) as one:
        await one.book(key="k1")
        assert len(one.here.rows("SELECT 1 FROM idempotency_keys")) == 1
        one.here.clock.pass_time(timedelta(hours=25))
        await one.here.gateway.worker.turn()
        assert one.here.rows("SELECT 1 FROM idempotency_keys") == []
