"""A search for free slots: what somebody asks before they wish for one of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from einmal.domain.model import Offer, Service, instant

OFFERS_MAX: Final = 3
"""As many as a listener keeps in mind."""


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks what is free: what they hold is free to them, and what they have is not offered again.

    `line`: the caller's own, as the platform has it. A number that was only said would tell a stranger when somebody
    has an appointment.
    """

    conversation_id: str | None = None
    line: str | None = None

    def __repr__(self) -> str:
        return f"Asker({self.conversation_id!r})"  # never the number


@dataclass(frozen=True, slots=True)
class Search:
    """Slots of a service that begin within [begin, end).

    `near`: the moment that was wished, where one was. `earliest`: the first ones are wanted, not some of all.
    """

    service: Service
    begin: datetime
    end: datetime
    near: datetime | None = None
    earliest: bool = False
    asker: Asker = Asker()

    def __post_init__(self) -> None:
        for name in ("begin", "end", "near"):
            value: datetime | None = getattr(self, name)
            if value is not None:
                object.__setattr__(self, name, instant(value))
        if self.end <= self.begin:
            raise ValueError("a search ends after it begins")

    def chosen(self, offers: Sequence[Offer]) -> tuple[Offer, ...]:
        """What is offered of all that is free, in the order of time."""
        if self.near is not None:
            return nearest(self.near, offers, OFFERS_MAX)
        return tuple(offers[:OFFERS_MAX]) if self.earliest else spread(offers)


def nearest(near: datetime, offers: Sequence[Offer], most: int) -> tuple[Offer, ...]:
    """The offers nearest to a moment, in the order of time; one at that very moment is not among them."""
    others = [offer for offer in offers if offer.start != near]
    others.sort(key=lambda offer: (abs(offer.start - near), offer.start))
    return tuple(sorted(others[:most], key=lambda offer: offer.start))


def spread(offers: Sequence[Offer], most: int = OFFERS_MAX) -> tuple[Offer, ...]:
    """Early, in the middle, late: what tells somebody most of a morning or a day. `offers` are in the order of time."""
    if len(offers) <= most:
        return tuple(offers)
    last = len(offers) - 1
    return tuple(offers[round(number * last / (most - 1))] for number in range(most))
