"""Vapi's server messages as they are sent, everything that is none, and the line that its model reads."""

import json
import typing
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vapi.types.server_message_end_of_call_report_ended_reason import ServerMessageEndOfCallReportEndedReason
from vapi.types.server_message_response_tool_calls import ServerMessageResponseToolCalls
from vapi.types.tool_call import ToolCall as VapiToolCall

from einmal.adapters.strict_json import BadEnvelope, json_object
from einmal.adapters.vapi.answer import answer_body, failure, one_line, result
from einmal.adapters.vapi.envelope import CALLS_MAX, Line, ToolCall, line_of, message_of, tool_calls_of
from einmal.adapters.vapi.news import REPORT, STATUS, news_of

WIRE = (
    '{"message":{"type":"tool-calls","timestamp":1764000000000,"toolCallList":[{"id":"toolu_1","type":"function",'
    '"function":{"name":"book","arguments":"{\\"datum\\":\\"2026-12-01\\",\\"uhrzeit\\":\\"10:00\\"}"}}],'
    '"call":{"id":"c1"},"customer":{"number":"+4930123"}}}'
)
ARGS = {"datum": "2026-12-01", "uhrzeit": "10:00"}
NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


def asked(*calls: Any, **message: Any) -> tuple[ToolCall, ...]:
    return tool_calls_of({"toolCallList": list(calls)} | message)


def tool(arguments: Any = None, **fields: Any) -> dict[str, Any]:
    function = {"name": "book_appointment"} | ({} if arguments is None else {"arguments": arguments})
    return {"id": "toolu_1", "type": "function", "function": function} | fields


def test_the_recorded_message_is_read() -> None:
    """The wire example gives the tool's call, the phone call and the customer."""
    kind, message = message_of(json_object(WIRE.encode()))
    assert (kind, line_of(message)) == ("tool-calls", Line("c1", None, "+4930123", None, None))
    assert tool_calls_of(message) == (ToolCall("toolu_1", "book", ARGS),)
    sent = VapiToolCall.model_validate(message["toolCallList"][0])
    assert (sent.id, sent.function.name) == ("toolu_1", "book")


@pytest.mark.parametrize("arguments", [json.dumps(ARGS), ARGS])
def test_arguments_are_read_as_a_string_and_as_an_object(arguments: Any) -> None:
    """The SDK says a string; calls have been seen with an object."""
    assert asked(tool(arguments)) == (ToolCall("toolu_1", "book_appointment", ARGS),)


def test_name_and_arguments_may_stand_beside_the_id() -> None:
    """As in the documentation's examples."""
    flat = {"id": "toolu_1", "name": "book_appointment", "arguments": ARGS}
    assert asked(flat) == (ToolCall("toolu_1", "book_appointment", ARGS),)


@pytest.mark.parametrize("listed", [None, []])
def test_the_other_list_is_read_where_the_first_is_not_there(listed: Any) -> None:
    """Both hold the same calls; none is done twice where both do."""
    around = [{"type": "function", "function": {"name": "book_appointment"}, "toolCall": tool(ARGS)}]
    whole = ToolCall("toolu_1", "book_appointment", ARGS)
    assert tool_calls_of({"toolCallList": listed, "toolWithToolCallList": around}) == (whole,)
    assert tool_calls_of({"toolCallList": [tool(ARGS)], "toolWithToolCallList": around}) == (whole,)


@pytest.mark.parametrize("arguments", [None, "", " "])
def test_a_tool_without_arguments_has_none(arguments: Any) -> None:
    assert asked(tool(arguments)) == (ToolCall("toolu_1", "book_appointment", {}),)


@pytest.mark.parametrize("arguments", ["datum=2026-12-01", "[1]", '{"datum":"1","datum":"2"}', [ARGS], 7, '{"x":' * 50])
def test_one_that_cannot_be_read_is_told_by_itself(arguments: Any) -> None:
    """The others of the same request are served; what was wrong quotes nothing."""
    first, second = asked(tool(arguments), tool(ARGS, id="toolu_2"))
    assert (first.args, second.args) == (None, ARGS)
    assert failure(first, first.wrong or "") == {
        "toolCallId": "toolu_1",
        "name": "book_appointment",
        "error": "arguments must be one JSON object, without duplicate keys",
    }


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param([], id="array"),
        pytest.param({}, id="empty"),
        pytest.param({"message": "tool-calls"}, id="message-is-text"),
        pytest.param({"message": {}}, id="no-type"),
        pytest.param({"message": {"type": 7}}, id="type-is-a-number"),
        pytest.param({"message": {"type": "tool-calls"}}, id="no-calls"),
        pytest.param({"message": {"type": "tool-calls", "toolCallList": {}}}, id="calls-are-an-object"),
        pytest.param({"message": {"type": "tool-calls", "toolWithToolCallList": [1]}}, id="tools-are-numbers"),
        pytest.param({"message": {"type": "tool-calls", "toolCallList": ["toolu_1"]}}, id="call-is-text"),
        pytest.param({"message": {"type": "tool-calls", "toolCallList": [tool(id=None)]}}, id="no-id"),
        pytest.param({"message": {"type": "tool-calls", "toolCallList": [tool(id="x" * 201)]}}, id="endless-id"),
        pytest.param({"message": {"type": "tool-calls", "toolCallList": [tool(id="a\ud800")]}}, id="half-a-letter"),
        pytest.param({"message": {"type": "tool-calls", "toolCallList": [tool(function={})]}}, id="no-name"),
        pytest.param({"message": {"type": "tool-calls", "toolCallList": [tool()] * (CALLS_MAX + 1)}}, id="too-many"),
    ],
)
def test_what_is_no_message_is_refused(sent: Any) -> None:
    with pytest.raises(BadEnvelope):
        tool_calls_of(message_of(json_object(json.dumps(sent).encode()))[1])


def test_the_line_is_found_in_the_message_and_in_its_call() -> None:
    """The customer is the other end, whoever called whom."""
    call = {"id": "c1", "assistantId": "a1", "type": "outboundPhoneCall", "customer": {"number": "+4930123"}}
    whole = Line("c1", "a1", "+4930123", "+4930901820", "outbound")
    assert line_of({"call": call, "phoneNumber": {"number": "+4930901820"}}) == whole
    assert line_of({"call": call | {"phoneNumber": {"number": "+4930901820"}}}) == whole


@pytest.mark.parametrize("call", [None, "c1", [], {"id": "{{call.id}}"}, {"id": 7}, {"id": "c 1", "type": []}])
def test_a_call_that_is_none_vouches_for_nothing(call: Any) -> None:
    assert line_of({"call": call, "customer": "+4930", "phoneNumber": {"number": 4930}}) == Line()


# The line that the model reads -----------------------------------------------------------------------------------

ANSWER = {
    "success": False,
    "status": "slot_taken",
    "message": "Dieser Termin wurde bereits gebucht.\nFrei ist\u2028noch 11 Uhr.",
    "bestaetigung_status": "error",
    "booking": {"ref": "R1", "start": "2026-12-01T10:00:00+01:00", "end": "x", "service": "Beratung"},
    "alternatives": [{"slot": "s-1", "start": "2026-12-01T11:00:00+01:00", "message": "um 11 Uhr"}],
    "missing": ["time"],
    "do_not_rebook": True,
    "error_id": "e1",
}


def test_the_line_holds_what_the_model_needs_and_no_times() -> None:
    """The sentence, the status, opaque slots; what says the same twice, or invites to compose dates, is left out."""
    assert json.loads(one_line(ANSWER)) == {
        "status": "slot_taken",
        "message": "Dieser Termin wurde bereits gebucht.\nFrei ist noch 11 Uhr.",
        "booking": {"ref": "R1", "service": "Beratung"},
        "alternatives": [{"slot": "s-1", "message": "um 11 Uhr"}],
        "missing": ["time"],
        "do_not_rebook": True,
    }


@given(message=st.text(), name=st.text(min_size=1, max_size=20))
def test_no_text_breaks_the_line(message: str, name: str) -> None:
    """Whatever stands in a sentence: one line, in every sense of the word, and JSON."""
    line = one_line({"status": "booked", "message": message, "booking": {"ref": name}})
    assert line.splitlines() == [line]
    assert json.loads(line)["status"] == "booked"


def test_the_vendors_own_model_reads_the_answer() -> None:
    """Each field is one of theirs, and none that they need is missing."""
    call = ToolCall("toolu_1", "book_appointment", ARGS)
    body = json.loads(answer_body([result(call, ANSWER), failure(call, "no")]))
    read = ServerMessageResponseToolCalls.model_validate(body)
    assert read.results is not None
    good, bad = read.results
    assert (good.tool_call_id, good.name, good.result, good.error) == (
        *("toolu_1", "book_appointment", one_line(ANSWER)),
        None,
    )
    assert (bad.result, bad.error) == (None, "no")
    assert [one.model_extra for one in (good, bad, read)] == [{}, {}, {}]


# The end of a call -----------------------------------------------------------------------------------------------

LINE = Line("c1", "a1", None, None, "inbound")
ENDED = {
    "endedReason": "customer-ended-call",
    "startedAt": "2026-11-23T08:50:00.123Z",
    "endedAt": "2026-11-23T09:00:00Z",
}


def test_a_report_ends_the_call() -> None:
    news = news_of(REPORT, ENDED, LINE, NOW)
    assert news is not None
    assert (news.call.platform, news.call.call_id, news.call.agent_id) == ("vapi", "c1", "a1")
    assert (news.started_at, news.ended_at) == (datetime(2026, 11, 23, 8, 50, 0, 123000, UTC), NOW)
    assert (news.disconnection_reason, news.analyzed_at, news.direction) == ("customer-ended-call", NOW, "inbound")


@pytest.mark.parametrize(
    ("told", "ended_at"),
    [
        ({"timestamp": 1764000000000}, datetime(2025, 11, 24, 16, 0, tzinfo=UTC)),
        ({"timestamp": -1}, NOW),
        ({"timestamp": 1e300}, NOW),
        ({"timestamp": True}, NOW),
        ({"endedAt": "yesterday"}, NOW),
        ({"endedAt": "2026-13-01T09:00:00Z"}, NOW),
        ({"endedAt": "0001-01-01T00:00:00+14:00"}, NOW),
        ({}, NOW),
    ],
)
def test_a_status_ends_the_call_at_whatever_time_it_names(told: dict[str, Any], ended_at: datetime) -> None:
    news = news_of(STATUS, {"status": "ended"} | told, LINE, NOW)
    assert news is not None
    assert (news.ended_at, news.analyzed_at) == (ended_at, None)


@pytest.mark.parametrize(
    ("kind", "message"), [(STATUS, {"status": "in-progress"}), (STATUS, {}), ("hang", {}), ("speech-update", ENDED)]
)
def test_other_messages_tell_of_no_end(kind: str, message: dict[str, Any]) -> None:
    assert news_of(kind, message, LINE, NOW) is None


def test_an_end_of_no_call_is_refused() -> None:
    with pytest.raises(BadEnvelope, match=r"message\.call\.id"):
        news_of(REPORT, ENDED, Line(), NOW)


def test_every_reason_of_the_vendors_is_kept() -> None:
    """The list of its SDK, which grows; new ones come by themselves."""
    reasons = typing.get_args(typing.get_args(ServerMessageEndOfCallReportEndedReason)[0])
    assert len(reasons) > 500
    kept = {news_of(REPORT, {"endedReason": reason}, LINE, NOW) for reason in reasons}
    assert {news.disconnection_reason for news in kept if news is not None} == set(reasons)


@pytest.mark.parametrize("reason", ["Anna Weiß called", "+4930901820", "error-493090182000", "", "x" * 161, 7, None])
def test_what_may_be_personal_is_no_reason(reason: Any) -> None:
    news = news_of(REPORT, {"endedReason": reason}, LINE, NOW)
    assert news is not None
    assert news.disconnection_reason is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
KEYS = st.sampled_from(["id", "function", "name", "arguments", "toolCall", "number", "type", "assistantId"])
PARTS = st.recursive(JSON, lambda inner: st.dictionaries(KEYS, inner) | st.lists(inner, max_size=3), max_leaves=8)
MESSAGES = st.dictionaries(
    st.sampled_from(
        [
            *("type", "call", "customer", "phoneNumber", "toolCallList", "toolWithToolCallList"),
            *("status", "timestamp", "endedReason", "startedAt", "endedAt"),
        ]
    ),
    st.sampled_from(["tool-calls", REPORT, STATUS, "ended"]) | PARTS,
)


@given(sent=MESSAGES | JSON)
def test_whatever_is_sent_is_read_or_refused(sent: Any) -> None:
    """No message makes it raise anything but BadEnvelope."""
    try:
        kind, message = message_of(json_object(json.dumps({"message": sent}).encode()))
        line = line_of(message)
        calls = tool_calls_of(message) if kind == "tool-calls" else ()
        news_of(kind, message, line, NOW)
    except BadEnvelope:
        return
    assert all(isinstance(call.args, dict) or call.wrong for call in calls)
