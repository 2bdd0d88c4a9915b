"""News on the whole gateway: what is promised to whom, and a real SMS for who gave no e-mail."""

from collections.abc import AsyncIterator, MutableMapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import pytest

from einmal.adapters.notify.sms import SmsCourier
from einmal.domain.reply import Outcome, Reply, Why
from einmal.ports import Courier
from einmal.secret import Secret
from support.changes import unanswered
from support.composites import TYPES, colour, configured
from support.messages import SALON
from support.receivers import Receiver, receiving, says
from support.world import World, world

ACCOUNT = "AC" + "0" * 32
SMS = {"EINMAL_TWILIO_ACCOUNT": ACCOUNT, "EINMAL_TWILIO_TOKEN": "t", "EINMAL_TWILIO_FROM": "+493023125000"}
SLACK = {"EINMAL_SLACK_URL": "http://127.0.0.1:9/services"}
MAIL = {
    "EINMAL_SMTP_URL": "smtp://127.0.0.1:9",
    "EINMAL_MAIL_FROM": "einmal@salon.test",
    "EINMAL_MAIL_TO": "anna@salon.test",
}
PHONE = {"telefon": "0171 2345678"}
EMAIL = {"email": "anna@gast.de"}


@asynccontextmanager
async def texting(folder: Path, event_types: Any = None, **environment: str) -> AsyncIterator[tuple[World, Receiver]]:
    """A gateway whose SMS go to a server here."""
    async with receiving() as twilio, world(folder, event_types=event_types, **SMS | environment) as salon:
        couriers = cast("MutableMapping[str, Courier]", salon.gateway.worker.deliveries.couriers)
        courier = SmsCourier(ACCOUNT, Secret("t"), "+493023125000", lambda _: SALON, salon.clock, twilio.url)
        couriers["sms"] = courier
        yield salon, twilio
        await courier.close()


def put(salon: World) -> list[tuple[Any, ...]]:
    return salon.rows("SELECT kind, channel FROM outbox ORDER BY kind, channel")


@pytest.mark.parametrize(
    ("environment", "person", "promised"),
    [
        ({}, PHONE | EMAIL, False),
        (SLACK, PHONE, True),
        (SLACK, EMAIL, True),
        (SLACK, {}, False),
        (MAIL, PHONE, True),
        (MAIL, {}, False),
        (SMS, PHONE, True),
        (SMS, EMAIL, False),
        (SMS, {}, False),
        (SMS | MAIL, EMAIL, True),
    ],
)
async def test_it_is_promised_only_to_whom_somebody_can_tell(
    environment: dict[str, str], person: dict[str, str], promised: bool, tmp_path: Path
) -> None:
    """In a doubt "you will hear from us" is said where a channel ends at this caller, or at somebody who can call."""
    async with world(tmp_path, EINMAL_REPLY_SECONDS="0.2", **environment) as salon:
        salon.tap.on_post = unanswered
        answer = await salon.call(**person)
        assert answer["status"] == Outcome.IN_DOUBT
        said = salon.gateway.voice.sentence
        why = Why.PLAIN if promised else Why.UNPROMISED
        assert answer["message"] == said(Reply(Outcome.IN_DOUBT, why), salon.clock.now())


async def test_who_gave_no_e_mail_gets_one_sms(tmp_path: Path) -> None:
    """Booked on the phone, put by the commit that confirms it, sent by the worker, and not again."""
    async with texting(tmp_path) as (salon, twilio):
        assert (await salon.call(**PHONE))["status"] == "booked"
        assert put(salon) == [("confirmed", "sms")]
        for _ in range(3):
            await salon.gateway.worker.turn()
        assert twilio.one.form["To"] == "+491712345678"
        assert twilio.one.form["Body"].startswith("Salon Größe: Ihr Termin ist bestätigt: Beratung am Dienstag")
        assert (await salon.call(**PHONE))["success"] is True
        await salon.gateway.worker.turn()
        assert len(twilio.arrived) == 1


async def test_who_gave_an_e_mail_hears_from_the_calendar(tmp_path: Path) -> None:
    """Cal.com has mailed them; we do not as well."""
    async with texting(tmp_path) as (salon, twilio):
        assert (await salon.call(**PHONE, **EMAIL))["status"] == "booked"
        await salon.gateway.worker.turn()
        assert (put(salon), twilio.arrived) == ([], [])


async def test_a_part_of_several_is_not_confirmed_by_itself(tmp_path: Path) -> None:
    """Three bookings are one appointment: nobody hears of each."""
    async with texting(tmp_path, TYPES, **configured(tmp_path)) as (salon, twilio):
        assert (await colour(salon))["status"] == "booked"
        await salon.gateway.worker.turn()
        assert (put(salon), twilio.arrived) == ([], [])


async def test_a_failing_channel_holds_up_no_other_and_names_nobody(tmp_path: Path) -> None:
    """It is tried again later, and the alarm says channel and code alone."""
    async with texting(tmp_path) as (salon, twilio):
        twilio.react = says(400, '{"code": 21606, "message": "+491712345678 of Jürgen Groß"}')
        await salon.call(**PHONE)
        for _ in range(6):
            await salon.gateway.worker.turn()
            await salon.clock.sleep(3_600)
        told = [fact for fact in salon.observer.facts if getattr(fact, "what", "").startswith("notification")]
        assert [getattr(fact, "detail", "") for fact in told] == ["sms: http_400_21606"]
        assert not any(private in str(salon.observer.facts) for private in ("Groß", "2345678"))
        twilio.react = says(201)
        await salon.clock.sleep(3_700)
        await salon.gateway.worker.turn()
        assert salon.rows("SELECT sent_at IS NOT NULL, due_at FROM outbox") == [(1, None)]
