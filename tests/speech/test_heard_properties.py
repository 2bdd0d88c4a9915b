"""What holds of every text: what we say is heard as that instant, nothing raises, and nothing takes long."""

from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from time import perf_counter
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from einmal.domain.opening import Bookable, OpeningHours, Span
from einmal.speech.german_words import FILLERS, FROM_TODAY, MONTHS, PARTS, WEEKDAYS
from einmal.speech.heard import FAR, READ_BACK_MAX, Frame, Heard, hear, hear_start
from einmal.speech.said import Case, Language, say_day, say_instant
from einmal.speech.words import TEXT_MAX

NOW = datetime(2026, 3, 20, 9, 17, tzinfo=UTC)
"""A week before the clocks go forward, so that 700 days see every change of clocks twice."""

ZONES = st.sampled_from(["Europe/Berlin", "UTC", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"]).map(
    ZoneInfo
)
LANGUAGES = st.sampled_from(Language)
CASES = st.sampled_from(Case)
AHEAD = st.integers(1, 700 * 24 * 60).map(lambda minutes: NOW + timedelta(minutes=minutes))
SAID_AT = st.integers(0, 1200 * 24 * 60).map(lambda minutes: NOW + timedelta(minutes=minutes))


def changes_of(zone: ZoneInfo) -> list[datetime]:
    """Every hour of the year around which the clocks of that zone change."""
    hours = (NOW + timedelta(hours=hour) for hour in range(700 * 24))
    offsets = [(hour, hour.astimezone(zone).utcoffset()) for hour in hours]
    return [hour for (hour, one), (_, other) in pairwise(offsets) if one != other]


CHANGES = {name: changes_of(ZoneInfo(name)) for name in ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe")}


@given(at=AHEAD, zone=ZONES, language=LANGUAGES, heard_in=LANGUAGES, case=CASES)
def test_what_we_say_is_heard_as_that_instant(
    at: datetime, zone: ZoneInfo, language: Language, heard_in: Language, case: Case
) -> None:
    """Whatever we spoke, said back to us, is that very instant, in whichever language the tenant speaks."""
    frame = Frame(NOW, zone, heard_in)
    assert hear(say_instant(at, zone, language, NOW, case), frame).start == at
    assert hear(say_instant(at, zone, language, None, case), frame).start == at


@pytest.mark.parametrize("zone_name", list(CHANGES))
@pytest.mark.parametrize("language", list(Language))
def test_around_a_change_of_clocks_too(zone_name: str, language: Language) -> None:
    """The hours that come twice, minute by quarter: one is told from the other."""
    zone = ZoneInfo(zone_name)
    assert len(CHANGES[zone_name]) >= 3
    for change in CHANGES[zone_name]:
        for minutes in range(-180, 180, 15):
            at = change + timedelta(minutes=minutes)
            assert hear(say_instant(at, zone, language, NOW), Frame(NOW, zone, language)).start == at


@given(at=AHEAD, now=SAID_AT, zone=ZONES, language=LANGUAGES)
def test_it_is_heard_whenever_it_is_said(at: datetime, now: datetime, zone: ZoneInfo, language: Language) -> None:
    """Said with its year, an instant is itself or over; it never becomes another."""
    heard = hear(say_instant(at, zone, language, None), Frame(now, zone, language))
    assert heard.start == (at if at > now else None)


@given(at=AHEAD, zone=ZONES, language=LANGUAGES)
def test_what_we_write_is_heard_as_that_instant(at: datetime, zone: ZoneInfo, language: Language) -> None:
    """The ISO start of our own answers, handed back, is that very instant in any zone."""
    local, frame = at.astimezone(zone), Frame(NOW, zone, language)
    assert hear_start(local.isoformat(), None, frame).start == at
    assert hear(local.isoformat(), frame).start == at
    again = hear_start(f"{local:%Y-%m-%d}", f"{local:%H:%M}", frame).start
    # Without its offset, an hour that comes twice is the first of the two.
    assert again == local.replace(fold=0).astimezone(UTC)
    assert again in {at, at - timedelta(hours=1), at - timedelta(minutes=30)}


@given(at=AHEAD, zone=ZONES, language=LANGUAGES)
def test_a_day_that_we_say_is_heard_as_that_day(at: datetime, zone: ZoneInfo, language: Language) -> None:
    """A day without a time asks for the time, and for nothing else; of last month's this year, for the day too."""
    local = at.astimezone(zone).date()
    heard = hear(say_day(at, zone, language, None), Frame(NOW, zone, language))
    assert [item.field for item in heard.missing] == ["time"]
    assert heard.day == local


WORDS = st.sampled_from(
    [
        *(*WEEKDAYS, *MONTHS, *FROM_TODAY, *PARTS, *sorted(FILLERS)),
        *("nächste", "kommenden", "übernächste", "diese", "woche", "in", "tagen", "monat", "wochenende", "anfang"),
        *("halb", "viertel", "dreiviertel", "vor", "nach", "uhr", "ab", "bis", "zwischen", "und", "gegen", "kurz"),
        *(
            "1.",
            "24.12.",
            "3",
            "10",
            "15:30",
            "3:30",
            "10.30",
            "99",
            "0",
            "2026-12-01",
            "2026",
            "26",
            "12/01/2026",
            "24:00",
        ),
        *("T10:00", "Z", "+01:00", "oder", "nicht", "Silvester", "nacht", "mitternacht", "vor der zeitumstellung"),
        *(
            "next",
            "tuesday",
            "week",
            "tomorrow",
            "tonight",
            "half",
            "past",
            "to",
            "noon",
            "am",
            "pm",
            "or",
            "this",
            "a",
        ),
        *(
            "december",
            "first",
            "twenty",
            "six",
            "drei",
            "zweiten",
            "zwölften",
            "sechsundzwanzig",
            "the",
            "of",
            "on",
            "oh",
        ),
    ]
)
SENTENCES = st.lists(WORDS, max_size=9).map(" ".join)
TEXTS = st.one_of(SENTENCES, st.text(max_size=30), st.builds("{} {}".format, SENTENCES, st.text(max_size=5)))


def house(opens: int, minutes: int) -> Bookable:
    """Open every day from that hour to midnight."""
    return Bookable(OpeningHours(((Span(time(opens), time(0)),),) * 7), timedelta(minutes=minutes))


HOUSES = st.sampled_from([None, house(9, 30), house(17, 30)])


def holds(heard: Heard, frame: Frame) -> None:
    assert (heard.start is None) == bool(heard.missing)
    assert len(set(heard.missing)) == len(heard.missing)
    assert len({item.field for item in heard.missing}) == len(heard.missing)
    if heard.start is not None:
        assert frame.now < heard.start <= frame.now + FAR + timedelta(days=2)
        assert heard.readings == ()
    assert len(heard.readings) <= READ_BACK_MAX
    assert list(heard.readings) == sorted(set(heard.readings))
    today = frame.now.astimezone(frame.zone).date()
    assert all(one > frame.now or one.astimezone(frame.zone).date() == today for one in heard.readings)
    assert heard.window is None or heard.window[0] < heard.window[1]


@given(text=TEXTS, now=SAID_AT, zone=ZONES, language=LANGUAGES, house=HOUSES)
@example(text="", now=NOW, zone=ZoneInfo("UTC"), language=Language.GERMAN, house=None)
def test_no_text_makes_it_raise(
    text: str, now: datetime, zone: ZoneInfo, language: Language, house: Bookable | None
) -> None:
    """Whatever is said becomes a start in the future or a question, never both and never neither."""
    frame = Frame(now, zone, language, house)
    holds(hear(text, frame), frame)


@given(date=st.none() | TEXTS, time=st.none() | TEXTS, now=SAID_AT, language=LANGUAGES, house=HOUSES)
def test_no_two_fields_make_it_raise(
    date: str | None, time: str | None, now: datetime, language: Language, house: Bookable | None
) -> None:
    """The same of two fields."""
    frame = Frame(now, ZoneInfo("Europe/Berlin"), language, house)
    holds(hear_start(date, time, frame), frame)


@given(text=SENTENCES, word=st.sampled_from(["nicht", "außer", "not", "kein", "nie", "xyz"]), place=st.integers(0, 9))
def test_a_word_that_is_not_known_makes_a_question(text: str, word: str, place: int) -> None:
    """Wherever a "not" stands, nothing is booked."""
    words = text.split()
    said = " ".join([*words[:place], word, *words[place:]])
    assert hear(said, Frame(NOW, ZoneInfo("Europe/Berlin"))).start is None


@given(text=SENTENCES, now=SAID_AT)
def test_hours_settle_and_do_not_invent(text: str, now: datetime) -> None:
    """A start that hours make certain is one of the readings that would else be asked, or its evening."""
    zone = ZoneInfo("Europe/Berlin")
    asked, settled = hear(text, Frame(now, zone)), hear(text, Frame(now, zone, bookable=house(9, 0)))
    if settled.start is None:
        return
    if asked.start is not None:
        assert settled.start - asked.start in {timedelta(0), timedelta(hours=12)}
    elif asked.readings and len(asked.missing) == 1:
        assert settled.start in asked.readings


@pytest.mark.parametrize(
    "piece",
    ["um ", "am 1. ", "nächste ", "halb ", "10 uhr ", "zwischen 9 und ", "oder ", "the ", "ende der ", "1.", "a"],
)
def test_a_long_text_is_read_quickly(piece: str) -> None:
    """What is longer than anybody speaks costs nothing, and the longest that is read costs milliseconds."""
    frame = Frame(NOW, ZoneInfo("Europe/Berlin"))
    longest = (piece * TEXT_MAX)[:TEXT_MAX]
    hear(longest, frame)
    seconds = []
    for text in (longest, piece * 20_000):
        begin = perf_counter()
        hear_start(text, text, frame)
        seconds.append(perf_counter() - begin)
    assert max(seconds) < 0.25


@pytest.mark.parametrize("language", list(Language))
def test_a_text_too_long_is_a_question_and_not_its_beginning(language: Language) -> None:
    """What is cut off could be the "not"."""
    frame = Frame(NOW, ZoneInfo("Europe/Berlin"), language)
    said = "2026-12-01 10:00"
    padded = said + " " * (TEXT_MAX - len(said))
    assert hear(padded, frame).start is not None
    for text in (padded + " ", padded + "nicht", said + " bitte" * 40 + " nicht"):
        assert hear(text, frame).start is None
        assert hear_start(text, None, frame).start is None
        assert hear_start("2026-12-01", text, frame).start is None
