"""From fields to a call-back: whom to call on which number, what about, and when they would like it."""

from typing import Final

from einmal.adapters.functions.call import FunctionCall
from einmal.adapters.functions.fields import UNREADABLE, Fields, collect, text_of
from einmal.adapters.functions.wish import line_of, said_number
from einmal.domain.callback import Caller
from einmal.domain.reply import Missing, Outcome, Reply
from einmal.ports import Tenant
from einmal.speech.contact import WITHHELD

NOTE_NAMES: Final = ("grund", "reason", "note", "notes", "anliegen", "message", "thema")
WANTED_NAMES: Final = ("wann", "rueckrufzeit", "rückrufzeit", "callback_time")
"""Besides whatever names a date or a time in a booking."""


def caller_of(function_call: FunctionCall, tenant: Tenant) -> Caller | Reply:
    """Who is to be called back, or the question for the number.

    A number that was said and cannot be read is asked for again: the line they call from may be another one.
    """
    fields = collect(function_call.args)
    if fields.phone is None or fields.phone.lower() in WITHHELD:
        phone = line_of(function_call, tenant)
    else:
        phone = said_number(fields.phone, function_call, tenant)
    if phone is None:
        return Reply(Outcome.NEEDS_INPUT, missing=(Missing.PHONE,))
    note = text_of(function_call.args, NOTE_NAMES)
    wanted = text_of(function_call.args, WANTED_NAMES) or _when(fields)
    return Caller(function_call.conversation_id, phone, fields.name, note, wanted)


def _when(fields: Fields) -> str | None:
    """Day and time as they were said; nobody books by them."""
    parts = [text for text in (fields.date, fields.time) if text is not None and text != UNREADABLE]
    return " ".join(parts) or None
