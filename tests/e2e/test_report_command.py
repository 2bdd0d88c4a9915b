"""`einmal report` and its rulings: on real ledgers, with what they print and their exit codes."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from einmal.domain.verdict import Layer, Reason
from einmal.domain.week import Week
from einmal.entrypoints.cli.main import main
from einmal.entrypoints.cli.report import week_of
from support.sql import SqlBase, sqlite_base
from support.weeks import Rows

WEEK = "2026-W40"
WEDNESDAY = datetime(2026, 9, 30, 9, tzinfo=UTC)
STALE = (Layer.FRESHNESS, Reason.STALE_BOOKING)


@dataclass
class Desk:
    """A ledger, and somebody who asks about it."""

    base: SqlBase
    rows: Rows
    output: pytest.CaptureFixture[str]

    def told(self, *words: str) -> tuple[int, str, str]:
        code = main([*words])
        output = self.output.readouterr()
        return code, output.out, output.err


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> object:
    with sqlite_base(tmp_path) as base:
        monkeypatch.setenv("EINMAL_DATABASE_URL", f"sqlite:///{base.where}")
        rows = Rows(base.run)
        rows.tenant("default", WEDNESDAY - timedelta(days=30))
        yield Desk(base, rows, capsys)


def test_a_week_that_is_fine_ends_with_0(desk: Desk) -> None:
    desk.rows.appointment(WEDNESDAY)
    code, out, err = desk.told("report", "--week", WEEK)
    assert (code, err) == (0, "")
    assert out.startswith("Einmal, week 2026-W40\n2026-09-28 to 2026-10-04 (Europe/Berlin)")
    assert "All goals that could be measured are met." in out


def test_a_missed_goal_ends_with_1(desk: Desk) -> None:
    desk.rows.appointment(WEDNESDAY)
    desk.rows.rejected(WEDNESDAY, *STALE)
    code, out, _ = desk.told("report", "--week", WEEK)
    assert code == 1
    assert "Missed: prevention rate." in out


def test_an_empty_week_ends_with_0_and_says_what_to_look_at(desk: Desk) -> None:
    """Without a word about the week it is the last one."""
    code, out, _ = desk.told("report")
    assert code == 0
    assert f"Einmal, week {Week.of(datetime.now(ZoneInfo('Europe/Berlin')).date()).before}" in out
    assert "Nothing happened this week" in out


def test_for_a_script_there_is_json_and_for_a_mail_there_is_html(desk: Desk) -> None:
    desk.rows.appointment(WEDNESDAY)
    code, out, _ = desk.told("report", "--week", WEEK, "--json")
    assert (code, json.loads(out)["this_week"]["appointments"]) == (0, 1)
    code, out, _ = desk.told("report", "--week", WEEK, "--html")
    assert code == 0
    assert out.startswith("<!doctype html>")


def test_of_one_house_or_of_all(desk: Desk) -> None:
    desk.rows.tenant("praxis", WEDNESDAY)
    for tenant in ("default", "praxis", "praxis"):
        desk.rows.appointment(WEDNESDAY, tenant)
    for tenant, count in (("default", 1), ("praxis", 2)):
        _, out, _ = desk.told("report", "--week", WEEK, "--json", "--tenant", tenant)
        assert json.loads(out)["this_week"]["appointments"] == count
    code, out, err = desk.told("report", "--tenant", "nobody")
    assert (code, out) == (2, "")
    assert "there is no tenant 'nobody'; there are default, praxis" in err


@pytest.mark.parametrize(
    ("week", "why"),
    [
        ("2026-W54", "2026 has no week 54"),
        ("next", "a week is written 2026-W47"),
        ("2999-W01", "it has not begun"),
        ("0001-W01", "weeks are known from 2000"),
    ],
)
def test_what_is_no_week_is_told(desk: Desk, week: str, why: str) -> None:
    code, out, err = desk.told("report", "--week", week)
    assert (code, out) == (2, "")
    assert why in err
    assert "this or last" in err


def test_this_and_last_are_weeks_of_the_house() -> None:
    """Half past eleven on Sunday evening in London is Monday in Berlin."""
    sunday = datetime(2026, 11, 22, 23, 30, tzinfo=UTC)
    weeks = [str(week_of(word, sunday, zone)) for zone in ("Europe/Berlin", "UTC") for word in ("this", "last")]
    assert weeks == ["2026-W48", "2026-W47", "2026-W47", "2026-W46"]


def test_a_person_rules_that_a_rejection_was_wrong(desk: Desk) -> None:
    """Twice is once; the last word counts; the report tells of it, and nothing else has changed."""
    desk.rows.appointment(WEDNESDAY)
    refused = desk.rows.rejected(WEDNESDAY, *STALE)
    before = desk.base.rows("intents", "intent_id", "state", "epoch")
    rule = ("intents", "rule", refused)
    assert desk.told(*rule, "--rejection-wrong")[:2] == (0, "Ruled: the rejection was wrong.\n")
    assert desk.told(*rule, "--rejection-wrong")[:2] == (0, "It was ruled wrong already.\n")
    assert false_positives(desk) == 1
    assert desk.told(*rule, "--rejection-right")[:2] == (0, "Ruled: the rejection was right.\n")
    assert false_positives(desk) == 0
    assert desk.base.rows("intents", "intent_id", "state", "epoch") == before
    assert [kind for (kind,) in desk.base.run("SELECT kind FROM facts WHERE kind <> 'rejected'")] == [
        "rejectionruled",
        "rejectionruled",
    ]


def false_positives(desk: Desk) -> int:
    count: int = json.loads(desk.told("report", "--week", WEEK, "--json")[1])["this_week"]["false_positives"]
    return count


def test_what_no_layer_refused_takes_no_ruling(desk: Desk) -> None:
    booked = desk.rows.appointment(WEDNESDAY)
    for one in (booked, "nobody"):
        code, out, err = desk.told("intents", "rule", one, "--rejection-wrong")
        assert (code, out) == (2, "")
        assert f"no layer of the guard has refused an intent {one}" in err


def test_a_ruling_is_of_one_kind(desk: Desk) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["intents", "rule", "x", "--rejection-wrong", "--not-booked"])
    assert ended.value.code == 2
    assert "not allowed with" in desk.output.readouterr().err


@pytest.mark.parametrize("words", [("report",), ("report", "--json"), ("intents", "rule", "x", "--rejection-right")])
def test_without_a_ledger_it_cannot_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    """And says so, instead of "nothing happened"."""
    path = tmp_path / "none.sqlite3"
    monkeypatch.setenv("EINMAL_DATABASE_URL", f"sqlite:///{path}")
    assert main([*words]) == 4
    output = capsys.readouterr()
    assert output.out == ""
    assert "there is no ledger" in output.err
    assert not path.exists()
