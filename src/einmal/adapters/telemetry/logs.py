"""Log lines: one JSON object a line, on named channels, made of facts and of nothing else.

An allow-list by construction: facts hold ids, states and durations, and no name, phone, address or body
can get here. The guard's texts are those that the operators of the original search for (contract).
"""

import json
import logging
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final, TextIO, assert_never

from einmal.domain.callback import Callback
from einmal.domain.facts import (
    Alarm,
    Answered,
    Booked,
    CalendarAsked,
    Changed,
    Doubted,
    Drifted,
    Fact,
    LookedUp,
    Noticed,
    NotStarted,
    Refused,
    Rejected,
    RejectionRuled,
    Served,
    Settled,
    Timed,
)
from einmal.domain.verdict import Layer, Reason
from einmal.ports import Clock, Message, StoredReply

CHANNELS: Final = ("calcom", "guard", "alerts", "performance", "http")

_PREVENTED: Final = "DUPLICATE BOOKING PREVENTION: "
TEXTS: Final[dict[Reason, str]] = {
    Reason.STALE_BOOKING: _PREVENTED + "Stale booking detected",
    Reason.CALL_ID_MISMATCH: _PREVENTED + "Call ID mismatch",
    Reason.IDENTITY_MISMATCH: _PREVENTED + "Identity mismatch",
    Reason.DATABASE_DUPLICATE: _PREVENTED + "Appointment already exists",
    Reason.CONSTRAINT_VIOLATION: _PREVENTED + "Constraint violation",
}


_ENCODER: Final = json.JSONEncoder(separators=(",", ":"), default=str)


class JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "channel": record.name.removeprefix("einmal."),
            "message": record.getMessage(),
        }
        line |= getattr(record, "fields", {})
        if record.exc_info and record.exc_info[0] is not None:
            # The type and the place; never the message, which may quote what a caller said.
            line["exception"] = record.exc_info[0].__name__
            trace = record.exc_info[2]
            while trace is not None and trace.tb_next is not None:
                trace = trace.tb_next
            if trace is not None:
                line["at"] = f"{trace.tb_frame.f_code.co_name}:{trace.tb_lineno}"
        return _ENCODER.encode(line)


def configure_logs(stream: TextIO | None = None, level: int = logging.INFO) -> None:
    """Send all channels to `stream` (standard error by default)."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines())
    root = logging.getLogger("einmal")
    root.handlers[:] = [handler]
    root.setLevel(level)
    root.propagate = False
    # The server's own words too: its tracebacks would quote what a caller sent.
    server = logging.getLogger("uvicorn")
    server.handlers[:] = [handler]
    server.setLevel(logging.WARNING)
    server.propagate = False


def channel(name: str) -> logging.Logger:
    return logging.getLogger(f"einmal.{name}")


class LogObserver:
    """Writes one line for each fact."""

    def observe(self, facts: Sequence[Fact]) -> None:  # noqa: C901, PLR0912 - as many cases as there are facts
        for fact in facts:
            match fact:
                case Rejected():
                    _say("guard", logging.ERROR, TEXTS[fact.reason], _rejected(fact))
                case Booked():
                    _say("guard", logging.INFO, "booking successful and validated", _booked(fact))
                case Answered():
                    _say("calcom", logging.INFO, "answer", _answered(fact))
                case Doubted():
                    fields = {"intent_id": fact.intent_id, "call_id": fact.call_id, "why": fact.why}
                    _say("guard", logging.WARNING, "booking in doubt", fields)
                case Settled():
                    fields = {"intent_id": fact.intent_id, "call_id": fact.call_id}
                    _say("guard", logging.INFO, f"settled: {fact.event}", fields)
                case Changed():
                    fields = {"intent_id": fact.intent_id, "call_id": fact.call_id, "change_id": fact.change_id}
                    _say("guard", logging.INFO, f"{fact.kind} {fact.event}", fields)
                case Noticed():
                    fields = {"source": fact.source, "event": fact.event, "booking_id": fact.booking_uid}
                    _say("guard", logging.INFO, f"notice {fact.outcome}", fields)
                case Drifted(drift=drift):
                    fields = {"kind": drift.kind, "booking_id": drift.subject, "intent_id": drift.intent_id}
                    if drift.mended:
                        # What staff do in their own calendar is no alarm.
                        _say("guard", logging.INFO, "drift mended", fields | {"detail": drift.detail})
                    else:
                        _say("alerts", logging.ERROR, "drift", fields | {"detail": drift.detail})
                case RejectionRuled():
                    ruling = {"intent_id": fact.intent_id, "wrong": fact.wrong}
                    _say("guard", logging.INFO, "a person ruled on a rejection", ruling)
                case Timed():
                    _say("performance", logging.DEBUG, fact.timing, {"seconds": fact.seconds})
                case CalendarAsked():
                    asked = {"operation": fact.operation, "code": fact.code, "seconds": fact.seconds}
                    _say("performance", logging.DEBUG, "calendar", asked)
                case Served():
                    served = {"function": fact.function, "outcome": fact.outcome, "seconds": fact.seconds}
                    _say("performance", logging.DEBUG, "served", served | {"adapter": fact.adapter})
                case Refused():
                    # The door has said it.
                    _say("performance", logging.DEBUG, "refused", {"adapter": fact.adapter, "error": fact.error})
                case NotStarted():
                    _say("performance", logging.DEBUG, "not started", {"why": fact.why})
                case LookedUp():
                    looked = {"intent_id": fact.intent_id, "saw": fact.saw}
                    _say("performance", logging.DEBUG, "looked for a booking", looked)
                case Alarm():
                    fields = {"intent_id": fact.intent_id, "detail": fact.detail}
                    _say("alerts", logging.ERROR, fact.what, fields)
                case _:
                    assert_never(fact)


def _say(name: str, level: int, message: str, fields: dict[str, Any]) -> None:
    logger = channel(name)
    if logger.isEnabledFor(level):
        logger.log(level, message, extra={"fields": fields})


def _rejected(fact: Rejected) -> dict[str, Any]:
    ids = {"intent_id": fact.intent_id, "booking_id": fact.booking_uid}
    why = {"layer": fact.layer, "reason": fact.reason}
    match fact.layer, fact.reason:
        case Layer.FRESHNESS, _:
            return {
                "booking_id": fact.booking_uid,
                "created_at": fact.booking_created_at,
                "age_seconds": fact.age_seconds,
                "freshness_threshold_seconds": fact.freshness_limit_seconds,
                "current_call_id": fact.call_id,
                "booking_metadata_call_id": fact.booking_call_id,
                "intent_id": fact.intent_id,
                **why,
            }
        case Layer.IDENTITY, Reason.CALL_ID_MISMATCH:
            return {"expected_call_id": fact.call_id, "received_call_id": fact.booking_call_id, **ids, **why}
        case ((Layer.LEDGER | Layer.CONSTRAINT), _):
            return {
                "existing_appointment_id": fact.known_appointment_id,
                "existing_call_id": fact.known_call_id,
                "current_call_id": fact.call_id,
                "calcom_booking_id": fact.booking_uid,
                "intent_id": fact.intent_id,
                **why,
            }
        case _:
            return {"expected": fact.expected, "received": fact.received, "call_id": fact.call_id, **ids, **why}


def _booked(fact: Booked) -> dict[str, Any]:
    return {
        "booking_id": fact.booking_uid,
        "time": fact.start,
        "freshness_validated": Reason.STALE_BOOKING not in fact.overruled and fact.age_seconds is not None,
        "call_id_validated": Reason.CALL_ID_MISMATCH not in fact.overruled,
        "call_id": fact.call_id,
        "intent_id": fact.intent_id,
        "state": fact.state,
        "clock_skew": fact.skewed,
        "overruled": list(fact.overruled),
    }


def _answered(fact: Answered) -> dict[str, Any]:
    return {
        "intent_id": fact.intent_id,
        "epoch": fact.epoch,
        "kind": fact.kind,
        "status": fact.http_status,
        "detail": fact.detail,
        "elapsed_seconds": fact.elapsed_seconds,
        "age_seconds": fact.booking_age_seconds,
        "is_fresh": fact.fresh,
        "judgement": fact.judgement,
    }


class LogCourier:
    """The channel that is always there: ids and outcome, for whoever reads logs. It reaches no caller."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def send(self, message: Message) -> str | None:
        fields: dict[str, Any] = {"message_id": message.message_id, "kind": message.kind}
        match message.about:
            case StoredReply(intent):
                outcome = message.about.told(self._clock.now()).outcome
                ids = {"intent_id": intent.intent_id, "call_id": intent.wish.conversation_id}
                _say("guard", logging.INFO, "promise kept", fields | ids | {"outcome": outcome})
            case Callback(callback_id, tenant_id, conversation_id):
                ids = {"callback_id": callback_id, "tenant": tenant_id, "call_id": conversation_id}
                _say("guard", logging.INFO, "somebody wants to be called back", fields | ids)
        return None
