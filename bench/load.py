"""The load: so many callers on connections that stay open, each asking again as soon as it was answered.

A process of its own, on raw sockets. It answers with one JSON object: bookings a second in the window, latencies,
statuses, and the CPU that the processes named took in that window. When time is over, what is under way is waited
for: a slow contender's unfinished requests would burn the next one's time.

    python bench/load.py --port 8080 --clients 16 --seconds 4 [--pids 123,456] [--first 1000]
"""

import argparse
import asyncio
import json
import os
import time
from collections import Counter
from typing import Any, Final

import uvloop
from calls import calendar_request, request
from processes import cpu_seconds

BOOKED: Final = b'"booked"'
"""In the answer of every gateway that says that the appointment stands."""

PATIENCE_SECONDS: Final = 60.0


class Load:
    def __init__(self, options: argparse.Namespace) -> None:
        self.ports: list[int] = options.ports
        self.first = self.number = options.first
        self.last = None if options.limit is None else options.first + options.limit
        self.repeats: int | None = options.repeats
        self.request = calendar_request if options.calendar else request
        self.good, self.word = (b"201", b'"accepted"') if options.calendar else (b"200", BOOKED)
        self.counting = self.over = False
        self.asked = self.busy = self.errors = 0
        self.latencies: list[float] = []
        self.statuses: Counter[str] = Counter()
        self.drained = asyncio.Event()

    def next(self, port: int) -> bytes | None:
        if self.over or self.number == self.last:
            return None
        number = self.number
        self.number += 1
        if self.repeats is not None:
            number = self.first + (number - self.first) % self.repeats
        self.asked += 1
        self.busy += 1
        return self.request(number, port)

    def answered(self, status: bytes, body: bytes, seconds: float) -> None:
        self.busy -= 1
        good = status == self.good and self.word in body
        self.errors += not good
        if not good and len(self.statuses) < 20:
            self.statuses[f"{status.decode()} {body[:160].decode(errors='replace')}"] += 1
        else:
            self.statuses[status.decode()] += 1
        if self.counting:
            self.latencies.append(seconds)
        self._drained()

    def broke(self, *, waiting: bool) -> None:
        if waiting:
            self.busy -= 1
            self.errors += 1
            self.statuses["connection lost"] += 1
        self._drained()

    def _drained(self) -> None:
        if self.busy == 0 and (self.over or self.number == self.last):
            self.drained.set()


class Client(asyncio.Protocol):
    """One caller's connection. Only what all contenders answer is understood: a body with its length."""

    def __init__(self, load: Load, port: int) -> None:
        self._load, self._port = load, port
        self._said, self._needed, self._waiting = b"", 0, False

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._ask()

    def _ask(self) -> None:
        wanted = self._load.next(self._port)
        if wanted is None:
            return
        self._said, self._needed, self._waiting = b"", 0, True
        self._began = time.perf_counter()
        self._transport.write(wanted)

    def data_received(self, data: bytes) -> None:
        self._said = self._said + data if self._said else data
        if not self._needed:
            head = self._said.find(b"\r\n\r\n")
            if head < 0:
                return
            at = self._said[:head].lower().find(b"content-length:")
            self._needed = head + 4 + int(self._said[at + 15 : head].partition(b"\r\n")[0])
        if len(self._said) >= self._needed:
            self._waiting = False
            self._load.answered(self._said[9:12], self._said, time.perf_counter() - self._began)
            self._ask()

    def connection_lost(self, _: Exception | None) -> None:
        self._load.broke(waiting=self._waiting)


def percentile(ordered: list[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


async def run(options: argparse.Namespace) -> dict[str, Any]:
    load = Load(options)
    loop = asyncio.get_running_loop()
    pids = [os.getpid(), *options.pids]
    for number in range(options.clients):
        port = load.ports[number % len(load.ports)]
        await loop.create_connection(lambda port=port: Client(load, port), "127.0.0.1", port)
    if options.limit is None:
        await asyncio.sleep(options.warm_up)
    load.counting, before, began = True, [cpu_seconds(pid) for pid in pids], time.perf_counter()
    if options.limit is None:
        await asyncio.sleep(options.seconds)
    else:
        await load.drained.wait()
    window, counted = time.perf_counter() - began, len(load.latencies)
    cpu = [cpu_seconds(pid) - then for pid, then in zip(pids, before, strict=True)]
    load.over = True
    if load.busy:
        await asyncio.wait_for(load.drained.wait(), PATIENCE_SECONDS)
    ordered = sorted(load.latencies[:counted])
    return {
        "asked": load.asked,
        "counted": counted,
        "errors": load.errors,
        "rate": counted / window,
        "ms": {f"p{share}": 1000 * percentile(ordered, share / 100) for share in (50, 95, 99)},
        "statuses": dict(load.statuses),
        "seconds": window,
        "cpu": {"load": cpu[0]} | {str(pid): used for pid, used in zip(options.pids, cpu[1:], strict=True)},
    }


def _numbers(text: str) -> list[int]:
    return [int(part) for part in text.split(",") if part]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ports", "--port", type=_numbers, required=True, help="one, or several with a comma between")
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--warm-up", type=float, default=0.5, help="seconds before anything is counted")
    parser.add_argument("--first", type=int, default=0, help="where to begin to count callers")
    parser.add_argument("--repeats", type=int, help="ask for the wishes of so many callers, again and again")
    parser.add_argument("--calendar", action="store_true", help="ask the calendar itself, without a gateway between")
    parser.add_argument("--limit", type=int, help="so many calls, instead of a time")
    parser.add_argument("--pids", type=_numbers, default=[], help="whose CPU time to read")
    print(json.dumps(uvloop.run(run(parser.parse_args()))))
