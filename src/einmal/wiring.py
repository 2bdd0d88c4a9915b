"""The one file that names concrete classes: settings in, a gateway out."""

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from einmal.adapters.calcom.calendar import Account, CalcomCalendar
from einmal.adapters.calcom.services import KeyRefused, NoServices, list_services
from einmal.adapters.calcom.transport import AiohttpTransport, Transport
from einmal.adapters.notify.key import webhook_key
from einmal.adapters.notify.webhook import WebhookCourier
from einmal.adapters.sql.ledger import PostgresLedger, SqliteLedger, SqlLedger
from einmal.adapters.sql.sqlite import SqliteThread
from einmal.adapters.sql.steps import Store
from einmal.adapters.system import SystemClock, SystemIds
from einmal.adapters.telemetry.logs import LogCourier, LogObserver, channel
from einmal.configuration import TenantConfiguration
from einmal.configuration.model import DEFAULT_TENANT
from einmal.domain.admission import AdmissionPolicy
from einmal.domain.gate import GatePolicy, Shut, Use
from einmal.domain.model import Service
from einmal.domain.settle import SettlePolicy
from einmal.flows.arm import Arming
from einmal.flows.attempt import Attempts
from einmal.flows.behind import Behind
from einmal.flows.book import Bookings
from einmal.flows.compensate import Compensations
from einmal.flows.deliver import Deliveries
from einmal.flows.doubt import Doubts
from einmal.flows.gated import GatedCalendar
from einmal.flows.inspect import Inspection
from einmal.flows.offer import Offers
from einmal.flows.outcome import Outcomes
from einmal.flows.recover import Recovery
from einmal.flows.rule import Rulings
from einmal.flows.sweep import Sweeper
from einmal.flows.work import Worker
from einmal.ports import Budgets, Clock, CommitUnknown, Courier, Ids, Ledger, LedgerUnavailable, Observer, Tenant, Toll
from einmal.settings import Settings
from einmal.speech.said import Language
from einmal.speech.sentences import Voice
from einmal.tenancies import Tenancies, Tenancy

TENANT_ID = DEFAULT_TENANT
"""The tenant that the settings describe, where no file names tenants."""

HOUSE_EMAIL_OF_THE_SIMULATOR = "termin@salon.test"

DRAIN_SECONDS = 12.0
"""A POST's own deadline and a little more. What is left then is recovered from its `sent` row."""

EVENT_TYPES_SECONDS = 5.0


@dataclass(slots=True)
class Gateway:
    """Everything that serves one process."""

    settings: Settings
    ledger: Ledger
    tenancies: Tenancies
    worker: Worker
    clock: Clock
    ids: Ids
    _parts: "_Parts"
    _retired: list[Tenancy] = field(default_factory=list)

    @property
    def tenant(self) -> Tenant:
        """The only tenant's. These raise LookupError where there are several."""
        return self.tenancies.sole.tenant

    @property
    def voice(self) -> Voice:
        return self.tenancies.sole.voice

    @property
    def bookings(self) -> Bookings:
        return self.tenancies.sole.bookings

    @property
    def offers(self) -> Offers:
        return self.tenancies.sole.offers

    @property
    def rulings(self) -> Rulings:
        return self.tenancies.sole.rulings

    async def adopt(self, settings: Settings) -> tuple[str, ...]:
        """Serve what these settings say of tenants, from now on; calls that are under way end as they began.

        Returns the tenants that are left as they were, or left out, because their event types cannot be had now.
        Raises CannotAdopt, LedgerUnavailable or CommitUnknown; then everything stays as it was.
        """
        settings = _adoptable(self.settings, settings)
        built: list[Tenancy] = []
        waiting = []
        for wanted in settings.tenants:
            served = self.tenancies.get(wanted.tenant_id)
            if served is not None and served.configuration == wanted:
                built.append(served)
                continue
            try:
                built.append(await self._parts.tenancy(wanted))
            except NoServices as why:
                waiting.append(wanted.tenant_id)
                _left_out(wanted, why)
                built += [] if served is None else [served]
        self._retired += [one for one in self.tenancies.all if all(one is not kept for kept in built)]
        self._retired = [one for one in self._retired if one.bookings.under_way]
        self.tenancies.adopt(built)
        self.settings = replace(self.settings, configuration=settings.configuration, services=settings.services)
        return tuple(waiting)

    async def close(self) -> int:
        """Finish POSTs in flight, then let go of everything; returns how many POSTs were left for recovery."""
        every = [*self.tenancies.all, *self._retired]
        left = sum(await asyncio.gather(*(one.bookings.drain(DRAIN_SECONDS) for one in every)))
        await self._parts.close()
        return left


class CannotAdopt(Exception):
    """Why a running gateway does not take this configuration, in words for the operator."""


def _adoptable(now: Settings, new: Settings) -> Settings:
    """The new settings, on the calendar that this process began with. Raises CannotAdopt."""
    keyed = [one.calcom_api_key is not None for one in new.tenants]
    if now.simulated and any(keyed):
        raise CannotAdopt("this process began with the simulator and a ledger to match; restart it to go live")
    if not now.simulated and not all(keyed):
        raise CannotAdopt("a tenant has no Cal.com key any more; restart it if it is to use the simulator")
    if len(now.tenants) > 1 and len(new.tenants) == 1:
        raise CannotAdopt("all tenants but one are gone from the file; restart it if that is meant")
    if now.simulated:
        return replace(new, calcom_api_key=now.calcom_api_key, calcom_base_url=now.calcom_base_url)
    return new


def _left_out(tenant: TenantConfiguration, why: NoServices) -> None:
    fields = {"tenant": tenant.tenant_id, "why": str(why)}
    channel("alerts").error("a tenant cannot be served as configured", extra={"fields": fields})


def open_ledger(settings: Settings) -> SqlLedger:
    """Only the ledger, for commands that only read. Close it."""
    ledger = _ledger(settings, SystemIds())
    ledger.open()
    return ledger


@dataclass(frozen=True, slots=True)
class Inspector:
    """An inspection, and what it must let go of."""

    inspection: Inspection
    _ledger: SqlLedger
    _transport: Transport

    async def close(self) -> None:
        await self._transport.close()
        self._ledger.close()


def build_inspector(
    settings: Settings,
    transport: Transport | None = None,
    clock: Clock | None = None,
    observer: Observer | None = None,
    thread: type[SqliteThread] = SqliteThread,
    tenant_id: str | None = None,
) -> Inspector:
    """What reads a ledger that stands already, and one tenant's calendar as background. Nothing of a gateway is
    started. Raises LookupError where there is no such tenant, or several and none is named."""
    tenants = {one.tenant_id: one for one in settings.tenants}
    if tenant_id is None and len(tenants) > 1:
        raise LookupError("there are several tenants; say which")
    tenant = tenants[tenant_id] if tenant_id is not None else next(iter(tenants.values()))
    clock, observer = clock or SystemClock(), observer or LogObserver()
    transport = transport or AiohttpTransport(tenant.calcom_base_url or settings.calcom_base_url)
    ledger = _ledger(settings, SystemIds(), (), thread)
    ledger.open()
    toll = Toll(account_id(tenant), GatePolicy(per_minute=settings.calcom_rate_per_minute))
    inner = CalcomCalendar(transport, account_of(settings, tenant), clock)
    calendar = GatedCalendar(inner, ledger.gates, toll, Use.BACKGROUND, clock, observer)
    neighbours = tuple(one.tenant_id for one in tenants.values() if account_id(one) == account_id(tenant))
    inspection = Inspection(tenant.tenant_id, ledger.history, ledger, calendar, clock, settings.guard.owns, neighbours)
    return Inspector(inspection, ledger, transport)


def _ledger(
    settings: Settings,
    ids: Ids,
    channels: Sequence[str] = (),
    thread: type[SqliteThread] = SqliteThread,
    store: Store | None = None,
) -> SqlLedger:
    if store is not None:
        return SqlLedger(store, ids, channels)
    where = settings.ledger_at
    if isinstance(where, Path):
        return SqliteLedger(where, ids, channels, thread)
    return PostgresLedger(where, ids, channels)


async def build_gateway(
    settings: Settings,
    transport: Transport | None = None,
    clock: Clock | None = None,
    ids: Ids | None = None,
    observer: Observer | None = None,
    thread: type[SqliteThread] = SqliteThread,
    store: Store | None = None,
) -> Gateway:
    """The gateway on a ledger that stands already. Raises NoServices where nothing could be booked, and
    LedgerUnavailable or CommitUnknown where the ledger does not answer.

    What is handed in stands in for the machine: a simulated network, another clock, a ledger without threads, or
    another store than the settings name.
    """
    clock, ids, observer = clock or SystemClock(), ids or SystemIds(), observer or LogObserver()
    tenancies = Tenancies()
    webhook = _webhook(settings, tenancies, clock)
    couriers: dict[str, Courier] = {"log": LogCourier(clock)} | ({} if webhook is None else {"webhook": webhook})
    ledger = _ledger(settings, ids, tuple(couriers), thread, store)
    ledger.open()
    parts = _Parts(settings, ledger, clock, ids, observer, webhook, {} if transport is None else {None: transport})
    try:
        tenancies.adopt(await parts.tenancies())
    except (NoServices, LedgerUnavailable, CommitUnknown):
        await parts.close()
        raise
    behind = tenancies.behind
    deliveries = Deliveries(ledger.outbox, couriers, clock, ids, observer)
    worker = Worker(Recovery(ledger, behind, clock, observer), behind, deliveries, clock, observer)
    return Gateway(settings, ledger, tenancies, worker, clock, ids, parts)


@dataclass(slots=True)
class _Parts:
    """What the tenants of one process share, and how one tenant's share of the work is put together.

    `transports`: a connection pool for each base URL; one under None serves them all.
    """

    settings: Settings
    ledger: SqlLedger
    clock: Clock
    ids: Ids
    observer: Observer
    webhook: WebhookCourier | None
    transports: dict[str | None, Transport]

    async def tenancies(self) -> list[Tenancy]:
        """All that can be served now. Raises as `tenancy`, NoServices only where nobody can be."""
        built, last = [], None
        for wanted in self.settings.tenants:
            try:
                built.append(await self.tenancy(wanted))
            except NoServices as why:
                last = why
                if len(self.settings.tenants) > 1:
                    _left_out(wanted, why)
        if last is not None and not built:
            raise last
        return built

    async def tenancy(self, wanted: TenantConfiguration) -> Tenancy:
        """Raises NoServices, LedgerUnavailable or CommitUnknown."""
        settings, ledger, clock, ids, observer = self.settings, self.ledger, self.clock, self.ids, self.observer
        account, transport = account_of(settings, wanted), self._transport(wanted)
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
        offers = Offers(calendar, clock, ids, budgets, tenant)
        settle = SettlePolicy(window=timedelta(seconds=settings.settle_seconds))
        admission = AdmissionPolicy(replay_no_for=timedelta(seconds=settings.replay_no_seconds))
        outcomes = Outcomes(ledger, clock, ids, observer, settings.guard)
        doubts = Doubts(outcomes, calendar, offers, budgets, settle)
        arming = Arming(outcomes, calendar, ledger.gates, toll, budgets)
        attempts = Attempts(outcomes, doubts, arming, calendar, settings.guard, settings.strategy)
        reaches_people = self.webhook is not None
        bookings = Bookings(
            tenant, ledger, attempts, offers, clock, ids, observer, budgets, toll, reaches_people, admission
        )
        doubts_behind = Doubts(outcomes, behind, None, budgets, settle)
        compensations = Compensations(outcomes, behind, budgets)
        sweeper = Sweeper(tenant.tenant_id, doubts_behind, compensations, behind, budgets)
        rulings = Rulings(outcomes, calendar, budgets)
        voice = Voice(Language(language), ZoneInfo(zone))
        return Tenancy(tenant, voice, bookings, offers, rulings, Behind(doubts_behind, compensations, sweeper), wanted)

    def _transport(self, wanted: TenantConfiguration) -> Transport:
        if None in self.transports:
            return self.transports[None]
        url = wanted.calcom_base_url or self.settings.calcom_base_url
        if url not in self.transports:
            self.transports[url] = AiohttpTransport(url)
        return self.transports[url]

    async def close(self) -> None:
        for transport in self.transports.values():
            await transport.close()
        if self.webhook is not None:
            await self.webhook.close()
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


def _webhook(settings: Settings, tenancies: Tenancies, clock: Clock) -> WebhookCourier | None:
    if settings.notify_url is None or settings.notify_secret is None:
        return None
    plain = Voice(Language(settings.language), ZoneInfo(settings.timezone))

    def voice_of_tenant(tenant_id: str) -> Voice:
        one = tenancies.get(tenant_id)
        return plain if one is None else one.voice

    return WebhookCourier(settings.notify_url, webhook_key(settings.notify_secret.reveal()), voice_of_tenant, clock)


def account_of(settings: Settings, tenant: TenantConfiguration) -> Account:
    key = tenant.calcom_api_key
    return Account(
        None if key is None else key.reveal(), settings.calcom_api_version, tenant.time_zone, tenant.language
    )


def account_id(tenant: TenantConfiguration) -> str:
    """The key's own name: Cal.com counts requests by key, whoever sends them."""
    key = tenant.calcom_api_key
    return "none" if key is None else hashlib.sha256(key.reveal().encode()).hexdigest()[:16]
