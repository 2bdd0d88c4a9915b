"""A client of Cal.com's API that nobody here wrote, from PyPI, with nothing changed but its base URL.

It is `calcom-mcp-for-customers`. It prints its API key when it is loaded, so it runs in a process of its own, and what
that prints before the answer is thrown away.
"""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any, Final

import pytest

from einmal.adapters.calcom.transport import MaybeSent, WireAnswer, WireRequest
from support.proxied import proxied

_ANSWER: Final = "---- the answer ----"

_PROGRAM: Final = f"""
import json, sys
import calcom_mcp_for_customers.server as client
url, until_booked, calls = json.loads(sys.argv[1])
client.CALCOM_API_BASE_URL = url + "/v2"
print({_ANSWER!r})
answers = []
for name, arguments in calls:
    answers.append(getattr(client, name)(**arguments))
    if until_booked and "error" not in answers[-1]:
        break
print(json.dumps(answers))
"""

BOOK: Final = (
    "create_booking",
    {
        "start_time": "2026-12-01T09:00:00Z",
        "attendee_name": "Jürgen Groß",
        "attendee_email": "juergen@gast.test",
        "attendee_timezone": "Europe/Berlin",
        "event_type_id": 101,
    },
)


async def calls(url: str, *asked: tuple[str, dict[str, Any]], until_booked: bool = False) -> list[Any]:
    """What the client's functions return, called one after the other in one process."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", _PROGRAM, json.dumps([url, until_booked, asked])),
        env={"PATH": os.environ["PATH"], "CALCOM_API_KEY": "cal_test"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    printed, complaints = await process.communicate()
    assert process.returncode == 0, complaints.decode()
    answers: list[Any] = json.loads(printed.decode().partition(_ANSWER)[2])
    return answers


async def test_it_books_once_however_often_its_model_asks(tmp_path: Path) -> None:
    """The second time it has the same booking; what it lists of event types and bookings comes from Cal.com."""
    async with proxied(tmp_path) as one:
        within = {"date_from": "2026-12-01T00:00:00Z", "date_to": "2026-12-02T00:00:00Z"}
        first, again, types, found = await calls(
            one.url, BOOK, BOOK, ("list_event_types", {}), ("get_bookings", within)
        )
        assert first["status"] == again["status"] == "success"
        assert first["data"]["uid"] == again["data"]["uid"]
        assert one.live == len(one.here.tap.posts) == 1
        assert [event_type["id"] for event_type in types] == [101, 102, 103]
        assert [booking["start"] for booking in found["bookings"]] == ["2026-12-01T09:00:00.000Z"]


@pytest.mark.parametrize("through", ["proxy", "straight"])
async def test_under_lost_answers_it_books_once(tmp_path: Path, through: str) -> None:
    """Its model tries again after an error, and then takes the next slot. Straight at Cal.com, the control, that is
    two bookings; through the proxy its first call has the answer already."""
    async with proxied(tmp_path, ordinary=True) as one:
        lost: list[WireAnswer] = []

        async def loses(request: WireRequest) -> WireAnswer:
            answer = await one.here.tap.inner.send(request)
            if not lost:
                lost.append(answer)
                raise MaybeSent("reset")
            return answer

        one.here.tap.on_post = loses
        later = (BOOK[0], BOOK[1] | {"start_time": "2026-12-01T09:30:00Z"})
        url = one.url if through == "proxy" else one.losing
        answers = await calls(url, BOOK, BOOK, later, until_booked=True)
        assert answers[-1]["status"] == "success"
        assert len(answers) == (1 if through == "proxy" else 3)
        assert one.live == (1 if through == "proxy" else 2)
        assert bool(lost) is (through == "proxy")
