"""What a person can do about an intent now. Each of these is checked again when it is done."""

from datetime import datetime
from enum import StrEnum

from einmal.domain.intent import BOOKED, State
from einmal.ports.stories import IntentStory


class Can(StrEnum):
    RULE_BOOKED = "rule-booked"
    RULE_NOT_BOOKED = "rule-not-booked"
    RULE_WRONG = "rule-wrong"
    """A layer's rejection was wrong."""
    RULE_RIGHT = "rule-right"
    LOOK_NOW = "look-now"
    CANCEL = "cancel"


def possible(story: IntentStory, now: datetime) -> tuple[Can, ...]:
    stored, found = story.stored, list[Can]()
    state = stored.intent.state_at(now)
    if state is State.ESCALATED:
        found += [Can.RULE_BOOKED, Can.RULE_NOT_BOOKED]
    if stored.intent.state is State.DOUBT:
        found.append(Can.LOOK_NOW)
    stands = state in BOOKED and stored.booking is not None and stored.booking.start > now
    if stands and not stored.changing and not stored.imported and stored.intent.wish.person.name:
        found.append(Can.CANCEL)
    if any(fact.kind == "rejected" for fact in story.facts):
        ruled = [bool(fact.data.get("wrong")) for fact in story.facts if fact.kind == "rejectionruled"][-1:]
        found += [can for can, wrong in ((Can.RULE_WRONG, True), (Can.RULE_RIGHT, False)) if ruled != [wrong]]
    return tuple(found)
