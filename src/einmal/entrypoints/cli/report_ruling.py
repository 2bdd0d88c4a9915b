"""`einmal intents rule ID --rejection-wrong|--rejection-right`: did a layer refuse rightly? For the weekly report."""

import asyncio
import sys
from typing import Final

from einmal.adapters.system import SystemClock
from einmal.adapters.telemetry.logs import LogObserver, configure_logs
from einmal.beside import open_ledger
from einmal.entrypoints.cli.ledger import unusable_ledger
from einmal.flows.rule import CannotRule, RejectionRulings
from einmal.ports import CommitUnknown, LedgerUnavailable
from einmal.settings import Settings

USAGE: Final = 2
COULD_NOT_LOOK: Final = 4


def rule_rejection(settings: Settings, intent_id: str, *, wrong: bool) -> int:
    configure_logs()
    unusable = unusable_ledger(settings)
    if unusable is not None:
        print(f"einmal: {unusable}", file=sys.stderr)
        return COULD_NOT_LOOK
    try:
        is_new = asyncio.run(_rule(settings, intent_id, wrong=wrong))
    except CannotRule as why:
        print(f"einmal: {why}", file=sys.stderr)
        return USAGE
    except (LedgerUnavailable, CommitUnknown):
        print("einmal: the ledger does not answer; rule again, it is counted once", file=sys.stderr)
        return COULD_NOT_LOOK
    ruled = "wrong" if wrong else "right"
    print(f"Ruled: the rejection was {ruled}." if is_new else f"It was ruled {ruled} already.")
    return 0


async def _rule(settings: Settings, intent_id: str, *, wrong: bool) -> bool:
    ledger = open_ledger(settings)
    try:
        return await RejectionRulings(ledger.report, SystemClock(), LogObserver()).rule(intent_id, wrong=wrong)
    finally:
        ledger.close()
