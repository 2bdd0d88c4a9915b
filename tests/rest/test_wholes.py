"""An appointment of several parts is one booking to a program; and what programs ask is seen by metrics and journal."""

from datetime import timedelta
from pathlib import Path

import pytest

from support.rest import ASKED, program

HOUSE = """
[[services]]
id = "faerben"
name = "Färben"
[[services.segments]]
event_type_id = 101
duration_minutes = 30
[[services.segments]]
event_type_id = 102
duration_minutes = 45
gap_minutes = 30
"""
DYED = ASKED | {"service": "faerben"}


@pytest.fixture
def house(tmp_path: Path) -> str:
    file = tmp_path / "salon.toml"
    file.write_text(HOUSE, "utf-8")
    return str(file)


async def test_it_is_booked_listed_and_cancelled_as_one(tmp_path: Path, house: str) -> None:
    async with program(tmp_path, EINMAL_CONFIG=house) as one:
        made, again = await one.book(DYED), await one.book(DYED)
        assert (made.status, again.status) == (201, 200)
        assert (made.body["start"], made.body["end"]) == ("2026-12-01T10:00:00+01:00", "2026-12-01T11:45:00+01:00")
        assert made.body["ref"] == again.body["ref"]
        assert one.live == 2
        (listed,) = (await one.get("/bookings")).body["bookings"]
        read = await one.get(f"/bookings/{made.body['ref']}")
        shown = {name: value for name, value in made.body.items() if name != "message"}
        assert listed == read.body == shown
        moved = await one.post(f"/bookings/{made.body['ref']}/move", {"start": "2026-12-02T10:00:00+01:00"})
        assert (moved.status, moved.type) == (422, "rejected")
        told = await one.post(f"/bookings/{made.body['ref']}/cancel", {})
        assert (told.status, told.body["status"]) == (200, "cancelled")
        assert one.live == 0
        assert (await one.get("/bookings")).body["bookings"] == []


async def test_cancelled_since_it_is_not_booked_by_a_late_repeat(tmp_path: Path, house: str) -> None:
    """The answer was never kept. The whole is told as what it is, and none of its parts is booked anew."""
    async with program(tmp_path, EINMAL_CONFIG=house) as one:
        made = await one.book(DYED, "k1")
        await one.post(f"/bookings/{made.body['ref']}/cancel", {})
        one.here.clock.pass_time(timedelta(minutes=5))
        one.here.rows("UPDATE idempotency_keys SET status = NULL, answer = NULL RETURNING key_hash")
        told = await one.book(DYED, "k1")
        assert (told.status, told.type, told.body["booking"]["status"]) == (409, "not-standing", "cancelled")
        assert one.live == 0
        assert (await one.book(DYED, "k2")).status == 201
        assert one.live == 2


async def test_it_is_offered_where_all_of_it_is_free_and_not_held(tmp_path: Path, house: str) -> None:
    async with program(tmp_path, EINMAL_CONFIG=house) as one:
        free = await one.get("/availability?service=faerben&from=2026-12-01T00:00:00Z&to=2026-12-02T00:00:00Z")
        assert free.body["slots"]
        hold = {"service": "faerben", "start": free.body["slots"][0]["start"], "conversation_id": "chat-7"}
        told = await one.post("/holds", hold)
        assert (told.status, told.type) == (422, "not-held")


async def test_what_is_asked_is_counted_and_what_changes_something_is_noted(tmp_path: Path) -> None:
    """In words that the metrics know; the sentence that was told is in the journal, with the conversation."""
    async with program(tmp_path) as one:
        ref = (await one.book(ASKED | {"conversation_id": "chat-7"}, "k1")).body["ref"]
        await one.book(ASKED | {"conversation_id": "chat-7"}, "k1")
        await one.get(f"/bookings/{ref}")
        await one.post(f"/bookings/{ref}/cancel", {})
        await one.ask("POST", "/bookings", ASKED)
        await one.here.gateway.worker.turn()
        text = (await one.here.gateway.scraped()).decode()
        for function, outcome in (("book", "booked"), ("book", "replayed"), ("cancel", "cancelled")):
            labels = f'adapter="rest",function="{function}",outcome="{outcome}"'
            assert f"einmal_function_seconds_count{{{labels}}} 1.0" in text
        assert 'function_calls_refused_total{adapter="rest",error="idempotency-key-missing"} 1.0' in text
        noted = one.here.rows("SELECT function, outcome, conversation_id FROM function_calls ORDER BY served_id")
        assert noted == [("book", "booked", "chat-7"), ("cancel", "cancelled", None)]
