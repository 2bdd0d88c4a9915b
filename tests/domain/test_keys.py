"""The names of wishes: equal wishes agree, different ones differ, and no name gives away a person."""

import string
import unicodedata
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from einmal.domain.keys import (
    MAX_LOCAL_PART,
    IdempotencyStrategy,
    intent_key,
    is_operation_id,
    normal_name,
    operation_id,
    outgoing_idempotency_key,
    person_key,
    unique_attendee_email,
)
from einmal.domain.model import Person, PersonKind, Service, Wish

SECRET = b"s" * 32
OPERATION = operation_id(bytes(range(20)))
START = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)
CONSULTATION = Service("beratung", "Beratung", 1, 30)
NAME_ONLY = Person("Jürgen Groß")
BY_EMAIL = Person("Jürgen Groß", email="juergen@gast.test")
BY_PHONE = Person("Jürgen Groß", "+4915112345678", "juergen@gast.test")
PEOPLE = {"name": NAME_ONLY, "email": BY_EMAIL, "phone": BY_PHONE}

EUROPEAN = "".join(
    c for c in map(chr, [*range(0x20, 0x250), *range(0x300, 0x345), *range(0x386, 0x3D0), *range(0x400, 0x460)])
)
"""Latin, Greek and Cyrillic letters, their accents as separate marks, and all of ASCII's punctuation."""

NAMES = st.text(EUROPEAN, max_size=30)


def a_wish(person: Person = NAME_ONLY, **fields: Any) -> Wish:
    return replace(Wish("salon", "call_1", CONSULTATION, START, person), **fields)


@pytest.mark.parametrize(
    "spelling",
    [
        "Jürgen Groß",
        "Juergen Gross",
        "jürgen  groß",
        "JÜRGEN GROSS",
        " Jürgen\tGroß\n",
        unicodedata.normalize("NFD", "Jürgen Groß"),
        "Jürgen-Groß",
        "Jürgen Groẞ",
        "Ju\u0308rgen Groß.",
    ],
)
def test_one_voice_spelt_in_many_ways_has_one_key(spelling: str) -> None:
    """Case, umlauts, spacing and punctuation of a name do not make another wish."""
    assert intent_key(a_wish(Person(spelling)), SECRET) == intent_key(a_wish(NAME_ONLY), SECRET)


@pytest.mark.parametrize(
    "other", ["Jurgen Groß", "Jörgen Groß", "Jürgen", "Groß Jürgen", "JürgenGroß", "Jürgen Groß 2"]
)
def test_another_name_is_another_wish(other: str) -> None:
    """What sounds different is different: order, missing parts and other vowels tell people apart."""
    assert intent_key(a_wish(Person(other)), SECRET).value != intent_key(a_wish(NAME_ONLY), SECRET).value


CHANGES: dict[str, Wish] = {
    "tenant": a_wish(tenant_id="praxis"),
    "conversation": a_wish(conversation_id="call_2"),
    "conversation, by case": a_wish(conversation_id="Call_1"),
    "no conversation": a_wish(conversation_id=None),
    "event type": a_wish(service=replace(CONSULTATION, event_type_id=2)),
    "start, a second later": a_wish(start=START + timedelta(seconds=1)),
    "start, a day later": a_wish(start=START + timedelta(days=1)),
    "name": a_wish(Person("Anna Groß")),
    "e-mail known": a_wish(BY_EMAIL),
    "other e-mail": a_wish(replace(BY_EMAIL, email="anna@gast.test")),
    "phone known": a_wish(BY_PHONE),
    "other phone": a_wish(replace(BY_PHONE, phone="+4915112345679")),
}


def test_any_changed_field_is_another_key() -> None:
    """Tenant, conversation, event type, start, person: twelve variants and the wish itself, thirteen keys."""
    keys = {label: intent_key(wish, SECRET).value for label, wish in CHANGES.items()}
    keys["unchanged"] = intent_key(a_wish(), SECRET).value
    assert len(set(keys.values())) == len(CHANGES) + 1


@pytest.mark.parametrize(
    "same",
    [
        pytest.param(a_wish(BY_PHONE, staff="Mia"), id="staff is a preference"),
        pytest.param(a_wish(BY_PHONE, service=replace(CONSULTATION, name="Beratungsgespräch")), id="service renamed"),
        pytest.param(a_wish(BY_PHONE, service=replace(CONSULTATION, aliases=("Gespräch",))), id="service alias"),
        pytest.param(a_wish(BY_PHONE, service=replace(CONSULTATION, service_id="b2")), id="service's id changed"),
        pytest.param(a_wish(replace(BY_PHONE, name="Herr Groß")), id="other name, same phone"),
        pytest.param(a_wish(replace(BY_PHONE, email=None)), id="e-mail left out, same phone"),
        pytest.param(a_wish(BY_PHONE, start=START.astimezone(timezone(timedelta(hours=1)))), id="start in local time"),
    ],
)
def test_what_is_not_part_of_the_wish_leaves_its_key(same: Wish) -> None:
    """The model asks again in other words: what does not change the effect does not change the key."""
    key = intent_key(a_wish(BY_PHONE), SECRET)
    assert intent_key(same, SECRET).value == key.value
    assert intent_key(same, SECRET).fingerprint == key.fingerprint


def test_an_email_address_is_compared_without_case() -> None:
    """Anna@Gast.Test is anna@gast.test."""
    shouted = replace(BY_EMAIL, email="JUERGEN@gast.TEST")
    assert intent_key(a_wish(shouted), SECRET).value == intent_key(a_wish(BY_EMAIL), SECRET).value


def test_the_fingerprint_is_of_what_is_wished_and_not_of_where() -> None:
    """Tenant and conversation are in the key and not in the fingerprint; service, start and person in both."""
    fingerprint = intent_key(a_wish(BY_PHONE), SECRET).fingerprint
    assert intent_key(a_wish(BY_PHONE, tenant_id="praxis", conversation_id="x"), SECRET).fingerprint == fingerprint
    assert intent_key(a_wish(BY_PHONE, start=START + timedelta(hours=1)), SECRET).fingerprint != fingerprint
    assert intent_key(a_wish(BY_EMAIL), SECRET).fingerprint != fingerprint


@pytest.mark.parametrize("person", PEOPLE.values(), ids=PEOPLE)
def test_the_key_tells_nothing_of_the_person(person: Person) -> None:
    """Neither phone nor e-mail nor name stands anywhere in the key, whole or in part."""
    shown = repr(intent_key(a_wish(person), SECRET)).casefold()
    for secret in ("4915112345678", "15112345678", "juergen", "jürgen", "groß", "gross", "gast.test"):
        assert secret not in shown


@given(st.text(string.digits, min_size=10, max_size=15))
def test_no_phone_number_is_ever_in_its_key(digits: str) -> None:
    """Whatever the number, its digits are not in the key."""
    assert digits not in repr(intent_key(a_wish(Person("Anna Berg", "+" + digits)), SECRET))


@pytest.mark.parametrize("person", PEOPLE.values(), ids=PEOPLE)
def test_another_tenant_key_gives_other_hashes(person: Person) -> None:
    """The hashes belong to the tenant: with another secret nothing can be compared."""
    ours, theirs = intent_key(a_wish(person), SECRET), intent_key(a_wish(person), b"t" * 32)
    assert ours.value != theirs.value
    assert ours.fingerprint != theirs.fingerprint
    assert ours.person.hash != theirs.person.hash
    assert ours.person.name_hash != theirs.person.name_hash


@pytest.mark.parametrize(
    ("person", "kind"), [(PEOPLE[kind], PersonKind(kind)) for kind in PEOPLE], ids=[f"by {kind}" for kind in PEOPLE]
)
def test_a_person_is_told_by_the_strongest_that_is_known(person: Person, kind: PersonKind) -> None:
    """Phone before e-mail before name; and the name's hash is there in any case."""
    key = person_key(person, "call_1", SECRET)
    assert key.kind is kind
    assert key.name_hash == person_key(NAME_ONLY, None, SECRET).name_hash


@pytest.mark.parametrize(
    ("person", "identifies"),
    [(NAME_ONLY, False), (BY_EMAIL, True), (BY_PHONE, True)],
    ids=["name", "email", "phone"],
)
def test_only_phone_and_email_identify_across_calls(person: Person, identifies: bool) -> None:
    """A name identifies within its conversation, phone and e-mail everywhere."""
    one, other = (person_key(person, call, SECRET).hash for call in ("call_1", "call_2"))
    assert (one == other) is identifies


def test_parts_do_not_run_into_each_other() -> None:
    """("ab", "c") and ("a", "bc") are different wishes."""
    one, other = a_wish(tenant_id="ab", conversation_id="c"), a_wish(tenant_id="a", conversation_id="bc")
    assert intent_key(one, SECRET).value != intent_key(other, SECRET).value


MOMENTS = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)).map(  # noqa: DTZ001 - made aware at once
    lambda naive: naive.replace(microsecond=0, tzinfo=UTC)
)


@given(MOMENTS, MOMENTS)
def test_keys_sort_as_their_starts_do(one: datetime, other: datetime) -> None:
    """An index on keys grows at its end: an earlier start is an earlier key."""
    first, second = (intent_key(a_wish(start=start), SECRET).value for start in (one, other))
    assert (first < second) is (one < other)


@given(st.binary(min_size=20, max_size=20))
def test_an_operation_id_is_32_letters_of_base32(bits: bytes) -> None:
    """Safe in an address and in metadata, and recognised as what it is."""
    made = operation_id(bits)
    assert len(made) == 32
    assert set(made) <= set("abcdefghijklmnopqrstuvwxyz234567")
    assert is_operation_id(made)


@given(st.binary(min_size=20, max_size=20), st.binary(min_size=20, max_size=20))
@example(bytes(20), bytes(19) + b"\x01")
@example(bytes(20), b"\x80" + bytes(19))
def test_other_bits_make_another_operation_id(one: bytes, other: bytes) -> None:
    """None of the 160 bits is lost."""
    assert (operation_id(one) == operation_id(other)) is (one == other)


@pytest.mark.parametrize("flipped", range(160))
def test_every_bit_counts(flipped: int) -> None:
    """Each single bit changes exactly one letter."""
    bits = (1 << flipped).to_bytes(20, "big")
    assert sum(letter != "a" for letter in operation_id(bits)) == 1


@pytest.mark.parametrize("size", [0, 16, 19, 21, 32])
def test_an_operation_id_takes_exactly_160_bits(size: int) -> None:
    """Fewer could be guessed, more would not fit: both are bugs."""
    with pytest.raises(ValueError, match="20 random bytes"):
        operation_id(bytes(size))


@pytest.mark.parametrize(
    "text",
    ["", OPERATION[:-1], OPERATION + "a", OPERATION.upper(), "1" * 32, OPERATION + "\n", " " + OPERATION[1:]],
    ids=["empty", "short", "long", "upper case", "digit 1", "newline", "space"],
)
def test_what_is_no_operation_id(text: str) -> None:
    """Only what we could have made passes."""
    assert not is_operation_id(text)


def test_each_intent_has_an_address_of_its_own() -> None:
    """The operation id goes between the house's local part and its domain."""
    assert unique_attendee_email("termin@salon.test", OPERATION) == f"termin+{OPERATION}@salon.test"


def test_the_longest_house_address_that_fits() -> None:
    """31 letters, a plus and 32 of the id are the 64 that a local part may have; one more is refused."""
    longest = "x" * (MAX_LOCAL_PART - 33)
    address = unique_attendee_email(f"{longest}@salon.test", OPERATION)
    assert len(address.partition("@")[0]) == MAX_LOCAL_PART
    with pytest.raises(ValueError, match="at most 31 letters"):
        unique_attendee_email(f"{longest}x@salon.test", OPERATION)


@pytest.mark.parametrize("house", ["", "termin", "@salon.test", "termin@", "@"])
def test_a_house_address_that_is_none_is_refused(house: str) -> None:
    """Better no start than a booking nobody can be reached for."""
    with pytest.raises(ValueError, match="local@domain"):
        unique_attendee_email(house, OPERATION)


@given(NAMES)
@example("ǅ İ ŉ ﬁ")
def test_a_normal_name_is_its_own_normal_name(name: str) -> None:
    """Normalising twice changes nothing."""
    assert normal_name(normal_name(name)) == normal_name(name)


@given(NAMES)
def test_spelling_never_tells_people_apart(name: str) -> None:
    """Spacing and the form in which accents are encoded are not part of a name."""
    expected = normal_name(name)
    assert normal_name(f"  {name}\t") == expected
    assert normal_name(unicodedata.normalize("NFD", name)) == expected
    assert normal_name(unicodedata.normalize("NFC", name)) == expected


@given(st.text(string.ascii_letters + "äöüÄÖÜß ", max_size=30))
def test_case_never_tells_people_apart(name: str) -> None:
    """A shouted German name is the same name."""
    assert normal_name(name.upper()) == normal_name(name) == normal_name(name.lower())


@pytest.mark.parametrize(
    ("written", "compared"),
    [
        ("Jürgen Groß", "juergen gross"),
        ("Müller-Lüdenscheidt", "mueller luedenscheidt"),
        ("Jörg Bäcker", "joerg baecker"),
        ("Weiß", "weiss"),
        ("Dr. O'Neill", "o neill"),
        ("José Ñandú", "jose nandu"),
        ("Łukasz", "łukasz"),
        ("Ærø", "ærø"),
        ("ﬁona", "fiona"),
        ("Ａｎｎａ", "anna"),
        ("Анна", "анна"),
        ("李小龍", "李小龍"),
        ("", ""),
        (" - ", ""),
    ],
)
def test_normal_names(written: str, compared: str) -> None:
    """Umlauts are written out, accents dropped, other scripts kept."""
    assert normal_name(written) == compared


STRATEGIES = pytest.mark.parametrize("strategy", IdempotencyStrategy)
OTHER_OPERATION = operation_id(bytes(20))


@STRATEGIES
def test_an_identical_request_has_the_same_idempotency_key(strategy: IdempotencyStrategy) -> None:
    """Made anew from equal values, the header agrees."""
    one, other = (outgoing_idempotency_key(strategy, OPERATION, a_wish(BY_PHONE), "a@gast.test") for _ in range(2))
    assert one == other


@STRATEGIES
def test_two_intents_never_share_an_idempotency_key(strategy: IdempotencyStrategy) -> None:
    """The same wish in a new generation must not be answered with the old one's answer."""
    one, other = (
        outgoing_idempotency_key(strategy, operation, a_wish(BY_PHONE), "a@gast.test")
        for operation in (OPERATION, OTHER_OPERATION)
    )
    assert one != other


def test_the_strategies_have_keys_of_their_own() -> None:
    """Switching the strategy can not meet a key of the other one."""
    assert len({outgoing_idempotency_key(s, OPERATION, a_wish(), "a@gast.test") for s in IdempotencyStrategy}) == 2


@pytest.mark.parametrize(
    ("strategy", "change", "differs"),
    [
        (IdempotencyStrategy.CALL, {"conversation_id": "call_2"}, True),
        (IdempotencyStrategy.CALL, {"service": replace(CONSULTATION, event_type_id=2)}, True),
        (IdempotencyStrategy.CALL, {"person": Person("Anna Berg")}, False),
        (IdempotencyStrategy.PAYLOAD, {"conversation_id": "call_2"}, False),
        (IdempotencyStrategy.PAYLOAD, {"service": replace(CONSULTATION, event_type_id=2)}, True),
        (IdempotencyStrategy.PAYLOAD, {"start": START + timedelta(hours=1)}, True),
        (IdempotencyStrategy.PAYLOAD, {"person": Person("Anna Berg")}, True),
        (IdempotencyStrategy.PAYLOAD, {"person": replace(NAME_ONLY, phone="+4915112345678")}, True),
    ],
    ids=["call: call", "call: event type", "call: name", "payload: call", "payload: event type", "payload: start",
         "payload: name", "payload: phone"],
)  # fmt: skip
def test_what_each_strategy_hashes(strategy: IdempotencyStrategy, change: dict[str, Any], differs: bool) -> None:
    """A is made of the call, the event type and the operation; B of what is sent."""
    plain = outgoing_idempotency_key(strategy, OPERATION, a_wish(), "a@gast.test")
    changed = outgoing_idempotency_key(strategy, OPERATION, replace(a_wish(), **change), "a@gast.test")
    assert (plain != changed) is differs


def test_the_payload_strategy_hashes_the_attendee_address() -> None:
    """The address is part of what Cal.com compares, so it is part of the payload's key."""
    one, other = (
        outgoing_idempotency_key(IdempotencyStrategy.PAYLOAD, OPERATION, a_wish(), address)
        for address in ("a@gast.test", "b@gast.test")
    )
    assert one != other


@STRATEGIES
def test_the_idempotency_key_tells_nothing_of_the_person(strategy: IdempotencyStrategy) -> None:
    """A header travels through logs of others: 32 hexadecimal letters and nothing else."""
    made = outgoing_idempotency_key(strategy, OPERATION, a_wish(BY_PHONE), "juergen@gast.test")
    assert len(made) == 32
    assert set(made) <= set("0123456789abcdef")


@given(st.text(st.characters(exclude_categories=["Cs"])))
@example("𝐀nna")
@example("№")
@example("ﬁnn")
def test_any_name_is_normal_once_it_was_made_so(name: str) -> None:
    """Compatibility letters decompose into capitals; they are folded too."""
    assert normal_name(normal_name(name)) == normal_name(name)
