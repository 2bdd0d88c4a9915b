"""A request as it is understood: who asks, what for, under which key. Everything that can be wrong is told at once."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from starlette.requests import Request

from einmal.adapters.rest.openapi import KEY_MAX
from einmal.adapters.rest.operations import Operation
from einmal.adapters.rest.problems import Kind, Problem
from einmal.adapters.strict_json import BadEnvelope, json_object
from einmal.domain.request_key import RequestKey, request_key
from einmal.entrypoints.http.door import BODY_BYTES_MAX, Refusal, read_body
from einmal.entrypoints.rest.clients import Client
from einmal.ports import Tenant
from einmal.tenancies import Tenancy

_BARE = re.compile(r"[!#-\[\]-~]+")
_QUOTED = re.compile(r'"((?:[ !#-\[\]-~]|\\["\\])+)"')
_JSON: Final = "application/json"


@dataclass(frozen=True, slots=True)
class Asked:
    """`values`: the fields of query and body. `key` names the request where the operation changes something."""

    client: Client
    values: dict[str, Any]
    in_path: str
    now: datetime
    key: RequestKey | None = None

    @property
    def tenancy(self) -> Tenancy:
        return self.client.tenancy

    @property
    def tenant(self) -> Tenant:
        return self.client.tenancy.tenant

    def __repr__(self) -> str:
        return f"Asked({self.client.name!r})"  # never who it is


async def understood(request: Request, operation: Operation, client: Client, now: datetime) -> Asked:
    """The request. Raises Problem or ClientLeft."""
    values, problems = operation.query.read_query(request.query_params.multi_items())
    given = _given_key(request) if operation.keyed else None
    payload: dict[str, Any] = {}
    if operation.body is not None:
        payload = await _object(request)
        of_body, wrong = operation.body.read(payload)
        values, problems = values | of_body, problems + wrong
    if problems:
        raise Problem(Kind.FIELDS, errors=problems)
    in_path = str(request.path_params.get(operation.in_path or "", ""))
    asked = Asked(client, values, in_path, now)
    if given is None:
        return asked
    tenant, what = asked.tenant, f"{operation.name} {in_path}"
    key = request_key(tenant.hash_key, tenant.tenant_id, client.name, given, what, payload)
    return Asked(client, values, in_path, now, key)


def _given_key(request: Request) -> str:
    sent = request.headers.getlist("idempotency-key")
    if not sent:
        raise Problem(Kind.KEY_MISSING)
    text = sent[0].strip()
    quoted = _QUOTED.fullmatch(text)
    key = text if quoted is None else re.sub(r'\\(["\\])', r"\1", quoted[1])
    if len(sent) > 1 or len(key) > KEY_MAX or (quoted is None and _BARE.fullmatch(text) is None):
        raise Problem(Kind.KEY_ODD)
    return key


async def _object(request: Request) -> dict[str, Any]:
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _JSON:
        raise Problem(Kind.MEDIA)
    try:
        return json_object(await read_body(request.scope, request.receive))
    except BadEnvelope as wrong:
        raise Problem(Kind.NOT_JSON, str(wrong.args[0])) from None
    except Refusal:
        raise Problem(Kind.TOO_LARGE, f"a body may have at most {BODY_BYTES_MAX} bytes") from None
