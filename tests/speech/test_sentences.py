"""The sentences: one for each outcome and question, in both languages, short, and none that lies."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from einmal.domain.model import Offer
from einmal.domain.reply import BookedSlot, Missing, Outcome, Reply, Why
from einmal.speech.phrases import OUTCOMES, QUESTIONS
from einmal.speech.said import Language
from einmal.speech.sentences import Voice

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
    (Outcome.ERROR, Why.TOO_FAST),
    (Outcome.ERROR, Why.UNCHANGED),
    (Outcome.ERROR, Why.UNREADABLE),
    (Outcome.ERROR, Why.UNSURE),
    (Outcome.AVAILABLE, Why.CHOICE),
    (Outcome.UNAVAILABLE, Why.CHOICE),
    (Outcome.UNAVAILABLE, Why.STANDS),
    (Outcome.IN_DOUBT, Why.UNPROMISED),
    (Outcome.IN_DOUBT, Why.CHANGING),
    (Outcome.IN_DOUBT, Why.CHANGING_UNPROMISED),
    (Outcome.REQUESTED, Why.CHANGING),
    (Outcome.CANCELLED, Why.BEFORE),
    (Outcome.RESCHEDULED, Why.BEFORE),
    (Outcome.NOTED, Why.BEFORE),
    *(
        (Outcome.REJECTED, why)
        for why in (Why.STANDS, Why.TOO_LATE, Why.TOO_MANY, Why.NOT_FOUND, Why.HUNG_UP, Why.ENOUGH)
    ),
]
"""What the flows and the endpoint make."""

ABOUT_ONE = [
    *(Outcome.BOOKED, Outcome.REQUESTED, Outcome.ALREADY_BOOKED, Outcome.CANCELLED, Outcome.RESCHEDULED),
    *(Why.STANDS, Why.TOO_LATE),
]
"""These tell of an appointment, and have its record."""

OCCURRING = pytest.mark.parametrize(("outcome", "why"), OCCUR, ids=[f"{o}-{w}" for o, w in OCCUR])
BOTH = pytest.mark.parametrize("language", list(Language))


def voice(language: Language) -> Voice:
    return Voice(language, BERLIN)


def slot(start: datetime = START, service: str = "Beratung", staff: str | None = "Anna Weiß") -> BookedSlot:
    return BookedSlot("uid-4711", start, start + timedelta(minutes=30), service, staff)


def reply(outcome: Outcome, why: Why = Why.PLAIN, start: datetime = START, **more: Any) -> Reply:
    more.setdefault("booking", slot(start) if outcome in ABOUT_ONE or why in ABOUT_ONE else None)
    if (outcome, why) == (Outcome.AVAILABLE, Why.CHOICE):
        more.setdefault("alternatives", offers(0, start=start))
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


def test_what_can_be_said_is_what_occurs() -> None:
    """A sentence that nobody makes was looked at by nobody; a reason without one could not be said."""
    assert set(OUTCOMES) == set(OCCUR)


@OCCURRING
def test_the_two_languages_say_two_things(outcome: Outcome, why: Why) -> None:
    """No sentence was left untranslated."""
    german, english = (voice(language).sentence(reply(outcome, why), NOW) for language in Language)
    assert german != english


@BOTH
@pytest.mark.parametrize("missing", list(Missing))
def test_every_question_has_its_sentence(missing: Missing, language: Language) -> None:
    """Whatever is missing can be asked for; what is asked ends as a question."""
    text = voice(language).sentence(asks(missing), NOW)
    assert text.startswith(QUESTIONS[missing][language].partition("{")[0])
    assert text.endswith("?")
    assert not set("{}") & set(text)


HAS = Missing.DECISION
"""The only question that is about an appointment: the one that they have."""


def asks(missing: Missing, start: datetime = START, service: str = "Beratung") -> Reply:
    return Reply(Outcome.NEEDS_INPUT, missing=(missing,), booking=slot(start, service) if missing is HAS else None)


def test_what_they_have_is_told_before_it_is_decided() -> None:
    """Which service and when, then keep, move or both."""
    assert [voice(language).sentence(asks(HAS), NOW) for language in Language] == [
        (
            "Sie haben bereits einen Termin für Beratung am Dienstag, dem 1. Dezember, um 10 Uhr. "
            "Behalten, verschieben, oder möchten Sie beide?"
        ),
        (
            "You already have an appointment for Beratung on Tuesday, December 1, at 10:00 am. "
            "Keep it, move it, or would you like both?"
        ),
    ]
    assert [missing for missing in Missing if "{" in "".join(QUESTIONS[missing].values())] == [HAS]


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
def test_choices_are_listed_only_with_the_question_about_them(missing: Missing, language: Language) -> None:
    """The choices are said with the question they answer, and with no other."""
    asked = Reply(Outcome.NEEDS_INPUT, missing=(missing,), choices=("Beratung", "Haarschnitt", "Dauerwelle"))
    listed = {
        Language.GERMAN: "Beratung, Haarschnitt und Dauerwelle",
        Language.ENGLISH: "Beratung, Haarschnitt and Dauerwelle",
    }
    said = listed[language] in voice(language).sentence(asked, NOW)
    assert said is (missing in {Missing.SERVICE, Missing.SERVICE_UNKNOWN, Missing.STAFF_UNKNOWN})


@pytest.mark.parametrize(
    ("language", "names", "said"),
    [
        (Language.GERMAN, ("Anna", "Ben"), "Bei uns arbeiten Anna und Ben. Bei wem möchten Sie den Termin"),
        (Language.GERMAN, ("Anna",), "Bei uns arbeitet Anna. Bei wem möchten Sie den Termin"),
        (Language.ENGLISH, ("Anna", "Ben"), "Anna and Ben work here. With whom would you like the appointment"),
        (Language.ENGLISH, ("Anna",), "Anna works here. With whom would you like the appointment"),
    ],
)
def test_who_works_here_is_said_before_the_question_with_whom(
    language: Language, names: tuple[str, ...], said: str
) -> None:
    """Between what was not understood and the question, as services are."""
    asked = Reply(Outcome.NEEDS_INPUT, missing=(Missing.STAFF_UNKNOWN,), choices=names)
    assert said in voice(language).sentence(asked, NOW)


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
    *("storniert", "verschoben", "bleibt", "geändert", "cancelled", "moved", "stands", "changed"),
]
IN_DOUBT = [Why.PLAIN, Why.UNPROMISED, Why.OTHER_IN_DOUBT, Why.CHANGING, Why.CHANGING_UNPROMISED]


@BOTH
@pytest.mark.parametrize("why", IN_DOUBT)
@pytest.mark.parametrize("word", FORBIDDEN_IN_DOUBT)
def test_while_in_doubt_nothing_says_booked_failed_or_try_again(word: str, why: Why, language: Language) -> None:
    """In doubt, "booked" could be a lie, "failed" could be one, and "try again" makes the duplicate."""
    assert word not in voice(language).sentence(reply(Outcome.IN_DOUBT, why), NOW).lower()


def test_every_sentence_of_doubt_was_looked_at() -> None:
    """The test above sees all of them: a new reason for doubt must be added there."""
    assert {why for outcome, why in OUTCOMES if outcome is Outcome.IN_DOUBT} == set(IN_DOUBT)


@BOTH
@pytest.mark.parametrize("why", IN_DOUBT)
def test_only_who_is_promised_to_hear_is_told_so(why: Why, language: Language) -> None:
    """ "You will hear from us" is said where a message will be sent, and nowhere else."""
    text = voice(language).sentence(reply(Outcome.IN_DOUBT, why), NOW)
    promised = {Language.GERMAN: "bekommen gleich Bescheid", Language.ENGLISH: "will hear from us"}[language]
    assert (promised in text) is (why in {Why.PLAIN, Why.CHANGING})


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


CLAIMS = {
    Language.GERMAN: {
        Outcome.CANCELLED: r"\bstorniert\b",
        Outcome.RESCHEDULED: r"\bverschoben\b|\bist bereits (am|heute|morgen)\b",
        Outcome.NOTED: r"habe ich notiert|ist bereits notiert",
        Outcome.RESERVED: r"\bhalte ich\b",
        Outcome.REQUESTED: r"\bangefragt\b",
    },
    Language.ENGLISH: {
        Outcome.CANCELLED: r"\bcancelled\b",
        Outcome.RESCHEDULED: r"\bmoved\b|\b[ap]m already\.$",
        Outcome.NOTED: r"\bhave noted\b|\balready noted\b",
        Outcome.RESERVED: r"\bam keeping\b",
        Outcome.REQUESTED: r"\brequested\b",
    },
}


@BOTH
@OCCURRING
@pytest.mark.parametrize("claimed", CLAIMS[Language.GERMAN])
def test_what_is_claimed_is_what_was_done(claimed: Outcome, outcome: Outcome, why: Why, language: Language) -> None:
    """ "Cancelled" is said of a cancel, "moved" of a move, "noted" of a call-back, and of nothing else."""
    text = voice(language).sentence(reply(outcome, why), NOW)
    assert (re.search(CLAIMS[language][claimed], text) is not None) is (outcome is claimed)


@BOTH
@OCCURRING
def test_what_asks_ends_as_a_question_and_nothing_else_does(outcome: Outcome, why: Why, language: Language) -> None:
    """The agent waits after a question, and goes on after anything else."""
    asks_back = {Outcome.AVAILABLE, Outcome.UNAVAILABLE, Outcome.SLOT_TAKEN, Outcome.RESERVED}
    asks_why = {Why.NOT_OFFERED, Why.KEY_REUSED, Why.STANDS, Why.TOO_MANY} | OFFER_A_CALL_BACK
    text = voice(language).sentence(reply(outcome, why), NOW)
    assert text.endswith("?") is (outcome in asks_back or why in asks_why)


OFFER_A_CALL_BACK = {Why.UNCHANGED, Why.TOO_LATE, Why.NOT_FOUND, Why.ENOUGH}


@BOTH
@OCCURRING
def test_a_call_back_is_offered_where_a_person_can_do_more(outcome: Outcome, why: Why, language: Language) -> None:
    """What the gateway may not or cannot change now; asked, and not promised."""
    offer = {Language.GERMAN: "Soll Sie jemand zurückrufen?", Language.ENGLISH: "Shall somebody call you back?"}
    text = voice(language).sentence(reply(outcome, why), NOW)
    assert text.endswith(offer[language]) is (why in OFFER_A_CALL_BACK)


@BOTH
def test_a_call_back_is_noted_and_no_time_is_promised(language: Language) -> None:
    """When somebody calls, and that they will reach them, nobody here can know."""
    for why in (Why.PLAIN, Why.BEFORE):
        text = voice(language).sentence(reply(Outcome.NOTED, why), NOW)
        assert not re.search(r"Uhr|Dezember|bald|gleich|wir rufen|soon|shortly|will|at \d", text)


@BOTH
@OCCURRING
def test_an_appointment_stands_only_where_there_is_one(outcome: Outcome, why: Why, language: Language) -> None:
    """ "Your appointment stands" is the comfort of who could not move it, and said to nobody else."""
    stands = {Language.GERMAN: "bleibt bestehen", Language.ENGLISH: "stands"}[language]
    text = voice(language).sentence(reply(outcome, why), NOW)
    assert (stands in text) is (why in {Why.STANDS, Why.TOO_LATE})


@pytest.mark.parametrize(
    ("outcome", "why", "german", "english"),
    [
        pytest.param(
            *(Outcome.CANCELLED, Why.PLAIN),
            "Ihr Termin für Beratung am Dienstag, dem 1. Dezember, um 10 Uhr ist storniert.",
            "Your appointment for Beratung on Tuesday, December 1, at 10:00 am is cancelled.",
            id="cancelled",
        ),
        pytest.param(
            *(Outcome.RESCHEDULED, Why.PLAIN),
            "Ihr Termin für Beratung ist verschoben und jetzt am Dienstag, dem 1. Dezember, um 10 Uhr bei Anna Weiß.",
            "Your appointment for Beratung has been moved and is now on Tuesday, December 1, at 10:00 am "
            "with Anna Weiß.",
            id="moved",
        ),
        pytest.param(
            *(Outcome.UNAVAILABLE, Why.STANDS),
            "Am Mittwoch, dem 2. Dezember, um 10 Uhr ist leider nichts frei; Ihr bisheriger Termin bleibt bestehen. "
            "Welche andere Zeit passt Ihnen?",
            "Unfortunately nothing is free on Wednesday, December 2, at 10:00 am; your present appointment stands. "
            "Which other time would suit you?",
            id="not-moved",
        ),
    ],
)
def test_a_change_is_told_of_the_appointment_as_it_is(outcome: Outcome, why: Why, german: str, english: str) -> None:
    """The record's time where something was done, the wished one where nothing was free."""
    changed = Reply(outcome, why, booking=slot(), asked_start=START + timedelta(days=1))
    said = [voice(language).sentence(changed, NOW, staff_wished=True) for language in Language]
    assert said == [german, english]


def test_an_unconfirmed_booking_is_requested() -> None:
    """Where the host must confirm, the sentence says "angefragt"."""
    text = voice(Language.GERMAN).sentence(reply(Outcome.REQUESTED), NOW)
    assert "angefragt" in text
    assert "gebucht" not in text


@BOTH
@pytest.mark.parametrize("why", [Why.PLAIN, Why.UNREACHABLE, Why.NOTHING_NEW])
def test_after_an_error_nobody_is_promised_a_call_back(why: Why, language: Language) -> None:
    """Who surely got nothing is told so, and what to do; what could not book may not be able to note a call-back."""
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
        yield replace(asks(missing, LONG_START, "Herrenhaarschnitt"), choices=choices)
    for missing in (Missing.DATE_UNCLEAR, Missing.DATE_PAST):
        yield Reply(Outcome.NEEDS_INPUT, missing=(missing,), readings=(LONG_START, LONG_START + timedelta(days=7)))


@BOTH
@pytest.mark.parametrize(
    "said", list(realistic()), ids=lambda r: f"{r.outcome}-{r.why}-{len(r.alternatives)}{r.missing[:1]}"
)
def test_every_sentence_can_be_spoken_in_one_breath(said: Reply, language: Language) -> None:
    """With realistic names and the longest date no sentence is longer than a caller listens."""
    assert len(voice(language).sentence(said, NOW, staff_wished=True)) <= LETTERS_MAX
