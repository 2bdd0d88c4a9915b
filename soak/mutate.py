"""Mutation testing of src/einmal/domain: does some test of tests/domain fail for every small bug?

    python soak/mutate.py --seconds 600 [--only gate] [--survivors] [--second] [--fresh]

Why a runner of its own: mutmut 3 mutates function bodies only, and half of our decisions are tables, sets, enums
and defaults; cosmic-ray starts a process for each mutant and edits the source in place. Here a warm process forks
for each mutant, which is planted while the module is imported, and runs tests/domain up to the first failure:
pure, and the same each time (Hypothesis is derandomised). A child has a time and a memory limit; beyond them it
counts as killed. A mutant with which nothing can even be imported is no mutant and is not counted.

What was found is kept in build/soak/mutate.json and taken up by the next leg, as long as neither the domain nor its
tests change. Survivors that change nothing stand in soak/survivors.toml with the reason. Exit code 1: a survivor that
is not listed, or a listed one that is killed or gone. `--second` says of each survivor whether tests/flows and
tests/contracts notice it.
"""

import argparse
import ast
import hashlib
import importlib.abc
import importlib.util
import json
import os
import resource
import signal
import sys
import time
import tomllib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Final

import hypothesis
import hypothesis.strategies
import pytest
import pytest_asyncio.plugin  # noqa: F401 - warm for every child, as the two above
from mutants import Mutant, enums_of, mutants_of

ROOT: Final = Path(__file__).parent.parent
DOMAIN: Final = ROOT / "src" / "einmal" / "domain"
TESTS: Final = ROOT / "tests" / "domain"
SECOND: Final = ("tests/flows", "tests/contracts")
STATE: Final = ROOT / "build" / "soak" / "mutate.json"
LISTED: Final = ROOT / "soak" / "survivors.toml"

KILLED, SURVIVED, NO_MUTANT, TIMEOUT = "killed", "survived", "no mutant", "timeout"
CANNOT_IMPORT: Final = 77
TELL_SECONDS: Final = 15.0
MEMORY_BYTES: Final = 3 * 1024**3


class Planted(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports one module of the domain from a changed tree."""

    def __init__(self, module: str, tree: ast.Module, file: Path) -> None:
        self._module, self._tree, self._file = module, tree, file

    def find_spec(self, fullname: str, path: object, target: object = None) -> ModuleSpec | None:  # noqa: ARG002
        if fullname != self._module:
            return None
        return importlib.util.spec_from_loader(fullname, self, origin=str(self._file))

    def exec_module(self, module: ModuleType) -> None:
        exec(compile(ast.fix_missing_locations(self._tree), str(self._file), "exec"), module.__dict__)


@dataclass
class Child:
    mutant: Mutant
    kill_at: float


@dataclass
class Tests:
    """What a child runs, file group after file group up to the first failure."""

    groups: Sequence[Sequence[Path]]
    options: Sequence[str]
    examples: int

    def run(self) -> int:
        """Pytest's exit code, in this process."""
        # A failure is enough: it needs no smallest example.
        phases = (hypothesis.Phase.explicit, hypothesis.Phase.generate)
        hypothesis.settings.register_profile(
            "mutate", derandomize=True, database=None, deadline=None, phases=phases, max_examples=self.examples
        )
        hypothesis.settings.load_profile("mutate")
        for group in self.groups:
            code = pytest.main([*self.options, "-x", "--no-header", "-p", "no:warnings", *map(str, group)])
            if code != pytest.ExitCode.OK:
                return int(code)
        return 0


def tests_of(stem: str, examples: int) -> Tests:
    """The files that import the mutated module first: most mutants die there, and the rest need not be collected."""
    files = sorted(TESTS.glob("test_*.py"))
    slow = [path for path in files if "stateful" in path.stem]
    near = [path for path in files if path not in slow and f"einmal.domain.{stem}" in path.read_text("utf-8")]
    groups = (near, [path for path in files if path not in near + slow], slow)
    return Tests([group for group in groups if group], ("--noconftest",), examples)


def spawn(tests: Tests, mutant: Mutant | None, tree: ast.Module | None, limit: float) -> int:
    """The process id of a child that runs the tests with the mutant planted."""
    pid = os.fork()
    if pid:
        return pid
    try:
        os.setsid()
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
        resource.setrlimit(resource.RLIMIT_CPU, (int(limit) + 5, int(limit) + 5))
        nowhere = os.open(os.devnull, os.O_RDWR)
        for standard in (0, 1, 2):
            os.dup2(nowhere, standard)
        if mutant is not None and tree is not None:
            mutant.plant()
            module = f"einmal.domain.{mutant.file.removesuffix('.py')}"
            sys.meta_path.insert(0, Planted(module, tree, DOMAIN / mutant.file))
            try:
                for path in sorted(DOMAIN.glob("*.py")):
                    importlib.import_module(f"einmal.domain.{path.stem}")
            except Exception:  # noqa: BLE001 - whatever it is, no test ran
                os._exit(CANNOT_IMPORT)
        os._exit(tests.run())
    except BaseException:  # noqa: BLE001 - MemoryError, RecursionError: the mutant did it
        os._exit(1)


def digest() -> str:
    """Of the domain and of its tests: what was found holds for these."""
    read = hashlib.blake2b(digest_size=12)
    for path in [
        *sorted(DOMAIN.glob("*.py")),
        *sorted(TESTS.glob("*.py")),
        *sorted((ROOT / "tests/support").glob("*.py")),
    ]:
        read.update(path.name.encode() + path.read_bytes())
    return read.hexdigest()


@dataclass
class Leg:
    """One bounded run over the mutants that have no outcome yet."""

    seconds: float
    jobs: int
    limit: float
    examples: int
    known: dict[str, str]
    began: float = field(default_factory=time.monotonic)
    keep: Callable[[], None] | None = None
    told: float = 0.0
    ran: int = 0
    children: dict[int, Child] = field(default_factory=dict)

    def over(self, work: Sequence[tuple[Mutant, ast.Module]], total: int, tests: Tests | None = None) -> None:
        waiting = list(reversed(work))
        while waiting or self.children:
            in_time = time.monotonic() - self.began < self.seconds
            while waiting and in_time and len(self.children) < self.jobs:
                mutant, tree = waiting.pop()
                stem = mutant.file.removesuffix(".py")
                pid = spawn(tests or tests_of(stem, self.examples), mutant, tree, self.limit)
                self.children[pid] = Child(mutant, time.monotonic() + self.limit)
            if not self.children:
                break
            self._reap()
            if time.monotonic() - self.told > TELL_SECONDS:
                self._tell(total)
        self._tell(total)

    def _reap(self) -> None:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            time.sleep(0.01)
            for late, child in self.children.items():
                if time.monotonic() > child.kill_at:
                    os.killpg(late, signal.SIGKILL)
            return
        child = self.children.pop(pid)
        code = os.waitstatus_to_exitcode(status)
        if code in {pytest.ExitCode.USAGE_ERROR, pytest.ExitCode.NO_TESTS_COLLECTED}:
            sys.exit(f"pytest did not run (exit code {code}): {key(child.mutant)}")
        outcome = {0: SURVIVED, CANNOT_IMPORT: NO_MUTANT}.get(code, KILLED)
        late = time.monotonic() > child.kill_at or code == -signal.SIGXCPU
        self.known[key(child.mutant)] = TIMEOUT if late else outcome
        self.ran += 1

    def _tell(self, total: int) -> None:
        self.told = time.monotonic()
        took = self.told - self.began
        had = Counter(self.known.values())
        counts = f"killed {had[KILLED]}  timeout {had[TIMEOUT]}  survived {had[SURVIVED]}"
        print(f"{took:6.0f} s  {len(self.known)}/{total}  {counts}  {self.ran / took:.1f} mutants/s", flush=True)
        if self.keep is not None:
            self.keep()


def key(mutant: Mutant) -> str:
    return f"{mutant.file} {mutant.name}"


def every_mutant(only: Sequence[str]) -> list[tuple[Mutant, ast.Module]]:
    files = sorted(DOMAIN.glob("*.py"))
    enums = enums_of(files)
    found = []
    for path in files:
        if not only or path.stem in only:
            tree = ast.parse(path.read_text("utf-8"))
            found += [(mutant, tree) for mutant in mutants_of(tree, path.name, enums)]
    return found


def baseline(examples: int) -> float:
    """How long the tests take with nothing planted. Ends the program if they fail."""
    began = time.monotonic()
    pid = spawn(tests_of("verdict", examples), None, None, 600)
    _, status = os.waitpid(pid, 0)
    if os.waitstatus_to_exitcode(status) != 0:
        sys.exit("tests/domain fails without any mutant: mend that first")
    return time.monotonic() - began


def listed() -> dict[str, str]:
    if not LISTED.exists():
        return {}
    rows = tomllib.loads(LISTED.read_text("utf-8")).get("survivor", [])
    return {f"{row['file']} {row['mutant']}": row["why"] for row in rows}


def remembered(*, fresh: bool) -> dict[str, str]:
    if fresh or not STATE.exists():
        return {}
    state = json.loads(STATE.read_text("utf-8"))
    return dict(state["outcomes"]) if state["digest"] == digest() else {}


def report(outcomes: dict[str, str], names: Sequence[str], excused: dict[str, str]) -> int:
    counts = Counter(outcomes.get(name, "not run") for name in names)
    files = sorted({name.partition(" ")[0] for name in names})
    print(f"{'':16}{'mutants':>9}{'killed':>9}{'timeout':>9}{'survived':>9}{'listed':>9}{'not run':>9}")
    for file in [*files, "all"]:
        of = [name for name in names if file in {"all", name.partition(" ")[0]} and outcomes.get(name) != NO_MUTANT]
        had = Counter(outcomes.get(name, "not run") for name in of)
        known = sum(name in excused for name in of if outcomes.get(name) == SURVIVED)
        row = (len(of), had[KILLED], had[TIMEOUT], had[SURVIVED], known, had["not run"])
        print(f"{file:16}" + "".join(f"{number:>9}" for number in row))
    unlisted = [name for name in names if outcomes.get(name) == SURVIVED and name not in excused]
    wrong = [name for name in excused if name in outcomes and outcomes[name] != SURVIVED]
    gone = [name for name in excused if name not in names]
    for title, which in (("survivor, not listed", unlisted), ("listed, and killed", wrong), ("listed, and gone", gone)):
        for name in which:
            print(f"{title}: {name}")
    killed = counts[KILLED] + counts[TIMEOUT]
    tried = killed + counts[SURVIVED]
    share = 100 * killed / tried if tried else 0.0
    print(f"{killed} of {tried} killed: {share:.2f} %; {tried - killed - len(unlisted)} listed as equivalent", end="; ")
    print(f"{counts[NO_MUTANT]} could not be imported and do not count")
    return 1 if unlisted or wrong or gone else 0


def second_look(survivors: Iterable[tuple[Mutant, ast.Module]], seconds: float, jobs: int) -> None:
    """Whether the flows or the ledger notice what tests/domain did not."""
    found: dict[str, str] = {}
    leg = Leg(seconds, jobs, 300.0, 20, found)
    work = list(survivors)
    leg.over(work, len(work), Tests([[ROOT / path for path in SECOND]], (), 20))
    for name, outcome in found.items():
        print(f"second pass, {outcome}: {name}")


def main() -> int:
    parser = argparse.ArgumentParser(description="Mutation testing of src/einmal/domain.")
    parser.add_argument("--seconds", type=float, default=float(os.environ.get("SECONDS", "1200")))
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--examples", type=int, default=60, help="of each Hypothesis test")
    parser.add_argument("--only", nargs="*", default=[], help="modules of the domain, say: gate settle")
    parser.add_argument(
        "--survivors", action="store_true", help="only those that survived the last leg, whatever changed"
    )
    parser.add_argument("--second", action="store_true", help="then run tests/flows and tests/contracts for survivors")
    parser.add_argument("--fresh", action="store_true", help="forget what earlier legs found")
    options = parser.parse_args()
    if os.environ.get("PYTHONHASHSEED") != "0":
        # The order of sets is chance otherwise.
        os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | {"PYTHONHASHSEED": "0"})
    sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests")]
    os.chdir(ROOT)
    outcomes = remembered(fresh=options.fresh)
    if options.survivors and STATE.exists():
        before = json.loads(STATE.read_text("utf-8"))["outcomes"]
        outcomes = {name: outcome for name, outcome in before.items() if outcome != SURVIVED}
    mutants = every_mutant(options.only)
    names = [key(mutant) for mutant, _ in mutants]
    took = baseline(options.examples)
    limit = max(20.0, 6 * took)
    print(f"{len(mutants)} mutants, {len(outcomes)} known; the tests take {took:.1f} s, the limit is {limit:.0f} s")
    of = digest()

    def keep() -> None:
        STATE.parent.mkdir(parents=True, exist_ok=True)
        STATE.write_text(json.dumps({"digest": of, "outcomes": outcomes}, indent=1, ensure_ascii=False), "utf-8")

    leg = Leg(options.seconds, options.jobs, limit, options.examples, outcomes, keep=keep)
    leg.over([(mutant, tree) for mutant, tree in mutants if key(mutant) not in outcomes], len(mutants))
    code = report(
        outcomes,
        names,
        {n: why for n, why in listed().items() if not options.only or n.split(".py")[0] in options.only},
    )
    if options.second:
        second_look([pair for pair in mutants if outcomes.get(key(pair[0])) == SURVIVED], options.seconds, options.jobs)
    return code


if __name__ == "__main__":
    sys.exit(main())
