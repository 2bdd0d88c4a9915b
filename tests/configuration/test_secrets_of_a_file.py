"""No secret stands in the file, and none is told: not by a message, not by the line that is shown beside it."""

import pytest

from einmal.configuration import BadConfiguration, Defaults, Problem
from einmal.configuration.read import read_configuration

CANARY = "cal_live_7f3a91c0ffee"
ENVIRONMENT = {"KEY_A": "cal_a", "SPACED": "two words"}
SECRET = (
    "a secret must not stand in this file, which is copied, mailed and kept in version control; "
    'write { env = "NAME_OF_A_VARIABLE" }, { file = "/path/to/a/file" } or { sealed = "..." }, and if it was in use, '
    "make a new one"
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
        (
            "calcom_api_key = 5",
            ':1: calcom_api_key: must be { env = "NAME_OF_A_VARIABLE" }, { file = "/path/to/a/file" } or { sealed = ',
        ),
        ("calcom_api_key = {}", ":1: calcom_api_key: must name either env, file or sealed"),
        ("calcom_api_key = { env = 'KEY_A', file = '/x' }", ":1: calcom_api_key: must name either env, file or sealed"),
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


HUNTER = "Hunter2isMyPassword"
CAPITALS = "JBSWY3DPEHPK3PXPJBSWY3DP"


@pytest.mark.parametrize("secret", [CANARY, HUNTER, CAPITALS, "12345678", "Hunter2!! =#"])
@pytest.mark.parametrize(
    "toml",
    [
        "retell_api_keys = [\n  { env = '%s' },\n]",
        "retell_api_keys = [\n  { env = 'KEY_A' },\n  { env = '%s' }\n]",
        "retell_api_keys = [\n  '%s',\n]",
        "retell_api_keys = [\n  { '%s' = 1 },\n]",
        "[[retell_api_keys]]\nenv = '%s'",
        "[calcom_webhook_secret]\nenv = '%s'",
        "[calcom_webhook_secret]\nfile = '%s'",
        "[calcom_webhook_secret]\nvalue = '%s'",
        "[calcom_webhook_secret]\n'%s' = 1",
        "[calcom_webhook_secret]\n'%s' = { x = '%s' }",
        "[calcom_webhook_secret.'%s']\nx = 1",
        "[tenants.calcom_webhook_secret]\n'%s' = 1",
        "calcom_webhook_secret.value = '%s'",
        "calcom_webhook = '%s'",
        "calcom_webhook = { env = '%s' }",
        "retell = '%s'",
        "retell = ['%s']",
        "hook = '%s'",
        "hook = '''\n%s'''",
        "calcom = '%s' # my own",
        "[hook]\nx = '%s'",
        "[[tenants]]\nid = 'a'\nname = 'A'\nhook = '%s'",
        "hook = '%s'\n[[tenants]]\nid = 'a'\nname = 'A'",
        "[[services]]\nname = 'x'\nhook = '%s'",
        "services = [{ name = 'x', hook = '%s' }]",
        "[policies]\ncalcom_api_key = '%s'",
        "[policies]\nretell_api_keys = ['%s']",
        # No TOML at all: there is nothing but the text to go by
        "retell_api_keys = [\n  { env = '%s'\n",
        "retell_api_keys = [\n  '%s'\n  '%s'\n]",
        "[calcom_webhook_secret]\nenv = %s",
        "[calcom_webhook_secret]\nfile = '/x'\nenv = %s",
        "[calcom_webhook_secret]\n%s",
        "calcom_webhook = %s",
    ],
)
def test_a_secret_in_the_wrong_place_is_not_told_either(toml: str, secret: str) -> None:
    """Not on a line of its own, not under a header, not at a misspelt key, and not where a key belongs."""
    bad = wrong(toml.replace("%s", secret))
    told = "\n".join(bad.told) + "\n".join(bad.line_of(one) or "" for one in bad.problems)
    assert secret not in told
    assert secret[:7] not in told, told


@pytest.mark.parametrize("secret", [CANARY, HUNTER, "key_0123456789abcdef", "deadbeef7deadbeef", "Hunter2"])
@pytest.mark.parametrize(
    "toml", ["%s = 1", "[%s]\nx = 1", "[[%s]]", "'%s' = ''", "[%s]\n[%s]", "x = { %s = 1, %s = 1 }"]
)
def test_a_secret_that_stands_as_a_key_is_not_told(toml: str, secret: str) -> None:
    """Pasted where its name should be. What looks like a word is told, so that it can be found."""
    bad = wrong(toml.replace("%s", secret))
    told = "\n".join(bad.told) + "\n".join(bad.line_of(one) or "" for one in bad.problems)
    assert secret not in told
    assert ":1: opening_hour: there is no such key; did you mean opening_hours?" in wrong("opening_hour = 1").told[0]
    assert ":1: colour: there is no such key" in wrong("colour = 1").told[0]


@pytest.mark.parametrize("name", ["NONE", "SALON_KEY", "SALON_2_KEY", "S3_KEY", "OAUTH2_CLIENT_SECRET_V2", "_X", "A1"])
def test_a_variable_that_is_not_set_is_named(name: str) -> None:
    """It is what has to be set, and a name is no secret."""
    bad = wrong(f"calcom_api_key = {{ env = '{name}' }}")
    assert f"the environment variable {name} is not set" in bad.told[0]
    assert bad.line_of(bad.problems[0]) == f"calcom_api_key = {{ env = '{name}' }}"


@pytest.mark.parametrize("name", [CAPITALS, "CAL_LIVE_7F3A91C0FFEE", "A" * 24, "X_" * 40, "K9QX7ZP2W4"])
def test_a_key_in_capitals_is_no_name_of_a_variable(name: str) -> None:
    """TOML and the rules for names would take it; so it is not repeated."""
    bad = wrong(f"calcom_api_key = {{ env = '{name}' }}")
    assert "the environment variable whose name is not shown, as it may be a secret, is not set" in bad.told[0]
    assert bad.line_of(bad.problems[0]) == "calcom_api_key = ***"


@pytest.mark.parametrize(
    ("toml", "shown"),
    [
        ("[calcom_webhook_secret]\nenv = 'SALON_KEY'", "env = 'SALON_KEY'"),
        ("[calcom_webhook_secret]\nfile = '/nowhere/x'", "file = '/nowhere/x'"),
        ("[calcom_webhook_secret]", "[calcom_webhook_secret]"),
        ("retell_api_keys = [\n  { env = 'SALON_KEY' },\n]", "  { env = 'SALON_KEY' },"),
        ("[calcom_webhook]\nenv = 'SALON_KEY'", "[calcom_webhook]"),
        ("retell_api_keys = [\n  { env = 'KEY_A' }, 5,\n]", "retell_api_keys = ["),
        ("retell_api_keys = 'hush'", "retell_api_keys = ***"),
        ("colour = 'red'", "colour = ***"),
        ("name = Salon", "name = Salon"),
        ("[opening_hours]\nmonday = ['9']\nx x", "x x"),
    ],
)
def test_what_names_only_where_a_secret_is_can_be_read(toml: str, shown: str) -> None:
    """Or nobody could mend it."""
    bad = wrong(toml)
    assert bad.line_of(bad.problems[0]) == shown


def test_of_two_problems_in_a_line_one_may_be_about_a_secret() -> None:
    """The line is the same for both, so it is hidden for both."""
    bad = wrong(f"services = [{{ name = 5, event_type_id = 1, duration_minutes = 1, hook = '{HUNTER}' }}]")
    assert len(bad.problems) == 2
    assert {bad.line_of(problem) for problem in bad.problems} == {"services = ***"}
