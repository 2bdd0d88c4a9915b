"""How one tenant's share of the work is put together, out of what the tenants of a process share."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

from einmal.adapters.calcom.calendar import Account, CalcomCalendar
from einmal.adapters.calcom.passing import Passages, PassingCalendar
from einmal.adapters.calcom.relay import Relay
from einmal.adapters.calcom.services import KeyRefused, NoServices, list_services
from einmal.adapters.calcom.transport import AiohttpTransport, Transport
from einmal.adapters.sql.ledger import PostgresLedger, SqliteLedger, SqlLedger
from einmal.adapters.sql.sqlite import SqliteThread
from einmal.adapters.sql.steps import Store
from einmal.adapters.sql.store import store_of
from einmal.adapters.sql.traced import TracedStore
from einmal.adapters.telemetry.logs import channel
from einmal.configuration import TenantConfiguration
from einmal.couriers import Couriers
from einmal.domain.admission import AdmissionPolicy
from einmal.domain.gate import GatePolicy, Shut, Use
from einmal.domain.house import House
from einmal.domain.keys import named_key
from einmal.domain.model import Service
from einmal.domain.reach import reaches
from einmal.domain.settle import SettlePolicy
from einmal.flows.arm import Arming
from einmal.flows.as_asked import AsAsked
from einmal.flows.attempt import Attempts
from einmal.flows.behind import Behind
from einmal.flows.book import Bookings
from einmal.flows.call_back import CallingBack
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
from einmal.flows.rule import Rulings
from einmal.flows.standing import Standings
from einmal.flows.sweep import Sweeper
from einmal.flows.tell import Telling
from einmal.flows.traced import TracedAttempts
from einmal.ports import Budgets, Clock, CommitUnknown, Ids, LedgerUnavailable, Observer, Tenant, Toll
from einmal.ports.tracing import Spans
from einmal.settings import Settings
from einmal.speech.said import Language
from einmal.speech.sentences import Voice
from einmal.tenancies import Proxied, Tenancy

HOUSE_EMAIL_OF_THE_SIMULATOR = "termin@salon.test"

EVENT_TYPES_SECONDS = 5.0


@dataclass(slots=True)
class Parts:
    """What the tenants of one process share, and how one tenant's share of the work is put together.

    `transports`: a connection pool for each base URL; one under None serves them all.
    """

    settings: Settings
    ledger: SqlLedger
    clock: Clock
    ids: Ids
    observer: Observer
    couriers: Couriers | None
    transports: dict[str | None, Transport]
    spans: Spans | None = None
    relay: Relay = field(init=False)

    def __post_init__(self) -> None:
        self.relay = Relay(allow_private=self.settings.calcom_allow_private)

    async def tenancies(self) -> list[Tenancy]:
        """All that can be served now. Raises as `tenancy`, NoServices only where nobody can be."""
        built, last = [], None
        for wanted in self.settings.tenants:
            try:
                built.append(await self.tenancy(wanted))
            except NoServices as why:
                last = why
                if len(self.settings.tenants) > 1:
                    left_out(wanted, why)
        if last is not None and not built:
            raise last
        return built

    async def tenancy(self, wanted: TenantConfiguration) -> Tenancy:
        """Raises NoServices, LedgerUnavailable or CommitUnknown."""
        settings, ledger, clock, ids, observer = self.settings, self.ledger, self.clock, self.ids, self.observer
        account, transport, passages = account_of(settings, wanted), self._transport(wanted), Passages()
        toll = Toll(account_id(wanted), GatePolicy(per_minute=settings.calcom_rate_per_minute))
        services = wanted.services or await _services(wanted.tenant_id, transport, account, ledger, toll, clock)
        hash_key = await ledger.ensure_tenant(wanted.tenant_id, wanted.name, services, clock.now())
        house_email = wanted.house_email or HOUSE_EMAIL_OF_THE_SIMULATOR
        zone, language = wanted.time_zone, wanted.language
        tenant = Tenant(
            wanted.tenant_id, wanted.name, zone, language, house_email, services, hash_key, wanted.house, wanted.numbers
        )
        inner = CalcomCalendar(transport, account, clock)
        # Two views of one calendar and one budget: what somebody on the phone waits for, and what nobody does.
        calendar = GatedCalendar(inner, ledger.gates, toll, Use.LOOK, clock, observer)
        behind = GatedCalendar(inner, ledger.gates, toll, Use.RECOVER, clock, observer)
        budgets = Budgets(reply_seconds=settings.reply_seconds, post_seconds=settings.post_seconds)
        offers = Offers(calendar, clock, ids, budgets, tenant, ledger.holds)
        holding = Holding(tenant, ledger.holds, offers, calendar, clock, ids, budgets)
        settle = SettlePolicy(window=timedelta(seconds=settings.settle_seconds))
        admission = AdmissionPolicy(replay_no_for=timedelta(seconds=settings.replay_no_seconds))
        rules = HouseRules(tenant, clock, ledger.appointments, admission)
        verify_after = timedelta(seconds=settings.verify_seconds) if settings.verify_seconds else None
        outcomes = Outcomes(ledger, clock, ids, observer, settings.guard, verify_after)
        doubts = Doubts(outcomes, calendar, offers, budgets, settle)
        arming = Arming(outcomes, calendar, ledger.gates, toll, budgets)
        attempts = Attempts(outcomes, doubts, arming, calendar, settings.guard, settings.strategy)
        if self.spans is not None:
            attempts = TracedAttempts(
                outcomes, doubts, arming, calendar, settings.guard, settings.strategy, spans=self.spans
            )
        reaches_anybody = partial(reaches, settings.channels)
        bookings = Bookings(
            tenant,
            ledger,
            attempts,
            offers,
            clock,
            ids,
            observer,
            budgets,
            toll,
            reaches_anybody,
            rules,
            holding.answered,
        )
        doubts_behind = Doubts(outcomes, behind, None, budgets, settle)
        compensations = Compensations(outcomes, behind, budgets)
        rulings = Rulings(outcomes, calendar, budgets)
        voice = Voice(Language(language), ZoneInfo(zone))
        calling_back = CallingBack(tenant.tenant_id, ledger.callbacks, clock, ids, observer, budgets)
        own = OwnAppointments(tenant, ledger.appointments, clock, ledger.composites)
        in_call, afterwards = (
            ChangeDoubts(
                ledger.changes,
                ledger,
                Standings(tenant, ledger.changes, one, clock, ids, budgets),
                one,
                clock,
                observer,
                budgets,
                settle,
            )
            for one in (calendar, behind)
        )
        composites = Composites(bookings, CompositeSteps(ledger.composites, in_call), offers)
        replies = ChangeReplies(tenant, own, in_call, offers)
        changes = Changes(replies, rules, reaches_anybody, offers.drop, holding.answered, composites)
        telling = Telling(own, in_call.standings, ledger.changes, ledger, composites)
        sweeper = Sweeper(tenant.tenant_id, doubts_behind, compensations, behind, budgets, afterwards.standings)
        undoing = CompositeSteps(ledger.composites, afterwards)
        # What nobody waits for at all: what the outside told, what is compared. It leaves most of the budget to others.
        background = GatedCalendar(inner, ledger.gates, toll, Use.BACKGROUND, clock, observer)
        seen = replace(afterwards.standings, calendar=background)
        observation = Observation(ledger.reconciling, seen, sweeper, self._neighbours(wanted))
        run_behind = Behind(
            doubts_behind,
            compensations,
            sweeper,
            afterwards,
            undoing,
            observation,
            self._reconciliation(observation, background),
            holding,
        )
        return Tenancy(
            tenant,
            voice,
            bookings,
            composites,
            offers,
            holding,
            calling_back,
            changes,
            telling,
            rulings,
            run_behind,
            self._proxied(bookings, changes, PassingCalendar(transport, account, clock, passages), passages, transport),
            wanted,
        )

    def _proxied(
        self,
        bookings: Bookings,
        changes: Changes,
        calendar: PassingCalendar,
        passages: Passages,
        transport: Transport,
    ) -> Proxied:
        """The same flows for those who bring their own request, under Cal.com's rules instead of the house's."""
        tenant = replace(bookings.tenant, house=House())
        gated = GatedCalendar(calendar, self.ledger.gates, bookings.toll, Use.LOOK, self.clock, self.observer)
        attempts = bookings.attempts
        doubts = replace(attempts.doubts, calendar=gated, offers=None)
        arming = replace(attempts.arming, calendar=gated)
        rules = AsAsked(tenant, self.clock)
        return Proxied(
            replace(
                bookings,
                tenant=tenant,
                attempts=replace(attempts, calendar=gated, doubts=doubts, arming=arming),
                house_rules=rules,
                key_of=named_key,
            ),
            Changes(
                replace(changes.replies, tenant=tenant, doubts=replace(changes.doubts, calendar=gated)),
                rules,
                changes.reaches,
                changes.changed,
                changes.answered,
            ),
            passages,
            transport,
            Metered(self.ledger.gates, bookings.toll, self.clock),
        )

    def _neighbours(self, wanted: TenantConfiguration) -> tuple[str, ...]:
        """The other tenants of its account at Cal.com."""
        account, every = account_id(wanted), self.settings.tenants
        return tuple(one.tenant_id for one in every if one.tenant_id != wanted.tenant_id and account_id(one) == account)

    def _reconciliation(self, observation: Observation, calendar: GatedCalendar) -> Reconciliation:
        ledger, clock, ids, observer = self.ledger, self.clock, self.ids, self.observer
        every = self.settings.reconcile_seconds
        return Reconciliation(observation, ledger.reconciling, calendar, clock, ids, observer, every)

    def _transport(self, wanted: TenantConfiguration) -> Transport:
        if None in self.transports:
            return self.transports[None]
        url = wanted.calcom_base_url or self.settings.calcom_base_url
        if url not in self.transports:
            self.transports[url] = AiohttpTransport(url, allow_private=self.settings.calcom_allow_private)
        return self.transports[url]

    async def close(self) -> None:
        for transport in self.transports.values():
            await transport.close()
        await self.relay.close()
        if self.couriers is not None:
            await self.couriers.close()
        self.ledger.close()


async def _services(
    tenant_id: str, transport: Transport, account: Account, ledger: SqlLedger, toll: Toll, clock: Clock
) -> tuple[Service, ...]:
    """The account's event types; where they cannot be had now, those of the last start."""
    try:
        permit = await ledger.gates.enter(toll, Use.OFFER, clock.now())
    except (LedgerUnavailable, CommitUnknown):
        permit = None
    if permit is None:
        why = NoServices("the ledger cannot be written, so nobody knows whether Cal.com may be asked")
    elif isinstance(permit, Shut):
        why = NoServices(f"Cal.com may not be asked now ({permit.why}); try again at {permit.until:%H:%M:%S} UTC")
    else:
        try:
            return await list_services(transport, account, clock.monotonic() + EVENT_TYPES_SECONDS)
        except KeyRefused:
            raise
        except NoServices as failure:
            why = failure
    known = await ledger.known_services(tenant_id)
    if not known:
        raise why
    channel("calcom").warning("services of the last start", extra={"fields": {"why": str(why)}})
    return known


def account_of(settings: Settings, tenant: TenantConfiguration) -> Account:
    key = tenant.calcom_api_key
    return Account(
        None if key is None else key.reveal(), settings.calcom_api_version, tenant.time_zone, tenant.language
    )


def account_id(tenant: TenantConfiguration) -> str:
    """The key's own name: Cal.com counts requests by key, whoever sends them."""
    key = tenant.calcom_api_key
    return "none" if key is None else hashlib.sha256(key.reveal().encode()).hexdigest()[:16]


def opened_ledger(
    settings: Settings,
    ids: Ids,
    channels: Sequence[str] = (),
    thread: type[SqliteThread] = SqliteThread,
    store: Store | None = None,
    spans: Spans | None = None,
) -> SqlLedger:
    where = settings.ledger_at
    if store is None and spans is not None:
        store = store_of(where, thread)
    if store is not None:
        return SqlLedger(store if spans is None else TracedStore(store, spans), ids, channels, settings.keyring)
    if isinstance(where, Path):
        return SqliteLedger(where, ids, channels, thread, settings.keyring)
    return PostgresLedger(where, ids, channels, settings.keyring)


def left_out(tenant: TenantConfiguration, why: NoServices) -> None:
    fields = {"tenant": tenant.tenant_id, "why": str(why)}
    channel("alerts").error("a tenant cannot be served as configured", extra={"fields": fields})
