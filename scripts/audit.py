"""Is anything that Einmal runs on known to be vulnerable, or withdrawn by its makers? Asks the network.

Two questions. The package index is asked by pip: does it still give each file that is locked, by its hash, and has none
been yanked? The databases of advisories are asked by pip-audit. Where none of them answers, nothing was audited, and
that is what is said: silence of a database is not health of a package. With `--tell`, as in `make check`, what is found
is told and stops nobody: an advisory of today would break what was built yesterday. `make audit` stops.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from locks import FOLDER

LOCK: Final = FOLDER / "extras.txt"
SERVICES: Final = ("pypi", "osv")
SECONDS_MAX: Final = 300.0


@dataclass(frozen=True, slots=True)
class Told:
    """What a database of advisories said: how many packages it knew of, and what it knew against them."""

    audited: int
    found: tuple[str, ...]


def told_by(report: str) -> Told:
    """Of pip-audit's JSON. A package that the database does not know was not audited."""
    try:
        listed: Sequence[dict[str, Any]] = json.loads(report)["dependencies"]
    except (ValueError, KeyError, TypeError):
        return Told(0, ())
    known = [one for one in listed if "skip_reason" not in one]
    found = (
        f"{one['name']} {one['version']}: {each['id']}" + _mended(each["fix_versions"])
        for one in known
        for each in one["vulns"]
    )
    return Told(len(known), tuple(found))


def _mended(versions: Sequence[str]) -> str:
    return f", mended in {', '.join(versions)}" if versions else ""


def withdrawn_of(report: str) -> list[str]:
    """Of pip's report on what it would install."""
    return [
        f"{one['metadata']['name']} {one['metadata']['version']} was yanked by its makers"
        for one in json.loads(report)["install"]
        if one["is_yanked"]
    ]


def _advisories(service: str) -> Told:
    asked = ["pip_audit", "--requirement", str(LOCK), "--no-deps", "--disable-pip", "--format", "json"]
    ways = ["--vulnerability-service", service, "--progress-spinner", "off", "--timeout", "10"]
    return told_by(_said([*asked, *ways]).stdout)


def _withdrawn() -> list[str] | None:
    """None where the index does not give what is locked."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        asked = ["pip", "install", "--dry-run", "--quiet", "--disable-pip-version-check", "--ignore-installed"]
        exactly = ["--no-deps", "--only-binary=:all:", "--require-hashes", "-r", str(LOCK), "--report", str(report)]
        done = _said([*asked, *exactly])
        return withdrawn_of(report.read_text("utf-8")) if done.returncode == 0 else None


def _said(module: Sequence[str]) -> "subprocess.CompletedProcess[str]":
    asked = [sys.executable, "-m", *module]
    try:
        return subprocess.run(asked, capture_output=True, text=True, check=False, timeout=SECONDS_MAX)  # noqa: S603
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(asked, 1, "", "")


def problems_of(withdrawn: list[str] | None, ask: Callable[[str], Told]) -> list[str]:
    """Prints what was asked and what was not."""
    problems = []
    if withdrawn is None:
        problems.append(
            "the package index does not give what is locked; try pip install --dry-run -r requirements/extras.txt"
        )
    else:
        print(f"index: every file that this machine would install is there, by its hash; {len(withdrawn)} yanked")
        problems += withdrawn
    for service in SERVICES:
        told = ask(service)
        if told.audited:
            print(f"advisories: {told.audited} packages audited, {len(told.found)} advisories")
            return problems + list(told.found)
    print("advisories: NOT AUDITED: no advisory database is reachable from here")
    return problems


def main() -> int:
    problems = problems_of(_withdrawn(), _advisories)
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems and "--tell" not in sys.argv[1:] else 0


if __name__ == "__main__":
    sys.exit(main())
