"""The first call: a line for a terminal, as the gateway's greeting prints it and empty pages show it."""

import json
from datetime import timedelta

from einmal.wiring import Gateway


def first_call(gateway: Gateway) -> str:
    """A function call that books with the first tenant, a week from now."""
    one, settings = gateway.tenancies.all[0], gateway.settings
    day = (gateway.clock.now().astimezone(one.voice.zone) + timedelta(days=7)).strftime("%Y-%m-%d")
    # The shortest service fits on every day.
    service = min(one.tenant.services, key=lambda one: one.duration_minutes)
    arguments = {"datum": day, "uhrzeit": "10:00", "name": "Jürgen Groß", "dienstleistung": service.name}
    whose = {"agent_id": one.configuration.agents[0]} if one.configuration.agents else {}
    if not whose and one.configuration.numbers:
        whose = {"to_number": one.configuration.numbers[0]}
    call = {"name": "collect_appointment", "call": {"call_id": "call_1a2b3c", **whose}, "args": arguments}
    body = json.dumps(call, ensure_ascii=False)
    url = f"http://{settings.host}:{settings.port}/api/retell/collect-appointment"
    return f"curl -sw '\\n' {url} -H 'Content-Type: application/json' -d '{body}'"
