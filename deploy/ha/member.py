"""One node of the cluster: an etcd member and a PostgreSQL that Patroni keeps, as the machine that holds both.

It is started, and it is lost: killed, as when its power goes, or struck silent, as when its network does. Nothing of
it is asked first. Only processes that belong to its folder are ever touched, by their id.
"""

import contextlib
import os
import pwd
import signal
import string
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

HERE: Final = Path(__file__).parent
HOST: Final = "127.0.0.1"
ACCOUNT: Final = "postgres"
"""Who runs everything where root starts it; Debian's package has made this account. Otherwise whoever starts it."""

Started = subprocess.Popen[bytes]


class Failed(Exception):
    """The cluster is not as it should be. Says what was waited for and what was found."""


def rendered(template: str, values: Mapping[str, object]) -> str:
    """The text of this file with each ${name} filled in. Raises KeyError for a name without a value."""
    return string.Template((HERE / template).read_text("utf-8")).substitute(values)


def account() -> dict[str, Any]:
    """For Popen: who to be. PostgreSQL does not run as root, and nothing else here needs to."""
    if os.getuid() != 0:
        return {}
    who = pwd.getpwnam(ACCOUNT)
    return {"user": who.pw_uid, "group": who.pw_gid, "extra_groups": []}


def hand_over(path: Path, mode: int) -> None:
    path.chmod(mode)
    if who := account():
        os.chown(path, who["user"], who["group"])


def start(command: Sequence[str], log: Path, environment: Mapping[str, str] | None = None) -> Started:
    """In a session of its own, so that it outlives the terminal that started it."""
    plain = {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8", "HOME": "/"}
    with log.open("ab") as to:
        return subprocess.Popen(
            command,
            cwd="/",
            env=plain | dict(environment or {}),
            stdin=subprocess.DEVNULL,
            stdout=to,
            stderr=to,
            start_new_session=True,
            **account(),
        )


def signal_all(pids: Sequence[int], number: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def ended(pids: Sequence[int], seconds: float = 20.0) -> bool:
    """Whether all of them end within this time."""
    until = time.monotonic() + seconds
    while any(runs(pid) for pid in pids):
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True


def runs(pid: int) -> bool:
    """Whether there is such a process, and it is not one that only waits to be buried."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
    with contextlib.suppress(OSError):
        return (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[0] not in {"Z", "X"}
    return False


@dataclass(frozen=True, slots=True)
class Ports:
    """`connect` is where the other nodes find PostgreSQL; it differs from `postgres` where a wire lies between."""

    client: int
    peer: int
    postgres: int
    connect: int
    rest: int


@dataclass(frozen=True, slots=True)
class Member:
    """A node. `folder` holds all that is its own."""

    name: str
    folder: Path
    ports: Ports

    @property
    def patroni_yml(self) -> Path:
        return self.folder / "patroni.yml"

    def configure(self, values: Mapping[str, object]) -> None:
        """Write its configuration files. `values`: what all nodes share."""
        self.folder.mkdir(exist_ok=True)
        hand_over(self.folder, 0o700)
        own = {
            "name": self.name,
            "host": HOST,
            "folder": self.folder,
            "client_port": self.ports.client,
            "peer_port": self.ports.peer,
            "postgres_port": self.ports.postgres,
            "connect_port": self.ports.connect,
            "rest_port": self.ports.rest,
        }
        for template in ("patroni.yml", "etcd.env"):
            (self.folder / template).write_text(rendered(template, {**values, **own}), "utf-8")
            hand_over(self.folder / template, 0o600)

    def start(self) -> None:
        """Both of its processes, on whatever its folder holds. Their ids are written down in it."""
        lines = (self.folder / "etcd.env").read_text("utf-8").splitlines()
        settings = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
        started = [
            start(["etcd"], self.folder / "etcd.log", settings),
            start(["patroni", str(self.patroni_yml)], self.folder / "patroni.log"),
        ]
        (self.folder / "pids").write_text(" ".join(str(one.pid) for one in started), "utf-8")

    def processes(self) -> list[int]:
        """Of this node, whatever they are now: its two, what they started, and a PostgreSQL that outlived them."""
        found, parents = set(self._started()), dict[int, int]()
        for one in Path("/proc").iterdir():
            with contextlib.suppress(OSError, IndexError, ValueError):
                pid = int(one.name)
                parents[pid] = int((one / "stat").read_text().rpartition(")")[2].split()[1])
                # A PostgreSQL that outlived its Patroni is nobody's child; it works in its own folder.
                if (one / "cwd").resolve() == self.folder / "data":
                    found.add(pid)
        while more := {pid for pid, parent in parents.items() if parent in found} - found:
            found |= more
        return sorted(pid for pid in found if runs(pid))

    def _started(self) -> list[int]:
        """Those of its first two that are still themselves: an id may have gone to another process since."""
        pids = self.folder / "pids"
        noted = [int(pid) for pid in pids.read_text("utf-8").split()] if pids.exists() else []
        return [pid for pid in noted if runs(pid) and _is_ours(pid)]

    def lose(self) -> None:
        """As when its power goes: all at once, and nobody has time to say goodbye.

        What was written and not flushed survives here, for the machine does; that the disk keeps what was flushed is
        PostgreSQL's and the disk's promise, and not tried by this.
        """
        self.silence()
        signal_all(self.processes(), signal.SIGKILL)
        if not ended(self.processes()):
            raise Failed(f"{self.name} does not end: {self.processes()}")

    def silence(self) -> None:
        """As when its network goes: connections stay, and nothing answers. `lose` ends it."""
        # Twice, for a process that the first pass had not seen yet.
        for _ in range(2):
            signal_all(self.processes(), signal.SIGSTOP)

    def stop(self) -> None:
        """In order: Patroni stops its PostgreSQL and gives the leader's key back. What does not end is killed."""
        patroni = self._started()[1:]
        signal_all(patroni, signal.SIGTERM)
        ended(patroni, 15.0)
        if self.processes():
            self.lose()


def _is_ours(pid: int) -> bool:
    words = (Path("/proc") / str(pid) / "cmdline").read_bytes().split(b"\0")
    return any(word.rpartition(b"/")[2] in {b"etcd", b"patroni"} for word in words[:2])
