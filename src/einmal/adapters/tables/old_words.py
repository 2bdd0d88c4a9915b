"""What a row of another program's table says, in our words: when, for whom, and how it stands.

Nothing is guessed. A time that does not exist, a service that nobody named, a row without a name is left out and told;
a number or an address that is nobody's is no identity, and the row is known by what else it has.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from einmal.adapters.tables.old_rows import OldRow
from einmal.adapters.tables.spelling import shown_value
from einmal.domain.intent import State
from einmal.domain.keys import is_house_address
from einmal.domain.model import Person, Service, Wish
from einmal.domain.takeover import LeftOut, LeftWhy, Old
from einmal.speech.contact import OddAddress, email_address, nobodys_address, phone_number

_MILLISECONDS_FROM: Final = 100_000_000_000
"""As seconds it would be the year 5138; a number as large as this counts milliseconds."""

LETTERS_MAX: Final = 255
"""No uid, call id or name is longer; what is, is something else, and too long for an index."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_DIGITS_MIN: Final = 9
"""Fewer are no instant of this century, and may be a date."""


@dataclass(frozen=True, slots=True)
class OldWords:
    """What the words of one table mean. `services` and `statuses` by what stands there; a status of None is left out.
    `source` is what its rows are called after here.

    `zone` is that of times which name none, `region` the country of numbers that name none. `nobodys` are addresses and
    numbers that stand where none was known; `house_email` and `house_numbers` are our own house's, which tell nobody
    either.
    """

    tenant_id: str
    source: str
    zone: ZoneInfo
    region: str
    services: Mapping[str, Service]
    statuses: Mapping[str, State | None]
    has_status: bool
    nobodys: frozenset[str] = frozenset()
    house_email: str | None = None
    house_numbers: frozenset[str] = frozenset()

    def read(self, rows: Iterator[OldRow], now: datetime) -> Iterator[Old | LeftOut]:
        return (self.old(row, now) for row in rows)

    def old(self, row: OldRow, now: datetime) -> Old | LeftOut:
        """The appointment, or the first reason to leave it out."""
        ref, uid = f"{self.source}#{row.key}", (row.booking_uid or "").strip()
        status = (row.status or "").strip()
        state = self.statuses.get(status, _PLAIN.get(status)) if self.has_status else State.CONFIRMED
        if status in self.statuses and state is None:
            return LeftOut(ref, LeftWhy.SKIPPED)
        service = self.services.get((row.service or "").strip())
        name = " ".join((row.name or "").split())[:LETTERS_MAX]
        times = self._times(row, now, service)
        wrong = self._wrong(row, uid, state, service, times, name)
        if wrong is not None or state is None or service is None or isinstance(times, str):
            why, detail = wrong or (LeftWhy.UNREADABLE_TIME, "")
            return LeftOut(ref, why, detail)
        start, end, created = times
        person = Person(name, self._phone(row.phone), self._email(row.email))
        call_id = (row.call_id or "").strip()
        wish = Wish(self.tenant_id, call_id if 0 < len(call_id) <= LETTERS_MAX else None, service, start, person)
        return Old(ref, wish, end, state, uid, created)

    def _wrong(
        self,
        row: OldRow,
        uid: str,
        state: State | None,
        service: Service | None,
        times: tuple[datetime, ...] | str,
        name: str,
    ) -> tuple[LeftWhy, str] | None:
        if not uid or len(uid) > LETTERS_MAX:
            return LeftWhy.NO_BOOKING, f"more than {LETTERS_MAX} letters" if uid else ""
        if row.twice:
            return LeftWhy.BOOKING_TWICE, ""
        if state is None:
            return LeftWhy.UNKNOWN_STATUS, _shown(row.status)
        if service is None:
            return LeftWhy.UNKNOWN_SERVICE, _shown(row.service)
        if isinstance(times, str):
            return LeftWhy.UNREADABLE_TIME, times
        return None if any(map(str.isalnum, name)) else (LeftWhy.NO_NAME, "")

    def _times(self, row: OldRow, now: datetime, service: Service | None) -> tuple[datetime, datetime, datetime] | str:
        """Start, end and when it was made; or which of them cannot be read."""
        start = instant_in(row.starts_at, self.zone)
        if start is None:
            return "starts_at"
        ends_at = (row.ends_at or "").strip()
        end = instant_in(ends_at, self.zone) if ends_at else start + (service.duration if service else timedelta(0))
        if end is None or (ends_at and end <= start):
            return "ends_at"
        made_at = (row.created_at or "").strip()
        # In the hour that the clock repeats a call was at one of the two, and it does not matter at which.
        created = instant_in(made_at, self.zone, strict=False) if made_at else now
        return "created_at" if created is None else (start, end, min(created, now))

    def _phone(self, text: str | None) -> str | None:
        number = phone_number(text, self.region) if text else None
        return None if number in self.house_numbers or number in self.nobodys else number

    def _email(self, text: str | None) -> str | None:
        try:
            address = email_address(text) if text else None
        except OddAddress:
            return None
        if address is None or address in self.nobodys or nobodys_address(address):
            return None
        return None if self.house_email is not None and is_house_address(address, self.house_email) else address


_PLAIN: Final[Mapping[str, State]] = {
    "confirmed": State.CONFIRMED,
    "pending": State.PENDING,
    "cancelled": State.CANCELLED,
    "canceled": State.CANCELLED,
}
"""Words that mean the same there as here, unless the mapping says something else of them."""


def instant_in(text: str | None, zone: ZoneInfo, *, strict: bool = True) -> datetime | None:
    """ISO text, or seconds or milliseconds since 1970; None for what is none of them.

    Where it names no zone it is a time of `zone`: then, if `strict`, not one that the clock skips or repeats.
    """
    plain = (text or "").strip()
    try:
        if plain.isascii() and plain.isdigit():
            return _since_1970(int(plain)) if _DIGITS_MIN <= len(plain) <= 15 else None
        value = datetime.fromisoformat(plain)
        if ":" not in plain:
            return None  # a day is no time
        if value.tzinfo is not None:
            return value.astimezone(UTC)
        both = [value.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)]
        return None if strict and both[0] != both[1] else both[0]
    except (ValueError, OverflowError):
        return None


def _since_1970(number: int) -> datetime:
    return _EPOCH + timedelta(seconds=number / 1000 if number >= _MILLISECONDS_FROM else number)


def _shown(text: str | None) -> str:
    return "NULL" if text is None else shown_value(text) or "an empty text"
