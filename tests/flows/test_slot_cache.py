"""What was looked up a moment ago is not asked again; and never trusted where something hangs on it."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from einmal.adapters.calcom.transport import MaybeSent, WireAnswer, WireRequest
from einmal.domain.model import Offer, Service
from einmal.flows.slots import DAYS_MAX, KEPT_FOR, LAG, CachedSlots
from einmal.ports import Blind
from einmal.simulator.calendar import Attendee
from einmal.simulator.clock import SteppedClock
from support.world import BERLIN_MORNING, World, serving, world

CALL = {"call_id": "call_7d4d0c", "from_number": "+491701234567"}
TEN = {"dienstleistung": "Beratung", "datum": "2026-12-01", "uhrzeit": "10:00"}
AT_TEN = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)
SERVICE, CUT = Service("beratung", "Beratung", 101, 30), Service("schnitt", "Haarschnitt", 102, 45)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
async def salon(tmp_path: Path) -> AsyncIterator[World]:
    async with world(tmp_path) as made:
        yield made


def looks(salon: World) -> int:
    return sum(one.target.startswith("/v2/slots?") for one in salon.tap.requests)


async def status(salon: World, function: str = "check_availability", /, **said: Any) -> str:
    return str((await salon.ask(function, CALL, **(TEN | said)))["status"])


async def test_the_same_question_is_looked_up_once(salon: World) -> None:
    """And another time of the same days with it."""
    for _ in range(3):
        assert await status(salon) == "available"
    assert await status(salon, uhrzeit="11:00") == "available"
    assert await status(salon, "get_alternatives", uhrzeit="12:00") == "available"
    assert looks(salon) == 2  # a search looks further ahead than a check


async def test_another_service_is_another_question(salon: World) -> None:
    assert await status(salon) == await status(salon, dienstleistung="Haarschnitt", uhrzeit="10:15") == "available"
    assert looks(salon) == 2


async def test_after_its_time_it_is_asked_again(salon: World) -> None:
    """To the instant; a clock that was set back does not make it last."""
    await status(salon)
    salon.clock.pass_time(KEPT_FOR - timedelta(milliseconds=1))
    await status(salon)
    assert looks(salon) == 1
    salon.clock.pass_time(timedelta(milliseconds=1))
    await status(salon)
    assert looks(salon) == 2
    salon.clock.pass_time(-timedelta(milliseconds=1))
    await status(salon)
    assert looks(salon) == 3


async def test_control_without_it_each_question_is_asked(salon: World) -> None:
    """The same three questions."""
    offers = salon.gateway.offers
    offers._slots = CachedSlots(offers._slots._calendar, salon.clock, timedelta(0))  # noqa: SLF001 - switched off
    for _ in range(3):
        assert await status(salon) == "available"
    assert looks(salon) == 3


async def test_a_booking_drops_what_was_known_of_every_service(salon: World) -> None:
    """They may share their staff, and here they do."""
    cut = {"dienstleistung": "Haarschnitt", "uhrzeit": "09:30"}
    assert await status(salon) == await status(salon, **cut) == "available"
    assert await status(salon, "book_appointment", name="Jürgen Groß", dienstleistung="Beratung") == "booked"
    assert await status(salon, **cut) == "unavailable"


async def test_so_does_a_post_that_was_refused(salon: World) -> None:
    """It tells that what we knew was wrong."""
    assert await status(salon) == "available"
    salon.calendar.create(101, AT_TEN, Attendee("Gast", "gast@example.test"))
    assert await status(salon) == "available"
    assert await status(salon, "book_appointment", name="Jürgen Groß") == "slot_taken"
    assert await status(salon) == "unavailable"


async def test_what_is_looked_up_right_after_a_booking_is_not_kept(salon: World) -> None:
    """Cal.com's lists show it up to two seconds late: that must not be said for fifteen."""
    assert await status(salon, "book_appointment", name="Jürgen Groß") == "booked"
    for _ in range(2):
        await status(salon)
    assert looks(salon) == 2
    salon.clock.pass_time(LAG)
    for _ in range(2):
        await status(salon)
    assert looks(salon) == 3


async def test_after_a_taken_the_alternatives_are_of_this_moment(salon: World) -> None:
    """What was near a moment ago may be gone with it."""
    assert await status(salon) == "available"
    for at in (AT_TEN, AT_TEN + timedelta(minutes=30)):
        salon.calendar.create(101, at, Attendee("Gast", f"gast{at.minute}@example.test"))
    answer = await salon.ask("book_appointment", CALL, name="Jürgen Groß", **TEN)
    assert [one["start"][11:16] for one in answer["alternatives"]] == ["09:00", "09:30"]


async def test_a_look_that_failed_is_not_kept(salon: World) -> None:
    """The next question asks again."""
    real = salon.tap.inner.send

    async def silent(_: WireRequest) -> WireAnswer:
        raise MaybeSent("timeout")

    salon.tap.inner.send = silent  # type: ignore[method-assign]
    assert await status(salon) == "error"
    salon.tap.inner.send = real  # type: ignore[method-assign]
    assert await status(salon) == "available"


async def test_a_burst_of_equal_questions_asks_once(tmp_path: Path) -> None:
    """Whoever comes while it is being looked up waits for that."""
    async with world(tmp_path, latency=0.02) as salon:
        assert await asyncio.gather(*(status(salon) for _ in range(8))) == ["available"] * 8
        assert looks(salon) == 1


async def test_what_is_kept_is_one_tenants(salon: World, tmp_path: Path) -> None:
    """Another gateway, with the same event type under another key, knows nothing of it."""
    await status(salon)
    (tmp_path / "other").mkdir()
    async with world(tmp_path / "other") as other:
        await status(other)
        assert looks(other) == 1


async def test_the_dropping_is_joined_to_the_bookings(salon: World) -> None:
    """Control: with nobody told of the POST, the next question hears what was before it."""
    bookings = replace(salon.gateway.bookings, answered=lambda *_: None)
    deaf = replace(salon, gateway=serving(salon.gateway, bookings=bookings))
    assert await status(deaf) == "available"
    assert await status(deaf, "book_appointment", name="Jürgen Groß") == "booked"
    other = {"call_id": "call_other", "from_number": "anonymous"}
    assert (await deaf.ask("check_availability", other, **TEN))["status"] == "available"


# By itself -----------------------------------------------------------------------------------------------------------


@dataclass
class Listing:
    """A calendar of one slot each hour, which may be held up."""

    asked: list[tuple[int, datetime, datetime]] = field(default_factory=list)
    go_on: asyncio.Event | None = None
    blind: bool = False

    async def slots(self, service: Service, begin: datetime, end: datetime, _: float) -> Sequence[Offer] | Blind:
        self.asked.append((service.event_type_id, begin, end))
        if self.go_on is not None:
            await self.go_on.wait()
        if self.blind:
            return Blind("timeout")
        first = begin.replace(minute=0, second=0, microsecond=0)
        hours = (first + number * HOUR for number in range((end - first) // HOUR + 1))
        return tuple(Offer(at, service.service_id) for at in hours if begin <= at < end)


def cached(listing: Listing) -> tuple[CachedSlots, SteppedClock]:
    clock, calendar = SteppedClock(BERLIN_MORNING), listing
    made: Any = CachedSlots(calendar, clock)  # type: ignore[arg-type]
    return made, clock


MINUTES = st.integers(0, 6 * 24 * 60)


@given(st.lists(st.tuples(MINUTES, st.integers(1, 3 * 24 * 60)), min_size=1, max_size=6))
def test_what_is_kept_is_what_would_be_asked(spans: list[tuple[int, int]]) -> None:
    """For any spans, in any order: the same slots as the calendar's own, and of its own service."""
    listing, plain = Listing(), Listing()
    slots, _ = cached(listing)

    async def compare() -> None:
        for begin_minutes, length in spans:
            begin = BERLIN_MORNING + timedelta(minutes=begin_minutes)
            end = begin + timedelta(minutes=length)
            assert await slots.free(SERVICE, begin, end, 9.0) == await plain.slots(SERVICE, begin, end, 9.0)

    asyncio.run(compare())
    assert all(one[1].hour == one[2].hour == 0 for one in listing.asked)


async def test_two_services_of_one_event_type_share_a_look() -> None:
    """Each is offered under its own name."""
    listing = Listing()
    slots, _ = cached(listing)
    again = Service("zweitname", "Beratung zwei", 101, 30)
    for service in (SERVICE, again):
        found = await slots.free(service, AT_TEN, AT_TEN + HOUR, 9.0)
        assert found == (Offer(AT_TEN, service.service_id),)
    assert len(listing.asked) == 1


async def test_who_asks_after_a_drop_does_not_join_a_look_from_before() -> None:
    """They would hear what was before the booking."""
    listing = Listing(go_on=asyncio.Event())
    slots, clock = cached(listing)
    before = asyncio.create_task(slots.free(SERVICE, AT_TEN, AT_TEN + HOUR, 9.0))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    slots.drop()
    clock.pass_time(LAG)
    after = asyncio.create_task(slots.free(SERVICE, AT_TEN, AT_TEN + HOUR, 9.0))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert len(listing.asked) == 2
    assert listing.go_on is not None
    listing.go_on.set()
    assert await before == await after
    await slots.free(SERVICE, AT_TEN, AT_TEN + HOUR, 9.0)
    assert len(listing.asked) == 2


async def test_a_look_from_before_a_drop_is_not_kept() -> None:
    """It may have been answered before the booking, whenever its answer arrives."""
    listing = Listing(go_on=asyncio.Event())
    slots, clock = cached(listing)
    before = asyncio.create_task(slots.free(SERVICE, AT_TEN, AT_TEN + HOUR, 9.0))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    slots.drop()
    clock.pass_time(LAG)
    assert listing.go_on is not None
    listing.go_on.set()
    await before
    await slots.free(SERVICE, AT_TEN, AT_TEN + HOUR, 9.0)
    assert len(listing.asked) == 2


async def test_who_hangs_up_takes_nothing_from_those_who_wait() -> None:
    """The look is nobody's own."""
    listing = Listing(go_on=asyncio.Event())
    slots, _ = cached(listing)
    first, second = (asyncio.create_task(slots.free(SERVICE, AT_TEN, AT_TEN + HOUR, 9.0)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    assert listing.go_on is not None
    listing.go_on.set()
    assert await second == (Offer(AT_TEN, "beratung"),)
    assert len(listing.asked) == 1


async def test_all_who_waited_hear_of_a_blind_look() -> None:
    listing = Listing(blind=True)
    slots, _ = cached(listing)
    both = await asyncio.gather(*(slots.free(SERVICE, AT_TEN, AT_TEN + HOUR, 9.0) for _ in range(2)))
    assert both == [Blind("timeout")] * 2
    assert len(listing.asked) == 1
    await slots.free(SERVICE, AT_TEN, AT_TEN + HOUR, 9.0)
    assert len(listing.asked) == 2


async def test_fresh_is_asked_as_it_is() -> None:
    """Not rounded to days, not kept, and not taken from what is."""
    listing = Listing()
    slots, _ = cached(listing)
    await slots.free(SERVICE, AT_TEN, AT_TEN + HOUR, 9.0)
    await slots.free(SERVICE, AT_TEN, AT_TEN + HOUR, 9.0, fresh=True)
    assert listing.asked[1:] == [(101, AT_TEN, AT_TEN + HOUR)]


async def test_no_more_is_kept_than_so_many_days() -> None:
    """The oldest goes."""
    listing = Listing()
    slots, _ = cached(listing)
    for number in range(DAYS_MAX + 1):
        service = Service(f"service-{number}", "Beratung", 1000 + number, 30)
        await slots.free(service, AT_TEN, AT_TEN + HOUR, 9.0)
    assert len(slots._days) == DAYS_MAX  # noqa: SLF001 - what is in memory is seen nowhere else
    for number, asked in ((DAYS_MAX, 0), (0, 1)):
        before = len(listing.asked)
        await slots.free(Service("any", "Beratung", 1000 + number, 30), AT_TEN, AT_TEN + HOUR, 9.0)
        assert len(listing.asked) - before == asked
