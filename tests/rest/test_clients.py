"""Who may ask /v1, what for, and how often; and that no house hears of another."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from einmal.adapters.rest.operations import OPERATIONS
from einmal.configuration.api_keys import api_keys_of
from einmal.domain.scope import Scope
from einmal.entrypoints.rest.clients import Pace
from einmal.simulator.catalogue import demo_event_types
from einmal.simulator.records import Host
from support.rest import ASKED, KEY, Told, program

OTHER_KEY = KEY[::-1]


def keyed(scopes: Sequence[str]) -> dict[str, str]:
    return {"EINMAL_API_KEYS": f"website:{'+'.join(scopes)}:{KEY}"}


async def test_a_key_is_needed_as_soon_as_there_is_one(tmp_path: Path) -> None:
    """Missing, wrong, in another scheme: 401, and nothing is done. The document and the problems are for everybody."""
    async with program(tmp_path, **keyed(Scope)) as one:
        assert (await one.get("/services")).type == "no-key"
        assert (await one.get("/services", Authorization=f"Basic {KEY}")).type == "no-key"
        for wrong in (OTHER_KEY, KEY[:-1], f"{KEY}x", "ü"):
            told = await one.get("/services", Authorization=f"Bearer {wrong}")
            assert (told.status, told.type, told.headers["www-authenticate"]) == (401, "wrong-key", "Bearer")
            assert KEY not in str(told.body)
        assert (await one.get("/services", Authorization=f"Bearer {KEY}")).status == 200
        assert (await one.get("/openapi.json")).status == 200
        assert (await one.get("/problems/slot-taken")).body["status"] == 409
        assert (await one.get("/problems/none")).status == 404


ASKS: dict[Scope, Sequence[tuple[str, str, Any]]] = {
    Scope.BOOK: [("POST", "/bookings", ASKED), ("POST", "/holds", {}), ("DELETE", "/holds/chat-7", None)],
    Scope.CHANGE: [("POST", "/bookings/x/cancel", {}), ("POST", "/bookings/x/move", {})],
    Scope.READ: [("GET", "/bookings/x", None)],
    Scope.LIST: [("GET", "/bookings", None)],
    Scope.AVAILABILITY: [("GET", "/availability", None), ("GET", "/services", None)],
}


def test_every_operation_is_asked_in_that_table() -> None:
    """A new one without its row would be open to every key, for all that these tests say."""
    asked = {(scope, method, path.split("/")[-1]) for scope, asks in ASKS.items() for method, path, _ in asks}
    known = {"{ref}": "x", "{conversation_id}": "chat-7"}
    there_are = {
        (one.scope, one.method, known.get(last, last))
        for one in OPERATIONS
        for last in [one.path.split("/")[-1]]
        if one.scope is not None
    }
    assert asked == there_are
    assert {one.path for one in OPERATIONS if one.scope is None} == {"/v1/openapi.json", "/v1/problems/{problem}"}


@pytest.mark.parametrize("scope", Scope)
async def test_a_key_opens_what_its_scope_says_and_nothing_else(tmp_path: Path, scope: Scope) -> None:
    async with program(tmp_path, KEY, **keyed([scope])) as one:
        for needed, asks in ASKS.items():
            for method, path, body in asks:
                told = await one.ask(method, path, body, "k1")
                refused = told.status == 403 and told.type == "scope"
                assert refused == (needed is not scope), (path, told)


@pytest.mark.parametrize(
    "headers", [{"X-Forwarded-For": "192.0.2.7"}, {"Host": "salon.de"}, {"Origin": "https://x.de"}]
)
async def test_without_a_key_only_this_machine_asks(tmp_path: Path, headers: dict[str, str]) -> None:
    async with program(tmp_path) as one:
        assert (await one.get("/services")).status == 200
        told = await one.get("/services", **headers)
        assert (told.status, told.type) == (401, "no-key")
        assert "EINMAL_API_KEYS" in told.body["detail"]


async def test_with_another_platforms_key_it_is_no_trial_any_more(tmp_path: Path) -> None:
    async with program(tmp_path, EINMAL_RETELL_API_KEY="key_0123") as one:
        assert (await one.get("/services")).status == 401


async def test_who_asks_too_often_is_told_when_to_come_back(tmp_path: Path) -> None:
    async with program(tmp_path, KEY, EINMAL_API_RATE_PER_MINUTE="12", **keyed(Scope)) as one:
        answers: list[Told] = [await one.get("/services") for _ in range(3)]
        assert [told.status for told in answers] == [200, 200, 429]
        assert (answers[-1].type, answers[-1].headers["retry-after"]) == ("too-many-requests", "5")


def test_each_program_has_a_pace_of_its_own() -> None:
    """A sixth of a minute's at once, and as many as the rate after that; 0 is no limit."""
    pace, one, other = Pace(), ("t", "website"), ("t", "crm")
    assert [pace.wait_seconds(one, 12, 0.0) for _ in range(3)] == [0, 0, 5]
    assert pace.wait_seconds(other, 12, 0.0) == 0
    assert pace.wait_seconds(("u", "website"), 12, 0.0) == 0
    assert [pace.wait_seconds(one, 12, 5.0) for _ in range(2)] == [0, 5]
    assert [pace.wait_seconds(one, 12, 500.0) for _ in range(3)] == [0, 0, 5]
    assert {pace.wait_seconds(one, 0, 500.0) for _ in range(99)} == {0}


TWO_HOUSES = """
[[tenants]]
id = "nord"
name = "Salon Nord"
house_email = "nord@salon.test"
calcom_api_key = { env = "CAL" }
[[tenants.api_keys]]
name = "website"
key = { env = "NORD_KEY" }
scopes = ["book", "read", "list", "change"]
[[tenants.services]]
name = "Beratung"
event_type_id = 101
duration_minutes = 30

[[tenants]]
id = "sued"
name = "Salon Süd"
house_email = "sued@salon.test"
calcom_api_key = { env = "CAL" }
[[tenants.api_keys]]
name = "website"
key = { env = "SUED_KEY" }
scopes = ["book", "read", "list", "change"]
[[tenants.services]]
name = "Beratung"
event_type_id = 201
duration_minutes = 30
"""


async def test_two_houses_share_neither_keys_nor_names_nor_bookings(tmp_path: Path) -> None:
    """The same Idempotency-Key, customer and start: one booking each; and a ref of one is nothing to the other."""
    file = tmp_path / "houses.toml"
    file.write_text(TWO_HOUSES, "utf-8")
    keys = {"CAL": "cal_test", "NORD_KEY": KEY, "SUED_KEY": OTHER_KEY}
    south = Host(200, "Salon Süd", "sued@host.example.test", "salon-sued", "Europe/Berlin")
    types = [replace(one, id=one.id + 100, slug=f"{one.slug}-2", hosts=(south,)) for one in demo_event_types()]
    types = [*demo_event_types(), *types]
    async with program(tmp_path, event_types=types, EINMAL_CONFIG=str(file), **keys) as one:
        nord, sued = {"Authorization": f"Bearer {KEY}"}, {"Authorization": f"Bearer {OTHER_KEY}"}
        made = [await one.ask("POST", "/bookings", ASKED, "k1", **house) for house in (nord, sued)]
        assert [told.status for told in made] == [201, 201]
        assert len({told.body["ref"] for told in made}) == 2
        theirs = made[1].body["ref"]
        assert (await one.get(f"/bookings/{theirs}", **nord)).status == 404
        assert (await one.ask("POST", f"/bookings/{theirs}/cancel", {}, "k2", **nord)).status == 404
        listed = await one.get("/bookings?phone=%2B4930901820", **nord)
        assert [found["ref"] for found in listed.body["bookings"]] == [made[0].body["ref"]]
        assert (await one.get("/services")).type == "no-key"
        page = await one.get("/bookings?limit=1", **nord)
        assert page.body["next"] is None
        assert one.live == 2


def test_keys_are_read_from_one_setting() -> None:
    website, crm = api_keys_of(f"website:book+read:{KEY}, crm:list:with:colons:{KEY}")
    assert (website.name, website.scopes, website.key.reveal()) == ("website", {Scope.BOOK, Scope.READ}, KEY)
    assert crm.key.reveal() == f"with:colons:{KEY}"
    assert KEY not in repr(website)


@pytest.mark.parametrize(
    "text",
    [
        *(",", KEY, f"website:{KEY}", f"website:everything:{KEY}", "website:book:short", f":book:{KEY}"),
        *(f"W:book:{KEY}", f"website:book:{KEY} x", f"a:book:{KEY},b:list:{KEY}", f"website::{KEY}"),
    ],
)
def test_what_is_no_key_is_refused_and_not_quoted(text: str) -> None:
    with pytest.raises(ValueError, match=r"must be NAME:SCOPE|twice") as wrong:
        api_keys_of(text)
    assert KEY not in str(wrong.value)
