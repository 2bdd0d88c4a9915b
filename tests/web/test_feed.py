"""The live feed: one reader for all pages, a bounded number of them, and an end when they leave or the server stops."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from einmal.entrypoints.http.app import create_app
from einmal.entrypoints.web.app import build_site, page_routes
from einmal.entrypoints.web.feed import Feed, event
from einmal.ports import LedgerUnavailable
from einmal.ports.journal import FunctionCalled
from support.browser import served
from support.notes import until
from support.world import World, world

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
SOON = 5.0
"""Seconds within which what is waited for has come, unless it never comes."""


def called(number: int) -> FunctionCalled:
    words = ("retell", "check_availability", "available", "Zehn Uhr ist frei.")
    return FunctionCalled(f"id{number}", "default", f"call_{number}", NOW, *words, timedelta(milliseconds=12))


class Told:
    """Stories that a test writes; asked so often, and failing while it says so."""

    def __init__(self) -> None:
        self.calls: tuple[FunctionCalled, ...] = ()
        self.asked = 0
        self.fails = False

    async def latest(self, limit: int, after: str | None = None, **_: Any) -> Sequence[FunctionCalled]:
        self.asked += 1
        if self.fails:
            raise LedgerUnavailable("gone")
        return self.calls[:limit]


def feed_of(told: Told, **parts: Any) -> Feed:
    return Feed(told, **({"every": 0.01} | parts))  # type: ignore[arg-type]


async def test_one_reader_serves_all_pages_and_ends_with_the_last() -> None:
    told = Told()
    feed = feed_of(told, every=60)
    for _ in range(20):
        feed.enter()
    await until(lambda: told.asked)
    await asyncio.sleep(0)
    assert told.asked == 1
    for _ in range(20):
        feed.leave()
    assert feed.pages == 0
    assert not [task for task in asyncio.all_tasks() if task.get_name() == "feed" and not task.cancelling()]


async def test_a_page_hears_of_a_change_and_of_nothing_else() -> None:
    """Also of a call that was written down after a later one: the whole list is compared."""
    told = Told()
    feed = feed_of(told)
    feed.enter()
    told.calls = (called(2),)
    await feed.changed((), SOON)
    assert feed.calls == (called(2),)
    told.calls = (called(2), called(1))
    await feed.changed(feed.calls, SOON)
    assert feed.calls == (called(2), called(1))
    await feed.changed(feed.calls, 0.05)
    assert feed.calls == told.calls
    feed.leave()


async def test_a_ledger_that_fails_leaves_the_list_as_it_was() -> None:
    told = Told()
    feed = feed_of(told)
    feed.enter()
    told.calls = (called(1),)
    await feed.changed((), SOON)
    told.fails, asked = True, told.asked
    await until(lambda: told.asked > asked + 2)
    assert feed.calls == (called(1),)
    told.fails, told.calls = False, (called(2),)
    await feed.changed((called(1),), SOON)
    assert feed.calls == (called(2),)
    feed.leave()


async def test_what_is_sent_is_made_once_for_all_pages() -> None:
    told = Told()
    feed = feed_of(told)
    feed.enter()
    made: list[str] = []

    def make(language: str) -> Callable[[], bytes]:
        return lambda: made.append(language) or language.encode()  # type: ignore[func-returns-value]

    assert [feed.made(one, make(one)) for one in ("de", "de", "en")] == [b"de", b"de", b"en"]
    assert made == ["de", "en"]
    told.calls = (called(1),)
    await feed.changed((), SOON)
    feed.made("de", make("de"))
    assert made == ["de", "en", "de"]
    feed.leave()


def test_a_message_has_its_mark_on_each_line() -> None:
    assert event("<p>\n\n</p>") == b"data: <p>\ndata: \ndata: </p>\n\n"


@asynccontextmanager
async def page_of(here: World, pages_max: int = 50) -> AsyncIterator[tuple[str, Feed]]:
    """The application with a quick feed: its address, and the feed."""
    feed = Feed(here.gateway.stories, every=0.02, pages_max=pages_max)
    made = replace(build_site(here.gateway), feed=feed)
    async with served(create_app(here.gateway, page_routes(made))) as url:
        yield url, feed


async def heard(response: aiohttp.ClientResponse, word: bytes) -> bytes:
    """What the stream said until that word came."""
    said = b""
    async with asyncio.timeout(SOON):
        while word not in said:
            chunk = await response.content.readany()
            assert chunk, f"the stream ended before {word!r}"
            said += chunk
    return said


async def test_a_page_hears_each_function_call(tmp_path: Path) -> None:
    """First what there was, then what comes; without a name of anybody's."""
    async with world(tmp_path) as here, page_of(here) as (url, feed), aiohttp.ClientSession() as client:
        await here.call("call_first")
        await here.gateway.journal.turn()
        async with client.get(f"{url}/feed", headers={"Accept-Language": "de"}) as response:
            assert response.headers["Content-Type"] == "text/event-stream; charset=utf-8"
            assert "default-src 'none'" in response.headers["Content-Security-Policy"]
            await heard(response, b"call_first")
            await here.call("call_second", name="check_availability", uhrzeit="12:00")
            await here.gateway.journal.turn()
            said = await heard(response, b"second")
            assert said.index(b"second") < said.index(b"call_first"), "the newest stands first"
            assert "Groß".encode() not in said
            assert feed.pages == 1
        await until(lambda: feed.pages == 0)


async def test_one_page_too_many_is_told_so(tmp_path: Path) -> None:
    """Until another leaves."""
    async with world(tmp_path) as here, page_of(here, pages_max=2) as (url, feed), aiohttp.ClientSession() as client:
        first, second = [await client.get(f"{url}/feed") for _ in range(2)]
        await until(lambda: feed.pages == 2)
        async with client.get(f"{url}/feed?lang=en") as third:
            assert third.status == 503
            assert "follow this already" in await third.text()
        first.close()
        await until(lambda: feed.pages == 1)
        async with client.get(f"{url}/feed") as third:
            assert third.status == 200
        second.close()


async def test_closed_it_ends_for_all(tmp_path: Path) -> None:
    """As when the server stops: each stream ends by itself, and nobody begins another."""
    async with world(tmp_path) as here, page_of(here) as (url, feed), aiohttp.ClientSession() as client:
        async with client.get(f"{url}/feed") as response:
            await until(lambda: feed.pages == 1)
            feed.close()
            async with asyncio.timeout(SOON):
                await response.read()
        await until(lambda: feed.pages == 0)
        async with client.get(f"{url}/feed") as refused:
            assert refused.status == 503


async def test_nobody_follows_it_without_signing_in(tmp_path: Path) -> None:
    token = "a-long-enough-token-for-readers"
    async with (
        world(tmp_path, EINMAL_READER_TOKEN=token) as here,
        page_of(here) as (url, feed),
        aiohttp.ClientSession() as client,
    ):
        async with client.get(f"{url}/feed", allow_redirects=False) as refused:
            assert refused.status == 303
        for path in ("/desk/figures", "/desk/calls"):
            async with client.get(f"{url}{path}", allow_redirects=False) as refused:
                assert (refused.status, refused.headers["HX-Refresh"], await refused.read()) == (401, "true", b"")
        assert feed.pages == 0
        async with client.get(f"{url}/feed", headers={"Authorization": f"Bearer {token}"}) as response:
            assert response.status == 200


@pytest.mark.parametrize("path", ["/feed", "/", "/desk/figures"])
async def test_head_ends(tmp_path: Path, path: str) -> None:
    """Whoever only asks what is there is not kept waiting."""
    async with (
        world(tmp_path) as here,
        page_of(here) as (url, _),
        aiohttp.ClientSession() as client,
        asyncio.timeout(SOON),
        client.head(f"{url}{path}") as response,
    ):
        assert response.status == 200
