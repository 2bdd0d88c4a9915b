"""Cal.com's webhooks: whose they are, and which booking they are about. Nothing else of them is believed.

Signed with the subscription's secret over the raw body, without a time or a number (recorded): a replay cannot be told
from the first by its signature, so it is told by its content, and does no harm.
"""

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

from einmal.adapters.calcom.wire import uid_or_none
from einmal.adapters.strict_json import BadEnvelope, json_object
from einmal.domain.hint import Trigger
from einmal.domain.keys import is_operation_id
from einmal.domain.model import MetadataKey
from einmal.ports import Notice, Source

UNSIGNED: Final = "no-secret-provided"
"""What Cal.com sends where its subscription has no secret."""

_DIGEST: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
_EVENT: Final = re.compile(r"[A-Z][A-Z_]{0,63}", re.ASCII)


class Signed(StrEnum):
    VALID = "valid"
    MISSING = "missing"
    UNSIGNED = "unsigned"
    MALFORMED = "malformed"
    WRONG = "wrong"


class BadWebhook(Exception):
    """The body is none of Cal.com's. `args[0]` says what was wrong, without quoting it."""


def sign(body: bytes, secret: str) -> str:
    """The header's value for a body."""
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def check_signature(header: str | None, body: bytes, secrets: Mapping[str, str]) -> tuple[Signed, tuple[str, ...]]:
    """How the body is signed, and by whose secret: `secrets` are those of the tenants, by tenant id.

    Tenants of one account may share a secret; then it is for all of them.
    """
    if header is None:
        return Signed.MISSING, ()
    if header == UNSIGNED:
        return Signed.UNSIGNED, ()
    if _DIGEST.fullmatch(header) is None:
        return Signed.MALFORMED, ()
    # Every secret is compared, whatever the first says: the time taken tells nothing.
    compared = {whose: hmac.compare_digest(header, sign(body, secret)) for whose, secret in secrets.items()}
    whose = tuple(tenant_id for tenant_id, same in compared.items() if same)
    return (Signed.VALID if whose else Signed.WRONG), whose


@dataclass(frozen=True, slots=True)
class Webhook:
    """`uids`: the booking that it is about, then those that it was before. What is None was not told."""

    event: str
    digest: str
    uids: tuple[str, ...]
    operation_id: str | None
    data: Mapping[str, Any]

    @property
    def is_ping(self) -> bool:
        return self.event == Trigger.PING

    def notice(self, tenant_id: str) -> Notice:
        """For one tenant's inbox."""
        subject = self.uids[0] if self.uids else None
        source = Source.CALCOM
        return Notice(tenant_id, source, self.digest, self.event, subject, self.data, self.uids, self.operation_id)


def read_webhook(body: bytes) -> Webhook:
    """The webhook in an authenticated body. Raises BadWebhook for what no Cal.com sends.

    A subscription may have a template of its own for the body: then `payload` is looked for at the top.
    """
    try:
        told = json_object(body)
    except BadEnvelope as wrong:
        raise BadWebhook(*wrong.args) from None
    event = told.get("triggerEvent")
    if not isinstance(event, str) or _EVENT.fullmatch(event) is None:
        raise BadWebhook("triggerEvent must be the name of an event, such as BOOKING_CREATED")
    payload = told.get("payload")
    payload = payload if isinstance(payload, dict) else told
    uids = [uid for name in ("uid", "rescheduleUid") if (uid := uid_or_none(payload.get(name))) is not None]
    metadata = payload.get("metadata")
    mark = metadata.get(MetadataKey.OPERATION_ID) if isinstance(metadata, dict) else None
    operation_id = mark if isinstance(mark, str) and is_operation_id(mark) else None
    digest = hashlib.sha256(body).hexdigest()
    return Webhook(event, digest, tuple(dict.fromkeys(uids)), operation_id, _kept(told, payload, uids))


def _kept(told: Mapping[str, Any], payload: Mapping[str, Any], uids: list[str]) -> dict[str, Any]:
    """What is stored of it: ids and times. Whose appointment it is stands in the ledger already."""
    event_type = payload.get("eventTypeId")
    plain = {
        "uids": uids,
        "created_at": _instant(told.get("createdAt")),
        "start": _instant(payload.get("startTime")),
        "end": _instant(payload.get("endTime")),
        "event_type_id": event_type if isinstance(event_type, int) and not isinstance(event_type, bool) else None,
    }
    return {name: value for name, value in plain.items() if value is not None}


def _instant(value: object) -> str | None:
    """Cal.com writes instants in three forms (recorded); here they are of one."""
    if not isinstance(value, str) or len(value) > 40:
        return None
    try:
        at = datetime.fromisoformat(value)
        return at.replace(tzinfo=at.tzinfo or UTC).astimezone(UTC).isoformat(timespec="seconds")
    except (ValueError, OverflowError):
        return None
