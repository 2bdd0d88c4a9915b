"""The opaque name of an offer: what we named is read back, and nothing else is."""

import base64
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from einmal.domain.model import Offer
from einmal.domain.slot import offer_of, slot_name

SECRET = b"tenant's own key"
OFFER = Offer(datetime(2026, 12, 1, 9, 0, tzinfo=UTC), "101")
NAME = "nRwdGOEo74PdMTc5NjExNTYwMHwxMDE"
"""Handed out under this key: names that callers hold must go on being read."""

STARTS = st.integers(0, 4_102_444_800).map(lambda second: datetime.fromtimestamp(second, UTC))
SERVICES = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


def test_a_name_stays_what_it_was() -> None:
    """A release in the middle of a call does not forget what was offered in it."""
    assert slot_name(OFFER, SECRET) == NAME
    assert offer_of(NAME, SECRET) == OFFER


@given(STARTS, SERVICES)
def test_every_offer_is_read_back_from_its_name(start: datetime, service_id: str) -> None:
    """To the second, and whatever the service is called; in letters that survive a URL and a JSON string."""
    offer = Offer(start, service_id)
    name = slot_name(offer, SECRET)
    assert offer_of(name, SECRET) == offer
    for spaced in (f" {name}\n", f"\u00a0{name}\u2003"):
        assert offer_of(spaced, SECRET) == offer, "models add white space"
    assert name.replace("-", "").replace("_", "").isalnum()
    assert "=" not in name


def test_names_of_all_endings_are_read_back() -> None:
    """Nothing but padding is left away at the end."""
    offers = [Offer(OFFER.start + timedelta(minutes=number), "beratung") for number in range(500)]
    assert [offer_of(slot_name(offer, SECRET), SECRET) for offer in offers] == offers


@pytest.mark.parametrize("microsecond", [0, 1, 999_999])
def test_a_name_holds_whole_seconds(microsecond: int) -> None:
    """Slots begin at whole seconds; what an offer has beyond them is no other slot."""
    assert offer_of(slot_name(Offer(OFFER.start.replace(microsecond=microsecond), "101"), SECRET), SECRET) == OFFER


def test_the_same_instant_has_one_name_in_every_zone() -> None:
    """An offer is an instant."""
    berlin = OFFER.start.astimezone(timezone(timedelta(hours=1)))
    assert slot_name(Offer(berlin, "101"), SECRET) == NAME


@given(st.integers(0, len(NAME) - 1), st.sampled_from("ABCxyz019-_"))
def test_an_altered_name_is_noticed(place: int, letter: str) -> None:
    """No letter can be changed, but for the last one's bits that stand for nothing."""
    altered = NAME[:place] + letter + NAME[place + 1 :]
    raw = base64.urlsafe_b64decode(altered + "=" * (-len(altered) % 4))
    same = raw == base64.urlsafe_b64decode(NAME + "=" * (-len(NAME) % 4))
    assert offer_of(altered, SECRET) == (OFFER if same else None)


@pytest.mark.parametrize("of_key", [b"another tenant's", SECRET + b"\0", SECRET.upper()])
def test_a_name_is_nothing_to_another_tenant(of_key: bytes) -> None:
    """One tenant's offers cannot be booked with another."""
    assert offer_of(NAME, of_key) is None


@given(st.one_of(st.text(max_size=60), st.binary(max_size=60).map(lambda b: base64.urlsafe_b64encode(b).decode())))
def test_what_we_did_not_name_is_nothing(name: str) -> None:
    """Made up, cut off, not base64, not even ASCII: None, and no exception."""
    assert offer_of(name, SECRET) is None


@pytest.mark.parametrize("length", range(len(NAME)))
def test_a_name_that_was_cut_off_is_nothing(length: int) -> None:
    """Speech models drop ends."""
    assert offer_of(NAME[:length], SECRET) is None


def test_the_seal_is_wide_enough() -> None:
    """72 bits before start and service: nobody guesses one within a phone call."""
    raw = base64.urlsafe_b64decode(NAME + "=" * (-len(NAME) % 4))
    assert raw[9:] == b"1796115600|101"
