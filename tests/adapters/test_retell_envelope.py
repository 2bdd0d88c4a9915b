"""Retell's envelope as agents in the field really send it, and everything that is none."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from einmal.adapters.functions.call import FunctionCall
from einmal.adapters.retell.envelope import read_envelope
from einmal.adapters.strict_json import DEPTH_MAX, ID_MAX, BadEnvelope

WISH = {"datum": "2026-12-01", "uhrzeit": "10:00", "name": "Jürgen Groß", "dienstleistung": "Herrenhaarschnitt"}
CALL = {
    "call_id": "call_7d4d0c",
    "agent_id": "agent_1",
    "agent_version": 7,
    "call_type": "phone_call",
    "direction": "inbound",
    "from_number": "anonymous",
    "to_number": "+493012345",
    "call_status": "ongoing",
    "metadata": {},
    "retell_llm_dynamic_variables": {},
}
PLACEHOLDERS = [
    *("dummy_call_id", "None", "current", "current_call", "call_1", "call_001", "1", "undefined", "12345", "123", ""),
    *("{{call_id}}", "null", "unknown", "call_id", "call_id_1", "CALL_1", "NONE", "call-7", " ", "call 1"),
]


def body(**fields: Any) -> bytes:
    return json.dumps(fields, ensure_ascii=False).encode()


def wrapped(args: Any = WISH, name: str = "collect_appointment", **call: Any) -> FunctionCall:
    return read_envelope(body(name=name, args=args, call=CALL | call))


def nested(depth: int) -> bytes:
    """A function call whose deepest object lies `depth` deep, the body itself being the first."""
    inner: Any = {}
    for _ in range(depth - 2):
        inner = {"x": inner}
    return body(args=inner)


def test_the_recorded_wrapped_call_is_read() -> None:
    """The wire example of the fact sheet gives name, arguments, call, agent and both numbers."""
    assert wrapped() == FunctionCall(
        name="collect_appointment",
        args=WISH,
        call_id="call_7d4d0c",
        said_call_id=None,
        agent_id="agent_1",
        caller_number="anonymous",
        house_number="+493012345",
        direction="inbound",
    )


def test_arguments_alone_are_a_call_without_a_function_name() -> None:
    """With "Payload: args only" the root is the arguments, and `name` there is the caller's."""
    assert read_envelope(body(**WISH)) == FunctionCall(name=None, args=WISH)


@pytest.mark.parametrize("key", ["args", "arguments", "parameters"])
def test_every_synonym_of_args_is_read(key: str) -> None:
    """The arguments are found under each of the names seen in the field."""
    assert read_envelope(body(**{"name": "book_appointment", key: WISH, "call": CALL})).args == WISH


@pytest.mark.parametrize("key", ["name", "function_name"])
def test_every_synonym_of_the_functions_name_is_read(key: str) -> None:
    """The function's name is found under both of the names seen in the field."""
    assert read_envelope(body(**{key: "book_appointment", "args": {}})).name == "book_appointment"


@pytest.mark.parametrize(
    ("said", "name"),
    [
        pytest.param("check_availability_v17", "check_availability", id="version"),
        pytest.param("book_appointment_V2", "book_appointment", id="version-in-capitals"),
        pytest.param(" Book_Appointment ", "book_appointment", id="case-and-blanks"),
        pytest.param("book_v17_appointment", "book_v17_appointment", id="not-at-the-end"),
        pytest.param("book_appointment_v", "book_appointment_v", id="no-number"),
        pytest.param("  ", None, id="blank"),
        pytest.param("", None, id="empty"),
    ],
)
def test_the_functions_name_loses_its_version(said: str, name: str | None) -> None:
    """A version at the end of the name is the agent's affair; case and blanks are nobody's."""
    assert wrapped(name=said).name == name


@pytest.mark.parametrize("name", [None, 7, True, ["book_appointment"], {"name": "book_appointment"}])
def test_a_name_that_is_no_text_is_no_name(name: Any) -> None:
    """A function name of another type counts as none."""
    assert read_envelope(body(name=name, args={})).name is None


def test_arguments_as_a_json_string_are_read() -> None:
    """Agents that send `args` as a string of JSON are understood."""
    assert wrapped(json.dumps(WISH, ensure_ascii=False)).args == WISH


@pytest.mark.parametrize(
    "args",
    [
        pytest.param("datum=2026-12-01", id="no-json"),
        pytest.param("[1]", id="json-array"),
        pytest.param('"{}"', id="json-in-json-in-json"),
        pytest.param('{"datum":"2026-12-01","datum":"2026-12-02"}', id="duplicate-key-inside"),
        pytest.param([WISH], id="array"),
        pytest.param(7, id="number"),
        pytest.param(False, id="boolean"),
    ],
)
def test_arguments_that_are_no_object_are_refused(args: Any) -> None:
    """Arguments are an object, or a string that holds one; everything else is no function call."""
    with pytest.raises(BadEnvelope):
        wrapped(args)


@pytest.mark.parametrize("args", [None, "", " ", {}])
def test_a_function_without_arguments_is_a_function(args: Any) -> None:
    """Models write nothing in many ways; the name is the function's all the same."""
    assert read_envelope(body(name="list_services", args=args)).name == "list_services"


def test_a_known_name_alone_is_the_functions() -> None:
    """`{"name": "list_services"}` asks; `{"name": "Jürgen Groß"}` is somebody. Only known names tell."""
    known = {"list_services"}
    assert read_envelope(body(name="list_services_v3"), None, known).name == "list_services"
    person = read_envelope(body(name="Jürgen Groß"), None, known)
    assert (person.name, person.args["name"]) == (None, "Jürgen Groß")


def test_a_functions_name_among_its_arguments_is_not_the_callers() -> None:
    """Arguments alone, with the function's name beside them: nobody of that name is booked, nothing else is lost."""
    mixed = read_envelope(body(name="book_appointment", datum="2026-12-01"), None, {"book_appointment"})
    assert (mixed.name, mixed.args) == ("book_appointment", {"datum": "2026-12-01"})


def test_either_name_of_the_function_is_read() -> None:
    assert read_envelope(body(name=None, function_name="parse_date", args={})).name == "parse_date"


def test_a_call_without_arguments_has_none() -> None:
    """`initialize_call` and its kind come with a call and no arguments at all."""
    assert read_envelope(body(name="initialize_call", call=CALL)).args == {}


@pytest.mark.parametrize("call", [None, "call_1", ["call_1"], 7])
def test_a_call_that_is_no_object_tells_nothing(call: Any) -> None:
    """A `call` of another type neither breaks the reading nor gives an identity."""
    assert read_envelope(body(name="f", args=WISH, call=call)).call_id is None


@pytest.mark.parametrize("said", PLACEHOLDERS)
def test_a_placeholder_in_the_arguments_is_no_call_id(said: str) -> None:
    """What models invent as their call id names no conversation: one system lost every booking to it."""
    heard = read_envelope(body(**WISH, call_id=said))
    assert (heard.call_id, heard.said_call_id, heard.conversation_id) == (None, None, None)


@pytest.mark.parametrize("said", [None, 1, True, 12.5, ["call_7d4d0c"], {"id": "call_7d4d0c"}])
def test_a_call_id_that_is_no_text_is_none(said: Any) -> None:
    """A call id of another type, from platform or model, is none."""
    by_model = read_envelope(body(args={"call_id": said}))
    by_platform = read_envelope(body(args={}, call={"call_id": said}))
    assert (by_model.said_call_id, by_platform.call_id) == (None, None)


def test_the_platforms_call_id_beats_the_header_and_the_model() -> None:
    """The envelope's call id is the identity, whatever header and arguments say."""
    sent = body(name="f", args={"call_id": "call_by_model"}, call={"call_id": "call_by_platform"})
    assert read_envelope(sent, "call_by_header").conversation_id == "call_by_platform"


def test_the_header_beats_the_model() -> None:
    """Where the envelope has no call, the header of our tool definition is the identity."""
    heard = read_envelope(body(**WISH, call_id="call_by_model"), "call_by_header")
    assert (heard.call_id, heard.conversation_id) == ("call_by_header", "call_by_header")


def test_what_the_model_says_is_no_identity_the_platform_vouches_for() -> None:
    """A plausible id in the arguments tells conversations apart, and is never the platform's call id."""
    heard = read_envelope(body(**WISH, call_id="call_b2f1a09c77"))
    assert (heard.call_id, heard.said_call_id, heard.conversation_id) == (None, "call_b2f1a09c77", "call_b2f1a09c77")


@pytest.mark.parametrize(
    "call_id",
    [
        pytest.param("{{call_id}}", id="template"),
        pytest.param("", id="empty"),
        pytest.param("call 7d4d", id="blank-inside"),
        pytest.param("call_7d4d\n", id="newline-at-the-end"),
        pytest.param("call_7d4d\u202e", id="bidi-override"),
        pytest.param("call_\u0661", id="arabic-digit"),
        pytest.param("<script>", id="markup"),
        pytest.param("c" * (ID_MAX + 1), id="too-long"),
    ],
)
def test_an_id_that_no_platform_makes_is_none(call_id: str) -> None:
    """Templates, blanks, controls and endless ids are refused in the envelope as well as in the header."""
    by_platform = wrapped(call_id=call_id, agent_id=call_id)
    by_header = read_envelope(body(**WISH), call_id)
    assert (by_platform.call_id, by_platform.agent_id, by_header.call_id) == (None, None, None)


def test_the_longest_id_is_still_one() -> None:
    """The border of the length is inside."""
    assert wrapped(call_id="c" * ID_MAX).call_id == "c" * ID_MAX


@pytest.mark.parametrize("number", [None, 49301234, ["+4930"], {"e164": "+4930"}])
def test_a_number_that_is_no_text_is_none(number: Any) -> None:
    """Phone numbers of another type count as withheld; web calls have none at all."""
    heard = wrapped(from_number=number, to_number=number)
    assert (heard.caller_number, heard.house_number) == (None, None)


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"datum=2026-12-01", id="a-form"),
        pytest.param(b'{"args":{}', id="cut-off"),
        pytest.param(b'{"args":{}}{}', id="two-objects"),
        pytest.param(b"null", id="null"),
        pytest.param(b"[]", id="array"),
        pytest.param(b'"{}"', id="string"),
        pytest.param(b"1", id="number"),
        pytest.param(b'{"args":{"name":"J\xfcrgen"}}', id="latin-1"),
        pytest.param(b'{"args":{"name":"\xff\xfe"}}', id="invalid-utf-8"),
        pytest.param(b'{"args":{"name":"\xc3"}}', id="half-a-letter"),
        pytest.param(b'{"name":"f","name":"g","args":{}}', id="duplicate-key"),
        pytest.param(b'{"args":{"a":[{"datum":1,"datum":2}]}}', id="duplicate-key-deep-inside"),
        pytest.param(b'{"args":{},"\\u0061rgs":{}}', id="duplicate-key-by-escape"),
        pytest.param(b'{"args":{"n":' + b"9" * 5000 + b"}}", id="a-number-of-5000-digits"),
        pytest.param(b'{"x":' * 100_000, id="depth-that-exhausts-a-parser"),
        pytest.param(b"[" * 100_000, id="arrays-that-exhaust-a-parser"),
    ],
)
def test_what_is_no_function_call_is_refused(sent: bytes) -> None:
    """Neither JSON nor an object, or an object with two meanings: BadEnvelope and nothing else."""
    with pytest.raises(BadEnvelope):
        read_envelope(sent)


def test_the_deepest_body_allowed_is_read() -> None:
    """The border of the depth is inside."""
    assert read_envelope(nested(DEPTH_MAX)).args != {}


@pytest.mark.parametrize("depth", [DEPTH_MAX + 1, DEPTH_MAX + 2, 500])
def test_a_body_nested_too_deep_is_refused(depth: int) -> None:
    """One level more than allowed is too deep, in objects."""
    with pytest.raises(BadEnvelope, match="deep"):
        read_envelope(nested(depth))


def test_arrays_count_as_depth() -> None:
    """Depth made of arrays is depth as well."""
    with pytest.raises(BadEnvelope, match="deep"):
        read_envelope(b'{"args":{"a":' + b"[" * DEPTH_MAX + b"]" * DEPTH_MAX + b"}}")


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(b'{"args":{"name":"canary-7f3a","name":1}}', id="duplicate"),
        pytest.param(b'canary-7f3a{"args":{}}', id="no-json"),
        pytest.param(b'["canary-7f3a"]', id="array"),
        pytest.param(b'{"args":["canary-7f3a"]}', id="args-array"),
        pytest.param(b'{"canary-7f3a\xff":1}', id="invalid-utf-8"),
    ],
)
def test_a_refusal_quotes_nothing(sent: bytes) -> None:
    """What was wrong is said without a letter of what was sent, and without the parser's own text as cause."""
    with pytest.raises(BadEnvelope) as refused:
        read_envelope(sent)
    assert "canary" not in str(refused.value)
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__ or refused.value.__context__ is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
ENVELOPES = st.dictionaries(
    st.sampled_from(["name", "function_name", "args", "arguments", "parameters", "call", "call_id", "datum"]),
    JSON | st.dictionaries(st.sampled_from(["call_id", "agent_id", "from_number", "to_number", "name"]), JSON),
    max_size=6,
)


def read_or_refuse(sent: bytes, header: str | None = None) -> FunctionCall | None:
    try:
        return read_envelope(sent, header)
    except BadEnvelope:
        return None


@given(sent=st.binary(max_size=200))
def test_arbitrary_bytes_are_read_or_refused(sent: bytes) -> None:
    """No bytes make it raise anything but BadEnvelope."""
    read_or_refuse(sent)


@given(sent=JSON | ENVELOPES, header=st.none() | st.text(max_size=20))
def test_arbitrary_json_is_read_or_refused(sent: Any, header: str | None) -> None:
    """No JSON makes it raise anything but BadEnvelope, and what is read has arguments that are an object."""
    heard = read_or_refuse(json.dumps(sent).encode(), header)
    assert heard is None or isinstance(heard.args, dict)


@given(sent=ENVELOPES)
def test_only_envelope_and_header_vouch(sent: dict[str, Any]) -> None:
    """Whatever the arguments hold, a call id is vouched for only if the envelope's call or the header has it."""
    heard = read_or_refuse(json.dumps(sent).encode(), "call_by_header")
    call = sent.get("call")
    allowed = {"call_by_header"} | ({str(call.get("call_id"))} if isinstance(call, dict) else set())
    assert heard is None or heard.call_id in allowed
