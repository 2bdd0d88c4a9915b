"""The one file that names concrete classes: settings in, a gateway out."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from einmal.adapters.calcom.calendar import Account, CalcomCalendar
from einmal.adapters.calcom.services import NoServices, list_services
from einmal.adapters.calcom.transport import AiohttpTransport, Transport
from einmal.adapters.notify.webhook import WebhookCourier, webhook_key
from einmal.adapters.sql.ledger import PostgresLedger, SqliteLedger, SqlLedger
from einmal.adapters.sql.sqlite import SqliteThread
from einmal.adapters.sql.steps import Store
from einmal.adapters.system import SystemClock, SystemIds
from einmal.adapters.telemetry.logs import LogCourier, LogObserver, channel
from einmal.domain.admission import AdmissionPolicy
from einmal.domain.gate import GatePolicy, Shut, Use
from einmal.domain.model import Service
from einmal.domain.settle import SettlePolicy
from einmal.flows.arm import Arming
from einmal.flows.attempt import Attempts
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

TENANT_ID = "default"
"""One tenant from the environment, for now. Every row carries it already."""

HOUSE_EMAIL_OF_THE_SIMULATOR = "termin@salon.test"

DRAIN_SECONDS = 12.0
"""A POST's own deadline and a little more. What is left then is recovered from its `sent` row."""

EVENT_TYPES_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Gateway:
    """Everything that serves one process."""

    settings: Settings
    tenant: Tenant
    voice: Voice
    ledger: Ledger
    bookings: Bookings
    offers: Offers
    worker: Worker
    rulings: Rulings
    clock: Clock
    ids: Ids
    transport: Transport
    _opened: SqlLedger
    _webhook: WebhookCourier | None = None

    async def close(self) -> int:
        """Finish POSTs in flight, then let go of everything; returns how many POSTs were left for recovery."""
        left = await self.bookings.drain(DRAIN_SECONDS)
        await self.transport.close()
        if self._webhook is not None:
            await self._webhook.close()
        self._opened.close()
        return left


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
) -> Inspector:
    """What reads a ledger that stands already, and its calendar as background. Nothing of a gateway is started."""
    clock, observer = clock or SystemClock(), observer or LogObserver()
    transport = transport or AiohttpTransport(settings.calcom_base_url)
    ledger = _ledger(settings, SystemIds(), (), thread)
    ledger.open()
    toll = Toll(_account_id(settings), GatePolicy(per_minute=settings.calcom_rate_per_minute))
    inner = CalcomCalendar(transport, _account(settings), clock)
    calendar = GatedCalendar(inner, ledger.gates, toll, Use.BACKGROUND, clock, observer)
    inspection = Inspection(TENANT_ID, ledger.history, ledger, calendar, clock, settings.guard.owns)
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
    account = _account(settings)
    transport = transport or AiohttpTransport(settings.calcom_base_url)
    toll = Toll(_account_id(settings), GatePolicy(per_minute=settings.calcom_rate_per_minute))
    voice = Voice(Language(settings.language), ZoneInfo(settings.timezone))
    webhook = _webhook(settings, voice, clock)
    couriers: dict[str, Courier] = {"log": LogCourier(clock)} | ({} if webhook is None else {"webhook": webhook})
    ledger = _ledger(settings, ids, tuple(couriers), thread, store)
    ledger.open()
    try:
        services = settings.services or await _services(transport, account, ledger, toll, clock)
        hash_key = await ledger.ensure_tenant(TENANT_ID, TENANT_ID, services, clock.now())
    except (NoServices, LedgerUnavailable, CommitUnknown):
        await transport.close()
        ledger.close()
        raise
    tenant = Tenant(
        TENANT_ID,
        TENANT_ID,
        settings.timezone,
        settings.language,
        settings.attendee_fallback_email or HOUSE_EMAIL_OF_THE_SIMULATOR,
        services,
        hash_key,
    )
    inner = CalcomCalendar(transport, account, clock)
    # Two views of one calendar and one budget: what somebody on the phone waits for, and what nobody does.
    calendar = GatedCalendar(inner, ledger.gates, toll, Use.LOOK, clock, observer)
    behind = GatedCalendar(inner, ledger.gates, toll, Use.RECOVER, clock, observer)
    budgets = Budgets(reply_seconds=settings.reply_seconds, post_seconds=settings.post_seconds)
    offers = Offers(calendar, clock, ids, budgets)
    settle = SettlePolicy(window=timedelta(seconds=settings.settle_seconds))
    admission = AdmissionPolicy(replay_no_for=timedelta(seconds=settings.replay_no_seconds))
    outcomes = Outcomes(ledger, clock, ids, observer, settings.guard)
    doubts = Doubts(outcomes, calendar, offers, budgets, settle)
    arming = Arming(outcomes, calendar, ledger.gates, toll, budgets)
    attempts = Attempts(outcomes, doubts, arming, calendar, settings.guard, settings.strategy)
    reaches_people = "webhook" in couriers
    bookings = Bookings(
        tenant, ledger, attempts, offers, clock, ids, observer, budgets, toll, reaches_people, admission
    )
    doubts_behind = Doubts(outcomes, behind, None, budgets, settle)
    compensations = Compensations(outcomes, behind, budgets)
    worker = Worker(
        Recovery(doubts_behind, compensations),
        Sweeper(tenant.tenant_id, doubts_behind, compensations, behind, budgets),
        Deliveries(ledger.outbox, couriers, clock, ids, observer),
        clock,
        observer,
    )
    rulings = Rulings(outcomes, calendar, budgets)
    return Gateway(
        settings, tenant, voice, ledger, bookings, offers, worker, rulings, clock, ids, transport, ledger, webhook
    )


async def _services(
    transport: Transport, account: Account, ledger: SqlLedger, toll: Toll, clock: Clock
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
        except NoServices as failure:
            why = failure
    known = await ledger.known_services(TENANT_ID)
    if not known:
        raise why
    channel("calcom").warning("services of the last start", extra={"fields": {"why": str(why)}})
    return known


def _webhook(settings: Settings, voice: Voice, clock: Clock) -> WebhookCourier | None:
    if settings.notify_url is None or settings.notify_secret is None:
        return None
    return WebhookCourier(settings.notify_url, webhook_key(settings.notify_secret.reveal()), voice, clock)


def _account(settings: Settings) -> Account:
    key = settings.calcom_api_key
    return Account(
        None if key is None else key.reveal(), settings.calcom_api_version, settings.timezone, settings.language
    )


def _account_id(settings: Settings) -> str:
    """The key's own name: Cal.com counts requests by key, whoever sends them."""
    key = settings.calcom_api_key
    return "none" if key is None else hashlib.sha256(key.reveal().encode()).hexdigest()[:16]
