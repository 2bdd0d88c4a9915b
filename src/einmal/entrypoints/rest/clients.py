"""Which program asks, what it may do, and how often."""

import hmac
from dataclasses import dataclass, field
from math import ceil
from typing import Final

from starlette.requests import Request

from einmal.adapters.rest.problems import Kind, Problem
from einmal.domain.scope import Scope
from einmal.entrypoints.http.door import from_this_machine, header, visitor_of
from einmal.entrypoints.http.secret_check import bearer
from einmal.tenancies import Tenancy
from einmal.wiring import Gateway

BURST_SECONDS: Final = 10.0
"""What a program may use up at once, of what it may in a minute. The calendar's own budget is the same for all."""

_CHALLENGE: Final = {"WWW-Authenticate": "Bearer"}


@dataclass(frozen=True, slots=True)
class Client:
    """`name` is the program's, in its house."""

    tenancy: Tenancy
    name: str
    scopes: frozenset[Scope]


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at: float


@dataclass(slots=True)
class Pace:
    """A token bucket for each program, in this process. Times are monotonic, in seconds."""

    _buckets: dict[tuple[str, str], _Bucket] = field(default_factory=dict, init=False)

    def wait_seconds(self, who: tuple[str, str], per_minute: int, now: float) -> float:
        """How long until it may be asked again; 0 where it may now, and then it counts."""
        if per_minute == 0:
            return 0.0
        most, a_second = max(1.0, per_minute * BURST_SECONDS / 60), per_minute / 60
        bucket = self._buckets.setdefault(who, _Bucket(most, now))
        bucket.tokens = min(most, bucket.tokens + max(0.0, now - bucket.at) * a_second)
        bucket.at = now
        if bucket.tokens < 1:
            return (1 - bucket.tokens) / a_second
        bucket.tokens -= 1
        return 0.0


@dataclass(frozen=True, slots=True)
class Clients:
    gateway: Gateway
    pace: Pace = field(default_factory=Pace)

    def admit(self, request: Request, scope: Scope) -> Client:
        """Whoever has a key with this scope, within its rate. Raises Problem."""
        client = self._client(request)
        if scope not in client.scopes:
            held = ", ".join(sorted(client.scopes))
            raise Problem(Kind.SCOPE, f"this needs the scope {scope}; your key has {held}")
        who = (client.tenancy.tenant.tenant_id, client.name)
        rate = self.gateway.settings.api_rate_per_minute
        wait = self.pace.wait_seconds(who, rate, self.gateway.clock.monotonic())
        if wait:
            told = f"{rate} requests a minute are allowed, a sixth of them at once"
            raise Problem(Kind.TOO_MANY, told, headers={"Retry-After": str(ceil(wait))})
        return client

    def _client(self, request: Request) -> Client:
        tenancies, given = self.gateway.tenancies, bearer(header(request.scope, b"authorization"))
        if not tenancies.api_keys:
            return self._trial(request)
        if given is None:
            raise Problem(Kind.NO_KEY, headers=_CHALLENGE)
        guesses, who, now = self.gateway.limits.guesses, visitor_of(request.scope), self.gateway.clock.monotonic()
        wait = guesses.wait_seconds(who, now)
        if wait > 0:
            told = "too many wrong keys came from there"
            raise Problem(Kind.TOO_MANY, told, headers={"Retry-After": str(ceil(wait))})
        # Every key is compared, whatever the first says: the time taken tells nothing.
        sent = given.encode("latin-1", "replace")
        same = [
            (tenant_id, one)
            for tenant_id, one in tenancies.api_keys
            if hmac.compare_digest(sent, one.key.reveal().encode())
        ]
        if not same:
            guesses.begin(who, now)
            raise Problem(Kind.WRONG_KEY, headers=_CHALLENGE)
        guesses.right(who, now)
        tenant_id, key = same[0]
        tenancy = tenancies.get(tenant_id)
        if tenancy is None:
            raise Problem(Kind.UNAVAILABLE, "this house cannot be served just now", headers={"Retry-After": "30"})
        return Client(tenancy, key.name, key.scopes)

    def _trial(self, request: Request) -> Client:
        """Without any key of any platform, whoever is on this machine."""
        tenancies = self.gateway.tenancies
        trial = tenancies.keyless and self.gateway.settings.loopback and from_this_machine(request.scope)
        if not trial or len(tenancies) != 1:
            told = "no key is set here: give each of your programs one, by EINMAL_API_KEYS or [[tenants.api_keys]]"
            raise Problem(Kind.NO_KEY, told, headers=_CHALLENGE)
        return Client(tenancies.sole, "trial", frozenset(Scope))
