"""From an agent's arguments to a call-back: which number, which words, and never a number that was not meant."""

from typing import Any

import pytest

from einmal.adapters.functions.call import FunctionCall
from einmal.adapters.functions.callback import NOTE_NAMES, WANTED_NAMES, caller_of
from einmal.adapters.functions.fields import TEXT_MAX
from einmal.domain.callback import Caller
from einmal.domain.reply import Missing, Outcome, Reply
from einmal.ports import Tenant

HOUSE = "+493012345678"
SALON = Tenant("salon", "Salon", "Europe/Berlin", "de", "termin@salon.test", (), b"key", numbers=("+4930555000",))
LINE = "+491701234567"


def heard(line: str | None = LINE, **args: Any) -> Caller | Reply:
    call = FunctionCall("request_callback", args, call_id="call_7d4d0c", caller_number=line, house_number=HOUSE)
    return caller_of(call, SALON)


def caller(line: str | None = LINE, **args: Any) -> Caller:
    made = heard(line, **args)
    assert isinstance(made, Caller)
    return made


ASKS = Reply(Outcome.NEEDS_INPUT, missing=(Missing.PHONE,))


def test_who_says_nothing_is_called_on_their_own_line() -> None:
    assert caller() == Caller("call_7d4d0c", LINE)


@pytest.mark.parametrize("name", ["telefon", "phone", "phone_number", "customer_phone", "Telefonnummer"])
def test_a_number_that_is_said_goes_before_the_line(name: str) -> None:
    assert caller(**{name: "030 901820"}).phone == "+4930901820"
    assert caller(line="anonymous", **{name: "4930901820"}).phone == "+4930901820"


@pytest.mark.parametrize("line", [None, "anonymous", "unknown", "", HOUSE, "+4930555000"])
def test_without_a_line_the_number_is_asked_for(line: str | None) -> None:
    """Nobody, or one of the house's own lines, can be called back."""
    assert heard(line, name="Jürgen Groß") == ASKS


@pytest.mark.parametrize("said", ["12", "die andere", "0123456789", "030 12", HOUSE, "+4930555000"])
def test_an_unusable_number_is_asked_for_although_the_line_is_known(said: str) -> None:
    """They want to be called elsewhere: the line would be the wrong one."""
    assert heard(telefon=said) == ASKS


@pytest.mark.parametrize("said", ["anonymous", "unknown", "{{customer_phone}}", "None", ""])
def test_what_is_no_number_of_theirs_was_not_said(said: str) -> None:
    """Agents hand on what the platform wrote where it knew nothing."""
    assert caller(telefon=said).phone == LINE


@pytest.mark.parametrize("name", [*NOTE_NAMES, "Grund"])
def test_what_it_is_about_is_taken_from_whatever_field_it_stands_in(name: str) -> None:
    assert caller(**{name: "Termin  verschieben\n"}).note == "Termin verschieben"


@pytest.mark.parametrize("name", [*WANTED_NAMES, "Rückrufzeit", "preferred_time", "uhrzeit", "datum"])
def test_when_they_want_it_is_taken_in_their_words(name: str) -> None:
    """Nothing is made of it: a person reads it."""
    assert caller(**{name: "irgendwann nach der Arbeit"}).wanted == "irgendwann nach der Arbeit"


def test_day_and_time_are_said_together() -> None:
    assert caller(datum="Freitag", uhrzeit="ab 17 Uhr").wanted == "Freitag ab 17 Uhr"
    assert caller(datum="Freitag", uhrzeit="ab 17 Uhr", wann="abends").wanted == "abends"
    assert caller(uhrzeit="5", time="6").wanted is None, "which is meant, nobody knows"


@pytest.mark.parametrize(
    ("said", "name"), [("Jürgen Groß", "Jürgen Groß"), ("Anrufer", None), ("{{name}}", None), ("bei Anna", None)]
)
def test_a_name_is_nice_to_have(said: str, name: str | None) -> None:
    """What is no name is none, and nobody is asked for it."""
    assert caller(name=said).name == name


@pytest.mark.parametrize("field", ["name", "grund", "wann"])
def test_texts_are_cut_and_of_one_line(field: str) -> None:
    """A model may send a page; control characters go nowhere."""
    long = caller(**{field: "Wort\x00\u202e\n " * 5_000})
    (text,) = (text for text in (long.name, long.note, long.wanted) if text is not None)
    assert len(text) <= TEXT_MAX
    assert text.isprintable()


@pytest.mark.parametrize("value", [None, [], {}, ["a"], "", "None", "{{grund}}"])
def test_what_says_nothing_is_nothing(value: Any) -> None:
    assert caller(grund=value, wann=value, name=value) == Caller("call_7d4d0c", LINE)
