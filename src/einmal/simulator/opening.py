"""When an event type can be booked: its open hours, and the raster of starts inside them.

Hours are local ("08 to 18 in Berlin"), bookings are UTC; the step between the two lives only here, so that
a day with 23 or 25 hours has one place to go wrong.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from einmal.simulator.records import EventType

_ALWAYS = (0, 24)

# One request may ask for any range. Cal.com bounds it by the event type's booking window, which is not
# simulated; a year keeps a careless range from becoming a million slots.
_RANGE_LIMIT = timedelta(days=366)


def is_open(event_type: EventType, start: datetime, end: datetime) -> bool:
    """Whether the whole of start–end lies within the open hours of one day."""
    if event_type.opens == _ALWAYS:
        return True  # day joins day without a gap, so midnight is no border
    day = start.astimezone(ZoneInfo(event_type.time_zone)).date()
    opens_at, closes_at = _hours_of(event_type, day)
    return opens_at <= start and end <= closes_at


def raster(event_type: EventType, length: timedelta, start: datetime, end: datetime) -> Iterator[datetime]:
    """The starts within [start, end), counted in steps of one length from each day's opening."""
    end = min(end, start + _RANGE_LIMIT)
    zone = ZoneInfo(event_type.time_zone)
    day, last_day = start.astimezone(zone).date(), end.astimezone(zone).date()
    while day <= last_day:
        slot, closes_at = _hours_of(event_type, day)
        while slot + length <= closes_at:
            if start <= slot < end:
                yield slot
            slot += length
        day += timedelta(days=1)


def _hours_of(event_type: EventType, day: date) -> tuple[datetime, datetime]:
    opens_hour, closes_hour = event_type.opens
    zone = ZoneInfo(event_type.time_zone)
    closing_day, closing_hour = (day + timedelta(days=1), 0) if closes_hour == 24 else (day, closes_hour)
    return (
        datetime.combine(day, time(opens_hour), zone).astimezone(UTC),
        datetime.combine(closing_day, time(closing_hour), zone).astimezone(UTC),
    )
