"""Fast naive: the naive gateway with quick libraries. FastAPI, asyncpg, aiohttp; POST, trust, insert, commit.

No ORM, no models, no intent. As little as one can do on FastAPI.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import asyncpg
from baselines.shop import HEADERS, SAID, booking_request, start_of
from fastapi import FastAPI, Request

INSERT = """
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
    args, call_id = asked["args"], asked["call"]["call_id"]
    start = start_of(args)
    body = booking_request(args, start, {"call_id": call_id})
    async with app.state.calendar.post("/v2/bookings", json=body) as answer:
        answer.raise_for_status()
        uid = (await answer.json())["data"]["uid"]
    await app.state.pool.execute(INSERT, uid, call_id, args["name"], args["telefon"], start)
    return SAID
