"""I15: a canary is found in every form in which a value leaks, and nothing is found that is not one."""

import json
from urllib.parse import quote, quote_plus

import pytest

from einmal.domain.canaries import DIGITS_KEPT, DIGITS_MIN, canaries_in, forms
from einmal.domain.evidence import Violation

NAME, PHONE, MAIL = "Żaneta Kanarienvögel", "+4915799912345", "kanari.enz@vogel.test"
CANARIES = (NAME, PHONE, MAIL)


def found(text: str, *canaries: str) -> list[str]:
    return [one.text for one in canaries_in([("log 7", text)], canaries or CANARIES)]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        (f"no slot for {NAME}", 0),
        (NAME.upper(), 0),
        (json.dumps({"name": NAME}), 0),
        (quote(NAME), 0),
        (quote_plus(NAME), 0),
        (quote_plus(NAME).lower(), 0),
        (repr(NAME.encode()), 0),
        ("key zaneta kanarienvoegel", 0),
        ("Wish(person=Person(name='Żaneta Kanarienvögel', phone=None))", 0),
        (PHONE, 1),
        (quote(PHONE), 1),
        ("tel:4915799912345", 1),
        ("015799912345", 1),
        ("0157 / 999 123-45", 1),
        ("+49 (157) 99.91.23.45!", 1),
        (f"attendee {MAIL.upper()} is odd", 2),
        (quote(MAIL, safe=""), 2),
        (quote(MAIL, safe="@"), 2),
    ],
)
def test_a_canary_in_each_form(text: str, number: int) -> None:
    """Named by its number: a report of a leak must not leak."""
    assert found(text) == [f"canary {number} in log 7"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Żaneta",
        "vögel",
        "call_15799 12345",
        "99912345",
        "2026-12-01T09:00:00.000Z 4915799",
        "49157999x12345",
        "vogel.test",
        "15799912346",
    ],
)
def test_what_is_no_canary(text: str) -> None:
    """Parts of names, other numbers, and digits that letters keep apart."""
    assert found(text) == []


def test_every_text_and_every_canary() -> None:
    """One violation for each of both; a canary that is not there twice is told once."""
    texts = [("a", f"{NAME} {NAME}"), ("b", "nothing"), ("c", f"{MAIL} {PHONE}")]
    told = [*canaries_in(texts, CANARIES)]
    assert told == [Violation("I15", text) for text in ("canary 0 in a", "canary 1 in c", "canary 2 in c")]


def test_the_forms_of_one() -> None:
    """As said; in a URL's path and its query; as JSON escapes it, as Python shows bytes, as names are compared."""
    assert forms("Jö+Ab cd@e.de") == {
        "jö+ab cd@e.de",
        "j%c3%b6%2bab%20cd@e.de",
        "j%c3%b6%2bab+cd%40e.de",
        "j\\u00f6+ab cd@e.de",
        "j\\xc3\\xb6+ab cd@e.de",
        "joe ab cd e de",
    }


def test_what_is_empty_is_in_nothing() -> None:
    assert forms("") == frozenset()
    assert found("anything at all", "") == []


def test_digits_count_only_where_there_are_enough_and_nothing_else() -> None:
    """A short number would be met by chance; a name with a number in it is no phone."""
    assert (DIGITS_MIN, DIGITS_KEPT) == (8, 9)
    assert found("1234 5678", "123/45678") == ["canary 0 in log 7"]
    assert found("12-34567", "123/4567") == []
    assert found("0 12345678", "Room 12345678") == []
    assert found("999123456789", "+49 123456789") == ["canary 0 in log 7"]
    assert found("23456789", "+49 123456789") == []
