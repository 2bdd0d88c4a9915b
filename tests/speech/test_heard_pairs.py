"""Every way to say a day with every way to say a time, in either order: the one changes nothing of the other."""

from datetime import UTC, date, datetime, time
from itertools import product
from zoneinfo import ZoneInfo

import pytest

from einmal.speech.heard import Frame, hear, hear_start
from einmal.speech.said import Language

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 19, 7, 17, tzinfo=UTC)
"""A Thursday, 08:17."""

GERMAN_DAYS = {
    (11, 20): (
        "morgen",
        "Freitag",
        "am Freitag",
        "am 20.11.",
        "am zwanzigsten November",
        "den 20. November",
        "diesen Freitag",
    ),
    (11, 21): ("übermorgen", "am Sonnabend", "Samstag, den 21.11.", "kommenden Samstag", "Samstag dieser Woche"),
    (11, 22): ("in drei Tagen", "Sonntag", "am 22. November 2026", "am zweiundzwanzigsten elften"),
    (11, 24): ("nächsten Dienstag", "Dienstag nächster Woche", "nächste Woche am Dienstag", "am 24."),
    (11, 26): ("heute in einer Woche", "heute in acht Tagen", "kommenden Donnerstag", "2026-11-26", "26.11.2026"),
    (12, 1): ("am ersten zwölften", "am ersten", "übernächste Woche Dienstag", "Dienstag in acht Tagen", "1. Dezember"),
    (12, 3): ("in zwei Wochen", "in vierzehn Tagen", "am dritten", "Donnerstag, dritter Dezember"),
    (12, 24): ("Heiligabend", "an Heiligabend", "am vierundzwanzigsten Dezember", "am 24. Dezember 2026"),
}
GERMAN_TIMES = {
    (7, 0): ("um sieben", "um sieben Uhr morgens", "um 7 Uhr in der Früh", "morgens um sieben", "um 07:00"),
    (9, 30): (
        "um halb zehn vormittags",
        "vormittags um halb zehn",
        "um neun Uhr dreißig",
        "um 9 Uhr 30",
        "um 9.30 Uhr",
    ),
    (10, 0): ("um zehn", "um 10 Uhr", "um 10:00", "um 10:00 Uhr", "um zehn Uhr vormittags", "um Punkt zehn"),
    (12, 0): ("um zwölf", "um zwölf Uhr mittags", "mittags um zwölf", "um 12:00"),
    (14, 45): ("um dreiviertel drei nachmittags", "um viertel vor drei am Nachmittag", "um 14 Uhr 45", "um 14:45 Uhr"),
    (15, 0): (
        "um drei Uhr nachmittags",
        "nachmittags um drei",
        "um fünfzehn Uhr",
        "um 15 Uhr",
        "am Nachmittag um drei",
    ),
    (15, 35): ("um fünf nach halb vier nachmittags", "um 15 Uhr 35", "um fünfzehn Uhr fünfunddreißig"),
    (19, 0): ("abends um sieben", "um sieben Uhr abends", "um neunzehn Uhr", "am Abend um sieben"),
    (22, 0): ("um zehn Uhr abends", "um zehn Uhr nachts", "um 22 Uhr", "um zweiundzwanzig Uhr"),
    (2, 0): ("um zwei Uhr nachts", "um 02:00", "nachts um zwei"),
}
ENGLISH_DAYS = {
    (11, 20): (
        "tomorrow",
        "on Friday",
        "this Friday",
        "November 20th",
        "on the 20th of November",
        "Friday, November 20",
    ),
    (11, 21): ("the day after tomorrow", "on Saturday", "Saturday the 21st", "coming Saturday"),
    (11, 24): ("next Tuesday", "Tuesday next week", "next week on Tuesday", "on the twenty-fourth", "11/24/2026"),
    (11, 26): ("in a week", "a week from today", "in seven days", "on November 26, 2026", "2026-11-26"),
    (12, 1): ("December first", "on the first of December", "Tuesday week", "a week from Tuesday", "the first"),
    (12, 3): ("in two weeks", "in a fortnight", "on the third", "Thursday, December 3rd"),
    (12, 24): ("Christmas Eve", "on December 24th", "24 December 2026"),
}
ENGLISH_TIMES = {
    (7, 0): ("at seven", "at 7 am", "at seven in the morning", "at 07:00", "at 7:00 a.m."),
    (9, 30): ("at nine thirty", "at half past nine in the morning", "at 9:30", "at 9:30 am"),
    (10, 0): ("at ten", "at ten o'clock", "at 10", "at 10:00 am", "at ten a.m."),
    (12, 0): ("at noon", "at 12 pm", "at twelve", "at 12:00"),
    (14, 45): ("at a quarter to three in the afternoon", "at 2:45 pm", "at two forty-five pm", "at 14:45"),
    (15, 0): ("at three pm", "at 3 p.m.", "at three in the afternoon", "at 15:00", "at three o'clock in the afternoon"),
    (19, 0): ("at seven in the evening", "at 7 pm", "at 19:00"),
    (2, 0): ("at 2 am", "at 2:00 am", "at 02:00", "at two at night"),
}
WHOLE = {
    Language.GERMAN: (
        "{day} {time}",
        "{time} {day}",
        "ja, äh, {day}, {time}, bitte",
        "ich hätte gern {time} {day} einen Termin",
    ),
    Language.ENGLISH: (
        "{day} {time}",
        "{time} {day}",
        "um yes, {day}, {time}, please",
        "I'd like to come {time} {day}",
    ),
}
TABLES = {Language.GERMAN: (GERMAN_DAYS, GERMAN_TIMES), Language.ENGLISH: (ENGLISH_DAYS, ENGLISH_TIMES)}


def pairs() -> list[tuple[Language, str, str, datetime]]:
    """Each wording of a day with each time; the wordings of a time take turns, so that all of them meet all days."""
    made = []
    for language, (days, times) in TABLES.items():
        wordings = [(day, text) for day, texts in days.items() for text in texts]
        for turn, ((day, day_text), (clock, time_texts)) in enumerate(product(wordings, times.items())):
            at = datetime.combine(date(2026, *day), time(*clock), BERLIN).astimezone(UTC)
            made.append((language, day_text, time_texts[turn // len(times) % len(time_texts)], at))
    return made


@pytest.mark.parametrize(("language", "day", "clock", "at"), pairs())
def test_any_day_goes_with_any_time(language: Language, day: str, clock: str, at: datetime) -> None:
    """In either order, within a sentence, and in two fields: for tenants of either language."""
    for tenant in Language:
        assert hear_start(day, clock, Frame(NOW, BERLIN, tenant)).start == at
    for turn, whole in enumerate(WHOLE[language]):
        said = whole.format(day=day, time=clock)
        frame = Frame(NOW, BERLIN, list(Language)[turn % 2])
        assert hear(said, frame).start == at, said
        assert hear(said.lower().replace(",", ""), frame).start == at, said
