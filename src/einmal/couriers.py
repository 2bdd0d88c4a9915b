"""A courier for each channel that the settings name; messages are put into the outbox for the same ones."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol
from zoneinfo import ZoneInfo

from einmal.adapters.notify.addresses import read_smtp
from einmal.adapters.notify.key import webhook_key
from einmal.adapters.notify.letterhead import Letterhead
from einmal.adapters.notify.mail import MailCourier
from einmal.adapters.notify.slack import SlackCourier
from einmal.adapters.notify.sms import SmsCourier
from einmal.adapters.notify.webhook import WebhookCourier
from einmal.adapters.telemetry.logs import LogCourier
from einmal.domain.reach import Channel
from einmal.ports import Clock, Courier
from einmal.settings import Settings
from einmal.speech.said import Language
from einmal.speech.sentences import Voice
from einmal.tenancies import Tenancies


class _Open(Courier, Protocol):
    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Couriers:
    """By channel. Close them."""

    by_channel: Mapping[str, Courier]
    _open: tuple[_Open, ...]

    async def close(self) -> None:
        await asyncio.gather(*(one.close() for one in self._open))


def built_couriers(settings: Settings, tenancies: Tenancies, clock: Clock) -> Couriers:
    """Those of `settings.channels`. Of each tenant they know what is served at the moment that they write."""
    plain = Letterhead(None, Voice(Language(settings.language), ZoneInfo(settings.timezone)), _nobody(settings))
    language = plain.voice.language

    def letterhead_of(tenant_id: str) -> Letterhead:
        one = tenancies.get(tenant_id)
        if one is None:
            return plain
        name = one.tenant.name if one.tenant.name != tenant_id else None
        return Letterhead(name, one.voice, one.tenant.house_email)

    by_channel: dict[str, Courier] = {Channel.LOG.value: LogCourier(clock)}
    open_: list[_Open] = []
    if settings.notify_url is not None and settings.notify_secret is not None:
        key = webhook_key(settings.notify_secret.reveal())
        webhook = WebhookCourier(settings.notify_url, key, lambda tenant_id: letterhead_of(tenant_id).voice, clock)
        by_channel[Channel.WEBHOOK.value] = webhook
        open_.append(webhook)
    if settings.slack_url is not None:
        slack = SlackCourier(settings.slack_url, letterhead_of, language, clock)
        by_channel[Channel.SLACK.value] = slack
        open_.append(slack)
    if settings.smtp_url is not None and settings.mail_from is not None:
        smtp = read_smtp(settings.smtp_url.reveal())
        by_channel[Channel.MAIL.value] = MailCourier(
            smtp, settings.mail_from, settings.mail_to, letterhead_of, language, clock
        )
    if settings.twilio_account is not None and settings.twilio_token is not None and settings.twilio_from is not None:
        sms = SmsCourier(settings.twilio_account, settings.twilio_token, settings.twilio_from, letterhead_of, clock)
        by_channel[Channel.SMS.value] = sms
        open_.append(sms)
    return Couriers(by_channel, tuple(open_))


def _nobody(settings: Settings) -> str:
    """The house address of a tenant that is served no longer, as far as it is known."""
    return settings.attendee_fallback_email or ""
