"""Function calls that are one too many: told so before anything of them is begun, so what is told is true.

The bounds are the settings', the counts those of this process. What the ledger holds is not asked: these must hold just
then, when everything is busy.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from einmal.adapters.functions.call import FunctionCall
from einmal.adapters.telemetry.logs import channel
from einmal.domain.facts import Refused
from einmal.domain.keys import intent_key
from einmal.domain.model import Wish
from einmal.domain.reply import Outcome, Reply, Why
from einmal.tenancies import Tenancy
from einmal.wiring import Gateway

NUMBER_DIGITS_MIN: Final = 6
"""Fewer are an extension's, which other callers share."""

_HAD: Final = frozenset({Outcome.BOOKED, Outcome.REQUESTED, Outcome.IN_DOUBT})
"""Of a wish that a phone call has had fulfilled, or may have."""


@dataclass(slots=True)
class Counting:
    """`enough`: this call has had as many as it may. What it has had is known to this process alone and forgotten with
    it, so the wish may be one of them all the same: it is looked for, and only not begun."""

    enough: bool = False
    stays: bool = True
    """What is called off half-way may have been booked."""

    def told(self, reply: Reply) -> None:
        self.stays = reply.outcome in _HAD


@dataclass(frozen=True, slots=True)
class Shedding:
    gateway: Gateway
    adapter: str

    def one_too_many(self, function_call: FunctionCall, tenancy: Tenancy, now: float) -> Reply | None:
        """What is said to a function call that is; None where it may begin, and then it counts."""
        limits, settings, tenant = self.gateway.limits, self.gateway.settings, tenancy.tenant
        if limits.in_flight >= limits.in_flight_max:
            return self.told(Reply(Outcome.ERROR, Why.TOO_FAST), tenancy, "too_busy")
        number = digits(function_call.caller_number)
        if number is not None and (len(number) < NUMBER_DIGITS_MIN or number in tenant.numbers):
            number = None  # withheld, or the house's own line, which forwards everybody's calls
        rates = (settings.house_rate_per_minute, settings.call_rate_per_minute, settings.number_rate_per_minute)
        if limits.too_fast(rates, (tenant.tenant_id, function_call.call_id, number), now):
            return self.told(Reply(Outcome.ERROR, Why.TOO_FAST), tenancy, "too_fast")
        return None

    @contextmanager
    def counted(self, function_call: FunctionCall, tenancy: Tenancy, wish: Wish) -> Iterator[Counting]:
        """Counts a wish among those of its phone call while it is being fulfilled, and afterwards if it was or may have
        been, which the reply says. Where the call has had enough it is not counted, and must not be begun."""
        limits, most, tenant = self.gateway.limits, self.gateway.settings.bookings_per_call, tenancy.tenant
        if most == 0 or function_call.call_id is None:
            yield Counting()
            return
        whose, key = f"{tenant.tenant_id}/{function_call.call_id}", intent_key(wish, tenant.hash_key).value
        had = limits.has_booked(whose)
        if key not in had and len(had) >= most:
            yield Counting(enough=True)
            return
        limits.booked(whose, key)
        counted = Counting()
        try:
            yield counted
        finally:
            if not counted.stays and key not in had:
                limits.not_booked(whose, key)

    def told(self, reply: Reply, tenancy: Tenancy, why: str) -> Reply:
        """`why`: as figures call it."""
        fields = {"tenant": tenancy.tenant.tenant_id, "why": why, "adapter": self.adapter}
        channel("http").warning("not begun, as it was one too many", extra={"fields": fields})
        self.gateway.observer.observe((Refused(self.gateway.clock.now(), self.adapter, why),))
        return reply


def digits(number: str | None) -> str | None:
    """A number as it is told apart and may be logged: digits and a plus."""
    return None if number is None else "".join(c for c in number if c.isascii() and (c.isdigit() or c == "+"))[:20]
