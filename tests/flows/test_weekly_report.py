"""The weekly report goes out: once, on Monday morning, by real mail and real HTTP, and what happens where it cannot."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from einmal.adapters.system import SystemIds
from einmal.domain.facts import Alarm
from einmal.domain.report import Report
from einmal.domain.verdict import Layer, Reason
from einmal.domain.week import Week
from einmal.flows.report import ALARM_AT_TRIES, Reports, WeeklyReports
from einmal.ports import Ids
from einmal.ports.reporting import ReportCourier
from einmal.settings import read_settings
from einmal.simulator.clock import SteppedClock
from einmal.weekly import report_couriers, weekly_reports
from support.receivers import Mailbox, Receiver, receiving, says, taking_mail
from support.sql import BASES, SqlBase
from support.weeks import Rows
from support.world import Recorder, world

SEVEN = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
"""Monday, seven o'clock in Berlin."""
WEEK = Week(2026, 47)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


class Hands(SteppedClock):
    """Both its times pass together, when a test says so."""

    def monotonic(self) -> float:
        return self.now().timestamp()


class Even(SystemIds):
    """Pauses are as long as they are written."""

    def jitter(self) -> float:
        return 0.0


@dataclass
class Desk:
    """Somebody who gets reports, or does not."""

    why: str | None = None
    bug: Exception | None = None
    got: list[Report] = field(default_factory=list)

    async def send(self, report: Report) -> str | None:
        self.got.append(report)
        await asyncio.sleep(0)
        if self.bug is not None:
            raise self.bug
        return self.why


@dataclass
class Office:
    """A ledger with a week in it, and processes that would send its report."""

    base: SqlBase
    rows: Rows
    clock: Hands = field(default_factory=lambda: Hands(SEVEN))
    observer: Recorder = field(default_factory=Recorder)
    ids: Ids = field(default_factory=Even)

    def sends(self, **couriers: ReportCourier) -> WeeklyReports:
        ledger = self.base.ledger(self.ids)
        reports = Reports(ledger.report, "Europe/Berlin")
        return WeeklyReports(reports, ledger.weekly, couriers, self.clock, self.ids, self.observer)

    @property
    def alarms(self) -> list[tuple[str, str]]:
        return [(fact.what, fact.detail) for fact in self.observer.facts if isinstance(fact, Alarm)]


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with BASES["sqlite"](tmp_path) as base:
        rows = Rows(base.run)
        rows.tenant("default", SEVEN - 30 * DAY)
        rows.appointment(SEVEN - 4 * DAY)
        yield Office(base, rows)


@pytest.mark.parametrize(
    ("at", "sent"),
    [
        (SEVEN - MINUTE, 0),
        (SEVEN, 1),
        (SEVEN + DAY, 1),
        (SEVEN + 2 * DAY - MINUTE, 1),
        (SEVEN + 2 * DAY, 0),
        (SEVEN + 5 * DAY, 0),
    ],
)
async def test_it_is_sent_on_monday_morning_or_within_two_days(office: Office, at: datetime, sent: int) -> None:
    """Of the week that ended; later it would be yesterday's news."""
    desk, office.clock = Desk(), Hands(at)
    await office.sends(mail=desk).turn()
    assert [str(one.week) for one in desk.got] == ["2026-W47"] * sent
    assert not any(one.running for one in desk.got)


async def test_it_is_sent_once_and_the_next_one_a_week_later(office: Office) -> None:
    desk = Desk()
    sends = office.sends(mail=desk)
    for _ in range(8 * 24 * 4):
        await sends.turn()
        office.clock.pass_time(15 * MINUTE)
    assert [str(one.week) for one in desk.got] == ["2026-W47", "2026-W48"]


async def test_it_looks_once_a_minute(office: Office) -> None:
    """Each look is a statement, in each process."""
    desk, office.clock = Desk(), Hands(SEVEN - MINUTE)
    sends = office.sends(mail=desk)
    await sends.turn()
    office.clock.pass_time(59 * timedelta(seconds=1))
    await sends.turn()
    assert not desk.got
    office.clock.pass_time(timedelta(seconds=1))
    await sends.turn()
    assert desk.got


async def test_of_a_week_before_the_installation_began_there_is_none(tmp_path: Path) -> None:
    """The week in which it began is told of, however little of it there was."""
    with BASES["sqlite"](tmp_path) as base:
        office, desk = Office(base, Rows(base.run)), Desk()
        await office.sends(mail=desk).turn()
        assert not desk.got, "nobody was ever served"
        monday = WEEK.after.monday
        office.rows.tenant("default", datetime(monday.year, monday.month, monday.day, 1, tzinfo=UTC))
        await office.sends(mail=desk).turn()
        assert not desk.got
        office.rows.tenant("earlier", SEVEN - 8 * timedelta(hours=1))
        await office.sends(mail=desk).turn()
        assert len(desk.got) == 1


async def test_each_channel_is_sent_on_by_itself(office: Office) -> None:
    """What one refuses, or breaks on, the other has got."""
    good, bad, broken = Desk(), Desk(why="http_500"), Desk(bug=ValueError("Jürgen Groß"))
    sends = office.sends(broken=broken, slack=bad, mail=good)
    await sends.turn()
    office.clock.pass_time(MINUTE)
    await sends.turn()
    assert (len(good.got), len(bad.got), len(broken.got)) == (1, 2, 2)


async def test_it_is_tried_again_with_pauses_and_given_up_with_an_alarm(office: Office) -> None:
    """After two days; a first word of it comes with the fourth try. No alarm quotes what a bug said."""
    desk = Desk(bug=ValueError("Jürgen Groß"))
    sends, at = office.sends(mail=desk), []
    for number in range(400):
        before = len(desk.got)
        await sends.turn()
        at += [(office.clock.now() - SEVEN) // MINUTE] * (len(desk.got) - before)
        office.clock.pass_time(MINUTE if number < 100 else 10 * MINUTE)
    assert at[:6] == [0, 1, 6, 21, 81, 150]
    assert at[-1] < 2 * 24 * 60
    assert office.alarms == [
        ("weekly_report_failing", "2026-W47 mail: ValueError"),
        ("weekly_report_given_up", "2026-W47 mail: ValueError"),
    ]
    [(tries, due_at, sent_at)] = office.base.rows("weekly_reports", "tries", "due_at", "sent_at")
    assert (tries, due_at, sent_at) == (len(at), None, None)
    assert len(at) > ALARM_AT_TRIES


async def test_who_answers_never_is_a_failure_like_others(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    class Silent:
        async def send(self, _: Report) -> str | None:
            await asyncio.Event().wait()
            return None

    monkeypatch.setattr("einmal.flows.report.SEND_SECONDS", 0.01)
    await office.sends(mail=Silent()).turn()
    assert office.base.rows("weekly_reports", "tries", "sent_at") == [(1, None)]


@pytest.mark.parametrize("database", BASES)
async def test_two_processes_send_one(database: str, tmp_path: Path) -> None:
    """Both find it due in the same moment."""
    assert await sent_by_two(database, tmp_path, leased=True) == 1


@pytest.mark.parametrize("database", BASES)
async def test_control_without_the_lease_they_send_two(database: str, tmp_path: Path) -> None:
    assert await sent_by_two(database, tmp_path, leased=False) == 2


async def sent_by_two(database: str, folder: Path, *, leased: bool) -> int:
    with BASES[database](folder) as base:
        office, desk = Office(base, Rows(base.run)), Desk()
        office.rows.tenant("default", SEVEN - 30 * DAY)
        both = [office.sends(mail=desk) for _ in range(2)]
        if not leased:
            for one in both:
                one.weekly = _Anybody(one)
        await asyncio.gather(*(one.turn() for one in both))
        return len(desk.got)


class _Anybody:
    """The guard off: whoever asks may send."""

    def __init__(self, of: WeeklyReports) -> None:
        self._real = of.weekly
        self.sent, self.not_sent = of.weekly.sent, of.weekly.not_sent

    async def claim(self, week: Week, channel: str, now: datetime, lease_until: datetime) -> int | None:
        return await self._real.claim(week, channel, now, lease_until) or 0


@pytest.fixture
async def mailbox() -> AsyncIterator[Mailbox]:
    async with taking_mail() as made:
        yield made


@pytest.fixture
async def slack() -> AsyncIterator[Receiver]:
    async with receiving() as made:
        made.react = says(200, "ok")
        yield made


def environment(mailbox: Mailbox, slack: Receiver) -> dict[str, str]:
    return {
        "EINMAL_WEEKLY_REPORT": "true",
        "EINMAL_SMTP_URL": f"smtp://127.0.0.1:{mailbox.port}",
        "EINMAL_MAIL_FROM": "einmal@salon.test",
        "EINMAL_MAIL_TO": "chefin@salon.test, technik@salon.test",
        "EINMAL_SLACK_URL": f"{slack.url}/services/T000/B000/s3cr3t",
    }


async def test_it_arrives_as_a_mail_and_in_slack(office: Office, mailbox: Mailbox, slack: Receiver) -> None:
    """As text and as a page; what must be looked at stands in the subject."""
    office.rows.rejected(SEVEN - 4 * DAY, Layer.LEDGER, Reason.DATABASE_DUPLICATE)
    await office.sends(**report_couriers(read_settings(environment(mailbox, slack)))).turn()
    mail = mailbox.one
    assert mail["Subject"] == "Einmal, week 2026-W47: please look"
    assert mailbox.envelopes[0].rcpt_tos == ["chefin@salon.test", "technik@salon.test"]
    assert "report.2026-W47@salon.test" in mail["Message-ID"]
    text, page = (mail.get_body((kind,)) for kind in ("plain", "html"))
    assert text is not None
    assert page is not None
    assert "Prevention rate               50.00 %" in text.get_content()
    assert "<td" in page.get_content()
    said = json.loads(slack.one.body)["text"]
    assert said.startswith("Einmal, week 2026-W47\n")
    assert "Prevention rate: 50.00 % (goal &lt; 1 %) MISSED" in said
    assert sorted(office.base.rows("weekly_reports", "channel", "tries")) == [("mail", 0), ("slack", 0)]
    assert all(sent_at for (sent_at,) in office.base.rows("weekly_reports", "sent_at"))


async def test_a_gateway_that_is_told_to_sends_it(tmp_path: Path, mailbox: Mailbox, slack: Receiver) -> None:
    """Its worker does, among all else; by default nothing is sent."""
    async with world(tmp_path, **environment(mailbox, slack)) as salon:
        salon.rows("UPDATE tenants SET created_at = '2026-11-01T00:00:00.000Z'")
        await salon.gateway.worker.turn()
    assert mailbox.one["Subject"] == "Einmal, week 2026-W47: nothing happened"
    quiet = replace(salon.gateway.settings, weekly_report=False)
    assert weekly_reports(quiet, salon.gateway.ledger, salon.clock, Even(), salon.observer) is None  # type: ignore[arg-type]
