"""The keys of a house's own programs in its file: each problem with its line, and no key in any word."""

import pytest

from einmal.configuration.model import Configuration, Defaults
from einmal.configuration.problems import BadConfiguration
from einmal.configuration.read import read_configuration
from einmal.domain.scope import Scope

ENVIRONMENT = {"ONE": "0123456789abcdef", "TWO": "fedcba9876543210", "SHORT": "0123"}
WHOLE = 'language = "de"\n[[api_keys]]\nname = "website"\nkey = { env = "ONE" }\nscopes = ["book", "read"]\n'
HOUSES = """
[[tenants]]
id = "a"
name = "A"
[[tenants.api_keys]]
name = "website"
key = {{ env = "ONE" }}
scopes = ["book"]
[[tenants]]
id = "b"
name = "B"
[[tenants.api_keys]]
name = "website"
key = {{ env = "{}" }}
scopes = ["book"]
"""


def read(text: str) -> Configuration:
    return read_configuration(text, "salon.toml", Defaults(), ENVIRONMENT)


def told(text: str) -> list[str]:
    with pytest.raises(BadConfiguration) as bad:
        read(text)
    lines = [f"{one.line} {one.path} {one.message}" for one in bad.value.problems]
    assert not any(value in str(lines) for value in ENVIRONMENT.values())
    return lines


def test_a_key_has_a_name_and_scopes() -> None:
    (house,) = read(WHOLE).tenants
    (one,) = house.api_keys
    assert (one.name, one.scopes, one.key.reveal()) == ("website", {Scope.BOOK, Scope.READ}, ENVIRONMENT["ONE"])


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('name = "website"\n', "", "name is missing"),
        ('name = "website"', 'name = "My Site"', "lower-case letters"),
        ('{ env = "ONE" }', '"0123456789abcdef"', "must not stand in this file"),
        ('{ env = "ONE" }', '{ env = "SHORT" }', "too short"),
        ('key = { env = "ONE" }\n', "", "key is missing"),
        ('scopes = ["book", "read"]\n', "", "scopes is missing"),
        ('["book", "read"]', "[]", "at least one of book, change, read, list, availability"),
        ('"read"', '"everything"', "there are book, change, read, list, availability"),
        ("scopes =", "scope =", "did you mean scopes?"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(old: str, new: str, said: str) -> None:
    lines = told(WHOLE.replace(old, new))
    assert len(lines) == 1
    assert said in lines[0]


def test_a_house_of_programs_alone_needs_no_telephone() -> None:
    """Its key tells whose it is; the same key for two houses would not."""
    assert len(read(HOUSES.format("TWO")).tenants) == 2
    (line,) = told(HOUSES.format("ONE"))
    assert "a key must be one tenant's only" in line


def test_beside_a_house_whose_calls_are_signed_it_needs_no_signing_key() -> None:
    text = HOUSES.format("TWO").replace('name = "A"', 'name = "A"\nretell_api_keys = [{ env = "SHORT" }]')
    assert len(read(text).tenants) == 2
    (line,) = told(text.replace('name = "B"', 'name = "B"\nagents = ["agent_b"]'))
    assert "retell_api_keys is missing" in line
