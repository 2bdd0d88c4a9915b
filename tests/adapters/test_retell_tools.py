"""The tool definitions to paste: Retell's own SDK knows every field, and the gateway knows every function."""

import json
import re

import pytest
from retell.types.llm_create_params import GeneralToolCustomTool

from einmal.adapters.functions.callback import NOTE_NAMES, WANTED_NAMES
from einmal.adapters.functions.fields import NAMES
from einmal.adapters.functions.names import FUNCTIONS
from einmal.adapters.functions.which import NEW_DATE, NEW_TIME, OLD_DATE, OLD_TIME
from einmal.adapters.retell.tools import tool_definitions
from einmal.entrypoints.cli.main import main
from einmal.speech.said import Language

TOOLS = {language: tool_definitions("https://gateway.example/", language, ("Beratung",)) for language in Language}
EVERY = [pytest.param(tool, id=f"{language}-{tool['name']}") for language, tools in TOOLS.items() for tool in tools]


@pytest.mark.parametrize("tool", EVERY)
def test_every_field_is_one_of_retells(tool: dict[str, object]) -> None:
    """A field that Retell does not know would be dropped in silence."""
    known = GeneralToolCustomTool.__required_keys__ | GeneralToolCustomTool.__optional_keys__
    assert set(tool) <= known
    assert set(GeneralToolCustomTool.__required_keys__) <= set(tool)


@pytest.mark.parametrize("tool", EVERY)
def test_the_values_are_within_retells_bounds(tool: dict[str, object]) -> None:
    """Time-outs, retries and names as its documentation has them."""
    assert 1_000 <= int(str(tool["timeout_ms"])) <= 600_000
    assert 0 <= int(str(tool["max_retry"])) <= 5
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,64}", str(tool["name"]))
    assert tool["headers"] == {"X-Call-Id": "{{call_id}}"}
    assert tool["url"] == "https://gateway.example/api/retell/function-call"


@pytest.mark.parametrize("tool", EVERY)
def test_the_gateway_serves_it_with_these_fields(tool: dict[str, object]) -> None:
    """No tool that nobody serves, no argument that is not read."""
    assert tool["name"] in FUNCTIONS
    parameters = tool["parameters"]
    assert isinstance(parameters, dict)
    read = {name for names in NAMES.values() for name in names} | {"text", "zusaetzlich"}
    read |= {*OLD_DATE, *OLD_TIME, *NEW_DATE, *NEW_TIME}
    read |= {*NOTE_NAMES, *WANTED_NAMES} if tool["name"] == "request_callback" else set()
    assert set(parameters["properties"]) <= read
    assert set(parameters["required"]) <= set(parameters["properties"])


BOOKS = {"book_appointment"}
CHANGES = {"cancel_appointment", "reschedule_appointment"}
CHECKS = {"check_availability", "find_next_available"}


@pytest.mark.parametrize("tool", EVERY)
def test_the_description_keeps_the_model_honest(tool: dict[str, object]) -> None:
    """What books says what "booked" means; what books or checks says what to do while it is in doubt."""
    text, name = str(tool["description"]), tool["name"]
    assert ("already_booked" in text and "requested" in text and "slot_taken" in text) is (name in BOOKS)
    assert ("in_doubt" in text) is (name in BOOKS | CHECKS | CHANGES | {"booking_status"})
    assert ("`slot`" in text) is (name in BOOKS | CHECKS | {"reserve_slot", "reschedule_appointment"})
    assert bool(re.search(r"\brescheduled\b", text)) is (name == "reschedule_appointment")
    assert bool(re.search(r"\bcancelled\b", text)) is (name == "cancel_appointment")
    assert bool(re.search(r"\breserved\b", text)) is (name == "reserve_slot")
    assert bool(re.search(r"\bnoted\b", text)) is (name == "request_callback")
    assert len(text) <= 1024


@pytest.mark.parametrize("tool", EVERY)
def test_only_the_context_is_not_spoken(tool: dict[str, object]) -> None:
    """It is for the model; everything else is answered with a sentence to speak."""
    text = str(tool["description"])
    assert ("`message`" in text) is (tool["name"] != "get_current_context")
    assert bool(re.search("nicht vorlesen|do not read it out", text)) is (tool["name"] == "get_current_context")
    assert tool["speak_after_execution"] is True


@pytest.mark.parametrize("tool", EVERY)
def test_no_field_asks_the_model_to_convert_a_date(tool: dict[str, object]) -> None:
    """Word for word, and no other form beside it."""
    assert not re.search("JJJJ|YYYY|HH:MM", json.dumps(tool))


@pytest.mark.parametrize("language", Language)
def test_only_what_writes_speaks_while_it_works(language: Language) -> None:
    """ "I am seeing to it" would be a lie of a check, and of a call-back."""
    speaking = {tool["name"] for tool in TOOLS[language] if tool["speak_during_execution"]}
    assert speaking == BOOKS | CHANGES


@pytest.mark.parametrize("language", Language)
def test_a_call_back_can_be_asked_for_by_a_bare_number(language: Language) -> None:
    """Nothing is required: the line they call from will do, and who they are is asked by nobody twice."""
    (tool,) = (tool for tool in TOOLS[language] if tool["name"] == "request_callback")
    assert tool["parameters"]["required"] == []
    assert set(tool["parameters"]["properties"]) == {"name", "telefon", "grund", "wann"}


def test_the_services_are_what_may_be_named() -> None:
    """Where they are known, the model chooses from them; where not, it may say anything."""
    book = next(tool for tool in TOOLS[Language.GERMAN] if tool["name"] == "book_appointment")
    assert book["parameters"]["properties"]["dienstleistung"]["enum"] == ["Beratung"]
    free = tool_definitions("https://gateway.example", Language.GERMAN)
    assert "enum" not in json.dumps(free)


def printed(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = main(["tools", "retell", *words])
    output = capsys.readouterr()
    return code, output.out, output.err


@pytest.mark.parametrize(
    "url", ["http://gateway.example", "gateway.example", "ftp://x.example", "https://x.example?a=1"]
)
def test_an_address_that_cannot_serve_is_refused(capsys: pytest.CaptureFixture[str], url: str) -> None:
    """Names and numbers go over it: https, unless it is this machine."""
    code, out, err = printed(capsys, "--url", url)
    assert (code, out) == (2, "")
    assert err.startswith("einmal: --url must ")


@pytest.mark.parametrize(
    ("url", "base"),
    [
        ("https://gateway.example/", "https://gateway.example"),
        ("https://gateway.example/einmal", "https://gateway.example/einmal"),
        ("https://gateway.example/api/retell/function-call", "https://gateway.example"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
    ],
)
def test_the_functions_are_under_the_address_that_is_given(
    capsys: pytest.CaptureFixture[str], url: str, base: str
) -> None:
    """The output is JSON alone, so that it can be piped on; what it is for stands beside it."""
    code, out, err = printed(capsys, "--url", url)
    assert code == 0
    assert {tool["url"] for tool in json.loads(out)} == {f"{base}/api/retell/function-call"}
    assert "custom function" in err
