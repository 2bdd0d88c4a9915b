"""A leader lost under load: three PostgreSQL nodes with Patroni (deploy/ha), gateways, callers, and a hand that kills.

    python soak/ha.py --seconds 1200 [--mode strict|async] [--callers 6] [--json] [--keep FOLDER]

Without `--mode` both, two thirds of the time with a synchronous standby and one third without, on clusters of their
own. Strict: whatever a caller was told is booked must be in the ledger and once in the calendar. Async is the control:
the same blows must lose bookings that were acknowledged, or the run above it proves little. Exit code 1: something
acknowledged was lost in strict mode, a promise was broken, or the control lost nothing. 2: there is no cluster here, or
it did not become whole again. Each mode strikes at least once, whatever the time: four minutes for both.

A machine of its own for each node it is not: the nodes are folders here, and a node is lost by killing (or stopping)
all of its processes at once, etcd's too. What a disk loses with its power is not tried.
"""

import argparse
import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parent.parent
sys.path[:1] = [str(ROOT / "tests"), str(ROOT / "src"), str(ROOT / "deploy")]

from ha.cluster import MODES  # noqa: E402
from ha.member import Failed  # noqa: E402

from support.ha.crisis import Blow, Outcome, live_through  # noqa: E402

STRICT, ASYNC = MODES
STRICT_PART: Final = 2 / 3
REST_SECONDS: Final = 45.0
"""Of each run, after the last blow: until nothing is unfinished, and everybody has been asked once more."""

SHOWN_MAX: Final = 10


def report(outcomes: Sequence[Outcome]) -> int:
    """What was measured, and the exit code."""
    good = True
    for one in outcomes:
        print(f"\n{one.mode}: {one.seconds:.0f} s, {len(one.blows)} blows")
        print(f"  bookings acknowledged {one.acknowledged}, of these lost {one.lost}")
        print(f"  single rows acknowledged {one.rows_acknowledged}, of these lost {one.rows_lost}")
        print(f"  bookings in the calendar {one.in_calendar}, without a row {one.without_row}, doubled {one.doubled}")
        print(table(one.blows))
        print(heard(one.blows))
        good &= verdict(one)
    return 0 if good else 1


def verdict(one: Outcome) -> bool:
    if one.mode == ASYNC:
        print(f"  the control lost {one.lost} bookings" if one.lost else "  THE CONTROL LOST NOTHING")
        return one.lost > 0
    for violation in one.violations[:SHOWN_MAX]:
        print(f"  VIOLATION {violation.invariant}: {violation.text}")
    if not one.acknowledged:
        print("  NOTHING WAS BOOKED")
    return bool(one.acknowledged and one.blows) and not (one.lost or one.rows_lost or one.violations)


def table(blows: Sequence[Blow]) -> str:
    """Gaps in seconds, by what was done. Where the standbys were cut off first, that time is in the gap."""
    lines = [f"  {'':40}{'n':>3}{'another leads':>15}{'no row':>20}{'no booking':>20}{'whole':>7}"]
    for kind in dict.fromkeys((one.what, one.lag) for one in blows):
        those = [one for one in blows if (one.what, one.lag) == kind]
        name = kind[0] + (f", standbys cut off {kind[1]:.0f} s before" if kind[1] else "")
        led = [one.leader_after for one in those if one.leader_after is not None]
        led_median = f"{statistics.median(led):.1f}" if led else "-"
        rows, bookings = _spread([one.gap for one in those]), _spread([one.gap_bookings for one in those])
        whole = statistics.median(one.whole_after for one in those)
        lines.append(f"  {name:40}{len(those):>3}{led_median:>15}{rows:>20}{bookings:>20}{whole:>7.0f}")
    return "\n".join([*lines, "  gaps: min / median / max, in seconds; from the last one acknowledged to the next"])


def _spread(values: Sequence[float]) -> str:
    return f"{min(values):.1f} / {statistics.median(values):.1f} / {max(values):.1f}"


def heard(blows: Sequence[Blow]) -> str:
    """What callers were answered from a blow until bookings were acknowledged again."""
    counted = sum((Counter(one.heard) for one in blows), Counter[str]())
    waits = max((one.answer_seconds_max for one in blows), default=0.0)
    median = statistics.median(one.answer_seconds_median for one in blows) if blows else 0.0
    lines = [f"  in these gaps callers were answered after {median:.1f} s (median), {waits:.1f} s at most:"]
    return "\n".join([*lines, *(f"  {number:>6}  {what}" for what, number in counted.most_common())])


async def soak(options: argparse.Namespace, folder: Path) -> list[Outcome]:
    plan = [(options.mode, 1.0)] if options.mode else [(STRICT, STRICT_PART), (ASYNC, 1 - STRICT_PART)]
    began, outcomes = time.monotonic(), []
    for mode, part in plan:
        inside = folder / mode
        inside.mkdir()
        inside.chmod(0o755)

        def tell(text: str, mode: str = mode) -> None:
            print(f"{time.monotonic() - began:6.0f} s  {mode}: {text}", file=sys.stderr, flush=True)

        outcomes.append(await live_through(inside, mode, options.seconds * part - REST_SECONDS, options.callers, tell))
        tell(f"acknowledged {outcomes[-1].acknowledged}, lost {outcomes[-1].lost}")
    return outcomes


def as_json(outcomes: Sequence[Outcome]) -> list[dict[str, Any]]:
    return [asdict(one) for one in outcomes]


def main() -> int:
    parser = argparse.ArgumentParser(description="A leader lost under load.")
    parser.add_argument("--seconds", type=float, default=float(os.environ.get("SECONDS", "1200")))
    parser.add_argument("--mode", choices=list(MODES), default=None, help="only this one (both)")
    parser.add_argument("--callers", type=float, default=6.0, help="a second (6)")
    parser.add_argument("--json", action="store_true", help="the figures as JSON, on a last line")
    parser.add_argument("--keep", type=Path, default=None, help="an empty folder for everything, which stays")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="einmal-ha-") as name:
        folder = options.keep or Path(name)
        folder.mkdir(exist_ok=True)
        folder.chmod(0o755)
        try:
            outcomes = asyncio.run(soak(options, folder))
        except Failed as why:
            print(f"ha: {why}", file=sys.stderr)
            return 2
        code = report(outcomes)
    if options.json:
        print(json.dumps(as_json(outcomes), default=str, ensure_ascii=False))
    return code


if __name__ == "__main__":
    sys.exit(main())
