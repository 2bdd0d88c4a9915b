"""`einmal secrets key|seal|rotate`: a key for secrets at rest, a secret sealed with it, and all of them sealed anew.

A secret comes from a prompt or a pipe and never from an argument, where `ps` and the shell's history would have it.
"""

import asyncio
import getpass
import os
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from einmal.adapters.sql.migrate import shown
from einmal.beside import open_ledger
from einmal.configuration.model import DEFAULT_TENANT
from einmal.configuration.references import SECRET_MAX, keyring_of
from einmal.configuration.tenant import KEYS_OF_PLATFORMS
from einmal.entrypoints.cli.ledger import unusable_ledger
from einmal.ports import CommitUnknown, LedgerUnavailable
from einmal.sealed import KEY_VARIABLE, Keyring, SealedAt, looks_sealed, new_key, read_keys
from einmal.settings import Settings
from einmal.settings.given import given, secret_settings

WRONG: Final = 2
COULD_NOT: Final = 4

_ONE: Final = ("calcom_api_key", "calcom_webhook_secret")
_OF_A_PROGRAM: Final = "api_keys.key"
NAMES: Final = (*_ONE, *KEYS_OF_PLATFORMS, _OF_A_PROGRAM)
"""What a tenant's secrets are called in the file."""


def secrets_key() -> int:
    """Print a new key."""
    print(new_key())
    if sys.stdout.isatty():
        print(
            "Keep it where no backup of the ledger and no copy of the configuration goes: whoever loses it loses what\n"
            f"it sealed. Set {KEY_VARIABLE} to it, or {KEY_VARIABLE}_FILE to a file that holds it.",
            file=sys.stderr,
        )
    return 0


def secrets_seal(name: str, tenant_id: str | None, environment: Mapping[str, str] = os.environ) -> int:
    """Read a secret, print what to paste in its place."""
    of_tenant = name in NAMES
    refused = _refusal(name, tenant_id)
    if refused is not None:
        return _wrong(refused)
    keyring = _keyring(environment)
    if keyring is None:
        return WRONG
    value = (getpass.getpass(f"{name}: ") if sys.stdin.isatty() else sys.stdin.read(SECRET_MAX + 1)).strip()
    if not value or len(value) > SECRET_MAX or not value.isprintable() or looks_sealed(value):
        return _wrong(f"a secret is one line of 1 to {SECRET_MAX} letters and signs, and not sealed already")
    tenant_id = tenant_id or DEFAULT_TENANT
    sealed = keyring.seal(value.encode(), f"{tenant_id}/{name}" if of_tenant else name)
    print(_line(name, sealed) if of_tenant else f"{name}={sealed}")
    if of_tenant and sys.stdout.isatty():
        print(
            f"For the tenant {tenant_id} in the file that EINMAL_CONFIG names; it opens nowhere else.", file=sys.stderr
        )
    return 0


def secrets_rotate(settings: Settings, *, write: bool) -> int:
    """Seal with the first key whatever another one sealed, or nobody: in the ledger; in the file where asked to."""
    if not settings.secrets_key:
        return _wrong(f"{KEY_VARIABLE} is not set; make a key with: einmal secrets key")
    unusable = unusable_ledger(settings)
    if unusable is not None:
        return _wrong(unusable, COULD_NOT)
    try:
        count, changed = asyncio.run(_ledger_sealed(settings))
    except (LedgerUnavailable, CommitUnknown) as why:
        return _wrong(f"the ledger {shown(settings.ledger_at)} cannot be used: {why}", COULD_NOT)
    keyring = settings.keyring
    where = shown(settings.ledger_at)
    print(f"{where}: {count} keys of hashes, {changed} of them sealed anew; the key is {keyring.first}")
    old = [one for one in settings.sealed if not keyring.is_newest(one.text)]
    new = {one.text: keyring.seal(keyring.open(one.text, one.place), one.place) for one in old}
    of_settings = [one for one in old if one.place in secret_settings()]
    for one in of_settings:
        print(f"{one.place}={new.pop(one.text)}")
    if of_settings:
        print("Put the lines above where these settings are set.")
    if new and write and settings.config is not None:
        try:
            _written(settings.config, new)
        except OSError as wrong:
            return _wrong(f"{settings.config} cannot be written: {wrong.strerror}", COULD_NOT)
        print(f"{settings.config}: {len(new)} values sealed anew")
    elif new:
        _told([one for one in old if one.text in new], new, settings.config)
        return 0
    if not of_settings and len(settings.secrets_key) > 1:
        print(f"Nothing is sealed with the other key any more: take it out of {KEY_VARIABLE} everywhere.")
    return 0


def _refusal(name: str, tenant_id: str | None) -> str | None:
    settings = [variable for variable in secret_settings() if variable != KEY_VARIABLE]
    if name in NAMES:
        return None
    if name not in settings:
        known = f"{', '.join(NAMES)}, and the settings {', '.join(settings)}"
        return f"{name} is no secret's name; in the file there are {known}"
    return None if tenant_id is None else f"{name} is no tenant's; leave --tenant out"


async def _ledger_sealed(settings: Settings) -> tuple[int, int]:
    ledger = open_ledger(settings)
    try:
        return await ledger.sealed_anew()
    finally:
        ledger.close()


def _keyring(environment: Mapping[str, str]) -> Keyring | None:
    """The environment's; None where it is not right, which has been told then."""
    found = given({name: value for name, value in environment.items() if name.startswith(KEY_VARIABLE)})
    for problem in found.problems:
        print(f"einmal: {problem}", file=sys.stderr)
    text = found.environment.get(KEY_VARIABLE, "")
    if found.problems:
        return None
    if not text.strip():
        _wrong(f"{KEY_VARIABLE} is not set; make a key with: einmal secrets key")
        return None
    try:
        read_keys(text)
    except ValueError as wrong:
        _wrong(f"{KEY_VARIABLE}: {wrong}")
        return None
    return keyring_of(found.environment)


def _line(name: str, sealed: str) -> str:
    reference = f'{{ sealed = "{sealed}" }}'
    if name == _OF_A_PROGRAM:
        return f"key = {reference}"
    return f"{name} = {reference}" if name in _ONE else f"{name} = [{reference}]"


def _told(old: list[SealedAt], new: Mapping[str, str], config: Path | None) -> None:
    for one in old:
        print(f'{one.place}: sealed = "{new[one.text]}"')
    print(f"Put these into {config}, or let `einmal secrets rotate --write` do it.")


def _written(path: Path, new: Mapping[str, str]) -> None:
    """The file with these texts in place of those, all at once: who reads it meanwhile has one or the other."""
    path = path.resolve()
    text, mode = path.read_text("utf-8"), path.stat().st_mode & 0o777
    for before, after in new.items():
        text = text.replace(before, after)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        Path(name).replace(path)
    except OSError:
        with suppress(OSError):
            Path(name).unlink()
        raise


def _wrong(why: str, code: int = WRONG) -> int:
    print(f"einmal: {why}", file=sys.stderr)
    return code
