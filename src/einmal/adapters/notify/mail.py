"""E-mail: to the house what a person must do, to the customer what became of their appointment."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from einmal.adapters.notify.addresses import Smtp
from einmal.adapters.notify.ics import published
from einmal.adapters.notify.letterhead import Letterhead, LetterheadOf, is_of_the_intent, own_address, tenant_of
from einmal.adapters.notify.letters import for_the_customer, for_the_house
from einmal.adapters.notify.plain import plain
from einmal.adapters.notify.smtp import handed_over
from einmal.domain.callback import NOTE_MAX, Callback
from einmal.domain.intent import State
from einmal.domain.reach import FOR_THE_CALLER
from einmal.ports import Clock, Message, StoredReply
from einmal.speech.news import said_by
from einmal.speech.said import Language


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file of text. `parameters` are those of its type, "method" of a calendar, say."""

    name: str
    subtype: str
    text: str
    parameters: tuple[tuple[str, str], ...] = ()


async def send_mail(
    smtp: Smtp,
    mail_from: str,
    to: Sequence[str],
    subject: str,
    text: str,
    html: str | None = None,
    attachments: Sequence[Attachment] = (),
    message_id: str | None = None,
) -> str | None:
    """One mail; None once the server has taken it for anybody, else a short word why not.

    `message_id` is the same in every try, so that who gets it twice can tell.
    """
    letter = written(mail_from, to, subject, text, html, attachments, message_id)
    letter["Date"] = format_datetime(datetime.now(UTC))
    return await handed_over(smtp, mail_from, to, letter)


def written(
    mail_from: str,
    to: Sequence[str],
    subject: str,
    text: str,
    html: str | None = None,
    attachments: Sequence[Attachment] = (),
    message_id: str | None = None,
) -> EmailMessage:
    letter = EmailMessage(policy=SMTP)
    letter["From"] = mail_from
    letter["To"] = ", ".join(to)
    letter["Subject"] = plain(subject)
    letter["Auto-Submitted"] = "auto-generated"  # RFC 3834: no answering machine answers it
    if message_id is not None:
        letter["Message-ID"] = f"<{message_id}@{mail_from.rpartition('@')[2]}>"
    letter.set_content(text)
    if html is not None:
        letter.add_alternative(html, subtype="html")
    for one in attachments:
        letter.add_attachment(one.text, subtype=one.subtype, filename=one.name, params=dict(one.parameters))
    return letter


class MailCourier:
    """`house` are the addresses of those who must do something. `language` is the installation's, for them."""

    def __init__(
        self,
        smtp: Smtp,
        mail_from: str,
        house: Sequence[str],
        letterhead_of: LetterheadOf,
        language: Language,
        clock: Clock,
    ) -> None:
        self._smtp = smtp
        self._from = mail_from
        self._house = tuple(house)
        self._letterhead_of = letterhead_of
        self._language = language
        self._clock = clock

    async def send(self, message: Message) -> str | None:
        head, about = self._letterhead_of(tenant_of(message)), message.about
        if isinstance(about, StoredReply) and message.kind in FOR_THE_CALLER:
            own = own_address(about.intent.wish.person.email, head.house_email)
            if own is not None:
                return await self._to_the_customer(own, message, about, head)
        return await self._to_the_house(message, head)

    async def _to_the_customer(self, to: str, message: Message, about: StoredReply, head: Letterhead) -> str | None:
        now = self._clock.now()
        news = for_the_customer(message, head, now)
        if news is None:
            return None
        text = f"{news.text}\n" if head.name is None else f"{news.text}\n\n{head.name}\n"
        files = self._appointment(message, about, head, now)
        return await send_mail(
            self._smtp, self._from, (to,), news.subject, text, attachments=files, message_id=message.message_id
        )

    async def _to_the_house(self, message: Message, head: Letterhead) -> str | None:
        news = for_the_house(message, head, self._language, self._clock.now())
        if news is None:
            return None
        text = f"{news.text}\n\n{_who(message, self._language)}\n"
        return await send_mail(self._smtp, self._from, self._house, news.subject, text, message_id=message.message_id)

    def _appointment(
        self, message: Message, about: StoredReply, head: Letterhead, now: datetime
    ) -> tuple[Attachment, ...]:
        """The booking as a file; none for one that is only asked for, nor for several that are one appointment."""
        slot, uid = about.booking, about.intent.booking_uid
        stands = about.intent.state is State.CONFIRMED and is_of_the_intent(message, about)
        if slot is None or uid is None or not stands:
            return ()
        summary = slot.service if head.name is None else f"{slot.service} – {head.name}"
        text = published(uid, slot.start, slot.end, summary, self._from, now)
        return (Attachment("termin.ics", "calendar", text, (("method", "PUBLISH"),)),)


def _who(message: Message, language: Language) -> str:
    """Whom to call or write to, and in their words about what: each on a line of its own, whatever it holds."""
    about = message.about
    if isinstance(about, Callback):
        told = {"name": about.name, "phone": about.phone, "note": about.note, "wanted": about.wanted}
    else:
        person = about.intent.wish.person
        told = {"name": person.name, "phone": person.phone, "email": person.email}
    return said_by(language, {what: plain(one, NOTE_MAX) for what, one in told.items() if one is not None})
