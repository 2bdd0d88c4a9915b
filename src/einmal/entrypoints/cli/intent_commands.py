"""The arguments of `einmal intents` and `einmal callbacks`: what waits for a person."""

import argparse
import os

from einmal.settings import read_settings


def add_intents(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    intents_help = "what is in doubt, and rulings"
    intents = commands.add_parser("intents", help=intents_help).add_subparsers(
        title="commands", metavar="COMMAND", required=True
    )
    listed = intents.add_parser("list", help="unresolved intents, oldest first")
    listed.add_argument("--all", action="store_true", help="in every state")
    listed.add_argument("--tenant", metavar="ID", help="of this one (all)")
    listed.add_argument("--limit", type=int, default=50, help="at most so many (50)")
    listed.add_argument("--json", action="store_true", help="as JSON")
    listed.set_defaults(run=_intents_list)
    shown = intents.add_parser("show", help="everything that the ledger holds of one intent")
    shown.add_argument("intent_id", help="as `einmal intents list` names it")
    shown.add_argument("--json", action="store_true", help="as JSON")
    shown.set_defaults(run=_intents_show)
    rule = intents.add_parser("rule", help="a person's decision: of an escalated intent, or of a layer's rejection")
    rule.add_argument("intent_id", help="as `einmal intents list` names it")
    ruling = rule.add_mutually_exclusive_group(required=True)
    ruling.add_argument("--booked", metavar="UID", help="this booking at Cal.com is it; it is read and kept")
    ruling.add_argument("--not-booked", action="store_true", help="there is none, and there will be none")
    wrong = "a layer refused what was right: the weekly report counts it, and nothing else changes"
    ruling.add_argument("--rejection-wrong", action="store_true", help=wrong)
    ruling.add_argument("--rejection-right", action="store_true", help="the layer refused it rightly")
    rule.set_defaults(run=_intents_rule)


def add_callbacks(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    callbacks = commands.add_parser("callbacks", help="who wants to be called back").add_subparsers(
        title="commands", metavar="COMMAND", required=True
    )
    listed = callbacks.add_parser("list", help="who waits for a call, longest first: names and numbers are shown")
    listed.add_argument("--tenant", metavar="ID", help="of this one (all)")
    listed.add_argument("--limit", type=int, default=50, help="at most so many (50)")
    listed.add_argument("--json", action="store_true", help="as JSON")
    listed.set_defaults(run=_callbacks_list)
    done = callbacks.add_parser("done", help="somebody has called")
    done.add_argument("callback_id", metavar="ID", help="as `einmal callbacks list` names it")
    done.set_defaults(run=_callbacks_done)


def _intents_list(arguments: argparse.Namespace) -> int:
    from einmal.entrypoints.cli.intents import intents_list  # noqa: PLC0415

    limit: int = arguments.limit
    whose: str | None = arguments.tenant
    return intents_list(read_settings(os.environ), limit, whose, everything=arguments.all, as_json=arguments.json)


def _intents_show(arguments: argparse.Namespace) -> int:
    from einmal.entrypoints.cli.intents import intents_show  # noqa: PLC0415

    return intents_show(read_settings(os.environ), arguments.intent_id, as_json=arguments.json)


def _intents_rule(arguments: argparse.Namespace) -> int:
    if arguments.rejection_wrong or arguments.rejection_right:
        from einmal.entrypoints.cli.report_ruling import rule_rejection  # noqa: PLC0415

        return rule_rejection(read_settings(os.environ), arguments.intent_id, wrong=arguments.rejection_wrong)
    from einmal.entrypoints.cli.intents import intents_rule  # noqa: PLC0415

    return intents_rule(read_settings(os.environ), arguments.intent_id, arguments.booked)


def _callbacks_list(arguments: argparse.Namespace) -> int:
    from einmal.entrypoints.cli.callbacks import callbacks_list  # noqa: PLC0415

    return callbacks_list(read_settings(os.environ), arguments.limit, arguments.tenant, as_json=arguments.json)


def _callbacks_done(arguments: argparse.Namespace) -> int:
    from einmal.entrypoints.cli.callbacks import callbacks_done  # noqa: PLC0415

    return callbacks_done(read_settings(os.environ), arguments.callback_id)
