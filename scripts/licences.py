"""Under which licences is what Einmal runs on, and are all of them such as may be? Read from what is installed.

Writes build/licences.md. A licence that nobody has looked at yet stops `make check`: a person adds it here, or does
without the package.
"""

import re
import sys
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, distribution
from typing import Final

from locks import FOLDER, ROOT, Pin, pins_of

TARGET: Final = ROOT / "build" / "licences.md"

ALLOWED: Final = frozenset(
    {
        *("0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "MIT", "MIT-0", "PSF-2.0"),
        # Of files: who changes one shows the change. We change none.
        "MPL-2.0",
    }
)
"""They ask for no more than to be named, and leave ours alone."""

_AS_WRITTEN: Final = {
    # Not everybody writes SPDX yet.
    "3-Clause BSD License": "BSD-3-Clause",
    "Apache 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "BSD License": "BSD-3-Clause",
    "MIT License": "MIT",
    "Python Software Foundation License": "PSF-2.0",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
}
_UNCLEAR: Final = {"Dual License"}
"""Says less than the classifiers beside it."""

VENDORED: Final = (("htmx", "4.0.1", "0BSD", "the pages; in the package, with its licence"),)


def licence_of(name: str) -> str | None:
    """As SPDX writes it, of an installed package; None where it does not say."""
    told = distribution(name).metadata
    if told.get("License-Expression"):
        return str(told["License-Expression"])
    plain = str(told.get("License") or "").strip()
    if plain and "\n" not in plain and plain not in _UNCLEAR:
        return _AS_WRITTEN.get(plain, plain)
    classified = [one.rpartition(" :: ")[2] for one in told.get_all("Classifier") or () if one.startswith("License ::")]
    return " OR ".join(sorted({_AS_WRITTEN.get(one, one) for one in classified})) or None


def may_be(expression: str) -> bool:
    """Of a choice one, of several all must be among those allowed."""
    return any(
        all(one.strip(" ()") in ALLOWED for one in re.split(r"\s+AND\s+", choice))
        for choice in re.split(r"\s+OR\s+", expression)
    )


def rows_of(pins: Iterable[Pin]) -> tuple[list[tuple[str, str, str]], list[str]]:
    """Name, version and licence of each that this machine runs; and what is wrong."""
    rows, problems = [], []
    for pin in pins:
        if not pin.fits:
            continue
        try:
            installed, licence = distribution(pin.name).version, licence_of(pin.name)
        except PackageNotFoundError:
            problems.append(f"{pin.name} is not installed; run make setup")
            continue
        if installed != pin.version:
            problems.append(f"{pin.name} {installed} is installed, not {pin.version}; run make setup")
        if licence is None or not may_be(licence):
            problems.append(f"{pin.name}: nobody has looked at its licence yet: {licence or 'it names none'}")
        rows.append((pin.name, pin.version, licence or ""))
    return rows, problems


def main() -> int:
    pins, _ = pins_of((FOLDER / "extras.txt").read_text("utf-8"), "extras.txt")
    rows, problems = rows_of(pins)
    for problem in problems:
        print(problem, file=sys.stderr)
    if problems:
        return 1
    lines = ["# Licences of what Einmal runs on", "", "| package | version | licence |", "|---|---|---|"]
    lines += [f"| {name} | {version} | {licence} |" for name, version, licence in rows]
    lines += ["", "Brought along:", ""]
    lines += [f"- {name} {version}, {licence}: {what}" for name, version, licence, what in VENDORED]
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text("\n".join(lines) + "\n", "utf-8")
    print(f"licences: {len(rows)} packages, all allowed; {TARGET.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
