"""An attempt as a part of the function call's trace: the same one, however long after the answer it ends."""

from dataclasses import dataclass, field

from einmal.domain.gate import Shut
from einmal.domain.intent import Intent
from einmal.domain.reply import Reply
from einmal.flows.attempt import Attempts
from einmal.ports.tracing import Spans


@dataclass(frozen=True, slots=True)
class TracedAttempts(Attempts):
    spans: Spans = field(kw_only=True)

    async def run(self, intent: Intent, post_by: float, shut: Shut | None = None) -> Reply:
        with self.spans.span("attempt", intent_id=intent.intent_id, generation=intent.generation):
            return await Attempts.run(self, intent, post_by, shut)
