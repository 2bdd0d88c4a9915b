"""Which tenant a call is for: by the key that signed it, and by the agent that asks or the number that was called.

With one tenant everything is its own, unless it names its agents or numbers. With several nothing is anybody's by
default: a call that names no tenant is refused, and one that names two is as well.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from einmal.configuration import TenantConfiguration
from einmal.flows.behind import Behind
from einmal.flows.book import Bookings
from einmal.flows.offer import Offers
from einmal.flows.rule import Rulings
from einmal.ports import Tenant
from einmal.speech.contact import phone_number
from einmal.speech.sentences import Voice


@dataclass(frozen=True, slots=True)
class Tenancy:
    """Everything that serves one tenant."""

    tenant: Tenant
    voice: Voice
    bookings: Bookings
    offers: Offers
    rulings: Rulings
    behind: Behind
    configuration: TenantConfiguration

    @property
    def retell_keys(self) -> tuple[str, ...]:
        return tuple(key.reveal() for key in self.configuration.retell_api_keys)


class Tenancies:
    """Those served by this process. Replaced as a whole when the configuration changes."""

    def __init__(self, tenancies: Iterable[Tenancy] = ()) -> None:
        self.behind: dict[str, Behind] = {}
        """By tenant id; the same mapping for as long as this lives."""
        self._by_id: dict[str, Tenancy] = {}
        self._by_agent: dict[str, Tenancy] = {}
        self._by_number: dict[str, Tenancy] = {}
        self._of_key: dict[str, set[str]] = {}
        self.adopt(tenancies)

    def adopt(self, tenancies: Iterable[Tenancy]) -> None:
        """Serve these and no others."""
        by_id = {one.tenant.tenant_id: one for one in tenancies}
        self._by_id = by_id
        self._by_agent = {agent: one for one in by_id.values() for agent in one.configuration.agents}
        self._by_number = {number: one for one in by_id.values() for number in one.configuration.numbers}
        self._of_key = {}
        for tenant_id, one in by_id.items():
            for key in one.retell_keys:
                self._of_key.setdefault(key, set()).add(tenant_id)
        self.keys = tuple(self._of_key)
        for gone in set(self.behind) - set(by_id):
            del self.behind[gone]
        self.behind.update({tenant_id: one.behind for tenant_id, one in by_id.items()})

    def __len__(self) -> int:
        return len(self._by_id)

    @property
    def all(self) -> tuple[Tenancy, ...]:
        return tuple(self._by_id.values())

    @property
    def sole(self) -> Tenancy:
        """The only one. Raises LookupError where there are several."""
        if len(self._by_id) != 1:
            raise LookupError(f"{len(self._by_id)} tenants are served; say which")
        return next(iter(self._by_id.values()))

    def get(self, tenant_id: str) -> Tenancy | None:
        return self._by_id.get(tenant_id)

    def called(self, agent_id: str | None, number: str | None, key: str | None) -> Tenancy | None:
        """Whose call it is, or None: nobody's, or more than one's.

        `number`: the house's end of the line, as the platform has it. `key`: the one that signed the request; None
        where none had to.
        """
        named = self._named(agent_id, number)
        signed = None if key is None else self._of_key.get(key, set())
        if len(named) > 1:
            return None
        if named:
            one = named[0]
            return one if signed is None or one.tenant.tenant_id in signed else None
        owners = [self._by_id[tenant_id] for tenant_id in signed] if signed is not None else list(self._by_id.values())
        # Nothing told whose it is but the credential. It does for whoever alone has it.
        if len(owners) != 1:
            return None
        one = owners[0]
        listed = one.configuration
        foreign = (agent_id is not None and listed.agents) or (number is not None and listed.numbers)
        return None if foreign else one

    def _named(self, agent_id: str | None, number: str | None) -> list[Tenancy]:
        """The tenants that list this agent or this number, each once."""
        found: Mapping[str, Tenancy] = {
            one.tenant.tenant_id: one for one in (self._of_agent(agent_id), self._of_number(number)) if one is not None
        }
        return list(found.values())

    def _of_agent(self, agent_id: str | None) -> Tenancy | None:
        return None if agent_id is None else self._by_agent.get(agent_id)

    def _of_number(self, number: str | None) -> Tenancy | None:
        if number is None or not self._by_number:
            return None
        return self._by_number.get(number) or self._by_number.get(phone_number(number, "DE") or "")
