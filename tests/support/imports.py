"""Another program's salon to take over: its two tables on any database, and a ledger of ours beside it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from support.sql import BASES, SqlBase
from support.tables import TABLE_BASES, Operator, TableBase, Told

HOUSE: Final = """
[[services]]
id = "beratung"
name = "Beratung"
event_type_id = 101
duration_minutes = 30

[[services]]
id = "schnitt"
name = "Haarschnitt"
event_type_id = 102
duration_minutes = 45
"""

MAPPING: Final = """
[source]
url = {{ env = "OLD_DATABASE_URL" }}
table = "appointments"
nobody = ["Info@altersalon.de", "030/90 18 29"]

[columns]
id = "id"
booking_uid = "calcom_v2_booking_id"
service = "service_id"
starts_at = "starts_at"
created_at = "created_at"
call_id = "call_id"
status = "status"
customer = "customer_id"

[customers]
table = "customers"
id = "id"
name = "name"
phone = "phone"
email = "email"

[services]
"7" = "Beratung"
"9" = "Haarschnitt"

[statuses]
scheduled = "confirmed"
no_show = "skip"
{more}"""

PEOPLE: Final = (
    (338, "Jürgen Groß", "+4930901820", None),
    (339, "Anna Weiß", "030 901821", "Anna.Weiss@altersalon.de"),
    (340, "Mira König", None, "mira@altersalon.de"),
    (341, "Ohne Nummer", "anonymous", "info@altersalon.de"),
    (342, "   ", "+4930901822", None),
)
COLUMNS: Final = (
    "id",
    "customer_id",
    "service_id",
    "call_id",
    "starts_at",
    "status",
    "calcom_v2_booking_id",
    "created_at",
)


@dataclass(frozen=True, slots=True)
class Takeover:
    """An old table, a ledger, and somebody at a terminal."""

    old: TableBase
    ledger: SqlBase
    einmal: Operator
    file: Path

    def people(self, *rows: tuple[Any, ...]) -> None:
        text = "VARCHAR(255)"
        self.old.run(f"CREATE TABLE customers (id BIGINT PRIMARY KEY, name {text}, phone {text}, email {text})")
        self.old.run(f"INSERT INTO customers (id, name, phone, email) VALUES {_values(rows or PEOPLE)}")  # noqa: S608 - the tests' own

    def appointments(self, *rows: tuple[Any, ...]) -> None:
        self.old.run(f"INSERT INTO appointments ({', '.join(COLUMNS)}) VALUES {_values(rows)}")  # noqa: S608 - the tests' own

    def mapping(self, text: str = MAPPING, more: str = "") -> None:
        self.file.write_text(text.format(more=more), "utf-8")

    @property
    def as_it_is(self) -> str:
        """The mapping's text, to be given to `mapping` with a change."""
        return self.file.read_text("utf-8").replace("{", "{{").replace("}", "}}")

    def named(self, name: str) -> None:
        """From now on its source is called so."""
        self.mapping(self.as_it_is.replace("[source]", f'[source]\nname = "{name}"'))

    def __call__(self, *words: str) -> Told:
        return self.einmal("import", str(self.file), *words)


def old(
    number: int,
    person: int | None = 338,
    uid: str | None = "",
    start: str = "2026-12-01 10:00:00",
    *,
    service: int | None = 7,
    call: str | None = None,
    status: str = "confirmed",
    created: str | None = "2026-10-06 09:05:21",
) -> tuple[Any, ...]:
    """A row; its booking uid is made of its number unless one is given."""
    return (number, person, service, call, start, status, f"uid_{number}" if uid == "" else uid, created)


@contextmanager
def takeover(
    kinds: tuple[str, str], folder: Path, output: pytest.CaptureFixture[str], environment: pytest.MonkeyPatch
) -> Iterator[Takeover]:
    """`kinds`: of the old table's database, and of the ledger's."""
    config = folder / "einmal.toml"
    config.write_text(HOUSE, "utf-8")
    (folder / "old").mkdir()
    with TABLE_BASES[kinds[0]](folder / "old") as base, BASES[kinds[1]](folder) as ledger:
        where = f"sqlite:///{ledger.where}" if isinstance(ledger.where, Path) else ledger.where
        environment.setenv("EINMAL_CONFIG", str(config))
        environment.setenv("EINMAL_DATABASE_URL", where)
        environment.setenv("OLD_DATABASE_URL", base.url)
        made = Takeover(base, ledger, Operator(output), folder / "mapping.toml")
        base.create()
        made.mapping()
        yield made


def _values(rows: Sequence[tuple[Any, ...]]) -> str:
    return ", ".join(f"({', '.join('NULL' if one is None else repr(one) for one in row)})" for row in rows)
