"""Callers on a platform that behaves like Retell: signed POSTs, the same body again after a time-out or a dead
connection, up to five times; and a model that asks again, in other words, when it has not understood.

Each caller knows what it wished and writes down what it heard, and when. That is all that can be held against the
gateways: an answer that never arrived was never given.
"""

import asyncio
import itertools
import json
import random
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import aiohttp

from einmal.adapters.retell.signature import sign
from einmal.domain.reply import Outcome

KEY: Final = "key_of_the_platform"
BERLIN: Final = ZoneInfo("Europe/Berlin")
PATIENCE_SECONDS: Final = 4.0
TRIES: Final = 6
"""The first and five more."""
NOTHING_NEW: Final = "nichts Neues"
AGAIN_MAX: Final = 3
FINAL: Final = frozenset(Outcome) - {Outcome.IN_DOUBT}


@dataclass(frozen=True, slots=True)
class Heard:
    at: datetime
    outcome: Outcome
    ref: str | None
    start: datetime | None


@dataclass(slots=True)
class Caller:
    """One phone call of one person with one wish. `overlapping`: the platform sends the same function call twice."""

    call_id: str
    name: str
    phone: str
    start: datetime
    overlapping: bool
    heard: list[Heard] = field(default_factory=list)

    @property
    def wish(self) -> tuple[str, datetime]:
        """Who wants what: of this there may be one booking."""
        return self.phone, self.start

    def body(self, words: int) -> bytes:
        """The function call. `words`: how often the model has asked before; the transcript has grown since."""
        local = self.start.astimezone(BERLIN)
        args = {"datum": f"{local:%Y-%m-%d}", "uhrzeit": f"{local:%H:%M}", "dienstleistung": "Beratung"}
        args |= {"name": self.name if words % 2 == 0 else self.name.upper(), "telefon": self.phone}
        call = {"call_id": self.call_id, "from_number": "anonymous", "transcript": "Ja, bitte. " * words}
        return json.dumps({"name": "collect_appointment", "call": call, "args": args}).encode()


def callers(chance: random.Random, first_day: datetime) -> Iterator[Caller]:
    """People without end: most with a slot of their own, some rivals for one, some who call twice at once."""
    # The salon is open from 8 to 18, and in winter as in summer there is a slot every half an hour.
    slots = (
        (first_day + timedelta(days=day)).replace(hour=8, minute=0) + timedelta(minutes=30 * slot)
        for day in itertools.count()
        for slot in range(20)
    )
    before: Caller | None = None
    for number in itertools.count():
        kind, call_id = chance.random(), f"call_{chance.getrandbits(64):016x}"
        phone, name = f"+4915{chance.randrange(10**8, 10**9)}", f"Gast Nummer {number}"
        if before is not None and kind < 0.10:
            caller = Caller(call_id, name, phone, before.start, overlapping=False)
        elif before is not None and kind < 0.20:
            caller = Caller(call_id, before.name, before.phone, before.start, overlapping=False)
        else:
            start = next(slots).astimezone(UTC)
            caller = Caller(call_id, name, phone, start, overlapping=kind > 0.90)
        before = caller
        yield caller


class Platform:
    """Sends the callers' function calls to whichever gateway it chooses; `seen` counts what it met."""

    def __init__(self, ports: Sequence[int], chance: random.Random) -> None:
        self.seen: Counter[str] = Counter()
        self._ports = ports
        self._chance = chance
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0), timeout=aiohttp.ClientTimeout(PATIENCE_SECONDS)
        )

    async def close(self) -> None:
        await self._session.close()

    async def phone_call(self, caller: Caller) -> None:
        """The whole call: asked until there is an answer that is final, or the caller gives up."""
        for words in range(AGAIN_MAX):
            asked = [self.function_call(caller, words)]
            if caller.overlapping and not words:
                asked.append(self.function_call(caller, words))
            await asyncio.gather(*asked)
            final = bool(caller.heard) and caller.heard[-1].outcome in FINAL
            if final and self._chance.random() < 0.7:
                return
            await asyncio.sleep(self._chance.uniform(0.5, 2.0))

    async def function_call(self, caller: Caller, words: int) -> None:
        """One function call, tried until it is answered."""
        body = caller.body(words)
        for tried in range(TRIES):
            answer = await self._post(body)
            if answer is not None and NOTHING_NEW in answer["message"]:
                # Neither yes nor no: the ledger could not be asked. It is said in those words, and is true.
                self.seen["heard that nothing new was booked"] += 1
                return
            if answer is not None:
                slot = answer.get("booking") or {}
                start = datetime.fromisoformat(slot["start"]) if slot else None
                outcome = Outcome(answer["status"])
                caller.heard.append(Heard(datetime.now(UTC), outcome, slot.get("ref"), start))
                self.seen[f"heard {outcome.value}"] += 1
                if tried:
                    self.seen["heard after a retry"] += 1
                return
            await asyncio.sleep(self._chance.uniform(0.1, 0.5) * (tried + 1))
        self.seen["never answered"] += 1

    async def _post(self, body: bytes) -> Any | None:
        """The answer, or None where none came."""
        url = f"http://127.0.0.1:{self._chance.choice(self._ports)}/api/retell/collect-appointment"
        headers = {"x-retell-signature": sign(body, KEY, time.time_ns() // 1_000_000)}
        try:
            async with self._session.post(url, data=body, headers=headers) as answer:
                if answer.status == 200:
                    return await answer.json()
                self.seen[f"status {answer.status}"] += 1
        except (aiohttp.ClientError, OSError, TimeoutError) as failure:
            self.seen[f"no answer: {type(failure).__name__}"] += 1
        return None
