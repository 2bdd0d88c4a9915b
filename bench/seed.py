"""A ledger filled with as many bookings as it would hold after years, each as the gateway itself writes one.

One real booking is the model: every table it left a row in is filled with copies of that row, in which ids, hashes,
times, phones and names are replaced by those of booking number n. So a column that is new needs no change here unless
it must be different in each row. One in ten is still to come; the others lie behind, a minute apart.
"""

import contextlib
import hashlib
import sqlite3
import subprocess
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from contenders import Contender

TABLES: Final = ("customers", "calls", "intents", "attempts", "appointments", "facts")
AT_ONCE: Final = 500_000
_BASE: Final = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)

_START: Final = "CASE WHEN n % 10 = 0 THEN 2880 + n / 10 % 700 * 1440 + 420 + n / 7000 % 600 ELSE -n END"
_PERSON: Final = "seed_hash('person', n)"
_CALL: Final = "'call_' || substr(seed_hash('call', n), 1, 16)"
_UID: Final = "substr(seed_hash('uid', n), 1, 22)"
_OPERATION: Final = "seed_hash('operation', n)"
_PHONE: Final = "'+4940' || (20000000 + n)"

COLUMNS: Final = {
    "intent_id": "seed_id('intent', n)",
    "customer_id": "seed_id('customer', n)",
    "appointment_id": "seed_id('appointment', n)",
    "operation_id": _OPERATION,
    "attendee_email": f"'termin+' || {_OPERATION} || '@salon.test'",
    "intent_key": f"substr(seed_at({_START}), 1, 16) || '-' || seed_hash('key', n)",
    "fingerprint": "seed_hash('fingerprint', n)",
    "person_hash": _PERSON,
    "phone_hash": _PERSON,
    "name_hash": "seed_hash('name', n)",
    "name_normal": "'anna gross ' || n",
    "conversation_id": _CALL,
    "call_id": _CALL,
    "booking_uid": _UID,
    "calcom_v2_booking_id": _UID,
    "person_phone": _PHONE,
    "phone": _PHONE,
    "start_at": f"seed_at({_START})",
    "starts_at": f"seed_at({_START})",
    "ends_at": f"seed_at({_START} + 30)",
} | dict.fromkeys(
    ("created_at", "sent_at", "send_deadline", "resolved_at", "answered_at", "confirmed_at", "first_seen_at"),
    "seed_at(-n - 1440)",
)
"""How booking number n differs from the model, in whichever table the column stands."""

# STABLE and not IMMUTABLE: only so does the server put their bodies in their place, which is ten times quicker.
POSTGRES_FUNCTIONS: Final = f"""
    CREATE FUNCTION seed_hash(salt text, n bigint) RETURNS text LANGUAGE sql STABLE AS $$ SELECT md5(salt || n) $$;
    CREATE FUNCTION seed_id(salt text, n bigint) RETURNS text LANGUAGE sql STABLE AS
        $$ SELECT '00' || lpad(to_hex(n), 8, '0') || substr(md5(salt || n), 1, 16) $$;
    CREATE FUNCTION seed_at(minutes bigint) RETURNS text LANGUAGE sql STABLE AS
        $$ SELECT to_char(timestamp '{_BASE:%Y-%m-%d}' + minutes * interval '1 minute', 'YYYY-MM-DD"T"HH24:MI:00.000"Z"') $$;
"""  # noqa: E501 - one function a line


def seed_hash(salt: str, n: int) -> str:
    return hashlib.md5(f"{salt}{n}".encode()).hexdigest()


def seed_id(salt: str, n: int) -> str:
    """In the order of time like the gateway's own, and before them all."""
    return f"00{n:08x}{seed_hash(salt, n)[:16]}"


def seed_at(minutes: int) -> str:
    day, minute = divmod(minutes, 1440)
    return f"{_day(day)}T{minute // 60:02}:{minute % 60:02}:00.000Z"


@lru_cache(maxsize=4096)
def _day(number: int) -> str:
    return f"{_BASE + timedelta(days=number):%Y-%m-%d}"


def fill(one: Contender, rows: int) -> None:
    """Bookings 1 to `rows`, into a ledger that holds one real booking. Its gateway does not run."""
    if isinstance(one.where, Path):
        _fill_sqlite(one.where, rows)
    else:
        _fill_postgres(one, rows)


def _copies(table: str, columns: list[str], numbers: str) -> str:
    names = ", ".join(columns)
    values = ", ".join(COLUMNS.get(name, f"model.{name}") for name in columns)
    return f"INSERT INTO {table} ({names}) SELECT {values} FROM {numbers}, (SELECT * FROM {table} LIMIT 1) AS model"


def _fill_postgres(one: Contender, rows: int) -> None:
    script = ["SET session_replication_role = replica", "SET maintenance_work_mem = '512MB'", POSTGRES_FUNCTIONS]
    later = []
    for table in TABLES:
        columns = one.asked_of_database(
            f"SELECT string_agg(column_name, ',' ORDER BY ordinal_position) FROM information_schema.columns "
            f"WHERE table_schema = 'public' AND table_name = '{table}' AND is_identity = 'NO' "
            f"AND coalesce(column_default, '') NOT LIKE 'nextval%'"
        ).split(",")
        # Indexes are dropped and made again: kept, they would make of minutes an hour.
        indexes = one.asked_of_database(
            f"SELECT indexname || '=' || indexdef FROM pg_indexes WHERE tablename = '{table}' "
            f"AND indexname NOT IN (SELECT conname FROM pg_constraint)"
        ).splitlines()
        for line in indexes:
            name, _, definition = line.partition("=")
            script.append(f"DROP INDEX {name}")
            later.append(definition)
        for first in range(1, rows + 1, AT_ONCE):
            numbers = f"generate_series({first}::bigint, {min(rows, first + AT_ONCE - 1)}) AS n"
            script.append(_copies(table, columns, numbers))
    script += [*later, "DROP FUNCTION seed_hash, seed_id, seed_at", "VACUUM ANALYZE", "CHECKPOINT"]
    server = one.ground.server
    done = subprocess.run(
        [server.programs / "psql", "-XAtq", "-v", "ON_ERROR_STOP=1", str(one.where)],
        input=";\n".join(script) + ";\n",
        capture_output=True,
        check=False,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])


def _fill_sqlite(path: Path, rows: int) -> None:
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as ledger:
        for function in (seed_hash, seed_id, seed_at):
            ledger.create_function(function.__name__, function.__code__.co_argcount, function, deterministic=True)
        _say(ledger, "PRAGMA journal_mode = OFF", "PRAGMA cache_size = -1000000", "PRAGMA foreign_keys = OFF", "BEGIN")
        later = []
        for table in TABLES:
            columns = [row[1] for row in ledger.execute(f"PRAGMA table_info({table})") if row[1] != "fact_id"]
            indexes = ledger.execute(
                "SELECT name, sql FROM sqlite_master WHERE tbl_name = ? AND type = 'index'", (table,)
            )
            for name, definition in indexes.fetchall():
                if definition is not None:
                    ledger.execute(f"DROP INDEX {name}")
                    later.append(definition)
            numbers = (
                f"(WITH RECURSIVE upto(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM upto WHERE n < {rows}) "
                "SELECT n FROM upto)"
            )
            ledger.execute(_copies(table, columns, numbers))
        _say(ledger, *later, "COMMIT", "PRAGMA journal_mode = WAL")


def _say(ledger: Any, *statements: str) -> None:
    for statement in statements:
        ledger.execute(statement)
