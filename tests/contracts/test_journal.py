"""The contract of the Journal port: what was said is written once, on every database."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from einmal.adapters.sql.steps import Violated
from einmal.adapters.system import SystemIds
from einmal.domain.facts import LookedUp
from einmal.ports.journal import FunctionCalled
from support.evidence import CALL, NOW
from support.sql import BASES, SqlBase

IDS = SystemIds()


@pytest.fixture(params=BASES)
def base(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlBase]:
    with BASES[request.param](tmp_path) as made:
        made.add_tenant("default")
        yield made


def called(number: int, **changes: object) -> FunctionCalled:
    served = FunctionCalled(
        f"01served{number}",
        "default",
        CALL,
        NOW + timedelta(seconds=number),
        "retell",
        "book",
        "booked",
        "Ihr Termin ist gebucht.",
        timedelta(milliseconds=412),
    )
    return replace(served, **changes)  # type: ignore[arg-type]


async def test_what_is_written_is_read_as_it_was(base: SqlBase) -> None:
    journal = base.ledger(IDS)
    one = called(1, error_id="01error", conversation_id=None)
    await journal.journal.write((one, called(2)))
    assert await journal.stories.latest(10) == (called(2), one)


async def test_written_again_it_stays_as_it_is(base: SqlBase) -> None:
    """Whose commit is unknown is written again: the first stands."""
    ledger = base.ledger(IDS)
    await ledger.journal.write((called(1),))
    await ledger.journal.write((called(1, heard="etwas anderes"), called(2)))
    assert [one.heard for one in await ledger.stories.latest(10)] == ["Ihr Termin ist gebucht."] * 2


async def test_a_look_is_a_fact_of_its_intent(base: SqlBase) -> None:
    ledger = base.ledger(IDS)
    await ledger.journal.write((LookedUp(NOW, "default", "01intent", "absent"),))
    [(kind, intent_id)] = base.rows("facts", "kind", "intent_id")
    assert (kind, intent_id) == ("lookedup", "01intent")


async def test_of_what_cannot_be_written_nothing_is(base: SqlBase) -> None:
    """All in one transaction: a tenant that is not there takes the rest with it."""
    ledger = base.ledger(IDS)
    with pytest.raises(Violated):
        await ledger.journal.write((called(1), called(2, tenant_id="nobody")))
    assert await ledger.stories.latest(10) == ()
