"""What is wrong with a request is told at once, each with its place and what is allowed, and never what it held."""

import json
from io import BytesIO
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from yarl import URL

from einmal.adapters.rest.declared import FieldProblem
from einmal.adapters.rest.fields import NOTHING
from support.rest import ASKED, program

CUSTOMER = ASKED["customer"]


@pytest.mark.parametrize(
    ("change", "pointer", "said"),
    [
        ({"service": "Massage"}, "#/service", "Haarschnitt"),
        ({"service": 7}, "#/service", "the id or the name of a service"),
        ({"service": " "}, "#/service", "1 to 100 letters"),
        ({"start": "2026-12-01T10:00:00"}, "#/start", "with its offset"),
        ({"start": "morgen um zehn"}, "#/start", "with its offset"),
        ({"start": "2026-02-30T10:00:00Z"}, "#/start", "with its offset"),
        ({"start": "9999-12-31T23:59:59-14:00"}, "#/start", "2099"),
        ({"start": "2026-12-01T10:00:00.5+01:00"}, "#/start", "whole minute"),
        ({"start": "2026-12-01T10:00:07+01:00"}, "#/start", "whole minute"),
        ({"customer": "Jürgen Groß"}, "#/customer", "must be an object"),
        ({"customer": {}}, "#/customer/name", "is missing"),
        ({"customer": CUSTOMER | {"name": "Jürgen\nGroß"}}, "#/customer/name", "in one line"),
        ({"customer": CUSTOMER | {"name": "J" * 101}}, "#/customer/name", "1 to 100"),
        ({"customer": CUSTOMER | {"phone": "030 901820"}}, "#/customer/phone", "E.164"),
        ({"customer": CUSTOMER | {"phone": "+4955555555"}}, "#/customer/phone", "anybody"),
        ({"customer": CUSTOMER | {"email": "anna at kunde"}}, "#/customer/email", "must be an e-mail address"),
        ({"customer": CUSTOMER | {"email": "kunde@example.com"}}, "#/customer/email", "nobody's"),
        ({"customer": CUSTOMER | {"email": "termin+7@salon.test"}}, "#/customer/email", "house's own"),
        ({"customer": CUSTOMER | {"geburtstag": "1. Mai"}}, "#/customer/geburtstag", "allowed are name, phone, email"),
        ({"a/b~c": 1}, "#/a~1b~0c", "there is no such field"),
        ({"conversation_id": "Jürgen Groß"}, "#/conversation_id", "letters, digits"),
    ],
)
async def test_a_wrong_field_is_told_with_its_place(
    tmp_path: Path, change: dict[str, Any], pointer: str, said: str
) -> None:
    async with program(tmp_path) as one:
        told = await one.book(ASKED | change)
        assert (told.status, told.type) == (422, "fields")
        (error,) = told.body["errors"]
        assert error["pointer"] == pointer
        assert said in error["detail"]
        assert "Groß" not in str(told.body)
        assert one.here.tap.posts == []


async def test_a_start_as_programs_write_it_is_a_whole_minute(tmp_path: Path) -> None:
    """JavaScript's toISOString, no seconds at all, small letters: all one wish. A window may begin at any moment."""
    async with program(tmp_path) as one:
        starts = ("2026-12-01T09:00:00.000Z", "2026-12-01T10:00+01:00", "2026-12-01t09:00:00z")
        answers = [await one.book(ASKED | {"start": start}) for start in starts]
        assert [told.status for told in answers] == [201, 200, 200]
        assert one.live == 1
        assert len((await one.get("/bookings?from=2026-12-01T08:59:59.999Z")).body["bookings"]) == 1


async def test_what_nobody_sees_in_a_name_does_not_reach_the_calendar(tmp_path: Path) -> None:
    """Signs that turn the writing round, that have no width, or that no letter has: a blank, as in function calls."""
    async with program(tmp_path) as one:
        name = "\u202eAnna\u2066\ue000 We\u00adiß\u200b"
        told = await one.book(ASKED | {"customer": {"name": name, "phone": "+4930901821"}})
        assert told.status == 201
        assert json.loads(one.here.tap.posts[0].body)["attendee"]["name"] == "Anna We iß"
        nothing = await one.book(ASKED | {"customer": {"name": "\u200b\u202e", "phone": "+4930901821"}})
        assert (nothing.status, nothing.body["errors"][0]["pointer"]) == (422, "#/customer/name")


@pytest.mark.parametrize("query", ["phone=+4930901820", "from=2026-12-01T10:00:00+01:00"])
async def test_a_plus_that_an_address_has_lost_is_told(tmp_path: Path, query: str) -> None:
    """In an address it is a blank; whoever typed it as it is allowed would look in vain for what is wrong with it."""
    async with program(tmp_path) as one, one.session.get(URL(f"{one.url}/v1/bookings?{query}", encoded=True)) as answer:
        assert answer.status == 422
        assert "a + is written %2B" in (await answer.json(content_type=None))["errors"][0]["detail"]


async def test_a_query_of_very_many_parameters_keeps_nobody_waiting(tmp_path: Path) -> None:
    """Each is looked at once: what grows with the square of their number would stop the phone."""
    pairs = [(f"p{number}", "") for number in range(200_000)]
    read, problems = NOTHING.read_query([*pairs, ("p7", "")])
    assert read == {}
    assert problems[-1] == FieldProblem("p7", "is given more than once", in_query=True)
    assert len(problems) == 21


async def test_all_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    async with program(tmp_path) as one:
        told = await one.book({"start": 1, "customer": {"phone": ""}, "x": None})
        pointers = [error["pointer"] for error in told.body["errors"]]
        assert sorted(pointers) == ["#/customer/name", "#/customer/phone", "#/service", "#/start", "#/x"]


@pytest.mark.parametrize(
    ("path", "parameter"),
    [
        ("/bookings?limit=0", "limit"),
        ("/bookings?limit=1.5", "limit"),
        ("/bookings?phone=030", "phone"),
        ("/bookings?phne=1", "phne"),
        ("/bookings?limit=1&limit=2", "limit"),
        ("/availability", "service"),
        ("/availability?service=Massage", "service"),
        ("/availability?service=Beratung&to=2026-01-01T00:00:00Z", "to"),
        ("/availability?service=Beratung&to=2027-06-01T00:00:00Z", "to"),
        ("/services?x=1", "x"),
    ],
)
async def test_a_wrong_parameter_is_told_by_its_name(tmp_path: Path, path: str, parameter: str) -> None:
    async with program(tmp_path) as one:
        told = await one.get(path)
        assert (told.status, told.type) == (422, "fields")
        assert [error["parameter"] for error in told.body["errors"]] == [parameter]


@pytest.mark.parametrize(
    ("body", "content_type", "status", "problem"),
    [
        (b"{}", "text/plain", 415, "media-type"),
        (b"", "application/json", 400, "not-json"),
        (b"[]", "application/json", 400, "not-json"),
        (b'{"a": 1, "a": 2}', "application/json; charset=utf-8", 400, "not-json"),
        (b'{"a": ' + b"[" * 50 + b"]" * 50 + b"}", "application/json", 400, "not-json"),
        (b"\xff", "application/json", 400, "not-json"),
        (b" " * (2 * 1024 * 1024 + 1), "application/json", 413, "too-large"),
    ],
)
async def test_what_is_no_json_is_told_as_that(
    tmp_path: Path, body: bytes, content_type: str, status: int, problem: str
) -> None:
    async with program(tmp_path) as one, aiohttp.ClientSession() as session:
        headers = {"Content-Type": content_type, "Idempotency-Key": "k1"}
        async with session.post(f"{one.url}/v1/bookings", data=BytesIO(body), headers=headers) as answer:
            told = await answer.json(content_type="application/problem+json")
            assert (answer.status, told["type"]) == (status, f"/v1/problems/{problem}")


async def test_who_is_wished_for_must_be_somebody(tmp_path: Path) -> None:
    file = tmp_path / "salon.toml"
    file.write_text(
        '[[staff]]\nid = "anna"\nname = "Anna"\n[[staff]]\nid = "ben"\nname = "Ben"\n'
        '[[services]]\nname = "Beratung"\nevent_type_id = 101\nduration_minutes = 30\n',
        "utf-8",
    )
    async with program(tmp_path, EINMAL_CONFIG=str(file)) as one:
        unknown, either = [await one.book(ASKED | {"staff": who}) for who in ("Otto", "Anna")]
        for told, said in ((unknown, "Anna, Ben"), (either, "several do this")):
            assert told.body["errors"][0]["pointer"] == "#/staff"
            assert said in told.body["errors"][0]["detail"]
