"""The secrets of Vapi and ElevenLabs in the file: by reference, several, and enough to tell a house by."""

from datetime import UTC, datetime
from io import StringIO

import pytest
from rich.console import Console

from einmal.configuration.model import Configuration, Defaults, TenantConfiguration
from einmal.configuration.problems import BadConfiguration
from einmal.configuration.read import read_configuration
from einmal.entrypoints.cli.config_summary import summary_data, summary_table
from einmal.entrypoints.cli.unsigned import unsigned_warnings
from einmal.secret import Secret
from einmal.tenancies import Tenancies

ENVIRONMENT = {"ONE": "s-one", "TWO": "s-two", "THREE": "s-three"}
KEYS = ("vapi_secrets", "elevenlabs_secrets", "elevenlabs_webhook_secrets")
HOUSES = '[[tenants]]\nid = "a"\nname = "A"\n{}\n[[tenants]]\nid = "b"\nname = "B"\n{}\n'


def read(text: str, defaults: Defaults | None = None) -> Configuration:
    return read_configuration(text, "einmal.toml", defaults or Defaults(), ENVIRONMENT)


def told(text: str) -> tuple[str, ...]:
    with pytest.raises(BadConfiguration) as bad:
        read(text)
    return tuple(bad.value.told)


@pytest.mark.parametrize("key", KEYS)
def test_a_house_has_secrets_of_its_own(key: str) -> None:
    """Two during a rotation; what it does not name the environment says."""
    own = read(f'{key} = [{{ env = "ONE" }}, {{ env = "TWO" }}]').tenants[0]
    assert getattr(own, key) == (Secret("s-one"), Secret("s-two"))
    inherited = read('language = "de"', Defaults(**{key: (Secret("s-env"),)})).tenants[0]
    assert getattr(inherited, key) == (Secret("s-env"),)


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize(
    ("value", "message"),
    [
        ('"s-one"', "must be a list"),
        ('["s-one"]', "a secret must not stand in this file"),
        ("[]", "leave the line out to use EINMAL_"),
        ('[{ env = "NONE" }]', "is not set"),
    ],
)
def test_a_secret_is_named_and_never_written(key: str, value: str, message: str) -> None:
    (line,) = told(f"{key} = {value}")
    assert message in line
    assert key in line
    assert "s-one" not in line


@pytest.mark.parametrize("key", KEYS)
def test_one_secret_under_its_short_name_is_recognised(key: str) -> None:
    (line,) = told(f'{key.removesuffix("s")} = {{ env = "ONE" }}')
    assert f"did you mean {key}?" in line


def test_the_setting_for_all_is_named_where_a_list_is_empty() -> None:
    assert "EINMAL_ELEVENLABS_WEBHOOK_SECRET" in told("elevenlabs_webhook_secrets = []")[0]


@pytest.mark.parametrize("key", KEYS)
def test_a_secret_of_its_own_tells_a_house(key: str) -> None:
    """Without agents and numbers, if no other house has it."""
    houses = read(HOUSES.format(f'{key} = [{{ env = "ONE" }}]', f'{key} = [{{ env = "TWO" }}]')).tenants
    assert len(houses) == 2
    shared = told(HOUSES.format(f'{key} = [{{ env = "ONE" }}]', f'{key} = [{{ env = "ONE" }}]'))
    assert all("no call would ever be its own" in line for line in shared)
    assert len(shared) == 2


def test_the_same_word_for_two_platforms_is_two_secrets() -> None:
    """Who has it for Vapi is told from who has it for ElevenLabs."""
    text = HOUSES.format('vapi_secrets = [{ env = "ONE" }]', 'elevenlabs_secrets = [{ env = "ONE" }]')
    assert len(read(text).tenants) == 2


def test_a_house_on_another_platform_needs_no_retell_key() -> None:
    """Where one house signs with Retell's, a house with none of any kind is still told."""
    retell, vapi = 'retell_api_keys = [{ env = "ONE" }]', 'vapi_secrets = [{ env = "TWO" }]'
    assert len(read(HOUSES.format(retell, vapi)).tenants) == 2
    (line,) = told(HOUSES.format(retell, 'agents = ["agent_b"]'))
    assert "retell_api_keys is missing" in line
    inherits = Defaults(vapi_secrets=(Secret("s-env"),))
    assert len(read(HOUSES.format(retell, 'agents = ["agent_b"]'), inherits).tenants) == 2


def test_what_is_set_is_shown_and_its_value_never() -> None:
    """`einmal config check` counts them, for people and for programs."""
    made = read('vapi_secrets = [{ env = "ONE" }, { env = "TWO" }]\nelevenlabs_webhook_secrets = [{ env = "THREE" }]')
    (house,) = made.tenants
    data = summary_data(house, datetime(2026, 11, 23, 9, 0, tzinfo=UTC))
    assert [data[key] for key in KEYS] == [2, 0, 1]
    console = Console(file=StringIO(), width=200)
    console.print(summary_table(house, datetime(2026, 11, 23, 9, 0, tzinfo=UTC)))
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    assert "2 secrets" in shown
    assert "no secret; for webhooks 1 secret" in shown
    assert not any(value in shown + str(data) for value in ENVIRONMENT.values())


# What `einmal serve` says of it ----------------------------------------------------------------------------------


def serving(**keys: str) -> Tenancies:
    tenancies = Tenancies()
    tenancies.adopt((), [TenantConfiguration("a", "A", **{key: (Secret(value),) for key, value in keys.items()})])
    return tenancies


@pytest.mark.parametrize(
    ("keys", "loopback", "words"),
    [
        ({}, True, ["taken from this machine only", "Vapi and ElevenLabs need no secret on this machine"]),
        ({}, False, ["REFUSED off loopback"]),
        ({"vapi_secrets": "v"}, True, []),
        ({"vapi_secrets": "v"}, False, []),
        ({"retell_api_keys": "r"}, True, []),
        ({"retell_api_keys": "r", "elevenlabs_secrets": "e"}, True, ["EINMAL_ELEVENLABS_WEBHOOK_SECRET is not set"]),
        ({"retell_api_keys": "r", "elevenlabs_secrets": "e", "elevenlabs_webhook_secrets": "h"}, True, []),
    ],
)
def test_the_greeting_warns_of_every_open_door(keys: dict[str, str], loopback: bool, words: list[str]) -> None:
    """One line for each, and none where nothing is open."""
    lines = unsigned_warnings(serving(**keys), loopback=loopback)
    assert len(lines) == len(words)
    assert all(word in line for word, line in zip(words, lines, strict=True))
