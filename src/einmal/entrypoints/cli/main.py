"""The command line. Exit codes: 0 fine, 1 found something, 2 usage, 3 constraint missing, 4 could not look."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from einmal import __version__
from einmal.entrypoints.cli.ending import ended
from einmal.entrypoints.cli.explain_command import add_explain
from einmal.entrypoints.cli.import_command import add_import_command
from einmal.entrypoints.cli.intent_commands import add_callbacks, add_intents
from einmal.entrypoints.cli.mcp_command import add_mcp
from einmal.entrypoints.cli.privacy_command import add_privacy
from einmal.entrypoints.cli.report_command import add_report
from einmal.entrypoints.cli.roles_command import add_roles
from einmal.entrypoints.cli.secrets_command import add_secrets
from einmal.entrypoints.cli.table_commands import add_table_commands
from einmal.entrypoints.cli.verify_command import add_verify
from einmal.entrypoints.cli.webhook_commands import add_webhook_commands
from einmal.entrypoints.cli.work_command import add_work
from einmal.settings import BadSettings, Settings, read_settings

USAGE: Final = 2


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code."""
    parser = _parser()
    arguments = parser.parse_args(argv)
    run: Callable[[argparse.Namespace], int] | None = getattr(arguments, "run", None)
    if run is None:
        parser.print_help()
        return USAGE
    try:
        return ended(lambda: run(arguments))
    except BadSettings as wrong:
        print("einmal: the settings are not right:", file=sys.stderr)
        for problem in wrong.problems:
            print(f"  {problem}", file=sys.stderr)
        return USAGE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="einmal",
        description="The exactly-once booking gateway between voice agents and Cal.com.",
        epilog="Settings are read from the environment (EINMAL_...); `einmal config check` lists them.",
    )
    parser.add_argument("--version", action="version", version=f"einmal {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")

    serve = commands.add_parser("serve", help="run the gateway (with the built-in simulator when no key is set)")
    serve.set_defaults(run=_serve)

    add_work(commands, environment_settings)
    add_mcp(commands, environment_settings)
    add_intents(commands)
    add_callbacks(commands)
    add_explain(commands, environment_settings)
    add_webhook_commands(commands, environment_settings)
    add_report(commands, environment_settings)
    add_privacy(commands, environment_settings)

    simulator = commands.add_parser("simulator", help="run a Cal.com API v2 as it really behaves")
    simulator.add_argument("--host", default="127.0.0.1", help="address to listen on (127.0.0.1)")
    simulator.add_argument("--port", type=int, default=8090, help="port to listen on (8090)")
    simulator.add_argument("--latency", type=float, default=0.0, metavar="SECONDS", help="how long an answer takes")
    simulator.add_argument("--faults", type=Path, metavar="FILE", help="a TOML plan of faults; see docs/simulator.md")
    simulator.set_defaults(run=_simulator)

    _add_simulate(commands)

    invariants = commands.add_parser("invariants", help="are all promises kept, in this ledger and its calendar?")
    since = invariants.add_argument("--since", metavar="WHEN", default="30d")
    since.help = "intents made, or with a slot, since then: 30d, 12h, 2026-11-01, 2026-11-01T09:00Z (30d)"
    invariants.add_argument("--tenant", metavar="ID", help="whose, where there are several")
    invariants.add_argument("--json", action="store_true", help="as JSON")
    invariants.set_defaults(run=_invariants)

    reconcile = commands.add_parser("reconcile", help="compare ledger and calendar as a whole, and mend what is ours")
    since = reconcile.add_argument("--since", metavar="WHEN")
    since.help = "what changed since then: 30d, 12h, 2026-11-01 (since the last run), and all that is to come"
    reconcile.add_argument("--dry-run", action="store_true", help="only tell; write nothing")
    reconcile.add_argument("--tenant", metavar="ID", help="of this one (all)")
    reconcile.add_argument("--json", action="store_true", help="as JSON, a line for each tenant")
    reconcile.set_defaults(run=_reconcile)

    add_verify(commands, environment_settings)

    demo = commands.add_parser("demo", help="the incident, unguarded and guarded, side by side")
    demo.add_argument("--ledger", type=Path, metavar="FILE", help="only make a new ledger that holds it, to look at")
    demo.set_defaults(run=_demo)

    add_table_commands(commands, environment_settings)
    add_import_command(commands, environment_settings)

    _add_spoken(commands)
    _add_config(commands)
    add_secrets(commands, environment_settings)

    database = commands.add_parser("db", help="the ledger's schema").add_subparsers(metavar="COMMAND", required=True)
    database.add_parser("version", help="show the schema's version").set_defaults(run=_db_version)
    upgrade = database.add_parser("upgrade", help="migrate to the newest schema, layer 4 included")
    upgrade.set_defaults(run=_db_upgrade)
    down = database.add_parser("downgrade", help="switch layer 4 off: its UNIQUE index becomes a plain one")
    down.add_argument("what", choices=["layer4"], help="the layer")
    down.set_defaults(run=_db_downgrade)
    add_roles(database, environment_settings)
    return parser


def _add_spoken(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parse = commands.add_parser("parse", help="how a date and time are heard, or what would be asked")
    parse.add_argument("text", help='what was said: "nächsten Dienstag halb vier"')
    parse.add_argument("--now", metavar="WHEN", help="as if it were then: 2026-11-19T08:17 (now)")
    parse.add_argument("--zone", help="where: Europe/Berlin (the tenant's)")
    parse.add_argument("--language", choices=["de", "en"], help="which is tried first (the tenant's)")
    parse.add_argument("--hours", metavar="SPAN", help="open each day so: 09:00-18:00 (the tenant's hours)")
    parse.add_argument("--tenant", metavar="ID", help="to whom it was said, where there are several")
    parse.add_argument("--service", metavar="NAME", help="what for, as callers say it (the tenant's shortest)")
    parse.add_argument("--json", action="store_true", help="as JSON")
    parse.set_defaults(run=_parse)

    tools = commands.add_parser("tools", help="tool definitions to paste into a voice agent")
    tools.add_argument("platform", choices=["retell", "vapi", "elevenlabs"], help="whose agent it is")
    tools.add_argument("--url", help="where the gateway is reached: https://...")
    tools.add_argument("--tenant", metavar="ID", help="whose, where there are several")
    tools.set_defaults(run=_tools)


def _add_config(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    config = commands.add_parser("config", help="settings").add_subparsers(metavar="COMMAND", required=True)
    check = config.add_parser("check", help="check the settings and the file of tenants; show what is in force")
    check.add_argument("file", nargs="?", type=Path, metavar="FILE", help="instead of the one EINMAL_CONFIG names")
    check.add_argument("--json", action="store_true", help="as JSON")
    check.set_defaults(run=_config_check)
    config.add_parser("example", help="print a file of tenants to begin with").set_defaults(run=_config_example)
    config.add_parser("password", help="make the hash of a password for the pages").set_defaults(run=_config_password)


def _add_simulate(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    simulate = commands.add_parser("simulate", help="a simulated world in bad weather: is every promise kept?")
    simulate.add_argument("--intents", type=int, default=20_000, help="until there were so many (20000)")
    simulate.add_argument("--seed", type=int, default=1, help="of the first episode (1); a seed is a world")
    simulate.add_argument("--faults", type=float, default=40.0, metavar="PERCENT", help="of calendar calls (40)")
    ledger = simulate.add_argument("--ledger", choices=["memory", "sqlite", "postgres"], default="memory")
    ledger.help = "the flows alone in memory, or the whole application on a file or a server (memory)"
    url = simulate.add_argument("--database-url", metavar="URL")
    url.help = "postgresql://user@host/postgres: a server for tests; worlds make databases of their own on it"
    simulate.add_argument("--processes", type=int, help="how many at once (all cores)")
    simulate.add_argument("--seconds", type=float, help="stop after so long")
    simulate.add_argument("--json", action="store_true", help="as JSON")
    simulate.set_defaults(run=_simulate)


def environment_settings() -> Settings:
    return read_settings(os.environ)


# Each command imports what it needs when it runs: `einmal --help` should not wait for a web server.


def _serve(_: argparse.Namespace) -> int:
    from einmal.entrypoints.cli.serve import serve  # noqa: PLC0415

    return serve(environment_settings())


def _simulator(arguments: argparse.Namespace) -> int:
    from einmal.entrypoints.cli.serve import serve_simulator  # noqa: PLC0415

    return serve_simulator(arguments.host, arguments.port, arguments.latency, arguments.faults)


def _simulate(arguments: argparse.Namespace) -> int:
    from einmal.entrypoints.cli.simulate import run_simulate  # noqa: PLC0415

    return run_simulate(
        arguments.intents,
        arguments.seed,
        arguments.faults,
        arguments.processes,
        arguments.seconds,
        ledger=arguments.ledger,
        database_url=arguments.database_url,
        as_json=arguments.json,
    )


def _invariants(arguments: argparse.Namespace) -> int:
    from einmal.entrypoints.cli.invariants import run_invariants  # noqa: PLC0415

    return run_invariants(environment_settings(), arguments.since, arguments.tenant, as_json=arguments.json)


def _reconcile(arguments: argparse.Namespace) -> int:
    from einmal.entrypoints.cli.reconcile import run_reconcile  # noqa: PLC0415

    one = arguments
    return run_reconcile(environment_settings(), one.since, one.tenant, dry=one.dry_run, as_json=one.json)


def _demo(arguments: argparse.Namespace) -> int:
    if arguments.ledger is not None:
        from einmal.entrypoints.cli.demo_ledger import demo_ledger  # noqa: PLC0415

        return demo_ledger(arguments.ledger)
    from einmal.entrypoints.cli.demo import demo  # noqa: PLC0415

    return demo()


def _parse(arguments: argparse.Namespace) -> int:
    from einmal.entrypoints.cli.parse import Said, parse  # noqa: PLC0415

    one = arguments
    said = Said(one.text, one.now, one.zone, one.language, one.hours, one.tenant, one.service)
    return parse(environment_settings(), said, as_json=one.json)


def _tools(arguments: argparse.Namespace) -> int:
    from einmal.entrypoints.cli.tools import tools  # noqa: PLC0415

    return tools(environment_settings(), arguments.url, arguments.tenant, arguments.platform)


def _config_check(arguments: argparse.Namespace) -> int:
    from einmal.entrypoints.cli.config import config_check  # noqa: PLC0415

    return config_check(arguments.file, as_json=arguments.json)


def _config_example(_: argparse.Namespace) -> int:
    from einmal.entrypoints.cli.config import config_example  # noqa: PLC0415

    return config_example()


def _config_password(_: argparse.Namespace) -> int:
    from einmal.entrypoints.cli.password import config_password  # noqa: PLC0415

    return config_password()


def _db_version(_: argparse.Namespace) -> int:
    return _with_schema(None)


def _db_upgrade(_: argparse.Namespace) -> int:
    return _with_schema("head")


def _db_downgrade(arguments: argparse.Namespace) -> int:
    return _with_schema(str(arguments.what))


def _with_schema(change: str | None) -> int:
    from einmal.entrypoints.cli.database import with_schema  # noqa: PLC0415

    return with_schema(environment_settings().ledger_at, change)
