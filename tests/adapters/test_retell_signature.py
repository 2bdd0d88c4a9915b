"""Retell's signature: our own reading of it, with the vendor's SDK as the second opinion."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from retell.lib.webhook_auth import symmetric  # type: ignore[attr-defined]

from einmal.adapters.retell.signature import SignatureCheck, check_signature, sign

KEY = "key_test_123"
OLD_KEY = "key_test_122"
AT_MS = 1764000000000
BODY = '{"name":"book_appointment","args":{"name":"Jürgen Groß"},"call":{"call_id":"call_1"}}'.encode()
DIGEST = "424987a3854a14e87227310bc35d17cebdcddbb107ac79fcc118ca9b88b4d309"
HEADER = f"v={AT_MS},d={DIGEST}"

BODIES = st.one_of(st.just(BODY.decode()), st.text(max_size=60))
KEYS = st.text(min_size=1, max_size=30)
TIMES = st.integers(10**12, 10**13 - 1)


def check(header: str | None, body: bytes = BODY, keys: tuple[str, ...] = (KEY,), now_ms: int = AT_MS) -> str:
    return check_signature(header, body, keys, now_ms).check.value


def test_the_published_vector_comes_out_digit_for_digit() -> None:
    """The header for the vector's body (umlauts, raw UTF-8), key and time is the one that was published."""
    assert sign(BODY, KEY, AT_MS) == HEADER


def test_the_published_vector_is_valid() -> None:
    """A request signed like the vector passes at the moment of its signature."""
    assert check(HEADER) == "valid"


@given(body=BODIES, key=KEYS, at_ms=TIMES)
def test_the_sdk_accepts_what_we_sign(body: str, key: str, at_ms: int) -> None:
    """Whatever we sign, the vendor's own verifier accepts."""
    assert symmetric["verify"](body, key, sign(body.encode(), key, at_ms), {"timestamp": at_ms})


@given(body=BODIES, key=KEYS, at_ms=TIMES)
def test_we_accept_what_the_sdk_signs(body: str, key: str, at_ms: int) -> None:
    """Whatever the vendor's own signer signs, we accept."""
    header = symmetric["sign"](body, key, at_ms)
    assert check_signature(header, body.encode(), [key], at_ms).check is SignatureCheck.VALID


def test_the_sdk_refuses_a_body_that_was_changed_after_we_signed_it() -> None:
    """Control for the agreement above: the vendor's verifier does tell a changed body."""
    assert not symmetric["verify"](BODY.decode() + " ", KEY, HEADER, {"timestamp": AT_MS})


@pytest.mark.parametrize(
    ("now_ms", "outcome"),
    [
        pytest.param(AT_MS + 300_000, "valid", id="five-minutes-old"),
        pytest.param(AT_MS + 300_001, "expired", id="five-minutes-and-a-millisecond-old"),
        pytest.param(AT_MS - 60_000, "valid", id="one-minute-ahead"),
        pytest.param(AT_MS - 60_001, "expired", id="one-minute-and-a-millisecond-ahead"),
        pytest.param(AT_MS + 86_400_000, "expired", id="a-day-old"),
        pytest.param(AT_MS - 300_000, "expired", id="five-minutes-ahead-which-the-vendor-takes"),
    ],
)
def test_the_window_is_five_minutes_back_and_one_minute_ahead(now_ms: int, outcome: str) -> None:
    """A good signature counts from a minute before its time to five minutes after, borders included."""
    assert check(HEADER, now_ms=now_ms) == outcome


def test_a_missing_header_is_named_as_missing() -> None:
    """No header at all is its own outcome, not a crash and not a wrong signature."""
    assert check(None) == "missing"


@pytest.mark.parametrize(
    "header",
    [
        pytest.param("", id="empty"),
        pytest.param(f"v=0{AT_MS},d={DIGEST}", id="leading-zero-fourteen-digits"),
        pytest.param(f"v=0{AT_MS // 10},d={DIGEST}", id="leading-zero-thirteen-digits"),
        pytest.param(f"v={AT_MS // 10},d={DIGEST}", id="twelve-digits"),
        pytest.param(f"v={AT_MS}0,d={DIGEST}", id="fourteen-digits"),
        pytest.param(f"v=١٧٦٤٠٠٠٠٠٠٠٠٠,d={DIGEST}", id="arabic-indic-digits"),
        pytest.param(f"v=1764０00000000,d={DIGEST}", id="one-full-width-digit"),
        pytest.param(f"v={AT_MS},d={DIGEST.upper()}", id="upper-case-hex"),
        pytest.param(f"v={AT_MS},d={DIGEST[:-1]}", id="sixty-three-digits-of-digest"),
        pytest.param(f"v={AT_MS},d={DIGEST}0", id="sixty-five-digits-of-digest"),
        pytest.param(f"v={AT_MS},d={DIGEST[:-1]}g", id="no-hex"),
        pytest.param(HEADER + "\n", id="trailing-newline"),
        pytest.param(HEADER + " ", id="trailing-blank"),
        pytest.param(" " + HEADER, id="leading-blank"),
        pytest.param(f"v={AT_MS}, d={DIGEST}", id="blank-after-the-comma"),
        pytest.param(f"v=+{AT_MS},d={DIGEST}", id="plus-sign"),
        pytest.param(f"v=-{AT_MS},d={DIGEST}", id="minus-sign"),
        pytest.param(f"d={DIGEST},v={AT_MS}", id="other-order"),
        pytest.param(f"{HEADER},d={DIGEST}", id="two-digests"),
        pytest.param(DIGEST, id="digest-alone"),
        pytest.param(HEADER + "\ud800", id="lone-surrogate"),
    ],
)
def test_one_signature_has_one_spelling(header: str) -> None:
    """Any other spelling of a good signature is malformed, so that it cannot pass for a second request."""
    assert check(header) == "malformed"


@pytest.mark.parametrize(
    "first",
    [pytest.param(KEY, id="new-key-signed"), pytest.param(OLD_KEY, id="old-key-signed")],
)
@pytest.mark.parametrize(
    "keys", [pytest.param((KEY, OLD_KEY), id="new-first"), pytest.param((OLD_KEY, KEY), id="old-first")]
)
def test_during_a_rotation_either_key_signs(first: str, keys: tuple[str, ...]) -> None:
    """With two keys set, a request signed with either passes, whichever stands first."""
    assert check(sign(BODY, first, AT_MS), keys=keys) == "valid"


@pytest.mark.parametrize(
    "keys",
    [
        pytest.param((), id="no-key"),
        pytest.param((OLD_KEY,), id="only-the-retired-key"),
        pytest.param((KEY.upper(),), id="other-case"),
        pytest.param((KEY + "\n",), id="newline-on-the-key"),
    ],
)
def test_after_a_rotation_the_retired_key_is_wrong(keys: tuple[str, ...]) -> None:
    """Without the key that signed, the signature is wrong."""
    assert check(HEADER, keys=keys) == "wrong"


@pytest.mark.parametrize(
    "header",
    [
        pytest.param(f"v={AT_MS + 1},d={DIGEST}", id="time-moved-by-a-millisecond"),
        pytest.param(f"v={AT_MS},d={'0' * 64}", id="digest-of-zeros"),
        pytest.param(f"v={AT_MS},d={DIGEST[:-1]}8", id="last-digit-changed"),
        pytest.param(sign(BODY.replace(b"ue", b"u"), "", AT_MS), id="signed-with-the-empty-key"),
    ],
)
def test_a_signature_that_does_not_fit_is_wrong(header: str) -> None:
    """The time is signed with the body; neither it nor the digest can be changed."""
    assert check(header) == "wrong"


def test_a_wrong_signature_is_wrong_at_any_age() -> None:
    """Whether the signature is old is told only to those who could sign."""
    assert check(f"v={AT_MS},d={'0' * 64}", now_ms=AT_MS + 10**9) == "wrong"


def test_json_written_anew_does_not_fit() -> None:
    """The bytes are signed, not their meaning: the same JSON with escaped umlauts is another body."""
    assert check(HEADER, BODY.decode().encode("ascii", "backslashreplace")) == "wrong"


@given(where=st.integers(0, len(BODY) - 1), flip=st.integers(1, 255))
def test_any_changed_byte_of_the_body_is_wrong(where: int, flip: int) -> None:
    """No byte of the body can be changed without the signature saying so."""
    changed = bytearray(BODY)
    changed[where] ^= flip
    assert check(HEADER, bytes(changed)) == "wrong"


@given(cut=st.integers(0, len(BODY) - 1), more=st.binary(min_size=1, max_size=8))
def test_a_body_cut_or_continued_is_wrong(cut: int, more: bytes) -> None:
    """A shorter or a longer body does not pass under the signature of the whole."""
    assert (check(HEADER, BODY[:cut]), check(HEADER, BODY + more)) == ("wrong", "wrong")


@given(header=st.text(max_size=100), body=st.binary(max_size=40))
def test_no_header_makes_it_raise_or_pass(header: str, body: bytes) -> None:
    """Whatever stands in the header, the answer is an outcome, and never "valid" by chance."""
    assert check(header, body) in {"malformed", "wrong"}
