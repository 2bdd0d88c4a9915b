"""What one tenant's work needs that nobody on the phone waits for: its doubts, what is taken back, what is watched."""

from dataclasses import dataclass

from einmal.flows.calls import Holder
from einmal.flows.change_doubt import ChangeDoubts
from einmal.flows.compensate import Compensations
from einmal.flows.composite_undo import CompositeSteps
from einmal.flows.doubt import Doubts
from einmal.flows.observe import Observation
from einmal.flows.outcome import Outcomes
from einmal.flows.reconcile import Reconciliation
from einmal.flows.sweep import Sweeper


@dataclass(frozen=True, slots=True)
class Behind:
    doubts: Doubts
    compensations: Compensations
    sweeper: Sweeper
    changes: ChangeDoubts | None = None
    composites: CompositeSteps | None = None
    observation: Observation | None = None
    reconciliation: Reconciliation | None = None
    holder: Holder | None = None

    @property
    def outcomes(self) -> Outcomes:
        return self.doubts.outcomes
