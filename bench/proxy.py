"""What Cal.com's API costs through the proxy: the same requests straight at the simulator and through `einmal serve`.

In turns, one client after the other on a connection that is kept, so that a disturbance meets both. Ratios are of the
medians. The simulator answers at once, which no calendar does: with the 200 ms of a real one the milliseconds matter
and the ratio does not. A guarded booking is two commits with fsync more than one straight at the calendar.
"""

import argparse
import http.client
import json
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from contenders import EINMAL, Ground
from goals import Goal, Line
from processes import Process, free_port, wait_until_it_answers

TIMES: Final = 200
LISTED: Final = 100
"""As many bookings as a page of a list holds."""

KEY: Final = "cal_test_key"
HEADERS: Final = {"Authorization": f"Bearer {KEY}", "cal-api-version": "2024-08-13"}

_OVER: Final = 20.0
"""Milliseconds that somebody may wait longer for the proxy than for the calendar alone."""


def proxy(ground: Ground, _options: argparse.Namespace) -> list[Line]:
    port, gateway_port = free_port(), free_port()
    simulator = Process(
        [str(EINMAL), "-m", "einmal", "simulator", "--port", str(port)], {}, ground.folder, ground.folder / "calcom.log"
    )
    environment = {
        "EINMAL_DATABASE_URL": f"sqlite:///{ground.folder / 'proxy.sqlite3'}",
        "EINMAL_PORT": str(gateway_port),
        "EINMAL_CALCOM_BASE_URL": f"http://127.0.0.1:{port}",
        "EINMAL_CALCOM_API_KEY": KEY,
        # Counted as everywhere, and never used up.
        "EINMAL_CALCOM_RATE_PER_MINUTE": "100000",
        "EINMAL_ATTENDEE_FALLBACK_EMAIL": "termin@salon.test",
        # Nobody looks at the calendar meanwhile.
        "EINMAL_RECONCILE_SECONDS": "0",
        "EINMAL_VERIFY_SECONDS": "0",
    }
    gateway = Process([str(EINMAL), "-m", "einmal", "serve"], environment, ground.folder, ground.folder / "gateway.log")
    try:
        wait_until_it_answers(port, simulator, "/v2/event-types")
        wait_until_it_answers(gateway_port, gateway, "/readyz")
        return _measured(_Client(port), _Client(gateway_port))
    finally:
        gateway.stop()
        simulator.stop()


class _Client:
    """One kept connection. Whatever is not answered as it should be ends the run: its time would say nothing."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)

    def ask(self, method: str, path: str, body: Any = None, expected: int = 200) -> bytes:
        data = None if body is None else json.dumps(body).encode()
        self._connection.request(
            method, path, data, HEADERS | ({} if data is None else {"Content-Type": "application/json"})
        )
        answer = self._connection.getresponse()
        told = answer.read()
        if answer.status != expected:
            raise SystemExit(f"{method} {path}: {answer.status} {told[:200]!r}")
        return told


def _measured(straight: _Client, through: _Client) -> list[Line]:
    first = datetime.now(UTC).replace(hour=9, minute=0, second=0, microsecond=0) + timedelta(days=2)
    for number in range(LISTED):
        straight.ask("POST", "/v2/bookings", _wish(first, number), 201)
    listed = f"/v2/bookings?take={LISTED}"
    size = len(straight.ask("GET", listed))
    repeated = _wish(first, 3 * TIMES + LISTED)
    through.ask("POST", "/v2/bookings", repeated, 201)

    def books(client: _Client, number: int) -> None:
        other = TIMES if client is through else 0
        client.ask("POST", "/v2/bookings", _wish(first, LISTED + other + number), 201)

    print(f"  {'median of ' + str(TIMES):<34}{'straight ms':>12}{'proxy ms':>10}{'p95 ms':>8}{'ratio':>8}")
    return [
        _beside("a read that passes", straight, through, lambda client, _: client.ask("GET", "/v2/event-types")),
        _beside(
            f"a list of {size // 1024} KiB that passes", straight, through, lambda client, _: client.ask("GET", listed)
        ),
        _beside("a guarded booking", straight, through, books),
        # Straight at the simulator a round-robin type gives its old booking back: the same amount of work as here.
        _beside(
            "a booking asked for again",
            straight,
            through,
            lambda client, _: client.ask("POST", "/v2/bookings", repeated, 201),
        ),
    ]


def _beside(what: str, straight: _Client, through: _Client, ask: Callable[[_Client, int], Any]) -> Line:
    took: dict[_Client, list[float]] = {straight: [], through: []}
    for number in range(TIMES):
        # Who goes first takes turns as well.
        for client in (straight, through) if number % 2 else (through, straight):
            began = time.perf_counter()
            ask(client, number)
            took[client].append((time.perf_counter() - began) * 1000)
    alone, proxied = statistics.median(took[straight]), statistics.median(took[through])
    p95 = statistics.quantiles(took[through], n=100)[94]
    print(f"  {what:<34}{alone:>12.2f}{proxied:>10.2f}{p95:>8.2f}{proxied / alone:>7.1f}x")
    return Goal(f"{what}: longer through the proxy", _OVER, unit="ms", less=True), proxied - alone


def _wish(first: datetime, number: int) -> dict[str, Any]:
    """A day has sixteen half hours; each wish is another person's."""
    day, half_hour = divmod(number, 16)
    start = first + timedelta(days=day, minutes=30 * half_hour)
    return {
        "start": f"{start:%Y-%m-%dT%H:%M:%SZ}",
        "eventTypeId": 101,
        "attendee": {"name": f"Gast {number}", "email": f"gast{number}@kunde.test", "timeZone": "Europe/Berlin"},
    }
