"""How long a whole comparison takes, and how much memory: so many bookings at a calendar that answers at once.

Printed, never asserted. What the calendar would take is left out: with 120 requests a minute it is the budget that
counts, and that is printed as well.

    python bench/reconcile.py [--bookings 100000] [--ours 0.6]
"""

import argparse
import asyncio
import json
import logging
import resource
import sqlite3
import tempfile
import time
from bisect import bisect_left
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from einmal.adapters.calcom.transport import WireAnswer, WireRequest
from einmal.adapters.sql.migrate import upgrade
from einmal.adapters.sql.rows import INTENT_COLUMNS, instant_text, intent_values
from einmal.adapters.system import SystemIds
from einmal.adapters.telemetry.logs import configure_logs
from einmal.beside import build_reconciler
from einmal.domain.intent import Intent, State
from einmal.domain.keys import intent_key
from einmal.domain.model import Person, Service, Wish
from einmal.settings import Secret, read_settings

IDS = SystemIds()
NOW = datetime.now(UTC).replace(microsecond=0)
SERVICE = Service("beratung", "Beratung", 101, 30)
SECRET = b"x" * 32


class Shelf:
    """A calendar of sorted lists: pages by change and by start, and single bookings."""

    def __init__(self, rows: list[dict[str, Any]]) -> None:
        self.requests = 0
        self._by_uid = {row["uid"]: row for row in rows}
        self._sorted = {name: sorted(rows, key=lambda row: row[name]) for name in ("updatedAt", "start")}
        self._keys = {name: [row[name] for row in some] for name, some in self._sorted.items()}

    async def send(self, request: WireRequest) -> WireAnswer:
        self.requests += 1
        parts = urlsplit(request.target)
        if parts.path == "/v2/bookings":
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            name, since = ("updatedAt", "afterUpdatedAt") if "afterUpdatedAt" in query else ("start", "afterStart")
            first = bisect_left(self._keys[name], query[since]) + int(query["skip"])
            return _answer(self._sorted[name][first : first + int(query["take"])])
        found = self._by_uid.get(parts.path.rpartition("/")[2])
        return _answer(found) if found is not None else WireAnswer(404, {}, b"{}", 0.0)

    async def close(self) -> None:
        return


def _answer(data: Any) -> WireAnswer:
    return WireAnswer(200, {}, json.dumps({"status": "success", "data": data}).encode(), 0.0)


def _booking(number: int, operation: str | None) -> dict[str, Any]:
    start = NOW + timedelta(minutes=15 * number)
    at = instant_text(NOW - timedelta(days=90) + timedelta(seconds=number))
    return {
        "id": number,
        "uid": f"uid{number:019}",
        "status": "accepted",
        "start": instant_text(start),
        "end": instant_text(start + timedelta(minutes=30)),
        "eventTypeId": 101,
        "createdAt": at,
        "updatedAt": at,
        "hosts": [{"name": "Anna"}],
        "attendees": [{"name": f"Gast {number}", "email": f"gast{number}@gast.test"}],
        "metadata": {} if operation is None else {"einmal_op": operation},
        "description": "x" * 400,
    }


def _filled(path: Path, bookings: int, ours: float) -> list[dict[str, Any]]:
    """The ledger, and the calendar's rows. Of ours one in a thousand was cancelled there."""
    upgrade(path)
    rows, intents, appointments = [], [], []
    for number in range(bookings):
        is_ours = number % 100 < ours * 100
        operation = IDS.operation_id() if is_ours else None
        row = _booking(number, operation)
        if operation is not None:
            wish = Wish("default", f"call_{number}", SERVICE, datetime.fromisoformat(row["start"]), _person(number))
            key = intent_key(wish, SECRET)
            intent = Intent(IDS.time_ordered(), operation, key, 1, wish, "", State.CONFIRMED, 1, NOW, NOW, NOW, NOW)
            intents.append(intent_values(replace(intent, booking_uid=row["uid"])))
            made = (IDS.time_ordered(), "default", intent.intent_id, "c", "beratung", row["start"], row["end"])
            appointments.append((*made, "Anna", "confirmed", row["uid"], instant_text(NOW)))
            row["status"] = "cancelled" if number % 1000 == 7 else "accepted"
        rows.append(row)
    with closing(sqlite3.connect(path)) as ledger, ledger:
        at = instant_text(NOW)
        ledger.execute(
            "INSERT INTO tenants (tenant_id, name, hash_key, created_at) VALUES ('default', 'default', ?, ?)",
            (SECRET, at),
        )
        ledger.execute("INSERT INTO customers VALUES ('c', 'default', 'x', 'x', NULL, NULL, ?)", (at,))
        marks = ", ".join("?" * (INTENT_COLUMNS.count(",") + 1))
        ledger.executemany(f"INSERT INTO intents ({INTENT_COLUMNS}) VALUES ({marks})", intents)
        ledger.executemany(
            "INSERT INTO appointments (appointment_id, tenant_id, intent_id, customer_id, service_id, starts_at, "
            "ends_at, staff, status, calcom_v2_booking_id, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            appointments,
        )
    return rows


def _person(number: int) -> Person:
    return Person(f"Gast {number}", f"+49151{number:08}")


def _megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


async def _measured(path: Path, shelf: Shelf) -> None:
    environment = {"EINMAL_DATABASE_URL": f"sqlite:///{path}", "EINMAL_ATTENDEE_FALLBACK_EMAIL": "a@b.test"}
    settings = read_settings(environment | {"EINMAL_CALCOM_RATE_PER_MINUTE": "0"})
    settings = replace(settings, calcom_api_key=Secret("cal_bench"), services=(SERVICE,))
    made = await build_reconciler(settings, "default", shelf)
    before, began = _megabytes(), time.perf_counter()
    work = made.reconciliation
    run = await work.begin(NOW - timedelta(days=365))
    assert run is not None
    while run.ended_at is None:
        run, _ = await work.step(run)
    seconds = time.perf_counter() - began
    counts = run.counts
    await made.close()
    print(
        f"{counts.bookings} bookings, {counts.ours} of ours, {counts.rows} compared one by one, on {counts.pages} pages"
    )
    print(f"{counts.mended} of {sum(counts.found.values())} differences mended: {counts.found}")
    print(f"{seconds:.1f} s, {counts.bookings / seconds:.0f} bookings/s; {shelf.requests} requests to the calendar")
    print(f"memory {before:.0f} MB before, {_megabytes():.0f} MB at most")
    print(f"at 80 requests a minute (the refill of Cal.com's 120) the calendar takes {shelf.requests / 80:.0f} minutes")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bookings", type=int, default=100_000)
    parser.add_argument("--ours", type=float, default=0.6)
    arguments = parser.parse_args()
    configure_logs(level=logging.CRITICAL)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ledger.sqlite3"
        shelf = Shelf(_filled(path, arguments.bookings, arguments.ours))
        asyncio.run(_measured(path, shelf))


if __name__ == "__main__":
    main()
