"""docs/reference/http.md: every route of the application that `einmal serve` builds, and /v1 by its own declarations.

The routes are those of a real gateway, so one that nobody described fails the run, and so does a description of none.
"""

import asyncio
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from reference_parts import Undescribed, cell, code, described, page, table

from einmal.adapters.functions.names import FUNCTIONS, SECONDS, Does
from einmal.adapters.functions.toolbox import TOOLS
from einmal.adapters.rest.openapi import SCHEMAS, document
from einmal.adapters.rest.problems import Kind
from einmal.adapters.sql.migrate import upgrade
from einmal.entrypoints.http.app import others
from einmal.entrypoints.http.retell import collect_appointment
from einmal.entrypoints.lab.pages import lab_routes
from einmal.entrypoints.rest.app import rest_routes
from einmal.entrypoints.web.app import build_site, page_routes
from einmal.settings import Secret, read_settings
from einmal.simulator.catalogue import demo_calendar
from einmal.simulator.transport import InProcessTransport
from einmal.simulator.wire import SimulatedCalcom
from einmal.speech.said import Language
from einmal.wiring import build_gateway

SIGNED, CLIENT, OPERATOR, READER, ANYBODY = "platform", "client", "operator", "reader", "anybody"

WHO: Final = {
    SIGNED: "signed or with the platform's secret; without any key from this machine only",
    CLIENT: "a program with a Cal.com key of the house; in a trial also without one",
    OPERATOR: "off loopback `EINMAL_ADMIN_TOKEN` as a bearer token; on it too where one is set",
    READER: "whoever has signed in; on this machine anybody while no credential is set",
    ANYBODY: "anybody",
}

ROUTES: Final[dict[str, tuple[str, str]]] = {
    "/api/retell/collect-appointment": (SIGNED, "books, or only checks where `bestaetigung` is false"),
    "/api/retell/function-call": (SIGNED, "every function, by the `name` in the body"),
    "/api/vapi/tool-calls": (SIGNED, "Vapi's tool calls, and its word that a call is over"),
    "/api/elevenlabs/{function}": (SIGNED, "ElevenLabs' webhook tools, a path for each function"),
    "/api/webhooks/elevenlabs": (
        SIGNED,
        "ElevenLabs' post-call webhook, by `EINMAL_ELEVENLABS_WEBHOOK_SECRET`",
    ),
    "/api/webhooks/retell": (SIGNED, "Retell's `call_started`, `call_ended`, `call_analyzed`"),
    "/api/webhooks/retell/inbound": (SIGNED, "Retell's `call_inbound`, answered with dynamic variables"),
    "/api/webhooks/calcom": (SIGNED, "Cal.com's webhooks, signed with `EINMAL_CALCOM_WEBHOOK_SECRET`"),
    "/api/webhooks/calcom/booking-created": (SIGNED, "the same"),
    "/api/webhooks/calcom/booking-cancelled": (SIGNED, "the same"),
    "/api/appointments/count": (
        OPERATOR,
        '`?customer=NAME`: how many appointments stand under that name, as `{"count": 1}`',
    ),
    "/api/internal/appointments/verify": (OPERATOR, '`{"booking_id": "UID"}`: how many rows hold that booking'),
    "/healthz": (ANYBODY, "the process lives"),
    "/readyz": (ANYBODY, "a transaction that writes was committed and the schema is right; else 503"),
    "/metrics": (OPERATOR, "[metrics](metrics.md) for Prometheus"),
    "/v2/{path:path}": (CLIENT, "Cal.com's own API, [guarded](../proxy.md); off loopback with `EINMAL_PROXY=true`"),
    "/static/{name}": (ANYBODY, "the pages' own sheet, script and icon"),
    "/sign-in": (ANYBODY, "where one signs in"),
    "/sign-out": (READER, "ends the sitting"),
    "/": (READER, "the desk"),
    "/desk/figures": (READER, "the desk's figures, as it asks for them anew"),
    "/desk/calls": (READER, "the desk's function calls, where the feed is full"),
    "/feed": (READER, "function calls as they come, as server-sent events"),
    "/export/appointments.csv": (
        READER,
        "live appointments of up to 92 days; the operator alone, and noted",
    ),
    "/calls": (READER, "calls, and a search by any id"),
    "/calls/{call_id}/callbacks/{callback_id}": (READER, "a call-back; the operator notes that somebody has called"),
    "/calls/{call_id:path}": (READER, "what became of a call; the operator uncovers names by POST"),
    "/intents/{intent_id}": (READER, "what became of a wish; the operator uncovers names by POST"),
    "/intents/{intent_id}/{can}": (READER, "what a person can do about it: asks first, and is done once"),
    "/book": (ANYBODY, "the booking form; off loopback with `EINMAL_BOOKING_FORM=true`, else for who has signed in"),
    "/booking-form": (ANYBODY, "the same"),
    "/book/times": (ANYBODY, "the times that the form offers"),
    "/book/{form_id}": (ANYBODY, "what became of that form"),
    "/book/{form_id}/standing": (ANYBODY, "the same, as the page asks for it anew"),
    "/lab": (READER, "one fault on purpose, and an ordinary gateway beside Einmal; only on the simulator"),
}

DOES: Final = {
    Does.COLLECT: "books, or only checks where `bestaetigung` is false",
    Does.ALTERNATIVES: "offers what is free beside a time or in one",
    Does.TELL_TIME: "tells day and time",
    Does.RELEASE: "lets go of what this call holds",
}
"""What no tool is offered for. What the others do is what a model is told of the tool."""


def http_page() -> str:
    operations = document()["paths"]
    routes = asyncio.run(_routes())
    named = {f"/api/retell/{name.replace('_', '-')}" for name in FUNCTIONS} - {"/api/retell/collect-appointment"}
    known = {path: methods for path, methods in routes.items() if path not in named and not path.startswith("/v1")}
    if known.keys() != ROUTES.keys():
        raise Undescribed(f"routes and their descriptions differ: {sorted(known.keys() ^ ROUTES.keys())}")
    if {path for path in routes if path.startswith("/v1")} != set(operations):
        raise Undescribed("the routes of /v1 are not those of its document")
    rows = ((f"{code(_plain(path))}<br>{', '.join(known[path])}", ROUTES[path][1], ROUTES[path][0]) for path in ROUTES)
    return page(
        "HTTP",
        "What `einmal serve` answers. Business outcomes of function calls are always HTTP 200 "
        "([what an agent sends, and what it hears](../agents.md)); a body over 2 MiB is 413, one that is no JSON "
        "object 422, a missing or wrong signature 401. Port and address: `EINMAL_PORT`, `EINMAL_HOST`.",
        "## Routes",
        table(("path and methods", "what it does", "for"), rows),
        *(f"**{who}**: {text}." for who, text in WHO.items()),
        "## Functions",
        "By name at `/api/retell/function-call` and `/api/vapi/tool-calls`; each has a path of its own at "
        "`/api/retell/…` and `/api/elevenlabs/…`, with hyphens. Names in one row do the same.",
        table(("names", "what it does", "seconds at most"), _functions()),
        "## /v1",
        "As the gateway tells it at `/v1/openapi.json`. [/v1: bookings for programs](../rest.md) is the text to it.",
        *_operations(operations),
        "### Problems",
        table(
            ("status", "`type` ends in", "title", "what to do"),
            (
                (str(kind.status), code(kind.slug), kind.title, cell(kind.advice))
                for kind in sorted(Kind, key=_by_status)
            ),
        ),
    )


def _by_status(kind: Kind) -> tuple[int, str]:
    return kind.status, kind.slug


def _plain(path: str) -> str:
    return path.replace(":path}", "}")


async def _routes() -> dict[str, list[str]]:
    """Of the whole application, on a simulated calendar and a ledger that ends with this."""
    with tempfile.TemporaryDirectory(prefix="einmal-reference-") as folder:
        path = Path(folder) / "ledger.sqlite3"
        upgrade(path)
        house = {"EINMAL_DATABASE_URL": f"sqlite:///{path}", "EINMAL_ATTENDEE_FALLBACK_EMAIL": "termin@salon.test"}
        settings = replace(read_settings(house), calcom_api_key=Secret("any"))
        calcom = SimulatedCalcom(demo_calendar(), api_keys=None, now=lambda: datetime.now(UTC))
        gateway = await build_gateway(settings, InProcessTransport(calcom))
        try:
            site = build_site(gateway, has_lab=True)
            pages = [*page_routes(site), *lab_routes(site), *rest_routes(gateway)]
            return dict(_walked(others(gateway, collect_appointment(gateway), pages).routes, ""))
        finally:
            await gateway.close()


def _walked(routes: Any, before: str) -> Iterator[tuple[str, list[str]]]:
    for one in routes:
        if hasattr(one, "methods"):
            yield before + one.path, sorted(set(one.methods) - {"HEAD"} or one.methods)
        else:
            yield from _walked(one.routes, before + one.path)


def _functions() -> Iterator[tuple[str, str, str]]:
    told = {FUNCTIONS[tool.name]: tool.does[Language.ENGLISH] for tool in TOOLS}
    for does in Does:
        text = described(DOES.get(does) or told.get(does), f"function {does.name}")
        names = [name for name, one in FUNCTIONS.items() if one is does]
        seconds = f"{SECONDS[does]:g}" if does in SECONDS else "`EINMAL_REPLY_SECONDS`, and one more"
        yield ", ".join(map(code, names)), cell(text[0].upper() + text[1:].rstrip(".")), seconds


def _operations(paths: dict[str, Any]) -> Iterator[str | list[str]]:
    for path, ways in paths.items():
        for method, one in ways.items():
            yield f"### {method.upper()} {path}"
            yield " ".join(filter(None, (described(one["summary"], path), one.get("description"))))
            fields = list(_fields(one))
            if fields:
                yield table(("field", "in", "needed", "what it may be"), fields)
            answers = (f"{status}{_schema(answer)}" for status, answer in one["responses"].items())
            yield "Answers: " + ", ".join(answers) + "."


def _schema(answer: dict[str, Any]) -> str:
    found = next(iter(answer.get("content", {}).values()), {}).get("schema", {}).get("$ref", "")
    name = found.rpartition("/")[2]
    if name and name not in SCHEMAS:
        raise Undescribed(f"schema {name}")
    return f" {code(name)}" if name and name != "Problem" else ""


def _fields(one: dict[str, Any]) -> Iterator[tuple[str, str, str, str]]:
    for each in one.get("parameters", []):
        needed = "yes" if each.get("required") else ""
        yield code(each["name"]), each["in"], needed, cell(_kind(each["schema"], each.get("description")))
    schema = one.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    for name, inner in schema.get("properties", {}).items():
        needed = "yes" if name in schema.get("required", ()) else ""
        yield code(name), "body", needed, cell(_kind(inner, inner.get("description")))


def _kind(schema: dict[str, Any], text: str | None) -> str:
    if "properties" in schema:
        kind = "an object of " + ", ".join(schema["properties"])
    elif "enum" in schema:
        kind = "one of " + ", ".join(map(str, schema["enum"]))
    elif schema.get("format") == "date-time":
        kind = "an instant, ISO 8601 with its offset"
    elif schema.get("type") == "string":
        kind = f"text, {schema['maxLength']} letters at most" if "maxLength" in schema else "text"
    else:
        kind = str(schema.get("type", "see the document"))
    return kind if text is None else f"{text} ({kind})"
