"""What is sealed opens with its key, at its place, and in no other way; and what went wrong is told without a value."""

import base64
import os

import pytest

from einmal.sealed import CannotOpen, Keyring, looks_sealed, new_key, read_keys
from einmal.secret import Secret

OLD, NEW = (read_keys(new_key())[0] for _ in range(2))
VALUE, PLACE = b"cal_live_7f3a91c0ffee", "salon/calcom_api_key"


def why(ring: Keyring, sealed: str, place: str = PLACE) -> str:
    with pytest.raises(CannotOpen) as failure:
        ring.open(sealed, place)
    told = str(failure.value)
    assert "7f3a91c0ffee" not in told
    assert OLD.reveal() not in told
    assert NEW.reveal() not in told
    return told


def test_what_is_sealed_opens_again_and_shows_nothing() -> None:
    """Twice the same value looks like two, so that nobody sees which tenants share a key."""
    ring = Keyring([OLD])
    one, other = ring.seal(VALUE, PLACE), ring.seal(VALUE, PLACE)
    assert one != other
    assert one.startswith(f"sealed:v1:{ring.first}:")
    assert looks_sealed(one)
    assert "7f3a91c0ffee" not in one
    assert base64.b64encode(VALUE).decode()[:8] not in one
    assert ring.open(one, PLACE) == ring.open(other, PLACE) == VALUE


def test_a_format_that_was_once_written_is_read_for_ever() -> None:
    """Written out: whoever changes how v1 is made cannot read what lies in files and ledgers."""
    key = Secret(base64.urlsafe_b64encode(bytes(range(32))).decode())
    sealed = "sealed:v1:a3b46952:fgSPjZhQKZSbntcVgbaYCiHJTNVKK5Ih0hXvJhKUaTd4xXey6jSH0ijyJigFPBw3-g"
    assert Keyring([key]).open(sealed, PLACE) == VALUE


def test_it_opens_at_its_place_alone() -> None:
    """Carried to another tenant or another name it is refused."""
    ring = Keyring([OLD])
    sealed = ring.seal(VALUE, PLACE)
    for place in ("other/calcom_api_key", "salon/calcom_webhook_secret", "ledger/salon/hash_key", ""):
        assert "sealed for another place" in why(ring, sealed, place)


def test_each_letter_counts() -> None:
    """Whatever is changed in it, or cut off, it stays shut."""
    ring = Keyring([OLD])
    sealed = ring.seal(VALUE, PLACE)
    for at in range(len(sealed)):
        if sealed[at] != ":":
            changed = sealed[:at] + ("A" if sealed[at] not in "Aa" else "B") + sealed[at + 1 :]
            # The last letter of base64 has bits to spare: where it means the same it is the same.
            if ring_opens(ring, changed):
                assert at == len(sealed) - 1
    assert "no sealed value" in why(ring, "sealed:v2:00000000:AAAA")
    assert "no sealed value" in why(ring, sealed[:12])
    assert "part of it is missing" in why(ring, sealed[:30])


def ring_opens(ring: Keyring, sealed: str) -> bool:
    try:
        return ring.open(sealed, PLACE) == VALUE
    except CannotOpen:
        return False


def test_a_wrong_and_a_lost_key_are_told_apart() -> None:
    """By the names of keys, which are no way back to them."""
    sealed = Keyring([OLD]).seal(VALUE, PLACE)
    name = Keyring([OLD]).first
    assert f"the key {name}, and EINMAL_SECRETS_KEY has {Keyring([NEW]).first}" in why(Keyring([NEW]), sealed)
    assert f"the key {name}, and EINMAL_SECRETS_KEY is not set" in why(Keyring(), sealed)


def test_during_a_rotation_both_open_and_the_first_seals() -> None:
    """So that processes that have both get along with those that have one, in whichever order they start."""
    both = Keyring([NEW, OLD])
    before = Keyring([OLD]).seal(VALUE, PLACE)
    assert both.open(before, PLACE) == VALUE
    assert not both.is_newest(before)
    after = both.seal(both.open(before, PLACE), PLACE)
    assert both.is_newest(after)
    assert Keyring([NEW]).open(after, PLACE) == VALUE
    assert "it is sealed with the key" in why(Keyring([OLD]), after)


def test_without_a_key_nothing_is_sealed() -> None:
    """Rather than left as it is without a word."""
    with pytest.raises(LookupError):
        Keyring().seal(VALUE, PLACE)
    assert not Keyring()


@pytest.mark.parametrize(
    "text",
    ["", ",", "short", "ä" * 43, "A" * 42, "A" * 44, " ".join(["A" * 21] * 2), f"{new_key()},{new_key()},{new_key()}"],
)
def test_what_is_no_key_is_refused_and_not_quoted(text: str) -> None:
    """32 bytes in base64, one or two of them."""
    with pytest.raises(ValueError, match="must be one key, or two") as wrong:
        read_keys(text)
    assert not text.strip(",") or text not in str(wrong.value)


def test_keys_of_other_tools_are_keys() -> None:
    """`openssl rand -base64 32`, padded and with the other alphabet, is the same key as ours."""
    raw = os.urandom(32)
    padded, ours = base64.b64encode(raw).decode(), base64.urlsafe_b64encode(raw).decode().rstrip("=")
    (one,), (other,) = read_keys(padded), read_keys(ours)
    assert Keyring([one]).open(Keyring([other]).seal(VALUE, PLACE), PLACE) == VALUE
    with pytest.raises(ValueError, match="one key twice"):
        read_keys(f"{padded},{ours}")


def test_a_keyring_shows_only_names() -> None:
    """In a log, a traceback, a debugger."""
    ring = Keyring([OLD])
    assert OLD.reveal() not in repr(ring) + str(ring) + repr([OLD])
    assert ring.first in repr(ring)
