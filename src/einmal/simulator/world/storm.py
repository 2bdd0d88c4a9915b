"""Weather for the whole application: faults on the bytes of the simulated Cal.com, and a book of what was asked."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from einmal.adapters.calcom.transport import NeverSent, WireAnswer, WireRequest
from einmal.domain.invariants import Request, RequestKind
from einmal.domain.model import MetadataKey
from einmal.simulator.faults import Fault, FaultPlan, FaultRule, Operation
from einmal.simulator.faulty import FaultyCalcom, LostAnswer, Outcome, operation_of
from einmal.simulator.transport import InProcessTransport
from einmal.simulator.virtual import VirtualClock
from einmal.simulator.wire import SimulatedCalcom

_POSTS: Final = (
    Fault.REFUSED_CONNECTION,
    Fault.LOST_REQUEST,
    Fault.LOST_ANSWER,
    Fault.LOST_ANSWER,
    Fault.ERROR_BEFORE_COMMIT,
    Fault.ERROR_AFTER_COMMIT,
    Fault.LATE_COMMIT,
    Fault.CONFLICT_409,
    Fault.CONFLICT_400,
    Fault.FOREIGN_BOOKING,
    Fault.MISSING_METADATA,
    Fault.SLOW_ANSWER,
)
_CHANGES: Final = (
    Fault.REFUSED_CONNECTION,
    Fault.LOST_REQUEST,
    Fault.LOST_ANSWER,
    Fault.LOST_ANSWER,
    Fault.ERROR_BEFORE_COMMIT,
    Fault.ERROR_AFTER_COMMIT,
    Fault.LATE_COMMIT,
    Fault.SLOW_ANSWER,
)
_LOOKS: Final = (Fault.REFUSED_CONNECTION, Fault.ERROR_BEFORE_COMMIT, Fault.REPLICA_LAG, Fault.LOST_ANSWER)


LAGS_SECONDS: Final = 120.0
"""Of a replica that is far behind."""


def stormy_plan(seed: int, share: float, lagging: float = 0.0) -> FaultPlan:
    """A plan under which about this share of bookings, of changes and of look-ups goes wrong. `lagging`: of the
    look-ups, how many are answered by a replica that is far behind."""
    create, looks = frozenset({Operation.CREATE}), frozenset({Operation.LIST, Operation.GET})
    rules = [_rule(fault, create, share / len(_POSTS)) for fault in _POSTS]
    rules += [_rule(fault, looks, share / len(_LOOKS)) for fault in _LOOKS]
    rules.append(_rule(Fault.FOREIGN_BOOKING, frozenset({Operation.RESCHEDULE}), share / 2))
    for operation in (Operation.CANCEL, Operation.RESCHEDULE):
        rules += [_rule(fault, frozenset({operation}), share / len(_CHANGES)) for fault in _CHANGES]
    advisory = frozenset({Operation.SLOTS, Operation.RESERVE})
    rules += [_rule(fault, advisory, share / 4) for fault in (Fault.LOST_REQUEST, Fault.LOST_ANSWER)]
    if lagging:
        rules.append(FaultRule(Fault.REPLICA_LAG, looks, lagging, parameters={"lag_seconds": LAGS_SECONDS}))
    return FaultPlan(tuple(rules), seed)


def _rule(fault: Fault, operations: frozenset[Operation], chance: float) -> FaultRule:
    late = {"commit_after_seconds": 700.0} if fault is Fault.LATE_COMMIT else None
    return FaultRule(fault, operations, chance, parameters=late)


class CountedCalcom(FaultyCalcom):
    """It knows how often it was called, and how often that was disturbed."""

    def __init__(self, calcom: SimulatedCalcom) -> None:
        super().__init__(calcom, FaultPlan())
        self.calls = 0
        self.disturbed = 0
        self.unheard: set[tuple[Operation, str]] = set()
        """Changes that were carried out, and the gateway heard nothing of it: what, and of which uid."""
        self.tells: Callable[[], None] = lambda: None
        """Called when a request may have had webhooks as its consequence."""

    def handle(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Outcome:
        outcome = super().handle(method, target, headers, body)
        self.calls += 1
        self.disturbed += bool(outcome.faults)
        operation = operation_of(method, target)
        if operation in {Operation.CANCEL, Operation.RESCHEDULE} and _unheard(outcome):
            self.unheard.add((operation, target.split("/")[3]))
        self.tells()
        return outcome


def _unheard(outcome: Outcome) -> bool:
    return isinstance(outcome, LostAnswer) or Fault.ERROR_AFTER_COMMIT in outcome.faults


@dataclass(slots=True)
class BookedWire:
    """The transport, with a book of what was asked."""

    inner: InProcessTransport
    clock: VirtualClock
    requests: list[Request]
    posting: set[str]
    """Operation ids of the POSTs that are not answered yet."""

    async def send(self, request: WireRequest) -> WireAnswer:
        kind, about = _kind(request)
        at = self.clock.monotonic()
        if kind is RequestKind.POST:
            self.posting.add(about or "")
        try:
            answer = await self.inner.send(request)
        except NeverSent:
            raise
        except BaseException:
            self.requests.append(Request(at, kind, about))
            raise
        finally:
            self.posting.discard(about or "")
        self.requests.append(Request(at, kind, about, processed=answer.status != 429))
        return answer

    async def close(self) -> None:
        return


def _kind(request: WireRequest) -> tuple[RequestKind, str | None]:
    path = request.target.partition("?")[0]
    if request.method == "POST" and path == "/v2/bookings":
        return RequestKind.POST, json.loads(request.body)["metadata"][MetadataKey.OPERATION_ID]
    if path.endswith(("/cancel", "/reschedule")):
        return RequestKind.CANCEL if path.endswith("/cancel") else RequestKind.MOVE, path.split("/")[3]
    return RequestKind.OTHER, None
