"""Pages of the documentation, carried out: their commands run in a shell, what they show is held against what comes.

A block of commands is a fence of `sh`. What a reader does beside typing is told to this runner by a comment right
before a fence, which nobody sees on a page:

    <!-- keeps running: TEXT -->   it goes on in a terminal of its own; it is up when TEXT is printed
    <!-- exit code: N -->          the last command of the block ends so, where it is not 0
    <!-- saved as: NAME -->        the block is a file that the reader saves
    <!-- prints -->                the block is what the commands before it print; … stands for anything
"""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
UP_SECONDS: Final = 60
BLOCK_SECONDS: Final = 180

_FENCE: Final = re.compile(
    r"(?:^<!-- (?P<note>[^\n]*?) -->\n)?^```(?P<language>\w*)[^\n]*\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)


@dataclass(frozen=True)
class Block:
    """`note`: what the comment before it says."""

    language: str
    text: str
    note: str

    def told(self, word: str) -> str | None:
        """What the comment says after this word."""
        return self.note.partition(f"{word}: ")[2] if self.note.startswith(f"{word}: ") else None

    @property
    def commands(self) -> bool:
        return self.language == "sh"


def blocks(page: str) -> list[Block]:
    """Every fenced block of a page, by its path in the repository."""
    text = (ROOT / page).read_text("utf-8")
    return [Block(one["language"], one["text"], one["note"] or "") for one in _FENCE.finditer(text)]


@dataclass
class Terminal:
    """Where a page is carried out: a folder that looks like a fresh clone, and an environment of its own.

    `instead` are the few things that cannot be as they are written, such as a port that somebody else may have.
    """

    folder: Path
    instead: Mapping[str, str] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    running: list["subprocess.Popen[str]"] = field(default_factory=list)
    ran: list[str] = field(default_factory=list)
    printed: str = ""

    def carry_out(self, page: str, skipped: frozenset[str] = frozenset()) -> None:
        """From the first block to the last. `skipped`: blocks that begin so are for others to run."""
        for block in blocks(page):
            saved, up = block.told("saved as"), block.told("keeps running")
            if any(block.text.startswith(begin) for begin in skipped):
                continue
            if saved is not None:
                (self.folder / saved).write_text(self._as_here(block.text), "utf-8")
            elif block.note == "prints":
                self.compare(block.text)
            elif block.commands and up is not None:
                self.keep(block.text, up)
            elif block.commands:
                self.run(block.text, int(block.told("exit code") or 0))

    def run(self, text: str, code: int = 0) -> None:
        """One block, as a reader types it: each command must be well, but for the last, which ends with `code`."""
        kept = self.folder / ".environment"
        script = f"set -a; test -e {kept} && . {kept}; set +a; set -e\n{self._as_here(text)}\n"
        # What is exported in one block is there in the next, as in one terminal.
        script += f"code=$?; export -p | grep -v ' \\(PWD\\|OLDPWD\\|SHLVL\\|_\\)=' >{kept}; exit $code"
        done = subprocess.run(
            ["bash", "-c", script],  # noqa: S607 - the reader's own
            cwd=self.folder,
            env=self._environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=BLOCK_SECONDS,
            check=False,
        )
        self.ran.append(text)
        self.printed = done.stdout
        assert done.returncode == code, f"{text}\nended with {done.returncode}, not {code}:\n{done.stdout}"

    def keep(self, text: str, up: str) -> None:
        """A command that goes on, in a terminal of its own."""
        log = self.folder / f".terminal-{len(self.running)}"
        kept = self.folder / ".environment"
        script = f"set -a; test -e {kept} && . {kept}; set +a\n{self._as_here(text)}"
        with log.open("w", encoding="utf-8") as out:
            process = subprocess.Popen(
                ["bash", "-c", script],  # noqa: S607 - the reader's own
                cwd=self.folder,
                env=self._environment(),
                stdout=out,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,
            )
        self.running.append(process)
        self.ran.append(text)
        until = time.monotonic() + UP_SECONDS
        while up not in log.read_text("utf-8"):
            assert process.poll() is None, f"{text}\nended at once:\n{log.read_text('utf-8')}"
            assert time.monotonic() < until, f"{text}\nnever said {up!r}:\n{log.read_text('utf-8')}"
            time.sleep(0.05)
        self.printed = log.read_text("utf-8")

    def compare(self, shown: str) -> None:
        """Each line that is shown was printed, in that order."""
        rest = self.printed.splitlines()
        for line in filter(str.strip, self._as_here(shown).splitlines()):
            pattern = re.compile(".*".join(re.escape(part) for part in line.strip().split("…")))
            while rest and pattern.fullmatch(rest[0].strip()) is None:
                rest.pop(0)
            assert rest, f"not printed: {line}\nbut:\n{self.printed}"
            rest.pop(0)

    def stop(self) -> None:
        """Ctrl-C, in every terminal where something still runs."""
        for process in self.running:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGINT)
        for process in self.running:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def _as_here(self, text: str) -> str:
        for written, here in self.instead.items():
            text = text.replace(written, here)
        return text

    def _environment(self) -> dict[str, str]:
        ours = {name: value for name, value in os.environ.items() if not name.startswith(("EINMAL_", "MAKE"))}
        path = f"{self.folder / 'tools'}:{self.folder / '.venv' / 'bin'}:{ours['PATH']}"
        return ours | self.environment | {"PATH": path, "HOME": str(self.folder)}


@contextlib.contextmanager
def terminal(folder: Path, instead: Mapping[str, str], **environment: str) -> Iterator[Terminal]:
    """A folder that looks like a clone after its first `make`: what is installed once need not be again for a test."""
    for name in ("Makefile", "README.md", "src", "docs", "requirements", "scripts", "monitoring", "deploy", "bench"):
        (folder / name).symlink_to(ROOT / name)
    shutil.copy(ROOT / "pyproject.toml", folder)
    installed = folder / ".venv"
    installed.mkdir()
    (installed / "bin").symlink_to(ROOT / ".venv" / "bin")
    for stamp in (".installed", ".installed-dev"):
        (installed / stamp).touch()
    (folder / "tools").mkdir()
    made = Terminal(folder, instead, dict(environment))
    try:
        yield made
    finally:
        made.stop()
