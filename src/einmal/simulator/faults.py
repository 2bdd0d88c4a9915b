"""Fault plans: which requests and which webhooks go wrong, how, and how often.

A plan is a list of rules and a seed. Each rule counts the requests it could befall and draws from a random
stream of its own, so the same plan does the same to the same requests in the same order, and a rule that is
added to a plan does not change what the others do. Reading a plan from TOML either gives a plan or a
`PlanMistake` that names the rule, what was wrong with it and what is allowed.
"""

import math
import random
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TypeVar

_E = TypeVar("_E", bound=Enum)


class Operation(Enum):
    """What a request asks for; requests for anything else are never disturbed."""

    CREATE = "create"
    LIST = "list"
    GET = "get"
    CANCEL = "cancel"
    RESCHEDULE = "reschedule"
    CONFIRM = "confirm"
    DECLINE = "decline"
    SLOTS = "slots"
    RESERVE = "reserve"
    WEBHOOK = "webhook"  # not asked but told: one webhook, to one receiver


class Fault(Enum):
    """Everything that can go wrong, spelled as in a plan."""

    LOST_REQUEST = "lost_request"  # never arrives; the connection dies
    LOST_ANSWER = "lost_answer"  # done, but the connection dies before the answer
    REFUSED_CONNECTION = "refused_connection"  # there is no connection; nothing leaves the client
    ERROR_BEFORE_COMMIT = "error_before_commit"  # a 5xx, and nothing was done: looks like the next one
    ERROR_AFTER_COMMIT = "error_after_commit"  # a 5xx, and it was done
    LATE_COMMIT = "late_commit"  # lost or a 5xx now, done later
    REPLICA_LAG = "replica_lag"  # reads are behind; a create cannot read its own row and answers 500
    CONFLICT_409 = "conflict_409"  # the unique key refuses, in a development build's words
    CONFLICT_400 = "conflict_400"  # the unique key refuses, in a production build's words
    CONCURRENT_DUPLICATE = "concurrent_duplicate"  # the checks do not see what was just written
    CONCURRENT_CHANGE = "concurrent_change"  # a change does not see what another has just written
    MISSING_METADATA = "missing_metadata"  # the answer does not say whose booking it is
    FOREIGN_BOOKING = "foreign_booking"  # 201 with somebody else's booking, and nothing written
    THROTTLED = "throttled"  # 429
    SLOW_ANSWER = "slow_answer"  # done at once, said late
    SLOW_BODY = "slow_body"  # the head at once, the body late
    SKEWED_DATE = "skewed_date"  # another clock in the Date header
    MISSING_DATE = "missing_date"  # no Date header
    LOST_WEBHOOK = "lost_webhook"  # never sent, and nobody says so
    DOUBLED_WEBHOOK = "doubled_webhook"  # sent twice, byte for byte
    LATE_WEBHOOK = "late_webhook"  # sent later, and so behind others; what caused it does not wait


_EVERYTHING = frozenset(Operation)
_REQUESTS = _EVERYTHING - {Operation.WEBHOOK}
_CHANGES = _REQUESTS - {Operation.LIST, Operation.GET, Operation.SLOTS}
_CREATE, _WEBHOOK = frozenset({Operation.CREATE}), frozenset({Operation.WEBHOOK})
_OF_A_BOOKING = frozenset({Operation.CANCEL, Operation.RESCHEDULE, Operation.CONFIRM, Operation.DECLINE})
_OPERATIONS: Mapping[Fault, frozenset[Operation]] = {
    Fault.LOST_REQUEST: _REQUESTS,
    Fault.LOST_ANSWER: _REQUESTS,
    Fault.REFUSED_CONNECTION: _REQUESTS,
    Fault.ERROR_BEFORE_COMMIT: _REQUESTS,
    Fault.ERROR_AFTER_COMMIT: _CHANGES,
    Fault.LATE_COMMIT: _CHANGES,
    Fault.REPLICA_LAG: frozenset({Operation.CREATE, Operation.LIST, Operation.GET}),
    Fault.CONFLICT_409: _CREATE,
    Fault.CONFLICT_400: _CREATE,
    Fault.CONCURRENT_DUPLICATE: frozenset({Operation.CREATE, Operation.RESERVE}),
    Fault.CONCURRENT_CHANGE: _OF_A_BOOKING,
    Fault.MISSING_METADATA: frozenset({Operation.CREATE, Operation.RESCHEDULE, Operation.GET}),
    Fault.FOREIGN_BOOKING: frozenset({Operation.CREATE, Operation.RESCHEDULE}),
    Fault.THROTTLED: _REQUESTS,
    Fault.SLOW_ANSWER: _REQUESTS,
    Fault.SLOW_BODY: _REQUESTS,
    Fault.SKEWED_DATE: _REQUESTS,
    Fault.MISSING_DATE: _REQUESTS,
    Fault.LOST_WEBHOOK: _WEBHOOK,
    Fault.DOUBLED_WEBHOOK: _WEBHOOK,
    Fault.LATE_WEBHOOK: _WEBHOOK,
}
"""What each fault can befall."""

_PARAMETERS: Mapping[Fault, Mapping[str, float]] = {
    Fault.LOST_REQUEST: {"delay_seconds": 0.0},
    Fault.LOST_ANSWER: {"delay_seconds": 0.0},
    Fault.REFUSED_CONNECTION: {"delay_seconds": 0.0},
    Fault.ERROR_BEFORE_COMMIT: {"status": 502, "delay_seconds": 0.0},
    Fault.ERROR_AFTER_COMMIT: {"status": 500, "delay_seconds": 0.0},
    # Status 0 is no answer at all.
    Fault.LATE_COMMIT: {"commit_after_seconds": 30.0, "status": 0, "delay_seconds": 0.0},
    Fault.REPLICA_LAG: {"lag_seconds": 5.0},
    # Recorded: up to 400 ms between the two on unconfirmed event types, up to 800 ms on round robin.
    Fault.CONCURRENT_DUPLICATE: {"window_seconds": 1.0},
    # Recorded: changes that began within 2 ms of each other and took half a second to one and a third.
    Fault.CONCURRENT_CHANGE: {"window_seconds": 1.0},
    Fault.THROTTLED: {"reset_seconds": 60},
    Fault.SLOW_ANSWER: {"delay_seconds": 5.0},
    Fault.SLOW_BODY: {"body_delay_seconds": 5.0},
    Fault.SKEWED_DATE: {"skew_seconds": -300.0},
    Fault.LATE_WEBHOOK: {"delay_seconds": 30.0},
}
"""What can be set for each fault, and what it is otherwise."""

_NEVER_ARRIVES = frozenset({Fault.REFUSED_CONNECTION})
"""What a server cannot do to its clients: whoever has sent it a request has had a connection."""

_WHOLE = frozenset({"status", "reset_seconds"})
_MOST = 86_400
_RULE_FIELDS = ("fault", "operation", "probability", "nth")


class PlanMistake(ValueError):
    """A plan that cannot be followed; the text says why, and what can."""


@dataclass(frozen=True)
class FaultRule:
    """One thing that goes wrong: always, with a probability, or on exactly these occurrences (from 1)."""

    fault: Fault
    operations: frozenset[Operation] = _EVERYTHING
    probability: float = 1.0
    nth: frozenset[int] | None = None
    parameters: Mapping[str, float] | None = None

    def __post_init__(self) -> None:
        """Refuse what the tables do not allow."""
        if not 0 <= self.probability <= 1:
            raise PlanMistake(f"probability is {self.probability}; it goes from 0 to 1")
        if self.nth is not None and (not self.nth or min(self.nth) < 1):
            raise PlanMistake("nth counts from 1 and names at least one occurrence")
        if not self.befalls:
            asked, able = _names(self.operations), _names(_OPERATIONS[self.fault])
            raise PlanMistake(f"{self.fault.value} cannot befall {asked}, only {able}")
        known = _PARAMETERS.get(self.fault, {})
        for name, value in (self.parameters or {}).items():
            if name not in known:
                allowed = ", ".join(known) or "none"
                raise PlanMistake(f"{self.fault.value} has no parameter {name!r}; it has: {allowed}")
            if value < 0 and name != "skew_seconds":
                raise PlanMistake(f"{name} is {value}; it cannot be negative")
        status = self.parameter("status") if "status" in known else 0
        if status and not 500 <= status <= 599:
            silence = " or 0 for no answer" if self.fault is Fault.LATE_COMMIT else ""
            raise PlanMistake(f"status is {status:g}; it is 500 to 599{silence}")
        if not status and self.fault in {Fault.ERROR_BEFORE_COMMIT, Fault.ERROR_AFTER_COMMIT}:
            raise PlanMistake("status is 0; it is 500 to 599")

    @property
    def befalls(self) -> frozenset[Operation]:
        """The operations that it can really happen to."""
        return self.operations & _OPERATIONS[self.fault]

    def parameter(self, name: str) -> float:
        """What was set, or the default."""
        return (self.parameters or {}).get(name, _PARAMETERS.get(self.fault, {}).get(name, 0.0))


@dataclass(frozen=True)
class FaultPlan:
    """Rules in order; of two that exclude each other, the earlier one acts."""

    rules: tuple[FaultRule, ...] = ()
    seed: int = 0

    def refuse_what_never_arrives(self) -> None:
        """Raise a mistake if a server could not act this plan out."""
        for number, rule in enumerate(self.rules, 1):
            if rule.fault in _NEVER_ARRIVES:
                raise PlanMistake(
                    f"rule {number}: {rule.fault.value} works in process only; over HTTP a request that arrives has "
                    "been connected. Stop the simulator instead, or use lost_request"
                )

    @staticmethod
    def from_toml(text: str, *, in_process: bool = False) -> "FaultPlan":
        """Read a plan: `seed`, and a `[[rule]]` each with `fault`, and at will `operation` (one, a list, or
        "any"), `probability` or `nth`, and the fault's own parameters.

        Unless it is for a transport in this process, a fault that no server can act out is refused.
        """
        try:
            read = tomllib.loads(text)
        except (ValueError, RecursionError) as problem:  # not TOML, or numbers and nestings beyond measure
            raise PlanMistake(f"not TOML: {problem}") from None
        unknown = [name for name in read if name not in {"seed", "rule"}]
        if unknown:
            raise PlanMistake(f"unknown at the top: {', '.join(unknown)}; known are seed and [[rule]]")
        seed, rules = read.get("seed", 0), read.get("rule", [])
        if not _is_whole(seed):
            raise PlanMistake(f"seed is {seed!r}; it is a whole number")
        if not isinstance(rules, list) or not all(isinstance(rule, dict) for rule in rules):
            raise PlanMistake("rule is no list of tables; write [[rule]] above each")
        plan = FaultPlan(tuple(_numbered(number, rule) for number, rule in enumerate(rules, 1)), seed)
        if not in_process:
            plan.refuse_what_never_arrives()
        return plan


class Faults:
    """A plan being carried out: counts, draws, and says which rules act on the next request."""

    def __init__(self, plan: FaultPlan) -> None:
        """From the plan's beginning."""
        self.plan = plan
        # One stream for each rule and one for choices made while a fault acts.
        self._streams = [_stream(plan.seed, str(number)) for number in range(len(plan.rules))]
        self._seen = [0] * len(plan.rules)
        self._choices = _stream(plan.seed, "choices")

    def next(self, operation: Operation | None) -> tuple[FaultRule, ...]:
        """The rules that act on this request. Asking is what counts it."""
        acting = []
        for number, rule in enumerate(self.plan.rules):
            if operation not in rule.befalls:
                continue
            self._seen[number] += 1
            drawn = self._streams[number].random()
            chosen = self._seen[number] in rule.nth if rule.nth is not None else drawn < rule.probability
            if chosen:
                acting.append(rule)
        return tuple(acting)

    def choose(self, count: int) -> int:
        """A number below `count`, drawn from the plan's seed."""
        return self._choices.randrange(count)


def _stream(seed: int, name: str) -> random.Random:
    return random.Random(f"{seed}:{name}")  # noqa: S311 - it must be repeatable, not secret


def _numbered(number: int, fields: Mapping[str, object]) -> FaultRule:
    try:
        return _rule(fields)
    except PlanMistake as mistake:
        raise PlanMistake(f"rule {number}: {mistake}") from None


def _rule(fields: Mapping[str, object]) -> FaultRule:
    if "fault" not in fields:
        raise PlanMistake(f"it has no fault; there are: {', '.join(fault.value for fault in Fault)}")
    fault = _one_of(Fault, "fault", fields["fault"])
    if "probability" in fields and "nth" in fields:
        raise PlanMistake("it has both probability and nth; give one of them, or neither for always")
    operation = fields.get("operation", "any")
    named = operation if isinstance(operation, list) else [operation]
    operations = _EVERYTHING if operation == "any" else frozenset(_one_of(Operation, "operation", one) for one in named)
    nth = fields.get("nth")
    occurrences = nth if isinstance(nth, list) else [nth]
    if nth is not None and not all(_is_whole(one) for one in occurrences):
        raise PlanMistake(f"nth is {nth!r}; it is a whole number or a list of them")
    return FaultRule(
        fault=fault,
        operations=operations,
        probability=_number("probability", fields.get("probability", 1.0), _is_number),
        nth=None if nth is None else frozenset(int(str(one)) for one in occurrences),
        parameters={
            name: _number(name, value, _is_whole if name in _WHOLE else _is_number)
            for name, value in fields.items()
            if name not in _RULE_FIELDS
        },
    )


def _one_of(kind: type[_E], what: str, value: object) -> _E:
    for member in kind:
        if member.value == value:
            return member
    raise PlanMistake(f"there is no {what} {value!r}; there are: {', '.join(str(one.value) for one in kind)}")


def _number(name: str, value: object, is_fit: Callable[[object], bool]) -> float:
    if not is_fit(value):
        raise PlanMistake(f"{name} is {value!r}; it is a {'whole ' if is_fit is _is_whole else ''}number")
    number: float = value  # type: ignore[assignment]  # is_fit has looked
    if abs(number) > _MOST:
        raise PlanMistake(f"{name} is beyond measure; it is at most {_MOST}, a day in seconds")
    return float(number)


def _is_number(value: object) -> bool:
    # TOML knows nan and inf; no rule can mean them.
    return _is_whole(value) or (isinstance(value, float) and math.isfinite(value))


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _names(operations: frozenset[Operation]) -> str:
    return ", ".join(operation.value for operation in Operation if operation in operations)
