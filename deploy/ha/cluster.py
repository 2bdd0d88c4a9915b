#!/usr/bin/env python3
"""Three nodes on loopback: etcd, Patroni and PostgreSQL on each, and an HAProxy that leads to whoever leads.

    deploy/ha/cluster.py up --folder /tmp/ha [--mode strict|async]
    deploy/ha/cluster.py status|kill-leader|start|down --folder /tmp/ha

From Debian's packages: apt-get install postgresql patroni etcd-server haproxy. `up` prints the ledger's URL. It is what
a set-up on three machines looks like, with the same files, and what `make soak LEG=ha` breaks; it is no place to keep
anything: one machine holds it all. `kill-leader` kills every process of the node that leads, `start` starts what is
down. `--mode async` is the control: without a synchronous standby an acknowledged booking can be lost.
"""

import argparse
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

if __name__ == "__main__":
    sys.path[:1] = [str(Path(__file__).resolve().parent.parent)]

from ha.member import HOST, Failed, Member, Ports, ended, hand_over, rendered, runs, signal_all, start

NODES: Final = 3
DATABASE: Final = "einmal"
MODES: Final = {"strict": True, "async": False}
PROGRAMS: Final = ("etcd", "patroni", "haproxy")
PACKAGES: Final = "postgresql patroni etcd-server haproxy"


class Cluster:
    """The cluster in a folder, whether it runs or not."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        noted = json.loads((self.folder / "cluster.json").read_text("utf-8"))
        self.url: str = noted["url"]
        self.admin_url: str = noted["admin_url"]
        self.mode: str = noted["mode"]
        self.bin_dir = Path(noted["bin_dir"])
        self.members = [Member(name, self.folder / name, Ports(**ports)) for name, ports in noted["members"].items()]

    @classmethod
    def made(cls, folder: Path, mode: str, connect: Sequence[int] = ()) -> "Cluster":
        """A new one's files in an empty folder. `connect`: ports at which somebody carries what goes between nodes."""
        missing = [name for name in PROGRAMS if shutil.which(name, path=_path()) is None]
        versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
        if missing or not versions:
            raise Failed(f"missing: {', '.join(missing) or 'PostgreSQL'}; on Debian: apt-get install {PACKAGES}")
        folder = folder.resolve()
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise Failed(f"{folder} is not empty")
        hand_over(folder, 0o755)
        ports = free_ports(4 * NODES + 1)
        proxy = ports.pop()
        members = {}
        for number in range(NODES):
            client, peer, postgres, rest = ports[4 * number : 4 * number + 4]
            found_at = connect[number] if connect else postgres
            members[f"node{number + 1}"] = asdict(Ports(client, peer, postgres, found_at, rest))
        words = {name: secrets.token_urlsafe(18) for name in ("rest", "superuser", "replication", "rewind", "einmal")}
        noted = {
            "mode": mode,
            "bin_dir": str(versions[-1].parent),
            "url": f"postgresql://einmal:{words['einmal']}@{HOST}:{proxy}/{DATABASE}",
            "admin_url": f"postgresql://postgres:{words['superuser']}@{HOST}:{proxy}/postgres",
            "members": members,
        }
        (folder / "cluster.json").write_text(json.dumps(noted, indent=1), "utf-8")
        (folder / "cluster.json").chmod(0o600)
        cluster = cls(folder)
        cluster._configure(words, proxy)
        return cluster

    def _configure(self, words: dict[str, str], proxy: int) -> None:
        shared = {
            "etcd_hosts": ",".join(f"{HOST}:{one.ports.client}" for one in self.members),
            "members": ",".join(f"{one.name}=http://{HOST}:{one.ports.peer}" for one in self.members),
            "bin_dir": self.bin_dir,
            "network": f"{HOST}/32",
            "synchronous": str(MODES[self.mode]).lower(),
            "watchdog": "off",
            # Small, for three nodes share one disk here. On machines: a good part of the disk, say 32GB and 1GB.
            "slot_wal": "1GB",
            "keep_wal": "64MB",
            **{f"{name}_password": word for name, word in words.items()},
        }
        for one in self.members:
            one.configure(shared)
        lines = [
            f"    server {one.name} {HOST}:{one.ports.postgres} check port {one.ports.rest}" for one in self.members
        ]
        values = {"host": HOST, "proxy_port": proxy, "servers": "\n".join(lines)}
        (self.folder / "haproxy.cfg").write_text(rendered("haproxy.cfg", values), "utf-8")
        hand_over(self.folder / "haproxy.cfg", 0o644)

    def up(self) -> None:
        """Start all of it, wait until it is whole, and make the database where there is none."""
        self.start()
        self.wait_whole(180.0)
        if self.asked("SELECT 1 FROM pg_database WHERE datname = 'einmal'").strip() == "1":
            return
        word = self.url.split(":")[2].partition("@")[0]
        self.asked(f"CREATE ROLE einmal LOGIN PASSWORD '{word}'")
        self.asked(f"CREATE DATABASE {DATABASE} OWNER einmal")

    def start(self) -> None:
        """Whatever does not run."""
        proxy = self.folder / "haproxy.pid"
        if not (proxy.exists() and runs(int(proxy.read_text("utf-8")))):
            config = str(self.folder / "haproxy.cfg")
            started = start(["haproxy", "-db", "-f", config], self._log("haproxy.log"), {"PATH": _path()})
            proxy.write_text(str(started.pid), "utf-8")
        for one in self.members:
            if not one.processes():
                one.start()

    def _log(self, name: str) -> Path:
        return self.folder / name

    def down(self) -> None:
        """End everything that was started here; the leader last, so that nobody has to take over."""
        leader = self.leader()
        for one in sorted(self.members, key=lambda member: member == leader):
            one.stop()
        proxy = self.folder / "haproxy.pid"
        if proxy.exists():
            pid = int(proxy.read_text("utf-8"))
            if runs(pid) and b"haproxy" in (Path("/proc") / str(pid) / "cmdline").read_bytes():
                signal_all([pid], signal.SIGTERM)
                if not ended([pid], 5.0):
                    signal_all([pid], signal.SIGKILL)
                    ended([pid])

    def view(self) -> list[dict[str, Any]]:
        """The nodes as Patroni sees them, from the first that answers: name, role, state, lag. Empty: none does."""
        for one in self.members:
            answer = _got(f"http://{HOST}:{one.ports.rest}/cluster")
            if answer is not None:
                return list(answer[1].get("members", []))
        return []

    def leader(self) -> Member | None:
        """The node that says so itself, as HAProxy asks for it."""
        for one in self.members:
            answer = _got(f"http://{HOST}:{one.ports.rest}/primary")
            if answer is not None and answer[0] == 200:
                return one
        return None

    def is_whole(self) -> bool:
        """One leads, the others follow it on its timeline, and where commits wait for a standby there is one."""
        view = self.view()
        leaders = [one for one in view if one["role"] == "leader" and one["state"] == "running"]
        others = [one for one in view if one["role"] != "leader"]
        return (
            len(leaders) == 1
            and len(others) == NODES - 1
            and all(one["state"] in {"running", "streaming"} for one in others)
            and all(one.get("timeline") == leaders[0].get("timeline") and _near(one.get("lag")) for one in others)
            and (not MODES[self.mode] or any(one["role"] == "sync_standby" for one in others))
            and self.leader() is not None
            and self._streams() == NODES - 1
        )

    def _streams(self) -> int:
        """How many standbys the leader sends to. Debian's Patroni calls one "running" that follows nobody."""
        try:
            return int(self.asked("SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'"))
        except Failed:
            return 0

    def wait_whole(self, seconds: float = 120.0) -> None:
        self._wait(self.is_whole, seconds, "the cluster to be whole")

    def wait_leader(self, other_than: Member, seconds: float = 120.0) -> Member:
        found: list[Member] = []

        def another() -> bool:
            leader = self.leader()
            found[:] = [] if leader is None or leader == other_than else [leader]
            return bool(found)

        self._wait(another, seconds, "another leader")
        return found[0]

    def _wait(self, ready: Callable[[], bool], seconds: float, what: str) -> None:
        until = time.monotonic() + seconds
        while not ready():
            if time.monotonic() > until:
                raise Failed(f"waited {seconds:.0f} s for {what}; Patroni says: {json.dumps(self.view())}")
            time.sleep(0.2)

    def asked(self, statement: str) -> str:
        """What psql prints for this statement at the leader, through HAProxy."""
        command = [str(self.bin_dir / "psql"), "-XAtq", "-v", "ON_ERROR_STOP=1", "-c", statement, self.admin_url]
        said = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        if said.returncode:
            raise Failed(said.stderr.strip())
        return said.stdout

    def table(self) -> str:
        rows = [f"{'node':8}{'role':16}{'state':12}{'timeline':>8}{'lag':>10}"]
        for one in sorted(self.view(), key=lambda member: str(member["name"])):
            lag, line = one.get("lag", ""), one.get("timeline", "")
            rows.append(f"{one['name']:8}{one['role']:16}{one['state']:12}{line!s:>8}{lag!s:>10}")
        return "\n".join([*rows, f"mode {self.mode}, whole: {'yes' if self.is_whole() else 'no'}"])


def free_ports(number: int) -> list[int]:
    doors = [socket.create_server((HOST, 0)) for _ in range(number)]
    try:
        return [int(door.getsockname()[1]) for door in doors]
    finally:
        for door in doors:
            door.close()


def _near(lag: object) -> bool:
    return isinstance(lag, int) and lag < 1_000_000


def _path() -> str:
    return f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/bin"


def _got(url: str) -> tuple[int, dict[str, Any]] | None:
    """Status and body; None where nobody answers within a second."""
    try:
        with urllib.request.urlopen(url, timeout=1.0) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, {}
    except (OSError, ValueError):
        return None


def carried_out(what: str, folder: Path, mode: str) -> str:
    """What to print. Raises Failed."""
    made = (folder / "cluster.json").exists()
    if not made and what != "up":
        raise Failed(f"{folder} holds no cluster; make one with `up`")
    cluster = Cluster(folder) if made else Cluster.made(folder, mode)
    first = ""
    if what == "up":
        cluster.up()
        first = f"EINMAL_DATABASE_URL={cluster.url}\n"
    elif what == "start":
        cluster.start()
    elif what == "kill-leader":
        leader = cluster.leader()
        if leader is None:
            raise Failed("nobody leads")
        leader.lose()
        first = f"{leader.name} is dead; `start` starts it again\n"
    elif what == "down":
        cluster.down()
        return f"ended; {folder} holds what it knew"
    return first + cluster.table()


def main() -> int:
    parser = argparse.ArgumentParser(description="Three PostgreSQL nodes with Patroni on loopback.")
    parser.add_argument("what", choices=["up", "status", "kill-leader", "start", "down"])
    parser.add_argument("--folder", type=Path, required=True, help="holds everything; `up` wants it empty, or its own")
    parser.add_argument("--mode", choices=list(MODES), default="strict", help="for `up`; async is the control")
    options = parser.parse_args()
    try:
        print(carried_out(options.what, options.folder, options.mode))
    except Failed as why:
        print(f"cluster: {why}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
