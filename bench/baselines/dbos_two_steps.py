"""DBOS: a durable workflow of two steps, each remembered by DBOS in the same PostgreSQL. FastAPI, aiohttp, asyncpg.

What one takes when durability is to come from a library: after a crash the workflow goes on, and a step whose end was
not remembered runs again. The workflow's id is that of the call, so a repeat joins it.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import aiohttp
import asyncpg
from baselines.shop import HEADERS, SAID, booking_request, start_of
from dbos import DBOS, SetWorkflowID
from fastapi import FastAPI, Request

INSERT = """
    INSERT INTO appointments (booking_uid, call_id, name, phone, starts_at) VALUES ($1, $2, $3, $4, $5)"""

# The newest DBOS keeps what it remembers in a database of its own name; here it is the contender's, on the same server.
DBOS(config={"name": "bench", "system_database_url": os.environ["DATABASE_URL"], "log_level": "WARNING"})


@DBOS.step()
async def ask(args: dict[str, Any], call_id: str) -> str:
    body = booking_request(args, start_of(args), {"call_id": call_id})
    async with app.state.calendar.post("/v2/bookings", json=body) as answer:
        answer.raise_for_status()
        return (await answer.json())["data"]["uid"]


@DBOS.step()
async def insert(uid: str, call_id: str, name: str, phone: str, start: datetime) -> None:
    await app.state.pool.execute(INSERT, uid, call_id, name, phone, start)


@DBOS.workflow()
async def booking(args: dict[str, Any], call_id: str) -> None:
    uid = await ask(args, call_id)
    await insert(uid, call_id, args["name"], args["telefon"], start_of(args))


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with (
        asyncpg.create_pool(os.environ["DATABASE_URL"], min_size=16, max_size=16) as app.state.pool,
        aiohttp.ClientSession(os.environ["CALENDAR_URL"], headers=HEADERS) as app.state.calendar,
    ):
        DBOS.launch()
        yield
        DBOS.destroy()


app = FastAPI(lifespan=lifespan)


@app.post("/api/retell/collect-appointment")
async def collect_appointment(request: Request) -> dict[str, Any]:
    asked = await request.json()
    call_id = asked["call"]["call_id"]
    with SetWorkflowID(call_id):
        await booking(asked["args"], call_id)
    return SAID
