"""How `einmal work` is called."""

import argparse
from collections.abc import Callable

from einmal.settings import Settings

Commands = argparse._SubParsersAction  # noqa: SLF001 - argparse has no public name for it


def add_work(commands: "Commands[argparse.ArgumentParser]", settings: Callable[[], Settings]) -> None:
    def run(arguments: argparse.Namespace) -> int:
        from einmal.entrypoints.cli.work import work  # noqa: PLC0415 - `einmal --help` should not wait

        return work(settings(), arguments.host, arguments.port)

    parser = commands.add_parser("work", help="run recovery alone, beside gateways that share the ledger")
    parser.add_argument("--port", type=int, metavar="N", help="serve /metrics, /healthz and /readyz there (nowhere)")
    parser.add_argument("--host", default="127.0.0.1", help="the address to serve them on (127.0.0.1)")
    parser.set_defaults(run=run)
