"""Retention in a running gateway: whose appointment it was is forgotten by the worker, and everything else goes on."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from einmal.adapters.sql.sqlite import connect, scrubbed
from einmal.domain.facts import Alarm
from einmal.entrypoints.http.retell import function_call
from einmal.flows.retain import A_TIME, EVERY_SECONDS, SAID_FOR, Retention
from einmal.ports import LedgerUnavailable
from einmal.simulator.clock import SteppedClock
from support.changes import LATER, LINE, TEN, booked
from support.evidence import NOW
from support.world import World, world

DAY = timedelta(days=1)
PHONE, EMAIL = "+491701234567", "juergen@gast.test"


class Hands(SteppedClock):
    """Both its times pass together, when a test says so."""

    def monotonic(self) -> float:
        return self.now().timestamp()


@dataclass
class Books:
    """What was asked to be forgotten, and how much of it there is."""

    left: dict[str, list[int]]
    asked: list[tuple[str, timedelta, timedelta]] = field(default_factory=list)
    scrubbed: int = 0
    read: bool = False
    """Somebody has the file open, reading."""
    fails: bool = False

    async def forget(self, tenant: str, over: datetime, said: datetime, now: datetime, limit: int) -> int:
        assert limit == A_TIME
        if self.fails:
            raise LedgerUnavailable("no")
        self.asked.append((tenant, now - over, now - said))
        return self.left[tenant].pop(0) if self.left[tenant] else 0

    async def scrub(self) -> bool:
        self.scrubbed += 1
        return not self.read


def retention(books: Books, kept_for: timedelta | None, clock: Hands) -> Retention:
    async def tenants() -> Sequence[str]:
        return tuple(books.left)

    return Retention(books, tenants, clock, kept_for)  # type: ignore[arg-type]


async def test_one_tenant_after_the_other_a_little_at_a_time() -> None:
    """Who has more than fits into one turn is asked again; then it rests; files are scrubbed once, and if at all."""
    books, clock = Books({"a": [A_TIME, 3], "b": []}), Hands(NOW)
    one = retention(books, 30 * DAY, clock)
    assert [await one.turn() for _ in range(5)] == [A_TIME, 3, 0, 0, 0]
    assert [tenant for tenant, _, _ in books.asked] == ["a", "a", "b"]
    assert books.scrubbed == 1
    clock.pass_time(timedelta(seconds=EVERY_SECONDS))
    assert [await one.turn() for _ in range(3)] == [0, 0, 0]
    assert [tenant for tenant, _, _ in books.asked[3:]] == ["a", "b"]
    assert books.scrubbed == 1


async def test_files_that_somebody_reads_are_scrubbed_the_next_time() -> None:
    """Also if there is nothing more to be forgotten by then."""
    books, clock = Books({"a": [1]}, read=True), Hands(NOW)
    one = retention(books, 30 * DAY, clock)
    for count in (1, 2, 3):
        await one.turn()
        assert books.scrubbed == min(count, 2)
        books.read = False
        clock.pass_time(timedelta(seconds=EVERY_SECONDS))


@pytest.mark.parametrize(("kept", "said"), [(30 * DAY, SAID_FOR), (5 * DAY, 5 * DAY)])
async def test_what_was_said_is_kept_no_longer_than_whose_it_was(kept: timedelta, said: timedelta) -> None:
    books = Books({"a": []})
    await retention(books, kept, Hands(NOW)).turn()
    assert books.asked == [("a", kept, said)]


async def test_for_ever_is_for_ever() -> None:
    books = Books({"a": [5]})
    assert await retention(books, None, Hands(NOW)).turn() == 0
    assert books.asked == []


async def test_where_the_ledger_fails_the_same_tenant_is_tried_again() -> None:
    books, clock = Books({"a": [1]}, fails=True), Hands(NOW)
    one = retention(books, 30 * DAY, clock)
    for _ in range(2):
        with pytest.raises(LedgerUnavailable):
            await one.turn()
    books.fails = False
    assert await one.turn() == 1


async def forget(salon: World, at: datetime = TEN + 31 * DAY) -> None:
    """It is that late, and the worker has had its turns."""
    salon.clock.pass_time(at - salon.clock.now())
    for _ in range(3):
        await salon.gateway.worker.turn()


def person(salon: World) -> list[tuple[str | None, ...]]:
    return salon.rows("SELECT person_name, person_phone, person_email FROM intents ORDER BY intent_id")


async def test_until_a_month_after_the_slot_it_is_known(salon: World) -> None:
    await booked(salon, email=EMAIL)
    await forget(salon, TEN + 30 * DAY)
    assert person(salon) == [("Jürgen Groß", PHONE, EMAIL)]


async def test_the_worker_forgets_by_itself(salon: World) -> None:
    """Nothing of it stands in the files any more, where nobody holds them open."""
    await booked(salon, email=EMAIL)
    await forget(salon)
    assert person(salon) == [(None, None, None)]
    assert salon.states() == ["confirmed"]
    assert not [fact for fact in salon.observer.facts if isinstance(fact, Alarm) and "retention" in fact.what]
    scrubbed(salon.path)
    read = b"".join(file.read_bytes() for file in salon.path.parent.glob(f"{salon.path.name}*"))
    assert PHONE.encode() not in read
    assert EMAIL.encode() not in read


@pytest.mark.parametrize(("days", "left"), [("3", None), ("0", "Jürgen Groß")])
async def test_how_long_is_a_setting(tmp_path: Path, days: str, left: str | None) -> None:
    async with world(tmp_path, EINMAL_RETENTION_DAYS=days) as salon:
        await booked(salon)
        await forget(salon, TEN + 4 * DAY)
        assert person(salon)[0][0] == left


async def test_the_same_person_books_again_as_ever(salon: World) -> None:
    """Afterwards they are somebody new, and their old appointment is not told to them."""
    await booked(salon)
    await forget(salon)
    day = (salon.clock.now() + 7 * DAY).date().isoformat()
    again = await salon.ask(
        "book_appointment", LATER, datum=day, uhrzeit="11:00", name="Jürgen Groß", dienstleistung="Beratung"
    )
    assert again["status"] == "booked", again
    assert [row[0] for row in person(salon)] == [None, "Jürgen Groß"]
    assert len(salon.rows("SELECT * FROM customers")) == 2


async def test_an_old_appointment_that_staff_put_later_is_still_theirs(salon: World) -> None:
    """Moved at the calendar a month afterwards: nobody's name comes back, and the phone is found under the new time."""
    await booked(salon)
    [(uid, before)] = salon.rows("SELECT booking_uid, phone_hash FROM intents")
    await forget(salon)
    start = salon.clock.now().replace(minute=0, second=0, microsecond=0) + 8 * DAY
    salon.calendar.reschedule(uid, start, by_owner=True)
    observation = salon.gateway.tenancies.sole.behind.observation
    assert observation is not None
    await observation.look(uid)
    assert salon.states() == ["moved", "confirmed"]
    assert person(salon)[1] == ("", None, None)
    assert salon.rows("SELECT phone_hash FROM intents WHERE moved_from IS NOT NULL") == [(before,)]


async def test_a_late_webhook_brings_nobody_back(salon: World) -> None:
    """Its body names the guest; what is kept of it does not."""
    await booked(salon, email=EMAIL)
    [(uid,)] = salon.rows("SELECT booking_uid FROM intents")
    await forget(salon)
    behind = salon.gateway.tenancies.sole.behind
    assert behind.observation is not None
    await behind.observation.look(uid)
    assert person(salon) == [(None, None, None)]
    with connect(salon.path) as ledger:
        kept = json.dumps(ledger.execute("SELECT * FROM appointments").fetchall())
    assert "Groß" not in kept


async def test_no_transcript_is_kept(salon: World) -> None:
    """What a platform sends of the talk, with each function call, stands nowhere in the ledger; the control does."""
    said = "Mein Kanarienvogel hat heute Geburtstag"
    body = {
        "name": "book_appointment",
        "args": {"datum": "2026-12-01", "uhrzeit": "10:00", "name": "Jürgen Groß", "dienstleistung": "Beratung"},
        "call": {**LINE, "transcript": said, "transcript_object": [{"role": "user", "content": said}]},
    }
    answer = json.loads(await function_call(salon.gateway).answer(json.dumps(body).encode()))
    assert answer["status"] == "booked"
    await salon.gateway.worker.turn()
    held = b"".join(file.read_bytes() for file in salon.path.parent.glob(f"{salon.path.name}*"))
    assert "Jürgen Groß".encode() in held
    assert b"Kanarienvogel" not in held


async def test_an_empty_ledger_is_left_alone(salon: World) -> None:
    salon.clock.pass_time(99 * DAY)
    assert await salon.gateway.worker.retention.turn() == 0  # type: ignore[union-attr]
    assert LINE["from_number"] == PHONE
