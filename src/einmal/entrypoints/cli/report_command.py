"""How `einmal report` is called."""

import argparse
from collections.abc import Callable

from einmal.settings import Settings

Commands = argparse._SubParsersAction  # noqa: SLF001 - argparse has no public name for it


def add_report(commands: "Commands[argparse.ArgumentParser]", settings: Callable[[], Settings]) -> None:
    def run(arguments: argparse.Namespace) -> int:
        from einmal.entrypoints.cli.report import run_report  # noqa: PLC0415 - `einmal --help` should not wait

        return run_report(settings(), arguments.week, arguments.tenant, arguments.shape)

    report = commands.add_parser(
        "report", help="a week: what was refused, what was in doubt, and whether goals are met"
    )
    report.add_argument("--week", metavar="WEEK", default="last", help="2026-W47, this or last (last)")
    report.add_argument("--tenant", metavar="ID", help="of this one (all)")
    shape = report.add_mutually_exclusive_group()
    shape.add_argument("--json", dest="shape", action="store_const", const="json", help="as JSON")
    shape.add_argument("--html", dest="shape", action="store_const", const="html", help="as the e-mail is")
    report.set_defaults(run=run, shape="text")
