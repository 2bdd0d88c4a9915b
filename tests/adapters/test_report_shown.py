"""The weekly report as it is read: in a terminal, as a mail, by a program."""

import json
import re
from datetime import timedelta
from html.parser import HTMLParser
from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from einmal.adapters.report.data import as_data
from einmal.adapters.report.page import Markup, as_html, tag
from einmal.adapters.report.text import MAIL_COLUMNS, as_short_text, as_text, print_report
from einmal.adapters.report.words import change, percent, span
from einmal.domain.report import Read, Report, report_of
from einmal.domain.tally import Tally
from einmal.domain.verdict import Layer, Reason
from einmal.domain.week import Week
from einmal.domain.week_figures import Doubt, DoubtEnd, Drifts, Figures, RejectedOn, Ruled
from support.evidence import NOW

WEEK = Week(2026, 47)
STALE = (Layer.FRESHNESS, Reason.STALE_BOOKING)
HOSTILE = "<script>alert('x')</script> [red]&amp; "
TALLIES = {
    "not_started.replay": Tally(7),
    "timed.judge": Tally(10, 0.0005),
    "timed.layer3": Tally(10, 0.02),
    "slow.layer3": Tally(1, 0.011),
    "timed.layer4": Tally(10, 0.05),
    "served.book.booked": Tally(10, 12.0),
    "served.book.error": Tally(2, 0.1),
    "calendar.create.2xx": Tally(10, 10.0),
    "calendar.find.none": Tally(1, 3.0),
}
FULL = Figures(
    begun=1200,
    appointments=1100,
    rejections=(RejectedOn(WEEK.monday, *STALE, 12), RejectedOn(WEEK.sunday, *STALE, 1)),
    rulings=(Ruled("a", *STALE, wrong=True), Ruled("b", *STALE, wrong=False)),
    doubts=(Doubt(DoubtEnd.BOOKED, 3.0), Doubt(DoubtEnd.BY_PERSON, 7500.0), Doubt(DoubtEnd.OPEN)),
    taken_back=1,
    drifts={"ghost": Drifts(2, 1, 1)},
    callbacks=3,
    callbacks_open=2,
)
BEFORE = Read({"default": Figures(begun=900, appointments=890)}, {})


def report(read: Read, before: Read = BEFORE, **parts: Any) -> Report:
    return report_of(WEEK, "Europe/Berlin", NOW, read, before, **{"running": False, "tenant": None} | parts)


BUSY = report(Read({"default": FULL, HOSTILE: Figures(appointments=1)}, TALLIES))
EMPTY = report(Read({}, {}), Read({}, {}))


def printed(of: Report, width: int) -> list[str]:
    stream = StringIO()
    print_report(of, Console(file=stream, width=width, color_system=None))
    return [line.rstrip() for line in stream.getvalue().splitlines()]


def row(lines: list[str], name: str) -> list[str]:
    """The figures beside a name."""
    (line,) = (line for line in lines if line.startswith(f"{name}  "))
    return re.split(r" {2,}", line.removeprefix(name).strip())


@pytest.mark.parametrize("width", [80, 120])
def test_each_figure_stands_in_one_line(width: int) -> None:
    """Wide or narrow, nothing is cut and nothing runs over."""
    lines = printed(BUSY, width)
    assert max(map(len, lines)) <= width
    assert "…" not in "\n".join(lines)
    assert lines[0] == "Einmal, week 2026-W47"
    assert lines[3] == "Missed: prevention rate, false positives, rejections in one day."
    assert row(lines, "Prevention rate") == ["1.17 %", "0.00 %", "< 1 %", "MISSED"]
    assert row(lines, "Guard, per booking") == ["7.05 ms", "-", "< 50 ms", "met"]
    assert row(lines, "Appointments booked") == ["1,101", "890", "+211"]
    assert row(lines, "1 created before we asked") == ["13", "100.00 %", "1", "0"]
    assert row(lines, "Bookings in doubt") == ["3", "0", "+3"]
    assert row(lines, "  longest") == ["2 h 5 min", "-", "-"]
    assert row(lines, "ghost") == ["2", "1", "1", "0"]
    assert row(lines, "  of 10 ms or more") == ["1", "0", "+1"]
    assert row(lines, "default") == ["1,100", "13", "3"]
    assert "Monday 2026-11-16: 12 rejections, more than 10." in lines
    assert "Ruled right by a person: 1." in lines


def test_what_to_do_next_stands_at_the_end() -> None:
    lines = printed(BUSY, 120)
    steps = lines[lines.index("Next") + 1 :]
    for word in ("intents show", "ruled wrong", "--rejection-right", "intents list", "reconcile", "callbacks list"):
        assert any(word in step for step in steps), word


def test_a_week_that_is_fine_says_so_and_nothing_to_do() -> None:
    lines = printed(report(Read({"default": Figures(begun=5, appointments=5)}, {})), 80)
    assert "All goals that could be measured are met." in lines
    assert "Next" not in lines
    assert not any(line.startswith("By tenant") for line in lines), "there is but one"


def test_an_empty_week_says_so_and_what_to_look_at() -> None:
    lines = printed(EMPTY, 80)
    assert "Nothing happened this week: no wish, no booking, no function call was counted." in lines
    assert "`einmal config check`" in " ".join(" ".join(lines).split())
    assert not any(line.startswith("Goals") for line in lines)


def test_a_week_that_runs_says_that_it_is_not_over() -> None:
    running = report(Read({"default": FULL}, TALLIES), running=True)
    assert "The week is not over yet." in " ".join(printed(running, 80))


def test_of_one_tenant_it_says_what_is_counted_for_all() -> None:
    lines = printed(report(Read({"default": FULL}, TALLIES), tenant="default"), 80)
    assert lines[0] == "Einmal, week 2026-W47, default"
    assert row(lines, "Ledger look-up") == ["-", "-", "< 10 ms", "not measured"]
    assert "without --tenant" in " ".join(lines)


def test_as_plain_mail_it_has_short_lines_and_no_colours() -> None:
    text = as_text(BUSY)
    assert "\x1b" not in text
    assert max(map(len, text.splitlines())) <= MAIL_COLUMNS
    assert "Prevention rate" in text


def test_where_people_chat_it_is_a_few_lines() -> None:
    lines = as_short_text(BUSY).splitlines()
    assert lines[0] == "Einmal, week 2026-W47"
    assert "Prevention rate: 1.17 % (goal < 1 %) MISSED" in lines
    assert len(lines) < 20
    assert as_short_text(EMPTY).splitlines()[2].startswith("Nothing happened")


TABLE = ("table", "thead", "tbody", "tr", "th", "td")


class Tags(HTMLParser):
    """What a mail program would make of the page: its tags, balanced, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, name: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append((name, dict(attributes)))
        if name != "meta":
            self.open.append(name)

    def handle_endtag(self, name: str) -> None:
        assert self.open.pop() == name

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def test_the_page_is_whole_and_fetches_nothing() -> None:
    """No picture, script, sheet or link: mail programs drop them, and nobody learns when it is read."""
    page = Tags(as_html(BUSY))
    assert page.open == []
    names = {name for name, _ in page.tags}
    assert names <= {"html", "head", "meta", "title", "body", "div", "h1", "h2", "p", "ul", "li", *TABLE}
    assert not any({"src", "href", "class"} & set(attributes) for _, attributes in page.tags)
    assert "http" not in as_html(BUSY)
    assert ("meta", {"name": "viewport", "content": "width=device-width, initial-scale=1"}) in page.tags


def test_the_page_says_what_the_text_says() -> None:
    words = " ".join(Tags(as_html(BUSY)).text).split()
    assert sorted(words) == sorted([*as_text(BUSY).replace("\n- ", "\n").split(), "Einmal,", "week", "2026-W47"])


def test_what_tenants_are_called_is_text_and_no_markup() -> None:
    """Neither for a browser nor for the terminal."""
    assert "<script>" not in as_html(BUSY)
    assert HOSTILE in " ".join(Tags(as_html(BUSY)).text) + " "
    assert any("[red]&amp;" in line for line in printed(BUSY, 120))


def test_control_what_is_said_to_be_markup_is_put_in_as_it_is() -> None:
    assert tag("p", "<b>", Markup("<b>"), title='"<') == '<p title="&quot;&lt;">&lt;b&gt;<b></p>'


def test_for_programs_there_are_numbers() -> None:
    data = json.loads(json.dumps(as_data(BUSY)))
    assert (data["week"], data["from"], data["to"]) == ("2026-W47", "2026-11-16", "2026-11-22")
    assert data["goals"][0] == {
        "goal": "prevention_rate",
        "value": pytest.approx(100 * 13 / 1114),
        "before": 0.0,
        "standing": "missed",
    }
    this = data["this_week"]
    assert (this["appointments"], this["rejections"], this["false_positives"]) == (1101, 13, 1)
    assert this["rejections_by_day"] == {"2026-11-16": 12, "2026-11-22": 1}
    assert this["doubts"] == {"all": 3, "booked": 1, "not_booked": 0, "by_person": 1, "open": 1}
    assert this["drift"] == {"ghost": {"seen": 2, "over": 1, "open": 1}}
    assert this["tallies"]["timed.layer3"] == {"count": 10, "seconds": 0.02}
    assert data["days_to_look_into"] == {"2026-11-16": 12}
    assert data["week_before"]["appointments"] == 890
    assert data["tenants"]["default"] == {"appointments": 1100, "rejections": 13, "doubts": 3}
    assert as_data(EMPTY)["empty"] is True
    assert as_data(EMPTY)["week_before"] is None


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.00042, "0.42 ms"),
        (0.0, "0.00 ms"),
        (0.9999, "999.90 ms"),
        (1.0, "1.0 s"),
        (59.9, "59.9 s"),
        (60.0, "1 min 0 s"),
        (3599.4, "59 min 59 s"),
        (timedelta(days=2) / timedelta(seconds=1), "48 h 0 min"),
    ],
)
def test_a_time_is_written_in_the_unit_that_it_is_read_in(seconds: float, text: str) -> None:
    assert span(seconds) == text


@pytest.mark.parametrize(
    ("value", "before", "text"),
    [
        (0.5, 0.25, "+0.25 %"),
        (0.25, 0.5, "-0.25 %"),
        (0.501, 0.502, "="),
        (None, 0.5, "-"),
        (0.5, None, "-"),
    ],
)
def test_a_change_is_what_it_would_be_seen_as(value: float | None, before: float | None, text: str) -> None:
    """Two figures that are written alike have not changed."""
    assert change(value, before, percent) == text
