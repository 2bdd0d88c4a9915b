"""How long `einmal audit` and `einmal dedupe` take on a large table of somebody else's, and how much memory they need.

    python bench/repair.py [--rows 1000000] [--only sqlite,postgres,mariadb] [--no-index]

One row in a thousand is a duplicate. Each command is a process of its own, as an operator runs it; its memory is the
most it ever held (`ru_maxrss`), which the server's is no part of. Numbers are printed, never asserted.
"""

import argparse
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from support.mariadb import mariadb_server
from support.postgres import postgres_server

COMMANDS: Final = (("audit",), ("dedupe",), ("dedupe", "--apply"), ("dedupe", "--undo"))

COLUMNS: Final = "id, customer_id, call_id, starts_at, status, notes, calcom_v2_booking_id, created_at"

TABLE: Final = """
    CREATE TABLE appointments (id {number} PRIMARY KEY, customer_id BIGINT, call_id VARCHAR(64), starts_at {instant},
        status VARCHAR(32) NOT NULL, notes TEXT, calcom_v2_booking_id VARCHAR(64), created_at {instant})"""
INDEX: Final = "CREATE INDEX appointments_calcom_v2_booking_id_index ON appointments (calcom_v2_booking_id)"

# Every thousandth row has the booking id of the row before it.
UID: Final = "'uid' || lpad(CAST(n - CASE WHEN n % 1000 = 0 THEN 1 ELSE 0 END AS text), 19, '0')"
SQLITE_ROWS: Final = """
    INSERT INTO appointments
    WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {rows})
    SELECT n, n, 'call_' || n, '2026-12-01 09:00:00', 'confirmed', 'Bitte klingeln',
        printf('uid%019d', n - (n % 1000 = 0)), datetime(1760000000 + n, 'unixepoch') FROM numbers"""
POSTGRES_ROWS: Final = f"""
    INSERT INTO appointments SELECT n, n, 'call_' || n, '2026-12-01 09:00:00', 'confirmed', 'Bitte klingeln',
        {UID}, to_timestamp(1760000000 + n) FROM generate_series(1, {{rows}}) AS numbers(n)"""
MARIADB_ROWS: Final = """
    INSERT INTO appointments SELECT seq, seq, CONCAT('call_', seq), '2026-12-01 09:00:00', 'confirmed',
        'Bitte klingeln', CONCAT('uid', LPAD(seq - (seq % 1000 = 0), 19, '0')), FROM_UNIXTIME(1760000000 + seq)
    FROM seq_1_to_{rows}"""


@contextmanager
def on_sqlite(rows: int, index: bool) -> Iterator[str]:  # noqa: FBT001 - of the command line
    with tempfile.TemporaryDirectory(prefix="einmal-repair-") as folder:
        path = Path(folder) / "salon.sqlite3"
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute(TABLE.format(number="INTEGER", instant="TEXT"))
            connection.execute(SQLITE_ROWS.format(rows=rows))
            if index:
                connection.execute(INDEX)
        yield f"sqlite:///{path}"


@contextmanager
def on_postgres(rows: int, index: bool) -> Iterator[str]:  # noqa: FBT001 - of the command line
    with postgres_server() as server:
        url = server.create()
        name = url.rpartition("/")[2]
        server.run(name, TABLE.format(number="bigint", instant="timestamptz"))
        server.run(name, POSTGRES_ROWS.format(rows=rows))
        if index:
            server.run(name, INDEX)
        server.run(name, "ANALYZE appointments")
        yield url


@contextmanager
def on_mariadb(rows: int, index: bool) -> Iterator[str]:  # noqa: FBT001 - of the command line
    with mariadb_server() as server:
        url = server.create()
        name = url.rpartition("/")[2]
        server.run(name, TABLE.format(number="BIGINT", instant="DATETIME(6)"))
        server.run(name, MARIADB_ROWS.format(rows=rows))
        if index:
            server.run(name, INDEX)
        yield url


PLACES: Final = {"sqlite": on_sqlite, "postgres": on_postgres, "mariadb": on_mariadb}


def measured(url: str, words: tuple[str, ...]) -> tuple[float, float, int]:
    """Seconds, megabytes at most, and the exit code."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("EINMAL_")}
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "einmal", *words, "--url", url],
        env=environment,
        stdout=subprocess.DEVNULL,
    )
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return time.perf_counter() - began, used.ru_maxrss / 1024, process.returncode


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--only", default=",".join(PLACES))
    parser.add_argument("--no-index", action="store_true", help="no index on the booking ids to begin with")
    arguments = parser.parse_args()
    print(f"{arguments.rows:,} rows, {arguments.rows // 1000:,} of them duplicates")
    for name in arguments.only.split(","):
        with PLACES[name](arguments.rows, not arguments.no_index) as url:
            for words in COMMANDS:
                seconds, megabytes, code = measured(url, words)
                print(
                    f"{name:9} {' '.join(words):16} {seconds:7.1f} s {megabytes:6.0f} MB   exit code {code}", flush=True
                )


if __name__ == "__main__":
    main()
