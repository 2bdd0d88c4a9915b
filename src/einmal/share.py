"""One tenant's flows, each made once, out of what it shares with the other tenants of a process and what is its own.

There are four views of one calendar behind one budget: what somebody on the phone waits for, what recovery looks at,
what nobody waits for at all, and, for clients of Cal.com's own API, requests that are sent as they came.
"""

from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cached_property, partial

from einmal.adapters.calcom.calendar import CalcomCalendar
from einmal.adapters.calcom.passing import Passages, PassingCalendar
from einmal.adapters.calcom.transport import Transport
from einmal.adapters.sql.ledger import SqlLedger
from einmal.domain.admission import AdmissionPolicy
from einmal.domain.gate import Use
from einmal.domain.house import House
from einmal.domain.keys import named_key
from einmal.domain.reach import reaches
from einmal.domain.settle import SettlePolicy
from einmal.flows.arm import Arming
from einmal.flows.as_asked import AsAsked
from einmal.flows.attempt import Attempts
from einmal.flows.behind import Behind
from einmal.flows.book import Bookings
from einmal.flows.change import Changes
from einmal.flows.change_doubt import ChangeDoubts
from einmal.flows.change_reply import ChangeReplies
from einmal.flows.compensate import Compensations
from einmal.flows.composite import Composites
from einmal.flows.composite_undo import CompositeSteps
from einmal.flows.doubt import Doubts
from einmal.flows.gated import GatedCalendar
from einmal.flows.hold import Holding
from einmal.flows.house_rules import HouseRules
from einmal.flows.metered import Metered
from einmal.flows.observe import Observation
from einmal.flows.offer import Offers
from einmal.flows.outcome import Outcomes
from einmal.flows.own import OwnAppointments
from einmal.flows.reconcile import Reconciliation
from einmal.flows.standing import Standings
from einmal.flows.sweep import Sweeper
from einmal.flows.traced import TracedAttempts
from einmal.ports import Budgets, Calendar, Clock, Ids, Observer, Tenant, Toll
from einmal.ports.tracing import Spans
from einmal.settings import Settings
from einmal.tenancies import Proxied


@dataclass
class Share:
    """`neighbours` are the other tenants of its account at Cal.com; `spans` is there where traces are wanted."""

    settings: Settings
    ledger: SqlLedger
    clock: Clock
    ids: Ids
    observer: Observer
    spans: Spans | None
    tenant: Tenant
    neighbours: tuple[str, ...]
    inner: CalcomCalendar
    toll: Toll

    @cached_property
    def calendar(self) -> GatedCalendar:
        """For what somebody on the phone waits for."""
        return self._gated(self.inner, Use.LOOK)

    @cached_property
    def _recovering(self) -> GatedCalendar:
        return self._gated(self.inner, Use.RECOVER)

    @cached_property
    def _background(self) -> GatedCalendar:
        """What the outside told, what is compared. It leaves most of the budget to others."""
        return self._gated(self.inner, Use.BACKGROUND)

    @cached_property
    def budgets(self) -> Budgets:
        return Budgets(reply_seconds=self.settings.reply_seconds, post_seconds=self.settings.post_seconds)

    @cached_property
    def _settle(self) -> SettlePolicy:
        return SettlePolicy(window=timedelta(seconds=self.settings.settle_seconds))

    @cached_property
    def offers(self) -> Offers:
        return Offers(self.calendar, self.clock, self.ids, self.budgets, self.tenant, self.ledger.holds)

    @cached_property
    def holding(self) -> Holding:
        return Holding(self.tenant, self.ledger.holds, self.offers, self.calendar, self.clock, self.ids, self.budgets)

    @cached_property
    def _rules(self) -> HouseRules:
        admission = AdmissionPolicy(replay_no_for=timedelta(seconds=self.settings.replay_no_seconds))
        return HouseRules(self.tenant, self.clock, self.ledger.appointments, admission)

    @cached_property
    def outcomes(self) -> Outcomes:
        seconds = self.settings.verify_seconds
        verify_after = timedelta(seconds=seconds) if seconds else None
        return Outcomes(self.ledger, self.clock, self.ids, self.observer, self.settings.guard, verify_after)

    @cached_property
    def _attempts(self) -> Attempts:
        outcomes, calendar, guard = self.outcomes, self.calendar, self.settings.guard
        doubts = Doubts(outcomes, calendar, self.offers, self.budgets, self._settle)
        arming = Arming(outcomes, calendar, self.ledger.gates, self.toll, self.budgets)
        strategy = self.settings.strategy
        if self.spans is None:
            return Attempts(outcomes, doubts, arming, calendar, guard, strategy)
        return TracedAttempts(outcomes, doubts, arming, calendar, guard, strategy, spans=self.spans)

    @cached_property
    def bookings(self) -> Bookings:
        return Bookings(
            self.tenant,
            self.ledger,
            self._attempts,
            self.offers,
            self.clock,
            self.ids,
            self.observer,
            self.budgets,
            self.toll,
            partial(reaches, self.settings.channels),
            self._rules,
            self.holding.answered,
        )

    @cached_property
    def own(self) -> OwnAppointments:
        return OwnAppointments(self.tenant, self.ledger.appointments, self.clock, self.ledger.composites)

    @cached_property
    def in_call(self) -> ChangeDoubts:
        """Cancels and moves, while the caller waits."""
        return self._change_doubts(self.calendar)

    @cached_property
    def _afterwards(self) -> ChangeDoubts:
        return self._change_doubts(self._recovering)

    @cached_property
    def composites(self) -> Composites:
        return Composites(self.bookings, CompositeSteps(self.ledger.composites, self.in_call), self.offers)

    @cached_property
    def changes(self) -> Changes:
        replies = ChangeReplies(self.tenant, self.own, self.in_call, self.offers)
        return Changes(
            replies, self._rules, self.bookings.reaches, self.offers.drop, self.holding.answered, self.composites
        )

    @cached_property
    def behind(self) -> Behind:
        """What is done when nobody is on the phone."""
        recovering, standings = self._recovering, self._afterwards.standings
        doubts = Doubts(self.outcomes, recovering, None, self.budgets, self._settle)
        compensations = Compensations(self.outcomes, recovering, self.budgets)
        sweeper = Sweeper(self.tenant.tenant_id, doubts, compensations, recovering, self.budgets, standings)
        seen = replace(standings, calendar=self._background)
        observation = Observation(self.ledger.reconciling, seen, sweeper, self.neighbours)
        return Behind(
            doubts,
            compensations,
            sweeper,
            self._afterwards,
            CompositeSteps(self.ledger.composites, self._afterwards),
            observation,
            self._reconciliation(observation),
            self.holding,
        )

    def proxied(self, calendar: PassingCalendar, passages: Passages, transport: Transport) -> Proxied:
        """The same flows for those who bring their own request, under Cal.com's rules instead of the house's."""
        tenant = replace(self.tenant, house=House())
        gated, rules, attempts = self._gated(calendar, Use.LOOK), AsAsked(tenant, self.clock), self._attempts
        doubts = replace(attempts.doubts, calendar=gated, offers=None)
        attempts = replace(attempts, calendar=gated, doubts=doubts, arming=replace(attempts.arming, calendar=gated))
        bookings = replace(self.bookings, tenant=tenant, attempts=attempts, house_rules=rules, key_of=named_key)
        theirs = self.changes
        replies = replace(theirs.replies, tenant=tenant, doubts=replace(theirs.doubts, calendar=gated))
        changes = Changes(replies, rules, theirs.reaches, theirs.changed, theirs.answered)
        return Proxied(bookings, changes, passages, transport, Metered(self.ledger.gates, self.toll, self.clock))

    def _gated(self, calendar: Calendar, use: Use) -> GatedCalendar:
        return GatedCalendar(calendar, self.ledger.gates, self.toll, use, self.clock, self.observer)

    def _change_doubts(self, calendar: GatedCalendar) -> ChangeDoubts:
        ledger = self.ledger
        standings = Standings(self.tenant, ledger.changes, calendar, self.clock, self.ids, self.budgets)
        return ChangeDoubts(
            ledger.changes, ledger, standings, calendar, self.clock, self.observer, self.budgets, self._settle
        )

    def _reconciliation(self, observation: Observation) -> Reconciliation:
        every = self.settings.reconcile_seconds
        books, calendar = self.ledger.reconciling, self._background
        return Reconciliation(observation, books, calendar, self.clock, self.ids, self.observer, every)
