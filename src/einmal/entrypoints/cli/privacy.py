"""`einmal privacy export|erase`: what one tenant's ledger holds of one person, given to them or erased.

It asks nothing of the calendar and of nobody else: where their copies lie, it says. Nobody is named in a message.
"""

import asyncio
import json
import os
import sys
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from einmal.adapters.sql.ledger import SqlLedger
from einmal.adapters.sql.tenants import SealedAway
from einmal.beside import open_ledger
from einmal.domain.keys import person_key
from einmal.domain.model import Person
from einmal.entrypoints.cli.ledger import unusable_ledger
from einmal.entrypoints.cli.privacy_shown import SEVERAL, as_copy, erasure_data, names_held, print_erasure
from einmal.ports import CommitUnknown, LedgerUnavailable
from einmal.ports.forgetting import Whom
from einmal.settings import Settings
from einmal.speech.contact import OddAddress, email_address, phone_number, region_of_zone

FOUND: Final = 1
USAGE: Final = 2
COULD_NOT_LOOK: Final = 4


@dataclass(frozen=True, slots=True)
class Asked:
    """Of whom, as it was typed; whatever of it is there counts."""

    phone: str | None
    email: str | None
    call_id: str | None
    tenant_id: str | None


SCRUBS_MAX: Final = 20
SCRUB_AGAIN_SECONDS: Final = 0.1
"""Callers read the ledger for some milliseconds at a time; a backup for longer."""

_READ_FOR_LONG: Final = """einmal: it is erased, but something reads the ledger's file for long, such as a backup.
Until that ends, the -wal file beside it holds what was there before: say this again then, and it is emptied."""


class _NotAsked(Exception):
    """What is wrong with the question, in words for the operator."""


def privacy_export(settings: Settings, asked: Asked, out: Path | None) -> int:
    """Exit code 0 whether or not anything is held; the copy says which."""

    async def work(ledger: SqlLedger) -> int:
        tenant, whom = await _whom(settings, ledger, asked)
        now = datetime.now(UTC)
        held = await ledger.forgetting.held(tenant, whom, now)
        text = json.dumps(as_copy(tenant, whom, held, now), indent=2, ensure_ascii=False)
        if out is None:
            print(text)
        else:
            _written(out, text)
            found = f"All that is held of them stands in {out}."
            print(f"Nothing is held of this person; {out} says so." if held.is_empty else found)
        if (count := names_held(held)) > 1:
            print(SEVERAL.format(count=count), file=sys.stderr)
        return 0

    return _with_ledger(settings, work)


def privacy_erase(settings: Settings, asked: Asked, *, apply: bool, as_json: bool) -> int:
    """Exit code 1 where something is in the way, and nothing was erased."""

    async def work(ledger: SqlLedger) -> int:
        tenant, whom = await _whom(settings, ledger, asked)
        now = datetime.now(UTC)
        held = await (ledger.forgetting.erase if apply else ledger.forgetting.held)(tenant, whom, now)
        done = apply and not held.stands and not held.is_empty
        # Also where nothing is held any more: the last time somebody may have read.
        clean = not apply or bool(held.stands) or await _scrubbed(ledger)
        if as_json:
            print(json.dumps(erasure_data(tenant, whom, held, done=done), indent=2, ensure_ascii=False))
        else:
            zone = next((one.time_zone for one in settings.tenants if one.tenant_id == tenant), settings.timezone)
            print_erasure(whom, held, zone, done=done)
        if not clean:
            print(_READ_FOR_LONG, file=sys.stderr)
        return FOUND if held.stands else 0

    return _with_ledger(settings, work)


async def _scrubbed(ledger: SqlLedger) -> bool:
    for _ in range(SCRUBS_MAX):
        if await ledger.forgetting.scrub():
            return True
        await asyncio.sleep(SCRUB_AGAIN_SECONDS)
    return False


async def _whom(settings: Settings, ledger: SqlLedger, asked: Asked) -> tuple[str, Whom]:
    """Of which tenant, and by which hashes. Raises _NotAsked."""
    if asked.phone is None and asked.email is None and not asked.call_id:
        raise _NotAsked("say of whom: --phone or --email, or --call where the number was withheld")
    tenants, tenant_id = await ledger.tenant_ids(), asked.tenant_id
    if tenant_id is None and len(tenants) != 1:
        raise _NotAsked(f"say whose customer it is with --tenant: {', '.join(tenants)}" if tenants else _NOBODY)
    if tenant_id is not None and tenant_id not in tenants:
        raise _NotAsked(f"there is no tenant {tenant_id!r}; there are {', '.join(tenants)}" if tenants else _NOBODY)
    tenant = tenant_id or tenants[0]
    zone = next((one.time_zone for one in settings.tenants if one.tenant_id == tenant), settings.timezone)
    number, address = _number(asked.phone, zone), _address(asked.email)
    hash_key = await ledger.importing.hash_key(tenant)
    assert hash_key is not None  # noqa: S101 - the tenant's row is there
    key = person_key(Person("", number, address), None, hash_key)
    return tenant, Whom(number, key.phone_hash, address, key.email_hash, asked.call_id)


_NOBODY: Final = "the ledger has served nobody yet"


def _number(phone: str | None, zone: str) -> str | None:
    if phone is None:
        return None
    number = phone_number(phone, region_of_zone(zone))
    if number is None:
        raise _NotAsked("--phone is no number that a caller can have; say +49 30 901820, or 030 901820")
    return number


def _address(email: str | None) -> str | None:
    if email is None:
        return None
    try:
        return email_address(email)
    except OddAddress:
        raise _NotAsked("--email is no address; say anna@example.org") from None


def _written(out: Path, text: str) -> None:
    """A new file, readable by nobody else from its first moment. Raises _NotAsked."""
    try:
        with os.fdopen(os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(text + "\n")
    except FileExistsError:
        raise _NotAsked(f"{out} is there already; name a new file") from None
    except OSError as error:
        raise _NotAsked(f"{out} cannot be written: {error.strerror}") from None


def _with_ledger(settings: Settings, work: Callable[[SqlLedger], Coroutine[Any, Any, int]]) -> int:
    unusable = unusable_ledger(settings)
    if unusable is not None:
        print(f"einmal: {unusable}", file=sys.stderr)
        return COULD_NOT_LOOK
    ledger = open_ledger(settings)
    try:
        return asyncio.run(work(ledger))
    except _NotAsked as why:
        print(f"einmal: {why}", file=sys.stderr)
        return USAGE
    except SealedAway as why:
        print(f"einmal: {why}", file=sys.stderr)
        return COULD_NOT_LOOK
    except (LedgerUnavailable, CommitUnknown):
        print("einmal: the ledger does not answer; it is safe to ask again", file=sys.stderr)
        return COULD_NOT_LOOK
    finally:
        ledger.close()
