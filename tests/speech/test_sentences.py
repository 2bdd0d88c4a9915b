"""The sentences: one for each outcome and question, in both languages, short, and none that lies."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from einmal.domain.model import Offer
from einmal.domain.reply import BookedSlot, Missing, Outcome, Reply, Why
from einmal.speech.said import Language
from einmal.speech.sentences import OUTCOMES, QUESTIONS, Voice

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
START = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)
LETTERS_MAX = 160
"""About what is spoken in ten seconds; the common ones are half as long."""

LONG_START = datetime(2027, 9, 23, 15, 45, tzinfo=UTC)
"""No instant is longer in words: a Thursday in September of another year, with minutes."""

OCCUR = [
    *((outcome, Why.PLAIN) for outcome in Outcome if outcome is not Outcome.NEEDS_INPUT),
    (Outcome.IN_DOUBT, Why.OTHER_IN_DOUBT),
    (Outcome.REJECTED, Why.NOT_OFFERED),
    (Outcome.REJECTED, Why.KEY_REUSED),
    (Outcome.ERROR, Why.UNREACHABLE),
    (Outcome.ERROR, Why.NOTHING_NEW),
    (Outcome.ERROR, Why.TOO_BUSY),
]
"""What the flows and the endpoint make."""

OCCURRING = pytest.mark.parametrize(("outcome", "why"), OCCUR, ids=[f"{o}-{w}" for o, w in OCCUR])
BOTH = pytest.mark.parametrize("language", list(Language))


def voice(language: Language) -> Voice:
    return Voice(language, BERLIN)


def slot(start: datetime = START, service: str = "Beratung", staff: str | None = "Anna Weiß") -> BookedSlot:
    return BookedSlot("uid-4711", start, start + timedelta(minutes=30), service, staff)


def reply(outcome: Outcome, why: Why = Why.PLAIN, start: datetime = START, **more: Any) -> Reply:
    booked = outcome in {Outcome.BOOKED, Outcome.REQUESTED, Outcome.ALREADY_BOOKED}
    more.setdefault("booking", slot(start) if booked else None)
    return Reply(outcome, why, asked_start=start, error_id="01J-error", **more)


def offers(*hours: float, start: datetime = START) -> tuple[Offer, ...]:
    return tuple(Offer(start + timedelta(hours=hour), "beratung") for hour in hours)


@BOTH
@OCCURRING
def test_every_outcome_has_its_sentence(outcome: Outcome, why: Why, language: Language) -> None:
    """Whatever is decided can be said: a whole sentence, no ids, nothing unfilled, one line."""
    text = voice(language).sentence(reply(outcome, why), NOW)
    assert re.fullmatch(r"[A-ZÄÖÜ][^\n{}]+[.?]", text)
    assert "uid" not in text
    assert "error" not in text
    assert "  " not in text


@OCCURRING
def test_the_two_languages_say_two_things(outcome: Outcome, why: Why) -> None:
    """No sentence was left untranslated."""
    german, english = (voice(language).sentence(reply(outcome, why), NOW) for language in Language)
    assert german != english


@BOTH
@pytest.mark.parametrize("missing", list(Missing))
def test_every_question_has_its_sentence(missing: Missing, language: Language) -> None:
    """Whatever is missing can be asked for; what is asked ends as a question."""
    text = voice(language).sentence(Reply(Outcome.NEEDS_INPUT, missing=(missing,)), NOW)
    assert text == QUESTIONS[missing][language]
    assert text.endswith("?")


@pytest.mark.parametrize("missing", list(Missing))
def test_every_question_is_another(missing: Missing) -> None:
    """No two questions sound the same, so that the caller knows which one is asked."""
    others = [QUESTIONS[other] for other in Missing if other is not missing]
    assert all(QUESTIONS[missing][language] != other[language] for other in others for language in Language)


def test_one_thing_is_asked_at_a_time() -> None:
    """Of all that is missing, the first is asked."""
    asked = Reply(Outcome.NEEDS_INPUT, missing=(Missing.DATE, Missing.TIME, Missing.NAME))
    assert voice(Language.GERMAN).sentence(asked, NOW) == "An welchem Tag möchten Sie kommen?"


@BOTH
@pytest.mark.parametrize("missing", list(Missing))
def test_services_are_listed_only_when_a_service_is_asked_for(missing: Missing, language: Language) -> None:
    """The choices are said with the question they answer, and with no other."""
    asked = Reply(Outcome.NEEDS_INPUT, missing=(missing,), choices=("Beratung", "Haarschnitt", "Dauerwelle"))
    listed = {
        Language.GERMAN: "Beratung, Haarschnitt und Dauerwelle",
        Language.ENGLISH: "Beratung, Haarschnitt and Dauerwelle",
    }
    said = listed[language] in voice(language).sentence(asked, NOW)
    assert said is (missing in {Missing.SERVICE, Missing.SERVICE_UNKNOWN})


DAYS = (datetime(2026, 11, 24, 11, tzinfo=UTC), datetime(2026, 12, 1, 11, tzinfo=UTC))
"""Noons in Berlin, as readings have days."""


@pytest.mark.parametrize(
    ("missing", "readings", "german", "english"),
    [
        pytest.param(
            (Missing.DATE_UNCLEAR,),
            (DAYS[0] - timedelta(hours=1), DAYS[1] - timedelta(hours=1)),
            "Meinen Sie Dienstag, den 24. November, oder Dienstag, den 1. Dezember, um 11 Uhr?",
            "Do you mean Tuesday, November 24, or Tuesday, December 1, at 11:00 am?",
            id="the-time-once",
        ),
        pytest.param(
            (Missing.DATE_UNCLEAR,),
            (DAYS[0] - timedelta(hours=1), DAYS[1] + timedelta(hours=1)),
            "Meinen Sie Dienstag, den 24. November, um 11 Uhr oder Dienstag, den 1. Dezember, um 13 Uhr?",
            "Do you mean Tuesday, November 24, at 11:00 am or Tuesday, December 1, at 1:00 pm?",
            id="instants",
        ),
        pytest.param(
            (Missing.DATE_UNCLEAR,),
            (DAYS[0] - timedelta(hours=8), DAYS[0] + timedelta(hours=4), DAYS[1] - timedelta(hours=8)),
            "Meinen Sie Dienstag, den 24. November, um 4 Uhr morgens, um 16 Uhr oder "
            "Dienstag, den 1. Dezember, um 4 Uhr morgens?",
            "Do you mean Tuesday, November 24, at 4:00 am, at 4:00 pm or Tuesday, December 1, at 4:00 am?",
            id="a-day-of-two-times-once",
        ),
        pytest.param(
            (Missing.DATE_UNCLEAR,),
            (*DAYS, DAYS[1] + timedelta(days=7)),
            "Meinen Sie Dienstag, den 24. November, Dienstag, den 1. Dezember, oder Dienstag, den 8. Dezember, "
            "um 12 Uhr?",
            "Do you mean Tuesday, November 24, Tuesday, December 1, or Tuesday, December 8, at 12:00 pm?",
            id="three-days-and-the-time-once",
        ),
        pytest.param(
            (Missing.DATE_UNCLEAR, Missing.TIME),
            DAYS,
            "Meinen Sie Dienstag, den 24. November, oder Dienstag, den 1. Dezember?",
            "Do you mean Tuesday, November 24, or Tuesday, December 1?",
            id="days-where-the-time-is-still-to-be-asked",
        ),
        pytest.param(
            (Missing.DATE_UNCLEAR, Missing.TIME_UNCLEAR),
            DAYS,
            "Meinen Sie Dienstag, den 24. November, oder Dienstag, den 1. Dezember?",
            "Do you mean Tuesday, November 24, or Tuesday, December 1?",
            id="days-first-where-both-are-unclear",
        ),
        pytest.param(
            (Missing.DATE_UNCLEAR, Missing.NAME),
            (START,),
            "Meinen Sie Dienstag, den 1. Dezember, um 10 Uhr?",
            "Do you mean Tuesday, December 1, at 10:00 am?",
            id="another-question-behind-it",
        ),
        pytest.param(
            (Missing.TIME_UNCLEAR,),
            (START - timedelta(hours=7), START + timedelta(hours=5)),
            "Meinen Sie Dienstag, den 1. Dezember, um 3 Uhr nachts oder um 15 Uhr?",
            "Do you mean Tuesday, December 1, at 3:00 am or at 3:00 pm?",
            id="the-day-once",
        ),
        pytest.param(
            (Missing.DATE_PAST,),
            (datetime(2027, 1, 15, 9, tzinfo=UTC),),
            "Dieser Tag ist schon vorbei. Meinen Sie Freitag, den 15. Januar 2027, um 10 Uhr?",
            "That day is over. Do you mean Friday, January 15, 2027, at 10:00 am?",
            id="the-past-with-its-year",
        ),
        pytest.param(
            (Missing.DATE_PAST, Missing.TIME),
            (datetime(2027, 1, 15, 11, tzinfo=UTC),),
            "Dieser Tag ist schon vorbei. Meinen Sie Freitag, den 15. Januar 2027?",
            "That day is over. Do you mean Friday, January 15, 2027?",
            id="the-past-without-a-time",
        ),
    ],
)
def test_what_can_be_read_in_two_ways_is_read_back(
    missing: tuple[Missing, ...], readings: tuple[datetime, ...], german: str, english: str
) -> None:
    """The meanings are named, days as days and instants as instants."""
    asked = Reply(Outcome.NEEDS_INPUT, missing=missing, readings=readings)
    assert [voice(language).sentence(asked, NOW) for language in Language] == [german, english]


def test_readings_are_named_one_by_one_too() -> None:
    """Beside the question, each meaning stands by itself for the agent to hand back."""
    asked = Reply(Outcome.NEEDS_INPUT, missing=(Missing.DATE_UNCLEAR, Missing.TIME), readings=DAYS)
    assert voice(Language.GERMAN).readings(asked, NOW) == (
        "Dienstag, den 24. November",
        "Dienstag, den 1. Dezember",
    )


FORBIDDEN_IN_DOUBT = [
    *("gebucht", "nicht geklappt", "versuchen", "bestätigt", "fehlgeschlagen", "noch einmal"),
    *("booked", "failed", "try again", "confirmed", "again"),
]


@BOTH
@pytest.mark.parametrize("why", [Why.PLAIN, Why.UNPROMISED, Why.OTHER_IN_DOUBT])
@pytest.mark.parametrize("word", FORBIDDEN_IN_DOUBT)
def test_while_in_doubt_nothing_says_booked_failed_or_try_again(word: str, why: Why, language: Language) -> None:
    """In doubt, "booked" could be a lie, "failed" could be one, and "try again" makes the duplicate."""
    assert word not in voice(language).sentence(reply(Outcome.IN_DOUBT, why), NOW).lower()


def test_every_sentence_of_doubt_was_looked_at() -> None:
    """The test above sees all of them: a new reason for doubt must be added there."""
    assert {why for outcome, why in OUTCOMES if outcome is Outcome.IN_DOUBT} == {
        Why.PLAIN,
        Why.UNPROMISED,
        Why.OTHER_IN_DOUBT,
    }


CLAIMS_A_BOOKING = {
    Language.GERMAN: re.compile(r"\bist gebucht\b|haben diesen Termin"),
    Language.ENGLISH: re.compile(r"\bis booked\b|already have this"),
}


@BOTH
@OCCURRING
def test_only_a_standing_booking_is_said_to_be_booked(outcome: Outcome, why: Why, language: Language) -> None:
    """ "Booked" is said for booked and already booked, and for nothing else; "requested" is not "booked"."""
    said = CLAIMS_A_BOOKING[language].search(voice(language).sentence(reply(outcome, why), NOW)) is not None
    assert said is (outcome in {Outcome.BOOKED, Outcome.ALREADY_BOOKED})


def test_an_unconfirmed_booking_is_requested() -> None:
    """Where the host must confirm, the sentence says "angefragt"."""
    text = voice(Language.GERMAN).sentence(reply(Outcome.REQUESTED), NOW)
    assert "angefragt" in text
    assert "gebucht" not in text


@BOTH
@pytest.mark.parametrize("why", [Why.PLAIN, Why.UNREACHABLE, Why.NOTHING_NEW])
def test_after_an_error_nobody_is_promised_a_call_back(why: Why, language: Language) -> None:
    """Who surely got nothing is told so, and what to do; nobody stores a call-back that could be offered."""
    text = voice(language).sentence(reply(Outcome.ERROR, why), NOW)
    nothing, again, back = {
        Language.GERMAN: ("nicht", "Bitte rufen Sie später noch einmal an.", "zurück"),
        Language.ENGLISH: ("nothing", "Please call again later.", "back"),
    }[language]
    assert nothing in text
    assert text.endswith(again)
    assert back not in text


def test_the_sentence_for_a_taken_slot_is_the_one_callers_know() -> None:
    """The seed's sentence, to the letter, then what else there is."""
    text = voice(Language.GERMAN).sentence(reply(Outcome.SLOT_TAKEN), NOW)
    assert text == "Dieser Termin wurde bereits gebucht. Welche andere Zeit passt Ihnen?"


@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        (Language.GERMAN, "Ihr Termin für Beratung am Dienstag, dem 1. Dezember, um 10 Uhr ist gebucht."),
        (Language.ENGLISH, "Your appointment for Beratung on Tuesday, December 1, at 10:00 am is booked."),
    ],
)
def test_a_booking_is_read_back_with_service_date_and_time(language: Language, sentence: str) -> None:
    """What stands in the calendar is what is said."""
    assert voice(language).sentence(reply(Outcome.BOOKED), NOW) == sentence


def test_the_booking_is_said_and_not_the_wish() -> None:
    """Where the record differs from what was asked, the record is read back."""
    moved = Reply(Outcome.BOOKED, booking=slot(START + timedelta(hours=1)), asked_start=START)
    assert "um 11 Uhr" in voice(Language.GERMAN).sentence(moved, NOW)


@BOTH
def test_with_whom_is_said_to_those_who_wished_for_somebody(language: Language) -> None:
    """The name of the staff is said on demand only."""
    booked = reply(Outcome.BOOKED)
    wished = voice(language).sentence(booked, NOW, staff_wished=True)
    assert {Language.GERMAN: " bei Anna Weiß ", Language.ENGLISH: " with Anna Weiß "}[language] in wished
    assert "Anna" not in voice(language).sentence(booked, NOW)


def test_nobody_is_named_where_the_calendar_names_nobody() -> None:
    """A wish for somebody without a host in the record is not answered with a name."""
    booked = reply(Outcome.BOOKED, booking=slot(staff=None))
    assert " bei " not in voice(Language.GERMAN).sentence(booked, NOW, staff_wished=True)


@pytest.mark.parametrize("outcome", [Outcome.UNAVAILABLE, Outcome.SLOT_TAKEN])
@pytest.mark.parametrize(
    ("hours", "offered"),
    [
        pytest.param((1,), "Ich hätte 11 Uhr.", id="one"),
        pytest.param((1, 2), "Ich hätte 11 Uhr oder 12 Uhr.", id="two-the-same-day"),
        pytest.param(
            (1, 24),
            "Ich hätte am Dienstag, dem 1. Dezember, um 11 Uhr oder am Mittwoch, dem 2. Dezember, um 10 Uhr.",
            id="another-day-is-said",
        ),
        pytest.param((24,), "Ich hätte am Mittwoch, dem 2. Dezember, um 10 Uhr.", id="only-another-day"),
        pytest.param(
            (24, 24.5), "Ich hätte am Mittwoch, dem 2. Dezember, um 10 Uhr oder um 10 Uhr 30.", id="another-day-once"
        ),
        pytest.param((), "Welche andere Zeit passt Ihnen?", id="none"),
    ],
)
def test_alternatives_are_offered_with_their_date_unless_it_is_the_day_asked_for(
    outcome: Outcome, hours: tuple[float, ...], offered: str
) -> None:
    """The day is left out only where all alternatives are on the day that was asked for."""
    text = voice(Language.GERMAN).sentence(reply(outcome, alternatives=offers(*hours)), NOW)
    assert text.endswith(" " + offered)


def test_an_alternative_of_a_reply_without_a_start_says_its_date() -> None:
    """Without a day asked for, no day may be left out."""
    taken = Reply(Outcome.SLOT_TAKEN, alternatives=offers(1))
    assert "am Dienstag, dem 1. Dezember, um 11 Uhr" in voice(Language.GERMAN).sentence(taken, NOW)


@BOTH
def test_an_alternative_picked_up_alone_has_its_full_date(language: Language) -> None:
    """The model may speak one alternative without the sentence around it."""
    said = voice(language).offer(offers(1)[0], NOW)
    assert {Language.GERMAN: "Dienstag, dem 1. Dezember", Language.ENGLISH: "Tuesday, December 1"}[language] in said


def test_a_free_slot_is_offered_as_a_question() -> None:
    """A check says that it is free and asks; it does not promise."""
    free = reply(Outcome.AVAILABLE, alternatives=offers(0))
    text = voice(Language.GERMAN).sentence(free, NOW)
    assert text == "Am Dienstag, dem 1. Dezember, um 10 Uhr ist noch ein Termin frei. Soll ich ihn buchen?"

    english = voice(Language.ENGLISH).sentence(free, NOW)
    assert english == "Tuesday, December 1, at 10:00 am is still free. Shall I book it?"


@pytest.mark.parametrize(
    ("hours", "german", "english"),
    [
        pytest.param(
            (0,),
            "Am Dienstag, dem 1. Dezember, hätte ich 10 Uhr. Passt Ihnen das?",
            "On Tuesday, December 1, I could offer 10:00 am. Would that suit you?",
            id="one",
        ),
        pytest.param(
            (0, 1),
            "Am Dienstag, dem 1. Dezember, hätte ich 10 Uhr oder 11 Uhr. Was passt Ihnen?",
            "On Tuesday, December 1, I could offer 10:00 am or 11:00 am. Which would suit you?",
            id="of-one-day",
        ),
        pytest.param(
            (0, 1, 24),
            "Ich hätte am Dienstag, dem 1. Dezember, um 10 Uhr, um 11 Uhr oder am Mittwoch, dem 2. Dezember, "
            "um 10 Uhr. Was passt Ihnen?",
            "I could offer Tuesday, December 1, at 10:00 am, at 11:00 am or Wednesday, December 2, at 10:00 am. "
            "Which would suit you?",
            id="of-two-days",
        ),
    ],
)
def test_what_there_is_is_offered_with_each_day_once(hours: tuple[int, ...], german: str, english: str) -> None:
    """A day that is said twice sounds like two."""
    found = reply(Outcome.AVAILABLE, Why.CHOICE, alternatives=offers(*hours))
    assert [voice(language).sentence(found, NOW) for language in Language] == [german, english]


@pytest.mark.parametrize(
    ("hours", "german", "english"),
    [
        pytest.param((), "Welche andere Zeit passt Ihnen?", "Which other time would suit you?", id="none"),
        pytest.param((1, 2), "Ich hätte 11 Uhr oder 12 Uhr.", "I could offer 11:00 am or 12:00 pm.", id="two"),
    ],
)
def test_a_time_that_cannot_be_booked_is_followed_by_what_can(
    hours: tuple[int, ...], german: str, english: str
) -> None:
    """Outside opening hours, too soon or too far ahead: what else there is, or the question for it."""
    no = reply(Outcome.REJECTED, Why.NOT_OFFERED, alternatives=offers(*hours))
    assert [voice(language).sentence(no, NOW) for language in Language] == [
        f"Diese Zeit kann leider nicht gebucht werden. {german}",
        f"Unfortunately that time cannot be booked. {english}",
    ]


SERVICES = ("Beratung", "Haarschnitt", "Dauerwelle", "Färben", "Strähnen", "Hochstecken")


@pytest.mark.parametrize(
    ("missing", "choices", "german", "english"),
    [
        pytest.param(
            Missing.SERVICE,
            SERVICES[:2],
            "Wir bieten Beratung und Haarschnitt an. Welche Leistung wünschen Sie?",
            "We offer Beratung and Haarschnitt. Which service would you like?",
            id="two",
        ),
        pytest.param(
            Missing.SERVICE_UNKNOWN,
            SERVICES[:1],
            "Diese Leistung kenne ich nicht. Wir bieten nur Beratung an. Möchten Sie das?",
            "I do not know that service. We only offer Beratung. Would you like that?",
            id="only-one",
        ),
        pytest.param(
            Missing.SERVICE_UNKNOWN,
            SERVICES,
            "Diese Leistung kenne ich nicht. Wir bieten Beratung, Haarschnitt, Dauerwelle, Färben, Strähnen und "
            "weitere an. Welche wünschen Sie?",
            "I do not know that service. We offer Beratung, Haarschnitt, Dauerwelle, Färben, Strähnen and more. "
            "Which one would you like?",
            id="many",
        ),
    ],
)
def test_what_can_be_chosen_is_said_before_the_question(
    missing: Missing, choices: tuple[str, ...], german: str, english: str
) -> None:
    """The question comes last, and at most five names before it."""
    asked = Reply(Outcome.NEEDS_INPUT, missing=(missing,), choices=choices)
    assert [voice(language).sentence(asked, NOW) for language in Language] == [german, english]


@BOTH
@pytest.mark.parametrize("missing", [Missing.DATE_ODD, Missing.TIME_ODD])
def test_what_was_not_understood_is_asked_again_in_few_words(missing: Missing, language: Language) -> None:
    """Any word may be the one that was not known: the question blames none, and asks for no year."""
    text = QUESTIONS[missing][language]
    assert len(text) <= 75
    assert not re.search(r"Jahr|year|Datum|date", text)


def realistic() -> Iterator[Reply]:
    """Every reply with the longest date, names as salons have them, and as many alternatives as are offered."""
    booked = slot(LONG_START, "Herrenhaarschnitt", "Katharina Weiß")
    for outcome, why in OCCUR:
        yield reply(outcome, why, LONG_START, booking=booked)
        yield reply(outcome, why, LONG_START, booking=booked, alternatives=offers(1, 2, start=LONG_START))
    choices = ("Beratung", "Herrenhaarschnitt", "Dauerwelle")
    for missing in Missing:
        yield Reply(Outcome.NEEDS_INPUT, missing=(missing,), choices=choices)
    for missing in (Missing.DATE_UNCLEAR, Missing.DATE_PAST):
        yield Reply(Outcome.NEEDS_INPUT, missing=(missing,), readings=(LONG_START, LONG_START + timedelta(days=7)))


@BOTH
@pytest.mark.parametrize(
    "said", list(realistic()), ids=lambda r: f"{r.outcome}-{r.why}-{len(r.alternatives)}{r.missing[:1]}"
)
def test_every_sentence_can_be_spoken_in_one_breath(said: Reply, language: Language) -> None:
    """With realistic names and the longest date no sentence is longer than a caller listens."""
    assert len(voice(language).sentence(said, NOW, staff_wished=True)) <= LETTERS_MAX
