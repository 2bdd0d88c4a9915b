"""What a program is told stays true: when it asks again much later, when the ledger fails, when it leaves."""

import asyncio
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from einmal.adapters.calcom.transport import MaybeSent, NeverSent, WireAnswer, WireRequest
from einmal.entrypoints.http.app import create_app
from einmal.entrypoints.rest.app import rest_routes
from einmal.ports import LedgerUnavailable, StoredReply
from einmal.ports.listing import Listing
from support.rest import ANOTHER, ASKED, Program, heal, lose, program
from support.serving import served
from support.world import world

LATER = "2026-12-02T10:00:00+01:00"


@pytest.mark.parametrize("same_key", [True, False])
async def test_what_was_cancelled_since_is_not_booked_by_a_late_repeat(tmp_path: Path, same_key: bool) -> None:
    """A 202 became a booking, and that was cancelled. The request comes again: it was done, once. The control asks
    under a key of its own, which is a new request, and books."""
    async with program(tmp_path, EINMAL_REPLY_SECONDS="1") as one:
        await lose(one)
        assert (await one.book(key="k1")).status == 202
        await heal(one)
        (listed,) = (await one.get("/bookings")).body["bookings"]
        await one.post(f"/bookings/{listed['ref']}/cancel", {})
        one.here.clock.pass_time(timedelta(minutes=5))
        told = await one.book(key="k1" if same_key else "k2")
        if same_key:
            assert (told.status, told.type) == (409, "not-standing")
            assert told.body["booking"] == listed | {"status": "cancelled"}
            assert (await one.book(key="k1")).headers["idempotent-replayed"] == "true"
        assert (one.live, len(one.here.tap.posts)) == ((0, 1) if same_key else (1, 2))


async def test_what_was_moved_since_is_not_booked_by_a_late_repeat(tmp_path: Path) -> None:
    """It stands elsewhere now, and that is told with the name of what it became."""
    async with program(tmp_path, EINMAL_REPLY_SECONDS="1") as one:
        await lose(one)
        await one.book(key="k1")
        await heal(one)
        (listed,) = (await one.get("/bookings")).body["bookings"]
        moved = await one.post(f"/bookings/{listed['ref']}/move", {"start": LATER})
        one.here.clock.pass_time(timedelta(minutes=5))
        told = await one.book(key="k1")
        assert (told.status, told.type) == (409, "not-standing")
        assert (told.body["booking"]["status"], told.body["booking"]["moved_to"]) == ("moved", moved.body["ref"])
        assert one.live == 1


async def test_who_joined_a_doubt_does_not_book_what_came_of_it_anew(tmp_path: Path) -> None:
    """Two programs, one wish, one doubt: after it was booked and cancelled neither's repeat books it again."""
    async with program(tmp_path, EINMAL_REPLY_SECONDS="1") as one:
        await lose(one)
        await one.book(key="k1")
        one.here.clock.pass_time(timedelta(seconds=2))
        assert (await one.book(key="k2")).status == 202
        await heal(one)
        (listed,) = (await one.get("/bookings")).body["bookings"]
        await one.post(f"/bookings/{listed['ref']}/cancel", {})
        one.here.clock.pass_time(timedelta(minutes=5))
        assert [(await one.book(key=key)).type for key in ("k2", "k1")] == ["not-standing", "not-standing"]
        assert one.live == 0


async def test_what_was_told_as_not_booked_is_not_booked_by_a_late_repeat(tmp_path: Path) -> None:
    """A doubt ended as "not booked", which whoever looked has heard: a repeat hears the same. A new key books."""
    async with program(tmp_path, EINMAL_REPLY_SECONDS="1") as one:

        async def never_arrives(_: WireRequest) -> WireAnswer:
            raise MaybeSent("timeout")

        one.here.tap.on_post = one.here.tap.on_get = never_arrives
        where = (await one.book(key="k1")).headers["location"].removeprefix("/v1")
        one.here.tap.on_post = one.here.tap.on_get = None
        for _ in range(30):
            one.here.clock.pass_time(timedelta(seconds=30))
            await one.here.gateway.worker.turn()
        assert (await one.get(where)).body["status"] == "not_booked"
        told = await one.book(key="k1")
        assert (told.status, told.type, told.body["booking"]["status"]) == (409, "not-standing", "not_booked")
        assert one.live == 0
        assert (await one.book(key="k2")).status == 201


async def test_what_was_cancelled_before_is_booked_anew_however_often_it_must_be_asked(tmp_path: Path) -> None:
    """The first try found the calendar gone and did nothing; the same request, sent again as it was told to, books."""
    async with program(tmp_path) as one:
        ref = (await one.book()).body["ref"]
        await one.post(f"/bookings/{ref}/cancel", {})
        one.here.clock.pass_time(timedelta(minutes=5))

        async def unreachable(_: WireRequest) -> WireAnswer:
            raise NeverSent("refused")

        one.here.tap.on_post = unreachable
        assert (await one.book(key="k1")).status == 503
        one.here.tap.on_post = None
        one.here.clock.pass_time(timedelta(minutes=5))
        assert (await one.book(key="k1")).status == 201
        assert one.live == 1


async def test_a_hold_is_repeated_as_long_as_it_holds_and_not_longer(tmp_path: Path) -> None:
    """Until it ends the stored answer; after that "held for you" would be untrue, and it is held anew, or not."""
    asked = {"service": "Beratung", "start": ASKED["start"], "conversation_id": "chat-7"}
    async with program(tmp_path) as one:
        first = await one.post("/holds", asked, "h1")
        holding = one.here.gateway.tenancies.sole.holding
        await holding.drain(5)  # the calendar is told while it is still that time
        one.here.clock.pass_time(timedelta(minutes=4))
        again = await one.post("/holds", asked, "h1")
        assert (again.body, again.headers["idempotent-replayed"]) == (first.body, "true")
        one.here.clock.pass_time(timedelta(minutes=2))
        anew = await one.post("/holds", asked, "h1")
        assert "idempotent-replayed" not in anew.headers
        assert first.body["expires_at"] == "2026-11-23T10:05:00+01:00"
        assert (anew.status, anew.body["expires_at"]) == (201, "2026-11-23T10:11:00+01:00")
        await holding.drain(5)
        one.here.clock.pass_time(timedelta(minutes=6))
        assert (await one.book(ANOTHER)).status == 201
        assert (await one.post("/holds", asked, "h1")).type == "slot-taken"


def sells(folder: Path, name: str) -> str:
    file = folder / f"{name}.toml"
    file.write_text(f'[[services]]\nid = "{name}"\nname = "{name}"\nevent_type_id = 101\nduration_minutes = 30\n')
    return str(file)


async def test_what_was_answered_is_told_though_the_house_has_changed_since(tmp_path: Path) -> None:
    """The booked service has another name now. "Nothing was done" would be untrue of a request that was carried out;
    under a new key it is a mistake like any other."""
    async with program(tmp_path, EINMAL_CONFIG=sells(tmp_path, "Beratung")) as one:
        first = await one.book(key="k1")
        await one.book(ASKED | {"start": LATER}, key="k2")
        one.here.rows("UPDATE idempotency_keys SET status = NULL, answer = NULL WHERE key_hash <> (SELECT key_hash FROM"
                      " idempotency_keys ORDER BY created_at, rowid LIMIT 1) RETURNING key_hash")  # fmt: skip
    async with program(tmp_path, EINMAL_CONFIG=sells(tmp_path, "Massage")) as one:
        again = await one.book(key="k1")
        assert (again.status, again.body, again.headers["idempotent-replayed"]) == (201, first.body, "true")
        begun = await one.book(ASKED | {"start": LATER}, "k2")
        assert (begun.status, begun.type) == (422, "fields")
        assert "before" in begun.body["detail"]
        new = await one.book(key="k3")
        assert (new.status, new.body["detail"]) == (422, "See errors; nothing was done.")
        assert one.here.tap.posts == []


async def until_quiet(one: Program) -> None:
    """Nothing is carried out any more."""
    for _ in range(1000):
        if not one.here.rows("SELECT 1 FROM idempotency_keys WHERE claimed_until IS NOT NULL"):
            return
        await asyncio.sleep(0.01)
    pytest.fail("it is still under way")


async def test_whoever_leaves_in_the_middle_finds_the_booking_when_they_come_back(tmp_path: Path) -> None:
    """The client gives up while the POST is on the wire; the booking is made, and the same request hears of it."""
    async with program(tmp_path) as one:
        on_the_wire, goes_on = asyncio.Event(), asyncio.Event()

        async def slow(request: WireRequest) -> WireAnswer:
            on_the_wire.set()
            await goes_on.wait()
            return await one.here.tap.inner.send(request)

        one.here.tap.on_post = slow
        leaving = asyncio.create_task(one.book(key="k1"))
        await on_the_wire.wait()
        leaving.cancel()
        await asyncio.gather(leaving, return_exceptions=True)
        assert (await one.book(key="k1")).type == "idempotency-key-running"
        goes_on.set()
        await until_quiet(one)
        told = await one.book(key="k1")
        assert (told.status, told.body["status"]) == (201, "booked")
        assert one.live == len(one.here.tap.posts) == 1


@dataclass
class Failing:
    """A ledger that can be read again and again, until it is told to fail."""

    listing: Listing
    fails_after: int

    async def of_key(self, tenant_id: str, intent_key: str) -> StoredReply | None:
        self.fails_after -= 1
        if self.fails_after < 0:
            raise LedgerUnavailable
        return await self.listing.of_key(tenant_id, intent_key)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.listing, name)


async def test_a_doubt_is_told_though_the_ledger_fails_just_then(tmp_path: Path) -> None:
    """What is in doubt is no 503, which would say that nothing was booked: only where to look cannot be told."""
    async with world(tmp_path, EINMAL_REPLY_SECONDS="1") as here:
        failing: Any = Failing(here.gateway.listing, 1)
        gateway = replace(here.gateway, listing=failing)
        async with aiohttp.ClientSession() as session, served(create_app(gateway, rest_routes(gateway))) as url:
            one = Program(here, url, session)
            await lose(one)
            told = await one.book(key="k1")
            assert (told.status, told.body["status"], told.body["do_not_rebook"]) == (202, "in_doubt", True)
            assert "location" not in told.headers
            assert one.live == 1
