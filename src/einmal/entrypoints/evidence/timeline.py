"""A story as a timeline: everything that happened in a call, or to an intent, in the order in which it did."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Final

from einmal.domain.callback import Callback
from einmal.domain.change import Change
from einmal.entrypoints.evidence.moment import Kind, Moment, Term, Told, Tone, Value, ordered
from einmal.entrypoints.evidence.of_intent import change_moments, intent_moments
from einmal.ports.journal import FunctionCalled
from einmal.ports.stories import CallStory, IntentStory

FRESHNESS_LIMIT: Final = timedelta(seconds=30)
"""Of layer 1, where an attempt does not tell by which it was judged."""

_GOOD: Final = frozenset({"booked", "already_booked", "requested", "cancelled", "rescheduled", "noted", "reserved"})
_BAD: Final = frozenset({"error"})
_WARN: Final = frozenset({"in_doubt", "slot_taken", "rejected", "unavailable"})


def tone_of(outcome: str) -> Tone:
    """How it sounds to whoever called."""
    for tone, outcomes in ((Tone.GOOD, _GOOD), (Tone.BAD, _BAD), (Tone.WARN, _WARN)):
        if outcome in outcomes:
            return tone
    return Tone.PLAIN


def timeline_of_intent(story: IntentStory) -> tuple[Moment, ...]:
    changes = (moment for change in _each(story.changes) for moment in change_moments(change))
    return ordered((*intent_moments(story, FRESHNESS_LIMIT), *changes))


def timeline_of_call(story: CallStory) -> tuple[Moment, ...]:
    every = _each((*story.changes, *(change for intent in story.intents for change in intent.changes)))
    moments = [
        *_call(story),
        *(moment for intent in story.intents for moment in intent_moments(intent, FRESHNESS_LIMIT)),
        *(moment for change in every for moment in change_moments(change)),
        *(moment for callback in story.callbacks for moment in _callback(callback)),
    ]
    moments += [moment for function in story.functions for moment in _function(function, moments)]
    return ordered(moments)


def _each(changes: Sequence[Change]) -> tuple[Change, ...]:
    """Once each: a change is of the call in which it was wished, and of the intent that it changes."""
    return tuple({change.change_id: change for change in changes}.values())


def _call(story: CallStory) -> Iterator[Moment]:
    began = story.started_at or story.first_seen_at
    if story.started_at is None and began is not None:
        # Its row is written by whatever tells of it first, a moment after that was asked.
        began = min([began, *(function.at - function.elapsed for function in story.functions)])
    values: dict[str, Value] = {"platform": story.platform or "–", "agent": story.agent_id or "–"}
    if began is not None:
        key = "told_call_seen" if story.started_at is None else f"told_call_{story.direction or 'began'}"
        yield Moment(began, Kind.CALL, Told(key, values))
    if story.ended_at is not None:
        why = Term("hangup", story.disconnection_reason or "none")
        yield Moment(story.ended_at, Kind.HUNG_UP, Told("told_hung_up", {"why": why}))


_ASKED_BY: Final = {"form": "told_asked_form", "rest": "told_asked_program", "calcom": "told_asked_program"}
"""By the door through which it came; all others are voice agents'."""


def _function(function: FunctionCalled, others: Sequence[Moment]) -> Iterator[Moment]:
    """When it was answered; when it was asked only where something else happened between the two."""
    name: dict[str, Value] = {"function": Term("function", function.function)}
    asked_at = function.at - function.elapsed
    if any(asked_at <= other.at <= function.at and other.kind is not Kind.CALL for other in others):
        yield Moment(asked_at, Kind.ASKED, Told(_ASKED_BY.get(function.adapter, "told_asked"), name))
    values = name | {"outcome": Term("outcome", function.outcome), "took": function.elapsed}
    error: Value = function.error_id
    details = (("told_error_id", error),) if error is not None else ()
    told, tone = Told("told_heard", values), tone_of(function.outcome)
    yield Moment(function.at, Kind.HEARD, told, tone, heard=function.heard, details=details)


def _callback(callback: Callback) -> Iterator[Moment]:
    yield Moment(callback.created_at, Kind.CALLBACK, Told("told_callback"), Tone.WARN)
    if callback.done_at is not None:
        yield Moment(callback.done_at, Kind.CALLBACK, Told("told_callback_done"), Tone.GOOD)
