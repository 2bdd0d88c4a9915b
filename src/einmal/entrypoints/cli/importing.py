"""`einmal import`: another program's appointments become known to the ledger. Plan first, done only with --apply."""

import argparse
import asyncio
import contextlib
import json
import os
import secrets
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import groupby
from typing import Final
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars

from einmal.adapters.sql import migrate
from einmal.adapters.sql.ledger import SqlLedger
from einmal.adapters.sql.tenants import SealedAway
from einmal.adapters.system import SystemClock
from einmal.adapters.tables.groups import Spool
from einmal.adapters.tables.old_rows import NotThere, read_rows, rows_in
from einmal.adapters.tables.old_words import OldWords
from einmal.adapters.tables.place import BadPlace, CouldNotLook, carried_out, place_of
from einmal.beside import open_ledger
from einmal.configuration import BadConfiguration, TenantConfiguration
from einmal.configuration.importing import ImportMapping, example, problem_at, read_mapping
from einmal.configuration.read import text_of
from einmal.entrypoints.cli.import_shown import plain, print_tally
from einmal.entrypoints.cli.ledger import unusable_ledger
from einmal.entrypoints.cli.tables import CONSTRAINT_MISSING, COULD_NOT_LOOK, USAGE, complain
from einmal.flows.take_over import TakingOver, Tally
from einmal.ports import CommitUnknown, LedgerUnavailable
from einmal.settings import Settings
from einmal.speech.contact import phone_number, region_of_zone

FOUND: Final = 1
STOPPED: Final = 130
"""As a shell has it, of what was interrupted."""

Told = Callable[[int], None]


def print_example() -> int:
    print(example(), end="")
    return 0


class CannotImport(Exception):
    """LeftWhy there is nothing to begin with. `code` is the exit code."""

    def __init__(self, why: str, code: int) -> None:
        super().__init__(why)
        self.code = code


def import_(arguments: argparse.Namespace, settings: Settings) -> int:
    """Exit code 1 where rows are left out that nobody said to skip, 2 for a wrong mapping, 3 where it shall be applied
    and layer 4 is off, 4 where a database could not be read or written."""
    try:
        return _run(arguments, settings)
    except BadConfiguration as wrong:
        _show_wrong(wrong)
        code = USAGE
    except CannotImport as why:
        complain(why)
        code = why.code
    except CouldNotLook as why:
        complain(why)
        code = COULD_NOT_LOOK
    except SealedAway as why:
        complain(why)
        code = COULD_NOT_LOOK
    except (LedgerUnavailable, CommitUnknown) as why:
        complain(f"the ledger does not answer ({type(why).__name__}); run it again, it goes on where it was")
        code = COULD_NOT_LOOK
    except KeyboardInterrupt:
        complain("stopped; run it again, it goes on where it was")
        code = STOPPED
    return code


def _run(arguments: argparse.Namespace, settings: Settings) -> int:
    if arguments.file is None:
        raise CannotImport("say which FILE maps the columns; `einmal import --example` prints one", USAGE)
    if arguments.limit < 0:
        raise CannotImport("--limit must be 0 or more", USAGE)
    unusable = unusable_ledger(settings)
    if unusable is not None:
        raise CannotImport(unusable, COULD_NOT_LOOK)
    if arguments.apply and not migrate.has_layer_4(settings.ledger_at):
        why = "layer 4 is off, and without it one booking could get into two rows; run `einmal db upgrade`"
        raise CannotImport(why, CONSTRAINT_MISSING)
    return asyncio.run(_on_the_ledger(arguments, settings))


async def _on_the_ledger(arguments: argparse.Namespace, settings: Settings) -> int:
    ledger = open_ledger(settings)
    try:
        return await _import(arguments, settings, ledger)
    finally:
        ledger.close()
        await asyncio.sleep(0)  # its sockets are let go of in the next turn of the loop


async def _import(arguments: argparse.Namespace, settings: Settings, ledger: SqlLedger) -> int:
    file_name, text = str(arguments.file), text_of(arguments.file)
    tenants = [await _with_services(tenant, ledger) for tenant in settings.tenants]
    mapping = read_mapping(text, file_name, os.environ, tenants, _check_url)
    place = place_of(mapping.url.reveal())
    with Spool() as spool:
        try:
            with _progress("reading", None) as told:

                def read() -> None:
                    carried_out(place, lambda connection: read_rows(connection, place.kind, mapping.old, spool, told))

                # In a thread of its own: a database of the other kind has a loop of its own there.
                await asyncio.to_thread(read)
        except NotThere as wrong:
            raise problem_at(text, file_name, wrong.key, str(wrong)) from wrong
        tally = await _taken_over(mapping, spool, ledger, arguments.limit, apply=arguments.apply)
    title, source = f"{place.shown}, {mapping.old.table}", mapping.source
    if source != mapping.old.table:
        title = f"{title} as {source}"
    if arguments.json:
        print(json.dumps(plain(title, source, tally, applied=arguments.apply), indent=2, ensure_ascii=False))
    else:
        print_tally(title, source, tally, applied=arguments.apply)
    return FOUND if tally.unwanted else 0


async def _with_services(tenant: TenantConfiguration, ledger: SqlLedger) -> TenantConfiguration:
    """With the services of the last start, where the settings name none."""
    return tenant if tenant.services else replace(tenant, services=await ledger.known_services(tenant.tenant_id))


def _check_url(url: str) -> None:
    try:
        place_of(url)
    except BadPlace as wrong:
        raise ValueError(str(wrong).removeprefix("--url: ")) from wrong


async def _taken_over(mapping: ImportMapping, spool: Spool, ledger: SqlLedger, limit: int, *, apply: bool) -> Tally:
    tenant, clock = mapping.tenant, SystemClock()
    region = region_of_zone(tenant.time_zone)
    words = OldWords(
        tenant_id=tenant.tenant_id,
        source=mapping.source,
        zone=ZoneInfo(mapping.time_zone),
        region=region,
        services=mapping.services,
        statuses=mapping.statuses,
        has_status=mapping.old.status is not None,
        nobodys=frozenset(phone_number(text, region) or text for text in mapping.nobodys),
        house_email=tenant.house_email,
        house_numbers=frozenset(tenant.numbers),
    )
    hash_key = await ledger.importing.hash_key(tenant.tenant_id)
    if hash_key is None:
        # Of a plan nothing is kept, so that any key does.
        hash_key = secrets.token_bytes(32)
        if apply:
            hash_key = await ledger.ensure_tenant(tenant.tenant_id, tenant.name, tenant.services, clock.now())
    taking = TakingOver(tenant.tenant_id, hash_key, ledger.importing, clock)
    rows = words.read(rows_in(spool), clock.now())
    with _progress("taking over" if apply else "comparing", spool.length) as told:
        return await (taking.apply if apply else taking.plan)(rows, limit, told)


@contextlib.contextmanager
def _progress(what: str, total: int | None) -> Iterator[Told]:
    """Somebody who waits at a terminal sees how far it is."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Bars(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        bar = bars.add_task(what, total=total)
        yield lambda rows: bars.update(bar, completed=rows)


def _show_wrong(wrong: BadConfiguration) -> None:
    """What is wrong in a line, and below it the line."""
    for line, group in groupby(wrong.problems, key=lambda problem: problem.line):
        problems = list(group)
        for problem in problems:
            print(wrong.tell(problem), file=sys.stderr)
        text = wrong.line_of(problems[0])
        if text is not None:
            print(f"  {line:>4} | {text.strip()}\n", file=sys.stderr)
