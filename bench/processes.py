"""Processes of a benchmark: started on loopback, read from /proc, stopped by their ids and no others."""

import contextlib
import os
import random
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

TICKS: Final = os.sysconf("SC_CLK_TCK")


class Process:
    """One process of ours. Not measured, it is held still: timers of one contender cost the others nothing."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], folder: Path, log: Path) -> None:
        with log.open("ab") as out:
            self._process = subprocess.Popen(
                command, env=os.environ | environment, cwd=folder, stdin=subprocess.DEVNULL, stdout=out, stderr=out
            )
        self.log = log

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def hold(self) -> None:
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self.go_on()
            self._process.terminate()
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _stat(pid: int) -> list[str]:
    # Behind the name, which may hold spaces.
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def cpu_seconds(pid: int) -> float:
    """Of the process, its threads and its children, those that ended among them."""
    ticks = 0
    with contextlib.suppress(OSError):
        ticks += sum(map(int, _stat(pid)[11:15]))
    for child in children(pid):
        with contextlib.suppress(OSError):
            ticks += sum(map(int, _stat(child)[11:13]))
    return ticks / TICKS


def children(pid: int) -> list[int]:
    with contextlib.suppress(OSError):
        threads = Path(f"/proc/{pid}/task").iterdir()
        return [int(child) for thread in threads for child in (thread / "children").read_text().split()]
    return []


def rss_bytes(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) * 1024


def free_port() -> int:
    """Below those that the system gives to whoever connects: by the time a process is up another's connection may have
    taken such a port, or one that asks whether somebody listens there may have been made from it to itself."""
    lowest = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    ports = range(10_000, lowest) if lowest > 11_000 else [0]
    while True:
        with socket.socket() as taken, contextlib.suppress(OSError):
            taken.bind(("127.0.0.1", random.choice(ports)))
            return int(taken.getsockname()[1])


def wait_until_it_answers(port: int, process: Process, path: str = "/", seconds: float = 30.0) -> None:
    """Until it answers a GET, if only that there is no such path. Raises RuntimeError with the last of its log."""
    until = time.monotonic() + seconds
    while time.monotonic() < until and process.alive:
        with contextlib.suppress(OSError):
            if asked("GET", port, path):
                return
        time.sleep(0.01)
    raise RuntimeError(f"{process.log.name}: does not answer\n{process.log.read_text()[-3000:]}")


def asked(method: str, port: int, path: str, timeout: float = 5.0) -> bytes:
    """The body of the answer. Raises OSError where nobody listens, or who listens is not ready."""
    with socket.create_connection(("127.0.0.1", port), timeout) as wire:
        if wire.getsockname() == wire.getpeername():
            raise OSError("connected to itself: nobody listens")
        wire.sendall(f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
        said = b""
        while b"\r\n\r\n" not in said:
            part = wire.recv(65536)
            if not part:
                raise OSError("hung up")
            said += part
        head, _, content = said.partition(b"\r\n\r\n")
        if head.split(b" ", 2)[1] == b"503":
            raise OSError("not ready")
        length = next((line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), b":0")
        while len(content) < int(length.partition(b":")[2]):
            content += wire.recv(65536)
        return content or b"-"


def rest(pid: int, seconds: float = 5.0) -> None:
    """Until the process does next to nothing: what is left of its round is not to burn the next one's time."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        before = cpu_seconds(pid)
        time.sleep(0.1)
        if cpu_seconds(pid) - before <= 0.01:
            return
