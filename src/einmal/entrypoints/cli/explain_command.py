"""The arguments of `einmal explain`: what became of a call."""

import argparse
from collections.abc import Callable

from einmal.settings import Settings


def add_explain(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", settings: Callable[[], Settings]
) -> None:
    explain = commands.add_parser("explain", help="what became of a call, or of an intent: the evidence, in order")
    explain.add_argument("id", metavar="ID", help="of a call, an intent, an appointment, an operation or a booking")
    explain.add_argument("--reveal", action="store_true", help="show names and addresses; the audit log says so")
    explain.add_argument("--language", choices=["de", "en"], default="en", help="of the sentences (en)")
    explain.add_argument("--json", action="store_true", help="as JSON")

    def run(arguments: argparse.Namespace) -> int:
        from einmal.entrypoints.cli.explain import Asked, explain  # noqa: PLC0415

        one = arguments
        return explain(settings(), Asked(one.id, one.language, reveal=one.reveal, as_json=one.json))

    explain.set_defaults(run=run)
