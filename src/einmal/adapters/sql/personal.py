"""What each column holds of a person, and so what becomes of it. A column that does not stand here fails a test.

The export shows all of them but the hashes, the retention and the erasure empty what NAMES somebody; see
docs/privacy.md.
"""

from collections.abc import Mapping
from enum import Enum
from typing import Final


class Holds(Enum):
    NAMES = "names"
    """A name, a phone, an e-mail address, or words that were said. Emptied when its time is over, and on erasure."""
    HASH = "hash"
    """A hash under the tenant's key: a pseudonym. Stays, so that the same wish still finds its row; cut on erasure."""
    LINK = "link"
    """An id of ours, Cal.com's or the voice platform's: whoever has their copy can tell from it whose row this is."""
    PLAIN = "plain"
    """Times, states, counts, the house's own services and staff: about a person only beside the others."""
    DELETED = "deleted"
    """In a row that is deleted as a whole, after days at most a month, and that names nobody."""
    HOUSE = "house"
    """About the house and its calendar, nobody who calls."""


def _columns(**named: str) -> Mapping[str, Holds]:
    return {column: Holds(kind) for kind, columns in named.items() for column in columns.split()}


COLUMNS: Final[Mapping[str, Mapping[str, Holds]]] = {
    "customers": _columns(names="name name_normal phone email", link="customer_id tenant_id", plain="created_at"),
    "intents": _columns(
        names="person_name person_phone person_email staff attendee_email",
        hash="intent_key fingerprint person_hash name_hash phone_hash email_hash",
        link="intent_id tenant_id operation_id conversation_id booking_uid moved_from carried_id imported_from",
        plain="generation person_kind service_id service_name event_type_id duration_minutes start_at state epoch "
        "created_at sent_at send_deadline resolved_at reply doubted_at not_ours looks look_at promised_at forgotten_at",
    ),
    "appointments": _columns(
        link="appointment_id tenant_id intent_id customer_id call_id calcom_v2_booking_id",
        plain="service_id starts_at ends_at staff status confirmed_at webhook_data created_at verify_at",
    ),
    # Of `received` the name and the addresses: what else came back stays as evidence.
    "attempts": _columns(
        names="received", link="intent_id booking_uid", plain="epoch answered_at kind http_status detail elapsed_ms"
    ),
    "changes": _columns(
        link="change_id tenant_id intent_id successor_id conversation_id booking_uid",
        plain="kind state created_at send_deadline sends looks look_at doubted_at resolved_at promised_at",
    ),
    "composites": _columns(
        hash="composite_key",
        link="composite_id tenant_id conversation_id",
        plain="service_id service_name state created_at book_until looks look_at promised_at resolved_at reply",
    ),
    "composite_segments": _columns(link="intent_id composite_id", plain="event_type_id start_at duration_minutes"),
    "callbacks": _columns(
        names="person_name person_phone note wanted",
        link="callback_id tenant_id conversation_id",
        plain="created_at done_at forgotten_at",
    ),
    "calls": _columns(
        link="tenant_id call_id",
        plain="platform agent_id first_seen_at direction started_at ended_at disconnection_reason analyzed_at",
    ),
    "function_calls": _columns(
        names="heard",
        link="served_id tenant_id conversation_id error_id",
        plain="at adapter function outcome elapsed_ms",
    ),
    "outbox": _columns(
        link="message_id tenant_id intent_id callback_id", plain="channel kind created_at due_at tries sent_at"
    ),
    "facts": _columns(link="fact_id tenant_id intent_id", plain="at kind data"),
    "drifts": _columns(
        link="tenant_id subject intent_id run_id", plain="kind detail first_seen_at last_seen_at ended_at"
    ),
    "inbox": _columns(
        deleted="inbox_id tenant_id source digest event subject data received_at times tries due_at handled_at outcome"
    ),
    "holds": _columns(
        deleted="hold_id tenant_id conversation_id service_id event_type_id resources start_at end_at created_at "
        "expires_at reservation_uid"
    ),
    "idempotency_keys": _columns(
        deleted="tenant_id key_hash fingerprint claimed_until status answer created_at expires_at"
    ),
    # Ids of ours. `einmal dedupe` keeps whole rows of the table that it mends: of the ledger's own, appointments.
    "system_audit_log": _columns(link="id data", plain="event_type description created_at"),
    "tenants": _columns(house="tenant_id name hash_key created_at hash_key_sealed"),
    "services": _columns(house="tenant_id service_id name event_type_id duration_minutes aliases"),
    "calendar_gates": _columns(
        house="account_id at tokens writes_failed reads_failed open_until probing_until blocked_until"
    ),
    "sweeps": _columns(house="tenant_id swept_until due_at"),
    "reconciliations": _columns(
        house="run_id tenant_id phase since cursor changed_until counts began_at ended_at leased_until steps"
    ),
    "tallies": _columns(house="day what count total"),
    "weekly_reports": _columns(house="week channel due_at tries sent_at"),
}


def shown_columns(table: str) -> tuple[str, ...]:
    """Those that a person is given: a hash tells them nothing."""
    return tuple(column for column, holds in COLUMNS[table].items() if holds is not Holds.HASH)
