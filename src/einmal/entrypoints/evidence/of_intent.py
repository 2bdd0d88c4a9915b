"""The moments of one intent: admitted, its attempts, its doubt, how it ended, and what was promised and told of it."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from einmal.domain.change import LIVE_CHANGES, Change, ChangeState
from einmal.domain.intent import BOOKED, ENDED, Intent, State
from einmal.domain.reach import Channel
from einmal.entrypoints.evidence.moment import Kind, Moment, Term, Told, Tone, Value
from einmal.entrypoints.evidence.of_attempt import attempt_moments
from einmal.ports.stories import AppointmentMade, FactTold, IntentStory, MessageOwed, NoticeTaken

ESCALATES: Final = frozenset(
    {"wrong_time", "booking_ended_at_birth", "metadata_missing", "twice", "doubt_unresolvable", "constraint_violation"}
)
"""Alarms that are written as an intent comes before a person."""

_TAKEN_BACK: Final = frozenset({State.COMPENSATING, State.COMPENSATED})
_WAS_BOOKED: Final = BOOKED | ENDED | {State.DECLINED}


def intent_moments(story: IntentStory, freshness_limit: timedelta) -> Iterator[Moment]:
    """In no order. Changes are not among them: they belong to the calls in which they were wished, too."""
    intent = story.stored.intent
    yield _admitted(story)
    for attempt in story.attempts:
        yield from attempt_moments(story, attempt, freshness_limit)
    yield from _unanswered(story)
    yield from _doubt(story)
    for fact in story.facts:
        yield from _of_fact(story, fact)
    yield from _end(story)
    if intent.promised_at is not None:
        yield _of(intent, intent.promised_at, Kind.PROMISE, "told_promised", Tone.WARN)
    for notice in story.notices:
        yield from _notice(intent, notice)
    for message in story.messages:
        yield from _message(intent, message)


def change_moments(change: Change) -> Iterator[Moment]:
    """A cancel or a move: asked for, in doubt, and how it ended."""
    about, kind = change.intent_id, change.kind.value
    asked = Told(f"told_change_{kind}", {"booking": change.booking_uid})
    yield Moment(change.created_at, Kind.CHANGE, asked, intent_id=about)
    if change.doubted_at is not None:
        yield Moment(change.doubted_at, Kind.DOUBT, Told(f"told_change_{kind}_doubt"), Tone.WARN, about)
    if change.promised_at is not None:
        yield Moment(change.promised_at, Kind.PROMISE, Told("told_promised"), Tone.WARN, about)
    if change.resolved_at is not None and change.state not in LIVE_CHANGES:
        tone = Tone.GOOD if change.state is ChangeState.DONE else Tone.WARN
        ended = Told(f"told_change_{kind}_{change.state}")
        yield Moment(change.resolved_at, Kind.ENDED, ended, tone, change.successor_id or about)


def was_escalated(story: IntentStory) -> bool:
    """Whether it has ever come before a person."""
    state, intent = story.stored.intent.state, story.stored.intent
    if state is State.ESCALATED:
        return True
    for fact in story.facts:
        what = fact.data.get("what") if fact.kind == "alarm" else None
        # What layer 4 refuses is somebody else's as a rule, and looked up; only an own one comes before a person.
        owned = any(one.seen is not None and one.seen.operation_id == intent.mark for one in story.attempts)
        if what in ESCALATES and (what != "constraint_violation" or owned):
            return True
    return False


def _of(
    intent: Intent,
    at: datetime,
    kind: Kind,
    key: str,
    tone: Tone = Tone.PLAIN,
    values: Mapping[str, Value] | None = None,
) -> Moment:
    return Moment(at, kind, Told(key, values or {}), tone, intent.intent_id)


def _admitted(story: IntentStory) -> Moment:
    intent, key = story.stored.intent, "told_admitted"
    if story.stored.imported:
        key = "told_imported"
    elif intent.moved_from is not None:
        key = "told_admitted_move"
    wish = intent.wish
    values: dict[str, Value] = {
        "service": wish.service.name,
        "start": wish.start,
        "row": story.stored.imported_from or "",
    }
    return _of(intent, intent.created_at, Kind.ADMITTED, key, values=values)


def _unanswered(story: IntentStory) -> Iterator[Moment]:
    """A send of which no answer was written down. What a move is to become is not sent by itself."""
    intent = story.stored.intent
    answered = {attempt.epoch for attempt in story.attempts}
    if intent.sent_at is None or intent.epoch in answered or intent.moved_from is not None or story.stored.imported:
        return
    values: dict[str, Value] = {"number": intent.epoch, "key": intent.operation_id}
    yield _of(intent, intent.sent_at, Kind.SENT, "told_sent", values=values)


def _doubt(story: IntentStory) -> Iterator[Moment]:
    """Where no fact says why it began, the answer did: the slot was somebody's."""
    intent = story.stored.intent
    told = any(fact.kind == "doubted" for fact in story.facts)
    if intent.doubted_at is None or told or intent.state in _TAKEN_BACK:
        return
    key = "told_doubt_not_ours" if intent.not_ours else "told_doubt"
    yield _of(intent, intent.doubted_at, Kind.DOUBT, key, Tone.WARN)


def _of_fact(story: IntentStory, fact: FactTold) -> Iterator[Moment]:
    intent, data = story.stored.intent, fact.data
    match fact.kind:
        case "doubted":
            why: dict[str, Value] = {"why": Term("why", str(data.get("why")))}
            yield _of(intent, fact.at, Kind.DOUBT, "told_doubt_why", Tone.WARN, why)
        case "lookedup":
            saw = str(data.get("saw"))
            key = f"told_look_{saw}" if saw in {"found", "absent"} else "told_look_blind"
            tone = Tone.GOOD if saw == "found" else Tone.PLAIN
            yield _of(intent, fact.at, Kind.LOOK, key, tone, {"saw": Term("why", saw)})
        case "alarm":
            yield _alarm(intent, fact.at, data)
        case "rejectionruled":
            key = "told_ruled_wrong" if data.get("wrong") else "told_ruled_right"
            yield _of(intent, fact.at, Kind.RULING, key)
        case _:
            return  # told by rows of their own


def _alarm(intent: Intent, at: datetime, data: Mapping[str, Any]) -> Moment:
    what = str(data.get("what"))
    key = {
        "booking_after_no": "told_surfaced",
        "booking_taken_back": "told_taken_back",
    }.get(what, "told_escalated" if what in ESCALATES - {"constraint_violation"} else "told_alarm")
    tone = Tone.GOOD if what == "booking_taken_back" else Tone.BAD
    return _of(intent, at, Kind.ALARM, key, tone, {"what": Term("alarm", what)})


def _end(story: IntentStory) -> Iterator[Moment]:
    """How it ended first: booked, or not. What became of the appointment since is told by changes and notices."""
    intent, made = story.stored.intent, story.appointment
    if intent.resolved_at is None or story.stored.imported:
        return
    if intent.state in _WAS_BOOKED:
        yield from _booked(story, made, intent.resolved_at)
    elif intent.moved_from is not None:
        return  # the change that it belongs to tells how that ended
    elif was_escalated(story):
        yield _of(intent, intent.resolved_at, Kind.RULING, "told_end_ruled_no", Tone.WARN)
    else:
        reply = story.stored.reply
        outcome = "none" if reply is None else reply.outcome.value
        offered = 0 if reply is None else len(reply.alternatives)
        key = "told_end_taken_offers" if outcome == "slot_taken" and offered else "told_end_no"
        values: dict[str, Value] = {"outcome": Term("outcome", outcome), "offered": offered}
        yield _of(intent, intent.resolved_at, Kind.ENDED, key, Tone.WARN, values)


def _booked(story: IntentStory, made: AppointmentMade | None, resolved_at: datetime) -> Iterator[Moment]:
    intent = story.stored.intent
    at = resolved_at if made is None else made.created_at
    values: dict[str, Value] = {
        "appointment": "–" if made is None else made.appointment_id,
        "booking": intent.booking_uid or "–",
    }
    first_confirmed = made is None or made.confirmed_at == made.created_at
    if intent.moved_from is not None:
        key = "told_end_moved_here"
    elif was_escalated(story):
        key = "told_end_ruled_booked"
    else:
        key = "told_end_booked" if first_confirmed else "told_end_requested"
        key += "_found" if intent.doubted_at is not None else ""
    yield _of(intent, at, Kind.ENDED, key, Tone.GOOD, values)
    if made is not None and made.confirmed_at is not None and made.confirmed_at > made.created_at:
        yield _of(intent, made.confirmed_at, Kind.ENDED, "told_host_accepted", Tone.GOOD)


def _notice(intent: Intent, notice: NoticeTaken) -> Iterator[Moment]:
    values: dict[str, Value] = {"event": notice.event, "source": notice.source, "times": notice.times}
    key = "told_notice" if notice.times == 1 else "told_notice_again"
    yield _of(intent, notice.received_at, Kind.NOTICE, key, values=values)
    if notice.handled_at is not None:
        values = {"event": notice.event, "outcome": Term("notice", notice.outcome or "none")}
        yield _of(intent, notice.handled_at, Kind.NOTICE, "told_notice_handled", values=values)


def _message(intent: Intent, message: MessageOwed) -> Iterator[Moment]:
    values: dict[str, Value] = {"channel": message.channel, "message": Term("message", message.kind)}
    yield _of(intent, message.created_at, Kind.MESSAGE, "told_message", values=values)
    if message.sent_at is not None and message.channel == Channel.LOG:
        yield _of(intent, message.sent_at, Kind.MESSAGE, "told_message_logged", values=values)
    elif message.sent_at is not None:
        yield _of(intent, message.sent_at, Kind.MESSAGE, "told_message_sent", Tone.GOOD, values)
    elif message.due_at is None:
        values["tries"] = message.tries
        yield _of(intent, message.created_at, Kind.MESSAGE, "told_message_given_up", Tone.BAD, values)
