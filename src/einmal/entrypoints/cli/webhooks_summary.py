"""What `einmal webhooks` tells of an account, in words and as JSON. No secret is in either."""

from dataclasses import dataclass
from typing import Any, Final

from einmal.adapters.calcom.registration import PATH, Found, State, Survey
from einmal.adapters.calcom.subscriptions import TRIGGERS, Flaw
from einmal.entrypoints.cli.webhook_accounts import Account


@dataclass(frozen=True, slots=True)
class Seen:
    """What became of one account: what stands there, or why nobody knows."""

    account: Account
    survey: Survey | None
    why: str | None = None


_STATES: Final = {
    State.RIGHT: "right",
    State.MADE: "made",
    State.MENDED: "mended",
    State.MISSING: "MISSING",
    State.WRONG: "WRONG",
    State.BY_HAND: "by hand, see below",
    State.UNKNOWN: "cannot be known, see below",
}

_STANDING: Final = frozenset({State.RIGHT, State.MADE, State.MENDED, State.WRONG})

_FLAWS: Final = {
    Flaw.INACTIVE: "it is switched off",
    Flaw.UNSIGNED: "it has no secret, so the gateway refuses what it sends",
    Flaw.SIGNED_OTHERWISE: "it has another secret than the gateway, which refuses what it sends",
    Flaw.TEMPLATE: "it has a payload template, which takes the place of what the gateway reads",
}


def print_seen(seen: Seen) -> None:
    account, found = seen.account, seen.survey
    print(f"Cal.com account at {account.base_url}{f' ({account.names})' if account.names else ''}")
    if found is None:
        print("  could not be asked\n")
        return
    if found.url is None:
        print(f"  no webhook goes to a gateway (…{PATH})")
        print("\nMake it: einmal webhooks register --url https://gateway.example\n")
        return
    print(f"  webhooks to {found.url}")
    for one in found.found:
        _print_found(one)
    for url in found.foreign:
        print(f"  another webhook goes to {url}: leave it if that gateway is yours, else delete it at Cal.com")
    print()
    if not found.is_right:
        print(f"Mend it: einmal webhooks register --url {found.url.removesuffix(PATH)}\n")
    _print_by_hand(found)
    _print_unknown(found)


def _print_found(one: Found) -> None:
    whose = "the account's own event types"
    if one.place.event_type_id is not None:
        whose = f"{one.place.title or 'event type'} ({one.place.event_type_id})"
    print(f"    {whose}: {_STATES[one.state]}")
    for flaw in one.flaws:
        print(f"      - {_FLAWS.get(flaw) or 'it does not tell of ' + ', '.join(one.lacking)}")
    if one.twice:
        print("      - it stands twice: each change is told twice, which does no harm; delete one at Cal.com")
    if one.secret_unseen and one.state is State.RIGHT:
        print("      - Cal.com does not show its secret, so that could not be compared")


def _print_by_hand(found: Survey) -> None:
    teams = [one.place for one in found.found if one.state is State.BY_HAND]
    if not teams:
        return
    several = len(teams) > 1
    names = ", ".join(f"{one.title or 'event type'} ({one.event_type_id})" for one in teams)
    print(f"By hand: {names} {'are' if several else 'is'} not this account's own but a team's, or somebody else's.")
    print("Of a team's event types an account's webhooks tell nothing, and Cal.com lets no host add one by API.")
    print("Whether a person has, it does not tell either. If nobody has yet, somebody who runs the team makes one:")
    print("  at Cal.com: Settings, Webhooks, New, and choose the team; or on the event type's own page, Webhooks")
    print(f"  subscriber URL: {found.url}")
    print(f"  event triggers: {', '.join(TRIGGERS)}")
    print("  secret: the gateway's (EINMAL_CALCOM_WEBHOOK_SECRET, or the tenant's calcom_webhook_secret)")
    print("  payload template: none")
    print("Without it nothing is lost: reconciliation finds what changed there, only later.\n")


def _print_unknown(found: Survey) -> None:
    unknown = [one.place for one in found.found if one.state is State.UNKNOWN]
    if unknown:
        names = ", ".join(f"{one.title or 'event type'} ({one.event_type_id})" for one in unknown)
        print(f"Cannot be known: {names}. Cal.com shows this API key no such event type. If it is a team's, it needs a")
        print("webhook made by hand in the team's settings; else look whether event_type_id is right.\n")


def plain(seen: Seen) -> dict[str, Any]:
    found = seen.survey
    return {
        "tenants": [one.tenant_id for one in seen.account.tenants],
        "calcom": seen.account.base_url,
        "url": None if found is None else found.url,
        "right": None if found is None else found.is_right,
        "error": seen.why,
        "subscriptions": [
            {
                "event_type_id": one.place.event_type_id,
                "title": one.place.title or None,
                "state": one.state.value,
                "wrong": [flaw.value for flaw in one.flaws],
                "lacking_triggers": list(one.lacking),
                "twice": one.twice,
                "secret_compared": one.state in _STANDING and not one.secret_unseen,
            }
            for one in (() if found is None else found.found)
        ],
        "foreign": [] if found is None else list(found.foreign),
    }
