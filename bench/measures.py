"""The rest of the goals, of Einmal alone: what a call waits for it, what a repeat costs, memory, size, growth.

    .venv-bench/bin/python bench/measures.py [--only latency,functions,repeats,...] [--rows 1000000]

Printed beside the goals, never asserted. `growth` fills ledgers and needs about 5 GB of disk for a million rows, and
in proportion for more.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import costs
import functions
import growth
import pages
import proxy
import start
import tracing
import waits
from contenders import Ground, ground, prepare_environment
from goals import Line, show

PARTS: dict[str, Callable[[Ground, argparse.Namespace], list[Line]]] = {
    "latency": waits.latency,
    "overhead": waits.overhead,
    "functions": functions.functions,
    "repeats": waits.repeats,
    "two": waits.two_processes,
    "start": start.start,
    "costs": costs.costs,
    "tracing": tracing.tracing,
    "pages": pages.pages,
    "proxy": proxy.proxy,
    "growth": growth.growth,
    "simulation": costs.simulation,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default=",".join(PARTS), help=f"some of {','.join(PARTS)}")
    parser.add_argument("--rows", type=int, default=1_000_000, help="the larger ledger; the smaller has 10,000")
    parser.add_argument("--bookings", type=int, default=10_000, help="before memory and size are read")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds-per-round", type=float, default=4.0)
    parser.add_argument("--pretend-room", action="store_true", help="fill ledgers even where the disk looks too small")
    parser.add_argument("--source", type=Path, help="take Einmal from this src folder instead of this tree's")
    options = parser.parse_args()
    unknown = set(options.only.split(",")) - PARTS.keys()
    if unknown:
        parser.error(f"--only knows {', '.join(PARTS)}")
    prepare_environment(options.source)
    began, lines = time.monotonic(), list[Line]()
    for name, part in PARTS.items():
        if name in options.only.split(","):
            print(f"\n{name}", flush=True)
            with tempfile.TemporaryDirectory(prefix="einmal-bench-") as folder, ground(Path(folder)) as here:
                lines += part(here, options)
    show(lines)
    print(f"\n{time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
