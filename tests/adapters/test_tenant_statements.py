"""Nothing crosses between tenants but by a statement that is named here with its reason.

One role serves all tenants, with commits that they share, so that no policy of the database can tell whose request a
statement is for (decision 0031). Instead every statement of the ledger is read: one that touches a tenant's rows says
whose, or goes by an id that the ledger itself has given, or stands in ACROSS.
"""

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest

import einmal.adapters.sql
from einmal.adapters.sql.roles import APPEND_ONLY, DELETED_FROM, app_may, tenant_tables
from einmal.adapters.sql.schema import metadata

ACROSS: Final = {
    # What is due is taken up by whichever process has time, whosever it is; its row says for whom to go on.
    "queues: SELECT * FROM intents WHERE {DUE}": "recovery's queue",
    "changes: WHERE look_at <= ? OR look_at > ?": "the queue of changes",
    "composites: WHERE look_at <= ? OR look_at > ?": "the queue of composites",
    "outbox: WHERE due_at <= ? OR due_at > ?": "the queue of messages",
    "inbox: WHERE handled_at < ?": "what is old is deleted, whosever it was",
    # Ids of the calendar's: one account may serve several tenants, and their bookings are told apart by the reader.
    "importing: WHERE calcom_v2_booking_id IN": "layer 4 is one index for all: no uid is taken over twice",
    "reconciling: WHERE calcom_v2_booking_id IN": "whose a booking is, on an account that several share",
    "reconciling: WHERE operation_id IN": "the same",
    "reconciling: carried_id IN": "the same, of what was moved",
    "queues: WHERE operation_id IN": "by its index alone; what is another tenant's is dropped before anybody sees it",
    # Figures of the installation, for its operator.
    "overview: FROM intents WHERE state": "metrics",
    "overview: FROM facts WHERE kind": "metrics",
    "overview: FROM drifts WHERE ended_at IS NULL": "metrics",
    "overview: FROM outbox WHERE due_at IS NOT NULL": "metrics",
    "overview: FROM inbox WHERE due_at IS NOT NULL": "metrics",
    "overview: FROM appointments WHERE appointment_id >": "metrics",
    "desk: ": "the operator's first page, of the whole installation",
    "stories: ": "the operator looks up a call, wish or booking by any id, whosever it is",
    "overview: FROM callbacks WHERE done_at IS NULL": "metrics",
    "report: ": "the week of the installation, by tenant; of one it shows that one's figures",
    "calls: WHERE ended_at IS NULL": "the queue of calls whose end nobody has told",
    "idempotency: WHERE expires_at <= ?": "what is old is deleted, whosever it was",
    "tenants: ": "the keys of all tenants' hashes, sealed anew by a person; the list of who is served",
    "yardstick: ": "in a scratch ledger only",
}
"""By module and a piece of the statement. Each must be found, or it has to go."""

OWN_IDS: Final = (
    *("intent_id", "successor_id", "change_id", "callback_id", "hold_id", "composite_id", "customer_id"),
    *("appointment_id", "inbox_id", "run_id", "message_id", "served_id"),
)
"""Given by the ledger, and met in rows of the tenant's own."""

BY_ID: Final = re.compile(rf"\b(?:{'|'.join(OWN_IDS)})\s*(?:=|IN)\s*[\w?({{]")
WHOSE: Final = re.compile(r"\btenant_id\s*(?:=|IN\b)|^INSERT INTO \w+\s*\([^)]*\btenant_id\b|\{of_tenant\}")
"""Bound to one, or written for one."""

OF_A_ROW: Final = re.compile(r"^INSERT INTO (?:attempts|composite_segments)\b")
"""Written beside the row that they belong to."""

VERB: Final = re.compile(r"\b(INSERT INTO|UPDATE|DELETE FROM|FROM|JOIN)\s+([a-z_0-9]+)\b")
OF_A_TENANT: Final = {one.name for one in tenant_tables()}


class Found(NamedTuple):
    module: str
    line: int
    sql: str

    def tables(self) -> Iterator[tuple[str, str]]:
        """What it does to which table."""
        for verb, table in VERB.findall(self.sql):
            if table in metadata.tables:
                yield {"FROM": "SELECT", "JOIN": "SELECT"}.get(verb, verb.split()[0]), table

    def crosses(self) -> bool:
        """Whether it touches a tenant's rows without saying whose, or which."""
        touched = {table for _, table in self.tables()} & OF_A_TENANT
        bound = any(pattern.search(self.sql) for pattern in (WHOSE, BY_ID, OF_A_ROW))
        return bool(touched) and not bound

    def is_named(self, entry: str) -> bool:
        module, _, piece = entry.partition(": ")
        pattern = ".*".join(map(re.escape, re.split(r"\*|\{DUE\}", piece)))
        return self.module == module and re.search(pattern, self.sql) is not None


def statements() -> Iterator[Found]:
    """All that the ledger's modules say to a database."""
    folder = Path(einmal.adapters.sql.__file__).parent
    for path in sorted(folder.glob("*.py")):
        if path.stem not in {"schema", "personal", "roles", "migrate", "migrating"}:
            module = importlib.import_module(f"einmal.adapters.sql.{path.stem}")
            yield from said(path.stem, path.read_text("utf-8"), vars(module))


def said(module: str, source: str, names: dict[str, Any]) -> Iterator[Found]:
    tree = ast.parse(source)
    pieces = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            text = "".join(_piece(part, names) for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in pieces:
            text = node.value
        else:
            continue
        if VERB.search(text) is not None:
            yield Found(module, node.lineno, " ".join(text.split()))


def _piece(part: ast.expr, names: dict[str, Any]) -> str:
    """A part of an f-string as it will be; what is known only when it runs in braces."""
    if isinstance(part, ast.Constant):
        return str(part.value)
    assert isinstance(part, ast.FormattedValue)
    try:
        return str(eval(ast.unparse(part.value), {}, names))  # noqa: S307 - our own source
    except NameError:
        return f"{{{ast.unparse(part.value)}}}"


ALL: Final = tuple(statements())


def test_every_statement_says_whose_rows_it_touches_or_why_not() -> None:
    """The one that does not is printed."""
    unnamed = [one for one in ALL if one.crosses() and not any(one.is_named(entry) for entry in ACROSS)]
    assert unnamed == []


@pytest.mark.parametrize("entry", ACROSS)
def test_each_exception_is_still_one(entry: str) -> None:
    """A statement that is gone, or says its tenant by now, needs no reason."""
    assert any(one.crosses() and one.is_named(entry) for one in ALL)


@pytest.mark.parametrize(
    ("sql", "crosses"),
    [
        ("SELECT * FROM intents WHERE state = ?", True),
        ("UPDATE appointments SET status = ? WHERE calcom_v2_booking_id = ?", True),
        ("SELECT 1 FROM calls WHERE call_id = ?", True),
        ("SELECT count(*) FROM customers WHERE phone = ?", True),
        ("SELECT * FROM intents WHERE tenant_id = ? AND state = ?", False),
        ("SELECT * FROM intents WHERE intent_id = ?", False),
        ("SELECT * FROM tallies WHERE day = ?", False),
    ],
)
def test_the_reading_would_see_one(sql: str, *, crosses: bool) -> None:
    """Control: by a phone, a call or a booking's uid alone one tenant would meet another's rows."""
    (found,) = said("x", f"S = {sql!r}", {})
    assert found.crosses() is crosses


def test_there_are_statements_to_read() -> None:
    """Control: a reading that found none would be content with everything."""
    assert len(ALL) > 150
    assert {table for one in ALL for _, table in one.tables()} >= OF_A_TENANT - {"attempts"}


def test_the_app_is_granted_what_the_statements_need_and_no_more() -> None:
    """Rows are deleted, and left as they were, exactly where roles.py says so."""
    used: dict[str, set[str]] = {name: set() for name in metadata.tables}
    for one in ALL:
        for verb, table in one.tables():
            if one.module != "yardstick":
                used[table].add(verb)
    for table, verbs in used.items():
        assert verbs <= set(app_may(table)), table
    assert {table for table, verbs in used.items() if "DELETE" in verbs} == DELETED_FROM
    assert not [table for table in APPEND_ONLY if "UPDATE" in used[table]]
