"""Cal.com's webhooks read: whose they are by their signature, and which booking by their payload."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from einmal.adapters.calcom.webhooks import BadWebhook, Signed, check_signature, read_webhook, sign
from einmal.domain.keys import operation_id

SECRETS = {"north": "whsec-north", "south": "whsec-south", "twin": "whsec-north"}
OURS = operation_id(bytes(range(20)))
BODY = b'{"triggerEvent":"BOOKING_CREATED","payload":{"uid":"abc"}}'


def told(payload: Any, event: str = "BOOKING_CREATED", **more: Any) -> bytes:
    return json.dumps({"triggerEvent": event, "payload": payload} | more, ensure_ascii=False).encode()


def test_the_secret_tells_whose_it_is() -> None:
    """Tenants of one account may share one: then it is for all of them."""
    assert check_signature(sign(BODY, "whsec-south"), BODY, SECRETS) == (Signed.VALID, ("south",))
    assert check_signature(sign(BODY, "whsec-north"), BODY, SECRETS) == (Signed.VALID, ("north", "twin"))
    assert check_signature(sign(BODY, "whsec-east"), BODY, SECRETS) == (Signed.WRONG, ())
    assert check_signature(sign(BODY, "whsec-south"), BODY, {}) == (Signed.WRONG, ())


@given(body=st.binary(max_size=200), at=st.integers(0, 10_000))
def test_one_bit_more_or_less_and_it_is_not_signed(body: bytes, at: int) -> None:
    """Of the body or of the signature."""
    header = sign(body, "whsec-south")
    assert check_signature(header, body, SECRETS)[0] is Signed.VALID
    other = bytearray(body or b"x")
    other[at % len(other)] ^= 1 << (at % 8)
    assert check_signature(header, bytes(other), SECRETS)[0] is Signed.WRONG
    place = at % 64
    digit = "0" if header[place] != "0" else "1"
    assert check_signature(header[:place] + digit + header[place + 1 :], body, SECRETS)[0] is Signed.WRONG


@given(header=st.text(max_size=80))
def test_no_text_is_a_signature_by_chance(header: str) -> None:
    """Whatever it is, it is refused, and nothing breaks."""
    checked, whose = check_signature(header, BODY, SECRETS)
    assert checked is not Signed.VALID
    assert whose == ()


def test_a_move_names_both_bookings() -> None:
    """The new one first; the ledger knows the old one."""
    webhook = read_webhook(told({"uid": "new", "rescheduleUid": "old", "metadata": {"einmal_op": OURS}}))
    assert (webhook.uids, webhook.operation_id) == (("new", "old"), OURS)
    notice = webhook.notice("north")
    assert (notice.tenant_id, notice.subject, notice.event) == ("north", "new", "BOOKING_CREATED")


def test_instants_come_in_three_forms_and_are_kept_in_one() -> None:
    """As recorded: with Z, with milliseconds, with an offset."""
    forms = ["2026-12-01T09:00:00Z", "2026-12-01T09:00:00.000Z", "2026-12-01T10:00:00+01:00"]
    kept = {read_webhook(told({"startTime": form})).data["start"] for form in forms}
    assert kept == {"2026-12-01T09:00:00+00:00"}


def test_a_template_of_ones_own_is_read_at_the_top() -> None:
    webhook = read_webhook(b'{"triggerEvent":"BOOKING_CANCELLED","uid":"abc"}')
    assert webhook.uids == ("abc",)


@pytest.mark.parametrize(
    "payload",
    [None, [], 7, "text", {}, {"uid": 7}, {"uid": ""}, {"uid": "x" * 300}, {"uid": "a\nb"}, {"metadata": []}],
)
def test_what_names_no_booking_is_kept_as_that(payload: Any) -> None:
    webhook = read_webhook(told(payload))
    assert (webhook.uids, webhook.operation_id) == ((), None)


@pytest.mark.parametrize("mark", ["", "short", OURS.upper() + "x", 7, None, ["a"]])
def test_what_is_no_operation_id_is_none(mark: Any) -> None:
    assert read_webhook(told({"uid": "abc", "metadata": {"einmal_op": mark}})).operation_id is None


def test_different_content_is_a_different_notice() -> None:
    """The envelope's own time is part of it: two subscriptions tell the same thing twice (recorded)."""
    one, other = (read_webhook(told({"uid": "abc"}, createdAt=at)) for at in ("2026-01-01", "2026-01-02"))
    assert one.digest != other.digest
    assert read_webhook(told({"uid": "abc"})).digest == read_webhook(told({"uid": "abc"})).digest


SECRET_TEXTS = ("Jürgen Groß", "juergen@gast.test", "+491701234567")


@given(where=st.sampled_from(["title", "description", "notes", "smsReminderNumber", "uid", "type"]))
def test_nothing_personal_is_kept(where: str) -> None:
    """Whatever stands wherever: only ids and times are."""
    payload = {
        where: SECRET_TEXTS[0],
        "attendees": [{"name": SECRET_TEXTS[0], "email": SECRET_TEXTS[1], "phoneNumber": SECRET_TEXTS[2]}],
        "responses": {"name": {"value": SECRET_TEXTS[0]}},
        "startTime": "2026-12-01T09:00:00Z",
    }
    kept = json.dumps(read_webhook(told(payload)).data, ensure_ascii=False)
    if where != "uid":
        assert not any(text in kept for text in SECRET_TEXTS)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=10,
)


@given(body=st.binary(max_size=80) | _JSON.map(lambda value: json.dumps(value).encode()))
def test_anything_is_read_or_refused(body: bytes) -> None:
    with contextlib.suppress(BadWebhook):
        assert read_webhook(body).event


@given(
    payload=st.dictionaries(st.sampled_from(["uid", "rescheduleUid", "metadata", "startTime", "eventTypeId"]), _JSON)
)
def test_any_payload_is_read(payload: Any) -> None:
    """And what is kept of it can be written down."""
    webhook = read_webhook(told(payload))
    json.dumps(webhook.data).encode()
    assert all(uid.isprintable() and len(uid) <= 255 for uid in webhook.uids)
