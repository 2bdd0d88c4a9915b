"""`einmal privacy`: a person's copy and their erasure, as an operator runs it. On real ledgers."""

import asyncio
import base64
import json
import re
import shlex
import stat
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from einmal.adapters.sql.ledger import SqliteLedger
from einmal.adapters.sql.sqlite import carried_out, connect
from einmal.adapters.sql.tenants import sealed_anew
from einmal.domain.admission import AdmissionPolicy
from einmal.domain.answer import Answer, AnswerKind
from einmal.domain.callback import Callback
from einmal.domain.intent import Event
from einmal.domain.keys import intent_key
from einmal.domain.model import Booking, BookingStatus, MetadataKey, Person, Wish
from einmal.entrypoints.cli import privacy
from einmal.entrypoints.cli.main import main
from einmal.ports import CallContact, Candidate, Transition
from einmal.sealed import Keyring
from einmal.secret import Secret
from support.evidence import CALL, OTHER_CALL, SERVICE
from support.ledger_file import new_ledger
from support.personal import EMAIL, IDS, NAME, PHONE

NOW = datetime.now(UTC).replace(microsecond=0)
PAST, COMING = NOW - timedelta(days=3), NOW + timedelta(days=3)
POLICY = AdmissionPolicy()
SPELLED = ("+49 157 88854321", "0157 888 543 21", "0049 157 88854321", "+4915788854321")


@dataclass
class Office:
    """A ledger, and somebody who is asked by a customer what is held of them."""

    path: Path
    output: pytest.CaptureFixture[str]

    def told(self, *words: str) -> tuple[int, str, str]:
        code = main(["privacy", *words])
        output = self.output.readouterr()
        return code, output.out, output.err

    def holds(self, work: Callable[[SqliteLedger, bytes], Awaitable[None]], tenant: str = "default") -> None:
        ledger = SqliteLedger(self.path, IDS, ("log", "sms"))

        async def done() -> None:
            await work(ledger, await ledger.ensure_tenant(tenant, tenant, (), NOW))

        ledger.open()
        asyncio.run(done())
        ledger.close()

    def copy(self, *words: str) -> dict[str, Any]:
        code, out, err = self.told("export", *words)
        assert (code, err) == (0, "")
        copy: dict[str, Any] = json.loads(out)
        return copy


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Office:
    path = tmp_path / "ledger.sqlite3"
    monkeypatch.setenv("EINMAL_DATABASE_URL", f"sqlite:///{path}")
    monkeypatch.setenv("COLUMNS", "80")
    new_ledger(path)
    return Office(path, capsys)


GUEST = Person(NAME, PHONE, EMAIL)


def booked(
    start: datetime = PAST, call: str = CALL, person: Person = GUEST, tenant: str = "default"
) -> Callable[[SqliteLedger, bytes], Awaitable[None]]:
    async def work(ledger: SqliteLedger, hash_key: bytes) -> None:
        of = Wish(tenant, call, SERVICE, start, person)
        born = (IDS.time_ordered(), IDS.operation_id(), person.email or "termin@salon.test", PAST, PAST)
        candidate = Candidate(of, CallContact("retell", call), intent_key(of, hash_key), *born)
        admitted = await ledger.admit(candidate, POLICY)
        assert admitted.started is not None
        marked = {MetadataKey.OPERATION_ID: admitted.started.operation_id}
        made = Booking(f"uid-{call[-4:]}-{start.day}", BookingStatus.ACCEPTED, start, of.end, 101, PAST, marked)
        answer = Answer(AnswerKind.BOOKING, made, 201)
        await ledger.apply(Transition(admitted.started, (Event.LANDED_ACCEPTED,), PAST, answer, made))
        for message in await ledger.outbox.claim_messages(NOW, NOW, 50):
            await ledger.outbox.sent(message, NOW)

    return work


@pytest.mark.parametrize("spelling", SPELLED)
def test_a_copy_holds_everything_and_says_where_more_is(office: Office, spelling: str) -> None:
    """In whatever way the number is written; what lies elsewhere is named by the ids under which it lies there."""
    office.holds(booked())
    copy = office.copy("--phone", spelling)
    assert (copy["found"], copy["asked"]["phone"]) == (True, PHONE)
    assert copy["held"]["customers"][0]["name"] == NAME
    assert copy["held"]["intents"][0]["person_email"] == EMAIL
    where = {one["where"]: one["ids"] for one in copy["elsewhere"]}
    assert where["Cal.com"] == [f"uid-{CALL[-4:]}-{PAST.day}"]
    assert where["retell"] == [CALL]
    assert where.keys() == {"Cal.com", "retell", "logs", "backups of the ledger"}
    assert office.copy("--email", EMAIL.upper())["held"].keys() == copy["held"].keys()


def test_a_number_that_several_share_is_said(office: Office) -> None:
    """Before anything of another person is given away or erased; of one person, however written, nothing is said."""
    office.holds(booked())
    office.holds(booked(PAST - timedelta(days=1), OTHER_CALL, Person("kanaria VOGELSANG", PHONE)))
    assert "names" not in office.told("erase", "--phone", PHONE)[1]
    office.holds(booked(PAST - timedelta(days=2), "call_of_another", Person("Emil Vogelsang", PHONE)))
    code, out, _ = office.told("erase", "--phone", PHONE)
    assert (code, "This is held under 2 names" in out) == (0, True)
    code, out, err = office.told("export", "--phone", PHONE)
    assert (code, "This is held under 2 names" in err) == (0, True)
    assert len(json.loads(out)["held"]["intents"]) == 3
    assert json.loads(office.told("erase", "--phone", PHONE, "--json")[1])["names"] == 2


def test_news_that_was_sent_lies_with_whoever_got_it(office: Office) -> None:
    """By channel; what only stands in our own log is none."""
    office.holds(booked(person=Person(NAME, PHONE)))
    assert "sms" in {one["where"] for one in office.copy("--phone", PHONE)["elsewhere"]}


def test_of_somebody_else_nothing_is_held(office: Office) -> None:
    office.holds(booked())
    copy = office.copy("--phone", "+49 30 901820")
    assert (copy["found"], copy["held"], copy["elsewhere"]) == (False, {}, [])
    code, out, err = office.told("erase", "--phone", "+49 30 901820", "--apply")
    assert (code, out, err) == (0, "Nothing is held of this person.\n", "")


def test_whose_booking_came_back_is_not_told_to_another(office: Office) -> None:
    """The incident, from its other side: their copy has the evidence, and nobody else's name or call."""
    office.holds(booked(person=Person("Anna Weiß", "+491512345678", "anna.weiss@altersalon.de")))

    async def answered_with_anothers(ledger: SqliteLedger, hash_key: bytes) -> None:
        of = Wish("default", OTHER_CALL, SERVICE, PAST, Person(NAME, PHONE))
        born = (IDS.time_ordered(), IDS.operation_id(), "termin@salon.test", PAST, PAST)
        call = CallContact("retell", OTHER_CALL)
        admitted = await ledger.admit(Candidate(of, call, intent_key(of, hash_key), *born), POLICY)
        assert admitted.started is not None
        mark = {MetadataKey.CALL_ID: CALL, MetadataKey.OPERATION_ID: "theirs"}
        theirs = Booking(
            "uid-theirs",
            BookingStatus.ACCEPTED,
            PAST,
            None,
            101,
            PAST,
            mark,
            ("anna.weiss@altersalon.de",),
            "Anna Weiß",
        )
        answer = Answer(AnswerKind.BOOKING, theirs, 201)
        events = (Event.DOUBTED, Event.NOT_OURS_AND_ABSENT)
        await ledger.apply(Transition(admitted.started, events, PAST, answer, not_ours=True))

    office.holds(answered_with_anothers)
    copy = office.copy("--phone", PHONE)
    assert copy["held"]["attempts"][0]["received"]["uid"] == "uid-theirs"
    assert not any(word in json.dumps(copy, ensure_ascii=False) for word in ("Weiß", "weiss", CALL))
    assert "Cal.com" not in {one["where"] for one in copy["elsewhere"]}, "that booking is not theirs to have erased"


def test_erasure_first_says_what_it_would_do(office: Office) -> None:
    """Nobody is named in what is printed; and nothing is changed until it is said again."""
    office.holds(booked())
    code, out, err = office.told("erase", "--phone", PHONE)
    assert (code, err) == (0, "")
    assert "Who it was would be gone from:" in out
    assert out.endswith("\nNothing was changed. To do it, say it again with --apply.\n")
    assert not any(word in out for word in (NAME, PHONE[3:], EMAIL))
    assert office.copy("--phone", PHONE)["found"]
    code, out, err = office.told("erase", "--phone", PHONE, "--apply")
    assert (code, err) == (0, "")
    assert "Erased. Who it was is gone from:\n      1  intents" in out
    assert "Copies that are not reached; erase them there:" in out
    assert not office.copy("--phone", PHONE, "--email", EMAIL)["found"]
    assert office.told("erase", "--phone", PHONE, "--apply")[:2] == (0, "Nothing is held of this person.\n")
    held = b"".join(file.read_bytes() for file in office.path.parent.glob("ledger*"))
    assert not any(word.encode() in held for word in (NAME, PHONE, EMAIL))


def test_where_a_backup_reads_the_file_it_says_so(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was there before is in the log of writes until that reader ends; said again, it is gone."""
    monkeypatch.setattr(privacy, "SCRUB_AGAIN_SECONDS", 0.0)
    office.holds(booked())
    with closing(connect(office.path)) as backup:
        backup.execute("BEGIN")
        backup.execute("SELECT count(*) FROM intents").fetchall()
        code, out, err = office.told("erase", "--phone", PHONE, "--apply")
        assert (code, out.startswith("Erased.")) == (0, True)
        assert err.startswith("einmal: it is erased, but something reads the ledger's file for long")
        held = b"".join(file.read_bytes() for file in office.path.parent.glob("ledger*"))
        assert NAME.encode() in held
        backup.execute("COMMIT")
        assert office.told("erase", "--phone", PHONE, "--apply") == (0, "Nothing is held of this person.\n", "")
        held = b"".join(file.read_bytes() for file in office.path.parent.glob("ledger*"))
        assert NAME.encode() not in held


def test_an_appointment_to_come_is_cancelled_first(office: Office) -> None:
    """It says which, when, and how to look at it; nothing is erased."""
    office.holds(booked())
    office.holds(booked(COMING, OTHER_CALL))
    for words in ((), ("--apply",)):
        code, out, err = office.told("erase", "--phone", PHONE, *words)
        assert (code, err) == (1, "")
        [first, line] = out.splitlines()
        assert first == "Nothing was erased. First:"
        assert line.startswith("  cancel the appointment of ")
        assert "einmal explain " in line
    assert len(office.copy("--phone", PHONE)["held"]["intents"]) == 2
    code, out, _ = office.told("erase", "--phone", PHONE, "--apply", "--json")
    told = json.loads(out)
    assert (code, told["erased"], [one["why"] for one in told["in_the_way"]]) == (1, False, ["to_come"])


def test_who_withheld_their_number_is_found_by_the_call(office: Office) -> None:
    """Known by a name alone: by their call they are shown, erased, and then nobody's."""
    office.holds(booked(person=Person(NAME)))
    assert not office.copy("--phone", PHONE)["found"]
    copy = office.copy("--call", CALL)
    assert (copy["held"]["intents"][0]["person_name"], copy["held"]["customers"][0]["name"]) == (NAME, NAME)
    assert office.told("erase", "--call", CALL, "--apply")[0] == 0
    assert not office.copy("--call", CALL)["found"]
    assert NAME.encode() not in b"".join(file.read_bytes() for file in office.path.parent.glob("ledger*"))


def test_who_is_known_by_more_is_asked_for_by_that_too(office: Office) -> None:
    """Else what they booked under it alone would stay, and nobody would know."""
    office.holds(booked())
    hint = "They gave another number or address as well"
    assert hint in office.told("erase", "--phone", PHONE)[1]
    assert hint not in office.told("erase", "--phone", PHONE, "--email", EMAIL)[1]
    told = json.loads(office.told("erase", "--phone", PHONE, "--json")[1])
    assert (told["erased"], told["other_contacts"], told["emptied"]["intents"]) == (False, 1, 1)


def test_an_open_call_back_is_erased_and_it_says_so(office: Office) -> None:
    async def asked(ledger: SqliteLedger, hash_key: bytes) -> None:
        assert hash_key
        await ledger.callbacks.note(Callback("01c", "default", CALL, NAME, PHONE, "Termin", None, NOW))
        for message in await ledger.outbox.claim_messages(NOW, NOW, 50):
            await ledger.outbox.sent(message, NOW)

    office.holds(asked)
    assert (
        "Nobody would call them back: 1 of the call-backs is still open." in office.told("erase", "--phone", PHONE)[1]
    )
    assert office.told("erase", "--phone", PHONE, "--apply")[0] == 0
    assert not office.copy("--phone", PHONE)["found"]


def test_a_copy_in_a_file_is_for_nobody_else(office: Office, tmp_path: Path) -> None:
    """Readable by its owner alone, and never over another file."""
    office.holds(booked())
    out = tmp_path / "copy.json"
    code, told, _ = office.told("export", "--phone", PHONE, "--out", str(out))
    assert (code, told) == (0, f"All that is held of them stands in {out}.\n")
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert json.loads(out.read_text("utf-8"))["found"]
    before = out.read_bytes()
    code, told, err = office.told("export", "--phone", PHONE, "--out", str(out))
    assert (code, told, err) == (2, "", f"einmal: {out} is there already; name a new file\n")
    assert out.read_bytes() == before
    nowhere = tmp_path / "no" / "copy.json"
    code, told, err = office.told("export", "--phone", PHONE, "--out", str(nowhere))
    assert (code, err) == (2, f"einmal: {nowhere} cannot be written: No such file or directory\n")


def test_of_several_tenants_one_is_meant(office: Office) -> None:
    """A customer of both asks each house by itself."""
    office.holds(booked())
    office.holds(booked(tenant="praxis", call=OTHER_CALL), "praxis")
    code, _, err = office.told("export", "--phone", PHONE)
    assert (code, err) == (2, "einmal: say whose customer it is with --tenant: default, praxis\n")
    code, _, err = office.told("export", "--phone", PHONE, "--tenant", "salon")
    assert (code, err) == (2, "einmal: there is no tenant 'salon'; there are default, praxis\n")
    assert office.told("erase", "--phone", PHONE, "--tenant", "praxis", "--apply")[0] == 0
    assert not office.copy("--phone", PHONE, "--tenant", "praxis")["found"]
    assert office.copy("--phone", PHONE, "--tenant", "default")["found"]


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ((), "say of whom: --phone or --email, or --call where the number was withheld"),
        (("--phone", "12"), "--phone is no number that a caller can have; say +49 30 901820, or 030 901820"),
        (("--phone", "anonymous"), "--phone is no number that a caller can have; say +49 30 901820, or 030 901820"),
        (("--email", "anna"), "--email is no address; say anna@example.org"),
        (("--call", ""), "say of whom: --phone or --email, or --call where the number was withheld"),
    ],
)
def test_what_is_wrong_is_said(office: Office, words: tuple[str, ...], why: str) -> None:
    """And what was typed is not said again: it may be somebody's."""
    office.holds(booked())
    for command in ("export", "erase"):
        assert office.told(command, *words) == (2, "", f"einmal: {why}\n")


def test_a_sealed_key_of_hashes_is_opened_or_said_to_be_shut(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without it nobody could be found by their number, and "nothing is held" would be wrong."""
    office.holds(booked())
    key = base64.b64encode(bytes(range(32))).decode()
    with closing(connect(office.path)) as ledger:
        ledger.execute("BEGIN")
        carried_out(ledger, sealed_anew(Keyring((Secret(key),)))())
        ledger.execute("COMMIT")
    code, out, err = office.told("export", "--phone", PHONE)
    assert (code, out) == (4, "")
    assert err.startswith("einmal: the key of the hashes of default does not open: ")
    monkeypatch.setenv("EINMAL_SECRETS_KEY", key)
    assert office.copy("--phone", PHONE)["found"]


def test_each_command_of_the_page_runs(office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As it stands in docs/privacy.md, comments and all."""
    office.holds(booked())
    monkeypatch.chdir(tmp_path)
    page = (Path(__file__).parents[2] / "docs" / "privacy.md").read_text("utf-8")
    lines = re.findall(r"^einmal (privacy .*)$", page, re.MULTILINE)
    assert len(lines) == 5
    for line in lines:
        assert main(shlex.split(line, comments=True)) == 0, line
    assert (tmp_path / "copy.json").exists()


def test_without_a_ledger_nobody_could_look(office: Office, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert office.told("export", "--phone", PHONE)[::2] == (2, "einmal: the ledger has served nobody yet\n")
    monkeypatch.setenv("EINMAL_DATABASE_URL", f"sqlite:///{tmp_path}/none.sqlite3")
    code, _, err = office.told("erase", "--phone", PHONE)
    assert code == 4
    assert err.startswith("einmal: there is no ledger at ")
