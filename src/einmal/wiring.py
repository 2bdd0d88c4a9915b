"""Settings in, a gateway out. Here and in `assembly` stand the names of concrete classes, and nowhere else."""

import asyncio
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from einmal.adapters.calcom.relay import Relay
from einmal.adapters.calcom.services import NoServices
from einmal.adapters.calcom.transport import Transport
from einmal.adapters.functions.names import BACKSTOP_SECONDS, SECONDS, Does
from einmal.adapters.sql.sqlite import SqliteThread
from einmal.adapters.sql.steps import Store
from einmal.adapters.system import SystemClock, SystemIds
from einmal.adapters.telemetry.logs import LogObserver
from einmal.adapters.telemetry.metrics import Metrics, Observers
from einmal.assembly import Parts, left_out, opened_ledger
from einmal.configuration.model import DEFAULT_TENANT
from einmal.couriers import built_couriers
from einmal.domain.gate import GatePolicy
from einmal.edge.limits import Limits
from einmal.flows.book import Bookings
from einmal.flows.calls import PhoneCalls
from einmal.flows.change_doubt import ChangeRecovery
from einmal.flows.composite_undo import CompositeRecovery
from einmal.flows.deliver import Deliveries
from einmal.flows.forget import Forgetting
from einmal.flows.journal import JournalKeeping
from einmal.flows.notices import Notices
from einmal.flows.offer import Offers
from einmal.flows.recover import Recovery
from einmal.flows.retain import Retention
from einmal.flows.rule import RejectionRulings, Rulings
from einmal.flows.tally import Tallying
from einmal.flows.verify import Verification
from einmal.flows.work import Worker
from einmal.ports import Clock, CommitUnknown, Ids, Inbox, Ledger, LedgerUnavailable, Observer, Tenant
from einmal.ports.auditing import AuditLog
from einmal.ports.by_booking import BookingUids
from einmal.ports.desk import DeskBooks
from einmal.ports.idempotency import IdempotencyKeys
from einmal.ports.listing import Listing
from einmal.ports.overview import Figures, Overview
from einmal.ports.reconciling import ReconcilingBooks
from einmal.ports.stories import Stories
from einmal.ports.tracing import Spans
from einmal.settings import Settings
from einmal.speech.sentences import Voice
from einmal.tenancies import Tenancies, Tenancy
from einmal.weekly import weekly_reports

if TYPE_CHECKING:
    from einmal.adapters.telemetry.traces import Traces

TENANT_ID = DEFAULT_TENANT
"""The tenant that the settings describe, where no file names tenants."""

MIRROR_SECONDS = 2.0
"""What the calendar is not told of holds by then runs out there by itself."""

DRAIN_SECONDS = 12.0
"""A POST's own deadline and a little more. What is left then is recovered from its `sent` row."""

NOTE_SECONDS = 1.0
"""A commit. That a call was there is told again, by its next function call or the platform."""


@dataclass(slots=True)
class Gateway:
    """Everything that serves one process."""

    settings: Settings
    ledger: Ledger
    tenancies: Tenancies
    worker: Worker
    calls: PhoneCalls
    journal: JournalKeeping
    stories: Stories
    audit_log: AuditLog
    booking_uids: BookingUids
    reconciling: ReconcilingBooks
    rejections: RejectionRulings
    desk: DeskBooks
    idempotency_keys: IdempotencyKeys
    listing: Listing
    clock: Clock
    ids: Ids
    observer: Observer
    inbox: Inbox
    _overview: Overview
    _metrics: Metrics
    _parts: "Parts"
    constraint_off: bool = False
    """Whether layer 4 was found switched off, in the schema."""
    _retired: list[Tenancy] = field(default_factory=list)
    spans: Spans | None = None
    """What keeps traces of function calls, where somebody wants them."""
    limits: Limits = field(default_factory=Limits)
    """How often may be asked here, and who has guessed at secrets."""

    @property
    def relay(self) -> Relay:
        """What passes requests on to Cal.com as they came."""
        return self._parts.relay

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
                left_out(wanted, why)
                built += [] if served is None else [served]
        self._retired += [one for one in self.tenancies.all if all(one is not kept for kept in built)]
        self._retired = [one for one in self._retired if one.bookings.under_way]
        self.tenancies.adopt(built, settings.tenants)
        self.settings = replace(self.settings, configuration=settings.configuration, services=settings.services)
        return tuple(waiting)

    @property
    def layers_off(self) -> list[str]:
        """The layers of the guard that are off, by name."""
        return self.settings.guard.layers_off() + (["constraint"] if self.constraint_off else [])

    def constraint_stands(self, *, stands: bool) -> None:
        """What somebody found of layer 4."""
        self.constraint_off = not stands
        self._metrics.constraint_stands(stands=stands)

    async def figures(self) -> Figures:
        """Those of the whole ledger, as they stand now. Raises LedgerUnavailable."""
        return await self._overview.figures(self.clock.now())

    async def scraped(self) -> bytes:
        """The metrics, in Prometheus's text format."""
        now, policy = self.clock.now(), GatePolicy(per_minute=self.settings.calcom_rate_per_minute)
        try:
            figures = await self._overview.figures(now)
        except (LedgerUnavailable, CommitUnknown):
            figures = None
        return self._metrics.scraped(figures, now, policy)

    async def close(self) -> int:
        """Finish POSTs in flight, then let go of everything; returns how many POSTs were left for recovery."""
        every = [*self.tenancies.all, *self._retired]
        await asyncio.gather(*(one.composites.under_way.drain(DRAIN_SECONDS) for one in every))
        booking = [books for one in every for books in (one.bookings, one.proxied.bookings)]
        left = sum(await asyncio.gather(*(one.drain(DRAIN_SECONDS) for one in booking)))
        await asyncio.gather(*(one.changes.under_way.drain(DRAIN_SECONDS) for one in every))
        await asyncio.gather(*(one.holding.drain(MIRROR_SECONDS) for one in every))
        await asyncio.gather(*(one.proxied.metered.close() for one in every))
        await self.calls.drain(NOTE_SECONDS)
        await self.journal.close()
        if self.worker.tallies is not None:
            await self.worker.tallies.close()
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


async def build_gateway(
    settings: Settings,
    transport: Transport | None = None,
    clock: Clock | None = None,
    ids: Ids | None = None,
    observer: Observer | None = None,
    thread: type[SqliteThread] = SqliteThread,
    store: Store | None = None,
    traces: "Traces | None" = None,
) -> Gateway:
    """The gateway on a ledger that stands already. Raises NoServices where nothing could be booked, and
    LedgerUnavailable or CommitUnknown where the ledger does not answer.

    What is handed in stands in for the machine: a simulated network, another clock, a ledger without threads, or
    another store than the settings name.
    """
    clock, ids, told = clock or SystemClock(), ids or SystemIds(), observer or LogObserver()
    metrics = Metrics(settings.metrics_namespace, settings.guard.layers_off(), _function_budgets(settings))
    tenancies = Tenancies()
    couriers = built_couriers(settings, tenancies, clock)
    ledger = opened_ledger(settings, ids, settings.channels, thread, store, traces)
    ledger.open()
    journal = JournalKeeping(ledger.journal)
    tallies = Tallying(ledger.tallies, clock, metrics.functions)
    observers = (told, metrics, journal, tallies, *(() if traces is None else (traces,)))
    observer = Observers(*(one.observe for one in observers))
    transports: dict[str | None, Transport] = {} if transport is None else {None: transport}
    parts = Parts(settings, ledger, clock, ids, observer, couriers, transports, traces)
    try:
        tenancies.adopt(await parts.tenancies(), settings.tenants)
    except (NoServices, LedgerUnavailable, CommitUnknown):
        await parts.close()
        raise
    behind = tenancies.behind
    deliveries = Deliveries(ledger.outbox, couriers.by_channel, clock, ids, observer)
    calls = PhoneCalls(ledger.calls, clock, observer)
    recovery, changes = (
        Recovery(ledger, behind, clock, observer),
        ChangeRecovery(ledger.changes, behind, clock, observer),
    )
    composites = CompositeRecovery(ledger.composites, behind, clock, observer)
    notices = Notices(ledger.inbox, behind, calls, ledger.verifying, clock, observer)
    verification = Verification(ledger.verifying, behind, clock, observer)
    worker = Worker(recovery, behind, deliveries, clock, observer, calls, changes, composites, notices, verification)
    worker.journal = journal
    worker.tallies = tallies
    worker.forgetting = Forgetting(ledger.idempotency_keys, clock)
    worker.retention = Retention(ledger.forgetting, ledger.tenant_ids, clock, settings.kept_for)
    worker.weekly = weekly_reports(settings, ledger, clock, ids, observer)
    return Gateway(
        settings=settings,
        ledger=ledger,
        tenancies=tenancies,
        worker=worker,
        calls=calls,
        journal=journal,
        stories=ledger.stories,
        audit_log=ledger.audit_log,
        booking_uids=ledger.booking_uids,
        reconciling=ledger.reconciling,
        rejections=RejectionRulings(ledger.report, clock, observer),
        desk=ledger.desk,
        idempotency_keys=ledger.idempotency_keys,
        listing=ledger.listing,
        clock=clock,
        ids=ids,
        observer=observer,
        inbox=ledger.inbox,
        _overview=ledger.overview,
        _metrics=metrics,
        _parts=parts,
        spans=traces,
    )


def opened_traces(settings: Settings) -> "Traces | None":
    """What sends traces, where the settings say where to. Whoever opens it closes it, after the gateway."""
    if settings.traces_url is None:
        return None
    from einmal.adapters.telemetry.traces import exporting  # noqa: PLC0415 - an extra, and a fifth of a second to load

    return exporting(settings.traces_url)


def _function_budgets(settings: Settings) -> dict[str, float]:
    """By function, how long it may take: a booking as long as the settings say."""
    return {does.name.lower(): SECONDS.get(does, settings.reply_seconds + BACKSTOP_SECONDS) for does in Does}
