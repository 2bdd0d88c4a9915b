"""An erasure beside what goes on: who books in that moment, and programs that repeat what they asked long ago."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

import pytest

from einmal.adapters.sql.forgetting import SqlForgetting
from einmal.adapters.sql.steps import Steps, Store
from einmal.domain.admission import AdmissionPolicy, KeyReused
from einmal.domain.answer import Answer, AnswerKind
from einmal.domain.intent import Event
from einmal.domain.keys import named_key
from einmal.ports import Candidate, Transition
from einmal.ports.forgetting import Held
from support.evidence import NOW, OTHER_CALL, SECRET
from support.personal import (
    DAY,
    EMAIL,
    END,
    IDS,
    MINUTE,
    NAME,
    PHONE,
    begun,
    booked,
    canaries_in,
    person_wish,
    whom,
)
from support.sql import BASES, SqlBase

LATER = END + MINUTE


@pytest.fixture(params=BASES)
def base(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlBase]:
    with BASES[request.param](tmp_path) as made:
        made.add_tenant("default")
        yield made


async def test_what_a_client_named_books_once_though_its_person_is_gone(base: SqlBase) -> None:
    """Of a program's wish, cancelled and erased: its repeat books nothing, not even under another's name."""
    ledger = base.ledger(IDS)
    of = person_wish("key_0123", LATER + DAY)
    key, policy = named_key(of, SECRET), AdmissionPolicy(once=True)
    ids = (IDS.time_ordered(), IDS.operation_id(), EMAIL)
    started = (await ledger.admit(Candidate(of, None, key, *ids, NOW, NOW + MINUTE), policy)).started
    assert started is not None
    await ledger.apply(Transition(started, (Event.REFUSED,), NOW, Answer(AnswerKind.REFUSED, None, 400)))
    held = await ledger.forgetting.erase("default", whom(), LATER)
    assert len(held.rows["intents"]) == 1
    await ledger.forgetting.scrub()
    assert canaries_in(base) == []
    again = (IDS.time_ordered(), IDS.operation_id(), EMAIL)
    told = await ledger.admit(Candidate(of, None, key, *again, LATER, LATER + MINUTE), policy)
    assert isinstance(told.admission, KeyReused)
    assert told.started is None


class Meanwhile:
    """A store in which something else happens after the first statement of each write."""

    def __init__(self, inner: Store, happens: Callable[[], object]) -> None:
        self._inner = inner
        self._happens = happens

    async def write(self, work: Callable[[], Steps[Held]]) -> Held:
        def with_it() -> Steps[Held]:
            steps = work()
            statement = next(steps)
            rows = yield statement
            self._happens()
            try:
                while True:
                    rows = yield steps.send(rows)
            except StopIteration as ended:
                held: Held = ended.value
                return held

        return await self._inner.write(with_it)


async def test_who_books_meanwhile_stays_a_customer(tmp_path: Path) -> None:
    """A wish that is admitted while an erasure is under way: whose appointment it becomes stays known (control: without
    one the row is emptied). In a file nobody writes meanwhile."""
    with BASES["postgres"](tmp_path) as base:
        base.add_tenant("default")
        ledger = base.ledger(IDS)
        await booked(ledger)
        intent = await begun(ledger, person_wish(OTHER_CALL, LATER + DAY))
        key, row = intent.key.person, f"WHERE intent_id = '{intent.intent_id}' RETURNING 1"
        base.run(f"UPDATE intents SET phone_hash = NULL, email_hash = NULL {row}")  # noqa: S608 - not there yet
        come = f"UPDATE intents SET phone_hash = '{key.phone_hash}', email_hash = '{key.email_hash}' {row}"  # noqa: S608
        store = Meanwhile(ledger.forgetting._store, lambda: base.run(come))  # noqa: SLF001
        held = await SqlForgetting(cast("Store", store)).erase("default", whom(PHONE, EMAIL), LATER)
        assert len(held.rows["intents"]) == 1
        assert base.rows("customers", "name", "phone", "email") == [(NAME, PHONE, EMAIL)]
        base.run(f"UPDATE intents SET state = 'cancelled' {row}")  # noqa: S608
        await ledger.forgetting.erase("default", whom(PHONE, EMAIL), LATER)
        assert base.rows("customers", "name", "phone", "email") == [("", None, None)]
