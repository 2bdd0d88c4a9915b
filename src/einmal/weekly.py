"""The weekly report's way out: on the channels that end at a person of the house, by e-mail and in Slack."""

from dataclasses import dataclass

from einmal.adapters.notify.addresses import Smtp, read_smtp
from einmal.adapters.notify.mail import send_mail
from einmal.adapters.notify.slack import post_text
from einmal.adapters.report.content import content_of
from einmal.adapters.report.page import as_html
from einmal.adapters.report.text import as_short_text, as_text
from einmal.adapters.sql.ledger import SqlLedger
from einmal.domain.reach import Channel
from einmal.domain.report import Report
from einmal.flows.report import Reports, WeeklyReports
from einmal.ports import Clock, Ids, Observer
from einmal.ports.reporting import ReportCourier
from einmal.secret import Secret
from einmal.settings import Settings


@dataclass(frozen=True, slots=True)
class MailedReport:
    smtp: Smtp
    mail_from: str
    mail_to: tuple[str, ...]

    async def send(self, report: Report) -> str | None:
        title = content_of(report).title
        subject = f"{title}: {_in_short(report)}"
        # The same in every try: who gets it twice can tell.
        name = f"report.{report.week}"
        text, page = as_text(report), as_html(report)
        return await send_mail(self.smtp, self.mail_from, self.mail_to, subject, text, page, message_id=name)


def _in_short(report: Report) -> str:
    if report.this.is_empty:
        return "nothing happened"
    return "please look" if report.missed else "as it should be"


@dataclass(frozen=True, slots=True)
class SlackedReport:
    url: Secret

    async def send(self, report: Report) -> str | None:
        return await post_text(self.url, as_short_text(report))


def report_couriers(settings: Settings) -> dict[str, ReportCourier]:
    """By channel, those that the settings name."""
    couriers: dict[str, ReportCourier] = {}
    if settings.smtp_url is not None and settings.mail_from is not None:
        smtp = read_smtp(settings.smtp_url.reveal())
        couriers[Channel.MAIL.value] = MailedReport(smtp, settings.mail_from, settings.mail_to)
    if settings.slack_url is not None:
        couriers[Channel.SLACK.value] = SlackedReport(settings.slack_url)
    return couriers


def weekly_reports(
    settings: Settings, ledger: SqlLedger, clock: Clock, ids: Ids, observer: Observer
) -> WeeklyReports | None:
    """What sends them, where the settings want it."""
    if not settings.weekly_report:
        return None
    reports = Reports(ledger.report, settings.timezone)
    return WeeklyReports(reports, ledger.weekly, report_couriers(settings), clock, ids, observer)
