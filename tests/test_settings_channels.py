"""Channels of news in the settings: whole or not at all, and no secret in any word about them."""

import pytest

from einmal.couriers import built_couriers
from einmal.settings import BadSettings, Settings, read_settings
from einmal.simulator.clock import SteppedClock
from einmal.tenancies import Tenancies
from support.evidence import NOW

WEBHOOK = {
    "EINMAL_NOTIFY_URL": "https://house.test/news",
    "EINMAL_NOTIFY_SECRET": "whsec_c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0",
}
SLACK = {"EINMAL_SLACK_URL": "https://hooks.slack.test/services/T0/B0/geheim"}
MAIL = {
    "EINMAL_SMTP_URL": "smtps://post:geheim@mail.salon.test",
    "EINMAL_MAIL_FROM": "einmal@salon.test",
    "EINMAL_MAIL_TO": "anna@salon.test, ben@salon.test",
}
SMS = {
    "EINMAL_TWILIO_ACCOUNT": "AC" + "0" * 32,
    "EINMAL_TWILIO_TOKEN": "geheim",
    "EINMAL_TWILIO_FROM": "+493023125000",
}
OF = {"webhook": WEBHOOK, "slack": SLACK, "mail": MAIL, "sms": SMS}


def problems_of(environment: dict[str, str]) -> list[str]:
    with pytest.raises(BadSettings) as bad:
        read_settings(environment)
    return bad.value.problems


@pytest.mark.parametrize("named", [(), ("slack",), ("mail",), ("sms",), ("webhook", "sms"), tuple(OF)])
async def test_a_channel_is_there_once_it_is_set(named: tuple[str, ...]) -> None:
    """The log always; and there is a courier for each channel that messages are put into the outbox for."""
    environment = {variable: value for name in named for variable, value in OF[name].items()}
    settings = read_settings(environment)
    assert settings.channels == ("log", *named)
    couriers = built_couriers(settings, Tenancies(), SteppedClock(NOW))
    assert tuple(couriers.by_channel) == settings.channels
    await couriers.close()


@pytest.mark.parametrize(
    ("channel", "missing"),
    [(channel, variable) for channel, needed in OF.items() for variable in needed if len(needed) > 1],
)
@pytest.mark.parametrize("empty", [True, False])
def test_half_a_channel_says_what_is_missing(channel: str, missing: str, *, empty: bool) -> None:
    """Somebody meant to have it; silent it would be found out when it is needed."""
    half = {variable: value for variable, value in OF[channel].items() if variable != missing}
    (problem,) = problems_of(half | ({missing: " "} if empty else {}))
    assert problem.startswith(f"{missing}: missing; set ")
    assert [variable for variable in OF[channel] if variable not in problem] == []


def test_what_is_there_and_wrong_is_told_once() -> None:
    """It is not missing."""
    (problem,) = problems_of(MAIL | {"EINMAL_MAIL_TO": "geheim"})
    assert problem.startswith("EINMAL_MAIL_TO: must be an e-mail address")
    assert "geheim" not in problem


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("EINMAL_SLACK_URL", "geheim"),
        ("EINMAL_SLACK_URL", "http://hooks.slack.test/geheim"),
        ("EINMAL_SMTP_URL", "smtp://geheim@mail.salon.test"),
        ("EINMAL_MAIL_FROM", "geheim"),
        ("EINMAL_TWILIO_ACCOUNT", "geheim"),
        ("EINMAL_TWILIO_FROM", "geheim-geheim-geheim"),
    ],
)
def test_what_cannot_be_is_not_quoted(variable: str, value: str) -> None:
    """It may be the secret of another setting."""
    told = problems_of({variable: value})
    assert told[0].startswith(f"{variable}: must be ")
    assert "geheim" not in " ".join(told)


def test_no_secret_is_shown() -> None:
    """Whoever has the address of Slack's webhook can write there: it is one too."""
    settings: Settings = read_settings(WEBHOOK | SLACK | MAIL | SMS)
    assert "geheim" not in repr(settings)
    assert settings.mail_to == ("anna@salon.test", "ben@salon.test")
