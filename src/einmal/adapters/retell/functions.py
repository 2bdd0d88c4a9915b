"""The functions that agents in the field call, by every name seen, and what each one does."""

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
    NOT_YET = auto()
    """Known, and not to be had here so far: it is answered with a sentence."""


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
    **dict.fromkeys(
        (
            *("query_appointment", "query_appointment_by_name", "get_customer_appointments"),
            *("cancel_appointment", "reschedule_appointment", "booking_status"),
            *("reserve_slot", "release_slot_reservation", "request_callback"),
        ),
        Does.NOT_YET,
    ),
}
