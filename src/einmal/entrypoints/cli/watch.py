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


class Looks:
    """When the file is to be read: once it has been still for two looks, for one that is being written is half a
    configuration; once for each state of it, and again each minute where that state could not be taken."""

    def __init__(self) -> None:
        # None: what was read at the start may have changed since.
        self._dealt_with: _Stamp | None = None
        self._before: _Stamp | None = None
        self._to_wait = 0

    def due(self, stamp: _Stamp | None) -> bool:
        """Whether to read it now. `stamp` tells one state of the file from another; None is no file."""
        still, self._before = stamp == self._before, stamp
        self._to_wait -= 1
        if stamp is None or not still or (stamp == self._dealt_with and self._to_wait != 0):
            return False
        self._dealt_with, self._to_wait = stamp, 0
        return True

    def again(self) -> None:
        """This state could not be taken now."""
        self._to_wait = LOOKS_BETWEEN


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
    looks = Looks()
    while not stop.is_set():
        try:
            await asyncio.wait_for(stop.wait(), every_seconds)
        except TimeoutError:
            if looks.due(_stamp(path)) and not await _adopted(gateway, environment):
                looks.again()


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
