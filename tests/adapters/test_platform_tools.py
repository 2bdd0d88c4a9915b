"""The definitions to paste for Vapi and ElevenLabs: the vendors' own models know every field of them."""

import json
import re
from typing import Any

import pytest
from elevenlabs.types.conv_ai_secret_locator import ConvAiSecretLocator
from elevenlabs.types.literal_json_schema_property import LiteralJsonSchemaProperty
from elevenlabs.types.tool_request_model import ToolRequestModel
from elevenlabs.types.tool_request_model_tool_config import ToolRequestModelToolConfig_Webhook
from vapi.types.create_function_tool_dto import CreateFunctionToolDto

from einmal.adapters.elevenlabs.envelope import FILLED_IN
from einmal.adapters.functions.names import FUNCTIONS
from einmal.adapters.functions.toolbox import TOOLS
from einmal.entrypoints.cli.main import main
from einmal.entrypoints.cli.tools import elevenlabs_tools, vapi_tools
from einmal.speech.said import Language

URL = "https://gateway.example/"
LANGUAGES = tuple(Language)
VAPI = {language: vapi_tools(URL, language, ("Beratung",)) for language in LANGUAGES}
ELEVENLABS = {language: elevenlabs_tools(URL, language, ("Beratung",)) for language in LANGUAGES}
EVERY_VAPI = [pytest.param(tool, id=f"{k}-{tool['function']['name']}") for k, tools in VAPI.items() for tool in tools]
EVERY_ELEVENLABS = [pytest.param(tool, id=f"{k}-{tool['name']}") for k, tools in ELEVENLABS.items() for tool in tools]


@pytest.mark.parametrize("tool", EVERY_VAPI)
def test_vapis_own_model_knows_every_field(tool: dict[str, Any]) -> None:
    """What its model does not know would be dropped in silence; `type` tells it from other kinds of tools."""
    read = CreateFunctionToolDto.model_validate(tool)
    assert read.model_extra == {"type": "function"}
    assert read.function is not None
    assert read.server is not None
    assert read.function.parameters is not None
    assert read.async_ is False
    assert [part.model_extra for part in (read.function, read.server, read.function.parameters)] == [{}, {}, {}]
    assert (read.function.name in FUNCTIONS, read.server.timeout_seconds) == (True, 20)
    assert read.server.url == "https://gateway.example/api/vapi/tool-calls"
    assert set(read.function.parameters.required or ()) <= set(read.function.parameters.properties)
    assert all(message.model_extra == {} for message in read.messages or ())


@pytest.mark.parametrize("tool", EVERY_ELEVENLABS)
def test_elevenlabs_own_model_knows_every_field(tool: dict[str, Any]) -> None:
    """A webhook tool, each field of which has exactly one source: the model's words or the platform's variable."""
    read = ToolRequestModel.model_validate({"tool_config": tool}).tool_config
    assert isinstance(read, ToolRequestModelToolConfig_Webhook)
    schema = read.api_schema
    body = schema.request_body_schema
    assert body is not None
    assert [part.model_extra for part in (read, schema, body)] == [{}, {}, {}]
    assert 5 <= (read.response_timeout_secs or 0) <= 300
    assert schema.url == f"https://gateway.example/api/elevenlabs/{read.name.replace('_', '-')}"
    assert read.name in FUNCTIONS
    assert isinstance((schema.request_headers or {})["X-Einmal-Secret"], ConvAiSecretLocator)
    fields = body.properties or {}
    assert {name: one.dynamic_variable for name, one in fields.items() if name in FILLED_IN} == FILLED_IN
    for field in fields.values():
        assert isinstance(field, LiteralJsonSchemaProperty)
        assert field.model_extra == {}
        assert (field.description is None) is not (field.dynamic_variable is None)
    assert set(body.required or ()) <= set(fields) - set(FILLED_IN)


@pytest.mark.parametrize("language", LANGUAGES)
def test_they_are_the_same_tools_in_the_same_words(language: Language) -> None:
    """All functions on each platform, with one description of each and the same fields."""
    vapi = {tool["function"]["name"]: tool["function"] for tool in VAPI[language]}
    elevenlabs = {tool["name"]: tool for tool in ELEVENLABS[language]}
    assert list(vapi) == list(elevenlabs) == [tool.name for tool in TOOLS]
    for name, one in vapi.items():
        schema = elevenlabs[name]["api_schema"]["request_body_schema"]
        own = {field: said for field, said in schema["properties"].items() if field not in FILLED_IN}
        assert one["parameters"]["properties"] == own
        assert one["description"] == elevenlabs[name]["description"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_only_what_writes_says_that_it_is_seen_to(language: Language) -> None:
    """Of a check it would be a lie."""
    speaking = {tool["function"]["name"] for tool in VAPI[language] if tool["messages"]}
    assert speaking == {"book_appointment", "cancel_appointment", "reschedule_appointment"}


def printed(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = main(["tools", *words])
    output = capsys.readouterr()
    return code, output.out, output.err


@pytest.mark.parametrize(
    ("platform", "path", "said"),
    [
        ("vapi", "/api/vapi/tool-calls", "EINMAL_VAPI_SECRET"),
        ("elevenlabs", "/api/elevenlabs", "EINMAL_ELEVENLABS_SECRET"),
    ],
)
def test_they_are_printed_with_a_word_on_the_secret(
    capsys: pytest.CaptureFixture[str], platform: str, path: str, said: str
) -> None:
    """JSON alone on the output; where the secret goes stands beside it, and the secret nowhere."""
    code, out, err = printed(capsys, platform, "--url", f"https://x.example{path}")
    assert code == 0
    assert len(json.loads(out)) == len(TOOLS)
    assert set(re.findall(r"https://[^\"/]+/api/[a-z]+", out)) == {f"https://x.example/api/{platform}"}
    assert said in err
    assert "put-the-id-of-your-" in err
    assert "put-the-id-of-your-" in out


def test_another_platform_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["tools", "ultravox"])
    assert ended.value.code == 2
    assert "retell" in capsys.readouterr().err
