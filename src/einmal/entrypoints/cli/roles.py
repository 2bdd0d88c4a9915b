"""`einmal db roles`: SQL for the roles of a ledger on PostgreSQL, printed to be read, or carried out."""

import argparse
import asyncio
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from einmal.adapters.sql.ledger import SCHEMA_HEAD
from einmal.adapters.sql.migrate import SchemaMismatch, schema_version, shown
from einmal.adapters.sql.roles import RoleNames, carry_out, roles_sql, tenant_sql
from einmal.settings import Settings

USAGE: Final = 2
COULD_NOT: Final = 4


def run_roles(arguments: argparse.Namespace, settings: Callable[[], Settings] | None) -> int:
    """Print it, or with settings carry it out there."""
    if (arguments.tenant is None) != (arguments.role is None):
        return _wrong("--tenant and --role belong together", USAGE)
    try:
        if arguments.tenant is None:
            sql = roles_sql(RoleNames(arguments.migrator, arguments.app, arguments.auditor))
        else:
            sql = tenant_sql(arguments.tenant, arguments.role)
    except ValueError as wrong:
        return _wrong(str(wrong), USAGE)
    if settings is None:
        print(sql, end="")
        return 0
    return _applied(sql, settings().ledger_at)


def _applied(sql: str, where: Path | str) -> int:
    if isinstance(where, Path):
        return _wrong(f"{where} is an SQLite file, which has no roles: who may read the file may read it all", USAGE)
    try:
        version = schema_version(where)
        if version != SCHEMA_HEAD:
            there = "no ledger yet" if version is None else f"schema {version}, not {SCHEMA_HEAD}"
            return _wrong(f"{shown(where)}: {there}; run `einmal db upgrade` first", COULD_NOT)
        asyncio.run(carry_out(where, sql))
    except SchemaMismatch as why:
        return _wrong(str(why), COULD_NOT)
    print(f"{shown(where)}: done. A role that is new has no password yet.")
    return 0


def _wrong(why: str, code: int) -> int:
    print(f"einmal: {why}", file=sys.stderr)
    return code
