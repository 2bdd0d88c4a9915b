"""The contract of the Overview port: the figures of a ledger, on every database."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from einmal.adapters.system import SystemClock, SystemIds
from einmal.domain.admission import AdmissionPolicy
from einmal.domain.drift import Drift, DriftKind
from einmal.domain.gate import GatePolicy, Use
from einmal.domain.intent import Event, State
from einmal.domain.keys import intent_key
from einmal.ports import CallContact, Candidate, Notice, Source, Toll, Transition
from einmal.ports.overview import Figures
from einmal.ports.reconciling import Counts, Phase, Run
from support.evidence import SECRET, booking, wish
from support.sql import BASES, SqlBase

IDS = SystemIds()
MINUTE = timedelta(minutes=1)
POLICY = GatePolicy()
NOW = SystemClock().now().replace(microsecond=0)
"""Ids are of the machine's clock, and what is a day old is told by them."""


@pytest.fixture(params=BASES)
def base(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlBase]:
    with BASES[request.param](tmp_path) as made:
        made.add_tenant("default")
        yield made


async def test_an_empty_ledger_has_none(base: SqlBase) -> None:
    figures = await base.ledger(IDS).overview.figures(NOW)
    assert figures == Figures(unresolved={State.ESCALATED: 0})
    assert figures.prevention_rate == 0


async def test_the_figures_are_those_of_the_rows(base: SqlBase) -> None:
    ledger = base.ledger(IDS)
    for number, events in enumerate(ENDS):
        start, call_id = wish().start + timedelta(days=number), f"call_{number}"
        of = wish(phone=f"+4917012345{number:02}", start=start, conversation_id=call_id)
        operation = IDS.operation_id()
        ids = (IDS.time_ordered(), operation, f"termin+{operation}@salon.test")
        call = CallContact("retell", call_id)
        to = Candidate(of, call, intent_key(of, SECRET), *ids, NOW, NOW + MINUTE)
        intent = (await ledger.admit(to, AdmissionPolicy())).started
        assert intent is not None
        made = booking(uid=f"uid{number}", start=of.start, end=of.end)
        for at, event in enumerate(events):
            moved = Transition(intent, (event,), NOW + number * MINUTE + at * MINUTE, booking=made, look_at=NOW)
            intent = (await ledger.apply(moved)).intent
    await ledger.inbox.receive(Notice("default", Source.CALCOM, "d", "E", "u", {}), NOW, NOW)
    run = Run("r", "default", Phase.CHANGED, NOW, NOW, None, NOW, Counts())
    await ledger.reconciling.begin(run, NOW, NOW + MINUTE, every=None)
    await ledger.reconciling.step(run, (Drift(DriftKind.GHOST, "u"), Drift(DriftKind.TIME, "v", mended=True)), NOW, NOW)
    await ledger.gates.enter(Toll("account", POLICY), Use.LOOK, NOW)
    base.run(
        "INSERT INTO facts (tenant_id, intent_id, at, kind, data) VALUES "  # noqa: S608 - the tests' own words
        f"('default', 'i', '{NOW:%Y-%m-%dT%H:%M:%S.000Z}', 'rejected', '{{}}'), "
        "('default', 'i', '2026-01-01T00:00:00.000Z', 'rejected', '{}'), "
        f"('default', 'i', '{NOW:%Y-%m-%dT%H:%M:%S.000Z}', 'alarm', '{{}}')"
    )
    figures = await ledger.overview.figures(NOW + MINUTE)
    assert figures.unresolved == {State.SENT: 1, State.DOUBT: 2, State.ESCALATED: 1}
    assert figures.oldest_doubt_at == NOW + 2 * MINUTE
    assert figures.oldest_escalated_at == NOW + 4 * MINUTE
    assert (figures.appointments, figures.rejected, figures.prevention_rate) == (1, 1, 50.0)
    assert (figures.drifts, figures.notices, figures.oldest_notice_at) == ({"ghost": 1}, 1, NOW)
    assert list(figures.gates) == ["account"]


ENDS = (
    (),
    (Event.LANDED_ACCEPTED,),
    (Event.DOUBTED,),
    (Event.DOUBTED,),
    (Event.DOUBTED, Event.ESCALATED),
)
