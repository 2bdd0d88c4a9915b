"""How `einmal import` is called."""

import argparse
from collections.abc import Callable
from pathlib import Path

from einmal.settings import Settings

Commands = argparse._SubParsersAction  # noqa: SLF001 - argparse has no public name for it


def add_import_command(commands: "Commands[argparse.ArgumentParser]", settings: Callable[[], Settings]) -> None:
    def run(arguments: argparse.Namespace) -> int:
        from einmal.entrypoints.cli.importing import import_, print_example  # noqa: PLC0415 - `--help` should not wait

        return print_example() if arguments.example else import_(arguments, settings())

    parser = commands.add_parser("import", help="take over another program's appointments, so that they are known here")
    parser.add_argument("file", nargs="?", type=Path, metavar="FILE", help="which column is what, as TOML")
    parser.add_argument("--example", action="store_true", help="print such a file to begin with")
    parser.add_argument("--apply", action="store_true", help="do it; without this nothing is written")
    limit = parser.add_argument("--limit", type=int, default=20, metavar="N")
    limit.help = "show at most so many of the rows that are left out (20), in --json too; all are counted"
    parser.add_argument("--json", action="store_true", help="as JSON")
    parser.set_defaults(run=run)
