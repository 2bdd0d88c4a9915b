"""The gate before the calendar: one rate budget and one circuit breaker for each account.

Cal.com counts 120 requests a minute for a key, whoever sends them, and blocks the key for a minute beyond
that. So everything that goes out passes here first, and what matters most may use the budget to its end:
a booking somebody waits for, then the look-up of a doubt, then what is recovered, then offers, then the rest.

A calendar that fails is left alone for a while. Only silence and 5xx count: a 4xx is an answer. Whether it is
well again is found out by one harmless read, never by a POST, whose loss would be somebody's doubt.

Pure: the state goes in and comes out, and the ledger keeps it, so that every process shares one budget and a
restart does not forget what was spent.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final


class Use(StrEnum):
    """What the request is for."""

    BOOK = "book"
    LOOK = "look"
    RECOVER = "recover"
    """What was promised and nobody waits for on the phone: doubts, tombstones, what must be taken back."""
    RELAY = "relay"
    """What a client of Cal.com's own API sends through us with this key."""
    OFFER = "offer"
    BACKGROUND = "background"


KEPT_BACK: Final[dict[Use, float]] = {
    Use.BOOK: 0.0,
    Use.LOOK: 0.1,
    Use.RECOVER: 0.2,
    Use.RELAY: 0.2,
    Use.OFFER: 0.3,
    Use.BACKGROUND: 0.5,
}
"""The part of the bucket that each use leaves to those before it."""

BURST: Final = 1 / 3
"""The bucket's size as a part of a minute's budget. The rest refills it over the minute, so that in any 60
seconds, wherever the calendar begins to count them, no more than the budget goes out."""


@dataclass(frozen=True, slots=True)
class GatePolicy:
    """`per_minute`: requests allowed, 0 for no limit. `failures_max` in a row open the breaker for `open_for`."""

    per_minute: int = 120
    failures_max: int = 5
    open_for: timedelta = timedelta(seconds=30)
    probe_for: timedelta = timedelta(seconds=5)
    blocked_for: timedelta = timedelta(seconds=60)
    """How long the calendar refuses everything once it has throttled us."""

    @property
    def bucket(self) -> float:
        return max(1.0, self.per_minute * BURST)

    @property
    def refill_per_second(self) -> float:
        return (self.per_minute - self.bucket) / 60 if self.per_minute > 1 else 1 / 60


@dataclass(frozen=True, slots=True)
class Gate:
    """What is known of an account at `at`. `tokens` None: never asked yet, the bucket is full."""

    at: datetime
    tokens: float | None = None
    writes_failed: int = 0
    reads_failed: int = 0
    open_until: datetime | None = None
    probing_until: datetime | None = None
    blocked_until: datetime | None = None

    @property
    def healthy(self) -> bool:
        """Nothing to remember but the budget: a success changes nothing."""
        return not (self.writes_failed or self.reads_failed or self.open_until or self.blocked_until)

    def left(self, now: datetime, policy: GatePolicy) -> float:
        """How much of the bucket there is, from 0 to 1; 1 where nothing is counted."""
        if not policy.per_minute:
            return 1.0
        refilled = _refilled(self, now, policy)
        return 1.0 if refilled.tokens is None else refilled.tokens / policy.bucket

    def is_open(self, now: datetime, policy: GatePolicy) -> bool:
        """Whether the calendar is left alone now."""
        return self.open_until is not None and _stays_open(self, now, policy)


class ShutWhy(StrEnum):
    BUDGET = "budget"
    """The minute's budget is spent, or the calendar said so itself."""
    OPEN = "breaker_open"
    HALF_OPEN = "breaker_half_open"
    """Due to be tried again, and no harmless read has come back yet."""


@dataclass(frozen=True, slots=True)
class Passed:
    """Ask. `probe`: everybody else waits for what comes of it."""

    probe: bool = False


@dataclass(frozen=True, slots=True)
class Shut:
    """Do not ask, before `until` at the earliest."""

    why: ShutWhy
    until: datetime


CLOCKS_DIFFER: Final = 60.0
"""Seconds by which the clocks of two processes may differ; more is a clock that was set back."""

HALF_OPEN_PAUSE: Final = timedelta(milliseconds=250)


def enter(gate: Gate, use: Use, now: datetime, policy: GatePolicy) -> tuple[Gate, Passed | Shut]:
    """Whether this use may ask now, and the gate after it."""
    gate = _refilled(gate, now, policy)
    broken = _broken(gate, use, now, policy)
    if broken is not None:
        return gate, broken
    if gate.blocked_until is not None and now < gate.blocked_until <= now + policy.blocked_for:
        return gate, Shut(ShutWhy.BUDGET, gate.blocked_until)
    tokens = policy.bucket if gate.tokens is None else gate.tokens
    needed = min(1 + KEPT_BACK[use] * policy.bucket, policy.bucket)
    if policy.per_minute and tokens < needed:
        return gate, Shut(ShutWhy.BUDGET, now + timedelta(seconds=(needed - tokens) / policy.refill_per_second))
    probe = gate.open_until is not None
    probing_until = now + policy.probe_for if probe else None
    return replace(gate, tokens=tokens - 1, probing_until=probing_until, blocked_until=None), Passed(probe)


def spent(gate: Gate, requests: int, now: datetime, policy: GatePolicy) -> Gate:
    """The gate after requests that were sent without asking it, whatever was left."""
    gate = _refilled(gate, now, policy)
    tokens = policy.bucket if gate.tokens is None else gate.tokens
    return replace(gate, tokens=max(0.0, tokens - requests))


def without_breaker(gate: Gate) -> Gate:
    """For who asks at their own risk: only the budget is between them and the calendar."""
    return replace(gate, open_until=None, probing_until=None)


def _refilled(gate: Gate, now: datetime, policy: GatePolicy) -> Gate:
    if gate.tokens is None:
        return replace(gate, at=now)
    passed = (now - gate.at).total_seconds()
    if -CLOCKS_DIFFER <= passed < 0:
        # Another process's clock is behind. Setting `at` back would refill this span once more.
        return gate
    # A clock that was set back refills nothing; one that was set forward fills the bucket and no more.
    passed = max(0.0, passed)
    return replace(gate, at=now, tokens=min(policy.bucket, max(0.0, gate.tokens) + passed * policy.refill_per_second))


def _broken(gate: Gate, use: Use, now: datetime, policy: GatePolicy) -> Shut | None:
    if gate.open_until is None:
        return None
    if _stays_open(gate, now, policy):
        return Shut(ShutWhy.OPEN, gate.open_until)
    probing = gate.probing_until is not None and now < gate.probing_until <= now + policy.probe_for
    return Shut(ShutWhy.HALF_OPEN, now + HALF_OPEN_PAUSE) if probing or use is Use.BOOK else None


def _stays_open(gate: Gate, now: datetime, policy: GatePolicy) -> bool:
    # An end further away than the breaker ever stays open was written by a clock that has been set back.
    return gate.open_until is not None and now < gate.open_until <= now + policy.open_for


class Heard(StrEnum):
    """How the calendar took a request, as far as the gate is concerned."""

    WELL = "well"
    FAILED = "failed"
    """No answer, or a 5xx."""
    THROTTLED = "throttled"


def heard(gate: Gate, use: Use, how: Heard, now: datetime, policy: GatePolicy) -> Gate:
    """The gate after an answer, or after waiting for one in vain."""
    match how:
        case Heard.THROTTLED:
            # Somebody else spends from the same key, or the limit is lower than we think.
            return replace(gate, tokens=0.0, at=now, blocked_until=now + policy.blocked_for, probing_until=None)
        case Heard.FAILED:
            return _failed(gate, use, now, policy)
        case Heard.WELL:
            return _well(gate, use, now, policy)


def _failed(gate: Gate, use: Use, now: datetime, policy: GatePolicy) -> Gate:
    if use is Use.BOOK:
        gate = replace(gate, writes_failed=gate.writes_failed + 1)
    else:
        gate = replace(gate, reads_failed=gate.reads_failed + 1)
    if _stays_open(gate, now, policy):
        return gate  # it was on its way when the breaker opened
    probe_failed = gate.open_until is not None
    if probe_failed or max(gate.writes_failed, gate.reads_failed) >= policy.failures_max:
        return replace(gate, open_until=now + policy.open_for, probing_until=None)
    return gate


def _well(gate: Gate, use: Use, now: datetime, policy: GatePolicy) -> Gate:
    if _stays_open(gate, now, policy):
        return gate
    if use is Use.BOOK:
        return replace(gate, writes_failed=0)
    # Reads that work say nothing of writes: one more that fails opens the breaker again at once.
    closed = replace(gate, reads_failed=0, open_until=None, probing_until=None)
    return replace(closed, writes_failed=max(0, gate.writes_failed - 1)) if gate.open_until is not None else closed
