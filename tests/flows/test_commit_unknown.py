"""A COMMIT whose outcome nobody knows is itself a doubt, and is read again by key."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from einmal.ports import CommitUnknown
from support.world import World, serving, world


class Uncertain:
    """The ledger, whose one method loses the news of its first commit: before it was made, or after."""

    def __init__(self, ledger: Any, method: str, *, written: bool) -> None:
        self._ledger = ledger
        self._method = method
        self._written = written

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._ledger, name)
        if name != self._method:
            return real

        async def once(*arguments: Any) -> Any:
            self._method = ""
            if self._written:
                await real(*arguments)
            raise CommitUnknown("the disk went away")

        return once


def uncertain(salon: World, method: str, *, written: bool) -> World:
    """The same salon on a ledger that loses the news once."""
    gateway = salon.gateway
    ledger: Any = Uncertain(gateway.ledger, method, written=written)
    attempts = gateway.bookings.attempts
    outcomes = replace(attempts.outcomes, ledger=ledger)
    attempts = replace(attempts, outcomes=outcomes, doubts=replace(attempts.doubts, outcomes=outcomes))
    bookings = replace(gateway.bookings, ledger=ledger, attempts=attempts)
    return replace(salon, gateway=serving(gateway, bookings=bookings))


@pytest.mark.parametrize("written", [True, False], ids=["written", "not written"])
async def test_the_commit_before_the_post_is_asked_again(salon: World, written: bool) -> None:
    """Nothing is on the wire yet: the row is there and ours, or it is written now. One row, one POST."""
    said = await uncertain(salon, "admit", written=written).call()
    assert said["status"] == "booked"
    assert len(salon.tap.posts) == len(salon.states()) == 1


async def test_the_commit_after_the_post_is_read_back(salon: World) -> None:
    """It was written: then what stands is said."""
    assert (await uncertain(salon, "apply", written=True).call())["status"] == "booked"
    assert salon.states() == ["confirmed"]


async def test_a_commit_after_the_post_that_was_not_made_is_a_doubt(salon: World) -> None:
    """The booking stands in the calendar and not in the ledger: neither yes nor no, and recovery finds it."""
    said = await uncertain(salon, "apply", written=False).call()
    assert (said["status"], said["do_not_rebook"]) == ("in_doubt", True)
    assert salon.states() == ["sent"]
    salon.clock.pass_time(salon.gateway.bookings.budgets.lease_margin * 4)
    await salon.gateway.worker.recovery.turn()
    assert (await salon.call())["status"] == "booked"
    assert len(salon.tap.posts) == len(salon.calendar.bookings) == 1


async def test_a_ledger_slower_than_the_caller_is_not_waited_for(tmp_path: Path) -> None:
    """Admission is within the reply budget; it goes on, and the next call hears how it went."""
    async with world(tmp_path, EINMAL_REPLY_SECONDS="0.05") as salon:
        go_on = asyncio.Event()
        real = salon.gateway.ledger

        class Slow:
            def __getattr__(self, name: str) -> Any:
                return getattr(real, name)

            async def admit(self, *arguments: Any) -> Any:
                await go_on.wait()
                return await real.admit(*arguments)

        slow: Any = Slow()
        bookings = replace(salon.gateway.bookings, ledger=slow)
        waiting = replace(salon, gateway=serving(salon.gateway, bookings=bookings))
        said = await asyncio.wait_for(waiting.call(), 30)
        assert said["status"] == "in_doubt"
        go_on.set()
        await bookings.drain(5)
        assert (await salon.call())["status"] == "booked"
        assert len(salon.tap.posts) == 1
