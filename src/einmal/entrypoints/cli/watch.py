"""The configuration file, read again when it changes: a salon's new hours need no restart.

A file that is wrong changes nothing: what is in force stays, and the log says once what is wrong. The same where a
new tenant's event types cannot be had; that is tried again.
"""

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from einmal.adapters.calcom.services import NoServices
from einmal.adapters.telemetry.logs import channel
from einmal.ports import CommitUnknown, LedgerUnavailable
from einmal.settings import BadSettings, read_settings
from einmal.wiring import Gateway

EVERY_SECONDS: Final = 2.0
_Stamp = tuple[int, int, int]


async def watch_configuration(
    gateway: Gateway,
    stop: asyncio.Event,
    environment: Mapping[str, str] = os.environ,
    every_seconds: float = EVERY_SECONDS,
) -> None:
    """Adopt what the file says whenever it has changed, until told to stop. Without a file, nothing."""
    path = gateway.settings.config
    if path is None:
        return
    # None: what was read at the start may have changed since.
    seen: _Stamp | None = None
    while not stop.is_set():
        try:
            await asyncio.wait_for(stop.wait(), every_seconds)
        except TimeoutError:
            stamp = _stamp(path)
            if stamp != seen and await _adopted(gateway, environment):
                seen = stamp


async def _adopted(gateway: Gateway, environment: Mapping[str, str]) -> bool:
    """Whether this change is dealt with: taken, or refused for good."""
    try:
        settings = await asyncio.to_thread(read_settings, environment)
    except BadSettings as wrong:
        fields = {"problems": wrong.problems}
        channel("alerts").error("the configuration is wrong; the one before stays in force", extra={"fields": fields})
        return True
    known = gateway.settings.configuration
    if settings.configuration is None or settings.configuration == known:
        return True
    try:
        await gateway.adopt(settings.configuration)
    except (NoServices, LedgerUnavailable, CommitUnknown) as failure:
        why = {"why": str(failure)}
        channel("alerts").error("the configuration cannot be taken yet", extra={"fields": why})
        return False
    served = [one.tenant.tenant_id for one in gateway.tenancies.all]
    channel("http").info("configuration in force", extra={"fields": {"tenants": served}})
    return True


def _stamp(path: Path) -> _Stamp | None:
    """What tells one state of the file from another; None where there is none just now."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
