"""What a person waits for a page, with a ledger of years behind it and a bad day on it.

Beside the many bookings that `seed` writes stand a full day, doubts, what waits for a person, rejections, the answers
of the last hours and a function call for each booking. Each page is asked for as a browser does, one after the other on
one connection; what is measured is the server's work and the way through loopback.
"""

import argparse
import contextlib
import http.client
import random
import sqlite3
import statistics
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from contenders import Contender, Ground, contender
from goals import Goal, Line
from seed import fill, seed_hash, seed_id
from waits import asked

ROWS: Final = 100_000
TIMES: Final = 200
TODAY, OPEN, REJECTED, ANSWERED, CALLED_BACK = 80, 40, 2_000, 1_000, 30
QUIET: Final = {"EINMAL_RECONCILE_SECONDS": "0", "EINMAL_VERIFY_SECONDS": "0"}
"""Nobody looks at the calendar meanwhile: it knows none of these bookings."""

_UPTO: Final = (
    "(WITH RECURSIVE upto(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM upto WHERE n < {}) SELECT n FROM upto) AS n"
)


def pages(ground: Ground, _options: argparse.Namespace) -> list[Line]:
    lines: list[Line] = []
    for name in ("einmal_sqlite", "einmal"):
        one = contender(name, ground, "_pages")
        one.more = QUIET
        try:
            _filled(one)
            one.start()
            lines += _measured(one)
        finally:
            one.stop()
    return lines


def _filled(one: Contender) -> None:
    one.start()
    asked(one, 1, "--limit", 1)
    time.sleep(3)  # what was said on the phone is written a moment later
    one.stop()
    fill(one, ROWS)
    _bad_day(one)


def _bad_day(one: Contender) -> None:
    now = datetime.now(UTC)
    at, later = (f"{moment:%Y-%m-%dT%H:%M:%S.000Z}" for moment in (now, now + timedelta(days=30)))
    born = str(one.asked_of_database("SELECT max(intent_id) FROM intents"))[:10]
    new_id = f"'{born}' || substr(CAST(10000000000000000 + n AS TEXT), 2)"
    to_come = f"SELECT intent_id FROM intents WHERE start_at > '{now + timedelta(days=1):%Y-%m-%d}' ORDER BY intent_id"
    data = '{"layer": "layer1", "reason": "stale_booking"}'
    json = f"CAST('{data}' AS JSON)" if isinstance(one.where, str) else f"'{data}'"
    doubtful = f"look_at = '{later}', doubted_at = '{at}', send_deadline = '{at}'"
    _run(
        one,
        f"UPDATE intents SET start_at = '{now:%Y-%m-%dT}' || substr(start_at, 12) "
        f"WHERE intent_id IN ({to_come} LIMIT {TODAY})",
        f"UPDATE intents SET state = 'doubt', {doubtful} WHERE intent_id IN ({to_come} LIMIT {OPEN})",
        f"UPDATE intents SET state = 'escalated', {doubtful} WHERE intent_id IN ({to_come} LIMIT {OPEN} OFFSET {OPEN})",
        "INSERT INTO function_calls "
        "(served_id, tenant_id, conversation_id, at, adapter, function, outcome, elapsed_ms) "
        "SELECT intent_id, tenant_id, conversation_id, created_at, 'retell', 'book', 'booked', 12 FROM intents "
        "WHERE intent_id NOT IN (SELECT served_id FROM function_calls)",
        f"INSERT INTO facts (tenant_id, intent_id, at, kind, data) SELECT 'default', 'i', '{at}', 'rejected', {json} "
        f"FROM {_UPTO.format(REJECTED)}",
        "INSERT INTO attempts (intent_id, epoch, answered_at, kind, detail, elapsed_ms, received) "
        f"SELECT {new_id}, 1, '{at}', kind, detail, elapsed_ms, received FROM {_UPTO.format(ANSWERED)}, "
        "(SELECT * FROM attempts ORDER BY intent_id DESC LIMIT 1) AS model",
        "INSERT INTO callbacks (callback_id, tenant_id, conversation_id, person_name, person_phone, created_at) "
        f"SELECT {new_id}, 'default', 'call_' || n, 'Anna Weiß', '+4930901820', '{at}' "
        f"FROM {_UPTO.format(CALLED_BACK)}",
    )


def _run(one: Contender, *statements: str) -> None:
    if isinstance(one.where, Path):
        with contextlib.closing(sqlite3.connect(one.where)) as ledger, ledger:
            for statement in statements:
                ledger.execute(statement)
        return
    database = one.where.rpartition("/")[2]
    one.ground.server.run(database, "; ".join(("SET session_replication_role = replica", *statements)))
    one.ground.server.run(database, "VACUUM ANALYZE")


def _got(wire: http.client.HTTPConnection, path: str) -> tuple[int, bytes]:
    """As a browser gets it: it goes on to wherever it is sent."""
    wire.request("GET", path)
    answer = wire.getresponse()
    body = answer.read()
    return _got(wire, answer.headers["Location"]) if answer.status == 303 else (answer.status, body)


def _measured(one: Contender) -> list[Line]:
    chance = random.Random(1)
    paths = {
        "/": lambda: "/",
        "/desk/figures": lambda: "/desk/figures",
        "/calls": lambda: "/calls",
        "/calls/{id}": lambda: f"/calls/call_{seed_hash('call', chance.randint(2, ROWS))[:16]}",
        "/intents/{id}": lambda: f"/intents/{seed_id('intent', chance.randint(2, ROWS))}",
        "/book": lambda: "/book",
    }
    wire = http.client.HTTPConnection("127.0.0.1", one.ports[0], timeout=30)
    lines = []
    for name, path in paths.items():
        took, statuses, size = list[float](), set[int](), 0
        for _ in range(TIMES):
            began = time.perf_counter()
            status, body = _got(wire, path())
            took.append(1000 * (time.perf_counter() - began))
            statuses.add(status)
            size = len(body)
        if statuses == {404}:
            print(f"  {one.title}: {name} is not there", flush=True)
            continue
        median, p99 = statistics.median(took), statistics.quantiles(took, n=100)[98]
        told = f"median {median:6.1f} ms, p99 {p99:6.1f} ms, {size / 1000:.0f} kB, {ROWS:,} bookings"
        print(f"  {one.title}: {name:<14} {told}; answered {statuses}", flush=True)
        lines.append((Goal(f"{one.title}: {name} p99", 100, unit="ms", less=True), p99))
    return lines
