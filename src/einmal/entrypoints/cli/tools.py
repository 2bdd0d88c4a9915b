"""`einmal tools retell|vapi|elevenlabs`: complete tool definitions, to paste into an agent."""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from einmal.adapters.elevenlabs import tools as elevenlabs
from einmal.adapters.functions.described import description_of, fields_of, moment_of
from einmal.adapters.functions.toolbox import TOOLS
from einmal.adapters.retell.tools import FUNCTION_CALL_PATH, tool_definitions
from einmal.adapters.vapi import tools as vapi
from einmal.configuration.values import https
from einmal.settings import Settings
from einmal.speech.said import Language

PLACEHOLDER: Final = "https://your-gateway.example"

Definitions = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Platform:
    """How its definitions are made, and what to do with them. `path` is what follows the gateway's address."""

    definitions: Callable[[str, Language, tuple[str, ...]], Definitions]
    path: str
    hint: str


def vapi_tools(base_url: str, language: Language, services: tuple[str, ...]) -> Definitions:
    """Those of a Vapi assistant."""
    return [
        vapi.tool_definition(
            base_url,
            tool.name,
            description_of(tool, language),
            fields_of(tool, language, services),
            tool.required,
            moment_of(tool, language),
        )
        for tool in TOOLS
    ]


def elevenlabs_tools(base_url: str, language: Language, services: tuple[str, ...]) -> Definitions:
    """Those of an ElevenLabs agent."""
    return [
        elevenlabs.tool_definition(
            base_url,
            tool.name,
            description_of(tool, language),
            fields_of(tool, language, services),
            tool.required,
            tool.timeout_ms,
        )
        for tool in TOOLS
    ]


PLATFORMS: Final = {
    "retell": Platform(
        tool_definitions,
        FUNCTION_CALL_PATH,
        "each of these is a custom function of a Retell agent: enter them there, "
        "or set them as `general_tools` of the agent's LLM through Retell's API",
    ),
    "vapi": Platform(
        vapi_tools,
        vapi.PATH,
        "each of these is a function tool: send it to Vapi's API (POST /tool), or enter it in the dashboard. Keep the "
        f"secret of EINMAL_VAPI_SECRET in a Custom Credential (bearer token) and put its id for {vapi.CREDENTIAL}",
    ),
    "elevenlabs": Platform(
        elevenlabs_tools,
        elevenlabs.PATH,
        "each of these is the `tool_config` of a webhook tool: send it to ElevenLabs' API (POST /v1/convai/tools), or "
        "enter it in the agent's tools. Keep the secret of EINMAL_ELEVENLABS_SECRET among the workspace's secrets and "
        f"put its id for {elevenlabs.SECRET}",
    ),
}


def tools(settings: Settings, url: str | None, tenant_id: str | None, platform_name: str = "retell") -> int:
    """Print them as a JSON list. What is only a hint goes to stderr, so that the output can be piped on."""
    platform = PLATFORMS[platform_name]
    try:
        base_url = PLACEHOLDER if url is None else _base_url(url, platform.path)
    except ValueError as wrong:
        print(f"einmal: --url {wrong}", file=sys.stderr)
        return 2
    tenants = {one.tenant_id: one for one in settings.tenants}
    if tenant_id is None and len(tenants) > 1:
        print(f"einmal: there are several tenants; say which with --tenant: {', '.join(tenants)}", file=sys.stderr)
        return 2
    tenant = tenants.get(tenant_id) if tenant_id is not None else next(iter(tenants.values()))
    if tenant is None:
        print(f"einmal: there is no tenant {tenant_id!r}; there are {', '.join(tenants)}", file=sys.stderr)
        return 2
    services = tuple(service.name for service in tenant.services)
    definitions = platform.definitions(base_url, Language(tenant.language), services)
    print(json.dumps(definitions, indent=2, ensure_ascii=False))
    print(f"einmal: {platform.hint}", file=sys.stderr)
    if url is None:
        print(f"einmal: put your gateway's address for {PLACEHOLDER}, or give it with --url", file=sys.stderr)
    return 0


def _base_url(text: str, path: str) -> str:
    """What the paths of functions are put behind. Raises ValueError with what is allowed."""
    url = https(text)
    if "?" in url:
        raise ValueError("must be an address without a query")
    return url.rstrip("/").removesuffix(path)
