"""The moments of one attempt: sent, answered, and judged, with what we asked and what came back side by side."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from einmal.domain.answer import AnswerKind
from einmal.domain.comparison import Came, compare
from einmal.domain.intent import Intent
from einmal.domain.model import BookingStatus
from einmal.entrypoints.evidence.moment import Evidence, Kind, Moment, Term, Told, Tone, Value
from einmal.ports.stories import AttemptMade, BookingSeen, IntentStory

_TONES: Final = {
    AnswerKind.BOOKING: Tone.PLAIN,
    AnswerKind.CONFLICT: Tone.WARN,
    AnswerKind.THROTTLED: Tone.WARN,
    AnswerKind.NOT_SENT: Tone.WARN,
    AnswerKind.LOST: Tone.WARN,
}

_LIVE: Final = {BookingStatus.ACCEPTED, BookingStatus.PENDING}


def attempt_moments(story: IntentStory, attempt: AttemptMade, freshness_limit: timedelta) -> Iterator[Moment]:
    """Sent, answered, and judged where a booking came back."""
    intent = story.stored.intent
    about = intent.intent_id
    sent_at = max(attempt.answered_at - attempt.elapsed, intent.created_at)
    number: dict[str, Value] = {"number": attempt.epoch, "key": intent.operation_id}
    yield Moment(sent_at, Kind.SENT, Told("told_sent", number), intent_id=about)
    http = "" if attempt.http_status is None else f"HTTP {attempt.http_status}"
    values: dict[str, Value] = {
        "took": attempt.elapsed,
        "http": http or Term("http", "none"),
        "detail": Term("detail", attempt.detail),
    }
    told = Told(f"told_answer_{attempt.kind}", values)
    tone = _TONES.get(AnswerKind(attempt.kind), Tone.BAD)
    yield Moment(attempt.answered_at, Kind.ANSWER, told, tone, about)
    if attempt.seen is not None:
        evidence = _evidence(story, attempt.seen, sent_at, freshness_limit)
        good = evidence.verdict.key in {"told_verdict_ours", "told_verdict_passed"}
        tone = Tone.GOOD if good else Tone.BAD
        yield Moment(attempt.answered_at, Kind.VERDICT, evidence.verdict, tone, about, evidence)


def _evidence(story: IntentStory, seen: BookingSeen, sent_at: datetime, freshness_limit: timedelta) -> Evidence:
    intent = story.stored.intent
    rejected = _rejected(story, seen.uid)
    age, limit = _age(rejected, seen, sent_at), freshness_limit
    if rejected is not None and rejected.get("freshness_limit_seconds") is not None:
        limit = timedelta(seconds=rejected["freshness_limit_seconds"])
    # The verdict was given in the calendar's own clock, where that was known: the birth and the age tell when it was.
    asked_at = sent_at if seen.created_at is None or age is None else seen.created_at + age
    came = Came(
        seen.name,
        seen.emails,
        seen.start,
        seen.event_type_id,
        seen.call_id,
        seen.operation_id,
        seen.created_at,
        seen.status,
    )
    return Evidence(
        lines=compare(intent, came, asked_at, limit),
        verdict=_verdict(intent, seen) if rejected is None else reason(rejected, age),
        booking_uid=seen.uid,
        age=age,
        whose=next((one for one in story.others if one.booking_uid == seen.uid), None),
        its_call=seen.call_id,
        host=seen.host,
    )


def _rejected(story: IntentStory, uid: str) -> Mapping[str, Any] | None:
    told = (fact.data for fact in story.facts if fact.kind == "rejected" and fact.data.get("booking_uid") == uid)
    return next(told, None)


def _age(rejected: Mapping[str, Any] | None, seen: BookingSeen, sent_at: datetime) -> timedelta | None:
    if rejected is not None and rejected.get("age_seconds") is not None:
        return timedelta(seconds=rejected["age_seconds"])
    return None if seen.created_at is None else sent_at - seen.created_at


def _verdict(intent: Intent, seen: BookingSeen) -> Told:
    """Of a booking that no layer has refused."""
    if seen.operation_id != intent.mark:
        return Told("told_verdict_passed")
    if seen.start != intent.wish.start or seen.event_type_id != intent.wish.service.event_type_id:
        return Told("told_verdict_elsewhere")
    if seen.status not in _LIVE:
        return Told("told_verdict_ended", {"status": Term("booking", seen.status)})
    return Told("told_verdict_ours")


def reason(rejected: Mapping[str, Any], age: timedelta | None) -> Told:
    """The layer and its reason, as a sentence."""
    why, expected = str(rejected.get("reason")), str(rejected.get("expected", ""))
    its_call = rejected.get("known_call_id") or rejected.get("booking_call_id")
    key = f"told_reason_{why}"
    if why == "identity_mismatch":
        what = next((word for word in ("start", "event type", "attendee") if expected.startswith(word)), "operation id")
        key += f"_{what.replace(' ', '_')}"
    return Told(
        key,
        {
            "age": age,
            "appointment": str(rejected.get("known_appointment_id") or "–"),
            "call": its_call or Term("call", "none"),
        },
    )
