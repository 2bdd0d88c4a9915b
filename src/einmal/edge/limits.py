"""How often function calls may come: for a house, for one phone call, for one number, and how many at one moment.

What is too much is not begun, so the answer is true: this was not done. No honest caller meets these bounds; a model
that runs in circles does, and so does whoever has a house's key and no good in mind.
"""

from dataclasses import dataclass, field
from typing import Final

from einmal.domain.pace import Rate
from einmal.edge.guesses import Guesses
from einmal.edge.paces import Paces
from einmal.edge.replays import Replays

IN_FLIGHT_MAX: Final = 600
"""Function calls at one moment, of all houses. Beyond that nothing new is begun: a booking that must wait its turn
would be one whose caller has hung up. Fewer than the connections that `listening` keeps, for who gets none of those
hears no sentence."""

CALLS_MAX: Final = 10_000
"""Phone calls whose bookings are counted. Who is forgotten begins anew."""


@dataclass(slots=True)
class Limits:
    """Of one process."""

    houses: Paces = field(default_factory=Paces)
    calls: Paces = field(default_factory=Paces)
    numbers: Paces = field(default_factory=Paces)
    bookings: Paces = field(default_factory=Paces)
    """How often one booking may be told of by the calendar."""
    guesses: Guesses = field(default_factory=Guesses)
    replays: Replays = field(default_factory=Replays)
    in_flight: int = 0
    in_flight_max: int = IN_FLIGHT_MAX
    _booked: dict[str, set[str]] = field(default_factory=dict, init=False)

    def too_fast(self, per_minute: tuple[int, int, int], whose: tuple[str, str | None, str | None], now: float) -> bool:
        """Whether this call comes too fast for its house, its phone call or its number. A limit of 0 is none."""
        tenant_id, call_id, number = whose
        asked: list[tuple[Paces, str | None, int]] = [
            (self.calls, None if call_id is None else f"{tenant_id}/{call_id}", per_minute[1]),
            (self.numbers, None if number is None else f"{tenant_id}/{number}", per_minute[2]),
            (self.houses, tenant_id, per_minute[0]),
        ]
        # One phone call's excess is not its house's as well, so the narrowest is asked first.
        return any(paces.wait_seconds(who, Rate(most, max(1, most // 2)), now) > 0 for paces, who, most in asked if who)

    def has_booked(self, whose: str) -> frozenset[str]:
        """The wishes that this phone call has had fulfilled, or may have."""
        return frozenset(self._booked.get(whose, ()))

    def not_booked(self, whose: str, wish: str) -> None:
        self._booked.get(whose, set()).discard(wish)

    def booked(self, whose: str, wish: str) -> None:
        wishes = self._booked.pop(whose, set())
        wishes.add(wish)
        self._booked[whose] = wishes
        if len(self._booked) > CALLS_MAX:
            del self._booked[next(iter(self._booked))]
