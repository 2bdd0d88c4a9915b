"""Appointments as a table, for a house's own books: streamed, bounded, and harmless to open in a spreadsheet."""

import csv
import io
import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from einmal.entrypoints.http.door import header
from einmal.entrypoints.web.entrance import NotAllowed
from einmal.entrypoints.web.pages import HEADERS, Endpoint
from einmal.entrypoints.web.site import Site
from einmal.ports.desk import Exported, Span
from einmal.tenancies import Tenancy

DAYS_MAX: Final = 92
ROWS_MAX: Final = 100_000
AT_ONCE: Final = 1_000
"""Rows that are read, and kept, at a time."""

HEAD: Final = (
    *("house", "start", "end", "service", "staff", "state", "name", "phone", "email"),
    *("call_id", "booking_uid", "booked_at", "intent_id"),
)

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""What a spreadsheet takes for the beginning of a formula. Callers choose their names."""

_PARTED: Final = re.compile(r";(?=\s*[=+\-@＝＋－＠])")
"""The same, where a cell would begin: German spreadsheets part them at semicolons, whatever the quotes around them."""


class NotExported(Exception):
    """The argument is a key of Words that says what is allowed."""


@dataclass(frozen=True, slots=True)
class Days:
    """From the first day to the last, both included."""

    first: date
    last: date

    def span(self, tenancy: Tenancy) -> Span:
        """The same days in that house's own time."""
        begin, end = self.first, self.last + timedelta(days=1)
        first, last = (datetime.combine(day, time(0), tenancy.voice.zone).astimezone(UTC) for day in (begin, end))
        return first, last


def asked_days(first: str | None, last: str | None) -> Days:
    """Raises NotExported."""
    try:
        days = Days(date.fromisoformat(first or ""), date.fromisoformat(last or ""))
        days.last + timedelta(days=2)
        days.first - timedelta(days=2)
    except (ValueError, OverflowError):
        raise NotExported("desk_export_dates") from None
    if days.last < days.first:
        raise NotExported("desk_export_dates")
    if (days.last - days.first).days >= DAYS_MAX:
        raise NotExported("desk_export_days")
    return days


def cell(value: str | None) -> str:
    """The text, so that no spreadsheet takes it for a formula."""
    text = _PARTED.sub(";'", value or "")
    return f"'{text}" if text.startswith(_FORMULA) else text


def lines(rows: Sequence[Sequence[str | None]]) -> bytes:
    """RFC 4180: commas, doubled quotes, CRLF."""
    written = io.StringIO()
    csv.writer(written, lineterminator="\r\n").writerows([cell(value) for value in row] for row in rows)
    return written.getvalue().encode("utf-8", "replace")


def row(tenancy: Tenancy, one: Exported) -> tuple[str | None, ...]:
    """In the order of HEAD; times are the house's own."""
    zone = tenancy.voice.zone
    times = (one.start, one.end, one.created_at)
    start, end, booked_at = (at.astimezone(zone).isoformat(timespec="minutes") for at in times)
    return (
        *(tenancy.tenant.name, start, end, one.service, one.staff, one.state.value, one.name, one.phone, one.email),
        *(one.call_id, one.booking_uid, booked_at, one.intent_id),
    )


@dataclass(frozen=True, slots=True)
class Export:
    site: Site

    async def download(self, request: Request) -> Response:
        visitor = self.site.pages.visitor(request)
        if not visitor.operates:
            raise NotAllowed("role")
        if header(request.scope, b"sec-fetch-site") in {"cross-site", "same-site"}:
            # On loopback, where nobody signs in, any page could have a browser fetch it, and the log say who did.
            raise NotAllowed("form")
        try:
            days = asked_days(request.query_params.get("from"), request.query_params.get("to"))
            count = await self._count(days)
        except NotExported as wrong:
            return self.site.pages.page(request, visitor, "trouble.html", 400, what=str(wrong))
        await self.site.record(
            "appointments_exported", visitor, first=days.first.isoformat(), last=days.last.isoformat(), rows=count
        )
        name = f"appointments-{days.first}-{days.last}.csv"
        headers = {**HEADERS, "Content-Disposition": f'attachment; filename="{name}"'}
        return StreamingResponse(self._table(days), headers=headers, media_type="text/csv; charset=utf-8")

    async def _count(self, days: Days) -> int:
        """How many rows there are. Raises NotExported where there are too many."""
        count = 0
        for one in self.site.gateway.tenancies.all:
            most = ROWS_MAX - count + 1
            count += await self.site.gateway.desk.live_within(one.tenant.tenant_id, days.span(one), most)
            if count > ROWS_MAX:
                raise NotExported("desk_export_rows")
        return count

    async def _table(self, days: Days) -> AsyncIterator[bytes]:
        # The mark tells spreadsheets that this is UTF-8: without it they make two letters of every umlaut.
        yield "\ufeff".encode() + lines([HEAD])
        for tenancy in self.site.gateway.tenancies.all:
            async for some in self._pages(tenancy, days.span(tenancy)):
                yield lines([row(tenancy, one) for one in some])

    async def _pages(self, tenancy: Tenancy, span: Span) -> AsyncIterator[Sequence[Exported]]:
        last: Exported | None = None
        while some := await self.site.gateway.desk.exported(tenancy.tenant.tenant_id, span, last, AT_ONCE):
            yield some
            last = some[-1]


def routes(site: Site) -> list[tuple[str, str, Endpoint]]:
    export = Export(site)
    return [("GET", "/export/appointments.csv", export.download)]
