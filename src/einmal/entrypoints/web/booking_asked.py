"""The form's wish goes through the ordinary flow, and what was said of it goes where evidence and metrics find it."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from einmal.adapters.telemetry.logs import channel
from einmal.domain.facts import Served
from einmal.domain.model import Wish
from einmal.domain.reply import Outcome, Reply, Why
from einmal.entrypoints.web.words import Words
from einmal.ports.journal import FunctionCalled
from einmal.speech.sentences import Voice
from einmal.tenancies import Tenancy
from einmal.wiring import Gateway

ADAPTER: Final = "form"

_WORDED: Final = {
    (Outcome.ERROR, Why.UNREACHABLE): "book_unreachable",
    (Outcome.ERROR, Why.TOO_BUSY): "book_unreachable",
    (Outcome.ERROR, Why.NOTHING_NEW): "book_nothing_new",
    (Outcome.ERROR, Why.PLAIN): "book_nothing_new",
    (Outcome.SLOT_TAKEN, Why.PLAIN): "book_taken",
    (Outcome.IN_DOUBT, Why.OTHER_IN_DOUBT): "book_other_in_doubt",
}
"""What is made for the ear and cannot be read so: nobody calls again here, and what else is free are buttons."""


async def ask(gateway: Gateway, tenancy: Tenancy, wish: Wish, voice: Voice) -> Reply:
    """Book the wish, in the conversation that it names; what is true of it, whatever broke."""
    began = gateway.clock.monotonic()
    books = tenancy.composites if wish.service.segments else tenancy.bookings
    try:
        reply = await books.book(wish, None, one_more=True, line_known=False)
    except Exception:  # noqa: BLE001 - whoever waits is told what is true, whatever broke
        error_id = gateway.ids.time_ordered()
        channel("http").exception("booking form failed", extra={"fields": {"error_id": error_id}})
        reply = Reply(Outcome.ERROR, Why.NOTHING_NEW, asked_start=wish.start, error_id=error_id)
    now, seconds, outcome = gateway.clock.now(), gateway.clock.monotonic() - began, reply.outcome.value
    gateway.observer.observe((Served(now, ADAPTER, "book", outcome, seconds, wish.conversation_id),))
    gateway.journal.note(
        FunctionCalled(
            served_id=gateway.ids.time_ordered(),
            tenant_id=wish.tenant_id,
            conversation_id=wish.conversation_id,
            at=now,
            adapter=ADAPTER,
            function="book",
            outcome=outcome,
            heard=sentence(voice, reply, now),
            elapsed=timedelta(seconds=seconds),
            error_id=reply.error_id,
        )
    )
    return reply


def sentence(voice: Voice, reply: Reply, now: datetime) -> str:
    """What the page says of it: as on the phone, but for what only an ear can use."""
    word = _WORDED.get((reply.outcome, reply.why))
    if word is not None:
        return Words(voice.language)(word)
    # What else is free follows as buttons.
    return voice.sentence(replace(reply, alternatives=()), now)
