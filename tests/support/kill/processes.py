"""Real processes: started, killed with SIGKILL, started again. Only those started here are ever ended, by their id."""

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from support.canary import CANARY
from support.kill.wire import Wire

EINMAL: Final = (sys.executable, "-m", "einmal")
FORGETFUL: Final = (sys.executable, str(Path(__file__).with_name("forgetful.py")))
"""The control: the same command with the durable row of an intent switched off."""


def free_port() -> int:
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        return int(door.getsockname()[1])


def clean_environment(**more: str) -> dict[str, str]:
    """This process's, without any setting of a gateway's but those given."""
    return {name: value for name, value in os.environ.items() if not name.startswith("EINMAL_")} | more


def migrate(url: str) -> None:
    """Bring the ledger at this URL to the newest schema, by the command. Raises CalledProcessError."""
    environment = clean_environment(EINMAL_DATABASE_URL=url)
    subprocess.run([*EINMAL, "db", "upgrade"], env=environment, check=True, capture_output=True, timeout=60)


class Place:
    """Where one process runs, again and again. `wire` is its way to the calendar."""

    def __init__(
        self, name: str, command: Sequence[str], folder: Path, environment: dict[str, str], wire: Wire | None = None
    ) -> None:
        self.name = name
        self.wire = wire
        self.killed = 0
        self.ended_by_itself: list[str] = []
        self._command = command
        self._folder = folder
        self._environment = environment
        self._process: asyncio.subprocess.Process | None = None
        self._watch: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start the process. It can be killed from this moment on, long before it listens."""
        with (self._folder / f"{self.name}.log").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                cwd=self._folder,
                env=clean_environment(**self._environment),
                stdout=asyncio.subprocess.DEVNULL,
                stderr=log,
            )
        self._watch = asyncio.create_task(self._watched(self._process))

    async def _watched(self, process: asyncio.subprocess.Process) -> None:
        """A process that ends without being told to is started again, as a supervisor would, and reported."""
        code = await process.wait()
        if process is not self._process:
            return
        lines = (self._folder / f"{self.name}.log").read_text(errors="replace").splitlines()
        self.ended_by_itself.append(f"{self.name} ended by itself with {code}: {lines[-1] if lines else 'no word'}")
        await asyncio.sleep(0.5)
        # Killed meanwhile means started again by the hand that killed it: two of them would share this place.
        if process is self._process:
            await self.start()

    async def kill(self) -> int:
        """SIGKILL; how many of its POSTs had no answer at that moment."""
        process, self._process = self._process, None
        if process is None:
            return 0
        on_the_wire = 0 if self.wire is None else self.wire.posts_under_way
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        self.killed += 1
        return on_the_wire

    async def stop(self) -> None:
        """End it at the end of a round; not one of the kills."""
        await self.kill()
        self.killed -= 1
        if self._watch is not None:
            self._watch.cancel()
        CANARY.hear(f"the log of {self.name}", (self._folder / f"{self.name}.log").read_text(errors="replace"))
