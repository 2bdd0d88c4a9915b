"""The comparison in one go: bookings a second of Einmal and of what else one could have, in interleaved rounds.

    .venv-bench/bin/python bench/compare.py [--only einmal,l2] [--clients 16] [--rounds 5] [--json FILE]

Each figure is the median of its rounds with their range. Only ratios within one run mean something. See README.md.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Final

from contenders import BESIDE, TITLES, Contender, contender, ground, prepare_environment, title
from goals import comparison
from rounds import PARTS, Round, run

CLIENTS: Final = (1, 16, 64)
Results = dict[str, dict[int, list[Round]]]


def measured(
    names: list[str], clients: Iterable[int], rounds: int, seconds: float, beside: Path | None = None
) -> Results:
    results: Results = {name: {} for name in names}
    with tempfile.TemporaryDirectory(prefix="einmal-bench-") as folder, ground(Path(folder)) as here:
        running: list[Contender] = []
        try:
            for name in names:
                one = contender(name, here, source=beside if name == BESIDE else None)
                running.append(one)
                if name != "limit":
                    one.start()
                    one.hold()
            for number in clients:
                for turn in range(rounds):
                    for one in running:
                        done = run(one, here, number, seconds)
                        results[one.name].setdefault(number, []).append(done)
                        _progress(one.title, number, turn, rounds, done)
        finally:
            for one in running:
                one.stop()
    return results


def _progress(title: str, clients: int, turn: int, rounds: int, done: Round) -> None:
    odd = f"  ERRORS {done.errors} {done.statuses}" if done.errors else ""
    odd += f"  NOT RECONCILED {done.lost}" if done.lost else ""
    print(f"  {clients:>2} clients, round {turn + 1}/{rounds}  {title:<15} {done.rate:7.0f}/s{odd}", flush=True)


def shown(results: Results) -> None:
    for clients in next(iter(results.values())):
        print(
            f"\n{clients} clients" + " " * 12 + "bookings/s (min-max)      p50     p95     p99 ms   CPU us a booking: ",
            end="",
        )
        print("  ".join(f"{part:>8}" for part in PARTS) + "   busiest")
        for name, by_clients in results.items():
            rounds = by_clients[clients]
            rates = [one.rate for one in rounds]
            rate = f"{statistics.median(rates):.0f} ({min(rates):.0f}-{max(rates):.0f})"
            ms = [statistics.median(one.ms[share] for one in rounds) for share in ("p50", "p95", "p99")]
            cpu = [statistics.median(one.cpu_us.get(part, 0.0) for one in rounds) for part in PARTS]
            cores = {part: statistics.median(one.cores.get(part, 0.0) for one in rounds) for part in PARTS}
            top = max(cores, key=cores.__getitem__)
            line = f"{title(name):<20} {rate:>22} {ms[0]:>8.1f}{ms[1]:>8.1f}{ms[2]:>8.1f}" + " " * 26
            print(line + "  ".join(f"{one:>8.0f}" for one in cpu) + f"   {top} {cores[top]:.0%} of a core")
    rounds = [one for by_clients in results.values() for several in by_clients.values() for one in several]
    errors, lost = sum(one.errors for one in rounds), sum(one.lost for one in rounds)
    print(f"\n{len(rounds)} rounds, {errors} errors, {lost} rows not reconciled with the calendar's bookings")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default=",".join(TITLES), help=f"some of {','.join(TITLES)}")
    parser.add_argument("--clients", default=",".join(map(str, CLIENTS)))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds-per-round", type=float, default=3.5)
    parser.add_argument("--beside", type=Path, help="another tree's src folder: its Einmal takes turns with this one")
    parser.add_argument("--json", type=Path, help="write every round there as well")
    parser.add_argument("--source", type=Path, help="take Einmal from this src folder instead of this tree's")
    options = parser.parse_args()
    names = [name for name in TITLES if name in options.only.split(",")]
    if len(names) != len(set(options.only.split(","))):
        parser.error(f"--only knows {', '.join(TITLES)}")
    if options.beside is not None:
        names.insert(1, BESIDE)
    prepare_environment(options.source)
    began = time.monotonic()
    results = measured(
        names,
        map(int, options.clients.split(",")),
        options.rounds,
        options.seconds_per_round,
        options.beside and options.beside.resolve(),
    )
    shown(results)
    comparison(results)
    print(f"\n{time.monotonic() - began:.0f} s")
    if options.json:
        plain = {
            name: {str(n): [asdict(one) for one in many] for n, many in by.items()} for name, by in results.items()
        }
        options.json.write_text(json.dumps(plain, indent=1))


if __name__ == "__main__":
    main()
