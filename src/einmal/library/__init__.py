"""The gateway within a program of one's own: the same flows and the same ledger, without HTTP between.

    async with einmal.Gateway.open(database_url="sqlite:///ledger.sqlite3", calcom_api_key="cal_live_...",
                                   attendee_fallback_email="termin@salon.example") as gateway:
        result = await gateway.book("Haarschnitt", start, einmal.Customer("Jürgen Groß", phone="+4930901820"))

What happens in the business is a Result, never an exception: `result.message` is the sentence to say, `result.status`
what is true. A call that is made again is answered with what is true, and books nothing twice.
"""

from einmal.domain.reply import Outcome
from einmal.library.gateway import Gateway
from einmal.library.values import Alternative, BadArgument, Booking, CannotOpen, Customer, NotOpen, Result, Service

__all__ = [
    "Alternative",
    "BadArgument",
    "Booking",
    "CannotOpen",
    "Customer",
    "Gateway",
    "NotOpen",
    "Outcome",
    "Result",
    "Service",
]
