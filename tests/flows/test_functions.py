"""The dispatcher: every function an agent in the field calls is answered with a sentence it can speak."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from einmal.adapters.calcom.transport import MaybeSent
from einmal.adapters.functions.names import FUNCTIONS
from einmal.ports import LedgerUnavailable
from support.world import World, world

CONFIG = """
state = "BE"
address = "Hauptstraße 1, Berlin"


[opening_hours]
monday = ["09:00-12:30", "13:30-18:00"]
tuesday = ["09:00-18:00"]
wednesday = ["09:00-18:00"]
thursday = ["09:00-18:00"]
friday = ["09:00-18:00"]

[[staff]]
id = "anna"
name = "Anna"

[[services]]
id = "beratung"
name = "Beratung"
event_type_id = 101
duration_minutes = 30
description = "Für alle, die zum ersten Mal kommen."

[[services]]
id = "schnitt"
name = "Haarschnitt"
event_type_id = 102
duration_minutes = 45
staff = ["anna"]
"""
CALL = {"call_id": "call_7d4d0c", "from_number": "+491701234567"}
"""The clock of these worlds stands on Monday, 23 November 2026, ten o'clock in Berlin."""


@pytest.fixture
async def salon(tmp_path: Path) -> Any:
    path = tmp_path / "einmal.toml"
    path.write_text(CONFIG, "utf-8")
    async with world(tmp_path, EINMAL_CONFIG=str(path)) as made:
        yield made


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
async def test_every_function_is_answered_with_something_to_say(salon: World, name: str) -> None:
    """With nothing but its name: one schema, a sentence, and nothing booked."""
    answer = await salon.ask(name)
    assert set(answer) >= {"success", "status", "message", "bestaetigung_status"}
    assert answer["message"]
    assert answer["success"] is (answer["status"] in {"information", "released"})
    assert salon.calendar.bookings == ()


async def test_an_unknown_name_is_a_sentence_too(salon: World) -> None:
    """Models make names up; an error code would be read out."""
    answer = await salon.ask("make_coffee")
    assert (answer["success"], answer["status"]) == (False, "rejected")


async def test_a_version_suffix_is_ignored(salon: World) -> None:
    """`parse_date_v17` is parse_date."""
    assert (await salon.ask("parse_date_v17", text="morgen um 10 Uhr"))["start"] == "2026-11-24T10:00:00+01:00"


@pytest.mark.parametrize("field", ["date_string", "text", "datum", "date", "datetime", "input"])
async def test_a_date_is_parsed_from_whatever_field_it_stands_in(salon: World, field: str) -> None:
    answer = await salon.ask("parse_date", **{field: "übermorgen um 15 Uhr 30"})
    assert answer["start"] == "2026-11-25T15:30:00+01:00"
    assert answer["message"] == "Das ist Mittwoch, der 25. November, um 15 Uhr 30."


async def test_a_day_alone_is_a_day(salon: World) -> None:
    """The agent goes on to ask for the time by itself."""
    answer = await salon.ask("parse_date", date_string="Freitag Nachmittag")
    assert answer["status"] == "information"
    assert (answer["date"], answer["weekday"]) == ("2026-11-27", "Freitag")
    assert (answer["from"], answer["until"]) == ("12:00", "18:00")


async def test_an_ambiguous_day_is_a_question_with_its_readings(salon: World) -> None:
    """Said on a Monday, "nächsten Donnerstag" is this week's or the next one's."""
    answer = await salon.ask("parse_date", date_string="nächsten Donnerstag um 10 Uhr")
    assert answer["status"] == "needs_input"
    assert [one["start"] for one in answer["readings"]] == ["2026-11-26T10:00:00+01:00", "2026-12-03T10:00:00+01:00"]
    assert answer["message"] == (
        "Meinen Sie Donnerstag, den 26. November, oder Donnerstag, den 3. Dezember, um 10 Uhr?"
    )


async def test_the_time_is_berlins(salon: World) -> None:
    answer = await salon.ask("current_time_berlin")
    assert (answer["date"], answer["time"], answer["weekday"]) == ("2026-11-23", "10:00", "Montag")
    assert answer["message"] == "Heute ist Montag, der 23. November 2026, es ist 10 Uhr."


async def test_services_are_listed_and_told(salon: World) -> None:
    """By name, length, what the house says of it, and who does it."""
    listed = await salon.ask("get_available_services")
    assert listed["message"] == "Wir bieten Beratung und Haarschnitt an."
    told = await salon.ask("get_service_info", service="haarschnitt")
    assert told["message"] == "Haarschnitt dauert 45 Minuten. Das macht bei uns Anna."
    unknown = await salon.ask("get_service_info", service="Massage")
    assert (unknown["status"], unknown["missing"]) == ("needs_input", ["service"])


async def test_opening_hours_of_the_week_and_of_a_day(salon: World) -> None:
    week = await salon.ask("get_opening_hours")
    assert week["message"] == (
        "Wir haben geöffnet: Montag von 9 Uhr bis 12 Uhr 30 und von 13 Uhr 30 bis 18 Uhr; "
        "Dienstag bis Freitag von 9 Uhr bis 18 Uhr. Samstag und Sonntag haben wir geschlossen."
    )
    day = await salon.ask("get_opening_hours", date="Samstag")
    assert day["message"] == "Am Samstag, dem 28. November, haben wir geschlossen."
    feast = await salon.ask("get_opening_hours", date="25.12.")
    assert feast["message"].startswith("Am Freitag, dem 25. Dezember, ist Feiertag: ")


@pytest.mark.parametrize("said", ["nächste Woche", "diese Woche", "am Wochenende", "next week"])
async def test_a_week_that_is_asked_for_is_told(salon: World, said: str) -> None:
    assert (await salon.ask("get_opening_hours", date=said)) == await salon.ask("get_opening_hours")


async def test_christmas_is_no_ordinary_week(salon: World) -> None:
    """What names several days, and no week, is asked: an ordinary week's hours would be wrong then."""
    assert (await salon.ask("get_opening_hours", date="Weihnachten"))["status"] == "needs_input"


@pytest.mark.parametrize("name", ["check_customer", "initialize_call", "get_current_context"])
async def test_that_a_line_is_known_is_told_and_never_by_whose_name(salon: World, name: str) -> None:
    """The number may merely have been said, on another line: whose name stands beside it proves nothing."""
    await salon.call(from_number="+491701234567")
    known = await salon.ask(name, CALL)
    other = await salon.ask(name, CALL | {"from_number": "+491709999999"})
    withheld = await salon.ask(name, {"call_id": "call_other12", "from_number": "anonymous"}, telefon="+491701234567")
    answers = (known, other, withheld)
    assert [answer.get("customer", answer)["found"] for answer in answers] == [True, False, None]
    assert "Groß" not in str(answers)
    assert "Jürgen" not in str(answers)


async def test_everybody_is_asked_for_their_name(salon: World) -> None:
    """Who is known is told so, and asked all the same."""
    await salon.call(from_number="+491701234567")
    known = await salon.ask("check_customer", CALL)
    other = await salon.ask("check_customer", CALL | {"from_number": "anonymous"})
    assert [known["message"], other["message"]] == ["Ihre Nummer kenne ich. Wie ist Ihr Name?", "Wie ist Ihr Name?"]


async def test_where_the_ledger_cannot_be_read_nothing_is_said_of_the_line(salon: World) -> None:
    """ "Not found" would be a claim."""

    async def down(_tenant_id: str, _phone: str) -> Any:
        raise LedgerUnavailable

    salon.gateway.ledger.customer_name = down  # type: ignore[method-assign]
    assert (await salon.ask("check_customer", CALL))["found"] is None


async def test_the_context_has_what_an_agent_asks_for_first(salon: World) -> None:
    """Today's date, the zone, the house, its services, whether it is open: models have no calendar."""
    answer = await salon.ask("initialize_call", CALL)
    assert answer["date"] == "2026-11-23"
    assert answer["time_zone"] == "Europe/Berlin"
    assert answer["services"] == ["Beratung", "Haarschnitt"]
    assert answer["open_today"] == ["09:00-12:30", "13:30-18:00"]
    assert answer["customer"] == {"found": False}


async def test_a_date_is_parsed_with_the_hours_of_the_house(salon: World) -> None:
    """As a booking would understand it: of the named service, else of the one that fits in most."""
    assert (await salon.ask("parse_date", text="Dienstag halb vier"))["start"] == "2026-11-24T15:30:00+01:00"
    late = {"text": "Dienstag halb sechs"}
    assert (await salon.ask("parse_date", **late))["start"] == "2026-11-24T17:30:00+01:00"
    assert (await salon.ask("parse_date", service="Haarschnitt", **late))["status"] == "needs_input"


async def test_opening_hours_settle_what_is_said(salon: World) -> None:
    """ "Halb vier" at a house that is open from nine to six is 15:30, and is booked as that."""
    answer = await salon.ask(
        "book_appointment", CALL, datum="Dienstag", uhrzeit="halb vier", name="Jürgen Groß", dienstleistung="Beratung"
    )
    assert answer["status"] == "booked"
    assert answer["booking"]["start"] == "2026-11-24T15:30:00+01:00"


async def offered(salon: World, name: str, **args: Any) -> tuple[dict[str, Any], list[str]]:
    """The answer, and when what it offers begins, local."""
    answer = await salon.ask(name, CALL, dienstleistung="Beratung", **args)
    return answer, [one["start"][:16] for one in answer.get("alternatives", [])]


async def test_a_check_of_a_day_offers_early_midday_and_late(salon: World) -> None:
    """Nobody must name a time to hear what there is."""
    answer, starts = await offered(salon, "check_availability", datum="Dienstag")
    assert (answer["success"], answer["status"]) == (True, "available")
    assert starts == ["2026-11-24T09:00", "2026-11-24T13:00", "2026-11-24T17:30"]
    assert answer["message"] == (
        "Am Dienstag, dem 24. November, hätte ich 9 Uhr, 13 Uhr oder 17 Uhr 30. Was passt Ihnen?"
    )


async def test_a_check_of_a_part_of_a_day_offers_what_lies_in_it(salon: World) -> None:
    _, starts = await offered(salon, "check_availability", datum="morgen Nachmittag")
    assert [start[11:] for start in starts] == ["12:00", "15:00", "17:30"]
    _, starts = await offered(salon, "check_availability", datum="morgen", uhrzeit="zwischen 9 und 11")
    assert [start[11:] for start in starts] == ["09:00", "10:00", "10:30"]


async def test_where_nothing_is_free_what_comes_next_is_offered(salon: World) -> None:
    """The simulated salon closes at six: an evening has nothing, and the morning after has."""
    answer, starts = await offered(salon, "check_availability", datum="morgen Abend")
    assert (answer["success"], answer["status"]) == (True, "available")
    answer, starts = await offered(salon, "check_availability", datum="morgen", uhrzeit="ab 20 Uhr")
    assert (answer["success"], answer["status"]) == (False, "unavailable")
    assert starts == ["2026-11-25T09:00", "2026-11-25T09:30"]
    assert answer["message"] == (
        "Da ist leider nichts frei. Ich hätte am Mittwoch, dem 25. November, um 9 Uhr oder um 9 Uhr 30."
    )


async def test_an_offer_of_a_search_books_exactly_that(salon: World) -> None:
    """By its opaque name: the model composes no date."""
    answer, _ = await offered(salon, "check_availability", datum="Dienstag")
    last = answer["alternatives"][-1]
    booked = await salon.ask("book_appointment", CALL, slot=last["slot"], name="Jürgen Groß")
    assert (booked["status"], booked["booking"]["start"]) == ("booked", last["start"])


async def test_alternatives_are_never_the_time_itself(salon: World) -> None:
    """Nearest first looked for, told in the order of time."""
    _, starts = await offered(salon, "get_alternatives", datum="Dienstag", uhrzeit="10:00")
    assert starts == ["2026-11-24T09:00", "2026-11-24T09:30", "2026-11-24T10:30"]


async def test_the_next_that_is_free_needs_no_date(salon: World) -> None:
    answer, starts = await offered(salon, "find_next_available")
    assert answer["status"] == "available"
    # It is ten o'clock: the slot that begins now is gone before anybody has said yes.
    assert starts == ["2026-11-23T10:30", "2026-11-23T11:00", "2026-11-23T11:30"]
    _, later = await offered(salon, "find_next_available", datum="Freitag")
    assert later[0] == "2026-11-27T09:00"


async def test_a_booking_without_a_time_is_still_a_question(salon: World) -> None:
    """Only a check may be answered with a choice: what is to be booked must be said."""
    answer = await salon.ask("book_appointment", CALL, datum="Dienstag", dienstleistung="Beratung", name="Jürgen Groß")
    assert (answer["status"], answer["missing"]) == ("needs_input", ["time"])
    assert salon.calendar.bookings == ()


@pytest.mark.parametrize("name", ["check_availability", "get_alternatives", "find_next_available"])
async def test_a_search_that_cannot_be_made_says_so(salon: World, name: str) -> None:
    """Blind is not "nothing free"."""

    async def down(_request: Any) -> Any:
        raise MaybeSent("timeout")

    salon.tap.inner.send = down  # type: ignore[method-assign]
    answer = await salon.ask(name, CALL, dienstleistung="Beratung", datum="Dienstag")
    assert (answer["success"], answer["status"]) == (False, "error")
    assert "nicht erreichbar" in answer["message"]


@pytest.mark.parametrize(
    ("when", "why"),
    [
        pytest.param({"datum": "2026-11-28", "uhrzeit": "10:00"}, "a Saturday", id="closed-day"),
        pytest.param({"datum": "2026-11-30", "uhrzeit": "13:00"}, "the lunch break", id="lunch"),
        pytest.param({"datum": "2026-11-24", "uhrzeit": "17:45"}, "it would end after closing", id="too-late"),
        pytest.param({"datum": "2026-12-25", "uhrzeit": "10:00"}, "Christmas", id="holiday"),
        pytest.param({"datum": "2027-12-01", "uhrzeit": "10:00"}, "beyond a year", id="horizon"),
    ],
)
@pytest.mark.parametrize("name", ["book_appointment", "check_availability"])
async def test_what_the_house_does_not_offer_is_neither_booked_nor_called_free(
    salon: World, name: str, when: dict[str, str], why: str
) -> None:
    """Whatever the calendar would take: hours, notice and horizon are the house's word."""
    answer = await salon.ask(name, CALL, **when, name="Jürgen Groß", dienstleistung="Beratung")
    assert (answer["success"], answer["status"]) == (False, "rejected"), why
    assert salon.calendar.bookings == ()
    assert salon.states() == []


async def test_nothing_is_offered_outside_the_hours(salon: World) -> None:
    """The calendar is open every day from eight; the house is not."""
    answer, starts = await offered(salon, "check_availability", datum="Samstag")
    assert (answer["success"], answer["status"]) == (False, "unavailable")
    assert starts[0] == "2026-11-30T09:00"


async def test_what_is_booked_is_told_even_if_it_is_offered_no_longer(tmp_path: Path) -> None:
    """The house changes its hours, or the notice has begun: a repeat hears of its booking, not that it cannot be."""
    path = tmp_path / "einmal.toml"
    path.write_text(CONFIG.replace("duration_minutes = 30", "duration_minutes = 30\nnotice_minutes = 60"), "utf-8")
    async with world(tmp_path, EINMAL_CONFIG=str(path)) as salon:
        wish = {"datum": "heute", "uhrzeit": "11:30", "name": "Jürgen Groß", "dienstleistung": "Beratung"}
        assert (await salon.ask("book_appointment", CALL, **wish))["status"] == "booked"
        salon.clock.pass_time(timedelta(minutes=45))
        again = await salon.ask("book_appointment", CALL, **wish)
        late = await salon.ask("book_appointment", {"call_id": "call_late111"}, **(wish | {"name": "Anna Berg"}))
        elsewhere = await salon.ask("book_appointment", CALL | {"call_id": "call_other22"}, **wish)
        assert (again["status"], elsewhere["status"], late["status"]) == ("booked", "already_booked", "rejected")
        assert len(salon.calendar.bookings) == 1
