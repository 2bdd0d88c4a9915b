"""Real processes killed with SIGKILL at random moments, under load, on real storage, for as long as one likes.

    python soak/kill.py --seconds 1200 [--kills 1000] [--seed 7] [--on sqlite|postgres|both] [--database-url URL]
                        [--control]

In rounds: two gateways, a worker and a simulator with a fault plan, callers who behave like Retell, and a hand that
kills. After each round everything comes to rest, and the calendar's records, the ledger's rows and all that was heard
are held against each other (tests/support/kill). Rounds alternate between a file and a PostgreSQL server of their own,
which is killed as well; every other pair of rounds lets bookings arrive after their "no".

`--control` runs gateways whose intents are not durable, and must find the damage. Exit code 1: a violation, or
something interesting that never happened; for the control, that nothing was found. 2: the ledger is not empty.
"""

import argparse
import asyncio
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent.parent
sys.path[:1] = [str(ROOT / "tests"), str(ROOT / "src")]


from support.kill.books import Books  # noqa: E402
from support.kill.processes import EINMAL, FORGETFUL, migrate  # noqa: E402
from support.kill.storm import Round, Setting, Storm  # noqa: E402
from support.postgres import PostgresServer, postgres_server  # noqa: E402

SOMETIMES: Final = (
    "killed while a POST was on the wire",
    "all killed at once",
    "left by the dead, ends as confirmed",
    "left by the dead, ends as rejected",
    "ends as compensated",
    "heard after a retry",
    "heard already_booked",
    "heard booked",
    "heard in_doubt",
    "heard slot_taken",
)
"""A run in which one of these never happened has proven less than it says."""

ENOUGH: Final = 100
"""Kills from which on everything of the list must have occurred."""

ROUND_SECONDS: Final = 120.0
"""Of callers and kills; coming to rest takes half a minute more, or two where the sweeper has to be waited for."""

REST_SECONDS: Final = 90.0
SHOWN_MAX: Final = 20


@dataclass(slots=True)
class Total:
    rounds: int = 0
    callers: int = 0
    bookings: int = 0
    posts: int = 0
    kills: int = 0
    on_the_wire: int = 0
    violations: int = 0
    seen: "Counter[str]" = field(default_factory=Counter)

    def add(self, one: Round) -> None:
        self.rounds += 1
        self.callers += one.callers
        self.bookings += one.bookings
        self.posts += one.posts
        self.kills += one.kills
        self.on_the_wire += one.on_the_wire
        self.violations += len(one.violations)
        self.seen += one.seen

    @property
    def never(self) -> list[str]:
        return [one for one in SOMETIMES if not self.seen[one]] if self.kills >= ENOUGH else []


@dataclass(frozen=True, slots=True)
class Base:
    """Where a round's ledger lies, and the server that may be killed with it."""

    url: str
    server: PostgresServer | None = None


def soak(options: argparse.Namespace, bases: Sequence[Base], folder: Path) -> Total:
    """Rounds until the time is over; each is told as it ends."""
    total, began = Total(), time.monotonic()
    kills_per_second = options.kills / options.seconds
    while not total.rounds or options.seconds - (time.monotonic() - began) > ROUND_SECONDS + REST_SECONDS:
        seconds = min(ROUND_SECONDS, options.seconds / 2)
        base = bases[total.rounds % len(bases)]
        late = total.rounds // len(bases) % 2 == 1
        setting = Setting(
            base.url,
            options.seed + total.rounds,
            seconds=seconds,
            kills=max(1, round(kills_per_second * seconds * 1.5)),
            callers_per_second=options.callers,
            late_seconds=9.0 if late else 2.0,
            rest_seconds=2 * REST_SECONDS,
            command=FORGETFUL if options.control else EINMAL,
            server=base.server,
        )
        inside = folder / f"round-{total.rounds}"
        inside.mkdir()
        one = asyncio.run(Storm(setting, inside).run())
        total.add(one)
        for violation in one.violations[:SHOWN_MAX]:
            print(f"VIOLATION seed {setting.seed}: {violation}", flush=True)
        print(*one.dossiers[: SHOWN_MAX * 10], sep="\n", end="\n" * bool(one.dossiers), flush=True)
        print(_line(total, time.monotonic() - began), flush=True)
        print(f"         this round: {one.load_seconds:.0f} s, at rest after {one.rest_seconds:.0f} s", flush=True)
    return total


def _bases(options: argparse.Namespace, folder: str, stack: ExitStack) -> list[Base]:
    if options.database_url is not None:
        return [Base(options.database_url)]
    bases = [] if options.on == "postgres" else [Base(f"sqlite:///{folder}/ledger.sqlite3")]
    if options.on != "sqlite":
        server = stack.enter_context(postgres_server())
        bases.append(Base(server.create(), server))
    return bases


def _line(total: Total, took: float) -> str:
    return (
        f"{took:6.0f} s  {total.rounds} rounds  {total.kills} kills, {total.on_the_wire} POSTs on the wire  "
        f"{total.callers} callers, {total.posts} POSTs, {total.bookings} bookings  "
        f"{total.bookings / took * 60:.0f} a minute  {total.violations} violations"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description="Real processes killed with SIGKILL, under load.")
    parser.add_argument("--seconds", type=float, default=float(os.environ.get("SECONDS", "1200")))
    parser.add_argument("--kills", type=int, default=0, help="over the whole time (one in four seconds)")
    parser.add_argument("--callers", type=float, default=10.0, help="a second (10)")
    parser.add_argument("--seed", type=int, default=1, help="of the first round (1)")
    parser.add_argument(
        "--on", choices=("sqlite", "postgres", "both"), default="both", help="databases of its own (both)"
    )
    parser.add_argument("--database-url", default=None, help="an empty ledger's, instead of those of its own")
    parser.add_argument("--control", action="store_true", help="gateways whose intents are not durable")
    options = parser.parse_args()
    options.kills = options.kills or round(options.seconds / 4)
    with tempfile.TemporaryDirectory(prefix="einmal-kill-") as name, ExitStack() as stack:
        bases = _bases(options, name, stack)
        for base in bases:
            migrate(base.url)
            if Books(base.url).intents_count():
                print("This ledger holds intents. Each round empties it: name one that nobody needs.", file=sys.stderr)
                return 2
        total = soak(options, bases, Path(name))
    for what, number in sorted(total.seen.items()):
        print(f"{number:>8} {what}")
    if options.control:
        print("the control was caught" if total.violations else "THE CONTROL WAS NOT CAUGHT")
        return 0 if total.violations else 1
    for what in total.never:
        print(f"NEVER: {what}")
    return 1 if total.violations or total.never else 0


if __name__ == "__main__":
    sys.exit(main())
