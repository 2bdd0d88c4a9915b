"""The look-ups of a filled ledger one by one, and the judgement without any: medians in milliseconds, as JSON.

Runs on Einmal's own interpreter, through the ledger's port, so that it measures the statements that are in use.

    .venv/bin/python bench/lookups.py --url postgresql://… --rows 1000000
"""

import argparse
import asyncio
import json
import random
import statistics
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import uvloop
from seed import seed_hash, seed_id

from einmal.adapters.sql.ledger import PostgresLedger, SqliteLedger
from einmal.adapters.system import SystemIds
from einmal.domain.intent import Intent
from einmal.domain.model import Booking, BookingStatus, MetadataKey
from einmal.domain.verdict import Asked, GuardPolicy, Judgement, judge

TIMES = 500
TENANT = "default"


async def measured(where: str, rows: int) -> dict[str, float]:
    ids = SystemIds()
    ledger = PostgresLedger(where, ids) if where.startswith("postgresql") else SqliteLedger(Path(where), ids)
    ledger.open()
    stored = await ledger.stored(seed_id("intent", 1))
    if stored is None:
        raise SystemExit("the ledger was not filled by seed.py")
    intent = stored.intent
    asks: dict[str, Callable[[int], Awaitable[Any]]] = {
        "by intent id": lambda n: ledger.stored(seed_id("intent", n)),
        "by operation id": lambda n: ledger.by_operations(TENANT, (seed_hash("operation", n),)),
        "by booking uid (layer 3)": lambda n: ledger.known_booking(seed_hash("uid", n)[:22], intent),
        "by customer's name": lambda n: ledger.appointments_count(TENANT, f"Anna Groß {n}"),
    }
    medians = {}
    for name, ask in asks.items():
        chance, took = random.Random(1), []
        for _ in range(TIMES):
            number = chance.randint(2, rows)
            began = time.perf_counter()
            found = await ask(number)
            took.append(time.perf_counter() - began)
            if not found:
                raise SystemExit(f"{name}: booking {number} was not found")
        medians[name] = 1000 * statistics.median(took)
    ledger.close()
    return medians | {"layers 0-3 decided": 1000 * judging(intent)}


def judging(intent: Intent) -> float:
    """Seconds for one judgement."""
    at = intent.created_at
    metadata = {MetadataKey.OPERATION_ID.value: intent.operation_id}
    booking = Booking(
        uid="uid",
        status=BookingStatus.ACCEPTED,
        start=intent.wish.start,
        end=intent.wish.start + timedelta(minutes=30),
        event_type_id=intent.wish.service.event_type_id,
        created_at=at,
        metadata=metadata,
        attendee_emails=(intent.attendee_email,),
        attendee_name="Anna",
        host_name="Anna",
    )
    asked, policy = Asked(at, timedelta(milliseconds=200)), GuardPolicy()
    if judge(intent, booking, asked, None, policy).judgement is not Judgement.OURS_ACCEPTED:
        raise SystemExit("the judgement measured is not the usual one")
    foreign = replace(booking, metadata={}, created_at=at - timedelta(hours=1))
    began = time.perf_counter()
    for _ in range(5000):
        judge(intent, booking, asked, None, policy)
        judge(intent, foreign, asked, None, policy)
    return (time.perf_counter() - began) / 10_000


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--url", required=True, help="PostgreSQL's URL, or a SQLite file")
    parser.add_argument("--rows", type=int, required=True)
    options = parser.parse_args()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        print(json.dumps(runner.run(measured(options.url, options.rows))))
