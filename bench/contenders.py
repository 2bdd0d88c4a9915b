"""Who is compared: Einmal on both databases, and the baselines, each one process on the same server and calendar.

The PostgreSQL server is the tests' own: fsync on, its settings the defaults, one database for each contender.
"""

import contextlib
import json
import os
import sqlite3
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

BENCH: Final = Path(__file__).parent
ROOT: Final = BENCH.parent
sys.path.insert(0, str(ROOT / "tests"))

from calls import EVENT_TYPE, SERVICE  # noqa: E402
from processes import Process, asked, free_port, wait_until_it_answers  # noqa: E402

from support.postgres import PostgresServer, postgres_server  # noqa: E402

EINMAL: Final = ROOT / ".venv" / "bin" / "python"
BASELINES: Final = {
    "naive": "NAIVE",
    "fast_naive": "fast naive",
    "fa": "FA",
    "l2": "L2",
    "dbos_two_steps": "DBOS",
}
BESIDE: Final = "einmal_beside"
TITLES: Final = {"einmal": "Einmal", "einmal_sqlite": "Einmal, SQLite"} | BASELINES | {"limit": "LIM"}
"""In the order in which they take turns. BESIDE is Einmal from another source tree, for who changes it."""


def title(name: str) -> str:
    return TITLES.get(name, "Einmal, beside")


@dataclass
class Ground:
    """What all stand on: the server, the calendar, a folder."""

    server: PostgresServer
    folder: Path
    calendar: Process
    calendar_port: int

    @property
    def calendar_url(self) -> str:
        return f"http://127.0.0.1:{self.calendar_port}"

    def calendar_counts(self) -> dict[str, int]:
        return json.loads(asked("GET", self.calendar_port, "/control"))

    def calendar_empty(self) -> None:
        """Each contender counts its callers from nothing, so the calendar counts anew for each of its rounds."""
        asked("POST", self.calendar_port, "/control/empty")

    def calendar_latency(self, seconds: float) -> None:
        asked("POST", self.calendar_port, f"/control/latency/{seconds}")

    def database(self, name: str) -> str:
        """A new database of this name; its URL."""
        name = f"bench_{name}"
        self.server.run("postgres", f"CREATE DATABASE {name}")
        return self.server.url(name)


@contextlib.contextmanager
def ground(folder: Path) -> Iterator[Ground]:
    with postgres_server() as server:
        port = free_port()
        command = (sys.executable, str(BENCH / "stub.py"), "--port", str(port))
        calendar = Process(command, {}, BENCH, folder / "stub.log")
        try:
            wait_until_it_answers(port, calendar, "/control")
            yield Ground(server, folder, calendar, port)
        finally:
            calendar.stop()


@dataclass(eq=False)
class Contender:
    """A gateway that runs. `where`: the URL of its PostgreSQL database, or its SQLite file."""

    name: str
    where: str | Path
    ground: Ground
    processes: list[Process] = field(default_factory=list)
    ports: list[int] = field(default_factory=list)
    source: Path | None = None
    """Another tree than this one's."""
    more: dict[str, str] = field(default_factory=dict)
    """Settings beside those of all."""
    first: int = 0
    """Callers are counted on from here, so that none comes twice."""
    repeats_from: int = 0
    """And from here are those who ask again."""

    @property
    def title(self) -> str:
        return title(self.name)

    def rows(self) -> int:
        """The appointments it holds."""
        return int(self.asked_of_database("SELECT count(*) FROM appointments"))

    def asked_of_database(self, query: str) -> Any:
        if isinstance(self.where, Path):
            with contextlib.closing(sqlite3.connect(f"file:{self.where}?mode=ro", uri=True)) as ledger:
                return ledger.execute(query).fetchone()[0]
        return self.ground.server.run(self.where.rpartition("/")[2], query).strip()

    def start(self) -> None:
        """One process more."""
        port = free_port()
        ours = self.name.startswith("einmal")
        command, environment = (self._einmal if ours else self._baseline)(port)
        log = self.ground.folder / f"{self.name}.log"
        process = Process(command, environment, self.ground.folder if ours else BENCH, log)
        self.processes.append(process)
        self.ports.append(port)
        wait_until_it_answers(port, process, "/readyz" if ours else "/")

    def _einmal(self, port: int) -> tuple[list[str], dict[str, str]]:
        services = self.ground.folder / "services.toml"
        services.write_text(
            f'[[services]]\nid = "{EVENT_TYPE}"\nname = "{SERVICE}"\n'
            # Callers are spread over two years, which is further than a house takes wishes by default.
            f"event_type_id = {EVENT_TYPE}\nduration_minutes = 30\nhorizon_days = 800\n"
        )
        where = f"sqlite:///{self.where}" if isinstance(self.where, Path) else self.where
        environment = {
            "EINMAL_DATABASE_URL": where,
            "EINMAL_PORT": str(port),
            "EINMAL_CONFIG": str(services),
            "EINMAL_CALCOM_BASE_URL": self.ground.calendar_url,
            "EINMAL_CALCOM_API_KEY": "cal_test_key",
            "EINMAL_CALCOM_RATE_PER_MINUTE": "0",
            "EINMAL_HOUSE_RATE_PER_MINUTE": "0",
            "EINMAL_CALL_RATE_PER_MINUTE": "0",
            "EINMAL_NUMBER_RATE_PER_MINUTE": "0",
            "EINMAL_BOOKINGS_PER_CALL": "0",
            "EINMAL_ATTENDEE_FALLBACK_EMAIL": "termin@salon.test",
        } | ({} if self.source is None else {"PYTHONPATH": str(self.source)})
        return [str(EINMAL), "-m", "einmal", "serve"], environment | self.more

    def _baseline(self, port: int) -> tuple[list[str], dict[str, str]]:
        command = [sys.executable, "-m", "uvicorn", f"baselines.{self.name}:app", "--port", str(port)]
        command += ["--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "warning"]
        return command, {"DATABASE_URL": str(self.where), "CALENDAR_URL": self.ground.calendar_url}

    def hold(self) -> None:
        for process in self.processes:
            process.hold()

    def go_on(self) -> None:
        for process in self.processes:
            process.go_on()

    def stop(self) -> None:
        for process in self.processes:
            process.stop()
        self.processes, self.ports = [], []


def contender(name: str, ground: Ground, suffix: str = "", source: Path | None = None) -> Contender:
    """On an empty database of its own; not started yet."""
    if name == "einmal_sqlite":
        return Contender(name, ground.folder / f"ledger{suffix}.sqlite3", ground)
    one = Contender(name, ground.database(name + suffix), ground, source=source)
    if name not in {"einmal", BESIDE}:
        ground.server.run(str(one.where).rpartition("/")[2], (BENCH / "baselines" / "schema.sql").read_text())
    return one


def time_to_ready(one: Contender) -> float:
    began = time.monotonic()
    one.start()
    return time.monotonic() - began


def prepare_environment(source: Path | None) -> None:
    """What the person at this machine has set for their own gateway is not for those measured.

    `source`: another src folder to take Einmal from, so that this one can be worked on meanwhile.
    """
    for name in [name for name in os.environ if name.startswith("EINMAL_") or name == "PYTHONPATH"]:
        del os.environ[name]
    if source is not None:
        os.environ["PYTHONPATH"] = str(source.resolve())
