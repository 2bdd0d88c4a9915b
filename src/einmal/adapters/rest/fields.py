"""The fields of every request."""

from typing import Final

from einmal.adapters.rest.declared import Email, Field, Instant, Record, Text, Whole

PAGE_MAX: Final = 100
PAGE: Final = 20
DAYS_MAX: Final = 31

_PHONE: Final = Text(16, r"^\+[1-9][0-9]{6,14}$", "a number in E.164, such as +4930901820")
CONVERSATION_ID: Final = Text(200, r"^[A-Za-z0-9_.:@-]{1,200}$", "an id of letters, digits and the signs _ . : @ -")
_WHOLE: Final = Instant(whole=True)
_SERVICE: Final = Text(100, allowed="the id or the name of a service")
_START: Final = Field(
    "start", _WHOLE, "when it begins, on a whole minute", required=True, example="2026-12-01T10:00:00+01:00"
)

CONVERSATION: Final = Field(
    "conversation_id", CONVERSATION_ID, "your own id of the call or chat in which this is wished", example="chat-4711"
)
SERVICE: Final = Field("service", _SERVICE, "which service, by id or by name", required=True, example="Beratung")

CUSTOMER: Final = Record(
    (
        Field("name", Text(100, allowed="a name"), "whom it is for", required=True, example="Anna Weiß"),
        Field("phone", _PHONE, "their number; with it they are known again", example="+4930901820"),
        Field("email", Email(), "their address; with it they are known again", example="anna.weiss@salon.de"),
    )
)

_OFFERED: Final = (
    Field("service", _SERVICE, "which service, by id or by name", example="Beratung"),
    Field("start", _WHOLE, "when it begins, on a whole minute", example="2026-12-01T10:00:00+01:00"),
    Field("slot", Text(200, r"^[A-Za-z0-9_-]{1,200}$", "the name of a slot"), "a slot that was offered, for both"),
)

BOOKING: Final = Record(
    (
        *_OFFERED,
        Field("customer", CUSTOMER, "whom it is for", required=True),
        Field("staff", Text(100, allowed="a name"), "who is wished for, by id or by name"),
        CONVERSATION,
    ),
    instead="slot",
    of=("service", "start"),
)

CANCEL: Final = Record(())

MOVE: Final = Record((_START, CONVERSATION))

HOLD: Final = Record(
    (
        *_OFFERED,
        Field("conversation_id", CONVERSATION_ID, "your own id of the call or chat that holds it", required=True),
        Field("staff", Text(100, allowed="a name"), "who is wished for, by id or by name"),
    ),
    instead="slot",
    of=("service", "start"),
)

RELEASE: Final = Record((Field("start", Instant(), "only what it holds then; without it all that it holds"),))

AVAILABILITY: Final = Record(
    (
        SERVICE,
        Field("from", Instant(), "from when on; now, unless you say"),
        Field("to", Instant(), f"until when, at most {DAYS_MAX} days later; seven, unless you say"),
        Field("conversation_id", CONVERSATION_ID, "with it, what that conversation holds is free as well"),
    )
)

LIST: Final = Record(
    (
        Field("phone", _PHONE, "only this customer's", example="+4930901820"),
        Field("email", Email(), "only this customer's", example="anna.weiss@salon.de"),
        Field("conversation_id", CONVERSATION_ID, "only what was booked in this call or chat"),
        Field("from", Instant(), "only what begins then or later; now, unless you say"),
        Field("to", Instant(), "only what begins before"),
        Field("limit", Whole(1, PAGE_MAX), f"how many at once; {PAGE}, unless you say"),
        Field("cursor", Text(200, r"^[A-Za-z0-9_-]{1,200}$", "the `next` of the page before"), "where to go on"),
    )
)

NOTHING: Final = Record(())
