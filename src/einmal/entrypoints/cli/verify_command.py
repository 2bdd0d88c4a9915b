"""How `einmal verify` is called."""

import argparse
from collections.abc import Callable

from einmal.settings import Settings

Commands = argparse._SubParsersAction  # noqa: SLF001 - argparse has no public name for it


def add_verify(commands: "Commands[argparse.ArgumentParser]", settings: Callable[[], Settings]) -> None:
    def run(arguments: argparse.Namespace) -> int:
        from einmal.entrypoints.cli.verify import Asked, run_verify  # noqa: PLC0415 - `einmal --help` should not wait

        one = arguments
        asked = Asked(one.event_type, one.service, one.tenant, one.probe, one.yes_this_is_a_test_event_type, one.yes)
        return run_verify(settings(), asked, as_json=one.json)

    verify = commands.add_parser(
        "verify",
        help="does this installation keep what it promises? A verdict per row",
        description="Without arguments it runs on the built-in simulator and a ledger of its own, reads whether this "
        "ledger's constraint is in force, and asks Cal.com, where a key is set, two questions that change nothing. "
        "With --event-type or --service it also books at the real Cal.com, and cancels what it booked.",
    )
    verify.set_defaults(run=run)
    verify.add_argument("--probe", action="store_true", help="only what the Cal.com account can do; for set-up")
    where = verify.add_mutually_exclusive_group()
    where.add_argument("--event-type", type=int, metavar="ID", help="book at Cal.com, on this event type for tests")
    where.add_argument("--service", metavar="NAME", help="the same, by the name of a service or event type")
    verify.add_argument("--tenant", metavar="ID", help="at this one's Cal.com account (all, for what only reads)")
    sure = verify.add_argument("--yes-this-is-a-test-event-type", action="store_true")
    sure.help = "although neither its title nor its slug says test"
    verify.add_argument("--yes", action="store_true", help="do not ask before booking")
    verify.add_argument("--json", action="store_true", help="as JSON")
