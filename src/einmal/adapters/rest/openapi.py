"""The OpenAPI document, made of the declarations by which requests are read."""

from typing import Any, Final

from einmal import __version__
from einmal.adapters.rest.operations import OPERATIONS, Operation
from einmal.adapters.rest.problems import MEDIA_TYPE, Kind
from einmal.adapters.rest.shown import STATUSES

KEY_MAX: Final = 200
KEY_PATTERN: Final = r'^("[ !#-\[\]-~]+"|[!#-\[\]-~]+)$'
"""A string of RFC 9651 as the draft wants it; and as most clients send it, without its quotes."""

_TEXT: Final = {"type": "string"}
_AT: Final = {"type": "string", "format": "date-time"}
_SLOT: Final = {
    "type": "object",
    "required": ["slot", "start"],
    "properties": {"slot": _TEXT | {"description": "opaque"}, "start": _AT},
    "additionalProperties": False,
}
_BOOKING: Final = {
    "type": "object",
    "required": ["ref", "status", "start", "service"],
    "properties": {
        "ref": _TEXT | {"description": "what this booking is called from now on"},
        "status": {"enum": list(STATUSES)},
        "start": _AT,
        "end": _AT,
        "service": _TEXT | {"description": "its name"},
        "staff": _TEXT,
        "message": _TEXT | {"description": "one sentence for a person, in the house's language"},
        "do_not_rebook": {"const": True, "description": "it may stand: what you would book now might be the second"},
        "moved_to": _TEXT | {"description": "the ref of what it became"},
    },
    "additionalProperties": False,
}
SCHEMAS: Final[dict[str, dict[str, Any]]] = {
    "Booking": _BOOKING,
    "BookingRead": _BOOKING,
    "Bookings": {
        "type": "object",
        "required": ["bookings", "next"],
        "properties": {
            "bookings": {"type": "array", "items": _BOOKING},
            "next": {"type": ["string", "null"], "description": "the next page's cursor; null on the last one"},
        },
        "additionalProperties": False,
    },
    "InDoubt": {
        "type": "object",
        "required": ["status", "do_not_rebook", "message"],
        "properties": {
            "ref": _TEXT,
            "status": {"const": "in_doubt"},
            "do_not_rebook": {"const": True},
            "start": _AT,
            "message": _TEXT,
        },
        "additionalProperties": False,
    },
    "Slots": {
        "type": "object",
        "required": ["service", "slots"],
        "properties": {"service": _TEXT | {"description": "its id"}, "slots": {"type": "array", "items": _SLOT}},
        "additionalProperties": False,
    },
    "Hold": {
        "type": "object",
        "required": ["status", "conversation_id", "service", "start", "expires_at", "message"],
        "properties": {
            "status": {"const": "reserved"},
            "conversation_id": _TEXT,
            "service": _TEXT | {"description": "its id"},
            "start": _AT,
            "expires_at": _AT | {"description": "after that nothing is held"},
            "message": _TEXT,
        },
        "additionalProperties": False,
    },
    "Services": {
        "type": "object",
        "required": ["services"],
        "properties": {
            "services": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["id", "name", "minutes"],
                    "properties": {
                        "id": _TEXT,
                        "name": _TEXT,
                        "minutes": {"type": "integer"},
                        "staff": {"type": "array", "items": _TEXT},
                    },
                    "additionalProperties": False,
                },
            }
        },
        "additionalProperties": False,
    },
    "Document": {"type": "object", "required": ["openapi"]},
    "Problem": {
        "type": "object",
        "required": ["type", "title", "status", "detail"],
        "properties": {
            "type": {"type": "string", "format": "uri-reference"},
            "title": _TEXT,
            "status": {"type": "integer"},
            "detail": _TEXT,
            "message": _TEXT,
            "errors": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["detail"],
                    "properties": {"pointer": _TEXT, "parameter": _TEXT, "detail": _TEXT},
                    "additionalProperties": False,
                },
            },
            "alternatives": {"type": "array", "items": _SLOT},
            "booking": _BOOKING,
            "missing": {"type": "array", "items": _TEXT},
            "readings": {"type": "array", "items": _AT},
            "do_not_rebook": {"const": True},
            "error_id": _TEXT,
        },
        "additionalProperties": False,
    },
}

_MEANINGS: Final = {
    200: "It is so.",
    201: "It is done.",
    202: "In doubt: it may have been done. Look at Location, or send the same request again with the same key.",
    204: "Done.",
}
_RETRY: Final = {"Retry-After": {"description": "in so many seconds", "schema": {"type": "integer"}}}
_LOCATION: Final = {"Location": {"description": "where the booking is read", "schema": _TEXT}}
_REPLAYED: Final = {
    "Idempotent-Replayed": {
        "description": "true where this was answered before, and nothing was done now",
        "schema": {"const": "true"},
    }
}
_KEY: Final = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": True,
    "description": "your own name of this request, such as a UUID; kept for 24 hours. Quoted or not.",
    "schema": {"type": "string", "minLength": 1, "maxLength": KEY_MAX, "pattern": KEY_PATTERN},
}


def document() -> dict[str, Any]:
    paths: dict[str, dict[str, Any]] = {}
    for one in OPERATIONS:
        paths.setdefault(one.path, {})[one.method.lower()] = _operation(one)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Einmal",
            "version": __version__,
            "description": "Books appointments exactly once. docs/rest.md tells how.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": SCHEMAS,
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "description": "an API key of the house"}},
        },
    }


def _operation(one: Operation) -> dict[str, Any]:
    made: dict[str, Any] = {"operationId": one.name, "summary": one.summary, "responses": _responses(one)}
    made["security"] = [] if one.scope is None else [{"key": []}]
    if one.scope is not None:
        made["description"] = f"Needs the scope `{one.scope}`."
    parameters = _parameters(one)
    if parameters:
        made["parameters"] = parameters
    if one.body is not None:
        made["requestBody"] = {"required": True, "content": {"application/json": {"schema": one.body.schema}}}
    return made


def _parameters(one: Operation) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = []
    if one.in_path is not None:
        schema = {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[A-Za-z0-9_.:@-]+$"}
        made.append({"name": one.in_path, "in": "path", "required": True, "schema": schema})
    made += [
        {
            "name": field.name,
            "in": "query",
            "required": field.required,
            "description": field.meaning,
            "schema": field.kind.schema,
        }
        for field in one.query.fields
    ]
    return [*made, _KEY] if one.keyed else made


def _responses(one: Operation) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for status, schema in one.answers.items():
        told: dict[str, Any] = {"description": _MEANINGS[status]}
        if schema is not None:
            told["content"] = {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}
        headers = (_RETRY | _LOCATION if status == 202 else {}) | (_REPLAYED if one.keyed and status != 202 else {})
        made[str(status)] = told | ({"headers": headers} if headers else {})
    by_status: dict[int, list[Kind]] = {}
    for kind in one.every_problem:
        by_status.setdefault(kind.status, []).append(kind)
    for status, kinds in sorted(by_status.items()):
        content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
        told = {"description": "; ".join(f"`{kind.slug}`: {kind.title}" for kind in kinds), "content": content}
        made[str(status)] = told | ({"headers": _RETRY} if status in {409, 429, 503} else {})
    return made
