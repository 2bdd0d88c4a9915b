"""The tables that say what an HTTP answer means, to `POST /v2/bookings` above all.

By status and structure first. Cal.com has several meanings for a 400 and tells them apart by English text
only; those texts are all in TEXTS, each with where it was seen. Unknown means MAYBE: it is looked up, not
guessed at.
"""

import re
from typing import Final

from einmal.adapters.calcom.transport import WireAnswer
from einmal.adapters.calcom.wire import Unreadable, booking_of, json_object
from einmal.domain.answer import AnswerKind
from einmal.domain.gate import Heard
from einmal.domain.model import Booking
from einmal.ports import ChangeKind

Reading = tuple[AnswerKind, Booking | None, str]
"""Kind, booking if there is one, and a short word of ours for the evidence."""

BY_STATUS: Final[dict[int, tuple[AnswerKind, str]]] = {
    401: (AnswerKind.UNAUTHORISED, "unauthorised"),
    403: (AnswerKind.UNAUTHORISED, "forbidden"),
    404: (AnswerKind.REFUSED, "not_found"),
    # Both of Cal.com's 409s: a lost race for the slot, and "already signed up" on seats.
    409: (AnswerKind.CONFLICT, "conflict"),
    # Refused before the body reached a handler.
    405: (AnswerKind.REFUSED, "method"),
    413: (AnswerKind.REFUSED, "too_large"),
    415: (AnswerKind.REFUSED, "media_type"),
    422: (AnswerKind.REFUSED, "no_hosts"),
}

TEXTS: Final[tuple[tuple[str, AnswerKind, str], ...]] = (
    # Recorded: the usual answer for an occupied slot, user and team form. It may be occupied by ourselves.
    ("already has booking at this time or is not available", AnswerKind.CONFLICT, "not_available"),
    # Recorded in production mode: a lost race for the unique key whose error code was redacted.
    ("An error occurred while querying the database", AnswerKind.CONFLICT, "database"),
    ("no_available_users_found_error", AnswerKind.CONFLICT, "not_available"),
    ("booking_conflict_error", AnswerKind.CONFLICT, "conflict"),
    # From the source: thrown after the row was created.
    ("Missing payment credentials", AnswerKind.LOST, "payment"),
    # Recorded.
    ("Attempting to book a meeting in the past", AnswerKind.REFUSED, "past"),
    ("The event type can't be booked at the", AnswerKind.REFUSED, "out_of_bounds"),
    ("booking_time_out_of_bounds_error", AnswerKind.REFUSED, "out_of_bounds"),
    ("booker_limit_exceeded_error", AnswerKind.REFUSED, "booker_limit"),
    ("Maximum booking limit reached", AnswerKind.REFUSED, "booker_limit"),
    ("maximum number of active bookings has been reached", AnswerKind.REFUSED, "booker_limit"),
    ("is not valid JSON", AnswerKind.REFUSED, "validation"),
)

SHAPES: Final[tuple[tuple[re.Pattern[str], AnswerKind, str], ...]] = (
    # Recorded: the validation pipe, and the schema behind it. By how they begin: an update after the insert
    # may fail with a message that quotes the same words, and that has landed.
    (re.compile(r"\w+ property is wrong"), AnswerKind.REFUSED, "validation"),
    (re.compile(r"responses - \{"), AnswerKind.REFUSED, "validation"),
    (re.compile(r"metadata\.\S+ - "), AnswerKind.REFUSED, "validation"),
)

ENDED_TEXTS: Final = ("has been cancelled already",)
"""Recorded: the answer to a second cancel, and to one of a booking that was moved."""

CHANGED_TEXTS: Final = ("because it has been cancelled",)
"""Recorded: the answer to a move of what was cancelled, or moved already."""

THROTTLE_CODE: Final = "ThrottlerException"


def read_answer(answer: WireAnswer) -> Reading:
    """What this answer to the POST means."""
    status = answer.status
    if status in {200, 201}:
        return _read_booking(answer.body)
    if status in BY_STATUS:
        return _certain(*BY_STATUS[status])
    if status == 400:
        return _read_bad_request(answer.body)
    if status == 429:
        # Only the throttle's own body says that nothing ran; a proxy's 429 says nothing.
        code, _ = _error(answer.body)
        return _certain(AnswerKind.THROTTLED, "throttled") if code == THROTTLE_CODE else _lost("http_429")
    return _lost(f"http_{status}")


def read_move(answer: WireAnswer) -> Reading:
    """What this answer to a request to move a booking means. Even a booking in it may be another's."""
    if answer.status == 403:
        # Inside the notice that the event type wants, or not allowed at all: not moved.
        return _certain(AnswerKind.REFUSED, "forbidden")
    if answer.status == 400 and any(text in _error(answer.body)[1] for text in CHANGED_TEXTS):
        # By somebody, perhaps by us: a read tells.
        return _lost("changed_before")
    return read_answer(answer)


def health(status: int, body: bytes) -> Heard:
    """What an answer to any request says of the calendar's health. A 4xx is an answer."""
    if status >= 500:
        return Heard.FAILED
    if status == 429 and _error(body)[0] == THROTTLE_CODE:
        return Heard.THROTTLED
    return Heard.WELL


def read_change(answer: WireAnswer) -> tuple[ChangeKind, str]:
    """What the answer to a change of a booking means. Advisory: a read tells what stands."""
    status = answer.status
    if status in {200, 201}:
        return ChangeKind.DONE, ""
    if status == 404:
        return ChangeKind.UNKNOWN, "not_found"
    if status == 400 and any(text in _error(answer.body)[1] for text in ENDED_TEXTS):
        return ChangeKind.ENDED_BEFORE, "ended_before"
    if status in {400, 401, 403}:
        return ChangeKind.REFUSED, f"http_{status}"
    return ChangeKind.MAYBE, f"http_{status}"


def _read_booking(body: bytes) -> Reading:
    try:
        return AnswerKind.BOOKING, booking_of(json_object(body).get("data")), ""
    except Unreadable as odd:
        return _lost(f"unreadable_{odd.args[0]}")


def _read_bad_request(body: bytes) -> Reading:
    _, message = _error(body)
    for text, kind, word in TEXTS:
        if text in message:
            return _certain(kind, word)
    for shape, kind, word in SHAPES:
        if shape.match(message):
            return _certain(kind, word)
    return _lost("unknown_400")


def _error(body: bytes) -> tuple[str, str]:
    """Code and message of Cal.com's error bodies: the envelope with `error`, and the bare one without."""
    try:
        data = json_object(body)
    except Unreadable:
        return "", ""
    error = data.get("error")
    inner = error if isinstance(error, dict) else data
    code, message = inner.get("code"), inner.get("message")
    return (code if isinstance(code, str) else ""), (message if isinstance(message, str) else "")


def _certain(kind: AnswerKind, word: str) -> Reading:
    return kind, None, word


def _lost(word: str) -> Reading:
    return AnswerKind.LOST, None, word
