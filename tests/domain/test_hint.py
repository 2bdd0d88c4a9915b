"""What a webhook can mean, and whether a read shows it already."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from einmal.domain.hint import PAUSES, Trigger, next_read, shows
from einmal.domain.model import Booking, BookingStatus

AT = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)
BOOKING = Booking("uid", BookingStatus.ACCEPTED, AT, AT + timedelta(minutes=30), 101)
LIVE = {BookingStatus.ACCEPTED, BookingStatus.PENDING}

SHOWN = {
    Trigger.CREATED: set(BookingStatus) - {BookingStatus.PENDING},
    Trigger.PAID: set(BookingStatus) - {BookingStatus.PENDING},
    Trigger.CANCELLED: set(BookingStatus) - LIVE,
    Trigger.REJECTED: set(BookingStatus) - LIVE,
    Trigger.REQUESTED: set(BookingStatus),
    Trigger.RESCHEDULED: set(BookingStatus),
    Trigger.PING: set(BookingStatus),
    "SOMETHING_NEW": set(BookingStatus),
}


@pytest.mark.parametrize("status", BookingStatus)
@pytest.mark.parametrize("event", SHOWN)
def test_a_read_shows_it_or_is_made_again(event: str, status: BookingStatus) -> None:
    assert shows(event, replace(BOOKING, status=status)) is (status in SHOWN[event])


def test_every_event_stands_in_the_table() -> None:
    assert set(Trigger) < set(SHOWN)


def test_reads_come_ever_further_apart_and_end() -> None:
    pauses = [next_read(tries) for tries in range(len(PAUSES) + 2)]
    assert pauses == [*PAUSES, None, None]
    assert list(PAUSES) == sorted(PAUSES)
