"""How one tenant's share of the work is put together, out of what the tenants of a process share."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
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
from einmal.domain.gate import GatePolicy, Shut, Use
from einmal.domain.model import Service
from einmal.flows.call_back import CallingBack
from einmal.flows.rule import Rulings
from einmal.flows.tell import Telling
from einmal.ports import Clock, CommitUnknown, Ids, LedgerUnavailable, Observer, Tenant, Toll
from einmal.ports.tracing import Spans
from einmal.settings import Settings
from einmal.share import Share
from einmal.speech.said import Language
from einmal.speech.sentences import Voice
from einmal.tenancies import Tenancy

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
        settings, ledger, clock = self.settings, self.ledger, self.clock
        account, transport, passages = account_of(settings, wanted), self._transport(wanted), Passages()
        toll = Toll(account_id(wanted), GatePolicy(per_minute=settings.calcom_rate_per_minute))
        services = wanted.services or await _services(wanted.tenant_id, transport, account, ledger, toll, clock)
        tenant = Tenant(
            wanted.tenant_id,
            wanted.name,
            wanted.time_zone,
            wanted.language,
            wanted.house_email or HOUSE_EMAIL_OF_THE_SIMULATOR,
            services,
            await ledger.ensure_tenant(wanted.tenant_id, wanted.name, services, clock.now()),
            wanted.house,
            wanted.numbers,
        )
        share = Share(
            settings,
            ledger,
            clock,
            self.ids,
            self.observer,
            self.spans,
            tenant,
            self._neighbours(wanted),
            CalcomCalendar(transport, account, clock),
            toll,
        )
        passing = PassingCalendar(transport, account, clock, passages)
        return Tenancy(
            tenant,
            Voice(Language(wanted.language), ZoneInfo(wanted.time_zone)),
            share.bookings,
            share.composites,
            share.offers,
            share.holding,
            CallingBack(tenant.tenant_id, ledger.callbacks, clock, self.ids, self.observer, share.budgets),
            share.changes,
            Telling(share.own, share.in_call.standings, ledger.changes, ledger, share.composites),
            Rulings(share.outcomes, share.calendar, share.budgets),
            share.behind,
            share.proxied(passing, passages, transport),
            wanted,
        )

    def _neighbours(self, wanted: TenantConfiguration) -> tuple[str, ...]:
        """The other tenants of its account at Cal.com."""
        account, every = account_id(wanted), self.settings.tenants
        return tuple(one.tenant_id for one in every if one.tenant_id != wanted.tenant_id and account_id(one) == account)

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
