"""How `einmal audit` and `einmal dedupe` are called."""

import argparse
from collections.abc import Callable

from einmal.settings import Settings

Commands = argparse._SubParsersAction  # noqa: SLF001 - argparse has no public name for it


def add_table_commands(commands: "Commands[argparse.ArgumentParser]", settings: Callable[[], Settings]) -> None:
    def run_audit(arguments: argparse.Namespace) -> int:
        from einmal.entrypoints.cli.audit import audit  # noqa: PLC0415 - `einmal --help` should not wait

        return audit(arguments, settings())

    def run_dedupe(arguments: argparse.Namespace) -> int:
        from einmal.entrypoints.cli.dedupe import dedupe  # noqa: PLC0415

        return dedupe(arguments, settings())

    audit = commands.add_parser("audit", help="does a booking id stand in more than one row, here or in any SQL table?")
    _add_table(audit)
    form = audit.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="as JSON")
    form.add_argument("--prometheus", action="store_true", help="as metrics, for a textfile collector")
    audit.set_defaults(run=run_audit)

    dedupe = commands.add_parser("dedupe", help="says, and with --apply does, what mends duplicate booking ids")
    _add_table(dedupe)
    dedupe.add_argument("--status-column", metavar="NAME", help="set to 'cancelled' (status)")
    dedupe.add_argument("--note-column", metavar="NAME", help="where a note is added (notes, if there is one)")
    dedupe.add_argument("--delete", action="store_true", help="delete the younger rows instead of cancelling them")
    do = dedupe.add_mutually_exclusive_group()
    do.add_argument("--apply", action="store_true", help="do it; without this nothing is changed")
    undo = do.add_argument("--undo", nargs="?", const="", metavar="RUN")
    undo.help = "put everything back as it was before the last run, or before this one"
    dedupe.add_argument("--json", action="store_true", help="as JSON")
    dedupe.set_defaults(run=run_dedupe)


def _add_table(parser: argparse.ArgumentParser) -> None:
    url = parser.add_argument("--url", metavar="URL")
    url.help = "sqlite:///path, postgresql://..., mysql://... or mariadb://... (our own ledger)"
    parser.add_argument("--table", metavar="NAME", help="or schema.table (appointments)")
    parser.add_argument("--column", metavar="NAME", help="with the booking ids (calcom_v2_booking_id)")
    parser.add_argument("--id-column", metavar="NAME", help="that names a row (id)")
    parser.add_argument("--created-column", metavar="NAME", help="when a row was made, UTC if no zone (created_at)")
    parser.add_argument("--call-column", metavar="NAME", help="whose call it was (call_id)")
    limit = parser.add_argument("--limit", type=int, default=20, metavar="N")
    limit.help = "show at most so many booking ids (20), in --json too; what is counted is counted whole"
