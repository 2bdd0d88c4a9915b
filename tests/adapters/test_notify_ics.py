"""The appointment as a file: read back by a library that shares no line with the writer."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from icalendar import Calendar

from einmal.adapters.notify.ics import LINE_BYTES_MAX, published
from einmal.adapters.notify.plain import plain
from support.messages import HOSTILE, START, UID

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
END = START + timedelta(minutes=30)


def a_file(summary: str = "Beratung – Salon Größe", uid: str = UID) -> str:
    return published(uid, START, END, summary, "termine@salon.test", NOW)


def test_it_is_what_the_standard_wants() -> None:
    """RFC 5545 and, for PUBLISH, RFC 5546: when, what, whose, under the booking's own uid; in UTC."""
    calendar = Calendar.from_ical(a_file())
    assert (str(calendar["METHOD"]), str(calendar["VERSION"])) == ("PUBLISH", "2.0")
    (event,) = calendar.walk("VEVENT")
    assert (str(event["UID"]), event.start, event.end, event.decoded("DTSTAMP")) == (UID, START, END, NOW)
    assert (str(event["SUMMARY"]), str(event["STATUS"])) == ("Beratung – Salon Größe", "CONFIRMED")
    assert str(event["ORGANIZER"]) == "mailto:termine@salon.test"
    assert (calendar.errors, event.errors) == ([], [])
    assert "DTSTART:20261201T090000Z\r\n" in a_file()


def test_another_zone_is_the_same_instant() -> None:
    """Whatever zone the instants come in."""
    east = datetime.fromisoformat("2026-12-01T10:00:00+01:00")
    assert published(UID, east, END, "Beratung", "a@b.de", NOW) == published(UID, START, END, "Beratung", "a@b.de", NOW)


@pytest.mark.parametrize("text", ["a,b;c\\n", "\\", ";;,,", "Schnitt, Farbe; 50 %", "ä" * 199, "😀" * 60])
def test_what_is_special_comes_back_as_it_was(text: str) -> None:
    """Commas, semicolons and backslashes are escaped, long lines folded, and no letter is cut in two."""
    (event,) = Calendar.from_ical(a_file(text)).walk("VEVENT")
    assert str(event["SUMMARY"]) == text


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_nothing_gets_in_beside_it(text: str) -> None:
    """A line break in a name begins no property; what is not seen is gone."""
    calendar = Calendar.from_ical(a_file(text, uid=text))
    (event,) = calendar.walk("VEVENT")
    assert (str(event["SUMMARY"]), str(event["UID"])) == (plain(text), plain(text))
    assert set(event) == {"UID", "DTSTAMP", "DTSTART", "DTEND", "SUMMARY", "ORGANIZER", "STATUS"}
    assert event.start == START


@given(st.text(max_size=300))
def test_any_text_makes_a_file_of_short_lines(text: str) -> None:
    """75 bytes at most before each line break, which are all CRLF; read back it is the text in one line."""
    made = a_file(text)
    assert made.endswith("END:VCALENDAR\r\n")
    lines = made.split("\r\n")
    assert max(len(line.encode()) for line in lines) <= LINE_BYTES_MAX
    assert not any("\n" in line or "\r" in line for line in lines)
    (event,) = Calendar.from_ical(made).walk("VEVENT")
    assert str(event["SUMMARY"]) == plain(text)
