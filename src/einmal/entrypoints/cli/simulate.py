"""`einmal simulate`: bad weather for so many intents, and whether every promise was kept."""

import json
import logging
import signal
import sys
from dataclasses import replace
from typing import Final
from urllib.parse import urlsplit

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from einmal.ports import LedgerUnavailable
from einmal.simulator.world.episode import Setting
from einmal.simulator.world.homes import NoHome
from einmal.simulator.world.run import Total, simulate

FOUND: Final = 1
USAGE: Final = 2
COULD_NOT_LOOK: Final = 4
INTERRUPTED: Final = 130
SHOWN_MAX: Final = 20


def run_simulate(
    intents: int,
    seed: int,
    faults_percent: float,
    processes: int | None,
    seconds: float | None,
    *,
    ledger: str,
    database_url: str | None,
    as_json: bool,
) -> int:
    """Exit code 1 where a promise was broken, or something that must occur sometimes never did."""
    if intents < 1 or not 0 <= faults_percent <= 95 or (processes is not None and processes < 1):
        print("einmal: --intents and --processes must be at least 1, --faults from 0 to 95", file=sys.stderr)
        return USAGE
    if problem := _wrong_url(ledger, database_url):
        print(f"einmal: {problem}", file=sys.stderr)
        return USAGE
    setting = replace(Setting(), share=faults_percent / 100, ledger=ledger)
    # What the gateway says of its troubles in there is nobody's business out here.
    logging.getLogger("einmal").setLevel(logging.CRITICAL)
    # Ended either way, what was made on a server is taken away again.
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        total = _with_bar(intents, seed, setting, processes, seconds, database_url)
    except KeyboardInterrupt:
        print("einmal: interrupted, and nothing is left behind", file=sys.stderr)
        return INTERRUPTED
    except (NoHome, LedgerUnavailable) as wrong:
        print(f"einmal: {wrong}", file=sys.stderr)
        return COULD_NOT_LOOK
    finally:
        signal.signal(signal.SIGTERM, before)
    if as_json:
        print(json.dumps(_plain(total)))
    else:
        _print(total)
    return 0 if total.good else FOUND


def _wrong_url(ledger: str, database_url: str | None) -> str | None:
    if ledger != "postgres":
        return None if database_url is None else f"--database-url is for --ledger postgres, and not for {ledger}"
    allowed = "postgresql://user@host/database, on a server for tests where databases may be made"
    if database_url is None:
        return f"--ledger postgres needs --database-url {allowed}"
    try:
        parts = urlsplit(database_url)
    except ValueError:
        parts = urlsplit("")
    is_whole = parts.scheme in {"postgresql", "postgres"} and parts.netloc and parts.path.strip("/")
    return None if is_whole else f"--database-url must be {allowed}"


def _with_bar(
    intents: int, seed: int, setting: Setting, processes: int | None, seconds: float | None, database_url: str | None
) -> Total:
    columns = (
        TextColumn("{task.completed:>9,.0f} intents"),
        BarColumn(),
        TextColumn("{task.fields[rate]:>9,} a minute  {task.fields[failures]} violations"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("", total=intents, rate=0, failures=0)

        def tell(total: Total) -> None:
            progress.update(bar, completed=total.intents, rate=total.intents_per_minute, failures=len(total.failures))

        return simulate(intents, seed, setting, processes, seconds, tell, database_url)


def _plain(total: Total) -> dict[str, object]:
    return {
        "intents": total.intents,
        "violations": len(total.failures),
        "intents_per_minute": total.intents_per_minute,
        "seed": total.seed,
        "processes": total.processes,
        "episodes": total.episodes,
        "calendar_calls": total.calls,
        "calendar_calls_disturbed": total.disturbed,
        "regrets": total.regrets,
        "never": list(total.never),
        "found": [
            {"seed": seed, "invariant": one.invariant, "text": one.text} for seed, one in total.failures[:SHOWN_MAX]
        ],
    }


def _print(total: Total) -> None:
    lived = f"{total.intents:,} intents in {total.episodes:,} episodes, seed {total.seed}"
    print(f"{lived}: {len(total.failures)} violations")
    print(f"{total.intents_per_minute:,} a minute on {total.processes} processes")
    if total.disturbed:
        print(f"{total.disturbed / total.calls:.0%} of {total.calls:,} calendar calls disturbed")
    print(f"{total.regrets:,} late arrivals taken back")
    again = "" if total.ledger == "memory" else f" --ledger {total.ledger}"
    again += " --database-url …" if total.ledger == "postgres" else ""
    for seed, violation in total.failures[:SHOWN_MAX]:
        print(f"  {violation.invariant}: {violation.text}\n    einmal simulate --intents 1 --seed {seed}{again}")
    for never in total.never:
        print(f"  NEVER OCCURRED: {never}")
