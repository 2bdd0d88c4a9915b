"""The nouns: aware instants in UTC, one form for an address, and what lives."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from einmal.domain.model import Booking, BookingStatus, Person, Service, Wish, instant
from support.evidence import NOW, booking, wish

BERLIN = timezone(timedelta(hours=1))
NAIVE = datetime(2026, 12, 1, 9, 0)  # noqa: DTZ001 - it is what must be refused


@given(st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1)), st.integers(-14, 14))  # noqa: DTZ001
def test_an_instant_is_the_same_in_utc(naive: datetime, hours: int) -> None:
    """Told in any zone, it is one moment and stands in UTC."""
    told = naive.replace(tzinfo=timezone(timedelta(hours=hours)))
    assert instant(told) == told
    assert instant(told).tzinfo is UTC


def test_what_has_no_zone_names_no_instant() -> None:
    """Refused wherever it could come in: a wish, a booking's every moment."""
    with pytest.raises(ValueError, match="time zone"):
        instant(NAIVE)
    with pytest.raises(ValueError, match="time zone"):
        wish(start=NAIVE)
    for moment in ("start", "end", "created_at", "updated_at"):
        with pytest.raises(ValueError, match="time zone"):
            booking(**{moment: NAIVE})


def test_every_moment_of_wish_and_booking_stands_in_utc() -> None:
    """Local time exists only at the two ends."""
    local = NOW.astimezone(BERLIN)
    assert wish(start=local).start.tzinfo is UTC
    made = booking(start=local, end=local, created_at=local, updated_at=local)
    assert {at.tzinfo for at in (made.start, made.end, made.created_at, made.updated_at) if at is not None} == {UTC}
    assert made.start == local


def test_a_wish_ends_after_its_service() -> None:
    """What is booked, the calendar decides; this is what was asked for."""
    service = Service("101", "Beratung", 101, 45)
    assert service.duration == timedelta(minutes=45)
    assert service.aliases == ()
    asked = wish(service=service)
    assert asked.end - asked.start == timedelta(minutes=45)


def test_an_address_has_one_form() -> None:
    """Cal.com tells addresses apart by their case; people do not."""
    assert Person("Anna", email="Anna.Berg@Gast.TEST").email == "anna.berg@gast.test"
    nobody = Person("Anna")
    assert (nobody.phone, nobody.email) == (None, None)


@pytest.mark.parametrize(
    ("status", "live"), [("accepted", True), ("pending", True), ("cancelled", False), ("rejected", False)]
)
def test_which_bookings_live(status: str, live: bool) -> None:
    """A pending one occupies its slot."""
    assert BookingStatus(status).live is live


def test_of_what_was_not_told_nothing_is_made_up() -> None:
    """No name, no address, no birth, no metadata, no staff wish."""
    told = Booking("u", BookingStatus.ACCEPTED, NOW, None, 1)
    assert (told.end, told.created_at, told.updated_at, told.attendee_name, told.host_name) == (None,) * 5
    assert (told.metadata, told.attendee_emails) == ({}, ())
    asked = Wish("t", None, Service("1", "B", 1, 30), NOW, Person("Anna"))
    assert asked.staff is None


def test_a_nul_is_no_part_of_a_name() -> None:
    """Not every database can hold one, and nobody says it."""
    assert Person("Anna\0 Vogel\0").name == "Anna Vogel"
