"""From the query string of a GET to what was asked for, or to what Cal.com finds wrong with it.

A list request reports its mistakes as a list of details under one general message; a slots request names them
in the message itself. Unknown parameters are ignored in both.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from einmal.simulator.listing import PAGE_SIZE_DEFAULT, BookingFilter, ListedStatus, SortKey
from einmal.simulator.validation import Complaint, Malformed, is_time_zone, read_instant

NOT_SIMULATED_FILTERS = frozenset({"teamId", "teamsIds"})

_BOUNDS = {
    "afterStart": "fromDate must be a valid ISO 8601 date.",
    "beforeEnd": "toDate must be a valid ISO 8601 date.",
    "afterCreatedAt": "afterCreatedAt must be a valid ISO 8601 date.",
    "beforeCreatedAt": "beforeCreatedAt must be a valid ISO 8601 date.",
    "afterUpdatedAt": "afterUpdatedAt must be a valid ISO 8601 date.",
    "beforeUpdatedAt": "beforeUpdatedAt must be a valid ISO 8601 date.",
}
_STATUSES = {status.value: status for status in ListedStatus}
_Mistake = tuple[str, str, str]  # the parameter, the rule it breaks, the words for that
_TEXTS = ("attendeeEmail", "attendeeName", "bookingUid")


@dataclass(frozen=True)
class WrongParameters:
    """What is wrong with a list request: Cal.com's `details.errors`."""

    errors: tuple[dict[str, object], ...]


@dataclass(frozen=True)
class SlotsQuery:
    """What a slots request asks for."""

    event_type_id: int | None
    event_type_slug: str | None
    username: str | None
    start: datetime
    end: datetime
    time_zone: str
    duration_minutes: int | None
    as_range: bool


def read_list_query(query: Mapping[str, str]) -> BookingFilter | WrongParameters:
    """The filter of GET /v2/bookings. An empty parameter is no filter."""
    given = {name: value for name, value in query.items() if value}
    target = _converted(given)
    bounds = {name: read_instant(given.get(name)) for name in _BOUNDS}
    mistakes = [
        *_status_mistakes(target.get("status")),
        *((name, "isIso8601", text) for name, text in _BOUNDS.items() if name in given and not bounds[name]),
        *_count_mistakes(target, "take", 1, 250),
        *_count_mistakes(target, "skip", 0, None),
        *(
            (name, "isEnum", f'{name[0].upper()}{name[1:]} must be either "asc" or "desc".')
            for name in (key.value for key in SortKey)
            if given.get(name, "asc") not in {"asc", "desc"}
        ),
    ]
    if not mistakes:
        return _to_filter(given, bounds)
    errors = tuple(
        {
            "target": target,
            "value": target[name],
            "property": name,
            "children": [],
            "constraints": {rule: text},
        }
        for name, rule, text in mistakes
    )
    return WrongParameters(errors)


def _status_mistakes(statuses: object) -> Iterator[_Mistake]:
    if isinstance(statuses, list) and not all(status in _STATUSES for status in statuses):
        yield "status", "isEnum", f"Invalid status. Allowed are {', '.join(_STATUSES)}"


def _count_mistakes(target: Mapping[str, object], name: str, least: int, most: int | None) -> Iterator[_Mistake]:
    number = target.get(name, least)
    if not isinstance(number, int):
        yield name, "isNumber", f"{name} must be a number conforming to the specified constraints"
    elif number < least:
        yield name, "min", f"{name} must not be less than {least}"
    elif most is not None and number > most:
        yield name, "max", f"{name} must not be greater than {most}"


def read_slots_query(query: Mapping[str, str]) -> SlotsQuery | Malformed:
    """What GET /v2/slots asks for; an end without a time means the end of that day."""
    complaints = []
    start, end = read_instant(query.get("start")), read_instant(query.get("end"))
    for name, moment in (("start", start), ("end", end)):
        if moment is None:
            complaints.append(Complaint(name, (f"{name} must be a valid ISO 8601 date string",)))
    zone = query.get("timeZone") or "UTC"
    if not is_time_zone(zone):
        complaints.append(Complaint("timeZone", ("timeZone must be a valid IANA time-zone",)))
    form = query.get("format") or "time"
    if form not in {"time", "range"}:
        complaints.append(Complaint("format", ("format must be either 'range' or 'time'",)))
    duration = _whole(query.get("duration") or "")
    if query.get("duration") and not duration:
        complaints.append(Complaint("duration", ("duration must be a number",)))
    if complaints or start is None or end is None:
        return Malformed(", ".join(str(complaint) for complaint in complaints))
    return SlotsQuery(
        event_type_id=_whole(query.get("eventTypeId", "")),
        event_type_slug=query.get("eventTypeSlug"),
        username=query.get("username"),
        start=start,
        end=end if "T" in query["end"] else end + timedelta(hours=23, minutes=59, seconds=59),
        time_zone=zone,
        duration_minutes=duration,
        as_range=form == "range",
    )


def _to_filter(given: Mapping[str, str], bounds: Mapping[str, datetime | None]) -> BookingFilter:
    ids = ",".join(given[name] for name in ("eventTypeIds", "eventTypeId") if name in given)
    return BookingFilter(
        # In a URL "+" means a space. Cal.com turns it back, because addresses hold no spaces but many a plus.
        attendee_email=given["attendeeEmail"].replace(" ", "+") if "attendeeEmail" in given else None,
        attendee_name=given.get("attendeeName"),
        uid=given.get("bookingUid"),
        # 0 is nobody's id: a text that is no number names an event type that does not exist.
        event_type_ids=frozenset(_whole(part) or 0 for part in ids.split(",")) if ids else None,
        after_start=bounds["afterStart"],
        before_end=bounds["beforeEnd"],
        after_created=bounds["afterCreatedAt"],
        before_created=bounds["beforeCreatedAt"],
        after_updated=bounds["afterUpdatedAt"],
        before_updated=bounds["beforeUpdatedAt"],
        statuses=frozenset(_STATUSES[part.strip()] for part in given.get("status", "").split(",") if part),
        descending=tuple((key, given[key.value] == "desc") for key in SortKey if key.value in given),
        take=int(given.get("take", PAGE_SIZE_DEFAULT)),
        skip=int(given.get("skip", 0)),
    )


def _converted(given: Mapping[str, str]) -> dict[str, object]:
    """The known parameters as Cal.com quotes them in an error: lists split, counts as numbers."""
    converted: dict[str, object] = {}
    for name, value in given.items():
        if name == "status":
            converted[name] = [part.strip() for part in value.split(",")]
        elif name in {"take", "skip"}:
            number = _whole(value)
            converted[name] = value if number is None else number
        elif name in _BOUNDS or name in _TEXTS or name.startswith(("eventTypeId", "sort")):
            converted[name] = value
    return converted


def _whole(text: str) -> int | None:
    """A whole number of a size that fits a database column."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None
