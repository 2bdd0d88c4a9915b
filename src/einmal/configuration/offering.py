"""What a house offers, and who does it: services and staff, told apart by what callers call them.

Two services that a caller's word would name both are a mistake here, because at the phone the first of them would be
booked. Names are compared as the spoken word is: without case, umlauts, accents and titles.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import islice
from typing import Final

from einmal.configuration.problems import shown
from einmal.configuration.table import SENTENCE_MAX, Report, Table
from einmal.domain.house import StaffMember
from einmal.domain.keys import normal_name
from einmal.domain.model import Segment, Service

MINUTES_MAX: Final = 24 * 60
NUMBER_MAX: Final = 2**31 - 1
"""Cal.com's ids are 32-bit integers."""
NOTICE_MINUTES_MAX: Final = 365 * 24 * 60
HORIZON_DAYS: Final = 365
HORIZON_DAYS_MAX: Final = 1095
SEGMENTS_MIN: Final = 2
SEGMENTS_MAX: Final = 6
"""Each is a booking of its own, one after the other, while somebody waits on the phone."""
NAMED_MAX: Final = 10
STAFF_COMPARED_MAX: Final = 100

_SERVICE_CALLED: Final = {
    "duration": "duration_minutes",
    "minutes": "duration_minutes",
    "length": "duration_minutes",
    "event_type": "event_type_id",
    "notice": "notice_minutes",
    "horizon": "horizon_days",
    "title": "name",
    "alias": "aliases",
}
_SEGMENT_CALLED: Final = {
    "duration": "duration_minutes",
    "minutes": "duration_minutes",
    "length": "duration_minutes",
    "event_type": "event_type_id",
    "gap": "gap_minutes",
    "pause_minutes": "gap_minutes",
}
_STAFF_CALLED: Final = {"user": "user_id", "calcom_user_id": "user_id", "alias": "aliases", "staff_id": "id"}


def read_staff(tenant: Table) -> tuple[StaffMember, ...]:
    tables = tenant.tables("staff")
    members = tuple(_member(table) for table in tables)
    _distinct(tables, [member.staff_id for member in members], "id")
    _distinct(tables, [member.user_id for member in members], "user_id")
    _told_apart(tables, members)
    return members


def read_services(tenant: Table, staff: Sequence[StaffMember]) -> tuple[Service, ...]:
    """`staff` are those who may do one."""
    tables = tenant.tables("services")
    known = {member.staff_id: member.name for member in staff}
    services = tuple(_service(table, known) for table in tables)
    _distinct(tables, [service.service_id for service in services], "id")
    _told_apart(tables, services)
    return services


def _member(table: Table) -> StaffMember:
    staff_id = table.text("id", needed='a word of yours that services name this person by, such as "anna"')
    name = table.text("name", needed="the name that callers use")
    aliases = tuple(text for _, text in table.texts("aliases"))
    user_id = table.whole("user_id", 1, NUMBER_MAX)
    table.end(_STAFF_CALLED)
    return StaffMember(staff_id or "", name or "", aliases, user_id)


def _service(table: Table, staff: dict[str, str]) -> Service:
    service_id = table.text("id")
    name = table.text("name", needed="what callers call it")
    aliases = tuple(text for _, text in table.texts("aliases"))
    segments = _segments(table, staff) if table.raw("segments") is not None else ()
    booked = _whole(segments) if table.raw("segments") is not None else _single(table, staff)
    notice = table.whole("notice_minutes", 0, NOTICE_MINUTES_MAX)
    horizon = table.whole("horizon_days", 1, HORIZON_DAYS_MAX)
    description = table.text("description", most=SENTENCE_MAX)
    table.end(_SERVICE_CALLED)
    made = Service(
        service_id or str(booked.event_type_id or ""),
        name or "",
        booked.event_type_id,
        booked.duration_minutes,
        aliases,
        booked.staff,
        description=description or "",
        notice=timedelta(minutes=notice or 0),
        horizon=timedelta(days=horizon or HORIZON_DAYS),
        segments=segments,
    )
    if made.notice >= made.horizon:
        table.problem("notice_minutes", "is longer than the horizon, so that it could never be booked")
    return made


def _single(table: Table, staff: dict[str, str]) -> Segment:
    event_type_id = table.whole(
        "event_type_id", 1, NUMBER_MAX, needed="the number of the event type at Cal.com, from the end of its address"
    )
    minutes = table.whole("duration_minutes", 1, MINUTES_MAX, needed="how long it takes, as Cal.com has it")
    return Segment(event_type_id or 0, minutes or 0, staff=_named_staff(table, staff))


def _segments(table: Table, staff: dict[str, str]) -> tuple[Segment, ...]:
    """What is booked, who does it and how long it takes is told by the segments alone."""
    parts = table.tables("segments")
    segments = tuple(_segment(part, staff, is_first=number == 0) for number, part in enumerate(parts))
    written = table.raw("segments")
    if isinstance(written, list) and not SEGMENTS_MIN <= len(written) <= SEGMENTS_MAX:
        told = f"must be {SEGMENTS_MIN} to {SEGMENTS_MAX}, each a booking of its own, and there are {len(written)}"
        table.problem("segments", told)
    minutes = _whole(segments).duration_minutes
    if minutes > MINUTES_MAX:
        table.problem("segments", f"take {minutes} minutes with their gaps, and must not take more than {MINUTES_MAX}")
    for key in ("event_type_id", "duration_minutes", "staff"):
        if table.raw(key) is not None:
            table.problem(key, "belongs into each of the [[segments]]: the service is made of them")
    if "id" not in table:
        table.lack("id", 'a word of yours, such as "colour": there is no one event type to name it by')
    return segments


def _segment(table: Table, staff: dict[str, str], *, is_first: bool) -> Segment:
    made = _single(table, staff)
    gap = table.whole("gap_minutes", 0, MINUTES_MAX)
    table.end(_SEGMENT_CALLED)
    if is_first and gap:
        table.problem("gap_minutes", "is the time after the segment before, and before the first there is none")
    return replace(made, gap_minutes=gap or 0)


def _whole(segments: Sequence[Segment]) -> Segment:
    """What the service is where it is taken for one: of the first event type, as long as all, done by all of theirs."""
    minutes = sum(one.gap_minutes + one.duration_minutes for one in segments)
    everybody = any(not one.staff for one in segments)
    staff = () if everybody else tuple(dict.fromkeys(member for one in segments for member in one.staff))
    return Segment(segments[0].event_type_id if segments else 0, minutes, staff=staff)


def _named_staff(table: Table, known: dict[str, str]) -> tuple[str, ...]:
    """The ids of those who do it; each must be somebody's."""
    found: list[str] = []
    seen: set[str] = set()
    for number, staff_id in table.texts("staff"):
        if staff_id in seen:
            table.element_problem("staff", number, f"{shown(staff_id)} stands twice")
        elif staff_id not in known:
            table.element_problem("staff", number, f"nobody has the id {shown(staff_id)}; {_who(staff_id, known)}")
        else:
            found.append(staff_id)
        seen.add(staff_id)
    return tuple(found)


def _who(staff_id: str, known: dict[str, str]) -> str:
    if not known:
        return "this house names no staff, each under [[staff]] with an id and a name"
    wanted = normal_name(staff_id)
    for one, name in islice(known.items(), STAFF_COMPARED_MAX):
        if wanted and wanted in {normal_name(one), normal_name(name)}:
            return f"did you mean {shown(one)}?"
    return f"there are: {', '.join(islice(known, NAMED_MAX))}" + (", …" if len(known) > NAMED_MAX else "")


def _distinct(tables: Sequence[Table], values: Sequence[str | int | None], key: str) -> None:
    first: dict[str | int, Table] = {}
    for table, value in zip(tables, values, strict=True):
        if not value:
            continue
        if value in first:
            other = table.report.place(first[value].path)
            if key in table:
                table.problem(key, f"{key} {shown(value)} belongs to {other} already")
            else:
                table.problem(None, f"needs an id: without one it is that of the event type, {value}, as for {other}")
        else:
            first[value] = table


def _told_apart(tables: Sequence[Table], items: Sequence[Service] | Sequence[StaffMember]) -> None:
    """No word that a caller may say may name two of them."""
    first: dict[str, tuple[int, str, tuple[str | int, ...]]] = {}
    for index, table in enumerate(tables):
        for text, path in _called(table, items[index]):
            plain = normal_name(text)
            if not plain:
                table.report.add(path, f"{shown(text)} has no letter or digit, so nobody can say it")
                continue
            # An id that stands twice is told as such.
            other = first.setdefault(plain, (index, text, path))
            if other[0] != index and not (text == other[1] and path[-1] == other[2][-1] == "id"):
                table.report.add(path, _clash(table.report, text, other[1], other[2]))


def _clash(report: Report, text: str, other: str, path: tuple[str | int, ...]) -> str:
    same = "stands" if text == other else f"is heard as {shown(other)}, which stands"
    return f"{shown(text)} {same} at {report.place(path)} too; a caller's word must name one of them only"


def _called(table: Table, item: Service | StaffMember) -> Iterator[tuple[str, tuple[str | int, ...]]]:
    """By what it may be named, and where that stands. An id that is given may be said as well."""
    own_id = item.service_id if isinstance(item, Service) else item.staff_id
    if "id" in table and own_id:
        yield own_id, (*table.path, "id")
    if item.name:
        yield item.name, (*table.path, "name")
    for alias in item.aliases:
        yield alias, (*table.path, "aliases")
