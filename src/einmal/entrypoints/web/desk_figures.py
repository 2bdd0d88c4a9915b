"""What the desk makes of the figures: what needs a person, and how each calendar is doing."""

from dataclasses import dataclass
from datetime import datetime

from einmal.assembly import account_id
from einmal.domain.drift import MENDED
from einmal.domain.gate import GatePolicy
from einmal.domain.intent import State
from einmal.ports.desk import Desk, OpenDrift
from einmal.ports.overview import Figures
from einmal.wiring import Gateway


@dataclass(frozen=True, slots=True)
class Needing:
    """How many wait for a person, and which differences are no rule's to mend."""

    escalated: int
    callbacks: int
    drifts: int
    given_up: int
    drifts_listed: tuple[OpenDrift, ...]

    @property
    def count(self) -> int:
        return self.escalated + self.callbacks + self.drifts + self.given_up


def needing(desk: Desk, figures: Figures) -> Needing:
    # Of bookings the whole number is known, of changes those that are listed.
    escalated = max(figures.unresolved.get(State.ESCALATED, 0), len(desk.escalated))
    drifts = sum(count for kind, count in figures.drifts.items() if kind not in MENDED)
    listed = tuple(one for one in desk.drifts if one.kind not in MENDED)
    return Needing(escalated, figures.callbacks, drifts, desk.given_up, listed)


@dataclass(frozen=True, slots=True)
class AccountState:
    """One Cal.com account. `percent`: of its request budget, None where there is no limit.
    `open_until`: it is left alone until then; `trying`: that is over, and it has not answered well yet."""

    names: tuple[str, ...]
    asked: bool
    percent: int | None
    open_until: datetime | None
    trying: bool


def accounts(gateway: Gateway, figures: Figures, now: datetime) -> tuple[AccountState, ...]:
    """The accounts of the tenants that are served, in their order."""
    policy = GatePolicy(per_minute=gateway.settings.calcom_rate_per_minute)
    by_account: dict[str, list[str]] = {}
    for one in gateway.tenancies.all:
        by_account.setdefault(account_id(one.configuration), []).append(one.tenant.name)
    states = []
    for account, names in by_account.items():
        gate = figures.gates.get(account)
        if gate is None:
            whole = 100 if policy.per_minute else None
            states.append(AccountState(tuple(names), asked=False, percent=whole, open_until=None, trying=False))
            continue
        is_open = gate.is_open(now, policy)
        states.append(
            AccountState(
                names=tuple(names),
                asked=True,
                percent=round(100 * gate.left(now, policy)) if policy.per_minute else None,
                open_until=gate.open_until if is_open else None,
                trying=gate.open_until is not None and not is_open,
            )
        )
    return tuple(states)


def tenant_names(gateway: Gateway) -> dict[str, str]:
    """By id, where there are several."""
    every = gateway.tenancies.all
    return {one.tenant.tenant_id: one.tenant.name for one in every} if len(every) > 1 else {}
