"""The table of appointments: for the operator alone, written down, bounded, and no formula in it."""

import csv
import io
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from einmal.entrypoints.web import export
from einmal.entrypoints.web.export import DAYS_MAX, HEAD, Days, NotExported, asked_days, cell, lines
from support.browser import site
from support.world import World, world

OPERATOR, READER = "an-operators-token-for-tests", "a-readers-token-for-tests"
TOKENS = {"EINMAL_ADMIN_TOKEN": OPERATOR, "EINMAL_READER_TOKEN": READER}
LATE = {
    "datum": "2026-12-01",
    "uhrzeit": "11:30",
    "name": "=SUM(A1:A9)",
    "telefon": "030 901820",
    "dienstleistung": "Beratung",
}
WEEK = {"from": "2026-12-01", "to": "2026-12-07"}

HOSTILE = [
    *('=HYPERLINK("http://evil.test","x")', "+49309", "-1+1", "@SUM(A1)", "\t=1", "\r=1", "\n=1"),
    *("＝1", '"quoted", and more', "Größe,\r\nzwei Zeilen", "plain"),
]


@pytest.mark.parametrize("text", HOSTILE)
def test_no_cell_begins_as_a_formula(text: str) -> None:
    """What would begin one has an apostrophe before it; everything else is as it was, and reads back the same."""
    ((read,),) = csv.reader(io.StringIO(lines([[text]]).decode(), newline=""))
    assert read.removeprefix("'") == text
    assert not read.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
    assert (read == text) == (text in HOSTILE[-3:])


@pytest.mark.parametrize("text", ["Anna;=1+1;", "Anna; =1", "a;+1;-2", "a;@SUM(A1)", "a;＝1"])
def test_no_cell_hides_a_formula_behind_a_semicolon(text: str) -> None:
    """German spreadsheets begin a cell there, whatever quotes stand around it."""
    assert all(not part.strip().startswith(("=", "+", "-", "@", "＝")) for part in cell(text).split(";"))
    assert cell(text).replace("'", "") == text
    assert cell("Anna; Weiß;x") == "Anna; Weiß;x"


@given(st.lists(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=2, max_size=4), max_size=5))
def test_what_is_written_is_read_back(rows: list[list[str]]) -> None:
    """Whatever stands in it: commas, quotes, line ends. Each row ends as RFC 4180 says."""
    written = lines(rows).decode()
    assert [list(row) for row in csv.reader(io.StringIO(written, newline=""))] == [[*map(cell, row)] for row in rows]
    assert written.endswith("\r\n") or not rows


def test_an_absent_value_is_empty() -> None:
    assert lines([[None, "x"]]) == b",x\r\n"


def test_days_are_both_included() -> None:
    assert asked_days("2026-12-01", "2026-12-01") == Days(date(2026, 12, 1), date(2026, 12, 1))
    longest = asked_days("2026-01-01", "2026-04-02")
    assert (longest.last - longest.first).days + 1 == DAYS_MAX


@pytest.mark.parametrize(
    ("first", "last", "what"),
    [
        (None, None, "desk_export_dates"),
        ("2026-12-01", None, "desk_export_dates"),
        ("01.12.2026", "02.12.2026", "desk_export_dates"),
        ("2026-02-30", "2026-03-01", "desk_export_dates"),
        ("2026-12-02", "2026-12-01", "desk_export_dates"),
        ("9999-12-31", "9999-12-31", "desk_export_dates"),
        ("0001-01-01", "0001-01-02", "desk_export_dates"),
        ("2026-01-01", "2026-04-03", "desk_export_days"),
    ],
)
def test_other_days_are_refused(first: str | None, last: str | None, what: str) -> None:
    with pytest.raises(NotExported, match=what):
        asked_days(first, last)


@asynccontextmanager
async def asked(
    here: World, token: str = OPERATOR, **query: str
) -> AsyncIterator[tuple[aiohttp.ClientResponse, bytes]]:
    async with (
        site(here) as url,
        aiohttp.ClientSession(headers={"Authorization": f"Bearer {token}"}) as client,
        client.get(f"{url}/export/appointments.csv", params=query) as response,
    ):
        yield response, await response.read()


async def test_the_operator_gets_every_appointment_of_those_days(tmp_path: Path) -> None:
    """By start, in the house's time; a name that is a formula is none any more. The audit log says who took what."""
    async with world(tmp_path, **TOKENS) as here:
        await here.ask("book_appointment", {"call_id": "call_late"}, **LATE)
        await here.call("call_early", telefon="030 901821")
        await here.call("call_after", telefon="030 901822", datum="2026-12-08")
        async with asked(here, **WEEK) as (response, body):
            assert response.status == 200
            assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
            assert "appointments-2026-12-01-2026-12-07.csv" in response.headers["Content-Disposition"]
        assert body.startswith(b"\xef\xbb\xbf")
        head, *rows = csv.reader(io.StringIO(body.decode("utf-8-sig"), newline=""))
        assert head == list(HEAD)
        read = [dict(zip(head, row, strict=True)) for row in rows]
        assert [(one["start"], one["name"], one["phone"], one["call_id"]) for one in read] == [
            ("2026-12-01T10:00+01:00", "Jürgen Groß", "'+4930901821", "call_early"),
            ("2026-12-01T11:30+01:00", "'=SUM(A1:A9)", "'+4930901820", "call_late"),
        ]
        assert (read[0]["end"], read[0]["state"]) == ("2026-12-01T10:30+01:00", "confirmed")
        ((what, data),) = here.rows("SELECT event_type, data FROM system_audit_log")
        assert what == "appointments_exported"
        assert json.loads(data) == {"role": "operator", "first": "2026-12-01", "last": "2026-12-07", "rows": 2}


async def test_many_rows_come_page_by_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "AT_ONCE", 2)
    async with world(tmp_path, **TOKENS) as here:
        for number in range(5):
            await here.call(f"call_{number}", telefon=f"030 90182{number}", uhrzeit=f"{8 + number:02}:00")
        async with asked(here, **WEEK) as (_, body):
            assert [line.split(b",")[9] for line in body.splitlines()[1:]] == [b"call_%d" % n for n in range(5)]


async def test_too_many_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything is sent or written down."""
    monkeypatch.setattr(export, "ROWS_MAX", 1)
    async with world(tmp_path, **TOKENS) as here:
        for number in range(2):
            await here.call(f"call_{number}", telefon=f"030 90182{number}", uhrzeit=f"{8 + number:02}:00")
        async with asked(here, **WEEK, lang="en") as (response, body):
            assert response.status == 400
            assert b"Please choose fewer days" in body
        assert here.rows("SELECT 1 FROM system_audit_log") == []


@pytest.mark.parametrize(("site_of", "status"), [("cross-site", 403), ("same-site", 403), ("none", 200)])
async def test_no_other_site_has_it_fetched(tmp_path: Path, site_of: str, status: int) -> None:
    """On loopback nobody signs in: a page of elsewhere would put a file of names on that machine, and a line into the
    audit log."""
    async with world(tmp_path) as here, site(here) as url, aiohttp.ClientSession() as client:
        path, headers = f"{url}/export/appointments.csv", {"Sec-Fetch-Site": site_of}
        async with client.get(path, params=WEEK, headers=headers) as response:
            assert response.status == status
        assert len(here.rows("SELECT 1 FROM system_audit_log")) == (status == 200)


async def test_a_reader_gets_none(tmp_path: Path) -> None:
    async with world(tmp_path, **TOKENS) as here:
        await here.call()
        async with asked(here, READER, **WEEK) as (response, body):
            assert response.status == 403
            assert "Groß".encode() not in body
        assert here.rows("SELECT 1 FROM system_audit_log") == []


async def test_days_that_are_none_have_a_page_that_says_so(tmp_path: Path) -> None:
    async with world(tmp_path, **TOKENS) as here, asked(here, lang="en", to="tomorrow") as (response, body):
        assert response.status == 400
        assert b"such as 2026-12-01" in body
        assert b"tomorrow" not in body
