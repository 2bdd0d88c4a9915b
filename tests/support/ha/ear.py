"""Callers' platform that writes down every sentence, and when: what is heard while nobody leads."""

import random
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import aiohttp

from einmal.adapters.retell.signature import sign
from support.kill.callers import KEY, Platform

PATIENCE_SECONDS: Final = 20.0
"""Longer than a gateway takes for any answer: a platform that hangs up sooner would hide how long that is."""

_WHEN: Final = re.compile(r"Beratung .* Uhr(?: [0-9]+)?")
_OFFERS: Final = re.compile(r" (Ich hätte|Welche andere Zeit) .*$")


@dataclass(frozen=True, slots=True)
class Answer:
    """`begun` and `ended` on the monotonic clock. `status`: the outcome, or what came instead of one."""

    begun: float
    ended: float
    status: str
    sentence: str
    ref: str | None = None


class Ear(Platform):
    def __init__(self, ports: Sequence[int], chance: random.Random) -> None:
        super().__init__(ports, chance)
        self.answers: list[Answer] = []
        self._patient = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0), timeout=aiohttp.ClientTimeout(PATIENCE_SECONDS)
        )

    async def close(self) -> None:
        await self._patient.close()
        await super().close()

    async def _post(self, body: bytes) -> Any | None:
        url = f"http://127.0.0.1:{self._chance.choice(self._ports)}/api/retell/collect-appointment"
        headers = {"x-retell-signature": sign(body, KEY, time.time_ns() // 1_000_000)}
        begun = time.monotonic()
        try:
            async with self._patient.post(url, data=body, headers=headers) as answer:
                if answer.status == 200:
                    said = await answer.json()
                    ref = (said.get("booking") or {}).get("ref")
                    self._note(begun, said["status"], plain(said["message"]), ref)
                    return said
                self._note(begun, f"HTTP {answer.status}", "")
        except (aiohttp.ClientError, OSError, TimeoutError) as failure:
            self._note(begun, type(failure).__name__, "")
        return None

    def _note(self, begun: float, status: str, sentence: str, ref: str | None = None) -> None:
        self.answers.append(Answer(begun, time.monotonic(), status, sentence, ref))
        self.seen[f"no answer: {status}"] += not sentence

    def booked_at(self) -> list[float]:
        """When each booking was first acknowledged."""
        first: dict[str, float] = {}
        for one in self.answers:
            if one.status == "booked" and one.ref is not None:
                first.setdefault(one.ref, one.ended)
        return sorted(first.values())


def plain(sentence: str) -> str:
    """Without the days and times, so that those who heard the same are counted together."""
    return _OFFERS.sub("", _WHEN.sub("Beratung …", sentence))
