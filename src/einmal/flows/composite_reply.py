"""What may be said of a composite: "booked" only where all of it stands, and of a part nothing."""

from collections.abc import Sequence
from dataclasses import replace

from einmal.domain.composite import Composite, CompositeState
from einmal.domain.intent import BOOKED, State
from einmal.domain.reply import BookedSlot, Outcome, Reply, Why
from einmal.ports import StoredReply


def told(composite: Composite, stored: Sequence[StoredReply | None], conversation_id: str | None) -> Reply:
    """As its row and its segments say, to whoever asks in this conversation."""
    start = composite.start
    match composite.state:
        case CompositeState.BOOKED:
            reply = _stands(composite, stored)
            elsewhere = composite.conversation_id is None or composite.conversation_id != conversation_id
            is_again = elsewhere and reply.outcome is Outcome.BOOKED
            return replace(reply, outcome=Outcome.ALREADY_BOOKED) if is_again else reply
        case CompositeState.BOOKING if all(one is not None and one.intent.state in BOOKED for one in stored):
            return _stands(composite, stored)
        case CompositeState.BOOKING:
            return Reply(Outcome.IN_DOUBT, Why.UNPROMISED, asked_start=start)
        case CompositeState.UNDONE if composite.reply is None:
            slot = whole(composite, stored)
            return Reply(Outcome.SLOT_TAKEN if slot is None else Outcome.CANCELLED, booking=slot, asked_start=start)
        case _:
            return composite.reply or Reply(Outcome.IN_DOUBT, Why.OTHER_IN_DOUBT, asked_start=start)


def whole(composite: Composite, stored: Sequence[StoredReply | None]) -> BookedSlot | None:
    """One appointment, from where its first booking begins to where its last one ends."""
    slots = [one.booking for one in stored if one is not None and one.booking is not None]
    if not slots:
        return None
    slots.sort(key=lambda slot: slot.start)
    by = {slot.staff for slot in slots}
    staff = by.pop() if len(by) == 1 else None
    return BookedSlot(slots[0].ref, slots[0].start, slots[-1].end, composite.service_name, staff)


def _stands(composite: Composite, stored: Sequence[StoredReply | None]) -> Reply:
    slot = whole(composite, stored)
    states = {None if one is None else one.intent.state for one in stored}
    if slot is None or not states <= BOOKED:
        return Reply(Outcome.IN_DOUBT, asked_start=composite.start)
    outcome = Outcome.REQUESTED if State.PENDING in states else Outcome.BOOKED
    return Reply(outcome, booking=slot, asked_start=composite.start)
