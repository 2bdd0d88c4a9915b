"""What a process and a booking take up: seconds to start, memory, bytes."""

import argparse
import contextlib
import os
import re
import sqlite3
import statistics
import subprocess
from pathlib import Path

from contenders import EINMAL, Contender, Ground, contender, time_to_ready
from goals import Goal, Line
from processes import rss_bytes
from waits import asked

MEGABYTE = 1e6


def costs(ground: Ground, options: argparse.Namespace) -> list[Line]:
    lines = []
    for name in ("einmal", "einmal_sqlite"):
        one = contender(name, ground)
        try:
            empty = time_to_ready(one)
            ready = []
            for _ in range(options.rounds):
                one.stop()
                ready.append(time_to_ready(one))
            print(
                f"  {one.title}: ready after {statistics.median(ready):.2f} s, with an empty database {empty:.2f} s",
                flush=True,
            )
            lines.append((Goal(f"{one.title}: start to ready", 1.5, 0.7, "s", less=True), statistics.median(ready)))
            asked(one, 1, "--limit", 1)
            begun, size = rss_bytes(one.processes[0].pid), size_bytes(one)
            half = options.bookings // 2
            asked(one, 64, "--limit", half)
            between = rss_bytes(one.processes[0].pid)
            asked(one, 64, "--limit", options.bookings - half)
            ended = rss_bytes(one.processes[0].pid)
            after = ", ".join(f"{rss / MEGABYTE:.0f} MB" for rss in (begun, between, ended))
            print(f"  {one.title}: memory after 1, {half} and {options.bookings} bookings: {after}", flush=True)
            lines.append(
                (
                    Goal(f"{one.title}: memory after {options.bookings} bookings", 120, unit="MB", less=True),
                    ended / MEGABYTE,
                )
            )
            one.stop()
            each = (size_bytes(one) - size) / options.bookings
            before, packed = packed_bytes(one)
            print(
                f"  {one.title}: {each:.0f} bytes a booking as written, {packed / before[0]:.0f} packed; {before[1]}",
                flush=True,
            )
            lines.append((Goal(f"{one.title}: bytes a booking, all indexes", 1500, 1000, "bytes", less=True), each))
        finally:
            one.stop()
    return lines


def size_bytes(one: Contender) -> int:
    """Of all tables and indexes."""
    if isinstance(one.where, Path):
        with contextlib.closing(sqlite3.connect(one.where)) as ledger:
            pages, free, page = (
                ledger.execute(f"PRAGMA {what}").fetchone()[0] for what in ("page_count", "freelist_count", "page_size")
            )
            return int((pages - free) * page)
    return int(
        one.asked_of_database(
            "SELECT sum(pg_total_relation_size(c.oid)) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
            "WHERE n.nspname = 'public' AND c.relkind = 'r'"
        )
    )


def packed_bytes(one: Contender) -> tuple[tuple[int, str], int]:
    """How many bookings there are and where their bytes lie; and the whole ledger without a gap."""
    rows = one.rows()
    if isinstance(one.where, Path):
        with contextlib.closing(sqlite3.connect(one.where)) as ledger:
            ledger.execute("VACUUM")
            ledger.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return (rows, "one file"), size_bytes(one)
    one.asked_of_database("VACUUM FULL")
    parts = one.asked_of_database(
        "SELECT string_agg(relname || ' ' || (pg_relation_size(relid) / greatest(n, 1)) || '+' || "
        "(pg_indexes_size(relid) / greatest(n, 1)), ', ' ORDER BY pg_total_relation_size(relid) DESC) "
        f"FROM pg_statio_user_tables, (SELECT {rows} AS n) AS counted WHERE pg_total_relation_size(relid) > 1e6"
    )
    return (rows, f"table+indexes: {parts}"), size_bytes(one)


def simulation(_: Ground, __: argparse.Namespace) -> list[Line]:
    """What `einmal simulate` says of itself, on all cores, and so for each of them."""
    lines = []
    for title, words, marks in (
        ("pure", (), (500_000, 1_500_000)),
        ("app with SQL", ("--ledger", "sqlite"), (20_000, 60_000)),
    ):
        command = [EINMAL, "-m", "einmal", "simulate", "--intents", "1000000000", "--seconds", "15", *words]
        done = subprocess.run(command, capture_output=True, check=False, text=True)
        told = re.search(r"([\d,]+) a minute on (\d+) process", done.stdout)
        if done.returncode or told is None:
            raise RuntimeError(done.stdout[-1000:] + done.stderr[-1000:])
        processes = min(int(told.group(2)), os.cpu_count() or 1)
        rate = int(told.group(1).replace(",", "")) / processes
        print(f"  {title}: {told.group(0)}", flush=True)
        lines.append((Goal(f"simulation, {title}: intents a minute a core", *marks, unit="/min"), rate))
    return lines
