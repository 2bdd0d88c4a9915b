"""Which tenant a call is for: by the key that signed it, and by the agent that asks or the number that was called.

With one tenant everything is its own, unless it names its agents or numbers. With several nothing is anybody's by
default: a call that names no tenant is refused, and one that names two is as well.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from einmal.adapters.calcom.passing import Passages
from einmal.adapters.calcom.transport import Transport
from einmal.configuration import TenantConfiguration
from einmal.flows.behind import Behind
from einmal.flows.book import Bookings
from einmal.flows.call_back import CallingBack
from einmal.flows.change import Changes
from einmal.flows.composite import Composites
from einmal.flows.hold import Holding
from einmal.flows.metered import Metered
from einmal.flows.offer import Offers
from einmal.flows.rule import Rulings
from einmal.flows.tell import Telling
from einmal.ports import Tenant
from einmal.speech.contact import phone_number
from einmal.speech.sentences import Voice


@dataclass(frozen=True, slots=True)
class Proxied:
    """What serves the clients of Cal.com's own API on one tenant's account."""

    bookings: Bookings
    changes: Changes
    passages: Passages
    transport: Transport
    metered: Metered


class Credential(StrEnum):
    """What a key opens. A key of one kind opens nothing else, even if it reads the same."""

    RETELL = "retell"
    VAPI = "vapi"
    ELEVENLABS = "elevenlabs"
    ELEVENLABS_WEBHOOK = "elevenlabs_webhook"


_OF_A_TENANT: Final = {
    Credential.RETELL: "retell_api_keys",
    Credential.VAPI: "vapi_secrets",
    Credential.ELEVENLABS: "elevenlabs_secrets",
    Credential.ELEVENLABS_WEBHOOK: "elevenlabs_webhook_secrets",
}
"""Where a tenant's configuration has them."""


@dataclass(frozen=True, slots=True)
class Tenancy:
    """Everything that serves one tenant."""

    tenant: Tenant
    voice: Voice
    bookings: Bookings
    composites: Composites
    offers: Offers
    holding: Holding
    calling_back: CallingBack
    changes: Changes
    telling: Telling
    rulings: Rulings
    behind: Behind
    proxied: Proxied
    configuration: TenantConfiguration


class Tenancies:
    """Those served by this process. Replaced as a whole when the configuration changes."""

    def __init__(self, tenancies: Iterable[Tenancy] = ()) -> None:
        self.behind: dict[str, Behind] = {}
        """By tenant id; the same mapping for as long as this lives."""
        self.adopt(tuple(tenancies))

    def adopt(self, tenancies: Sequence[Tenancy], configured: Sequence[TenantConfiguration] | None = None) -> None:
        """Serve these and no others.

        `configured`: all that there are, where some cannot be served now. Their calls are theirs all the same: to serve
        them as those of whoever is left would book in another house's calendar.
        """
        every = [one.configuration for one in tenancies] if configured is None else configured
        self._served = {one.tenant.tenant_id: one for one in tenancies}
        self._configured = {one.tenant_id: one for one in every}
        self._of_agent = {agent: one.tenant_id for one in every for agent in one.agents}
        self._of_number = {number: one.tenant_id for one in every for number in one.numbers}
        self._of_key: dict[Credential, dict[str, set[str]]] = {credential: {} for credential in Credential}
        for one in every:
            for credential, field in _OF_A_TENANT.items():
                for key in getattr(one, field):
                    self._of_key[credential].setdefault(key.reveal(), set()).add(one.tenant_id)
        self._of_calendar_key: dict[bytes, list[Tenancy]] = {}
        for tenancy in tenancies:
            if (own := tenancy.configuration.calcom_api_key) is not None:
                hashed = hashlib.sha256(own.reveal().encode()).digest()
                self._of_calendar_key.setdefault(hashed, []).append(tenancy)
        self.keys = self.keys_of(Credential.RETELL)
        self.api_keys = tuple((one.tenant_id, key) for one in every for key in one.api_keys)
        """Of the houses' own programs, each with whose it is."""
        for gone in set(self.behind) - set(self._served):
            del self.behind[gone]
        self.behind.update({tenant_id: one.behind for tenant_id, one in self._served.items()})

    def __len__(self) -> int:
        return len(self._served)

    def keys_of(self, credential: Credential) -> tuple[str, ...]:
        """All keys of this kind, of whomever."""
        return tuple(self._of_key[credential])

    @property
    def keyless(self) -> bool:
        """Whether nobody has a key of any kind: a trial."""
        return not any(self._of_key.values()) and not self.api_keys

    @property
    def all(self) -> tuple[Tenancy, ...]:
        return tuple(self._served.values())

    @property
    def sole(self) -> Tenancy:
        """The only one. Raises LookupError where there are several."""
        if len(self._served) != 1:
            raise LookupError(f"{len(self._served)} tenants are served; say which")
        return next(iter(self._served.values()))

    def get(self, tenant_id: str) -> Tenancy | None:
        return self._served.get(tenant_id)

    def of_calendar_key(self, key: str) -> Tenancy | None:
        """Whose Cal.com key this is; None for nobody's, or where several share it."""
        found = self.sharing_calendar_key(key)
        return found[0] if len(found) == 1 else None

    def sharing_calendar_key(self, key: str) -> Sequence[Tenancy]:
        """All whose Cal.com key this is. Found by its hash: how long that takes tells nothing of any key."""
        return self._of_calendar_key.get(hashlib.sha256(key.encode()).digest(), ())

    def called(
        self, agent_id: str | None, number: str | None, key: str | None, credential: Credential = Credential.RETELL
    ) -> Tenancy | None:
        """Whose call it is, or None: nobody's, or more than one's.

        `number`: the house's end of the line, as the platform has it. `key`: the one that the request came with, of
        that kind; None where none had to.
        """
        named = self._named(agent_id, number)
        owners = set(self._configured) if key is None else self._of_key[credential].get(key, set())
        if named:
            mine = named & owners
            return self._served.get(mine.pop()) if len(named) == len(mine) == 1 else None
        # Nothing told whose it is but the credential. It does for whoever alone has it.
        if len(owners) != 1:
            return None
        (tenant_id,) = owners
        listed = self._configured[tenant_id]
        foreign = (agent_id is not None and listed.agents) or (number is not None and listed.numbers)
        return None if foreign else self._served.get(tenant_id)

    def _named(self, agent_id: str | None, number: str | None) -> set[str]:
        """The tenants that list this agent or this number."""
        found = {None if agent_id is None else self._of_agent.get(agent_id), self._by_number(number)}
        return {tenant_id for tenant_id in found if tenant_id is not None}

    def _by_number(self, number: str | None) -> str | None:
        if number is None or not self._of_number:
            return None
        return self._of_number.get(number) or self._of_number.get(phone_number(number, "DE") or "")
