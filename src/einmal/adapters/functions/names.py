"""The functions that agents in the field call, by every name seen, what each one does, and how long it may take."""

from enum import Enum, auto
from typing import Final


class Does(Enum):
    COLLECT = auto()
    """Books or checks, as `bestaetigung` says."""
    BOOK = auto()
    CHECK = auto()
    ALTERNATIVES = auto()
    """What there is beside a time, or in a time: never the time itself."""
    NEXT = auto()
    PARSE_DATE = auto()
    TELL_TIME = auto()
    LIST_SERVICES = auto()
    TELL_SERVICE = auto()
    TELL_HOURS = auto()
    TELL_CONTEXT = auto()
    TELL_CUSTOMER = auto()
    TELL_APPOINTMENTS = auto()
    """Those of the caller, or the one that is named."""
    TELL_STATUS = auto()
    """What has become of what this call booked or changed."""
    CANCEL = auto()
    RESCHEDULE = auto()
    RESERVE = auto()
    RELEASE = auto()
    CALL_BACK = auto()


BOOKING: Final[dict[str, Does]] = {
    "collect_appointment": Does.COLLECT,
    "collect_appointment_data": Does.COLLECT,
    "book_appointment": Does.BOOK,
    "start_booking": Does.BOOK,
    "confirm_booking": Does.BOOK,
    "check_availability": Does.CHECK,
    "check_appointment": Does.CHECK,
}
"""What a name says, the field does not overrule: `check_*` never books."""

FUNCTIONS: Final[dict[str, Does]] = BOOKING | {
    "get_alternatives": Does.ALTERNATIVES,
    "find_next_available": Does.NEXT,
    "parse_date": Does.PARSE_DATE,
    "current_time_berlin": Does.TELL_TIME,
    "current_time": Does.TELL_TIME,
    "list_services": Does.LIST_SERVICES,
    "get_available_services": Does.LIST_SERVICES,
    "get_service_info": Does.TELL_SERVICE,
    "get_opening_hours": Does.TELL_HOURS,
    "initialize_call": Does.TELL_CONTEXT,
    "get_current_context": Does.TELL_CONTEXT,
    "check_customer": Does.TELL_CUSTOMER,
    "query_appointment": Does.TELL_APPOINTMENTS,
    "query_appointment_by_name": Does.TELL_APPOINTMENTS,
    "get_customer_appointments": Does.TELL_APPOINTMENTS,
    "booking_status": Does.TELL_STATUS,
    "cancel_appointment": Does.CANCEL,
    "reschedule_appointment": Does.RESCHEDULE,
    "reserve_slot": Does.RESERVE,
    "release_slot_reservation": Does.RELEASE,
    "request_callback": Does.CALL_BACK,
}

SECONDS: Final[dict[Does, float]] = {
    # Of the two seconds that agents wait for context,
    Does.PARSE_DATE: 1.5,
    Does.TELL_TIME: 1.5,
    Does.LIST_SERVICES: 1.5,
    Does.TELL_SERVICE: 1.5,
    Does.TELL_HOURS: 1.5,
    Does.TELL_CONTEXT: 1.5,
    # of four for the customer,
    Does.TELL_CUSTOMER: 3.0,
    # and of five for whatever asks calendar or ledger.
    Does.CHECK: 4.0,
    Does.ALTERNATIVES: 4.0,
    Does.NEXT: 4.0,
    Does.TELL_APPOINTMENTS: 4.0,
    Does.TELL_STATUS: 4.0,
    Does.RESERVE: 4.0,
    Does.RELEASE: 4.0,
    Does.CALL_BACK: 4.0,
}
"""What is not answered by then is answered with an error. What books or changes is not here: its flow keeps a budget
(EINMAL_REPLY_SECONDS) and says at its end what is true."""

BACKSTOP_SECONDS: Final = 1.0
"""So much after its own budget a booking or a change is answered even if its flow is stuck: a moment for the promise
that it may write down last (0.5 s), and still below what agents wait."""
