"""Races between real processes on one database, for as long as one likes.

    python soak/races.py --seconds 1200 [--only "same key" sweep] [--database-url URL]

First each race runs without its guards and must go wrong, then all of them with their guards, in turn, each pass on a
fresh ledger. The races are those of tests/races. `--database-url`: where ledgers can be made; without one, a folder
for SQLite. Exit code 1: a race went wrong, or a control did not.
"""

import argparse
import os
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent.parent
# In place of this folder, whose races.py is not the package meant below.
sys.path[:1] = [str(ROOT / "tests"), str(ROOT / "src")]

from races.arena import Arena, Result  # noqa: E402
from races.backend import Guard  # noqa: E402
from races.races import RACES, Race  # noqa: E402

ROUNDS: Final = 200
"""Of one race in a pass: the ledger stays small, and every race has its turn."""

CONTROL_ROUNDS_MAX: Final = 1000
SHOWN_MAX: Final = 5


def controls(base: str, races: list[Race]) -> bool:
    """Each race without its guards; whether all of them went wrong."""
    all_wrong = True
    for off in sorted({race.guards for race in races}, key=sorted):
        with Arena(base, off) as arena:
            for race in (race for race in races if race.guards == off):
                result = arena.run(race, CONTROL_ROUNDS_MAX, until_unfair=True)
                wrong = bool(result.unfair) and (race.damage is None or bool(result.damage))
                all_wrong &= wrong
                print(f"control  {race.name:14} without {_names(off):22} {_control(result, wrong=wrong)}", flush=True)
    return all_wrong


def _names(off: frozenset[Guard]) -> str:
    return " and ".join(sorted(off))


def _control(result: Result, *, wrong: bool) -> str:
    if not wrong:
        return f"NOTHING WENT WRONG in {result.rounds} rounds"
    rows = f", {len(result.damage)} damaged rows" if result.damage else ""
    return f"{len(result.unfair)} of {result.rounds} rounds went wrong{rows}; {result.unfair[0]}"


def soak(base: str, races: list[Race], until: float) -> tuple[Counter[str], Counter[str], int]:
    """Pass after pass; the rounds of each race, its outcomes as "race: outcome", and how many rounds went wrong."""
    rounds, heard, wrong = Counter[str](), Counter[str](), 0
    while time.monotonic() < until:
        with Arena(base) as arena:
            for race in races:
                if time.monotonic() >= until:
                    break
                result = arena.run(race, ROUNDS)
                rounds[race.name] += result.rounds
                heard.update({f"{race.name}: {outcome}": number for outcome, number in result.heard.items()})
                wrong += len(result.unfair) + len(result.damage)
                for line in [*result.unfair[:SHOWN_MAX], *result.damage[:SHOWN_MAX]]:
                    print(f"WRONG {race.name}: {line}", flush=True)
    return rounds, heard, wrong


def main() -> int:
    parser = argparse.ArgumentParser(description="Races between real processes on one database.")
    parser.add_argument("--seconds", type=float, default=float(os.environ.get("SECONDS", "1200")))
    parser.add_argument("--only", nargs="*", choices=[race.name for race in RACES], default=[], metavar="RACE")
    parser.add_argument("--database-url", default=None, help="where ledgers can be made; without one, a folder")
    options = parser.parse_args()
    races = [race for race in RACES if not options.only or race.name in options.only]
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="einmal-races-") as folder:
        base = options.database_url or f"sqlite:///{folder}"
        controls_good = controls(base, races)
        begun = time.monotonic()
        rounds, heard, wrong = soak(base, races, began + options.seconds)
    took = time.monotonic() - begun
    for race in races:
        said = {what.partition(": ")[2]: n for what, n in heard.items() if what.startswith(f"{race.name}: ")}
        print(f"{race.name:14} {rounds[race.name]:>8} rounds  {race.shows}; {said}")
    total = rounds.total()
    print(f"{took:.0f} s  {total} rounds  {total / max(took, 1) * 60:.0f} a minute  {wrong} went wrong")
    return 0 if controls_good and not wrong and total else 1


if __name__ == "__main__":
    sys.exit(main())
