"""What is said of a wish that was not begun: the slot is another's, or the house or the caller stands against it."""

from dataclasses import replace

from einmal.domain.admission import Has, Held, HungUp, Namesake, NotOffered, Refusal, TooMany, Undone
from einmal.domain.model import Wish
from einmal.domain.reply import Missing, Outcome, Reply, Why
from einmal.flows.offer import Offers
from einmal.ports import Ledger


async def refusal(refused: Namesake | Refusal, wish: Wish, offers: Offers, ledger: Ledger) -> Reply:
    """Nobody has booked it, and nobody does now. Raises LedgerUnavailable or CommitUnknown."""
    no = Reply(Outcome.REJECTED, asked_start=wish.start)
    match refused:
        case Namesake():
            return replace(no, outcome=Outcome.SLOT_TAKEN, alternatives=await offers.alternatives(wish))
        case Held():
            return replace(no, outcome=Outcome.UNAVAILABLE, alternatives=await offers.alternatives(wish))
        case NotOffered():
            return replace(no, why=Why.NOT_OFFERED, alternatives=await offers.alternatives(wish))
        case Undone():
            return replace(no, outcome=Outcome.NEEDS_INPUT, missing=(Missing.AGAIN,))
        case HungUp() | TooMany():
            return replace(no, why=Why.HUNG_UP if isinstance(refused, HungUp) else Why.TOO_MANY)
        case Has(intent):
            stored = await ledger.stored(intent.intent_id)
            slot = None if stored is None else stored.booking
            return replace(no, outcome=Outcome.NEEDS_INPUT, booking=slot, missing=(Missing.DECISION,))
