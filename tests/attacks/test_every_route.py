"""Every route that the application has, as it lists them itself: a new one is tried as well, without being named here.

What pages must say in their headers, that nothing is changed by a GET, and that no form is taken from elsewhere.
"""

import re
from collections.abc import AsyncIterator, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import BaseRoute, Mount, Route

from einmal.entrypoints.http import app as http_app
from einmal.entrypoints.http.app import create_app
from einmal.entrypoints.lab.pages import lab_routes
from einmal.entrypoints.rest.app import rest_routes
from einmal.entrypoints.web.app import build_site, page_routes
from einmal.entrypoints.web.booking import routes as _booking
from einmal.simulator.asgi import HttpAnswer, request
from support.world import World, world

TOKEN = "an-operators-token-for-tests"
OPEN_PAGES = {"EINMAL_ADMIN_TOKEN": TOKEN, "EINMAL_BOOKING_FORM": "true"}

POLICY = (
    "default-src 'none'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
    "form-action 'self'",
)
FORBIDDEN = ("unsafe-inline", "unsafe-eval", "*", "http:", "https:", "data:")


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[World]:
    async with world(tmp_path, **OPEN_PAGES) as made:
        yield made


def pages_of(here: World) -> list[BaseRoute]:
    site = build_site(here.gateway, has_lab=True)
    return [*page_routes(site), *lab_routes(site)]


def whole(here: World) -> Any:
    return create_app(here.gateway, [*pages_of(here), *rest_routes(here.gateway)])


def flat(routes: Iterable[BaseRoute], prefix: str = "") -> Iterator[tuple[str, frozenset[str]]]:
    """Path and methods of each, those of what is mounted too."""
    for route in routes:
        if isinstance(route, Mount):
            yield from flat(route.routes, prefix + route.path)
        else:
            assert isinstance(route, Route), f"{route} is of a kind that nothing is known of here"
            yield prefix + route.path, frozenset(route.methods or ())


def everything(here: World) -> list[tuple[str, frozenset[str]]]:
    inner: Starlette = http_app.others(here.gateway, http_app.collect_appointment(here.gateway), [])
    return [*flat(inner.routes), *flat(pages_of(here)), *flat(rest_routes(here.gateway))]


def filled(path: str) -> str:
    return re.sub(r"\{[^}]*\}", "x", path)


async def asked(here: World, method: str, path: str, body: bytes = b"", **headers: str) -> HttpAnswer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await request(whole(here), method, filled(path), body, named)


FORM = {"content_type": "application/x-www-form-urlencoded"}
SIGNED_IN = {"authorization": f"Bearer {TOKEN}"}
STREAMS = ("/desk/feed", "/feed", "/events")


def is_page(path: str) -> bool:
    return not path.startswith(("/static", "/v1", "/v2", "/api", "/healthz", "/readyz", "/metrics"))


def check_page(answer: HttpAnswer) -> None:
    headers = answer.headers
    policy = headers["content-security-policy"]
    assert all(one in policy for one in POLICY), policy
    assert not any(one in policy for one in FORBIDDEN), policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-store"
    check_cookies(answer)


def check_cookies(answer: HttpAnswer) -> None:
    for cookie in answer.every("set-cookie"):
        assert all(one in cookie for one in ("SameSite=Strict", "Path=/", "HttpOnly")), cookie
        assert "Domain" not in cookie
        if not cookie.startswith("lang="):
            assert cookie.startswith("__Host-"), cookie
            assert "Secure" in cookie, cookie


def pages(here: World, method: str) -> list[str]:
    return [path for path, methods in flat(pages_of(here)) if method in methods and is_page(path) and not feeds(path)]


def feeds(path: str) -> bool:
    return path.endswith(("/feed", "/events", "/stream"))


async def test_there_are_pages_to_try(here: World) -> None:
    """Else the tests below would try nothing."""
    assert len(pages(here, "GET")) > 8
    assert len(pages(here, "POST")) > 4
    assert len(everything(here)) > 40
    assert len(_booking(build_site(here.gateway))) == 6


@pytest.mark.parametrize("who", ["a-stranger", "the-operator"])
async def test_every_page_lets_nothing_else_in(here: World, who: str) -> None:
    """Also those that are refused, led elsewhere, or not there."""
    headers = SIGNED_IN if who == "the-operator" else {}
    for path in pages(here, "GET"):
        answer = await asked(here, "GET", f"{path}?lang=en", **headers)
        assert answer.status < 500, path
        check_page(answer)


async def test_control_a_page_without_the_headers_is_seen(here: World) -> None:
    async def bare(_request: Any) -> PlainTextResponse:
        return PlainTextResponse("x")

    app = create_app(here.gateway, [Route("/bare", bare, methods=["GET"])])
    with pytest.raises(KeyError):
        check_page(await request(app, "GET", "/bare"))


ELSEWHERE = {
    "no-token": {},
    "another-site": {"sec_fetch_site": "cross-site"},
    "a-neighbour": {"sec_fetch_site": "same-site"},
    "typed": {"sec_fetch_site": "none"},
    "an-origin": {"origin": "https://evil.test"},
}


@pytest.mark.parametrize("how", ELSEWHERE.values(), ids=ELSEWHERE)
async def test_no_page_takes_a_form_from_elsewhere(here: World, how: dict[str, str]) -> None:
    """The operator's own browser sends it, with their session; without its form token or from another site nothing is
    done, and nothing is written down as done."""
    before = here.rows("SELECT count(*) FROM system_audit_log")
    for path in pages(here, "POST"):
        if path == "/sign-in" and not how:
            continue  # who signs in has no session yet, and so no token
        answer = await asked(here, "POST", path, b"token=forged&secret=x", **FORM, **SIGNED_IN, **how)
        assert answer.status in {303, 401, 403, 404}, (path, answer.status)
        if answer.status == 303:
            assert answer.headers["location"].startswith("/sign-in"), path
        check_page(answer)
    assert here.rows("SELECT count(*) FROM system_audit_log") == before


async def test_control_with_its_token_from_our_page_the_form_is_taken(here: World) -> None:
    shown = await asked(here, "GET", "/book")
    cookie = shown.headers["set-cookie"].partition(";")[0]
    page = await asked(here, "GET", shown.headers["location"], cookie=cookie)
    fields = dict(re.findall(r'name="(token|form)" value="([^"]+)"', page.body.decode()))
    body = f"token={fields['token']}&form={fields['form']}&name=Gast+Eins&service=Beratung&slot=2026-11-25+10:00"
    for site, status in (("cross-site", 403), ("same-origin", 303)):
        answer = await asked(here, "POST", "/book", body.encode(), **FORM, cookie=cookie, sec_fetch_site=site)
        assert answer.status == status
    assert here.states() == ["confirmed"]


async def test_nothing_is_changed_by_a_get(here: World) -> None:
    """Every route that takes one, as the operator: no row, no request that changes anything at the calendar."""
    tables = [name for (name,) in here.rows("SELECT name FROM sqlite_master WHERE type = 'table'")]
    unchanging = [name for name in tables if name not in {"calendar_gates", "function_calls", "tallies"}]

    def rows() -> dict[str, Any]:
        return {name: here.rows(f"SELECT count(*) FROM {name}") for name in unchanging}  # noqa: S608 - names of ours

    before = rows()
    for path, methods in everything(here):
        if "GET" in methods and not feeds(path) and not path.startswith("/v2"):
            await asked(here, "GET", path, **SIGNED_IN)
    assert rows() == before
    assert {sent.method for sent in here.tap.requests} <= {"GET"}


OPEN = ("/healthz", "/readyz", "/sign-in", "/static/{name}", "/book", "/booking-form", "/book/times")
OPEN += (
    "/book/{form_id}",
    "/book/{form_id}/standing",
    "/v1/openapi.json",
    "/v1/problems/{problem}",
    "/",
    "/sign-out",
)


async def test_every_route_is_shut_to_strangers_but_those_that_are_meant_to_be_open(tmp_path: Path) -> None:
    """Off loopback, with every kind of credential set: whoever has none gets no 2xx anywhere else. A new route that is
    open must be named here."""
    keys = {
        "EINMAL_HOST": "0.0.0.0",  # noqa: S104 - nobody listens here
        "EINMAL_RETELL_API_KEY": "key",
        "EINMAL_CALCOM_WEBHOOK_SECRET": "whsec",
        "EINMAL_API_KEYS": "website:book:kEy-of-the-website-0001",
    }
    async with world(tmp_path, **OPEN_PAGES, **keys) as here:
        for path, methods in everything(here):
            for method in methods - {"HEAD", "OPTIONS"}:
                answer = await request(whole(here), method, filled(path), b"{}", {"host": "gateway.test"})
                assert answer.status < 500, (method, path)
                if path not in OPEN:
                    assert answer.status in {303, 401, 403, 404}, (method, path, answer.status)


async def test_every_answer_says_its_type_is_meant(here: World) -> None:
    """nosniff stands on every answer, so that no JSON with a caller's name in it is read as a page."""
    for path, methods in everything(here):
        for method in methods & {"GET", "POST"}:
            if feeds(path) or path.startswith("/v2"):
                continue
            answer = await asked(here, method, path, b"{}")
            assert answer.headers.get("x-content-type-options") == "nosniff", (method, path)
