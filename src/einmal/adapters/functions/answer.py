"""The answer to a function call: small, stable JSON. Always HTTP 200 for what happened in the business."""

import json
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from einmal.domain.model import Offer
from einmal.domain.reply import CONFIRMATION_STATUS, Reply
from einmal.domain.slot import slot_name
from einmal.speech.information import Told
from einmal.speech.sentences import Voice

_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def told_body(told: Told) -> bytes:
    """The body of the HTTP answer to a function that only asked."""
    body = {"success": True, "status": "information", "message": told.message, "bestaetigung_status": "none"}
    return _ENCODER.encode(body | dict(told.data)).encode()


def answer_body(reply: Reply, hash_key: bytes, voice: Voice, now: datetime, message: str) -> bytes:
    """The body of the HTTP answer; `message` is what the agent speaks. `hash_key` is the tenant's."""
    body: dict[str, Any] = {
        "success": reply.success,
        "status": reply.outcome.value,
        "message": message,
        "bestaetigung_status": CONFIRMATION_STATUS[reply.outcome],
    }
    slot = reply.booking
    if slot is not None:
        body["booking"] = {
            "ref": slot.ref,
            "start": _local(slot.start, voice.zone),
            "end": _local(slot.end, voice.zone),
            "service": slot.service,
        }
        if slot.staff is not None:
            body["booking"]["staff"] = slot.staff
    if reply.alternatives:
        body["alternatives"] = [_alternative(offer, hash_key, voice, now) for offer in reply.alternatives]
    if reply.missing:
        body["missing"] = [item.field for item in reply.missing]
    if reply.readings:
        named = zip(reply.readings, voice.readings(reply, now), strict=True)
        body["readings"] = [{"start": _local(at, voice.zone), "message": said} for at, said in named]
    if reply.do_not_rebook:
        body["do_not_rebook"] = True
    if reply.error_id is not None:
        body["error_id"] = reply.error_id
    return _ENCODER.encode(body).encode()


def _alternative(offer: Offer, hash_key: bytes, voice: Voice, now: datetime) -> dict[str, str]:
    return {
        "slot": slot_name(offer, hash_key),
        "start": _local(offer.start, voice.zone),
        "message": voice.offer(offer, now),
    }


def _local(at: datetime, zone: ZoneInfo) -> str:
    return at.astimezone(zone).isoformat()
