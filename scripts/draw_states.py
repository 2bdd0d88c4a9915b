"""Draws docs/states.md and its picture from the table of moves. `make docs` writes them; tests hold them together."""

import sys
from pathlib import Path
from typing import Final

from states_picture import picture

from einmal.domain.intent import MOVES, UNRESOLVED, Event, State

TARGET: Final = Path(__file__).parent.parent / "docs" / "states.md"
PICTURE: Final = TARGET.with_suffix(".svg")

STATES: Final[dict[State, str]] = {
    State.INTENT: "written down, and not armed yet: the gate is shut, or the last send surely was not processed",
    State.SENT: "armed: a POST may be under way until the send deadline, and past it this *is* a doubt",
    State.DOUBT: "it may have landed; looked for by its operation id",
    State.CONFIRMED: "the booking stands, accepted",
    State.PENDING: "the booking stands, and its host must accept it",
    State.REJECTED: "not booked, as far as could be known; after a doubt a tombstone that is watched",
    State.ESCALATED: "no rule decides it: a person must",
    State.COMPENSATING: "a booking of ours arrived after its no: it is being taken back",
    State.COMPENSATED: "taken back",
    State.DECLINED: "the host has declined",
    State.CANCELLED: "cancelled, here or in the calendar",
    State.MOVED: "moved: a successor stands for it",
    State.LOST: "gone from the calendar without a trace",
}

EVENTS: Final[dict[Event, str]] = {
    Event.ARMED: "the gate lets a POST pass",
    Event.SHED: "it could not be armed while the caller waited; nothing was sent",
    Event.NOT_PROCESSED: "failed before the first byte left, or the throttle's own 429: epoch + 1, no POST counted",
    Event.LANDED_ACCEPTED: "2xx with our id, start and event type; accepted",
    Event.LANDED_PENDING: "the same, to be confirmed by the host",
    Event.REFUSED: "a certain refusal: 404, validation, 401, 403",
    Event.DOUBTED: "a lost, unclear, conflicting or foreign answer; the deadline has passed; the process died",
    Event.FOUND_ACCEPTED: "a live booking with our id, start and event type was seen; accepted",
    Event.FOUND_PENDING: "the same, to be confirmed by the host",
    Event.NOT_OURS_AND_ABSENT: "the answer said that the slot is not ours, and a complete look shows none of ours",
    Event.SETTLED_ABSENT: "no answer was ever had, and none of ours was seen through the settle window",
    Event.ESCALATED: "unresolvable for 24 hours, or our id where it should not be",
    Event.RULED_BOOKED: "a person names the booking",
    Event.RULED_NOT_BOOKED: "a person says that there is none",
    Event.SURFACED: "a live booking with our id appears after all",
    Event.COMPENSATED: "read again, id verified, cancelled, read again",
    Event.HOST_ACCEPTED: "the host accepts",
    Event.HOST_DECLINED: "the host declines",
    Event.CANCELLED: "somebody cancelled it",
    Event.MOVED: "somebody moved it",
    Event.VANISHED: "the calendar knows it no longer",
}


def drawn() -> str:
    """The whole page."""
    lines = [
        "# States of an intent",
        "",
        "Drawn from `MOVES` in `src/einmal/domain/intent.py` by `make docs`. What is not here is illegal and changes",
        "nothing. The ledger makes each move as one guarded update (state and epoch as they were read); zero rows is",
        "an error with a name.",
        "",
        "![The states, and the moves between them](states.svg)",
        "",
        "| state | |",
        "|---|---|",
    ]
    lines += [f"| `{state}`{'' if state not in UNRESOLVED else ' (unresolved)'} | {STATES[state]} |" for state in State]
    lines += ["", "| from | event | to | when |", "|---|---|---|---|"]
    for state, moves in MOVES.items():
        lines += [f"| `{state}` | `{event}` | `{after}` | {EVENTS[event]} |" for event, after in moves.items()]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    TARGET.write_text(drawn(), encoding="utf-8")
    PICTURE.write_text(picture(), encoding="utf-8")
    print(f"wrote {TARGET.name}, {PICTURE.name}", file=sys.stderr)
