"""docs/rest.md: what it shows is what happens, in its order; what it lists is all that there is."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from einmal.adapters.rest.operations import OPERATIONS
from einmal.adapters.rest.problems import Kind
from einmal.adapters.rest.shown import STATUSES
from einmal.configuration.api_keys import api_keys_of
from einmal.configuration.model import Defaults
from einmal.configuration.read import read_configuration
from einmal.domain.scope import Scope
from support.rest import KEY, program

PAGE = (Path(__file__).parents[2] / "docs" / "rest.md").read_text("utf-8")
_HOLE = re.compile(r"\{(ref|message|alternatives)\}")


@dataclass(frozen=True)
class Block:
    first: str
    headers: dict[str, str]
    body: str


def block(text: str) -> Block:
    head, _, body = text.partition("\n\n")
    first, *lines = head.splitlines()
    return Block(first, dict(line.split(": ", 1) for line in lines), body.strip())


BLOCKS = [block(part.partition("\n```")[0]) for part in PAGE.split("```http\n")[1:]]


async def test_each_request_on_the_page_is_answered_as_the_page_says(tmp_path: Path) -> None:
    """What stands in braces is not known beforehand: what it was the first time, it is from then on."""
    known: dict[str, Any] = {}
    exchanges = list(zip(BLOCKS[::2], BLOCKS[1::2], strict=True))
    assert len(exchanges) >= 6
    async with program(tmp_path) as one, aiohttp.ClientSession() as session:
        for asked, shown in exchanges:
            method, path = asked.first.split()
            async with session.request(method, one.url + path, headers=asked.headers, data=asked.body) as answer:
                told = await answer.json(content_type=None)
                assert answer.status == int(shown.first), told
                for name, value in shown.headers.items():
                    assert answer.headers[name] == value.replace("{ref}", str(known.get("ref", told.get("ref"))))
            if shown.body:
                known.pop("message", None)
                known = told | known
                assert told == json.loads(filled(shown.body, known))
        assert one.live == 1


def filled(text: str, known: dict[str, Any]) -> str:
    def value(hole: re.Match[str]) -> str:
        one = known[hole[1]]
        return json.dumps(one, ensure_ascii=False) if not isinstance(one, str) else json.dumps(one)[1:-1]

    return _HOLE.sub(value, text)


def test_the_page_names_all_that_there_is() -> None:
    """Operations, scopes, problems, states."""
    for one in OPERATIONS:
        if one.scope is not None:
            assert f"| `{one.method} {one.path}` | `{one.scope}` |" in PAGE
    for word in (*(kind.slug for kind in Kind), *STATUSES, *Scope):
        assert f"`{word}`" in PAGE, word


def test_its_keys_are_keys() -> None:
    """The setting, and the file."""
    (setting,) = re.findall(r"^EINMAL_API_KEYS=(.*)$", PAGE, re.MULTILINE)
    website, crm = api_keys_of(
        setting.replace("$(openssl rand -hex 24)", KEY[::-1], 1).replace("$(openssl rand -hex 24)", KEY)
    )
    assert (website.name, crm.name) == ("website", "crm")
    text = PAGE.split("```toml\n")[1].partition("\n```")[0]
    (house,) = read_configuration(text, "page", Defaults(), {"SALON_NORD_WEBSITE_KEY": KEY}).tenants
    assert house.api_keys[0].scopes == {Scope.AVAILABILITY, Scope.BOOK}
