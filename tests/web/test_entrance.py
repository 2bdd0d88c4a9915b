"""Who comes in, by cookie, token or password; everything else opens nothing."""

from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlencode

import pytest
from argon2 import PasswordHasher
from starlette.types import ASGIApp

from einmal.edge.guesses import OF_ALL, OF_ONE, WITHIN_SECONDS
from einmal.entrypoints.http.app import create_app
from einmal.entrypoints.web.app import build_site, page_routes
from einmal.entrypoints.web.session import COOKIE, LASTS, Role, Sessions
from einmal.simulator.asgi import HttpAnswer, request
from support.world import World, world

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
HASH = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash("a long sentence")
SHUT = {"EINMAL_HOST": "0.0.0.0", "EINMAL_ADMIN_TOKEN": "right", "EINMAL_READER_TOKEN": "reads"}  # noqa: S104
FORM = {"content-type": "application/x-www-form-urlencoded"}


def app_of(here: World) -> ASGIApp:
    return create_app(here.gateway, page_routes(build_site(here.gateway)))


async def sign_in(app: ASGIApp, secret: str, path: str = "/", **headers: str) -> HttpAnswer:
    body = urlencode({"secret": secret, "next": path}).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await request(app, "POST", "/sign-in", body, FORM | named)


async def desk(app: ASGIApp, cookie: str) -> int:
    return (await request(app, "GET", "/calls", headers={"cookie": cookie})).status


def kept(answer: HttpAnswer) -> str:
    return answer.headers["set-cookie"].partition(";")[0]


@pytest.mark.parametrize("role", Role)
def test_a_session_is_read_as_it_was_made(role: Role) -> None:
    sessions = Sessions(("right",))
    session = sessions.begin(role, NOW)
    assert sessions.read(sessions.cookie(session), NOW) == session
    assert sessions.read(sessions.cookie(session), NOW + LASTS) is None


@pytest.mark.parametrize("cookie", [None, "", ".", "x", "x.y", "ü.ü", "{}." + "0" * 64])
def test_what_we_did_not_make_is_no_session(cookie: str | None) -> None:
    assert Sessions(("right",)).read(cookie, NOW) is None


def test_an_altered_or_foreign_cookie_is_no_session() -> None:
    """One letter of either half; another gateway's; this one's under a token of before."""
    sessions = Sessions(("right",))
    cookie = sessions.cookie(sessions.begin(Role.READER, NOW))
    body, _, seal = cookie.partition(".")
    flipped = ("A" if body[5] != "A" else "B", "0" if seal[5] != "0" else "1")
    assert sessions.read(f"{body[:5]}{flipped[0]}{body[6:]}.{seal}", NOW) is None
    assert sessions.read(f"{body}.{seal[:5]}{flipped[1]}{seal[6:]}", NOW) is None
    assert Sessions(("another",)).read(cookie, NOW) is None
    assert Sessions(()).read(cookie, NOW) is None


def test_a_form_belongs_to_its_session_and_to_what_it_is_for() -> None:
    sessions = Sessions(("right",))
    mine, theirs = sessions.begin(Role.GUEST, NOW), sessions.begin(Role.GUEST, NOW)
    form_id = sessions.form_id(mine, "salon")
    assert sessions.is_form_id(mine, "salon", form_id)
    assert not sessions.is_form_id(theirs, "salon", form_id)
    assert not sessions.is_form_id(mine, "praxis", form_id)
    assert not sessions.is_form_id(mine, "salon", form_id.removeprefix("form_"))
    assert not sessions.is_form_id(mine, "salon", form_id[:-1])
    assert sessions.form_id(mine, "salon") != form_id


async def test_a_guests_cookie_opens_nothing(tmp_path: Path) -> None:
    """Under either name, and an operator's under a guest's name opens nothing but the form."""
    async with world(tmp_path, EINMAL_BOOKING_FORM="true", **SHUT) as here:
        app = app_of(here)
        guest = kept(await request(app, "GET", "/book"))
        assert guest.startswith("__Host-einmal-guest=")
        assert await desk(app, guest) == 303
        assert await desk(app, guest.replace("__Host-einmal-guest", COOKIE)) == 303
        operator = kept(await sign_in(app, "right"))
        assert await desk(app, operator) == 200
        as_guest = operator.replace(COOKIE, "__Host-einmal-guest")
        assert await desk(app, as_guest) == 303
        shown = await request(app, "GET", "/book", headers={"cookie": as_guest})
        assert kept(shown).startswith("__Host-einmal-guest=")


async def test_signing_in_leads_to_the_very_page(tmp_path: Path) -> None:
    """With what was asked of it; and the other language is another language of the same page."""
    async with world(tmp_path, **SHUT) as here:
        app = app_of(here)
        answer = await request(app, "GET", "/export/appointments.csv?from=2026-12-01&to=2026-12-07")
        to = answer.headers["location"]
        assert to == "/sign-in?next=/export/appointments.csv%3Ffrom%3D2026-12-01%26to%3D2026-12-07"
        shown = await request(app, "GET", to)
        assert b'value="/export/appointments.csv?from=2026-12-01&amp;to=2026-12-07"' in shown.body
        other = b'href="/sign-in?next=%2Fexport%2Fappointments.csv%3Ffrom%3D2026-12-01%26to%3D2026-12-07&amp;lang=en"'
        assert other in shown.body
        assert (await request(app, "GET", "/calls/a&b")).headers["location"] == "/sign-in?next=/calls/a%26b"


async def test_a_session_ends_and_a_new_token_ends_them_all(tmp_path: Path) -> None:
    async with world(tmp_path, **SHUT) as here:
        app = app_of(here)
        cookie = kept(await sign_in(app, "right"))
        assert await desk(app, cookie) == 200
        here.clock.pass_time(LASTS)
        assert await desk(app, cookie) == 303
    async with world(tmp_path, **SHUT | {"EINMAL_READER_TOKEN": "new"}) as here:
        assert await desk(app_of(here), cookie) == 303


async def test_a_password_signs_in_by_its_hash(tmp_path: Path) -> None:
    async with world(tmp_path, **SHUT | {"EINMAL_OPERATOR_PASSWORD": HASH}) as here:
        app = app_of(here)
        assert (await sign_in(app, "a long sentence")).status == 303
        assert (await sign_in(app, "another sentence")).status == 401
        assert (await sign_in(app, HASH)).status == 401


async def test_after_ten_wrong_tries_that_visitor_waits_and_nobody_else(tmp_path: Path) -> None:
    """Also with the right one by then; success uses no try up. Somebody at another address signs in meanwhile."""
    async with world(tmp_path, **SHUT) as here:
        app = app_of(here)
        theirs, ours = {"x-forwarded-for": "198.51.100.7"}, {"x-forwarded-for": "198.51.100.8"}
        for _ in range(OF_ONE + 2):
            assert (await sign_in(app, "right", **ours)).status == 303
        for _ in range(OF_ONE):
            assert (await sign_in(app, "wrong", **theirs)).status == 401
        waits = await sign_in(app, "right", **theirs)
        assert waits.status == 429
        assert 0 < int(waits.headers["retry-after"]) <= WITHIN_SECONDS
        assert (await sign_in(app, "right", **ours)).status == 303


async def test_strangers_of_many_addresses_lock_nobody_out_who_signed_in_here_before(tmp_path: Path) -> None:
    """All together have so many tries; a browser that was signed in before has its own, at whatever address."""
    async with world(tmp_path, **SHUT) as here:
        app = app_of(here)
        before = await sign_in(app, "right", x_forwarded_for="198.51.100.1")
        browser = next(one for one in before.every("set-cookie") if "einmal-browser" in one).partition(";")[0]
        for number in range(OF_ALL):
            assert (await sign_in(app, "wrong", x_forwarded_for=f"203.0.113.{number}")).status == 401
        assert (await sign_in(app, "right", x_forwarded_for="198.51.100.9")).status == 429
        assert (await sign_in(app, "right", x_forwarded_for="198.51.100.9", cookie=browser)).status == 303
        forged = f"{browser[:-1]}{'0' if browser[-1] != '0' else '1'}"
        assert (await sign_in(app, "right", x_forwarded_for="198.51.100.9", cookie=forged)).status == 429


@pytest.mark.parametrize(
    ("path", "goes"),
    [
        ("/calls?before=2", "/calls?before=2"),
        ("//elsewhere.test", "/"),
        ("/\\elsewhere.test", "/"),
        ("https://elsewhere.test", "/"),
        ("/\t/elsewhere.test", "/"),
        ("", "/"),
    ],
)
async def test_signing_in_leads_to_a_page_of_ours(tmp_path: Path, path: str, goes: str) -> None:
    async with world(tmp_path, **SHUT) as here:
        assert (await sign_in(app_of(here), "right", path)).headers["location"] == goes


async def test_another_site_signs_nobody_in(tmp_path: Path) -> None:
    """And does not use up the tries."""
    async with world(tmp_path, **SHUT) as here:
        app = app_of(here)
        for _ in range(OF_ONE + 1):
            assert (await sign_in(app, "wrong", sec_fetch_site="cross-site")).status == 403
        assert (await sign_in(app, "right", sec_fetch_site="same-origin", origin="null")).status == 303


async def test_a_reader_reads_and_does_nothing(tmp_path: Path) -> None:
    """Somebody with the reader's token and their own form token is refused; who signed in is in the audit log."""
    async with world(tmp_path, **SHUT) as here:
        app = app_of(here)
        cookie = kept(await sign_in(app, "reads"))
        shown = await request(app, "GET", "/calls", headers={"cookie": cookie})
        assert shown.status == 200
        token = shown.body.decode().partition('name="token" value="')[2].partition('"')[0]
        body = urlencode({"token": token}).encode()
        refused = await request(app, "POST", "/calls/call_1", body, FORM | {"cookie": cookie})
        assert refused.status == 403
        assert "Lesen ja, Ändern nein" in refused.body.decode()
        await sign_in(app, "wrong")
        told = [row[0] for row in here.rows("SELECT event_type FROM system_audit_log ORDER BY 1")]
        assert told == ["sign_in_failed", "signed_in_reader"]
