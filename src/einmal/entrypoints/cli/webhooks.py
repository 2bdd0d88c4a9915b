"""`einmal webhooks register|check`: that Cal.com tells the gateway of what changes. Secrets are never printed."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from einmal.adapters.calcom.registration import Survey, register, survey
from einmal.adapters.calcom.subscriptions import CouldNotAsk, Subscriptions, Wanted
from einmal.adapters.calcom.transport import Transport
from einmal.beside import build_subscriptions
from einmal.entrypoints.cli.webhook_accounts import Account, Misused, accounts_of, webhook_address
from einmal.entrypoints.cli.webhooks_summary import Seen, plain, print_seen
from einmal.settings import Settings

FOUND: Final = 1
USAGE: Final = 2
COULD_NOT_LOOK: Final = 4


def webhooks_register(
    settings: Settings, url: str | None, tenant_id: str | None, *, as_json: bool, transport: Transport | None = None
) -> int:
    """Exit code 4 where Cal.com could not be asked, or would not; then it may be run again."""
    if url is None:
        return _misused("say where Cal.com reaches the gateway: --url https://gateway.example")

    async def work(account: Account, address: str | None, at: Subscriptions) -> Survey:
        return await register(at, Wanted(address or "", account.secret), account.services)

    return _run(settings, url, tenant_id, work, transport, as_json=as_json)


def webhooks_check(
    settings: Settings, url: str | None, tenant_id: str | None, *, as_json: bool, transport: Transport | None = None
) -> int:
    """Exit code 1 where a subscription is missing or wrong, 4 where Cal.com could not be asked."""

    async def work(account: Account, address: str | None, at: Subscriptions) -> Survey:
        return await survey(at, address, account.secret, account.services)

    return _run(settings, url, tenant_id, work, transport, as_json=as_json)


Work = Callable[[Account, str | None, Subscriptions], Awaitable[Survey]]


def _run(
    settings: Settings,
    url: str | None,
    tenant_id: str | None,
    work: Work,
    transport: Transport | None,
    *,
    as_json: bool,
) -> int:
    try:
        accounts = accounts_of(settings, tenant_id)
        address = None if url is None else webhook_address(url, accounts)
    except Misused as why:
        return _misused(str(why.args[0]))
    seen = asyncio.run(_each(settings, accounts, address, work, transport))
    if as_json:
        print(json.dumps([plain(one) for one in seen], indent=2, ensure_ascii=False))
    else:
        for one in seen:
            print_seen(one)
    for one in seen:
        if one.why is not None:
            whose = f"{one.account.names}: " if one.account.names else ""
            print(f"einmal: {whose}{one.why}", file=sys.stderr)
    if any(one.survey is None for one in seen):
        return COULD_NOT_LOOK
    return 0 if all(one.survey is not None and one.survey.is_right for one in seen) else FOUND


async def _each(
    settings: Settings, accounts: Sequence[Account], url: str | None, work: Work, transport: Transport | None
) -> list[Seen]:
    """One after the other: that one cannot be asked keeps no other from being right."""
    seen = []
    for account in accounts:
        at = build_subscriptions(settings, account.tenants[0], transport)
        try:
            seen.append(Seen(account, await work(account, url, at)))
        except CouldNotAsk as why:
            seen.append(Seen(account, None, str(why.args[0])))
        finally:
            await at.close()
    return seen


def _misused(why: str) -> int:
    print(f"einmal: {why}", file=sys.stderr)
    return USAGE
