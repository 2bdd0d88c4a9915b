"""Which bookings a list request gets, in which order, and what the counters say.

The e-mail filter is exact and case-sensitive, bounds are inclusive, and the counters ignore the created and
updated bounds, so a page may be empty while it counts one item. All of this is as recorded from Cal.com's own
server: a gateway that reconciles by listing must survive it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import assert_never

from einmal.simulator.records import BookingStatus, SimulatedBooking

PAGE_SIZE_DEFAULT = 100


class ListedStatus(Enum):
    """The states a list can ask for; they are not the booking's own."""

    UPCOMING = "upcoming"
    RECURRING = "recurring"
    PAST = "past"
    CANCELLED = "cancelled"
    UNCONFIRMED = "unconfirmed"


class SortKey(Enum):
    """What a list can be sorted by, spelled as the query parameter."""

    START = "sortStart"
    END = "sortEnd"
    CREATED = "sortCreated"
    UPDATED = "sortUpdatedAt"


# A list of only what is over begins with the latest. Together with other states, the order is as everywhere.
_LATEST_FIRST = (frozenset({ListedStatus.PAST}), frozenset({ListedStatus.CANCELLED}))


@dataclass(frozen=True)
class BookingFilter:
    """What a list request asks for; None means "not asked"."""

    attendee_email: str | None = None
    attendee_name: str | None = None
    uid: str | None = None
    event_type_ids: frozenset[int] | None = None
    after_start: datetime | None = None
    before_end: datetime | None = None
    after_created: datetime | None = None
    before_created: datetime | None = None
    after_updated: datetime | None = None
    before_updated: datetime | None = None
    statuses: frozenset[ListedStatus] = frozenset()
    descending: tuple[tuple[SortKey, bool], ...] = ()
    take: int = PAGE_SIZE_DEFAULT
    skip: int = 0


@dataclass(frozen=True)
class Page:
    """One page, and how many bookings the counters claim in all."""

    bookings: tuple[SimulatedBooking, ...]
    counted: int


def select(bookings: Iterable[SimulatedBooking], wanted: BookingFilter, now: datetime) -> Page:
    """The page of bookings that a list request gets."""
    counted = [booking for booking in bookings if _matches(booking, wanted, now)]
    listed = [booking for booking in counted if _stamped_within(booking, wanted)]
    # Of two with one start the older row comes first, whatever their ids: so it was in the one case recorded.
    listed.sort(key=lambda booking: (booking.start, booking.created_at, booking.id))
    if wanted.statuses in _LATEST_FIRST and not wanted.descending:
        listed.sort(key=lambda booking: booking.start, reverse=True)
    for key, descending in reversed(wanted.descending):
        listed.sort(key=lambda booking: _sort_value(booking, key), reverse=descending)
    return Page(tuple(listed[wanted.skip : wanted.skip + wanted.take]), len(counted))


def _matches(booking: SimulatedBooking, wanted: BookingFilter, now: datetime) -> bool:
    return (
        (wanted.uid is None or booking.uid == wanted.uid)
        and (wanted.event_type_ids is None or booking.event_type.id in wanted.event_type_ids)
        and _within(booking.start, wanted.after_start, None)
        and _within(booking.end, None, wanted.before_end)
        and (wanted.attendee_email is None or wanted.attendee_email in {a.email for a in booking.attendees})
        and (wanted.attendee_name is None or wanted.attendee_name in {a.name for a in booking.attendees})
        and (not wanted.statuses or any(_is_listed_as(booking, status, now) for status in wanted.statuses))
    )


def _stamped_within(booking: SimulatedBooking, wanted: BookingFilter) -> bool:
    return _within(booking.created_at, wanted.after_created, wanted.before_created) and _within(
        booking.updated_at, wanted.after_updated, wanted.before_updated
    )


def _within(moment: datetime, earliest: datetime | None, latest: datetime | None) -> bool:
    return (earliest is None or earliest <= moment) and (latest is None or moment <= latest)


def _is_listed_as(booking: SimulatedBooking, status: ListedStatus, now: datetime) -> bool:
    called_off = booking.status in {BookingStatus.CANCELLED, BookingStatus.REJECTED}
    match status:
        case ListedStatus.UPCOMING:
            return not called_off and booking.end >= now
        case ListedStatus.PAST:
            return not called_off and booking.end <= now
        case ListedStatus.CANCELLED:
            return called_off
        case ListedStatus.UNCONFIRMED:
            return booking.status is BookingStatus.PENDING and booking.end >= now
        case ListedStatus.RECURRING:
            return False  # recurring bookings are not simulated
        case _:
            assert_never(status)


def _sort_value(booking: SimulatedBooking, key: SortKey) -> datetime:
    match key:
        case SortKey.START:
            return booking.start
        case SortKey.END:
            return booking.end
        case SortKey.CREATED:
            return booking.created_at
        case SortKey.UPDATED:
            return booking.updated_at
        case _:
            assert_never(key)
