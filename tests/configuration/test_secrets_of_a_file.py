"""No secret stands in the file, and none is told: not by a message, not by the line that is shown beside it."""

import pytest

from einmal.configuration import BadConfiguration, Defaults, Problem
from einmal.configuration.read import read_configuration

CANARY = "cal_live_7f3a91c0ffee"
ENVIRONMENT = {"KEY_A": "cal_a", "SPACED": "two words"}
SECRET = (
    "a secret must not stand in this file, which is copied, mailed and kept in version control; "
    'write { env = "NAME_OF_A_VARIABLE" } or { file = "/path/to/a/file" }, and if it was in use, make a new one'
)


def wrong(text: str) -> BadConfiguration:
    with pytest.raises(BadConfiguration) as bad:
        read_configuration(text, "salon.toml", Defaults(), ENVIRONMENT)
    return bad.value


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        (f"calcom_api_key = '{CANARY}'", f":1: calcom_api_key: {SECRET}"),
        (f"calcom_webhook_secret = '{CANARY}'", f":1: calcom_webhook_secret: {SECRET}"),
        (f"retell_api_keys = ['{CANARY}']", ":1: retell_api_keys[0]: a secret must not stand in this file; write"),
        (f"retell_api_keys = '{CANARY}'", ":1: retell_api_keys: must be a list: [{ env ="),
        ("retell_api_keys = []", ":1: retell_api_keys: must hold at least one; leave the line out to use EINMAL_"),
        (f"calcom_api_key = {{ env = '{CANARY}' }}", ":1: calcom_api_key.env: must be the name of an environment vari"),
        (f"calcom_api_key = {CANARY}", ":1: is not TOML: after = there must be a value"),
        (f"calcom_key = '{CANARY}'", ":1: calcom_key: there is no such key; did you mean calcom_api_key?"),
        (f"name = '{CANARY}\u202e'", ":1: name: holds a sign that cannot be seen"),
        (f"language = '{CANARY}'", ':1: language: must be one of de, en, not "***"'),
        ("calcom_api_key = 5", ":1: calcom_api_key: must be a table"),
        ("calcom_api_key = {}", ":1: calcom_api_key: must name either env or file"),
        ("calcom_api_key = { env = 'KEY_A', file = '/x' }", ":1: calcom_api_key: must name either env or file"),
        ("calcom_api_key = { env = 'NONE' }", "calcom_api_key.env: the environment variable NONE is not set, or is em"),
        ("calcom_api_key = { env = 'SPACED' }", ":1: calcom_api_key.env: what it leads to is no key: one word of"),
        ("calcom_api_key = { env = ['KEY_A'] }", ":1: calcom_api_key.env: must be the name of an environment variable"),
        ("calcom_api_key = { file = 'relative' }", ":1: calcom_api_key.file: must be the whole path of a file"),
        ("calcom_api_key = { file = '/nowhere/x' }", "calcom_api_key.file: the file cannot be read: No such file"),
        ("calcom_api_key = { file = '/' }", ":1: calcom_api_key.file: the file cannot be read: it is no file"),
        ("calcom_api_key = { file = '/\\u0000' }".replace("'", '"'), ":1: calcom_api_key.file: must be the whole path"),
    ],
)
def test_a_secret_stands_elsewhere_and_is_never_told(toml: str, message: str) -> None:
    """Neither the message nor the line that is shown repeats what may be a key, wherever it was put."""
    bad = wrong(toml)
    (line,) = bad.told
    assert message in line
    shown = bad.line_of(bad.problems[0])
    assert shown is not None
    assert CANARY not in line + shown
    assert CANARY not in repr(bad)


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "the file is empty"), (b" \n", "the file is empty"), (b"x" * 5000, "the file is longer than 4096 bytes")],
)
def test_a_file_holds_nothing_but_the_secret(content: bytes, message: str) -> None:
    """A file that was never filled, or is another one."""
    with pytest.raises(BadConfiguration, match=message):
        read_configuration("calcom_api_key = { file = '/x' }", "x", Defaults(), {}, lambda _: content)


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ('monday = ["9-25"]', 'monday = ["9-25"]'),
        (f'calcom_api_key = "{CANARY}"', "calcom_api_key = ***"),
        ('calcom_api_key = "hush"', "calcom_api_key = ***"),
        ('calcom_api_key = { env = "SALON_KEY" }', 'calcom_api_key = { env = "SALON_KEY" }'),
        ('retell_api_keys = [{ env = "A" }, { file = "/x" }]', 'retell_api_keys = [{ env = "A" }, { file = "/x" }]'),
        ('retell_api_keys = [{ env = "A" }, "hush"]', "retell_api_keys = ***"),
        ('my_password = "hush"', "my_password = ***"),
        (f'name = "{CANARY}"', 'name = "***"'),
        ('url = "https://me:hush@example.org"', 'url = "https://***@example.org"'),
        ("name = 'a\x1b[31m\u202eb'", "name = 'a\\u001B[31m\\u202Eb'"),
        ("\tname\t= 1", " name = 1"),
        ("x" * 200, "x" * 119 + "…"),
    ],
)
def test_a_line_is_shown_without_secrets_and_without_tricks(line: str, shown: str) -> None:
    """What is printed cannot colour a terminal, turn its text around, or tell a key."""
    bad = BadConfiguration("x", [Problem(1, "", "x")], line)
    assert bad.line_of(bad.problems[0]) == shown
    assert bad.line_of(Problem(None, "", "")) is None
    assert bad.line_of(Problem(2, "", "")) is None
