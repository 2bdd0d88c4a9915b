"""What the guard costs: bookings a second of Einmal and of a gateway without intent or guard, in one process.

Both get the same function calls through ASGI and the same calendar, a stub that answers at once; both commit
to SQLite with fsync. Rounds alternate; the figures are medians with their range. Only the ratio means
something, and only within one run. `make bench`
"""

import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from einmal.adapters.calcom.transport import WireAnswer, WireRequest
from einmal.adapters.sql.migrate import upgrade
from einmal.adapters.sql.sqlite import SqliteThread
from einmal.domain.model import Service
from einmal.entrypoints.http.retell import CollectAppointment
from einmal.settings import Secret, read_settings
from einmal.wiring import build_gateway

ROUNDS = 5
BOOKINGS_A_ROUND = 400
CLIENTS = (1, 16, 64)

Book = Callable[[bytes], Awaitable[None]]


class StubTransport:
    """A calendar that is never the bottleneck: every POST is a new booking of whoever asked."""

    def __init__(self) -> None:
        self.posts = 0

    async def send(self, request: WireRequest) -> WireAnswer:
        self.posts += 1
        asked = json.loads(request.body)
        start = datetime.fromisoformat(asked["start"])
        data = {
            "uid": f"uid{self.posts}",
            "status": "accepted",
            "start": asked["start"],
            "end": (start + timedelta(minutes=30)).isoformat(),
            "eventTypeId": asked["eventTypeId"],
            "createdAt": datetime.now(UTC).isoformat(),
            "metadata": asked["metadata"],
            "attendees": [asked["attendee"]],
            "hosts": [{"name": "Anna"}],
        }
        return WireAnswer(201, {}, json.dumps({"status": "success", "data": data}).encode(), 0.0)

    async def close(self) -> None:
        return


class Naive:
    """What one writes without thinking of lost answers: POST, trust the success, insert, commit."""

    def __init__(self, path: Path, transport: StubTransport) -> None:
        self._transport = transport
        self._table = SqliteThread(path)
        self._table.open()

    async def book(self, body: bytes) -> None:
        call = json.loads(body)
        args = call["args"]
        post = {
            "start": f"{args['datum']}T{args['uhrzeit']}:00+01:00",
            "eventTypeId": 101,
            "attendee": {"name": args["name"], "email": "termin@salon.test", "timeZone": "Europe/Berlin"},
            "metadata": {"call_id": call["call"]["call_id"]},
        }
        answer = await self._transport.send(
            WireRequest("POST", "/v2/bookings", {}, json.dumps(post).encode(), 0.0, 0.0)
        )
        uid = json.loads(answer.body)["data"]["uid"]
        await self._table.run(lambda connection: connection.execute("INSERT INTO appointments VALUES (?)", (uid,)))
        json.dumps({"success": True, "message": "Ihr Termin ist gebucht."})

    async def create(self) -> None:
        await self._table.run(lambda connection: connection.execute("CREATE TABLE appointments (uid TEXT)"))


def bodies(count: int, first: int) -> list[bytes]:
    first_day = datetime.now(UTC) + timedelta(days=2)
    wishes = []
    for number in range(first, first + count):
        # Office hours only: a wish for an hour that the clocks skip would be a question, not a booking.
        day, slot = divmod(number, 20)
        at = (first_day + timedelta(days=day)).replace(hour=8 + slot // 2, minute=30 * (slot % 2))
        args = {
            "datum": at.strftime("%Y-%m-%d"),
            "uhrzeit": at.strftime("%H:%M"),
            "name": "Jürgen Groß",
            "telefon": f"+4930{1_000_000 + number}",
            "dienstleistung": "Beratung",
        }
        call = {"name": "collect_appointment", "call": {"call_id": f"call_{number:x}f"}, "args": args}
        wishes.append(json.dumps(call).encode())
    return wishes


async def measure(book: Book, wishes: list[bytes], clients: int) -> float:
    """Bookings a second with this many calls under way."""
    queue = iter(wishes)

    async def client() -> None:
        for body in queue:
            await book(body)

    began = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(clients)))
    return len(wishes) / (time.perf_counter() - began)


async def main() -> None:
    with tempfile.TemporaryDirectory(prefix="einmal-bench-") as name:
        folder = Path(name)
        upgrade(folder / "einmal.sqlite3")
        settings = read_settings(
            {"EINMAL_DATABASE_URL": f"sqlite:///{folder / 'einmal.sqlite3'}", "EINMAL_CALCOM_RATE_PER_MINUTE": "0"}
        )
        services = (Service("101", "Beratung", 101, 30),)
        stub = StubTransport()
        gateway = await build_gateway(replace(settings, calcom_api_key=Secret("x"), services=services), stub)
        endpoint = CollectAppointment(gateway)
        answers: list[bytes] = []
        naive = Naive(folder / "naive.sqlite3", StubTransport())
        await naive.create()

        async def guarded(body: bytes) -> None:
            answers.append(await endpoint.answer(body))

        number = 0
        print(f"{'clients':>8} {'einmal/s':>22} {'naive/s':>22} {'ratio':>7}")
        for clients in CLIENTS:
            rates: dict[str, list[float]] = {"einmal": [], "naive": []}
            for _ in range(ROUNDS):
                for which, book in (("einmal", guarded), ("naive", naive.book)):
                    wishes = bodies(BOOKINGS_A_ROUND, number)
                    number += BOOKINGS_A_ROUND
                    rates[which].append(await measure(book, wishes, clients))
            ours, theirs = statistics.median(rates["einmal"]), statistics.median(rates["naive"])
            shown = [f"{statistics.median(r):.0f} ({min(r):.0f}-{max(r):.0f})" for r in rates.values()]
            print(f"{clients:>8} {shown[0]:>22} {shown[1]:>22} {ours / theirs:>7.2f}")
        booked = sum(json.loads(answer)["status"] == "booked" for answer in answers)
        print(f"{booked} of {len(answers)} booked, {stub.posts} POSTs")
        await gateway.close()


if __name__ == "__main__":
    import logging

    logging.getLogger("einmal").setLevel(logging.CRITICAL)
    asyncio.run(main())
