"""`einmal import` of what is known already: by its name and its booking, not by its name alone, and as it was then."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.imports import Takeover, old, takeover

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


def test_a_row_that_is_known_with_another_booking_is_left_out_aloud(salon: Takeover) -> None:
    """As of a second database with a table of that name; with a name of its own its rows are taken over, once."""
    salon.people()
    salon.appointments(old(1, 338), old(2, 339))
    assert salon("--apply").code == 0
    salon.old.run(
        "UPDATE appointments SET calcom_v2_booking_id = 'other', starts_at = '2027-01-05 10:00:00' WHERE id = 1"
    )
    for words in (("--json",), ("--apply", "--json")):
        again = salon(*words)
        told = json.loads(again.out)
        assert (again.code, told["taken_over_before"], told["left_out"]) == (1, 1, {"row_known": 1})
        assert told["listed"] == [{"row": "appointments#1", "why": "row_known", "detail": ""}]
    assert "give this\none a name of its own" in salon().out
    assert salon.ledger.rows("intents", "booking_uid") == [("uid_1",), ("uid_2",)]
    salon.named("salon-nord")
    named = salon("--apply")
    assert ("appointments as salon-nord\n" in named.out, "Taken over: 1 (" in named.out) == (True, True)
    assert "salon-nord#2  booking_known" in named.out
    told = json.loads(salon("--json").out)
    assert (told["name"], told["taken_over_before"], told["left_out"]) == ("salon-nord", 1, {"booking_known": 1})
    refs = [("appointments#1", "uid_1"), ("appointments#2", "uid_2"), ("salon-nord#1", "other")]
    assert salon.ledger.rows("intents", "imported_from", "booking_uid") == refs


def test_two_rows_of_one_id_are_told_by_the_plan_too(simple: Takeover) -> None:
    """A column that names no row; the first is taken over as what it is."""
    simple.people()
    simple.appointments(old(1, 338), old(2, 339), old(3, 340))
    simple.mapping(text=simple.as_it_is.replace('id = "id"\nbooking', 'id = "service_id"\nbooking'))
    for words in (("--json",), ("--apply", "--json")):
        told = json.loads(simple(*words).out)
        assert (told["taken_over"]["confirmed"], told["left_out"]) == (1, {"row_known": 2})
    [(uid, kind, key)] = simple.ledger.rows("intents", "booking_uid", "person_phone", "intent_key")
    assert (uid, kind) == ("uid_1", "+4930901820")
    simple.mapping()
    simple.ledger.run("DELETE FROM appointments")
    simple.ledger.run("DELETE FROM intents")
    assert simple("--apply").code == 0
    assert dict(simple.ledger.rows("intents", "booking_uid", "intent_key"))["uid_1"] == key, "not the last one's"


def test_what_says_something_else_than_it_did_is_counted(salon: Takeover) -> None:
    """A corrected mapping changes nothing that was taken over, and that is said, with the way back."""
    salon.people()
    salon.appointments(old(1, 338), old(2, 339), old(3, 340, status="scheduled"))
    assert salon("--apply").code == 0
    assert "another start" not in salon("--apply").out
    before = salon.ledger.rows("intents", "imported_from", "start_at", "service_id", "state")
    for was, now, count in (
        ('"7" = "Beratung"', '"7" = "Haarschnitt"', 3),
        ('scheduled = "confirmed"', 'scheduled = "pending"', 1),
        ('table = "appointments"', 'table = "appointments"\ntime_zone = "America/New_York"', 3),
    ):
        salon.mapping()
        salon.mapping(text=salon.as_it_is.replace(was, now, 1))
        expected = 0 if salon.old.kind == "postgres" and "time_zone" in now else count  # its instants have a zone
        told = json.loads(salon("--json").out)
        assert (told["taken_over_before"], told["differ_from_the_ledger"]) == (3, expected), now
    salon.mapping()
    salon.mapping(text=salon.as_it_is.replace('"7" = "Beratung"', '"7" = "Haarschnitt"'))
    again = salon("--apply").out
    assert re.search(r"3  say another start, service or status now; the ledger keeps", again)
    assert "Going back" in again
    assert salon.ledger.rows("intents", "imported_from", "start_at", "service_id", "state") == before


def test_an_intent_tells_where_it_was_taken_over_from(simple: Takeover) -> None:
    simple.people()
    simple.appointments(old(641, 338))
    assert simple("--apply").code == 0
    [(intent_id,)] = simple.ledger.rows("intents", "intent_id")
    assert "appointments#641" in simple.einmal("intents", "show", intent_id).out
    assert json.loads(simple.einmal("intents", "show", intent_id, "--json").out)["imported_from"] == "appointments#641"
    simple.ledger.run("UPDATE intents SET imported_from = NULL")
    assert json.loads(simple.einmal("intents", "show", intent_id, "--json").out)["imported_from"] is None
