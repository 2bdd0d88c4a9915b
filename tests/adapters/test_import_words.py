"""What a row of another program's table says, in our words."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from einmal.adapters.tables.old_rows import OldRow
from einmal.adapters.tables.old_words import OldWords, instant_in
from einmal.domain.intent import State
from einmal.domain.model import Person, Service
from einmal.domain.takeover import LeftOut, LeftWhy, Old

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
START = "2026-12-01 10:00:00"
BERLIN = ZoneInfo("Europe/Berlin")
WORDS = OldWords(
    tenant_id="default",
    source="appointments",
    zone=BERLIN,
    region="DE",
    services={"7": Service("beratung", "Beratung", 101, 30)},
    statuses={"scheduled": State.CONFIRMED, "no_show": None, "confirmed": State.PENDING, "": State.CANCELLED},
    has_status=True,
    nobodys=frozenset({"info@altersalon.de", "+4930901829"}),
    house_email="termin@salon.test",
    house_numbers=frozenset({"+4930901800"}),
)
ROW = OldRow(
    "1", "uid_1", "7", START, "2026-10-06 09:05:21", None, "call_a", "scheduled", "Anna Weiß", None, None, False
)


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        (START, "2026-12-01T09:00:00+00:00"),
        ("2026-07-01T10:00", "2026-07-01T08:00:00+00:00"),
        ("2026-12-01T10:00:00+00:00", "2026-12-01T10:00:00+00:00"),
        ("2026-12-01 10:00:00+00", "2026-12-01T10:00:00+00:00"),
        ("2026-12-01T10:00:00.25Z", "2026-12-01T10:00:00.250000+00:00"),
        ("1796115600", "2026-12-01T09:00:00+00:00"),
        ("1796115600000", "2026-12-01T09:00:00+00:00"),
        ("2026-10-25 02:30:00+02:00", "2026-10-25T00:30:00+00:00"),
        ("2026-03-29 02:30:00", None),
        ("2026-10-25 02:30:00", None),
        ("2026-12-01", None),
        ("20261201", None),
        ("0000-00-00 00:00:00", None),
        ("0001-01-01 00:30:00", None),
        ("9" * 40, None),
        ("infinity", None),
        ("morgen", None),
        ("", None),
        (None, None),
    ],
)
def test_when_it_is(text: str | None, instant: str | None) -> None:
    """As a table may write it; a time that the clock skips or repeats, and a day alone, are none."""
    found = instant_in(text, BERLIN)
    assert (None if found is None else found.isoformat()) == instant


def test_when_it_was_made_need_not_be_that_exact() -> None:
    """In the hour that is there twice it was at one of the two; and never after now, nor unknown."""
    made = (
        ("2026-10-25 02:30:00", datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
        ("2027-01-01 00:00:00", NOW),
        (None, NOW),
        (" ", NOW),
    )
    for text, at in made:
        found = WORDS.old(ROW._replace(created_at=text), NOW)
        assert isinstance(found, Old)
        assert found.created_at == at
    assert WORDS.old(ROW._replace(created_at="gestern"), NOW) == LeftOut(
        "appointments#1", LeftWhy.UNREADABLE_TIME, "created_at"
    )


@pytest.mark.parametrize(
    ("change", "why", "detail"),
    [
        ({"booking_uid": None}, LeftWhy.NO_BOOKING, ""),
        ({"booking_uid": " "}, LeftWhy.NO_BOOKING, ""),
        ({"booking_uid": "x" * 256}, LeftWhy.NO_BOOKING, "more than 255 letters"),
        ({"twice": True}, LeftWhy.BOOKING_TWICE, ""),
        ({"status": "done"}, LeftWhy.UNKNOWN_STATUS, "done"),
        ({"status": "no_show"}, LeftWhy.SKIPPED, ""),
        ({"service": None}, LeftWhy.UNKNOWN_SERVICE, "NULL"),
        ({"service": "8"}, LeftWhy.UNKNOWN_SERVICE, "8"),
        ({"starts_at": "bald"}, LeftWhy.UNREADABLE_TIME, "starts_at"),
        ({"ends_at": START}, LeftWhy.UNREADABLE_TIME, "ends_at"),
        ({"ends_at": "bald"}, LeftWhy.UNREADABLE_TIME, "ends_at"),
        ({"name": None}, LeftWhy.NO_NAME, ""),
        ({"name": " - "}, LeftWhy.NO_NAME, ""),
        ({"booking_uid": None, "service": "8"}, LeftWhy.NO_BOOKING, ""),
    ],
)
def test_why_a_row_is_left_out(change: dict[str, str | bool | None], why: LeftWhy, detail: str) -> None:
    """The first reason is told, and what is to be mended."""
    assert WORDS.old(ROW._replace(**change), NOW) == LeftOut("appointments#1", why, detail)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("scheduled", State.CONFIRMED),
        ("confirmed", State.PENDING),
        ("pending", State.PENDING),
        ("canceled", State.CANCELLED),
        (" cancelled ", State.CANCELLED),
        (None, State.CANCELLED),
    ],
)
def test_how_it_stands(status: str | None, state: State) -> None:
    """The mapping's words first, then those that mean themselves; NULL is written as an empty text."""
    found = WORDS.old(ROW._replace(status=status), NOW)
    assert isinstance(found, Old)
    assert found.state is state


def test_without_a_column_for_it_all_of_them_stand() -> None:
    found = replace(WORDS, has_status=False).old(ROW._replace(status=None), NOW)
    assert isinstance(found, Old)
    assert found.state is State.CONFIRMED


@pytest.mark.parametrize(
    ("phone", "email", "person"),
    [
        ("030 / 90 18 20", None, Person("Anna Weiß", "+4930901820")),
        (None, " Anna.Weiss@Altersalon.de ", Person("Anna Weiß", None, "anna.weiss@altersalon.de")),
        ("anonymous", "info@altersalon.de", Person("Anna Weiß")),
        ("+4930901829", "termin@salon.test", Person("Anna Weiß")),
        ("030 901800", "termin+4f3a@salon.test", Person("Anna Weiß")),
        ("0123456789", "kunde@example.com", Person("Anna Weiß")),
        ("12", "no address", Person("Anna Weiß")),
    ],
)
def test_who_it_is_for(phone: str | None, email: str | None, person: Person) -> None:
    """What is nobody's, made up or the house's own is no identity: taken for one, it would make strangers one."""
    found = WORDS.old(ROW._replace(phone=phone, email=email, name=" Anna\n Weiß "), NOW)
    assert isinstance(found, Old)
    assert found.wish.person == person


def test_a_number_without_a_country_is_of_the_house_s() -> None:
    """Whatever zone the table's times are of."""
    words = replace(WORDS, zone=ZoneInfo("UTC"), region="AT")
    found = words.old(ROW._replace(phone="01 5127890"), NOW)
    assert isinstance(found, Old)
    assert (found.wish.person.phone, found.wish.start.hour) == ("+4315127890", 10)


def test_how_long_it_is() -> None:
    """As it stands there, else as long as the service takes now."""
    plain = WORDS.old(ROW, NOW)
    longer = WORDS.old(ROW._replace(ends_at="2026-12-01 11:15:00"), NOW)
    assert isinstance(plain, Old)
    assert isinstance(longer, Old)
    assert plain.end - plain.wish.start == timedelta(minutes=30)
    assert longer.end - longer.wish.start == timedelta(minutes=75)
