"""NAIVE: what people write today. FastAPI, SQLAlchemy's async ORM, httpx; POST, trust the success, insert, commit.

No intent, no judgement: a lost answer is an error, and the caller's second try a second booking. Given what it can
take without being another program: one shared client and one pool of sixteen connections, not one for each request.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import httpx
from baselines.shop import HEADERS, SAID, booking_request, start_of
from fastapi import FastAPI
from pydantic import BaseModel
from sqlalchemy import DateTime, FetchedValue
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

engine = create_async_engine(
    os.environ["DATABASE_URL"].replace("postgresql://", "postgresql+asyncpg://"), pool_size=16, max_overflow=0
)
new_session = async_sessionmaker(engine, expire_on_commit=False)
calendar = httpx.AsyncClient(base_url=os.environ["CALENDAR_URL"], headers=HEADERS, timeout=10)


class Base(DeclarativeBase):
    pass


class Appointment(Base):
    __tablename__ = "appointments"

    appointment_id: Mapped[int] = mapped_column(primary_key=True, server_default=FetchedValue())
    booking_uid: Mapped[str]
    call_id: Mapped[str]
    name: Mapped[str]
    phone: Mapped[str]
    starts_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class Args(BaseModel):
    datum: str
    uhrzeit: str
    name: str
    telefon: str
    dienstleistung: str


class Call(BaseModel):
    call_id: str


class FunctionCall(BaseModel):
    name: str
    call: Call
    args: Args


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    yield
    await calendar.aclose()
    await engine.dispose()


app = FastAPI(lifespan=lifespan)


@app.post("/api/retell/collect-appointment")
async def collect_appointment(asked: FunctionCall) -> dict[str, Any]:
    args, call_id = asked.args.model_dump(), asked.call.call_id
    start = start_of(args)
    answer = await calendar.post("/v2/bookings", json=booking_request(args, start, {"call_id": call_id}))
    answer.raise_for_status()
    uid = answer.json()["data"]["uid"]
    async with new_session() as session:
        session.add(
            Appointment(booking_uid=uid, call_id=call_id, name=args["name"], phone=args["telefon"], starts_at=start)
        )
        await session.commit()
    return SAID
