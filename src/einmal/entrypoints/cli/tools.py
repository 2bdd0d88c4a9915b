"""`einmal tools retell`: complete tool definitions, to paste into an agent."""

import json
import sys

from einmal.adapters.retell.tools import tool_definitions
from einmal.settings import Settings
from einmal.speech.said import Language

PLACEHOLDER = "https://your-gateway.example"


def tools(settings: Settings, url: str | None, tenant_id: str | None) -> int:
    """Print them as a JSON list. What is only a hint goes to stderr, so that the output can be piped on."""
    tenants = {one.tenant_id: one for one in settings.tenants}
    if tenant_id is None and len(tenants) > 1:
        print(f"einmal: there are several tenants; say which with --tenant: {', '.join(tenants)}", file=sys.stderr)
        return 2
    tenant = tenants.get(tenant_id) if tenant_id is not None else next(iter(tenants.values()))
    if tenant is None:
        print(f"einmal: there is no tenant {tenant_id!r}; there are {', '.join(tenants)}", file=sys.stderr)
        return 2
    services = tuple(service.name for service in tenant.services)
    definitions = tool_definitions(url or PLACEHOLDER, Language(tenant.language), services)
    print(json.dumps(definitions, indent=2, ensure_ascii=False))
    if url is None:
        print(f"einmal: put your gateway's address for {PLACEHOLDER}, or give it with --url", file=sys.stderr)
    return 0
