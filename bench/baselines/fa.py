"""FA: the same promise as Einmal's at its smallest, on comfortable libraries. FastAPI, asyncpg's pool, aiohttp.

The intent is committed before the POST, the outcome after it: two durable commits a booking. Nobody judges, nobody
recovers.
"""

import hashlib
import os
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import asyncpg
from baselines.shop import HEADERS, SAID, booking_request, start_of
from fastapi import FastAPI, Request

INTENT = """
    INSERT INTO intents (intent_id, intent_key, call_id, name, phone, starts_at, state, deadline)
    VALUES ($1, $2, $3, $4, $5, $6, 'sent', $7) ON CONFLICT (intent_key) DO NOTHING RETURNING intent_id"""
MOVE = "UPDATE intents SET state = 'confirmed', booking_uid = $2 WHERE intent_id = $1 AND state = 'sent'"
APPOINTMENT = """
    INSERT INTO appointments (booking_uid, call_id, name, phone, starts_at) VALUES ($1, $2, $3, $4, $5)"""


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with (
        asyncpg.create_pool(os.environ["DATABASE_URL"], min_size=16, max_size=16) as app.state.pool,
        aiohttp.ClientSession(os.environ["CALENDAR_URL"], headers=HEADERS) as app.state.calendar,
    ):
        yield


app = FastAPI(lifespan=lifespan)


@app.post("/api/retell/collect-appointment")
async def collect_appointment(request: Request) -> dict[str, Any]:
    asked = await request.json()
    args, call_id, pool = asked["args"], asked["call"]["call_id"], app.state.pool
    start, intent_id = start_of(args), str(uuid.uuid4())
    key = hashlib.sha256(f"{call_id} {args['telefon']} {start.isoformat()}".encode()).hexdigest()
    deadline = datetime.now(UTC) + timedelta(seconds=12)
    values = (intent_id, key, call_id, args["name"], args["telefon"], start, deadline)
    if await pool.fetchval(INTENT, *values) is None:
        return {"success": False, "status": "in_doubt"}
    body = booking_request(args, start, {"operation_id": intent_id})
    async with app.state.calendar.post("/v2/bookings", json=body) as answer:
        answer.raise_for_status()
        uid = (await answer.json())["data"]["uid"]
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(MOVE, intent_id, uid)
        await connection.execute(APPOINTMENT, uid, call_id, args["name"], args["telefon"], start)
    return SAID
