"""What each function of a conversation takes beside a calendar that takes 200 ms, one caller after the other.

The simulated Cal.com answers each request after 200 ms. Beside it: that calendar asked directly, in the same run.
A function that asks it twice cannot be faster than 400 ms, so the number of requests is counted as well.
"""

import argparse
import json
import statistics
import time
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final

from contenders import EINMAL, Ground
from goals import Goal, Line
from processes import Process, free_port, wait_until_it_answers

LATENCY: Final = 0.2
CALLERS: Final = 25
SIMULATOR: Final = (str(EINMAL), "-m", "einmal", "simulator")

AGENTS_WAIT: Final = {
    "get_current_context": 2.0,
    "check_customer": 4.0,
    "parse_date": 2.0,
    "list_services": 2.0,
    "check_availability": 5.0,
    "get_alternatives": 5.0,
    "find_next_available": 5.0,
    "reserve_slot": 5.0,
    "book_appointment": 5.0,
    "booking_status": 5.0,
    "get_customer_appointments": 5.0,
    "reschedule_appointment": 8.0,
    "cancel_appointment": 8.0,
    "request_callback": 5.0,
}
"""Seconds after which agents in the field give a function up: the shortest that was seen of each kind. In the order of
a conversation."""


def functions(ground: Ground, _options: argparse.Namespace) -> list[Line]:
    """p50 and p95 of every function, of `CALLERS` conversations."""
    port, gateway_port = free_port(), free_port()
    command = (*SIMULATOR, "--port", str(port), "--latency", str(LATENCY))
    simulator = Process(command, {}, ground.folder, ground.folder / "simulator.log")
    environment = {
        "EINMAL_DATABASE_URL": f"sqlite:///{ground.folder / 'functions.sqlite3'}",
        "EINMAL_PORT": str(gateway_port),
        "EINMAL_CALCOM_BASE_URL": f"http://127.0.0.1:{port}",
        "EINMAL_CALCOM_API_KEY": "cal_test_key",
        "EINMAL_CALCOM_RATE_PER_MINUTE": "0",
        "EINMAL_HOUSE_RATE_PER_MINUTE": "0",
        "EINMAL_CALL_RATE_PER_MINUTE": "0",
        "EINMAL_NUMBER_RATE_PER_MINUTE": "0",
        "EINMAL_BOOKINGS_PER_CALL": "0",
        "EINMAL_ATTENDEE_FALLBACK_EMAIL": "termin@salon.test",
    }
    gateway = Process([str(EINMAL), "-m", "einmal", "serve"], environment, ground.folder, ground.folder / "gateway.log")
    try:
        wait_until_it_answers(port, simulator, "/v2/event-types")
        wait_until_it_answers(gateway_port, gateway, "/readyz")
        return _measured(port, gateway_port)
    finally:
        gateway.stop()
        simulator.stop()


def _measured(calendar: int, gateway: int) -> list[Line]:
    took: dict[str, list[float]] = {name: [] for name in AGENTS_WAIT}
    alone, odd = [], dict[str, set[str]]()
    for number in range(CALLERS):
        alone.append(_timed(partial(_asked, calendar, "/v2/event-types", None))[0])
        for name in AGENTS_WAIT:
            seconds, answer = _timed(partial(_call, gateway, name, number))
            took[name].append(seconds)
            odd.setdefault(name, set()).add(str(answer["status"]))
    print(f"  the calendar alone: p50 {_ms(alone, 50)} ms, p95 {_ms(alone, 95)} ms")
    print(f"  {'function':<28}{'p50 ms':>8}{'p95 ms':>8}{'p95 vs calendar':>17}   answered")
    lines = []
    for name, waits in took.items():
        ratio = _part(waits, 95) / _part(alone, 50)
        print(f"  {name:<28}{_ms(waits, 50):>8}{_ms(waits, 95):>8}{ratio:>16.2f}x   {', '.join(sorted(odd[name]))}")
        lines.append((Goal(f"p95 of {name}", AGENTS_WAIT[name], unit="s", less=True), _part(waits, 95)))
    return lines


def _call(gateway: int, name: str, number: int) -> dict[str, Any]:
    """The same conversation each time, of another caller on another day."""
    day = datetime.now(UTC).date() + timedelta(days=30 + number)
    when = {"datum": day.isoformat(), "uhrzeit": "10:00"}
    wish = when | {"dienstleistung": "Beratung", "name": f"Gast {'abcdefghij'[number % 10]}{number}"}
    later = {"neues_datum": day.isoformat(), "neue_uhrzeit": "14:00"}
    args: dict[str, Any] = {
        "reschedule_appointment": later,
        "cancel_appointment": {},
        "booking_status": {},
        "get_customer_appointments": {},
        "parse_date": {"text": "nächsten Dienstag um halb vier"},
        "request_callback": {"grund": "Rückfrage"},
        "find_next_available": {"dienstleistung": "Beratung", "datum": day.isoformat()},
    }.get(name, wish)
    call = {"call_id": f"call_{number:08d}", "from_number": f"+4930{9018000 + number}", "to_number": "+493012345"}
    body = json.dumps({"name": name, "call": call, "args": args}).encode()
    return json.loads(_asked(gateway, "/api/retell/function-call", body))


def _asked(port: int, path: str, body: bytes | None) -> bytes:
    headers = {"Authorization": "Bearer cal_test_key", "cal-api-version": "2024-06-14"}
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", body, headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return bytes(answer.read())


def _timed(ask: Callable[[], Any]) -> tuple[float, Any]:
    began = time.perf_counter()
    answer = ask()
    return time.perf_counter() - began, answer


def _part(values: list[float], percent: int) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


def _ms(values: list[float], percent: int) -> str:
    return f"{_part(values, percent) * 1000:.0f}"
