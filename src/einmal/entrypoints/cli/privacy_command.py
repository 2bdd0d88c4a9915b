"""How `einmal privacy` is called."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from einmal.settings import Settings

if TYPE_CHECKING:
    from einmal.entrypoints.cli.privacy import Asked

Commands = argparse._SubParsersAction  # noqa: SLF001 - argparse has no public name for it


def add_privacy(commands: "Commands[argparse.ArgumentParser]", settings: Callable[[], Settings]) -> None:
    def export(arguments: argparse.Namespace) -> int:
        from einmal.entrypoints.cli.privacy import privacy_export  # noqa: PLC0415 - `einmal --help` should not wait

        return privacy_export(settings(), _asked(arguments), arguments.out)

    def erase(arguments: argparse.Namespace) -> int:
        from einmal.entrypoints.cli.privacy import privacy_erase  # noqa: PLC0415

        return privacy_erase(settings(), _asked(arguments), apply=arguments.apply, as_json=arguments.json)

    privacy = commands.add_parser("privacy", help="what is held of one person: show it to them, or erase it")
    both = privacy.add_subparsers(metavar="COMMAND", required=True)
    shown = both.add_parser("export", help="all that is held of them, as JSON, and where copies lie")
    _add_whom(shown)
    shown.add_argument("--out", type=Path, metavar="FILE", help="into a new file that only you may read")
    shown.set_defaults(run=export)
    gone = both.add_parser("erase", help="take them out of the ledger; without --apply it only tells what would go")
    _add_whom(gone)
    gone.add_argument("--apply", action="store_true", help="do it")
    gone.add_argument("--json", action="store_true", help="as JSON")
    gone.set_defaults(run=erase)


def _asked(arguments: argparse.Namespace) -> "Asked":
    from einmal.entrypoints.cli.privacy import Asked  # noqa: PLC0415

    return Asked(arguments.phone, arguments.email, arguments.call, arguments.tenant)


def _add_whom(command: argparse.ArgumentParser) -> None:
    command.add_argument("--phone", metavar="NUMBER", help="theirs, in any spelling: +49 30 901820, 030 901820")
    command.add_argument("--email", metavar="ADDRESS", help="theirs, whatever its case")
    command.add_argument("--call", metavar="CALL_ID", help="in which they spoke, where their number was withheld")
    command.add_argument("--tenant", metavar="ID", help="whose customer they are, where there are several")
