"""Retell's webhooks as they come: strict where it protects, generous where only something is missing."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from retell.types.phone_call_response import PhoneCallResponse

from einmal.adapters.functions.call import FunctionCall
from einmal.adapters.retell.webhooks import REASON_MAX, Event, Webhook, read_webhook
from einmal.adapters.strict_json import BadEnvelope
from einmal.ports import CallContact, CallNews

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
START, END = NOW - timedelta(minutes=5), NOW - timedelta(seconds=1)
CALL = {
    "call_id": "call_7d4d0c",
    "agent_id": "agent_1",
    "call_type": "phone_call",
    "direction": "inbound",
    "from_number": "+491701234567",
    "to_number": "+4930901820",
    "start_timestamp": int(START.timestamp() * 1000),
}
OVER = CALL | {"end_timestamp": int(END.timestamp() * 1000), "disconnection_reason": "user_hangup"}
CONTACT = CallContact("retell", "call_7d4d0c", "agent_1")
WHOSE = FunctionCall(
    None,
    {},
    "call_7d4d0c",
    None,
    "agent_1",
    caller_number="+491701234567",
    house_number="+4930901820",
    direction="inbound",
)


def read(**fields: Any) -> Webhook | None:
    return read_webhook(json.dumps(fields, ensure_ascii=False).encode(), NOW)


def news(event: str = "call_ended", **call: Any) -> CallNews:
    found = read(event=event, call=OVER | call)
    assert found is not None
    assert found.news is not None
    return found.news


@pytest.mark.parametrize(
    ("event", "call", "told"),
    [
        ("call_started", CALL, CallNews(CONTACT, "inbound", START)),
        ("call_ended", OVER, CallNews(CONTACT, "inbound", START, END, "user_hangup")),
        ("call_analyzed", OVER, CallNews(CONTACT, "inbound", START, END, "user_hangup", NOW)),
    ],
)
def test_each_event_tells_what_it_knows(event: str, call: dict[str, Any], told: CallNews) -> None:
    """The analysis tells of the end as well: the word of that may have been lost."""
    assert read(event=event, call=call) == Webhook(Event(event), WHOSE, told)


def test_what_rings_is_inbound_and_may_have_no_id() -> None:
    """Neither an agent nor an id is sure at that moment; the numbers are."""
    ringing = {"from_number": "+491701234567", "to_number": "+4930901820"}
    found = read(event="call_inbound", call_inbound=ringing)
    assert found is not None
    assert (found.event, found.news) == (Event.INBOUND, None)
    assert (found.call.caller_number, found.call.house_number) == ("+491701234567", "+4930901820")
    named = read(event="call_inbound", call_inbound=ringing | {"agent_id": "agent_1", "call_id": "call_7d4d0c"})
    assert named == Webhook(Event.INBOUND, WHOSE, CallNews(CONTACT, "inbound"))


def test_a_web_call_has_no_numbers() -> None:
    """Whose it is, its agent tells."""
    found = read(
        event="call_started", call={"call_id": "call_web12345", "agent_id": "agent_1", "call_type": "web_call"}
    )
    assert found is not None
    assert (found.call.house_number, found.call.caller_number, found.call.direction) == (None, None, None)


def test_on_an_outbound_call_the_house_is_the_one_that_calls() -> None:
    found = read(event="call_started", call=CALL | {"direction": "outbound"})
    assert found is not None
    assert (found.call.house_number, found.call.direction) == ("+491701234567", "outbound")


@pytest.mark.parametrize("event", ["call_transferred", "transcript_updated", "chat_started", ""])
def test_an_event_that_is_not_known_is_none_of_ours(event: str) -> None:
    """Whatever else it holds: new ones come by themselves."""
    assert read(event=event, call=7) is None


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"event": 7},
        {"call": CALL},
        {"event": "call_ended"},
        {"event": "call_ended", "call": []},
        {"event": "call_inbound", "call": CALL},
        {"event": "call_ended", "call": {"agent_id": "agent_1"}},
        {"event": "call_ended", "call": CALL | {"call_id": "{{call_id}}"}},
        {"event": "call_ended", "call": CALL | {"call_id": 7}},
    ],
)
def test_what_tells_of_no_call_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(BadEnvelope, match="must be"):
        read(**fields)


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{", b"\xff", b'{"event":"call_ended","event":"call_started"}', b"[" * 99_999]
)
def test_what_is_no_object_is_refused(body: bytes) -> None:
    with pytest.raises(BadEnvelope, match="must be"):
        read_webhook(body, NOW)


@pytest.mark.parametrize("value", [None, "1764000000000", True, 0, -1, 1.5, 10**15, 10**40, [], {}])
def test_an_instant_that_cannot_be_one_was_not_told(value: Any) -> None:
    """A call has ended all the same: now, as far as anybody knows. When it began stays open."""
    told = news(start_timestamp=value, end_timestamp=value)
    assert (told.started_at, told.ended_at) == (None, NOW)
    assert news("call_started", start_timestamp=value).started_at == NOW


def test_every_reason_of_the_vendors_is_kept() -> None:
    """As its SDK lists them."""
    [reasons] = [
        one for one in get_args(PhoneCallResponse.model_fields["disconnection_reason"].annotation) if get_args(one)
    ]
    assert len(get_args(reasons)) > 30
    for reason in get_args(reasons):
        assert news(disconnection_reason=reason).disconnection_reason == reason


@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        "+491701234567",
        "491701234567",
        "Jürgen Groß",
        "user hangup",
        "a" * (REASON_MAX + 1),
        7,
        ["user_hangup"],
    ],
)
def test_what_looks_like_a_number_or_a_name_is_no_reason(value: Any) -> None:
    """Numbers and names have their places, and this is none."""
    assert news(disconnection_reason=value).disconnection_reason is None


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda x: st.dictionaries(st.text(), x)))
def test_whatever_stands_in_the_call_is_read_or_refused(call: Any) -> None:
    """Never anything else."""
    for event in Event:
        try:
            read(event=event, call=call, call_inbound=call)
        except BadEnvelope:
            continue
