"""How `einmal webhooks` is called."""

import argparse
from collections.abc import Callable

from einmal.settings import Settings

Commands = argparse._SubParsersAction  # noqa: SLF001 - argparse has no public name for it


def add_webhook_commands(commands: "Commands[argparse.ArgumentParser]", settings: Callable[[], Settings]) -> None:
    def run_register(arguments: argparse.Namespace) -> int:
        from einmal.entrypoints.cli.webhooks import webhooks_register  # noqa: PLC0415 - `einmal --help` should not wait

        return webhooks_register(settings(), arguments.url, arguments.tenant, as_json=arguments.json)

    def run_check(arguments: argparse.Namespace) -> int:
        from einmal.entrypoints.cli.webhooks import webhooks_check  # noqa: PLC0415

        return webhooks_check(settings(), arguments.url, arguments.tenant, as_json=arguments.json)

    webhooks = commands.add_parser("webhooks", help="that Cal.com tells the gateway what changes").add_subparsers(
        title="commands", metavar="COMMAND", required=True
    )
    register = webhooks.add_parser("register", help="set them up at Cal.com, or mend what stands there; repeatable")
    register.set_defaults(run=run_register)
    check = webhooks.add_parser("check", help="do they stand at Cal.com, and are they right?")
    check.set_defaults(run=run_check)
    for one in (register, check):
        url = one.add_argument("--url", metavar="URL")
        url.help = "where Cal.com reaches the gateway: https://gateway.example"
        one.add_argument("--tenant", metavar="ID", help="of this one's Cal.com account (of all)")
        one.add_argument("--json", action="store_true", help="as JSON")
