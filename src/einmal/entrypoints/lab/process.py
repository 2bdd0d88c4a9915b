"""A gateway of a run: the real one, on an SQLite ledger. It can die, and begins again on the ledger that it left."""

import asyncio
import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any, Final

from einmal.adapters.sql.migrate import upgrade
from einmal.adapters.sql.sqlite import SqliteInline, connect
from einmal.domain.facts import Fact, Rejected
from einmal.entrypoints.http.retell import collect_appointment
from einmal.entrypoints.lab.place import Place
from einmal.entrypoints.lab.seen import Ask, Row
from einmal.settings import Secret, read_settings
from einmal.simulator.virtual import SeededIds
from einmal.speech.said import Language
from einmal.wiring import Gateway, build_gateway

DOWN_SECONDS: Final = 1.5
WORK_SECONDS: Final = 2.0

_SAID: Final = {**dict.fromkeys(("booked", "requested", "already_booked"), "yes"), "in_doubt": "wait"}
"""What an answer's status is to the caller. All others are a no, for now or for good."""


@dataclass
class Process:
    place: Place
    path: Path
    seed: int
    language: Language
    gateway: Gateway = field(init=False)
    _rejected: list[Rejected] = field(default_factory=list)
    _lives: int = 0
    _worker: "asyncio.Task[None] | None" = None

    def observe(self, facts: Sequence[Fact]) -> None:
        self._rejected.extend(fact for fact in facts if isinstance(fact, Rejected))

    async def begin(self) -> None:
        if not self._lives:
            self.path.write_bytes(_empty_ledger())
        self._lives += 1
        environment = {
            "EINMAL_DATABASE_URL": f"sqlite:///{self.path}",
            "EINMAL_ATTENDEE_FALLBACK_EMAIL": "termin@salon.test",
            "EINMAL_LANGUAGE": self.language.value,
        }
        settings = replace(read_settings(environment), calcom_api_key=Secret("lab"))
        ids = SeededIds(self.seed * 10 + self._lives)
        self.gateway = await build_gateway(settings, self.place.wire, self.place.clock, ids, self, SqliteInline)
        self._worker = asyncio.create_task(self._work(), name="worker")

    async def book(self, ask: Ask, line: str) -> tuple[str, str]:
        """What the caller hears: yes, no or wait, and the sentence."""
        call = {"call_id": ask.call_id, "from_number": line, "to_number": "+493090100", "direction": "inbound"}
        args = {"datum": ask.date, "uhrzeit": ask.time, "name": ask.name, "dienstleistung": "Beratung"}
        body = json.dumps({"name": "collect_appointment", "call": call, "args": args})
        answer: dict[str, Any] = json.loads(await collect_appointment(self.gateway).answer(body.encode()))
        return _SAID.get(answer["status"], "no"), answer["message"]

    async def die(self, callers: Sequence["asyncio.Task[None]"]) -> None:
        """As kill -9: whatever this process does ends where it stands. A moment later it is started again."""
        spared = {asyncio.current_task(), *callers}
        doomed = [task for task in asyncio.all_tasks() if task not in spared]
        for task in doomed:
            task.cancel()
        await asyncio.gather(*doomed, return_exceptions=True)
        await asyncio.sleep(DOWN_SECONDS)
        await self.begin()

    async def end(self) -> None:
        if self._worker is not None:
            self._worker.cancel()
        await self.gateway.close()

    async def rows(self, call_ids: Sequence[str]) -> tuple[Row, ...]:
        """What the ledger holds of these calls."""
        stories = [story for call_id in call_ids for story in await self.gateway.stories.of_call(call_id)]
        intents = [one.stored.intent for story in stories for one in story.intents]
        return tuple(Row(one.wish.person.name, one.state.value, one.booking_uid or "") for one in intents)

    @property
    def rejections(self) -> tuple[str, ...]:
        """Why answers were not believed, in the guard's own words."""
        return tuple(fact.reason.value for fact in self._rejected)

    async def _work(self) -> None:
        """What a worker does for doubts. News to callers are nobody's here."""
        while True:
            await self.gateway.worker.recovery.turn()
            await asyncio.sleep(WORK_SECONDS)


@cache
def _empty_ledger() -> bytes:
    """Made once: migrating takes longer than a run."""
    with tempfile.TemporaryDirectory(prefix="einmal-lab-") as folder:
        path = Path(folder) / "ledger.sqlite3"
        upgrade(path)
        connect(path).close()
        return path.read_bytes()
