"""`einmal tools retell`: complete tool definitions, to paste into an agent."""

import json
import sys
from typing import Final

from einmal.adapters.retell.tools import FUNCTION_CALL_PATH, tool_definitions
from einmal.configuration.values import https
from einmal.settings import Settings
from einmal.speech.said import Language

PLACEHOLDER: Final = "https://your-gateway.example"

HINT: Final = (
    "einmal: each of these is a custom function of a Retell agent: enter them there, "
    "or set them as `general_tools` of the agent's LLM through Retell's API"
)


def tools(settings: Settings, url: str | None, tenant_id: str | None) -> int:
    """Print them as a JSON list. What is only a hint goes to stderr, so that the output can be piped on."""
    try:
        base_url = PLACEHOLDER if url is None else _base_url(url)
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
    definitions = tool_definitions(base_url, Language(tenant.language), services)
    print(json.dumps(definitions, indent=2, ensure_ascii=False))
    print(HINT, file=sys.stderr)
    if url is None:
        print(f"einmal: put your gateway's address for {PLACEHOLDER}, or give it with --url", file=sys.stderr)
    return 0


def _base_url(text: str) -> str:
    """What the paths of functions are put behind. Raises ValueError with what is allowed."""
    url = https(text)
    if "?" in url:
        raise ValueError("must be an address without a query")
    return url.rstrip("/").removesuffix(FUNCTION_CALL_PATH)
