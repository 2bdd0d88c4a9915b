"""How `einmal secrets` is called."""

import argparse
from collections.abc import Callable

from einmal.settings import Settings


def add_secrets(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", settings: Callable[[], Settings]
) -> None:
    secrets = commands.add_parser("secrets", help="secrets at rest: a key, a sealed value, a rotation")
    of_secrets = secrets.add_subparsers(metavar="COMMAND", required=True)
    of_secrets.add_parser("key", help="make a key for EINMAL_SECRETS_KEY").set_defaults(run=_key)
    seal = of_secrets.add_parser("seal", help="seal a secret, read from a prompt or a pipe; prints what to paste")
    seal.add_argument("name", metavar="NAME", help="calcom_api_key, retell_api_keys, ..., or EINMAL_...")
    seal.add_argument("--tenant", metavar="ID", help="whose, in a file of several tenants")
    seal.set_defaults(run=_seal)
    rotate = of_secrets.add_parser("rotate", help="seal everything with the first key of EINMAL_SECRETS_KEY")
    rotate.add_argument("--write", action="store_true", help="in the file that EINMAL_CONFIG names, too")

    def _rotate(arguments: argparse.Namespace) -> int:
        from einmal.entrypoints.cli.sealing import secrets_rotate  # noqa: PLC0415

        return secrets_rotate(settings(), write=arguments.write)

    rotate.set_defaults(run=_rotate)


def _key(_: argparse.Namespace) -> int:
    from einmal.entrypoints.cli.sealing import secrets_key  # noqa: PLC0415

    return secrets_key()


def _seal(arguments: argparse.Namespace) -> int:
    from einmal.entrypoints.cli.sealing import secrets_seal  # noqa: PLC0415

    return secrets_seal(str(arguments.name), arguments.tenant)
