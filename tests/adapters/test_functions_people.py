"""Who is who: names that look like something else, and numbers that are nobody's."""

import json
from typing import Any

import pytest

from einmal.adapters.functions.fields import clean, is_no_name
from einmal.adapters.retell.envelope import read_envelope
from einmal.adapters.strict_json import BadEnvelope
from einmal.speech.contact import phone_number
from support.world import World


@pytest.mark.parametrize(
    "name", ["Miriam", "William Tell", "Adam Ries", "Sam", "Islam", "zu Guttenberg", "Paul Uhr", "Acht Müller", "Li"]
)
def test_names_that_look_like_a_time_or_a_wish_are_names(name: str) -> None:
    assert not is_no_name(name)


@pytest.mark.parametrize("text", ["Acht Uhr", "10 Uhr", "10:30 Uhr", "halb drei Uhr", "9 am", "10pm", "bei Anna", "X"])
def test_times_and_wishes_for_staff_are_no_names(text: str) -> None:
    assert is_no_name(text)


def envelope(**call: Any) -> Any:
    return read_envelope(json.dumps({"name": "book", "args": {}, "call": call}).encode())


def test_on_an_outbound_call_the_caller_is_the_one_who_was_called() -> None:
    """Otherwise the house's own number would make all its customers one person."""
    house, customer = "+4930555000", "+491512345678"
    inbound = envelope(direction="inbound", from_number=customer, to_number=house)
    outbound = envelope(direction="outbound", from_number=house, to_number=customer)
    assert (inbound.caller_number, inbound.house_number) == (customer, house)
    assert (outbound.caller_number, outbound.house_number) == (customer, house)


async def test_outbound_calls_to_two_people_are_two_people(salon: World) -> None:
    said = [
        await salon.raw(
            {
                "name": "book_appointment",
                "args": {"datum": "2026-12-01", "uhrzeit": "10:00", "name": name, "dienstleistung": "Beratung"},
                "call": {"call_id": f"call_{name}", "direction": "outbound", "from_number": "+4930555000"}
                | {"to_number": number},
            }
        )
        for name, number in (("Anna", "+491512345678"), ("Bruno", "+491512345679"))
    ]
    assert [answer["status"] for answer in said] == ["booked", "slot_taken"]


@pytest.mark.parametrize("fragment", ["110", "12345", "030", "0", "+4930", "112"])
def test_a_fragment_is_nobodys_number(fragment: str) -> None:
    assert phone_number(fragment, "DE") is None


@pytest.mark.parametrize("header", ["None", "undefined", "call_1", "", "{{call_id}}", "null"])
def test_a_header_that_nobody_filled_in_is_no_call(header: str) -> None:
    assert read_envelope(b'{"datum":"2026-12-01"}', header).call_id is None


@pytest.mark.parametrize(
    "body",
    [
        b'{"name":"x","args":"\\ud800"}',
        b'{"name":"x","args":{"n":"\xed\xa0\x80"}}',
        '{"name":"x"}'.encode("utf-16"),
        '{"name":"x"}'.encode("utf-32"),
    ],
)
def test_what_is_not_utf_8_is_refused(body: bytes) -> None:
    with pytest.raises(BadEnvelope):
        read_envelope(body)


def test_a_template_is_missing_however_it_is_broken() -> None:
    assert clean("{{na\nme}}") is None
