"""Are the locks what they must be: each requirement pinned to one version, each file known by its hash, nothing fetched
by address, and one version of a thing wherever it is named? `make check` asks; it needs no network.

`runtime.txt` is what a clone runs on, `extras.txt` everything that anybody may run; the others are tools.
"""

import re
import sys
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

ROOT: Final = Path(__file__).parent.parent
FOLDER: Final = ROOT / "requirements"

EXTRAS_OF: Final = {
    "runtime.txt": ("postgres", "mysql"),
    "extras.txt": ("postgres", "mysql", "mcp", "tracing"),
    "dev.txt": ("postgres", "mysql", "mcp", "tracing", "dev"),
}
"""Which of the project's extras a lock must hold, besides what is always needed."""

_HASH: Final = re.compile(r"--hash=sha256:([0-9a-f]{64})")
_BY: Final = re.compile(r"    # via (\S+)(?: \(.*\))?|    #   (?!-c )(\S+)(?: \(.*\))?")


@dataclass(frozen=True, slots=True)
class Pin:
    """`by`: who asks for it. `requirement` has its one version, and the machines that it is for."""

    name: str
    version: str
    requirement: Requirement
    hashes: frozenset[str]
    by: tuple[str, ...]

    @property
    def fits(self) -> bool:
        """Whether this machine is one that it is for."""
        return self.requirement.marker is None or self.requirement.marker.evaluate()


def pins_of(text: str, where: str) -> tuple[list[Pin], list[str]]:
    """The pins of a lock, and what is wrong with it."""
    pins, problems = [], []
    for block in _blocks(text):
        head = block[0].rstrip(" \\")
        if head.startswith("-"):
            problems.append(f"{where}: `{head.split()[0]}` has no place in a lock")
            continue
        if "://" in head or " @ " in head:
            problems.append(f"{where}: {head.split()[0]} is fetched by address")
            continue
        try:
            requirement = Requirement(head)
        except InvalidRequirement:
            problems.append(f"{where}: {head!r} is no requirement")
            continue
        pinned = re.fullmatch(r"==([^*,]+)", str(requirement.specifier))
        hashes = frozenset(found[1] for line in block[1:] if (found := _HASH.fullmatch(line.strip(" \\"))))
        if pinned is None:
            problems.append(f"{where}: {requirement.name} is not pinned to one version")
        elif not hashes:
            problems.append(f"{where}: {requirement.name} has no sha256")
        else:
            by = tuple(
                found[1] or found[2] for line in block if (found := _BY.fullmatch(line)) and (found[1] or found[2])
            )
            pins.append(Pin(canonicalize_name(requirement.name), pinned[1], requirement, hashes, by))
    return pins, problems


def _blocks(text: str) -> Iterable[list[str]]:
    """Each requirement with the lines that belong to it."""
    block: list[str] = []
    for line in text.splitlines():
        if line and not line.startswith((" ", "#")):
            if block:
                yield block
            block = [line]
        elif block and line.strip():
            block.append(line)
    if block:
        yield block


def missing(wanted: Iterable[str], pins: Iterable[Pin], where: str) -> list[str]:
    """What the project asks for and the lock does not hold, or holds in a version that is not asked for."""
    held: dict[str, list[Pin]] = {}
    for pin in pins:
        held.setdefault(pin.name, []).append(pin)
    problems = []
    for text in wanted:
        requirement = Requirement(text)
        name = canonicalize_name(requirement.name)
        if name == "einmal":
            continue
        if name not in held:
            problems.append(f"{where}: {name} is missing; run make lock")
        elif not all(requirement.specifier.contains(pin.version, prereleases=True) for pin in held[name]):
            problems.append(f"{where}: {name} is not {requirement.specifier}; run make lock")
    return problems


def needed_always(pins: Iterable[Pin]) -> set[str]:
    """The names that are reached from what the project asks for without any extra."""
    pins, reached = list(pins), set[str]()
    left = {canonicalize_name(Requirement(one).name) for one in _project()["dependencies"]}
    while left:
        reached |= left
        left = {pin.name for pin in pins if set(pin.by) & left} - reached
    return reached


def differing(locks: Mapping[str, Iterable[Pin]]) -> list[str]:
    """What is tested in one version and run in another, and what has other files here than there."""
    versions: dict[str, tuple[str, str]] = {}
    files: dict[tuple[str, str], tuple[str, frozenset[str]]] = {}
    problems = []
    for where, pins in locks.items():
        for pin in pins:
            if where in EXTRAS_OF:
                first, version = versions.setdefault(pin.name, (where, pin.version))
                if version != pin.version:
                    problems.append(f"{where}: {pin.name} {pin.version}, but {first} has {version}")
            first, hashes = files.setdefault((pin.name, pin.version), (where, pin.hashes))
            if hashes != pin.hashes:
                problems.append(f"{where}: {pin.name} {pin.version} has other files than in {first}")
    return problems


def locks(folder: Path = FOLDER) -> tuple[dict[str, list[Pin]], list[str]]:
    """By file, the pins; and all that is wrong."""
    found: dict[str, list[Pin]] = {}
    problems: list[str] = []
    for path in sorted(folder.glob("*.txt")):
        found[path.name], wrong = pins_of(path.read_text("utf-8"), path.name)
        problems += wrong
    project = _project()
    for name, extras in EXTRAS_OF.items():
        wanted = [
            *project["dependencies"],
            *(one for extra in extras for one in project["optional-dependencies"][extra]),
        ]
        problems += missing(wanted, found.get(name, []), name)
    return found, problems + differing(found)


def _project() -> dict[str, Any]:
    project: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    return project


def main() -> int:
    found, problems = locks()
    for problem in problems:
        print(problem, file=sys.stderr)
    if problems:
        return 1
    files = sum(len(pin.hashes) for pin in found["extras.txt"])
    print(f"locks: {len(found['extras.txt'])} packages can be run, {files} files known by their hashes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
