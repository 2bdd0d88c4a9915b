"""What ElevenLabs sends because our tool definitions say so, and its webhooks with their signature."""

import json
import time
from datetime import UTC, datetime
from typing import Any

import pytest
from elevenlabs.errors import BadRequestError
from elevenlabs.webhooks_custom import WebhooksClient
from hypothesis import given
from hypothesis import strategies as st

from einmal.adapters.elevenlabs.envelope import FILLED_IN, ToolCall, read_tool_call
from einmal.adapters.elevenlabs.news import read_webhook
from einmal.adapters.elevenlabs.signature import BadSignature, sign, signer
from einmal.adapters.strict_json import BadEnvelope

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
AT = int(NOW.timestamp())
BODY = json.dumps({"type": "post_call_transcription", "data": {"name": "Jürgen Groß"}}, ensure_ascii=False).encode()
WISH = {"datum": "2026-12-01", "uhrzeit": "10:00", "name": "Jürgen Groß"}
LINE = {
    "conversation_id": "conv_7d4d0c",
    "agent_id": "agent_1",
    "caller_id": "+491701234567",
    "called_number": "+4930901820",
}


def read(**fields: Any) -> ToolCall:
    return read_tool_call(json.dumps(fields).encode())


def test_the_platforms_fields_are_told_from_the_models() -> None:
    """Four of them are the platform's, and no argument."""
    call = read(**WISH, **LINE)
    assert call == ToolCall(WISH, "conv_7d4d0c", "agent_1", "+491701234567", "+4930901820")
    assert set(LINE) == set(FILLED_IN)


@pytest.mark.parametrize("value", ["{{system__conversation_id}}", "", None, 7, ["conv_1"], "conv 1", "c" * 201])
def test_a_variable_that_nobody_filled_in_is_not_told(value: Any) -> None:
    assert read(**WISH, conversation_id=value, agent_id=value).conversation_id is None


@pytest.mark.parametrize("sent", [b"", b"[]", b"null", b'{"name":"a","name":"b"}', b'{"name":"\xff"}', b'{"x":' * 99])
def test_what_is_no_object_is_refused(sent: bytes) -> None:
    with pytest.raises(BadEnvelope):
        read_tool_call(sent)


# The signature ----------------------------------------------------------------------------------------------------


def test_the_vendors_own_check_takes_what_we_sign() -> None:
    """Our reading of `t.body` is theirs, umlauts and all."""
    at = int(time.time())
    client = WebhooksClient(client_wrapper=None)  # type: ignore[arg-type]
    event = client.construct_event(BODY.decode(), sign(BODY, "wsec_1", at), "wsec_1")
    assert event["type"] == "post_call_transcription"
    with pytest.raises(BadRequestError):
        client.construct_event(BODY.decode(), sign(BODY, "wsec_2", at), "wsec_1")


@pytest.mark.parametrize("seconds", [0, 30 * 60, -60])
def test_one_of_the_secrets_signed_it_about_now(seconds: int) -> None:
    """Half an hour in the past as at the vendor, a minute in the future."""
    assert signer(sign(BODY, "new", AT - seconds), BODY, ("old", "new"), AT) == "new"


GOOD = sign(BODY, "old", AT)


@pytest.mark.parametrize(
    ("header", "word"),
    [
        (None, "missing"),
        ("", "malformed"),
        ("v0=" + "0" * 64, "malformed"),
        (GOOD.replace(f"t={AT}", f"t=0{AT}"), "malformed"),
        (GOOD.upper(), "malformed"),
        (f"{GOOD},v0={'0' * 64}", "malformed"),
        (GOOD + "\n", "malformed"),
        (sign(BODY, "another", AT), "wrong"),
        (sign(BODY + b" ", "old", AT), "wrong"),
        (GOOD.replace(f"t={AT}", f"t={AT + 1}"), "wrong"),
        (sign(BODY, "old", AT - 30 * 60 - 1), "expired"),
        (sign(BODY, "old", AT + 61), "expired"),
    ],
)
def test_any_other_header_is_refused(header: str | None, word: str) -> None:
    with pytest.raises(BadSignature) as bad:
        signer(header, BODY, ("old", "new"), AT)
    assert bad.value.args[0] == word


# The end of a conversation ----------------------------------------------------------------------------------------


def webhook(kind: str = "post_call_transcription", **data: Any) -> bytes:
    told = {"agent_id": "agent_1", "conversation_id": "conv_7d4d0c", "status": "done", "transcript": []} | data
    return json.dumps({"type": kind, "event_timestamp": AT - 5, "data": told}).encode()


METADATA = {
    "start_time_unix_secs": AT - 100,
    "call_duration_secs": 60,
    "termination_reason": "Anna Weiß hung up",
    "phone_call": {"direction": "inbound", "agent_number": "+4930901820", "external_number": "+491701234567"},
}


def test_a_transcription_ends_the_conversation() -> None:
    """When it began and how long it took; nothing of what was said."""
    ended = read_webhook(webhook(metadata=METADATA), NOW)
    assert ended is not None
    news = ended.news
    assert (news.call.platform, news.call.call_id, news.call.agent_id) == ("elevenlabs", "conv_7d4d0c", "agent_1")
    assert (news.started_at, news.ended_at) == tuple(datetime.fromtimestamp(AT - s, UTC) for s in (100, 40))
    assert (news.direction, news.disconnection_reason, news.analyzed_at) == ("inbound", None, NOW)
    assert ended.house_number == "+4930901820"


def test_a_recording_ends_it_as_well_at_the_time_of_the_event() -> None:
    ended = read_webhook(webhook("post_call_audio", full_audio="AAAA"), NOW)
    assert ended is not None
    assert (ended.news.ended_at, ended.news.analyzed_at) == (datetime.fromtimestamp(AT - 5, UTC), None)


@pytest.mark.parametrize("kind", ["call_initiation_failure", "workspace_event", ""])
def test_other_events_tell_of_no_end(kind: str) -> None:
    assert read_webhook(webhook(kind), NOW) is None


@pytest.mark.parametrize("sent", [b"{}", b'{"type":7}', b"[]", webhook(conversation_id=None), webhook(data=1)[:-9]])
def test_what_is_no_webhook_is_refused(sent: bytes) -> None:
    with pytest.raises(BadEnvelope):
        read_webhook(sent, NOW)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
METADATA_KEYS = st.sampled_from([*METADATA, "direction", "agent_number"])
ANY = st.dictionaries(
    st.sampled_from(["conversation_id", "agent_id", "metadata", *FILLED_IN]),
    JSON | st.dictionaries(METADATA_KEYS, JSON | st.dictionaries(METADATA_KEYS, JSON)),
)


@given(data=ANY | JSON, at=JSON)
def test_whatever_is_sent_is_read_or_refused(data: Any, at: Any) -> None:
    """No body makes either of the two raise anything but BadEnvelope."""
    event = {"type": "post_call_transcription", "event_timestamp": at, "data": data}
    for reader, sent in ((read_tool_call, data), (lambda body: read_webhook(body, NOW), event)):
        try:
            reader(json.dumps(sent).encode())
        except BadEnvelope:
            continue
