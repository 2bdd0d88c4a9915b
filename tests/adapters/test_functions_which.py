"""Which appointment a function call is about, and where it is to be moved: in every field seen, and never guessed."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from einmal.adapters.functions.call import FunctionCall
from einmal.adapters.functions.which import Move, call_in, caller_of, move_in, named_in, says_more
from einmal.domain.model import Offer, Service
from einmal.domain.reply import Missing, Reply
from einmal.domain.slot import slot_name
from einmal.domain.whose import Named
from einmal.ports import Tenant

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
BERATUNG, SCHNITT = Service("101", "Beratung", 101, 30), Service("102", "Haarschnitt", 102, 45)
SALON = Tenant(
    "default",
    "Salon",
    "Europe/Berlin",
    "de",
    "termin@salon.test",
    (BERATUNG, SCHNITT),
    b"k" * 32,
    numbers=("+493012345",),
)


def berlin(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 12, day, hour - 1, minute, tzinfo=UTC)


def asked(call: dict[str, Any] | None = None, /, **args: Any) -> FunctionCall:
    return FunctionCall("cancel_appointment", args, **(call or {}))


DAY = (berlin(1, 1) - timedelta(hours=1), berlin(2, 1) - timedelta(hours=1))

NAMED: list[tuple[dict[str, Any], Named]] = [
    ({}, Named()),
    ({"datum": "2026-12-01", "uhrzeit": "10:00"}, Named(berlin(1, 10))),
    ({"old_date": "01.12.2026", "old_uhrzeit": "zehn Uhr"}, Named(berlin(1, 10))),
    ({"altes_datum": "2026-12-01"}, Named(within=DAY)),
    ({"datum": "am 1. Dezember", "uhrzeit": "nachmittags"}, Named(within=(berlin(1, 12), berlin(1, 18)))),
    ({"datetime": "2026-12-01T10:00"}, Named(berlin(1, 10))),
    ({"dienstleistung": "Haarschnitt"}, Named(service=SCHNITT)),
    ({"dienstleistung": "Raumfahrt", "datum": "2026-12-01", "uhrzeit": "10:00"}, Named(berlin(1, 10))),
    ({"dienstleistung": "Raumfahrt", "ref": "01abc"}, Named(ref="01abc")),
    ({"current_date": "2026-11-23", "datum": "2026-12-01", "uhrzeit": "10:00"}, Named(berlin(1, 10))),
    ({"datum": "heute", "uhrzeit": "9:30"}, Named(datetime(2026, 11, 23, 8, 30, tzinfo=UTC))),
    ({"name": "Jürgen Groß", "datum": "{{datum}}"}, Named(name="Jürgen Groß")),
    ({"name": "Kunde", "booking_id": "01abc"}, Named(ref="01abc")),
    (
        {"datum": "morgen", "uhrzeit": "10 Uhr", "execution_message": "Moment"},
        Named(datetime(2026, 11, 24, 9, tzinfo=UTC)),
    ),
]


@pytest.mark.parametrize(("args", "named"), NAMED, ids=[str(args) for args, _ in NAMED])
def test_what_was_said_of_an_appointment(args: dict[str, Any], named: Named) -> None:
    """As far as it was said; what was not said narrows nothing."""
    assert named_in(asked(**args), SALON, NOW) == named


@pytest.mark.parametrize(
    ("args", "missing"),
    [
        ({"dienstleistung": "Raumfahrt"}, Missing.APPOINTMENT),
        ({"dienstleistung": "Raumfahrt", "datum": "2026-12-01"}, Missing.APPOINTMENT),
        ({"uhrzeit": "10:00"}, Missing.APPOINTMENT),
        ({"datum": "heute", "uhrzeit": "8:30"}, Missing.DATE_PAST),
        ({"datum": "blau"}, Missing.DATE_ODD),
        ({"datum": "2026-12-01", "uhrzeit": "25 Uhr"}, Missing.TIME_ODD),
        ({"datum": "Montag, 1. Dezember", "uhrzeit": "10:00"}, Missing.DATE_UNCLEAR),
        ({"datum": "2026-11-01", "uhrzeit": "10:00"}, Missing.DATE_PAST),
    ],
)
def test_what_cannot_be_understood_is_asked(args: dict[str, Any], missing: Missing) -> None:
    """No other appointment is taken for it."""
    reply = named_in(asked(**args), SALON, NOW)
    assert isinstance(reply, Reply)
    assert reply.missing[0] is missing


SLOT = slot_name(Offer(berlin(2, 14), "101"), SALON.hash_key)
MOVES: list[tuple[dict[str, Any], Move]] = [
    ({"neues_datum": "2026-12-02", "neue_uhrzeit": "14:00"}, Move(Named(), berlin(2, 14))),
    ({"new_date": "2026-12-02", "new_time": "14:00", "old_date": "2026-12-01"}, Move(Named(within=DAY), berlin(2, 14))),
    (
        {"datum": "2026-12-01", "uhrzeit": "10:00", "new_datum": "2026-12-02", "neue_uhrzeit": "14:00"},
        Move(Named(berlin(1, 10)), berlin(2, 14)),
    ),
    (
        {"altes_datum": "2026-12-01", "old_uhrzeit": "10:00", "datum": "2026-12-02", "uhrzeit": "14:00"},
        Move(Named(berlin(1, 10)), berlin(2, 14)),
    ),
    ({"datum": "2026-12-02", "uhrzeit": "14:00"}, Move(Named(), berlin(2, 14))),
    ({"slot": SLOT}, Move(Named(), berlin(2, 14))),
    ({"slot": SLOT, "altes_datum": "2026-12-01"}, Move(Named(within=DAY), berlin(2, 14))),
    ({"altes_datum": "2026-12-01", "neue_uhrzeit": "15:00"}, Move(Named(within=DAY), berlin(1, 15))),
    ({"new_datum": "{{new_datum}}", "datum": "2026-12-02", "uhrzeit": "14:00"}, Move(Named(), berlin(2, 14))),
]


@pytest.mark.parametrize(("args", "move"), MOVES, ids=[str(args)[:80] for args, _ in MOVES])
def test_what_is_moved_where(args: dict[str, Any], move: Move) -> None:
    """Names that say old or new are believed; one time alone is the new one."""
    assert move_in(asked(**args), SALON, NOW) == move


@pytest.mark.parametrize(
    ("args", "missing"),
    [
        ({}, Missing.DATE),
        ({"altes_datum": "2026-12-01"}, Missing.DATE),
        ({"neues_datum": "2026-12-02"}, Missing.TIME),
        ({"neue_uhrzeit": "15:00"}, Missing.DATE),
        ({"neues_datum": "2026-11-02", "neue_uhrzeit": "15:00"}, Missing.DATE_PAST),
        ({"slot": "invented"}, Missing.DATE_ODD),
    ],
)
def test_where_to_is_asked(args: dict[str, Any], missing: Missing) -> None:
    """The new time is never made up."""
    reply = move_in(asked(**args), SALON, NOW)
    assert isinstance(reply, Reply)
    assert reply.missing[0] is missing


def test_the_caller_is_who_the_platform_vouches_for() -> None:
    """Not what the model wrote, nor the house's own line, nor a number that was said."""
    call = {"call_id": "call_7", "caller_number": "+491701234567", "house_number": "+493012345"}
    caller = caller_of(asked(call, telefon="+4930901820", call_id="call_1"), SALON)
    assert (caller.call_id, caller.line) == ("call_7", "+491701234567")
    nobody = caller_of(asked({"said_call_id": "call_abc", "caller_number": "anonymous"}), SALON)
    assert (nobody.call_id, nobody.line) == (None, None)
    forwarded = caller_of(asked({"call_id": "call_8", "caller_number": "+493012345"}), SALON)
    assert forwarded.line is None
    assert "+49" not in repr(caller)
    assert call_in(asked({"said_call_id": "call_abc"})) is None


@pytest.mark.parametrize(
    ("said", "more"),
    [
        (True, True),
        ("ja", True),
        ("true", True),
        ("beide", True),
        (False, False),
        ("nein", False),
        (None, False),
        ("", False),
    ],
)
def test_one_more_is_wanted_only_if_it_is_said(said: Any, more: bool) -> None:
    """Silence is no yes."""
    assert says_more({"zusaetzlich": said}) is more
