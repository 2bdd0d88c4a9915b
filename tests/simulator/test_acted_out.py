"""Faults over a real socket, and the control API: what a client of the running simulator meets."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime

import aiohttp
import pytest
import uvicorn
import uvloop

from einmal.simulator.app import simulator_app
from einmal.simulator.calendar import SimulatedCalendar
from einmal.simulator.catalogue import random_uid, recorded_event_types
from einmal.simulator.control import control
from einmal.simulator.faults import Fault, FaultPlan, FaultRule, PlanMistake
from einmal.simulator.faulty import FaultyCalcom
from einmal.simulator.wire import SimulatedCalcom

HEADERS = {"cal-api-version": "2024-08-13", "content-type": "application/json"}
TIMEOUT = aiohttp.ClientTimeout(total=5)
BODY = {
    "start": "2050-11-28T00:30:00Z",
    "eventTypeId": 3,
    "attendee": {"name": "Ann", "email": "ann@guest.example.test", "timeZone": "UTC"},
}


def a_calcom() -> SimulatedCalcom:
    def now() -> datetime:
        return datetime.now(UTC)

    calendar = SimulatedCalendar(recorded_event_types(), now=now, new_uid=random_uid)
    return SimulatedCalcom(calendar, api_keys=None, now=now)


def a_faulty_calcom(plan: str = "") -> FaultyCalcom:
    return FaultyCalcom(a_calcom(), FaultPlan.from_toml(plan))


class QuietServer(uvicorn.Server):
    """Leaves the test run's signals alone."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def served(calcom: FaultyCalcom, http: str = "httptools") -> AsyncIterator[aiohttp.ClientSession]:
    """The simulator behind uvicorn on a free port, and a client for it."""
    config = uvicorn.Config(
        simulator_app(calcom), port=0, http=http, log_config=None, lifespan="off", date_header=False
    )
    server = QuietServer(config)
    task = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.005)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}", headers=HEADERS, timeout=TIMEOUT) as client:
            yield client
    finally:
        server.should_exit = True
        await task


@pytest.mark.parametrize("http", ["httptools", "h11"])
@pytest.mark.parametrize(("fault", "rows"), [("lost_request", 0), ("lost_answer", 1)])
async def test_a_dropped_connection_shows_no_status(http: str, fault: str, rows: int) -> None:
    """The client gets a disconnect, not a 500, and whether a row is there it cannot know."""
    calcom = a_faulty_calcom(f'[[rule]]\nfault = "{fault}"\nnth = 1')
    async with served(calcom, http) as client:
        with pytest.raises((aiohttp.ServerDisconnectedError, aiohttp.ClientOSError)):
            await client.post("/v2/bookings", json=BODY)
        assert len(calcom.calendar.bookings) == rows
        async with client.post("/v2/bookings", json=BODY) as answer:
            assert answer.status == 201


def test_a_dropped_connection_on_uvloop_too() -> None:
    """The loop that `einmal simulator` runs on has transports of its own."""

    async def run() -> None:
        async with served(a_faulty_calcom('[[rule]]\nfault = "lost_answer"')) as client:
            with pytest.raises((aiohttp.ServerDisconnectedError, aiohttp.ClientOSError)):
                await client.post("/v2/bookings", json=BODY)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run())


async def test_a_server_cannot_refuse_the_connection_that_it_has() -> None:
    """Such a plan is refused at the start; slipped in later, it ends in a disconnect and nothing is done."""
    refused = FaultPlan((FaultRule(Fault.REFUSED_CONNECTION),))
    with pytest.raises(PlanMistake, match="refused_connection works in process only"):
        simulator_app(FaultyCalcom(a_calcom(), refused))
    with pytest.raises(PlanMistake, match="refused_connection works in process only"):
        simulator_app(a_calcom(), faults=refused)
    calcom = a_faulty_calcom()
    async with served(calcom) as client:
        calcom.follow(refused)
        with pytest.raises((aiohttp.ServerDisconnectedError, aiohttp.ClientOSError)):
            await client.post("/v2/bookings", json=BODY)
    assert calcom.calendar.bookings == ()


async def test_a_late_commit_needs_no_further_request() -> None:
    """The row appears by itself."""
    calcom = a_faulty_calcom('[[rule]]\nfault = "late_commit"\nstatus = 504\ncommit_after_seconds = 0.05')
    async with served(calcom) as client:
        async with client.post("/v2/bookings", json=BODY) as answer:
            assert answer.status == 504
        assert calcom.calendar.bookings == ()
        await asyncio.sleep(0.15)
        assert len(calcom.calendar.bookings) == 1


async def test_a_slow_body_comes_after_its_head() -> None:
    """A client that times the head only believes it has an answer."""
    calcom = a_faulty_calcom('[[rule]]\nfault = "slow_body"\nbody_delay_seconds = 0.2\n[[rule]]\nfault="missing_date"')
    async with served(calcom) as client:
        began = time.monotonic()
        async with client.post("/v2/bookings", json=BODY) as answer:
            head_after = time.monotonic() - began
            body = await answer.json()
            assert time.monotonic() - began >= 0.2 > head_after
            assert (answer.status, body["status"], "Date" in answer.headers) == (201, "success", False)


async def test_the_control_api_over_a_socket() -> None:
    """Look, press, change the plan, reset."""
    calcom = a_faulty_calcom()
    async with served(calcom) as client:
        async with client.post("/v2/bookings", json=BODY) as answer:
            uid = (await answer.json())["data"]["uid"]
        async with client.post(f"/control/accept/{uid}") as answer:
            assert (await answer.json())["booking"]["status"] == "accepted"
        async with client.get("/control/bookings") as answer:
            assert [booking["uid"] for booking in (await answer.json())["bookings"]] == [uid]
        async with client.post("/control/faults", data='seed = 3\n[[rule]]\nfault = "throttled"') as answer:
            assert await answer.json() == {"rules": 1, "seed": 3}
        async with client.get(f"/v2/bookings/{uid}") as answer:
            assert answer.status == 429
        async with client.delete("/control/faults") as answer:
            assert await answer.json() == {"rules": 0, "seed": 0}
        async with client.get(f"/v2/bookings/{uid}") as answer:
            assert answer.status == 200
        async with client.post("/control/reset") as answer:
            assert answer.status == 200
        assert calcom.calendar.bookings == ()


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "says"),
    [
        ("POST", "/control/faults", b'[[rule]]\nfault = "x"', 400, "rule 1: there is no fault 'x'"),
        ("POST", "/control/faults", b"\xff", 400, "the plan is not UTF-8"),
        ("POST", "/control/faults", b'[[rule]]\nfault = "refused_connection"', 400, "works in process only"),
        ("POST", "/control/accept/nobody", b"", 404, "unknown booking"),
        ("POST", "/control/cancel/nobody", b"", 404, "unknown booking"),
        ("GET", "/control", b"", 404, "no such control: GET /control"),
        ("PUT", "/control/bookings", b"", 404, "no such control"),
    ],
)
def test_the_control_api_says_what_was_wrong(method: str, path: str, body: bytes, status: int, says: str) -> None:
    """Nothing changes then."""
    answer = control(a_faulty_calcom(), method, path, body, "127.0.0.1")
    assert answer.status == status
    assert says in json.loads(answer.body)["error"]


@pytest.mark.parametrize(
    ("client", "status"),
    [("127.0.0.1", 200), ("::1", 200), (None, 200), ("192.0.2.7", 403), ("testclient", 403)],
)
def test_the_control_api_answers_to_this_machine_only(client: str | None, status: int) -> None:
    """Whatever the simulator may be listening on."""
    assert control(a_faulty_calcom(), "GET", "/control/bookings", b"", client).status == status


def test_a_pressed_button_can_be_refused() -> None:
    """As in Cal.com's pages: a confirmed booking cannot be declined."""
    calcom = a_faulty_calcom()
    calcom.handle("POST", "/v2/bookings", HEADERS, json.dumps(BODY).encode())
    (booking,) = calcom.calendar.bookings
    pressed = [
        control(calcom, "POST", f"/control/{button}/{booking.uid}", b"", None).status
        for button in ("accept", "decline", "cancel", "cancel")
    ]
    assert pressed == [200, 409, 200, 409]
