"""Who is due to be forgotten is found by an index that holds only whom nobody has forgotten yet, on both databases."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from einmal.adapters.sql import forgetting
from einmal.adapters.sql.postgres_session import dialect
from support.sql import BASES, SqlBase

ASKED = {
    "whose appointment is over": (forgetting._OVER, "intents_forget_index"),  # noqa: SLF001 - what the database is sent
    "who was called back": (forgetting._CALLED_BACK, "callbacks_forget_index"),  # noqa: SLF001
    "what was said": (forgetting._HEARD, "function_calls_heard_index"),  # noqa: SLF001
}


@pytest.fixture(params=BASES)
def base(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlBase]:
    with BASES[request.param](tmp_path) as made:
        yield made


def plan(base: SqlBase, statement: str) -> str:
    values = iter(["'x'"] * (statement.count("?") - 1) + ["5"])
    filled = "".join(part + next(values, "") for part in statement.split("?"))
    if isinstance(base.where, Path):
        return "\n".join(str(row[-1]) for row in base.run(f"EXPLAIN QUERY PLAN {filled}"))
    return "\n".join(row[0] for row in base.run(f"EXPLAIN {dialect(filled)}"))


@pytest.mark.parametrize("what", ASKED)
def test_it_is_found_by_its_own_index(base: SqlBase, what: str) -> None:
    statement, index = ASKED[what]
    assert index in plan(base, statement)


@pytest.mark.parametrize("what", ASKED)
def test_control_without_it_more_is_read(base: SqlBase, what: str) -> None:
    statement, index = ASKED[what]
    base.run(f"DROP INDEX {index}")
    assert index not in plan(base, statement)
