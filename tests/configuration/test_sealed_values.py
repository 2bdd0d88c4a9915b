"""Secrets that lie sealed in the tenants' file: each opens for its tenant and its name, and tells nothing where not."""

from pathlib import Path

import pytest

from einmal.configuration import BadConfiguration, Configuration, Defaults
from einmal.configuration.read import read_configuration
from einmal.sealed import Keyring, new_key, read_keys

KEY = new_key()
RING = Keyring(read_keys(KEY))
CANARY = "cal_live_7f3a91c0ffee"


def sealed(place: str, value: str = CANARY) -> str:
    return RING.seal(value.encode(), place)


def read(text: str, key: str = KEY) -> Configuration:
    return read_configuration(text, "salon.toml", Defaults(house_email="a@b.test"), {"EINMAL_SECRETS_KEY": key})


def wrong(text: str, key: str = KEY) -> str:
    with pytest.raises(BadConfiguration) as bad:
        read(text, key)
    shown = [bad.value.line_of(problem) or "" for problem in bad.value.problems]
    told = "\n".join([*bad.value.told, *shown])
    assert CANARY not in told
    return told


def tenant(tenant_id: str, key: str) -> str:
    return f'[[tenants]]\nid = "{tenant_id}"\nname = "x"\nagents = ["agent_{tenant_id}"]\ncalcom_api_key = {key}\n'


def test_every_secret_of_a_tenant_may_lie_sealed() -> None:
    """One alone, several of a rotation, and the key of a program."""
    one = read(f"""
        calcom_api_key = {{ sealed = "{sealed("default/calcom_api_key", "cal_a")}" }}
        calcom_webhook_secret = {{ sealed = "{sealed("default/calcom_webhook_secret", "two words")}" }}
        retell_api_keys = [{{ sealed = "{sealed("default/retell_api_keys", "key_a")}" }},
                           {{ sealed = "{sealed("default/retell_api_keys", "key_b")}" }}]
        [[api_keys]]
        name = "website"
        scopes = ["read"]
        key = {{ sealed = "{sealed("default/api_keys.key", "a-long-enough-key")}" }}
    """)
    (only,) = one.tenants
    assert only.calcom_api_key is not None
    assert only.calcom_api_key.reveal() == "cal_a"
    assert only.calcom_webhook_secret is not None
    assert only.calcom_webhook_secret.reveal() == "two words"
    assert [key.reveal() for key in only.retell_api_keys] == ["key_a", "key_b"]
    assert [one.key.reveal() for one in only.api_keys] == ["a-long-enough-key"]
    assert [place for place, _ in one.sealed] == [
        *("default/calcom_api_key", "default/calcom_webhook_secret"),
        *("default/retell_api_keys", "default/retell_api_keys", "default/api_keys.key"),
    ]


def test_what_is_sealed_for_one_tenant_is_none_of_anothers() -> None:
    """Copied from house to house, or to another name, it does not open; in its own it does (control)."""
    of_salon = f'{{ sealed = "{sealed("salon/calcom_api_key")}" }}'
    told = wrong(tenant("praxis", of_salon))
    assert "salon.toml:5: tenants[0].calcom_api_key.sealed: it was changed, or sealed for another place" in told
    assert "einmal secrets seal calcom_api_key --tenant praxis" in told
    assert read(tenant("salon", of_salon)).tenants[0].calcom_api_key is not None
    as_webhook = tenant("salon", of_salon).replace("calcom_api_key", "calcom_webhook_secret")
    assert "sealed for another place" in wrong(as_webhook)


def test_what_lies_sealed_elsewhere_is_not_taken_for_the_key(tmp_path: Path) -> None:
    """In a file, or a variable of one's own, that the tenants' file names: it says what to write instead."""
    text = sealed("default/calcom_api_key")
    (tmp_path / "key").write_text(f"{text}\n")
    for reference in (f'{{ file = "{tmp_path / "key"}" }}', '{ env = "MY_KEY" }'):
        environment = {"EINMAL_SECRETS_KEY": KEY, "MY_KEY": text}
        with pytest.raises(BadConfiguration) as bad:
            read_configuration(f"calcom_api_key = {reference}", "x.toml", Defaults(house_email="a@b.test"), environment)
        assert "what it leads to is sealed; write { sealed = " in "\n".join(bad.value.told)
        assert text not in "\n".join(bad.value.told)


@pytest.mark.parametrize("key", ["", new_key(), "rubbish"], ids=["none", "another", "no key"])
def test_without_the_right_key_the_file_is_wrong(key: str) -> None:
    """A gateway does not start on half of its secrets."""
    assert "it is sealed with the key" in wrong(
        f'calcom_api_key = {{ sealed = "{sealed("default/calcom_api_key")}" }}', key
    )


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ('"sealed:v1:00000000:AAAA"', 'calcom_api_key: write { sealed = "..." } around what is sealed'),
        ("{ sealed = 5 }", "must be what `einmal secrets seal` has printed"),
        (f"{{ sealed = '{CANARY}' }}", "it is no sealed value that this version can read"),
        ("{ sealed = '', env = 'X' }", "must name either env, file or sealed"),
    ],
)
def test_what_is_no_seal_is_told(value: str, told: str) -> None:
    """A key that stands plainly where a sealed one should is not quoted either."""
    assert told in wrong(f"calcom_api_key = {value}")
