"""What can be asked of /v1: each operation once, for the routes, for the checks before it, and for the document."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from einmal.adapters.rest import fields
from einmal.adapters.rest.declared import Record
from einmal.adapters.rest.problems import Kind
from einmal.domain.scope import Scope

_ALWAYS: Final = (Kind.FIELDS, Kind.NO_KEY, Kind.WRONG_KEY, Kind.SCOPE, Kind.TOO_MANY, Kind.UNAVAILABLE, Kind.BROKEN)
_OF_A_BODY: Final = (Kind.NOT_JSON, Kind.MEDIA, Kind.TOO_LARGE)
_OF_A_KEY: Final = (Kind.KEY_MISSING, Kind.KEY_ODD, Kind.KEY_RUNNING, Kind.KEY_REUSED)
_BUSINESS: Final = (Kind.SLOT_TAKEN, Kind.OTHER_IN_DOUBT, Kind.NEEDS_PERSON, Kind.REJECTED)


@dataclass(frozen=True, slots=True, eq=False)
class Operation:
    """`function`: what metrics and the journal call it. `answers`: by status, which schema. `keyed`: it changes
    something, so an Idempotency-Key is needed. `in_path` names what stands in the path."""

    name: str
    method: str
    path: str
    summary: str
    scope: Scope | None
    function: str
    answers: Mapping[int, str | None]
    body: Record | None = None
    query: Record = fields.NOTHING
    in_path: str | None = None
    keyed: bool = False
    problems: tuple[Kind, ...] = field(default=())

    @property
    def every_problem(self) -> tuple[Kind, ...]:
        """All that it may be answered with."""
        if self.scope is None:
            return (*self.problems, Kind.BROKEN)
        of_body = _OF_A_BODY if self.body is not None else ()
        return (*_ALWAYS, *of_body, *(_OF_A_KEY if self.keyed else ()), *self.problems)


BOOK: Final = Operation(
    "book",
    "POST",
    "/v1/bookings",
    "Book. The same wish books once, however often and under however many keys it is asked.",
    Scope.BOOK,
    "book",
    {201: "Booking", 200: "Booking", 202: "InDoubt"},
    body=fields.BOOKING,
    keyed=True,
    problems=_BUSINESS,
)
LIST: Final = Operation(
    "list_bookings",
    "GET",
    "/v1/bookings",
    "What stands or may stand, in the order of time, page by page.",
    Scope.LIST,
    "tell_appointments",
    {200: "Bookings"},
    query=fields.LIST,
)
READ: Final = Operation(
    "read_booking",
    "GET",
    "/v1/bookings/{ref}",
    "How a booking stands, or what has become of one that was in doubt.",
    Scope.READ,
    "tell_status",
    {200: "BookingRead"},
    in_path="ref",
    problems=(Kind.NOT_FOUND,),
)
CANCEL: Final = Operation(
    "cancel_booking",
    "POST",
    "/v1/bookings/{ref}/cancel",
    "Cancel. Asked again, it is cancelled still.",
    Scope.CHANGE,
    "cancel",
    {200: "Booking", 202: "InDoubt"},
    body=fields.CANCEL,
    in_path="ref",
    keyed=True,
    problems=(Kind.NOT_FOUND, Kind.NOT_STANDING, *_BUSINESS),
)
MOVE: Final = Operation(
    "move_booking",
    "POST",
    "/v1/bookings/{ref}/move",
    "Move to another start. The booking has a new ref then.",
    Scope.CHANGE,
    "reschedule",
    {200: "Booking", 202: "InDoubt"},
    body=fields.MOVE,
    in_path="ref",
    keyed=True,
    problems=(Kind.NOT_FOUND, Kind.NOT_STANDING, *_BUSINESS),
)
AVAILABILITY: Final = Operation(
    "list_slots",
    "GET",
    "/v1/availability",
    "What is free. No promise: the calendar has the last word when it is booked.",
    Scope.AVAILABILITY,
    "check",
    {200: "Slots"},
    query=fields.AVAILABILITY,
)
HOLD: Final = Operation(
    "hold",
    "POST",
    "/v1/holds",
    "Keep a free slot for a conversation, for five minutes. Asked anew, for five more.",
    Scope.BOOK,
    "reserve",
    {201: "Hold"},
    body=fields.HOLD,
    keyed=True,
    problems=(Kind.NOT_HELD, *_BUSINESS),
)
RELEASE: Final = Operation(
    "release",
    "DELETE",
    "/v1/holds/{conversation_id}",
    "Let go of what a conversation holds. Where it holds nothing, that is so.",
    Scope.BOOK,
    "release",
    {204: None},
    query=fields.RELEASE,
    in_path="conversation_id",
    problems=(Kind.NOT_FOUND,),
)
SERVICES: Final = Operation(
    "list_services",
    "GET",
    "/v1/services",
    "What can be booked.",
    Scope.AVAILABILITY,
    "list_services",
    {200: "Services"},
)
DOCUMENT: Final = Operation(
    "read_document", "GET", "/v1/openapi.json", "This document.", None, "document", {200: "Document"}
)
PROBLEM: Final = Operation(
    "read_problem",
    "GET",
    "/v1/problems/{problem}",
    "What a problem's type means.",
    None,
    "document",
    {200: "Problem"},
    in_path="problem",
    problems=(Kind.NOT_FOUND,),
)

OPERATIONS: Final = (
    *(BOOK, LIST, READ, CANCEL, MOVE),
    *(AVAILABILITY, HOLD, RELEASE, SERVICES, DOCUMENT, PROBLEM),
)
