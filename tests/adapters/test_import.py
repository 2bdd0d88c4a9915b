"""`einmal import` at a terminal, from each of the three databases: what is planned, what is written, what is told."""

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from einmal.domain.takeover import LeftWhy
from einmal.entrypoints.cli.main import _parser
from einmal.sealed import Keyring, new_key, read_keys
from support.imports import PEOPLE, Takeover, old, takeover

PAGE = Path(__file__).parents[2] / "docs" / "importing.md"
KINDS = [("sqlite", "sqlite"), ("postgres", "postgres"), ("mariadb", "sqlite")]


@pytest.fixture(params=KINDS, ids=["sqlite", "postgres", "mariadb"])
def salon(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Takeover]:
    with takeover(request.param, tmp_path, capsys, monkeypatch) as made:
        yield made


@pytest.fixture
def simple(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Takeover]:
    with takeover(("sqlite", "sqlite"), tmp_path, capsys, monkeypatch) as made:
        yield made


def test_a_ledger_whose_key_is_lost_says_so(simple: Takeover) -> None:
    """With another hash key each row's wish would be a new one: neither planned nor written, and why is said."""
    simple.mapping()
    simple.people()
    simple.appointments(old(1))
    ring = Keyring(read_keys(new_key()))
    sealed = ring.seal(b"x" * 32, "ledger/default/hash_key")
    simple.ledger.run(
        "INSERT INTO tenants (tenant_id, name, hash_key_sealed, created_at) "  # noqa: S608 - the test's own
        f"VALUES ('default', 'default', '{sealed}', '2026-01-01T00:00:00.000Z')"
    )
    for words in ((), ("--apply",)):
        told = simple(*words)
        assert told.code == 4
        assert f"does not open: it is sealed with the key {ring.first}" in told.err
    assert simple.ledger.rows("intents", "intent_id") == []


def test_a_plan_writes_nothing_and_an_import_what_it_planned(salon: Takeover) -> None:
    """The same figures before and after; a second run finds nothing new."""
    salon.people()
    salon.appointments(
        old(641, 338, call="call_a"),
        old(642, 339, start="2024-03-01 09:00:00"),
        old(643, 340, status="pending", service=9),
        old(644, 338, start="2026-12-03 10:00:00", status="cancelled"),
        old(645, 338, start="2026-12-04 10:00:00", status="scheduled"),
    )
    before = (salon.old.rows(), salon.old.rows(table="customers"))
    plan = salon("--json")
    assert plan.code == 0, plan.err
    told = json.loads(plan.out)
    assert (told["rows"], told["taken_over"]) == (5, {"confirmed": 3, "pending": 1, "cancelled": 1})
    assert (told["applied"], told["left_out"]) == (False, {})
    for table in ("intents", "appointments", "customers", "calls", "tenants"):
        assert salon.ledger.rows(table, "*") == [], "nothing is written"
    assert "Nothing was written. With --apply it is." in salon().out
    done = json.loads(salon("--apply", "--json").out)
    assert done | {"applied": False} == told
    assert len(salon.ledger.rows("intents", "intent_id")) == 5
    again = salon("--apply")
    assert (again.code, "Taken over: 0 (" in again.out, "Taken over before: 5" in again.out) == (0, True, True)
    assert len(salon.ledger.rows("intents", "intent_id")) == 5
    assert (salon.old.rows(), salon.old.rows(table="customers")) == before, "the old tables stay as they are"
    for words in (plan, again):
        assert not any(name in words.out + words.err for name in ("Groß", "Weiß", "König", "901820", "mira@"))


def test_what_a_row_becomes(salon: Takeover) -> None:
    """An intent of its own, its appointment, its person and its call, which is over; each as the ledger writes it."""
    hour = "10" if salon.old.kind == "postgres" else "9"  # PostgreSQL's instants have a zone; the others are of Berlin
    salon.people()
    salon.appointments(old(641, 339, call="call_a"), old(642, 340, status="cancelled", start="2026-12-02 10:00:00"))
    assert salon("--apply").code == 0
    start = f"2026-12-01T{hour:>02}:00:00.000Z"
    created = {"postgres": "2026-10-06T09:05:21.000Z"}.get(salon.old.kind, "2026-10-06T07:05:21.000Z")
    columns = ("imported_from", "state", "generation", "epoch", "conversation_id", "service_id", "event_type_id")
    rows = salon.ledger.rows("intents", *columns)
    assert rows == [
        ("appointments#641", "confirmed", 1, 1, "call_a", "beratung", 101),
        ("appointments#642", "cancelled", 1, 1, None, "beratung", 101),
    ]
    person = ("imported_from", "person_name", "person_phone", "person_email", "person_kind", "booking_uid")
    assert salon.ledger.rows("intents", *person) == [
        ("appointments#641", "Anna Weiß", "+4930901821", "anna.weiss@altersalon.de", "phone", "uid_641"),
        ("appointments#642", "Mira König", None, "mira@altersalon.de", "email", "uid_642"),
    ]
    times = salon.ledger.rows("intents", "imported_from", "start_at", "created_at", "resolved_at", "look_at", "sent_at")
    assert times[0] == ("appointments#641", start, created, created, None, None)
    appointment = ("calcom_v2_booking_id", "status", "starts_at", "ends_at", "call_id", "confirmed_at", "created_at")
    end = start.replace(":00:00", ":30:00")
    assert salon.ledger.rows("appointments", *appointment)[0] == (
        *("uid_641", "confirmed", start, end, "call_a"),
        *(created, created),
    )
    assert salon.ledger.rows("calls", "call_id", "platform", "first_seen_at", "ended_at") == [
        ("call_a", "import", created, created)
    ]
    assert salon.ledger.rows("customers", "phone", "name_normal", "email")[-1][1:] in {
        ("anna weiss", "anna.weiss@altersalon.de"),
        ("mira koenig", "mira@altersalon.de"),
    }
    [(one,), (other,)] = salon.ledger.rows("intents", "operation_id")
    assert (len(one), one != other) == (32, True)


def test_what_is_left_out_is_told_and_stops_nobody(salon: Takeover) -> None:
    """Every reason, with the row that it is about; exit code 1; nobody's name."""
    salon.people()
    salon.appointments(
        old(1, 338),
        old(2, 338, uid=None),
        old(3, 338, uid="  "),
        old(4, 339, uid="shared"),
        old(5, 340, uid="shared"),
        old(6, 339, service=8),
        old(7, 339, service=8, start="2026-12-07 10:00:00"),
        old(8, 339, status="maybe"),
        old(9, 342, start="2026-12-09 10:00:00"),
        old(10, 999, start="2026-12-10 10:00:00"),
        old(11, 338),
        old(12, 339, status="no_show"),
        old(13, 340, start="2026-12-13 10:00:00"),
    )
    plan, done = salon("--json"), salon("--apply", "--json")
    told, found = json.loads(plan.out), json.loads(done.out)
    assert (plan.code, done.code) == (1, 1)
    assert found["left_out"] == told["left_out"]
    assert found["left_out"] == {
        "no_booking": 2,
        "booking_twice": 2,
        "unknown_service": 2,
        "unknown_status": 1,
        "no_name": 2,
        "slot_twice": 1,
        "skipped": 1,
    }
    assert {"why": "unknown_service", "detail": "8", "rows": 2} in found["details"]
    assert {"why": "unknown_status", "detail": "maybe", "rows": 1} in found["details"]
    assert ("appointments#11", "slot_twice") in {(one["row"], one["why"]) for one in found["listed"]}
    assert salon.ledger.rows("intents", "imported_from") == [("appointments#1",), ("appointments#13",)]
    text = salon("--limit", "2").out
    assert "`einmal audit` and `einmal dedupe`, with --url and --table" in text
    assert "and 8 more; see --limit" in text
    assert not any(name in plan.out + done.out + text for name in ("Groß", "Weiß", "König", "901820"))


def test_after_a_repair_only_what_is_new_is_taken_over(salon: Takeover) -> None:
    """The duplicates are parted by `einmal dedupe`; what it kept is taken over then, and nothing again."""
    salon.people()
    salon.appointments(
        old(1, 338), old(642, 339, uid="shared"), old(643, 340, uid="shared", created="2026-10-06 09:39:22")
    )
    assert json.loads(salon("--apply", "--json").out)["left_out"] == {"booking_twice": 2}
    assert salon.einmal("dedupe", "--url", salon.old.url, "--apply").code == 0
    salon.appointments(old(700, 340, start="2026-12-24 10:00:00"))
    told = json.loads(salon("--apply", "--json").out)
    assert (told["taken_over"]["confirmed"], told["taken_over_before"]) == (2, 1)
    assert [ref for (ref,) in salon.ledger.rows("intents", "imported_from")] == [
        "appointments#1",
        "appointments#642",
        "appointments#700",
    ]


def test_a_booking_uid_is_told_apart_by_every_letter(salon: Takeover) -> None:
    """Whatever the column's collation says: Cal.com's differ in nothing but case."""
    salon.people()
    salon.appointments(old(1, 338, uid="3kPzAb"), old(2, 339, uid="3kPzaB"))
    assert json.loads(salon("--json").out)["taken_over"]["confirmed"] == 2


def test_people_are_found_by_phone_else_by_email_else_made(simple: Takeover) -> None:
    """Also those whom the ledger knew before, and those of another batch; a name alone identifies nobody."""
    simple.people(
        *PEOPLE,
        (343, "J. Groß", "030/90 18 20", None),
        (344, "Mira K.", "+4930901830", "MIRA@altersalon.de"),
        (345, "Ohne Nummer", None, None),
        (346, "Von der Pforte", "+4930901829", None),
    )
    simple.appointments(old(99, 338, start="2025-12-01 10:00:00"))
    assert simple("--apply").code == 0
    [(known,)] = simple.ledger.rows("customers", "customer_id")
    simple.appointments(
        *(
            old(number, person, start=f"2026-12-{number:02d} 10:00:00")
            for number, person in enumerate(range(338, 347), 1)
        )
    )
    told = simple("--apply", "--json")
    assert json.loads(told.out)["left_out"] == {"no_name": 1}
    whose = simple.ledger.run(
        "SELECT i.imported_from, a.customer_id FROM appointments a JOIN intents i ON i.intent_id = a.intent_id"
    )
    of = {int(ref.partition("#")[2]): customer for ref, customer in whose}
    assert of[99] == of[1] == of[6] == known
    assert of[3] == of[7], "by e-mail, though the second has a number as well"
    assert of[4] != of[8], "the house's address tells nobody, and neither does a name"
    nameless = simple.ledger.run("SELECT person_kind, person_email FROM intents WHERE imported_from = 'appointments#4'")
    assert nameless == [("name", None)]
    at_the_door = simple.ledger.run("SELECT person_phone FROM intents WHERE imported_from = 'appointments#9'")
    assert at_the_door == [(None,)], "the mapping says whose number that is: nobody's"


def test_a_timestamp_of_mysql_is_an_instant(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is kept in UTC, whatever the mapping says of times without a zone; a DATETIME beside it is the house's."""
    with takeover(("mariadb", "sqlite"), tmp_path, capsys, monkeypatch) as salon:
        salon.people()
        salon.old.run("ALTER TABLE appointments MODIFY starts_at TIMESTAMP NULL")
        salon.old.run(
            "SET time_zone = '+00:00'; INSERT INTO appointments (id, customer_id, service_id, starts_at, "
            "status, calcom_v2_booking_id, created_at) VALUES (1, 338, 7, '2026-12-01 10:00:00', 'confirmed', "
            "'uid_1', '2026-10-06 09:05:21')"
        )
        assert salon("--apply").code == 0
        assert salon.ledger.rows("intents", "start_at", "created_at") == [
            ("2026-12-01T10:00:00.000Z", "2026-10-06T07:05:21.000Z")
        ]


def test_ends_that_stand_there_are_taken(simple: Takeover) -> None:
    """And one that is not after its start is told."""
    simple.people()
    simple.old.run("ALTER TABLE appointments ADD COLUMN ends_at TEXT")
    simple.appointments(old(1), old(2, 339), old(3, 340))
    simple.old.run("UPDATE appointments SET ends_at = '2026-12-01 11:15:00' WHERE id = 1")
    simple.old.run("UPDATE appointments SET ends_at = '2026-12-01 10:00:00' WHERE id = 2")
    simple.mapping(
        simple.file.read_text()
        .replace("{", "{{")
        .replace("}", "}}")
        .replace('call_id = "call_id"', 'call_id = "call_id"\nends_at = "ends_at"')
    )
    assert json.loads(simple("--apply", "--json").out)["details"] == [
        {"why": "unreadable_time", "detail": "ends_at", "rows": 1}
    ]
    assert simple.ledger.rows("appointments", "calcom_v2_booking_id", "ends_at") == [
        ("uid_1", "2026-12-01T10:15:00.000Z"),
        ("uid_3", "2026-12-01T09:30:00.000Z"),
    ]


def test_a_text_that_is_no_utf_8_ends_nothing(simple: Takeover) -> None:
    """It is read as well as it can be."""
    simple.people((338, "x", "+4930901820", None))
    simple.old.run("UPDATE customers SET name = CAST(X'4AFC7267656E' AS TEXT)")
    simple.appointments(old(1))
    assert simple("--apply").code == 0
    assert simple.ledger.rows("intents", "person_name") == [("J\ufffdrgen",)]


def test_names_that_stand_in_the_row_itself(salon: Takeover) -> None:
    """Without a table of customers, without calls and statuses; names of columns that SQL would take for its own."""
    quoted = salon.old.quoted
    salon.old.run(
        f"CREATE TABLE {quoted('order')} ({quoted('group')} BIGINT, {quoted('the name')} VARCHAR(99), tel VARCHAR(99), "
        "uid VARCHAR(99), what VARCHAR(99), beginn VARCHAR(99), angelegt VARCHAR(99))"
    )
    salon.old.run(
        f"INSERT INTO {quoted('order')} VALUES (1, 'Anna Weiß', '030901821', 'u1', 'Schnitt', '2026-12-01T10:00:00Z', "  # noqa: S608 - the tests' own
        "'2026-10-01T10:00:00Z'), (2, NULL, '030901822', 'u2', 'Schnitt', '2026-12-01T10:00:00Z', NULL)"
    )
    salon.mapping("""
source = {{ url = {{ env = "OLD_DATABASE_URL" }}, table = "order" }}
services = {{ Schnitt = "schnitt" }}
[columns]
id = "group"
booking_uid = "uid"
service = "what"
starts_at = "beginn"
created_at = "angelegt"
name = "the name"
phone = "tel"
""")
    told = json.loads(salon("--apply", "--json").out)
    assert (told["taken_over"]["confirmed"], told["left_out"]) == (1, {"no_name": 1})
    assert salon.ledger.rows("intents", "imported_from", "service_id", "person_phone") == [
        ("order#1", "schnitt", "+4930901821")
    ]


def test_people_are_joined_by_numbers_written_as_text(salon: Takeover) -> None:
    """PostgreSQL compares none of the two with the other by itself."""
    salon.people()
    if salon.old.kind != "sqlite":
        kind = (
            "ALTER COLUMN customer_id TYPE varchar(20)"
            if salon.old.kind == "postgres"
            else "MODIFY customer_id VARCHAR(20)"
        )
        salon.old.run(f"ALTER TABLE appointments {kind}")
    salon.appointments(("1", "338", 7, None, "2026-12-01 10:00:00", "confirmed", "u1", None))
    assert salon("--apply").code == 0
    assert salon.ledger.rows("intents", "person_name") == [("Jürgen Groß",)]


def test_nothing_is_begun_where_it_could_not_end_well(simple: Takeover, monkeypatch: pytest.MonkeyPatch) -> None:
    """No file, no ledger, layer 4 off, a database that is not there: each says so, with its exit code."""
    simple.people()
    simple.appointments(old(1))
    assert "say which FILE" in simple.einmal("import").err
    assert simple("--limit", "-1").code == 2
    simple.ledger.drop_layer_4()
    off = simple("--apply")
    assert (off.code, "layer 4 is off" in off.err) == (3, True)
    assert simple().code == 0, "a plan needs none"
    monkeypatch.setenv("OLD_DATABASE_URL", f"sqlite:///{simple.file.parent}/nowhere.sqlite3")
    gone = simple()
    assert (gone.code, "there is no file" in gone.err) == (4, True)
    monkeypatch.setenv("EINMAL_DATABASE_URL", f"sqlite:///{simple.file.parent}/none.sqlite3")
    none = simple()
    assert (none.code, "there is no ledger" in none.err) == (4, True)
    simple.file.unlink()


def test_a_column_that_is_not_there_is_told_with_its_line(simple: Takeover) -> None:
    """As every other mistake in the file."""
    simple.people()
    simple.mapping(
        more="", text=simple.file.read_text().replace("{", "{{").replace("}", "}}").replace('"call_id"', '"calls"')
    )
    told = simple()
    assert told.code == 2
    assert (
        ":13: columns.call_id: appointments has no column 'calls'; there are calcom_v2_booking_id, call_id" in told.err
    )
    assert '13 | call_id = "calls"' in told.err


def test_the_way_back_that_the_page_tells(salon: Takeover) -> None:
    """Its statements take the import out of the ledger, and nothing else; then it can be done again."""
    salon.people()
    salon.appointments(old(1, 338, call="call_a"), old(2, 339))
    assert salon("--apply").code == 0
    salon.ledger.run("UPDATE intents SET imported_from = NULL WHERE imported_from = 'appointments#1'")
    salon.ledger.run("UPDATE calls SET platform = 'retell'")
    [sql] = re.findall(r"```sql\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    for statement in sql.strip().removesuffix(";").split(";\n"):
        salon.ledger.run(statement)
    left = {table: len(salon.ledger.rows(table, "*")) for table in ("intents", "appointments", "customers", "calls")}
    assert left == {"intents": 1, "appointments": 1, "customers": 1, "calls": 1}
    assert json.loads(salon("--apply", "--json").out)["taken_over"]["confirmed"] == 1


def test_every_block_of_commands_on_the_page_can_be_run_as_it_stands() -> None:
    """Words behind a command are a comment to the shell, or they are words of the command."""
    lines = [
        line
        for block in re.findall(r"```sh\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
        for line in block.splitlines()
    ]
    commands = [words for line in lines if (words := shlex.split(line, comments=True)) and words[0] == "einmal"]
    assert len(commands) > 8
    for _, *words in commands:
        _parser().parse_args(words[: words.index(">")] if ">" in words else words)
    unmarked = re.findall(r"```\n(?:einmal|export|set) .*", PAGE.read_text("utf-8"))
    assert unmarked == []


def test_the_page_tells_every_reason() -> None:
    page = PAGE.read_text("utf-8")
    assert [why.value for why in LeftWhy if f"`{why}`" not in page] == []
