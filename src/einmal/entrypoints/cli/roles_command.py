"""How `einmal db roles` is called."""

import argparse
from collections.abc import Callable

from einmal.settings import Settings


def add_roles(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", settings: Callable[[], Settings]
) -> None:
    roles = commands.add_parser("roles", help="roles on PostgreSQL: who serves, who migrates, who only reads")
    roles.description = "Prints SQL. Run it as a superuser, after `einmal db upgrade`, and again after each upgrade."
    roles.add_argument("--app", metavar="ROLE", default="einmal_app", help="what gateways connect as (einmal_app)")
    migrator = roles.add_argument("--migrator", metavar="ROLE", default="einmal_migrator")
    migrator.help = "what owns the tables (einmal_migrator)"
    auditor = roles.add_argument("--auditor", metavar="ROLE", default="einmal_auditor")
    auditor.help = "what reads, without names (einmal_auditor)"
    roles.add_argument("--tenant", metavar="ID", help="instead: a role that reads this tenant's rows and no others")
    roles.add_argument("--role", metavar="ROLE", help="what that one is called")
    roles.add_argument("--apply", action="store_true", help="carry it out, connected as EINMAL_DATABASE_URL says")

    def _roles(arguments: argparse.Namespace) -> int:
        from einmal.entrypoints.cli.roles import run_roles  # noqa: PLC0415

        return run_roles(arguments, settings if arguments.apply else None)

    roles.set_defaults(run=_roles)
