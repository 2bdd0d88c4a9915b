"""What commands build beside a gateway: a ledger to read, a calendar to compare it with, what Cal.com tells whom."""

from dataclasses import dataclass

from einmal.adapters.calcom.calendar import CalcomCalendar
from einmal.adapters.calcom.probe import Probe
from einmal.adapters.calcom.services import NoServices
from einmal.adapters.calcom.subscriptions import Subscriptions
from einmal.adapters.calcom.transport import AiohttpTransport, Transport
from einmal.adapters.sql.ledger import SqlLedger
from einmal.adapters.sql.sqlite import SqliteThread
from einmal.adapters.system import SystemClock, SystemIds
from einmal.adapters.telemetry.logs import LogObserver
from einmal.assembly import Parts, account_id, account_of, opened_ledger
from einmal.configuration.model import TenantConfiguration
from einmal.domain.gate import GatePolicy, Use
from einmal.flows.gated import GatedCalendar
from einmal.flows.inspect import Inspection
from einmal.flows.reconcile import Reconciliation
from einmal.ports import Calendar, Clock, CommitUnknown, LedgerUnavailable, Observer, Toll
from einmal.settings import Settings


def open_ledger(settings: Settings) -> SqlLedger:
    """Only the ledger, for commands that only read. Close it."""
    ledger = opened_ledger(settings, SystemIds())
    ledger.open()
    return ledger


@dataclass(frozen=True, slots=True)
class Inspector:
    """An inspection, and what it must let go of."""

    inspection: Inspection
    _ledger: SqlLedger
    _transport: Transport

    async def ready(self) -> bool:
        """Whether the ledger can be written as well. Raises LedgerUnavailable or CommitUnknown."""
        return await self._ledger.ready()

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
    transport = transport or _network(settings, tenant)
    ledger = opened_ledger(settings, SystemIds(), (), thread)
    ledger.open()
    toll = Toll(account_id(tenant), GatePolicy(per_minute=settings.calcom_rate_per_minute))
    inner = CalcomCalendar(transport, account_of(settings, tenant), clock)
    calendar = GatedCalendar(inner, ledger.gates, toll, Use.BACKGROUND, clock, observer)
    neighbours = tuple(one.tenant_id for one in tenants.values() if account_id(one) == account_id(tenant))
    inspection = Inspection(tenant.tenant_id, ledger.history, ledger, calendar, clock, settings.guard.owns, neighbours)
    return Inspector(inspection, ledger, transport)


def build_subscriptions(
    settings: Settings, tenant: TenantConfiguration, transport: Transport | None = None
) -> Subscriptions:
    """Of what one tenant's account tells whom, at Cal.com. It needs no ledger. Close it."""
    transport = transport or _network(settings, tenant)
    return Subscriptions(transport, account_of(settings, tenant), SystemClock())


@dataclass(frozen=True, slots=True)
class Reconciler:
    """One tenant's reconciliation, and what it must let go of."""

    reconciliation: Reconciliation
    _parts: Parts

    async def close(self) -> None:
        await self._parts.close()


async def build_reconciler(
    settings: Settings, tenant_id: str, transport: Transport | None = None, clock: Clock | None = None
) -> Reconciler:
    """What compares one tenant's ledger with its calendar, beside whatever else runs on them.

    Raises LookupError where that cannot be had now, LedgerUnavailable or CommitUnknown.
    """
    clock, ids = clock or SystemClock(), SystemIds()
    ledger = opened_ledger(settings, ids, settings.channels)
    ledger.open()
    parts = Parts(settings, ledger, clock, ids, LogObserver(), None, {} if transport is None else {None: transport})
    try:
        (wanted,) = (one for one in settings.tenants if one.tenant_id == tenant_id)
        tenancy = await parts.tenancy(wanted)
    except NoServices as why:
        await parts.close()
        raise LookupError(str(why)) from None
    except (LedgerUnavailable, CommitUnknown):
        await parts.close()
        raise
    reconciliation = tenancy.behind.reconciliation
    assert reconciliation is not None  # noqa: S101 - every tenancy has one
    return Reconciler(reconciliation, parts)


@dataclass(frozen=True, slots=True)
class ProbedAccount:
    """One tenant's account at Cal.com, as it is looked at before anything relies on it. Close it."""

    probe: Probe
    calendar: Calendar
    transport: Transport

    async def close(self) -> None:
        await self.transport.close()


def build_probe(
    settings: Settings, tenant: TenantConfiguration, transport: Transport, clock: Clock | None = None
) -> ProbedAccount:
    """What asks that account, over this transport. It needs no ledger, and passes no gate: it asks a handful."""
    clock, account = clock or SystemClock(), account_of(settings, tenant)
    return ProbedAccount(Probe(transport, account, clock), CalcomCalendar(transport, account, clock), transport)


def calcom_transport(settings: Settings, tenant: TenantConfiguration) -> Transport:
    """The way to that tenant's Cal.com."""
    return _network(settings, tenant)


def _network(settings: Settings, tenant: TenantConfiguration) -> AiohttpTransport:
    url = tenant.calcom_base_url or settings.calcom_base_url
    return AiohttpTransport(url, allow_private=settings.calcom_allow_private)
