"""What a gateway of the simulated world is put together from; a saboteur changes parts of it, through the ports."""

from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from einmal.domain.admission import AdmissionPolicy
from einmal.domain.facts import Alarm
from einmal.domain.gate import GatePolicy, Use
from einmal.domain.reach import Channel, reaches
from einmal.domain.settle import SettlePolicy
from einmal.domain.verdict import GuardPolicy
from einmal.flows.arm import Arming
from einmal.flows.attempt import Attempts
from einmal.flows.behind import Behind
from einmal.flows.book import Bookings
from einmal.flows.compensate import Compensations
from einmal.flows.deliver import Deliveries
from einmal.flows.doubt import Doubts
from einmal.flows.gated import GatedCalendar
from einmal.flows.house_rules import HouseRules
from einmal.flows.offer import Offers
from einmal.flows.outcome import Outcomes
from einmal.flows.recover import Recovery
from einmal.flows.sweep import Sweeper
from einmal.flows.work import Worker
from einmal.ports import Budgets, Calendar, Clock, Courier, Gates, Ids, Ledger, Outbox, Tenant, Toll
from einmal.simulator.world.people import SERVICE

TENANT: Final = Tenant("default", "Salon", "Europe/Berlin", "de", "termin@salon.test", (SERVICE,), b"k" * 32)


class Alarms:
    """The Observer port: keeps what should never be heard, a bug that was caught on its way out."""

    def __init__(self) -> None:
        self.bugs: list[str] = []
        self.stuck: set[str] = set()
        """Intents that only a person can take back."""

    def observe(self, facts: Any) -> None:
        alarms = [fact for fact in facts if isinstance(fact, Alarm)]
        self.bugs += [f"{alarm.what}: {alarm.detail}" for alarm in alarms if _is_bug(alarm)]
        self.stuck.update(alarm.intent_id or "" for alarm in alarms if alarm.what == "compensation_stuck")


def _is_bug(alarm: Alarm) -> bool:
    return alarm.what.endswith("_failed") or alarm.what == "constraint_violation"


@dataclass(slots=True)
class Parts:
    """The world through its ports, and the policies."""

    ledger: Ledger
    gates: Gates
    outbox: Outbox
    calendar: Calendar
    courier: Courier
    clock: Clock
    ids: Ids
    observer: Alarms
    gate_policy: GatePolicy
    guard: GuardPolicy = field(default_factory=GuardPolicy)
    settle: SettlePolicy = field(default_factory=SettlePolicy)
    admission: AdmissionPolicy = field(default_factory=AdmissionPolicy)
    budgets: Budgets = field(default_factory=Budgets)


def assemble(parts: Parts) -> tuple[Bookings, Worker]:
    """The real flows on these parts."""
    clock, ids, observer, budgets = parts.clock, parts.ids, parts.observer, parts.budgets
    toll = Toll("account", parts.gate_policy)
    before = GatedCalendar(parts.calendar, parts.gates, toll, Use.LOOK, clock, observer)
    behind = GatedCalendar(parts.calendar, parts.gates, toll, Use.RECOVER, clock, observer)
    offers = Offers(before, clock, ids, budgets, TENANT)
    outcomes = Outcomes(parts.ledger, clock, ids, observer, parts.guard)
    doubts = Doubts(outcomes, before, offers, budgets, parts.settle)
    arming = Arming(outcomes, before, parts.gates, toll, budgets)
    attempts = Attempts(outcomes, doubts, arming, before, parts.guard)
    bookings = Bookings(
        TENANT,
        parts.ledger,
        attempts,
        offers,
        clock,
        ids,
        observer,
        budgets,
        toll,
        partial(reaches, (Channel.WEBHOOK,)),
        HouseRules(TENANT, clock, None, parts.admission),
    )
    doubts_behind = Doubts(outcomes, behind, None, budgets, parts.settle)
    compensations = Compensations(outcomes, behind, budgets)
    deliveries = Deliveries(parts.outbox, {"webhook": parts.courier}, clock, ids, observer)
    sweeper = Sweeper(TENANT.tenant_id, doubts_behind, compensations, behind, budgets)
    backs = {TENANT.tenant_id: Behind(doubts_behind, compensations, sweeper)}
    return bookings, Worker(Recovery(parts.ledger, backs, clock, observer), backs, deliveries, clock, observer)
