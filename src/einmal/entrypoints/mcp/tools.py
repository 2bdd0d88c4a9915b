"""What the tools say of themselves. The hints are promises to whoever lets a model call them without asking.

Each tool is a function of the gateway's; what it does twice, it does once. Descriptions are for the model, and keep it
from what made duplicates in the field: booking again while an answer is in doubt, and saying "booked" too early.
"""

from dataclasses import dataclass
from typing import Any, Final

from mcp_types import Tool, ToolAnnotations

from einmal.adapters.functions.names import Does
from einmal.domain.reply import CONFIRMATION_STATUS, Outcome
from einmal.entrypoints.mcp.fields import schema

INSTRUCTIONS: Final = (
    "Books, moves and cancels appointments in one calendar, each exactly once. `message` is what to say to the person. "
    "Only say that something is booked, moved or cancelled when `status` says so. Calling a tool again with the same "
    "arguments is safe: it is answered with what is true now and never books twice. With status in_doubt the calendar "
    "has not answered yet: do not book anything else instead, and ask booking_status later. With needs_input, ask the "
    "person the question in `message`."
)

_STATUS: Final = (
    " Only booked and already_booked mean that the appointment stands; requested means that the house still has to "
    "confirm it; slot_taken means that the time is gone: offer the `alternatives`. in_doubt means that nobody knows "
    "yet whether it was booked: it must not be booked again, under whatever time; ask booking_status later."
)
_AGAIN: Final = " Asking again with the same arguments is safe: there is one booking, and the same answer."
_WHOSE: Final = (
    " Of what was booked in this conversation the start or `ref` is enough; of any other appointment the name and the "
    "start are needed together."
)
_CHANGE_DOUBT: Final = " in_doubt means that nobody knows yet: ask again later with the same arguments, which is safe."


@dataclass(frozen=True, slots=True)
class Offered:
    """One tool. `reads`: it changes nothing. `destroys`: what was there may be gone after it. `asks`: it asks the
    calendar, which others change too. `repeats`: a second time it changes nothing more."""

    does: Does
    says: str
    fields: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    reads: bool = False
    destroys: bool = False
    asks: bool = True
    repeats: bool = True


TOOLS: Final[dict[str, Offered]] = {
    "list_services": Offered(
        Does.LIST_SERVICES,
        "Tells what can be booked: the name and the length in minutes of each service.",
        reads=True,
        asks=False,
    ),
    "check_availability": Offered(
        Does.CHECK,
        "Tells whether a time is free, or with a day what is free on it. Books and holds nothing. available means free "
        "at this moment, not booked; `alternatives` are the times on offer, each with the `slot` to book it by.",
        ("service", "start", "day", "slot", "staff"),
        reads=True,
    ),
    "hold_slot": Offered(
        Does.RESERVE,
        "Keeps a free time for some minutes while the person decides; it is not booked by that. reserved means held; "
        "available means free and not held, because this conversation is not known yet or the service cannot be held. "
        "Asking again prolongs the same hold.",
        ("service", "start", "slot", "staff"),
        repeats=False,
    ),
    "release_hold": Offered(
        Does.RELEASE,
        "Lets go of what this conversation holds at a time, or without one of all it holds. Cancels no appointment. "
        "Asking again is safe.",
        ("service", "start", "slot"),
        destroys=True,
        asks=False,
    ),
    "book_appointment": Offered(
        Does.BOOK,
        "Books an appointment in the calendar, after the person has confirmed service and time." + _STATUS + _AGAIN,
        ("service", "start", "slot", "name", "phone", "email", "staff", "additional"),
        ("name",),
    ),
    "cancel_appointment": Offered(
        Does.CANCEL,
        "Cancels an appointment that stands, after the person has confirmed that. Only cancelled means that it is."
        + _WHOSE
        + _CHANGE_DOUBT,
        ("ref", "start", "service", "name"),
        destroys=True,
    ),
    "move_appointment": Offered(
        Does.RESCHEDULE,
        "Moves an appointment that stands to another time; never cancel first and book anew instead. Only rescheduled "
        "means that it is moved, requested that the house still has to confirm the new time; with anything else but "
        "in_doubt it is where it was." + _WHOSE + _CHANGE_DOUBT,
        ("ref", "start", "service", "name", "new_start", "new_slot"),
        destroys=True,
    ),
    "booking_status": Offered(
        Does.TELL_STATUS,
        "Tells what has become of what was booked, moved or cancelled in this conversation last, or of the appointment "
        "that is named; the calendar is asked. Call it after in_doubt, as often as you like." + _WHOSE,
        ("ref", "start", "service", "name"),
        reads=True,
    ),
}

_TITLES: Final = {name: name.replace("_", " ").capitalize() for name in TOOLS}


def fields_of(offered: Offered, *, handles: bool) -> tuple[str, ...]:
    """`handles`: whether conversations are told apart by what the model hands back."""
    return (*offered.fields, "conversation") if handles and offered.does is not Does.LIST_SERVICES else offered.fields


def listed(*, handles: bool) -> list[Tool]:
    """The tools as a client lists them."""
    return [
        Tool(
            name=name,
            title=_TITLES[name],
            description=one.says,
            input_schema=schema(fields_of(one, handles=handles), one.required),
            output_schema=_SERVICES if one.does is Does.LIST_SERVICES else _ANSWER,
            annotations=ToolAnnotations(
                title=_TITLES[name],
                read_only_hint=one.reads,
                destructive_hint=one.destroys,
                idempotent_hint=one.reads or one.repeats,
                open_world_hint=one.asks,
            ),
        )
        for name, one in TOOLS.items()
    ]


def _text(says: str) -> dict[str, Any]:
    return {"type": "string", "description": says}


_LOCAL: Final = "ISO 8601 with the house's offset"

_SAID: Final[dict[str, Any]] = {
    "success": {"type": "boolean", "description": "Whether what was asked for is so now."},
    "message": _text("What to say to the person, in the house's language."),
    "conversation": _text("Hand it back in the calls that follow, where the tools have that field."),
}

_ANSWER: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        **_SAID,
        "status": {
            "type": "string",
            "enum": [*(outcome.value for outcome in Outcome), "information"],
            "description": "What is true. The tool's description says what each one means.",
        },
        "bestaetigung_status": {"type": "string", "enum": sorted({*CONFIRMATION_STATUS.values(), "none"})},
        "booking": {
            "type": "object",
            "description": "The appointment that this is about.",
            "properties": {
                "ref": _text("Names the appointment in later calls."),
                "start": _text(_LOCAL),
                "end": _text(_LOCAL),
                "service": _text("Its name."),
                "staff": _text("By whom, where that is known."),
            },
            "required": ["ref", "start", "end", "service"],
        },
        "alternatives": {
            "type": "array",
            "description": "Times that are free now.",
            "items": {
                "type": "object",
                "properties": {
                    "slot": _text("Book or move by this, unchanged."),
                    "start": _text(_LOCAL),
                    "message": _text("The time in words."),
                },
                "required": ["slot", "start", "message"],
            },
        },
        "missing": {
            "type": "array",
            "items": {"type": "string"},
            "description": "What must be asked, the first of it in `message`.",
        },
        "readings": {
            "type": "array",
            "description": "What was said may mean each of these.",
            "items": {"type": "object", "properties": {"start": _text(_LOCAL), "message": _text("In words.")}},
        },
        "do_not_rebook": {"type": "boolean", "description": "true: it may be booked; book nothing in its place."},
        "error_id": _text("By this the operator finds what went wrong."),
    },
    "required": ["success", "status", "message", "bestaetigung_status"],
}

_SERVICES: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        **_SAID,
        "status": {"type": "string", "enum": ["information", "rejected", "error"]},
        "services": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "name": _text("What to call it in other tools."),
                    "duration_minutes": {"type": "integer"},
                    "description": _text("What the house says of it."),
                },
                "required": ["name", "duration_minutes"],
            },
        },
    },
    "required": ["success", "status", "message"],
}
