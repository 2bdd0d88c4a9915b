"""The OpenAPI document is one, and says what is so: Schemathesis asks what it allows and what it does not."""

import asyncio
import copy
import threading
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings, strategies
from hypothesis.errors import Unsatisfiable
from openapi_spec_validator import OpenAPIV31SpecValidator
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi import checks

from einmal.adapters.rest import fields
from einmal.adapters.rest.openapi import document
from einmal.adapters.rest.operations import LIST, OPERATIONS, SERVICES, Operation
from einmal.edge.guesses import Guesses
from support.rest import ASKED, KEY, program

EXAMPLES = 15
BEARER = {"Authorization": f"Bearer {KEY}"}
KEYS = f"website:book+change+read+list+availability:{KEY}"


def test_it_is_a_valid_document() -> None:
    OpenAPIV31SpecValidator(document()).validate()


def test_a_broken_one_is_seen_by_the_same_check() -> None:
    """The control."""
    broken: dict[str, Any] = document()
    del broken["info"]
    with pytest.raises(Exception, match="info"):
        OpenAPIV31SpecValidator(broken).validate()


def test_what_validates_is_what_is_documented() -> None:
    """A field is in both or in neither."""
    body = document()["paths"]["/v1/bookings"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert body == fields.BOOKING.schema
    assert body["additionalProperties"] is False
    assert body["properties"]["customer"]["required"] == ["name"]
    query = document()["paths"]["/v1/bookings"]["get"]["parameters"]
    assert [one["name"] for one in query] == [one.name for one in fields.LIST.fields]


class Forgetful(Guesses):
    """Nobody has ever guessed."""

    def begin(self, who: str, now: float) -> None:
        return


def test_what_is_open_to_everybody_promises_no_problem_that_it_cannot_have() -> None:
    """Nothing of such a request is read but its path; and where a key is needed both ways to lack one are named."""
    paths = document()["paths"]
    assert set(paths["/v1/openapi.json"]["get"]["responses"]) == {"200", "500"}
    assert set(paths["/v1/problems/{problem}"]["get"]["responses"]) == {"200", "404", "500"}
    for one in OPERATIONS:
        if one.scope is not None:
            told = paths[one.path][one.method.lower()]["responses"]["401"]["description"]
            assert "`no-key`" in told
            assert "`wrong-key`" in told


@contextmanager
def listening(folder: Path) -> Iterator[str]:
    """The gateway in a loop of its own: Schemathesis waits for each answer."""
    loop, started, stop = asyncio.new_event_loop(), threading.Event(), asyncio.Event()
    address: list[str] = []

    async def run() -> None:
        async with AsyncExitStack() as stack:
            one = await stack.enter_async_context(program(folder, EINMAL_API_RATE_PER_MINUTE="0", EINMAL_API_KEYS=KEYS))
            # It tries each request with a wrong key as well, all from one address.
            one.here.gateway.limits.guesses = Forgetful()
            address.append(one.url)
            started.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(run()))
    thread.start()
    assert started.wait(20)
    try:
        yield address[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(20)
        loop.close()


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with listening(tmp_path_factory.mktemp("document")) as url:
        headers = {**BEARER, "Idempotency-Key": "first"}
        KNOWN["ref"] = requests.post(f"{url}/v1/bookings", json=ASKED, headers=headers, timeout=20).json()["ref"]
        yield url


# Left out: that all that fits the schema is taken, for a service must exist and its time be free.
CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.negative_data_rejection,
    checks.missing_required_header,
    checks.unsupported_method,
    checks.ignored_auth,
]


STARTS = strategies.sampled_from([f"2026-12-{day:02}T{hour}:00:00+01:00" for day in (1, 2, 3) for hour in (10, 12, 14)])


KNOWN = {"problem": "slot-taken"}
"""What stands in paths; the booking's ref is added once there is one."""


def sensible(case: Case, start: str) -> None:
    """What only who knows the house can choose: without it nearly all that the schema allows is refused."""
    chosen = {"service": "Beratung", "start": start, "staff": "egal"}
    if isinstance(case.body, dict):
        case.body.update({name: value for name, value in chosen.items() if name in case.body})
        case.body.get("customer", {}).update(phone="+4930901820")
        case.body.get("customer", {}).pop("email", None)
    case.path_parameters.update({name: value for name, value in KNOWN.items() if name in case.path_parameters})
    if case.query:
        case.query.update({name: value for name, value in chosen.items() if name in case.query})
        for name in ("cursor", "email", "from", "to"):
            case.query.pop(name, None)


def fuzz(address: str, promised: dict[str, Any], operation: Operation, mode: GenerationMode) -> None:
    """Ask an operation what the document allows, or what it does not, and hold each answer against what it promises."""
    schema = schemathesis.openapi.from_dict(promised)
    schema.config.update(base_url=address)
    cases = schema[operation.path][operation.method].as_strategy(generation_mode=mode)

    @seed(11)
    @settings(max_examples=EXAMPLES, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(case=cases, start=STARTS)
    def asked(case: Case, start: str) -> None:
        if mode is GenerationMode.POSITIVE:
            sensible(case, start)
        answer = case.call(headers=BEARER)
        case.validate_response(answer, checks=CHECKS, headers=BEARER)

    asked()


@pytest.mark.parametrize("mode", GenerationMode, ids=lambda mode: mode.value)
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: one.name)
def test_what_it_allows_is_answered_and_what_it_does_not_is_refused(
    address: str, operation: Operation, mode: GenerationMode
) -> None:
    """No 5xx; no status, header, type or body that is not in the document; nothing wrong is taken."""
    try:
        fuzz(address, document(), operation, mode)
    except Unsatisfiable:
        assert mode is GenerationMode.NEGATIVE, "nothing can be wrong with it"
        assert operation.scope is None or operation is SERVICES


def without_422(promised: dict[str, Any]) -> None:
    del promised["paths"]["/v1/bookings"]["get"]["responses"]["422"]


def with_one_more_field(promised: dict[str, Any]) -> None:
    promised["components"]["schemas"]["Bookings"]["required"].append("colour")


@pytest.mark.parametrize(
    ("bends", "mode"),
    [
        (without_422, GenerationMode.NEGATIVE),
        (with_one_more_field, GenerationMode.POSITIVE),
    ],
)
def test_a_document_that_says_otherwise_is_caught(
    address: str, bends: Callable[[dict[str, Any]], None], mode: GenerationMode
) -> None:
    """The control."""
    promised = copy.deepcopy(document())
    bends(promised)
    with pytest.raises(FailureGroup):
        fuzz(address, promised, LIST, mode)
