"""The house's rules for one wish: what admission must know of it that the ledger's rows do not tell."""

from dataclasses import dataclass, field, replace

from einmal.domain.admission import AdmissionPolicy
from einmal.domain.hold import resources_of
from einmal.domain.keys import phone_hash
from einmal.domain.model import Wish
from einmal.ports import Clock, CommitUnknown, LedgerUnavailable, Tenant
from einmal.ports.appointments import Appointments


@dataclass(frozen=True, slots=True)
class HouseRules:
    tenant: Tenant
    clock: Clock
    appointments: Appointments | None = None
    """None where nobody's appointments are counted."""
    admission: AdmissionPolicy = field(default_factory=AdmissionPolicy)

    async def policy(self, wish: Wish, *, one_more: bool, line_known: bool) -> AdmissionPolicy:
        """`one_more`: whatever else this person has that day is meant to stand beside it. `line_known`: the wish's
        phone is the line that it came from."""
        return replace(
            self.admission,
            offered=self.tenant.offers(wish.service, wish.start, self.clock.now()),
            day=None if one_more else self.tenant.day_of(wish.start),
            line_known=line_known,
            too_many=line_known and await self._has_enough(wish),
            resources=resources_of(wish.service, self.tenant.house.staff),
        )

    def of_a_move(self, wish: Wish, leaving: str) -> AdmissionPolicy:
        """Of an appointment that is moved to this wish, away from the intent `leaving`."""
        return replace(
            self.admission,
            offered=self.tenant.offers(wish.service, wish.start, self.clock.now()),
            resources=resources_of(wish.service, self.tenant.house.staff),
            leaving=leaving,
        )

    async def _has_enough(self, wish: Wish) -> bool:
        most, phone = self.tenant.house.policies.appointments_max, wish.person.phone
        if most is None or phone is None or self.appointments is None:
            return False
        known_by = phone_hash(phone, self.tenant.hash_key)
        try:
            now = self.clock.now()
            return len(await self.appointments.of_line(self.tenant.tenant_id, known_by, now, most)) >= most
        except (LedgerUnavailable, CommitUnknown):
            return False  # nothing is booked without the ledger, and that says why
