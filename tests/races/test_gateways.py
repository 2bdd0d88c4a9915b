"""Two doors at the same moment: a phone call and a client of Cal.com's API, or two such clients, in two processes.

One person, one slot: one booking, and both hear the truth of it. One Idempotency-Key: one wish. Beside each race its
control without the ledger's guards, in which the calendar has it twice.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any

import pytest

from einmal.simulator.calendar import SimulatedBooking
from races.gateways import Crossing, crossing
from races.races import ROWS
from races.test_races import BASES

ROUNDS = 12
CONTROL_ROUNDS_MAX = 150
PEOPLE = 1_000
"""Those of one race. A round takes one or two."""

Round = Callable[[Crossing, int], Awaitable[str]]


@pytest.fixture(scope="module", params=BASES)
def base(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    made: AbstractContextManager[str] = BASES[request.param](tmp_path_factory.mktemp("gateways"))
    with made as where:
        yield where


async def _phone_and_proxy(doors: Crossing, number: int) -> str:
    """Whoever comes second is told of the first one's booking, as one that stands."""
    heard, (status, told) = await asyncio.gather(doors.phone_call(number, 0), doors.proxied(number, 1))
    true = heard["status"] in {"requested", "already_booked"} and status == 201
    return _came_to(doors.live(number), [told], true=true, heard=(heard, status, told))


async def _two_proxies(doors: Crossing, number: int) -> str:
    answers = await asyncio.gather(doors.proxied(number, 0), doors.proxied(number, 1))
    true = [status for status, _ in answers] == [201, 201]
    return _came_to(doors.live(number), [told for _, told in answers], true=true, heard=answers)


async def _one_name(doors: Crossing, number: int) -> str:
    """Two people, and one Idempotency-Key between them: the second wish is refused, whichever that is."""
    first, second, key = number, number + PEOPLE // 2, f"key-{number}"
    answers = await asyncio.gather(
        doors.proxied(first, 0, idempotency_key=key), doors.proxied(second, 1, idempotency_key=key)
    )
    true = sorted(status for status, _ in answers) == [201, 422]
    booked = [told for status, told in answers if status == 201]
    return _came_to(doors.live(first, second), booked, true=true, heard=answers)


def _came_to(live: Sequence[SimulatedBooking], told: Sequence[Any], *, true: bool, heard: object) -> str:
    """What a round came to; `told` are the bookings that clients were told of."""
    if len(live) > 1:
        return "twice"
    is_it = len(live) == 1 and all(one.get("data", {}).get("uid") == live[0].uid for one in told)
    return "once" if true and is_it else f"untrue: {heard}"


ROUND: dict[str, Round] = {
    "phone and proxy": _phone_and_proxy,
    "two proxies": _two_proxies,
    "one name": _one_name,
}


async def test_of_two_doors_at_once_one_books_and_both_hear_the_truth(base: str) -> None:
    async with crossing(base) as doors:
        for place, (name, race) in enumerate(ROUND.items()):
            went = [await race(doors, place * PEOPLE + number) for number in range(ROUNDS)]
            assert went == ["once"] * ROUNDS, name


async def test_control_without_the_ledgers_guards_it_is_booked_twice(base: str) -> None:
    """The same doors at the same calendar, and nothing holds the second one up."""
    async with crossing(base, ROWS) as doors:
        for place, (name, race) in enumerate(ROUND.items()):
            for number in range(CONTROL_ROUNDS_MAX):
                if await race(doors, place * PEOPLE + number) == "twice":
                    break
            else:
                pytest.fail(f"{name}: nothing was ever booked twice, so nobody raced")
