"""One answer: what every answer must be, what this one had to say, and whether a second says the same."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from support.conversation import Expected, on_the_clock

Answer = dict[str, Any]

GOOD: Final = frozenset(
    {"booked", "requested", "already_booked", "available", "cancelled", "rescheduled", "reserved", "released", "noted"}
    | {"information"}
)
BAD: Final = frozenset({"unavailable", "slot_taken", "needs_input", "in_doubt", "rejected", "error"})


def of_the_contract(answer: Answer) -> list[str]:
    """What no answer may be, whatever was asked."""
    status, message = answer.get("status"), answer.get("message")
    wrong = []
    if status not in GOOD | BAD:
        wrong.append(f"there is no status {status}")
    if answer.get("success") is not (status in GOOD):
        wrong.append(f"success is {answer.get('success')} with {status}")
    if not isinstance(message, str) or not message.strip():
        wrong.append("there is nothing to say")
    if not isinstance(answer.get("bestaetigung_status"), str):
        wrong.append("bestaetigung_status is missing")
    if (answer.get("do_not_rebook") is True) is not (status == "in_doubt"):
        wrong.append(f"do_not_rebook is {answer.get('do_not_rebook')} with {status}")
    return wrong


def not_as_expected(answer: Answer, expected: Expected, labelled: Mapping[str, Answer]) -> list[str]:
    """In words, everything that is otherwise."""
    message, booking = answer["message"], answer.get("booking") or {}
    offers = _starts(answer, "alternatives")
    wrong = [f"{text!r} is not said" for text in expected.says if text not in message]
    wrong += [f"{text!r} is said" for text in expected.never_says if text in message]
    found: dict[str, tuple[object, object]] = {
        "status": (expected.status, answer["status"]),
        "start": (expected.start, _local(booking["start"]) if booking else None),
        "service": (expected.service, booking.get("service")),
        "offers": (expected.offers, offers),
        "missing": (expected.missing, tuple(answer.get("missing", ()))),
        "readings": (expected.readings, _starts(answer, "readings")),
        "appointments": (expected.appointments, _starts(answer, "appointments")),
    }
    wrong += [
        f"{name} is {got}, not {wanted}"
        for name, (wanted, got) in found.items()
        if wanted is not None and wanted != got
    ]
    wrong += [f"{name} is {answer.get(name)}" for name, value in expected.has.items() if answer.get(name) != value]
    if expected.offers_min is not None and len(offers) < expected.offers_min:
        wrong.append(f"{len(offers)} are offered")
    if expected.same_as is not None and differs(labelled[expected.same_as], answer):
        wrong.append(f"it is not what {expected.same_as} was told")
    return wrong


_NOT_COMPARED: Final = frozenset({"error_id", "alternatives"})
"""The one names an entry in the log; what is free may have changed between two answers."""


def differs(one: Answer, other: Answer) -> bool:
    """Whether two answers say different things. A sentence ends with what is free now."""
    plain_one, plain_other = _plain(one), _plain(other)
    return plain_one != plain_other


def _plain(answer: Answer) -> dict[str, Any]:
    left_out = _NOT_COMPARED | ({"message"} if answer.get("alternatives") else set())
    return {name: value for name, value in answer.items() if name not in left_out}


def _starts(answer: Answer, name: str) -> tuple[str, ...]:
    return tuple(_local(one["start"]) for one in answer.get(name, ()))


def _local(text: str) -> str:
    return on_the_clock(datetime.fromisoformat(text))
