"""The configuration file, read again when it changes: a salon's new hours need no restart.

A file that is wrong changes nothing: what is in force stays, and the log says once what is wrong. A tenant whose event
types cannot be had now stays as it was, or is left out, and is tried again each minute.
"""

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from einmal.adapters.telemetry.logs import channel
from einmal.settings import BadSettings, read_settings
from einmal.wiring import CannotAdopt, Gateway

EVERY_SECONDS: Final = 2.0

LOOKS_BETWEEN: Final = 30
"""A minute, until what could not be had is asked for again: each try asks Cal.com."""

_Stamp = tuple[int, int, int]


async def watch_configuration(
    gateway: Gateway,
    stop: asyncio.Event,
    environment: Mapping[str, str] = os.environ,
    every_seconds: float = EVERY_SECONDS,
) -> None:
    """Adopt what the file says whenever it has changed, until told to stop. Without a file, nothing.

    A file is read once it has been still for two looks: one that is being written is half a configuration.
    """
    path = gateway.settings.config
    if path is None:
        return
    # None: what was read at the start may have changed since.
    dealt_with: _Stamp | None = None
    before: _Stamp | None = None
    looks_to_wait = 0
    while not stop.is_set():
        try:
            await asyncio.wait_for(stop.wait(), every_seconds)
        except TimeoutError:
            stamp = _stamp(path)
            still, before = stamp == before, stamp
            looks_to_wait -= 1
            if stamp is None or not still or (stamp == dealt_with and looks_to_wait != 0):
                continue
            dealt_with, looks_to_wait = stamp, 0
            if not await _adopted(gateway, environment):
                looks_to_wait = LOOKS_BETWEEN


async def _adopted(gateway: Gateway, environment: Mapping[str, str]) -> bool:
    """Whether this change is dealt with: taken, or refused for good."""
    was = [one.configuration for one in gateway.tenancies.all]
    try:
        settings = await asyncio.to_thread(read_settings, environment)
        waiting = await gateway.adopt(settings)
    except BadSettings as wrong:
        fields = {"problems": wrong.problems}
        channel("alerts").error("the configuration is wrong; the one before stays in force", extra={"fields": fields})
        return True
    except CannotAdopt as why:
        fields = {"problems": [str(why)]}
        channel("alerts").error(
            "the configuration is not taken; the one before stays in force", extra={"fields": fields}
        )
        return True
    except Exception as failure:  # noqa: BLE001 - a change that cannot be taken must not end the looking
        fields = {"problems": [type(failure).__name__]}
        channel("alerts").error("the configuration cannot be taken yet", extra={"fields": fields})
        return False
    if [one.configuration for one in gateway.tenancies.all] != was:
        served = [one.tenant.tenant_id for one in gateway.tenancies.all]
        channel("http").info("configuration in force", extra={"fields": {"tenants": served}})
    return not waiting


def _stamp(path: Path) -> _Stamp | None:
    """What tells one state of the file from another; None where there is none just now."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
