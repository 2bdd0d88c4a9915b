"""The booking form over HTTP, without a browser: races, forgeries, and whose result is whose."""

import asyncio
import re
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

import pytest
from starlette.types import ASGIApp

from einmal.entrypoints.http.app import create_app
from einmal.entrypoints.web.app import build_site, page_routes
from einmal.entrypoints.web.booking_pace import VISITORS_MAX, Pace
from einmal.simulator.asgi import HttpAnswer, request
from support.composites import TYPES, configured
from support.world import World, world

OPEN = {"EINMAL_ADMIN_TOKEN": "right", "EINMAL_BOOKING_FORM": "true"}
TYPED = {"name": "Jürgen Groß", "service": "Beratung", "slot": "2026-11-25 10:00"}
FORM = {"content-type": "application/x-www-form-urlencoded"}


@dataclass
class Guest:
    """Somebody with a browser's cookie, and the form that they were shown."""

    app: ASGIApp
    cookie: str = ""
    form: dict[str, str] = field(default_factory=dict)

    async def get(self, path: str) -> HttpAnswer:
        answer = await request(self.app, "GET", path, headers={"cookie": self.cookie})
        if "set-cookie" in answer.headers:
            self.cookie = answer.headers["set-cookie"].partition(";")[0]
        return answer

    async def open(self) -> HttpAnswer:
        led = await self.get("/book")
        shown = await self.get(led.headers["location"])
        pairs = re.findall(r'name="(token|form)" value="([^"]+)"', shown.body.decode())
        self.form = dict(pairs)
        return shown

    async def post(self, fields: dict[str, str] | None = None, **headers: str) -> HttpAnswer:
        body = urlencode(self.form | TYPED if fields is None else fields).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await request(self.app, "POST", "/book", body, FORM | {"cookie": self.cookie} | named)


def app_of(here: World) -> ASGIApp:
    return create_app(here.gateway, page_routes(build_site(here.gateway)))


async def shown_form(here: World) -> Guest:
    guest = Guest(app_of(here))
    await guest.open()
    return guest


async def test_one_form_sent_three_times_at_once_is_one_booking(tmp_path: Path) -> None:
    """All three are led to the same page, and the calendar was asked once."""
    async with world(tmp_path, latency=0.05, **OPEN) as here:
        guest = await shown_form(here)
        answers = await asyncio.gather(*(guest.post() for _ in range(3)))
        where = {(answer.status, answer.headers["location"]) for answer in answers}
        assert where == {(303, f"/book/{guest.form['form']}")}
        assert len(here.tap.posts) == len(here.calendar.bookings) == 1
        assert here.calendar.bookings[0].metadata["call_id"] == guest.form["form"]


async def test_a_form_that_is_booked_books_nothing_else(tmp_path: Path) -> None:
    """Sent again with another time it leads to what stands, and says that nothing of it was changed."""
    async with world(tmp_path, **OPEN) as here:
        guest = await shown_form(here)
        await guest.post()
        other = await guest.post(guest.form | TYPED | {"slot": "2026-11-26 11:00"})
        assert other.headers["location"] == f"/book/{guest.form['form']}?other=1"
        assert "Geändert wurde daran nichts" in (await guest.get(other.headers["location"])).body.decode()
        assert len(here.calendar.bookings) == 1


@pytest.mark.parametrize("changed", [{"token": ""}, {"token": "f" * 64}, {"form": "form_" + "0" * 40}, {"form": ""}])
async def test_a_forged_form_books_nothing(tmp_path: Path, changed: dict[str, str]) -> None:
    """No token, another token, a form's name that nobody was given."""
    async with world(tmp_path, **OPEN) as here:
        guest = await shown_form(here)
        assert (await guest.post(guest.form | TYPED | changed)).status == 403
        assert here.tap.posts == []


@pytest.mark.parametrize(
    "headers", [{"origin": "https://elsewhere.test"}, {"sec_fetch_site": "cross-site"}, {"origin": "http://["}]
)
async def test_another_site_cannot_send_the_form(tmp_path: Path, headers: dict[str, str]) -> None:
    """Even with the token; the control is the same form from our own page."""
    async with world(tmp_path, **OPEN) as here:
        guest = await shown_form(here)
        assert (await guest.post(**headers)).status == 403
        assert here.tap.posts == []
        assert (await guest.post(origin="null", sec_fetch_site="same-origin")).status == 303


async def test_only_its_own_visitor_sees_the_result(tmp_path: Path) -> None:
    """It holds a name. Somebody else who has the address sees nothing, nor does the operator's part open to a guest."""
    async with world(tmp_path, **OPEN) as here:
        guest = await shown_form(here)
        where = (await guest.post()).headers["location"]
        assert "Jürgen Groß" in (await guest.get(where)).body.decode()
        for path in (where, f"{where}/standing"):
            stranger = await Guest(guest.app).get(path)
            assert stranger.status == 404
            assert "Jürgen" not in stranger.body.decode()
        assert (await guest.get(f"/calls/{guest.form['form']}")).status == 303


async def test_the_form_is_shut_where_nobody_opened_it(tmp_path: Path) -> None:
    """Off loopback, or behind a proxy on loopback: whoever is signed in may use it all the same."""
    async with world(tmp_path, EINMAL_ADMIN_TOKEN="right") as here:
        app = app_of(here)
        proxied = await request(app, "GET", "/book", headers={"x-forwarded-for": "192.0.2.1"})
        assert proxied.headers["location"] == "/sign-in?next=/book"
        assert (await request(app, "GET", "/book")).headers["location"].startswith("/book?form=")
        bearer = {"x-forwarded-for": "192.0.2.1", "authorization": "Bearer right"}
        assert (await request(app, "GET", "/book", headers=bearer)).headers["location"].startswith("/book?form=")


async def test_a_reader_books_nothing_where_the_form_is_shut(tmp_path: Path) -> None:
    """They change nothing; where everybody may book, so may they."""
    reader = {"authorization": "Bearer reads"}
    shut = {"EINMAL_ADMIN_TOKEN": "right", "EINMAL_READER_TOKEN": "reads", "EINMAL_BOOKING_FORM": "false"}
    async with world(tmp_path, **shut) as here:
        app = app_of(here)
        assert (await request(app, "GET", "/book", headers=reader)).status == 403
        assert (await request(app, "POST", "/book", b"", FORM | reader)).status == 403
        assert b'href="/book"' not in (await request(app, "GET", "/calls", headers=reader)).body
    async with world(tmp_path, **shut | {"EINMAL_BOOKING_FORM": "true"}) as here:
        app = app_of(here)
        assert (await request(app, "GET", "/book", headers=reader)).status == 303
        assert b'href="/book"' in (await request(app, "GET", "/calls", headers=reader)).body


async def test_whoever_books_is_led_back_to_the_form(tmp_path: Path) -> None:
    """Not to the desk, where a customer has no business."""
    async with world(tmp_path, **OPEN) as here:
        guest = await shown_form(here)
        refused = await guest.post(guest.form | TYPED | {"token": "forged"})
        assert refused.status == 403
        assert b'<p><a href="/book">' in refused.body


async def test_what_was_booked_is_in_journal_and_metrics(tmp_path: Path) -> None:
    """Under the form's own name, so that evidence has it as it has a phone call."""
    async with world(tmp_path, **OPEN) as here:
        guest = await shown_form(here)
        await guest.post()
        await here.gateway.worker.turn()
        (story,) = await here.gateway.stories.of_call(guest.form["form"])
        (called,) = story.functions
        assert (called.adapter, called.function, called.outcome) == ("form", "book", "booked")
        assert called.heard.endswith("ist gebucht.")
        assert b'adapter="form",function="book",outcome="booked"' in await here.gateway.scraped()


@pytest.mark.parametrize("word", ["beratung", "BERATUNG", "101"])
async def test_a_service_is_understood_by_any_of_its_names(tmp_path: Path, word: str) -> None:
    """As on the phone."""
    async with world(tmp_path, **OPEN) as here:
        guest = await shown_form(here)
        assert (await guest.post(guest.form | TYPED | {"service": word})).status == 303


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"name": " "}, "Bitte nennen Sie Ihren Namen."),
        ({"service": "Massage"}, "Diese Leistung gibt es hier nicht."),
        ({"slot": "morgen"}, "Bitte wählen Sie eine Zeit."),
        ({"slot": "2026-11-20 10:00"}, "Diese Zeit ist schon vorbei."),
        ({"email": "anna"}, "Das ist keine E-Mail-Adresse von Ihnen."),
        ({"email": "termin@salon.test"}, "Das ist keine E-Mail-Adresse von Ihnen."),
        ({"phone": "0"}, "Diese Nummer lässt sich nicht anrufen."),
    ],
)
async def test_what_is_odd_is_said_and_nothing_is_booked(tmp_path: Path, changed: dict[str, str], said: str) -> None:
    async with world(tmp_path, **OPEN) as here:
        guest = await shown_form(here)
        answer = await guest.post(guest.form | TYPED | changed)
        assert answer.status == 422
        assert said in answer.body.decode()
        assert here.tap.posts == []


async def test_who_sends_too_often_waits(tmp_path: Path) -> None:
    """The seventh within a minute; one of before is answered all the same."""
    async with world(tmp_path, **OPEN) as here:
        guest = await shown_form(here)
        first = guest.form
        for hour in range(8, 15):
            await guest.open()
            answer = await guest.post(guest.form | TYPED | {"slot": f"2026-11-25 {hour:02}:00"})
            first = guest.form if hour == 8 else first
        assert answer.status == 429
        assert len(here.calendar.bookings) == 6
        assert (await guest.post(first | TYPED | {"slot": "2026-11-25 08:00"})).status == 303


def test_one_visitor_has_a_pace_and_all_together_have_one() -> None:
    """What is used up comes back with time, and no more of it than at the beginning."""
    pace = Pace(of_one=2, of_all=3)
    assert [pace.allows("a", 0.0) for _ in range(3)] == [True, True, False]
    assert [pace.allows("b", 0.0) for _ in range(2)] == [True, False]
    assert pace.allows("a", 30.0)
    assert [pace.allows("c", 9000.0) for _ in range(3)] == [True, True, False]


def test_the_pace_remembers_so_many_visitors_and_no_more() -> None:
    pace = Pace(of_one=1, of_all=10**6)
    for number in range(VISITORS_MAX + 10):
        pace.allows(str(number), 0.0)
    assert len(pace._each) == VISITORS_MAX  # noqa: SLF001


HOUSES = """
[[tenants]]
id = "salon"
name = "Salon Mitte"
agents = ["agent_salon"]
house_email = "termin@salon.test"
calcom_api_key = { env = "SALON_CALCOM" }

[[tenants.services]]
id = "beratung"
name = "Beratung"
event_type_id = 101
duration_minutes = 30

[[tenants]]
id = "praxis"
name = "Praxis Nord"
agents = ["agent_praxis"]
house_email = "termin@praxis.test"
language = "en"
calcom_api_key = { env = "PRAXIS_CALCOM" }

[[tenants.services]]
id = "haarschnitt"
name = "Haarschnitt"
event_type_id = 102
duration_minutes = 45
"""


async def test_with_several_houses_one_is_chosen_and_speaks_its_language(tmp_path: Path) -> None:
    """A form is of one house: its name in the address says which, and nothing in the form can say another."""
    (tmp_path / "einmal.toml").write_text(HOUSES, "utf-8")
    keys = {"EINMAL_CONFIG": str(tmp_path / "einmal.toml"), "SALON_CALCOM": "cal_a", "PRAXIS_CALCOM": "cal_b"}
    async with world(tmp_path, **OPEN, **keys) as here:
        guest = Guest(app_of(here))
        chooser = (await guest.get("/book")).body.decode()
        assert 'href="/book?tenant=salon"' in chooser
        assert 'href="/book?tenant=praxis"' in chooser
        assert (await guest.get("/book?tenant=nobody")).status == 404
        led = await guest.get("/book?tenant=praxis")
        shown = (await guest.get(led.headers["location"])).body.decode()
        assert "Book an appointment" in shown
        fields = dict(re.findall(r'name="(token|form)" value="([^"]+)"', shown))
        sent = fields | TYPED | {"service": "Haarschnitt", "slot": "2026-11-25 09:30", "tenant": "salon"}
        where = (await guest.post(sent)).headers["location"]
        assert "is booked." in (await guest.get(where)).body.decode()
        assert here.rows("SELECT tenant_id, event_type_id FROM intents") == [("praxis", 102)]
        assert (await guest.post(sent | {"service": "Beratung"})).status == 422


async def test_a_composite_is_booked_as_one_appointment(tmp_path: Path) -> None:
    """All its segments, once, however often the form is sent; the page tells of the whole."""
    async with world(tmp_path, event_types=TYPES, **OPEN, **configured(tmp_path)) as here:
        guest = await shown_form(here)
        sent = guest.form | TYPED | {"service": "Färben"}
        answers = [await guest.post(sent) for _ in range(2)]
        shown = (await guest.get(answers[1].headers["location"])).body.decode()
        assert "Ihr Termin für Färben am Mittwoch, dem 25. November, um 10 Uhr ist gebucht." in shown
        assert len(here.calendar.bookings) == len(here.states()) > 1


@pytest.mark.parametrize("shares", [True, False], ids=["one-ledger", "control-two"])
async def test_a_form_works_through_any_process_on_its_ledger(tmp_path: Path, shares: bool) -> None:
    """Without a credential too: behind one address stand several, and each takes what another has shown."""
    other = tmp_path if shares else tmp_path / "other"
    other.mkdir(exist_ok=True)
    async with world(tmp_path, EINMAL_BOOKING_FORM="true") as one, world(other, EINMAL_BOOKING_FORM="true") as two:
        guest = await shown_form(one)
        guest.app = app_of(two)
        answer = await guest.post()
        assert answer.status == (303 if shares else 403)
        assert two.states() == (["confirmed"] if shares else [])
