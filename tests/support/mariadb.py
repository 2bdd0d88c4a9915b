"""A real MariaDB server for the tests: its own, on loopback, in a folder of its own, gone when they end.

MariaDB does not like to run as root: where the tests do, the server runs as `nobody`. Its system tables are made by
the server itself in a moment, so that Debian's mariadb-server-core is enough, which starts no service of its own.
"""

import atexit
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any, Final

import pymysql
from pymysql.constants import CLIENT

NOBODY: Final = 65534
MARK: Final = "einmal_test"
SYSTEM_TABLES: Final = Path("/usr/share/mysql")

_NUMBERS: Final = count(1)
_SETTINGS: Final = (
    # It need not survive a power cut.
    "--no-defaults",
    "--innodb-flush-log-at-trx-commit=0",
    "--innodb-flush-method=nosync",
    "--skip-innodb-doublewrite",
    "--innodb-log-file-size=48M",
    "--aria-log-file-size=8M",
    "--innodb-buffer-pool-size=128M",
)


@dataclass(frozen=True, slots=True)
class MariaServer:
    port: int

    def url(self, database: str, user: str = "root") -> str:
        return f"mariadb://{user}@127.0.0.1:{self.port}/{database}"

    def create(self) -> str:
        """A new empty test database; its URL."""
        name = f"{MARK}_{next(_NUMBERS)}"
        self.run("mysql", f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
        return self.url(name)

    def drop(self, url: str) -> None:
        name = url.rpartition("/")[2]
        assert name.startswith(MARK)
        self.run("mysql", f"DROP DATABASE {name}")

    def run(self, database: str, statements: str) -> list[tuple[Any, ...]]:
        """What the last of these statements returns."""
        connection = pymysql.connect(
            host="127.0.0.1",
            port=self.port,
            user="root",
            database=database,
            client_flag=CLIENT.MULTI_STATEMENTS,
            autocommit=True,
            ssl_disabled=True,
        )
        try:
            with connection.cursor() as cursor:
                cursor.execute(statements)
                rows = cursor.fetchall()
                while cursor.nextset():
                    rows = cursor.fetchall()
                return [tuple(row) for row in rows]
        finally:
            connection.close()


@cache
def the_server() -> MariaServer:
    """Started when first wanted, once for a whole test run."""
    stack = ExitStack()
    server = stack.enter_context(mariadb_server())
    atexit.register(stack.close)
    return server


@contextmanager
def mariadb_server(*settings: str) -> Iterator[MariaServer]:
    """A server with these settings beside its own."""
    folder = Path(tempfile.mkdtemp(prefix="einmal-maria-"))
    folder.chmod(0o755)
    data = folder / "data"
    data.mkdir(mode=0o700)
    if os.getuid() == 0:
        os.chown(data, NOBODY, NOBODY)
    program = shutil.which("mariadbd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/libexec")
    assert program is not None, "mariadbd is missing: on Debian, apt-get install mariadb-server-core"
    own = (program, *_SETTINGS, f"--datadir={data}", *settings)
    _make_system_tables(own)
    port = _free_port()
    process = _started((*own, f"--port={port}"), folder, port)
    try:
        yield MariaServer(port)
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _make_system_tables(own: Sequence[str]) -> None:
    names = ("mysql_system_tables.sql", "mysql_system_tables_data.sql")
    script = "CREATE DATABASE mysql;\nUSE mysql;\nSET @auth_root_socket=NULL;\n"
    script += "".join((SYSTEM_TABLES / name).read_text() for name in names)
    subprocess.run(
        [*own, "--bootstrap", "--enforce-storage-engine="],
        input=script.encode(),
        check=True,
        capture_output=True,
        cwd="/",
        **_as_nobody(),
    )


def _started(command: Sequence[str], folder: Path, port: int) -> "subprocess.Popen[bytes]":
    more = ["--bind-address=127.0.0.1", "--skip-name-resolve", f"--socket={folder / 'data' / 'socket'}"]
    with (folder / "log").open("ab") as log:
        process: subprocess.Popen[bytes] = subprocess.Popen(
            [*command, *more], stdout=log, stderr=log, cwd="/", **_as_nobody()
        )
    until = time.monotonic() + 60
    while time.monotonic() < until and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return process
    raise RuntimeError((folder / "log").read_text()[-2000:])


def _as_nobody() -> dict[str, Any]:
    return {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.getuid() == 0 else {}


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])
