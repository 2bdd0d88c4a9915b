"""The control: `einmal`, with the durable row of an intent switched off. Everything else is the gateway's own.

What is admitted is kept in the process's memory; its row is written together with the outcome, as people write it
who book first and store then. As long as nobody is killed it behaves. Run as a command.
"""

import sys
from typing import Any

from sqlalchemy import create_engine, delete

from einmal.adapters.sql.schema import intents
from einmal.domain.admission import AdmissionPolicy, Join
from einmal.domain.intent import Intent
from einmal.entrypoints.cli import serve, work
from einmal.entrypoints.cli.main import main
from einmal.ports import Admitted, Candidate, Ledger, StoredReply, Toll, Transition
from einmal.settings import Settings
from einmal.wiring import Gateway, build_gateway


class ForgetfulLedger:
    """The ledger it is given, but what says `sent` is nowhere but here until there is more to say."""

    def __init__(self, inner: Ledger, url: str) -> None:
        self._inner = inner
        self._engine = create_engine(url)
        self._candidates: dict[str, tuple[Candidate, AdmissionPolicy]] = {}
        self._running: dict[str, Intent] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    async def admit(self, candidate: Candidate, policy: AdmissionPolicy, toll: Toll | None = None) -> Admitted:
        running = self._running.get(candidate.key.value)
        if running is not None:
            return Admitted(Join(running), None)
        admitted = await self._inner.admit(candidate, policy, toll)
        if admitted.started is not None:
            self._running[candidate.key.value] = admitted.started
            self._candidates[candidate.intent_id] = (candidate, policy)
            with self._engine.begin() as connection:
                connection.execute(delete(intents).where(intents.c.intent_id == candidate.intent_id))
        return admitted

    async def apply(self, transition: Transition) -> StoredReply:
        remembered = self._candidates.pop(transition.before.intent_id, None)
        if remembered is not None:
            self._running.pop(transition.before.key.value, None)
            await self._inner.admit(*remembered)
        return await self._inner.apply(transition)


async def _forgetful_gateway(settings: Settings, **given: Any) -> Gateway:
    gateway = await build_gateway(settings, **given)
    url = str(settings.database_url)
    ledger = ForgetfulLedger(gateway.ledger, url if "://" in url else f"sqlite:///{url}")
    for holder in (gateway.bookings, gateway.bookings.attempts.outcomes):
        object.__setattr__(holder, "ledger", ledger)
    return gateway


if __name__ == "__main__":
    serve.build_gateway = work.build_gateway = _forgetful_gateway  # type: ignore[assignment]
    sys.exit(main())
