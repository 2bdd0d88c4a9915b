"""Names that stand in ledgers already: a release must make the same ones, or the first retry after it books twice.

Those of services that have no id of their own, only their event type's number, have been the same from the beginning.
"""

from datetime import UTC, datetime

import pytest

from einmal.domain.keys import (
    IdempotencyStrategy,
    IntentKey,
    PersonKey,
    intent_key,
    normal_name,
    operation_id,
    outgoing_idempotency_key,
    person_key,
)
from einmal.domain.model import Person, PersonKind, Service, Wish

SECRET = b"s" * 32
OPERATION = operation_id(bytes(range(20)))
SERVICE = Service("beratung", "Beratung", 1, 30)

NAME = "7fa4cc9de0d108b0fe1693ba94df4e41"
EMAIL = "d7f4cdaee2b10e13ba8447ba563eaab8"
PHONE = "9aa65bb801e2f02a43496183ffef6993"


def a_wish(call: str | None = "call_1", phone: str | None = None, email: str | None = None) -> Wish:
    person = Person("Jürgen Groß", phone, email)
    return Wish("salon", call, SERVICE, datetime(2026, 12, 1, 9, 0, tzinfo=UTC), person)


VECTORS = {
    "by name": (
        a_wish(),
        IntentKey(
            "20261201T090000Z-9cc6a0586d390c336dc3e3a7253b37d1",
            "6652b58fb20ec07fe033a578eb71f3fd",
            PersonKey(PersonKind.NAME, "c7ce6c3f128d68a28608426792794f8e", NAME),
        ),
    ),
    "by name, no call": (
        a_wish(None),
        IntentKey(
            "20261201T090000Z-5640f03652bc13f1eb6246ca9b11454d",
            "3a0ac9bb843b9031a49900587a82412b",
            PersonKey(PersonKind.NAME, "49bfd0693303c348609c4579ded6c36a", NAME),
        ),
    ),
    "by e-mail": (
        a_wish(email="juergen@gast.test"),
        IntentKey(
            "20261201T090000Z-59553adca378037fd702d97a1b38cfed",
            "95abd640bfb929425d4396f4f54c32d3",
            PersonKey(PersonKind.EMAIL, EMAIL, NAME, None, EMAIL),
        ),
    ),
    "by phone": (
        a_wish(phone="+4915112345678", email="juergen@gast.test"),
        IntentKey(
            "20261201T090000Z-792c2fcdd2de39a54736f74aee30704e",
            "6109bbbd8bab6929ce442f913b0c69b2",
            PersonKey(PersonKind.PHONE, PHONE, NAME, PHONE, EMAIL),
        ),
    ),
}


@pytest.mark.parametrize(("wish", "key"), VECTORS.values(), ids=list(VECTORS))
def test_the_key_of_a_wish_never_changes(wish: Wish, key: IntentKey) -> None:
    """Key, fingerprint and every hash of the person, letter by letter."""
    assert intent_key(wish, SECRET) == key


def test_an_operation_id_never_changes() -> None:
    """Bookings in the calendar carry it."""
    assert OPERATION == "aaaqeayeaudaocajbifqydiob4ibceqt"
    assert operation_id(b"\xff" * 20) == "7" * 32


@pytest.mark.parametrize(
    ("strategy", "wish", "header"),
    [
        (IdempotencyStrategy.CALL, a_wish(), "dbf892b06337d457a78762511d9a1c3b"),
        (IdempotencyStrategy.CALL, a_wish(None), "2700773d719af4dbab22d9351e67cde3"),
        (
            IdempotencyStrategy.PAYLOAD,
            a_wish(phone="+4915112345678", email="juergen@gast.test"),
            "6c7141f06012427edcaf89e2e009a272",
        ),
        (IdempotencyStrategy.PAYLOAD, a_wish(None), "e145d384eb64a6102c66ace9ad5e757b"),
    ],
)
def test_the_idempotency_header_never_changes(strategy: IdempotencyStrategy, wish: Wish, header: str) -> None:
    """A second try after a release sends what the first one sent."""
    assert outgoing_idempotency_key(strategy, OPERATION, wish, "a@gast.test") == header


@pytest.mark.parametrize("title", ["Herr", "Herrn", "Frau", "Dr.", "Prof.", "Mr.", "Mrs.", "Ms.", "Familie"])
def test_a_title_tells_nobody_apart(title: str) -> None:
    """Said once and left out the next time, alone or with another."""
    assert normal_name(f"{title} Groß") == normal_name("Groß")
    assert normal_name(f"{title} Dr. Groß") == normal_name("Groß")


@pytest.mark.parametrize(("name", "compared"), [("Herr", "herr"), ("Frau Dr.", "dr"), ("Anna Frau", "anna frau")])
def test_a_title_alone_is_a_name_and_one_behind_it_stays(name: str, compared: str) -> None:
    """Nothing is left of nobody: the last word is always kept."""
    assert normal_name(name) == compared


def key(phone: str | None = None, email: str | None = None, name: str = "Anna") -> PersonKey:
    return person_key(Person(name, phone, email), "call_1", SECRET)


ONE, OTHER = "+4930901820", "+4930901821"


@pytest.mark.parametrize(
    ("ours", "theirs", "same", "may_be"),
    [
        (key(), key(), False, True),
        (key(), key(name="Ole"), False, True),
        (key(ONE), key(), False, True),
        (key(ONE), key(ONE), True, True),
        (key(ONE), key(OTHER), False, False),
        (key(email="a@b.de"), key(), False, True),
        (key(email="a@b.de"), key(email="a@b.de"), True, True),
        (key(email="a@b.de"), key(email="c@b.de"), False, False),
        (key(ONE, "a@b.de"), key(OTHER, "a@b.de"), True, False),
        (key(ONE, "a@b.de"), key(ONE, "c@b.de"), True, False),
        (key(ONE), key(email="a@b.de"), False, True),
        (key(ONE, "a@b.de"), key(OTHER, "c@b.de"), False, False),
    ],
)
def test_who_is_the_same_and_who_may_be(ours: PersonKey, theirs: PersonKey, same: bool, may_be: bool) -> None:
    """The same phone or the same e-mail is the same person; a different one of either tells two apart."""
    assert ours.is_same(theirs) is theirs.is_same(ours) is same
    assert ours.may_be(theirs) is theirs.may_be(ours) is may_be
