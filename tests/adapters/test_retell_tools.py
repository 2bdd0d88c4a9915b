"""The tool definitions to paste: Retell's own SDK knows every field, and the gateway knows every function."""

import json
import re

import pytest
from retell.types.llm_create_params import GeneralToolCustomTool

from einmal.adapters.retell.fields import NAMES
from einmal.adapters.retell.functions import FUNCTIONS, Does
from einmal.adapters.retell.tools import tool_definitions
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
    """No tool that is answered with "not yet", no argument that is not read."""
    assert FUNCTIONS[str(tool["name"])] is not Does.NOT_YET
    parameters = tool["parameters"]
    assert isinstance(parameters, dict)
    read = {name for names in NAMES.values() for name in names} | {"text"}
    assert set(parameters["properties"]) <= read
    assert set(parameters["required"]) <= set(parameters["properties"])


@pytest.mark.parametrize("tool", EVERY)
def test_the_description_keeps_the_model_honest(tool: dict[str, object]) -> None:
    """Each says what booked means, and what to do while it is in doubt."""
    text = str(tool["description"])
    assert "booked" in text
    assert "in_doubt" in text
    assert len(text) <= 1024


def test_the_services_are_what_may_be_named() -> None:
    """Where they are known, the model chooses from them; where not, it may say anything."""
    book = next(tool for tool in TOOLS[Language.GERMAN] if tool["name"] == "book_appointment")
    assert book["parameters"]["properties"]["dienstleistung"]["enum"] == ["Beratung"]
    free = tool_definitions("https://gateway.example", Language.GERMAN)
    assert "enum" not in json.dumps(free)
